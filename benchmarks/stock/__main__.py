"""Stock conversion beside ours: what is refused, rejected by an engine, or means something else.

    make side-by-side [DATA=<folder with rules.tar.gz>]

Runs the traps' rules and the pack's rules; with DATA also converts a corpus of public rules and
asks the parsers. Writes ``results.json``, ``docs/stock.md`` and the table in README.md.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from conformance.compiling import corpus_counts
from hafnium.build import build
from hafnium.cli.common import HOUSE
from hafnium.loading import load_rules
from hafnium.samples import Scenario, scenarios
from hafnium.siem import backends
from hafnium.site import Site
from traps.load import traps

from .executed import Case, ours, stock
from .report import RESULTS, Results, write


def trap_cases() -> list[Case]:
    """The traps; ``name`` is the trap's."""
    return [Case(trap.name, trap.rules, trap.entries) for trap in traps()]


def pack_cases() -> list[Case]:
    """Every rule of the pack over the scenarios that say something of it."""
    loaded = load_rules([HOUSE / "rules"])
    found = [(s, s.entries()) for s in scenarios(HOUSE / "samples", loaded.rules)]
    return [
        Case(
            rule.name,
            [*rule.references, rule],
            [e for s, entries in found if _speaks(s, rule.id) for e in entries],
        )
        for rule in loaded.output
    ]


def _speaks(scenario: Scenario, rule_id: str) -> bool:
    return any(rule_id in said for said in (scenario.expect, scenario.near, scenario.episodes))


def compare(cases: Sequence[Case]) -> Results:
    """Case → target → verdicts, ours and stock's."""
    with tempfile.TemporaryDirectory() as folder:
        build([], list(backends().values()), Site(), Path(folder))
        return {
            case.name: {
                name: {
                    "ours": ours(backend, case),
                    "stock": stock(backend, case, Path(folder, name, "pipelines")),
                }
                for name, backend in backends().items()
            }
            for case in cases
        }


def main(data: Path | None) -> int:
    said = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    said["traps"] = compare(trap_cases())
    said["pack"] = compare(pack_cases())
    if data:
        said["corpus"] = corpus_counts(data)
    RESULTS.write_text(json.dumps(said, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    write(said)
    bad = Counter(
        verdicts["ours"]
        for part in ("traps", "pack")
        for targets in said[part].values()
        for verdicts in targets.values()
    )
    return 1 if bad["wrong"] or bad["rejected"] else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else None))

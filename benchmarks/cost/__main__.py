"""What a query costs: ours beside the stock conversion of the same rule, on ordinary traffic.

    make cost [ENTRIES=1000000] [RUNS=5]

Writes ``results.json`` and ``docs/cost.md``. An engine that is not installed is left out by name.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hafnium.build import build
from hafnium.cli.common import HOUSE
from hafnium.loading import load_rules
from hafnium.rule import Rule
from hafnium.siem import Backend, Record, backend, backends
from hafnium.site import Site

from .engines import Elasticsearch, Kql, Measured
from .queries import pairs
from .report import RESULTS, page
from .timing import Row, measured, median
from .traffic_records import Way, batches

TARGETS: dict[str, tuple[str, Callable[[], Measured]]] = {
    "Elasticsearch, ES|QL": ("elastic", Elasticsearch),
    "DuckDB, KQL": ("sentinel", Kql),
}


def rows(
    target: Backend, engine: Measured, rules: Sequence[Rule], entries: int, runs: int
) -> list[Row]:
    """What each rule's queries cost: first with what a stock pipeline reaches, so that both
    sides read the same; then ours alone, with the rest, for the rules that have no stock query."""
    seen: Counter[Way] = Counter()
    rest: list[Record] = []
    with tempfile.TemporaryDirectory() as folder:
        build([], list(backends().values()), Site(), Path(folder))
        pipelines = Path(folder, target.name, "pipelines")
        reached = {file.stem for file in pipelines.glob("*.yml")}
        engine.load(batches(target, entries, reached, seen, rest))
        found = pairs(target, engine.language, rules, seen, pipelines)
    done = measured(engine, [pair for pair in found if pair.stock], runs)
    engine.load([rest] if rest else [])
    return done + measured(engine, [pair for pair in found if not pair.stock], runs)


def main() -> int:
    """Measure what is installed; keep the last result of what is not."""
    parser = argparse.ArgumentParser(prog="python -m cost", description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--target", choices=[name for name, _ in TARGETS.values()])
    given = parser.parse_args()
    said = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {"targets": {}}
    rules = load_rules([HOUSE / "rules"]).output
    for title, (name, make) in TARGETS.items():
        if given.target in (None, name):
            found = rows(backend(name), make(), rules, given.entries, given.runs)
            said["targets"][title] = found
            said |= {"entries": given.entries, "runs": given.runs, "elasticsearch": _version()}
            write(said)
            print(f"{title}: median ratio {median(found)}", file=sys.stderr)
    return 0


def write(said: dict[str, Any]) -> None:
    """The results as data and as a page."""
    RESULTS.write_text(json.dumps(said, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    Path("docs/cost.md").write_text(page(said), encoding="utf-8")


def _version() -> str:
    """The version that ``make engines`` installs."""
    pom = HOUSE / "backends/elastic/elasticsearch/pom.xml"
    found = re.search(r"<elasticsearch\.version>([\d.]+)<", pom.read_text(encoding="utf-8"))
    return found[1] if found else ""


if __name__ == "__main__":
    sys.exit(main())

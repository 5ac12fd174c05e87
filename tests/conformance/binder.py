"""Microsoft's own KQL parser and binder on every query of the pack and of the traps.

    python -m conformance.binder

Needs Node and the package that ``make binder`` installs; without Node the run is skipped, by name.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from hafnium.backends.sentinel.tables import columns, tables
from hafnium.cli.common import HOUSE
from hafnium.errors import Refused
from hafnium.loading import load_rules
from hafnium.siem import backend
from hafnium.site import Site
from traps.load import traps

FOLDER = Path(__file__).parent / "kusto"


def available() -> bool:
    """Are Node and the parser's package there?"""
    return bool(shutil.which("node")) and (FOLDER / "node_modules").is_dir()


def diagnostics(queries: Sequence[str]) -> list[list[str]]:
    """Errors and warnings for each query, against the schemas of the workspace's tables."""
    schemas = {
        table: "(" + ", ".join(f"['{c}']:{kind}" for c, kind in columns(table).items()) + ")"
        for table in tables()
    }
    said = json.dumps({"tables": schemas, "queries": list(queries)})
    ran = subprocess.run(
        ["node", "check.cjs"], cwd=FOLDER, input=said, capture_output=True, text=True, check=True
    )
    answers: list[list[str]] = json.loads(ran.stdout)
    return answers


def main() -> int:
    if not available():
        print("skipped: Microsoft's KQL binder needs Node and `make binder`")
        return 0
    sentinel = backend("sentinel")
    queries = []
    rules = load_rules([HOUSE / "rules"]).rules + [r for trap in traps() for r in trap.rules]
    for rule in rules:
        try:
            queries.append(sentinel.compile(rule, Site()))
        except Refused as refused:
            print(f"refused: {refused}")
    answers = diagnostics([query.text for query in queries] + ["Nowhere | where x =~ 1"])
    assert answers.pop(), "the binder accepts a table that does not exist"
    wrong = 0
    for query, lines in zip(queries, answers, strict=True):
        for line in lines:
            print(f"{query.rule.name}: {query.rule.title}: {line}")
        wrong += bool(lines)
    print(f"KQL binder: {len(queries) - wrong} passed, {wrong} failed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

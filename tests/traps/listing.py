"""The list of traps with the tests that execute them, as ``docs/traps.md`` (``make docs``)."""

from __future__ import annotations

import re
from pathlib import Path

from hafnium.engines import engine_names
from traps.load import traps

FILE = Path("docs/traps.md")
TRAPPED = [*engine_names(), "eql", "lucene"]
"""The engines that every trap is executed in: those of every test run, and the other languages
that Elastic's queries can be had in."""
ELSEWHERE = {"B34": "concerns SQLite, which is no target here"}
_NAMED = re.compile(r"^def (test_(b\d+)_(\w+))\(", re.MULTILINE)


def listing(tests: Path) -> str:
    """The page. ``tests`` is the folder of the tests."""
    engines = ", ".join(TRAPPED)
    rows = [
        (trap.id, trap.title, f"test_trap[{trap.name}-*]", ", ".join(trap.refused) or "none")
        for trap in traps()
    ]
    source = (tests / "test_traps.py").read_text(encoding="utf-8")
    rows += [
        (number.upper(), words.replace("_", " "), name, "none")
        for name, number, words in _NAMED.findall(source)
    ]
    rows.sort(key=lambda row: (row[0][0], int(row[0][1:])))
    known = {row[0] for row in rows} | ELSEWHERE.keys()
    missing = {f"B{number}" for number in range(1, 39)} - known
    assert not missing, f"traps without a test: {sorted(missing)}"
    lines = [
        "# Conversion traps and their tests\n",
        "Ways in which a converted query comes to mean something else than its rule. Each is a",
        "rule with records that tell right from wrong (`tests/traps/traps.yml`), executed in every",
        f"engine ({engines}) by `tests/test_traps.py`. `make docs` renews this page.\n",
        "| trap | what must hold | test | refused by |\n|---|---|---|---|",
        *(f"| {number} | {title} | `{test}` | {by} |" for number, title, test, by in rows),
        *(f"| {number} | | {why} | |" for number, why in ELSEWHERE.items()),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(listing(Path("tests")), encoding="utf-8")

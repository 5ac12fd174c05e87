"""Run every real engine that is installed; renew docs/engines.md; exit with 1 on a difference.

python -m realengines [NAME…]

An engine that is missing is skipped by name, and what the document says of it stays.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from hafnium.cli.common import HOUSE
from hafnium.cli.test import not_run
from hafnium.engines import REFERENCE, matches, missing, real_engines
from hafnium.errors import EngineError, Refused
from hafnium.loading import load_rules
from hafnium.rule import Rule
from hafnium.samples import scenarios
from hafnium.verify import verify
from realengines.document import section, with_section
from traps.load import Trap, traps

DOCUMENT = Path("docs/engines.md")


def main(names: Sequence[str]) -> int:
    rules = load_rules([(HOUSE / "rules").resolve()]).rules
    passed = failed = skipped = 0
    for name in names or list(real_engines()):
        reason = missing(name)
        if reason is not None:
            print(f"skipped: {name}: {reason}")
            skipped += 1
            continue
        begin = time.perf_counter()
        right, wrong = run(name, rules)
        print(f"{name}: {time.perf_counter() - begin:.0f} s")
        passed, failed = passed + right, failed + wrong
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


def run(name: str, rules: list[Rule]) -> tuple[int, int]:
    """One engine: rules over samples, then the traps. How many were right and wrong."""
    siem, real = real_engines()[name]
    found = list(scenarios((HOUSE / "samples").resolve(), rules))
    report = verify(rules, found, [REFERENCE, name])
    differences = [str(difference) for difference in report.differences]
    declined = not_run(report)
    trapped = [(trap, *trap_in(name, trap)) for trap in traps()] if real.executes else []
    differences += [f"{name}: trap {trap.name}: {said}" for trap, said, kind in trapped if kind < 0]
    for line in [*differences, *(f"not run: {line}" for line in declined)]:
        print(line)
    text = DOCUMENT.read_text(encoding="utf-8")
    new = section(siem, real, report, [(trap.name, said) for trap, said, _ in trapped])
    DOCUMENT.write_text(with_section(text, real, new), encoding="utf-8", newline="\n")
    wrong = len(differences)
    cells = [report.cell(rule.id, name) for rule in rules if rule.output]
    right = sum(not (cell.wrong or cell.declined) for cell in cells)
    return right + sum(kind > 0 for *_, kind in trapped), wrong


def trap_in(name: str, trap: Trap) -> tuple[str, int]:
    """What an engine says of a trap, and 1 for right, 0 for not run, -1 for wrong."""
    siem, _ = real_engines()[name]
    refused: list[Refused] = []
    broken: list[EngineError] = []
    hits = matches(name, trap.rules, trap.entries, refused, broken)
    found = {frozenset(entry.position for entry in match.entries) for match in hits}
    if broken:
        return f"rejected: {broken[0]}", -1
    if refused:
        known = trap.refused.get(siem.name)
        reason = refused[0].reason
        return (f"refused: {reason}", 1) if known and known in reason else (f"not run: {reason}", 0)
    if found == trap.wanted:
        return "right", 1
    return f"found {sorted(map(sorted, found))}, not {sorted(map(sorted, trap.wanted))}", -1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

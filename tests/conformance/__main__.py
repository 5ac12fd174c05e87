"""Run the corpus and print the tables; exit with 1 when something does not conform.

python -m conformance DATA
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from conformance import corpus
from conformance.compiling import Compiled, compiled
from hafnium.engines import engine_names, matches, missing, real_engines
from hafnium.errors import EngineError, Refused
from hafnium.rule import Rule
from hafnium.siem import Backend, backends


def main(data: Path) -> int:
    with tempfile.TemporaryDirectory() as scratch:
        loaded = corpus.rules(data, Path(scratch))
        for error in loaded.errors:
            print(error)
        wrong = recorded(data, loaded.rules) + len(loaded.errors)
        for backend in backends().values():
            wrong += report(backend, compiled(backend, loaded.rules))
    return 1 if wrong else 0


def recorded(data: Path, rules: Sequence[Rule]) -> int:
    """Every engine on every recorded case. Returns the number of differences."""
    by_id = {rule.id: rule for rule in rules}
    real = [name for name, (_, each) in real_engines().items() if each.executes]
    engines = [*engine_names(), *(name for name in real if missing(name) is None)]
    right: Counter[str] = Counter()
    wrong = total = 0
    for case in corpus.cases(data):
        total += 1
        for engine in engines:
            refused: list[Refused] = []
            broken: list[EngineError] = []
            rule = by_id[case.rule_id]
            found = len(list(matches(engine, [rule], case.entries, refused, broken)))
            for error in broken:
                print(f"{engine}: {case.name}: {error}")
            if refused:
                print(f"{engine}: {case.name}: refused: {refused[0].reason}")
            elif found == case.count:
                right[engine] += 1
            else:
                print(f"{engine}: {case.name}: {found} matches instead of {case.count}")
                wrong += 1
    print("\n| engine | recorded cases right |\n|---|---|")
    for engine in engines:
        print(f"| {engine} | {right[engine]} of {total} |")
    return wrong


def report(backend: Backend, said: Compiled) -> int:
    """Print a target's table. Returns the number of rejected queries."""
    for name, reason in said.rejected[:20]:
        print(f"{backend.name}: {name}: {' '.join(reason.split())[:200]}")
    print(
        f"\n## {backend.name}: {said.seconds:.1f} s, {said.share:.1f} % of Windows and web rules\n"
    )
    print("| | compiled | refused | compiled, but not accepted by a parser |\n|---|---|---|---|")
    print(f"| hafnium | {said.ours.row()} |\n| stock | {said.stock.row()} |\n")
    for reason, count in said.reasons.most_common(25):
        print(f"- {count}: {reason}")
    return len(said.rejected)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

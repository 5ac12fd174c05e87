"""Run the corpus and print the tables; exit with 1 when something does not conform.

python -m conformance DATA
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from conformance import corpus, stock
from conformance.parsers import parser
from hafnium.engines import matches
from hafnium.errors import EngineError, Refused
from hafnium.rule import Rule
from hafnium.siem import Backend, backends
from hafnium.site import Site

Counts = Counter[str]


def main(data: Path) -> int:
    with tempfile.TemporaryDirectory() as scratch:
        loaded = corpus.rules(data, Path(scratch))
        for error in loaded.errors:
            print(error)
        wrong = recorded(data, loaded.rules) + len(loaded.errors)
        for backend in backends().values():
            wrong += compiled(backend, loaded.rules)
    return 1 if wrong else 0


def recorded(data: Path, rules: Sequence[Rule]) -> int:
    """Every engine on every recorded case. Returns the number of differences."""
    by_id = {rule.id: rule for rule in rules}
    right: Counts = Counter()
    wrong = total = 0
    for case in corpus.cases(data):
        total += 1
        for engine in ("sigma", *backends()):
            refused: list[Refused] = []
            try:
                found = len(list(matches(engine, [by_id[case.rule_id]], case.entries, refused)))
            except EngineError as error:
                print(f"{engine}: {case.name}: {error}")
                wrong += 1
                continue
            if refused:
                print(f"{engine}: {case.name}: refused: {refused[0].reason}")
            elif found == case.count:
                right[engine] += 1
            else:
                print(f"{engine}: {case.name}: {found} matches instead of {case.count}")
                wrong += 1
    print("\n| engine | recorded cases right |\n|---|---|")
    for engine in ("sigma", *backends()):
        print(f"| {engine} | {right[engine]} of {total} |")
    return wrong


def compiled(backend: Backend, rules: Sequence[Rule]) -> int:
    """Compile every rule, parse every query. Returns crashes and rejected queries."""
    ours, theirs = Counter[str](), Counter[str]()
    reasons, windows = Counter[str](), Counter[str]()
    begin = time.perf_counter()
    queries = []
    for rule in rules:
        near = _is_windows_or_web(rule)
        try:
            queries.append(backend.compile(rule, Site()))
        except Refused as refused:
            ours["refused"] += 1
            windows["refused"] += near
            reasons[refused.reason] += 1
        else:
            ours["compiled"] += 1
            windows["compiled"] += near
    seconds = time.perf_counter() - begin
    for query in queries:
        reason = parser(query.language)(query.text)
        if reason:
            ours["not accepted"] += 1
            print(f"{backend.name}: {query.rule.path.name}: {' '.join(reason.split())[:200]}")
    for rule in rules:
        theirs[_stock(backend.name, rule)] += 1
    _print(backend.name, ours, theirs, windows, reasons, seconds)
    return ours["not accepted"]


def _stock(target: str, rule: Rule) -> str:
    try:
        language, text = stock.convert(target, rule)
    except Exception:
        return "refused"
    return "not accepted" if parser(language)(text) else "compiled"


def _is_windows_or_web(rule: Rule) -> bool:
    said = rule.logsource
    return said.product == "windows" or said.category in ("webserver", "proxy", "antivirus")


def _print(
    target: str,
    ours: Counts,
    theirs: Counts,
    windows: Counts,
    reasons: Counts,
    seconds: float,
) -> None:
    share = 100 * windows["compiled"] / max(1, windows.total())
    print(f"\n## {target}: {seconds:.1f} s, {share:.1f} % of the Windows and web rules\n")
    print("| | compiled | refused | compiled, but not accepted by a parser |\n|---|---|---|---|")
    kept = ours["compiled"] - ours["not accepted"]
    print(f"| hafnium | {kept} | {ours['refused']} | {ours['not accepted']} |")
    print(f"| stock | {theirs['compiled']} | {theirs['refused']} | {theirs['not accepted']} |\n")
    for reason, count in reasons.most_common(25):
        print(f"- {count}: {reason}")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

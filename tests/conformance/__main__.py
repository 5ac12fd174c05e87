"""Run the corpus and print the tables; exit with 1 when something does not conform.

python -m conformance DATA
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from conformance import corpus, stock
from conformance.parsers import check
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
    for engine in ("sigma", *backends()):
        print(f"| {engine} | {right[engine]} of {total} |")
    return wrong


def compiled(backend: Backend, rules: Sequence[Rule]) -> int:
    """Compile every rule, parse every query. Returns the number of rejected queries."""
    ours = Table()
    reasons: Counts = Counter()
    windows: Counts = Counter()
    begin = time.perf_counter()
    for rule in rules:
        near = _is_windows_or_web(rule)
        try:
            query = backend.compile(rule, Site())
        except Refused as refused:
            ours.counts["refused"] += 1
            windows["refused"] += near
            reasons[refused.reason] += 1
        else:
            ours.add(rule, query.language, query.text)
            ours.macros.update(query.context.get("macros", {}))
            windows["compiled"] += near
    seconds = time.perf_counter() - begin
    rejected = ours.parse()
    for name, reason in rejected[:20]:
        print(f"{backend.name}: {name}: {' '.join(reason.split())[:200]}")
    theirs = Table()
    for rule in rules:
        try:
            theirs.add(rule, *stock.convert(backend.name, rule))
        except Exception:  # whatever it raises, the rule was refused
            theirs.counts["refused"] += 1
    theirs.parse()
    share = 100 * windows["compiled"] / max(1, windows.total())
    print(f"\n## {backend.name}: {seconds:.1f} s, {share:.1f} % of the Windows and web rules\n")
    print("| | compiled | refused | compiled, but not accepted by a parser |\n|---|---|---|---|")
    print(f"| hafnium | {ours.row()} |\n| stock | {theirs.row()} |\n")
    for reason, count in reasons.most_common(25):
        print(f"- {count}: {reason}")
    return len(rejected)


@dataclass
class Table:
    """Queries by language, and what became of the rules."""

    counts: Counts = field(default_factory=Counter)
    texts: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    macros: dict[str, str] = field(default_factory=dict)

    def add(self, rule: Rule, language: str, text: str) -> None:
        self.counts["compiled"] += 1
        self.texts.setdefault(language, []).append((rule.path.name, text))

    def parse(self) -> list[tuple[str, str]]:
        """Names of the rules whose query a parser rejects, with its reason."""
        rejected = []
        for language, pairs in sorted(self.texts.items()):
            reasons = check(language, [text for _, text in pairs], self.macros)
            rejected += [
                (name, reason) for (name, _), reason in zip(pairs, reasons, strict=True) if reason
            ]
        self.counts["rejected"] = len(rejected)
        return rejected

    def row(self) -> str:
        kept = self.counts["compiled"] - self.counts["rejected"]
        return f"{kept} | {self.counts['refused']} | {self.counts['rejected']}"


def _is_windows_or_web(rule: Rule) -> bool:
    said = rule.logsource
    return said.product == "windows" or said.category in ("webserver", "proxy", "antivirus")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

"""The proof: all rules over all samples in all engines, compared with what is expected.

The matcher is held against ``expected.yml``, every other engine against the matcher. An engine
is run once for each way in which its SIEM stores an entry (`hafnium.siem.Record`); for a way
that does not keep some fields, the matcher is asked about the entry without them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from hafnium.engines import REFERENCE, Engine, ways
from hafnium.entries import Entry
from hafnium.errors import Refused
from hafnium.matcher import Match, Matcher
from hafnium.rule import Rule
from hafnium.samples import Place, Scenario
from hafnium.siem import backends

Key = tuple[str, frozenset[Place]]
"""Rule id and the places of what was found (one place for a detection)."""


@dataclass(frozen=True, order=True)
class Difference:
    """``kind``: missing, unexpected, refused, or broken (the engine rejected the query)."""

    scenario: str
    engine: str
    rule: str
    kind: str
    places: tuple[Place, ...] = ()
    detail: str = ""

    def __str__(self) -> str:
        where = ", ".join(f"{self.scenario}/{source}:{line}" for source, line in self.places)
        text = f"{self.engine}: {self.rule}: {self.kind}"
        if where or self.scenario:
            text += f" {where or self.scenario}"
        return text + (f" ({self.detail})" if self.detail else "")


@dataclass
class Cell:
    """One rule in one engine: entries that matched as they should, near misses and other
    entries that stayed silent as they should, and what went wrong."""

    positives: int = 0
    near: int = 0
    others: int = 0
    wrong: int = 0
    refused: bool = False


@dataclass
class Report:
    """The matrix, keyed by (rule id, engine), and every difference."""

    rules: Sequence[Rule]
    engines: Sequence[str]
    cells: dict[tuple[str, str], Cell] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)

    def cell(self, rule: str, engine: str) -> Cell:
        return self.cells.setdefault((rule, engine), Cell())

    def differ(self, rule: Rule, difference: Difference) -> None:
        self.differences.append(difference)
        self.cell(rule.id, difference.engine.split("/")[0]).wrong += 1


def verify(
    rules: Sequence[Rule],
    scenarios: Sequence[Scenario],
    engines: Sequence[str],
    step: Callable[[str], None] = lambda what: None,
) -> Report:
    """Run everything. ``step`` is told before each scenario × engine."""
    report = Report(rules, engines)
    compiled = {name: _compile(name, rules, report) for name in engines if name != REFERENCE}
    for scenario in scenarios:
        entries = scenario.entries()
        bench = _Bench(scenario, entries, rules, report)
        for name in engines:
            step(f"{scenario.name} in {name}")
            if name == REFERENCE:
                bench.reference()
            else:
                bench.engine(compiled[name])
    return report


def _compile(name: str, rules: Sequence[Rule], report: Report) -> Engine:
    refused: list[Refused] = []
    engine = Engine(backends()[name], rules, refused)
    by_path = {str(rule.path): rule for rule in rules}
    for error in refused:
        rule = by_path[error.file or ""]
        report.cell(rule.id, name).refused = True
        report.differ(rule, Difference("", name, rule.name, "refused", detail=error.reason))
    return engine


class _Bench:
    """One scenario's entries, with what the matcher says of them."""

    def __init__(
        self, scenario: Scenario, entries: Sequence[Entry], rules: Sequence[Rule], report: Report
    ) -> None:
        self.scenario = scenario
        self.entries = entries
        self.rules = {rule.id: rule for rule in rules}
        self.matcher = Matcher(rules)
        self.report = report
        self.said = self._keys(self.matcher.scan(entries))

    def _keys(self, found: Iterable[Match]) -> set[Key]:
        return {
            (match.rule.id, frozenset(self.scenario.place(e) for e in match.entries))
            for match in found
        }

    def reference(self) -> None:
        """The matcher against ``expected.yml``."""
        wanted = {
            (rule, frozenset((place,)))
            for rule, places in self.scenario.expect.items()
            for place in places
        } | {(rule, ep) for rule, episodes in self.scenario.episodes.items() for ep in episodes}
        self._compare(REFERENCE, wanted, self.said)
        for refused in self.matcher.refused:
            rule = next(r for r in self.rules.values() if str(r.path) == refused.file)
            difference = Difference(
                self.scenario.name, REFERENCE, rule.name, "refused", detail=refused.reason
            )
            self.report.differ(rule, difference)

    def engine(self, engine: Engine) -> None:
        """A SIEM's engine against the matcher, one way in after the other."""
        name = engine.backend.name
        for way in range(ways(engine.backend, self.entries)):
            label = name if way == 0 else f"{name}/{way + 1}"
            found = self._keys(engine.scan(self.entries, way))
            self._broken(engine, label)
            ran = [*engine.queries, *(engine.correlations if way == 0 else ())]
            compiled = {query.rule.id for query in ran}
            wanted = self.said if way == 0 else self._reduced(engine, way)
            wanted = {key for key in wanted if key[0] in compiled}
            self._compare(label, wanted, found, count=way == 0, rules=compiled)

    def _broken(self, engine: Engine, label: str) -> None:
        for rule_id, error in engine.broken.items():
            rule = self.rules[rule_id]
            self.report.differ(
                rule,
                Difference(self.scenario.name, label, rule.name, "broken", detail=str(error)),
            )

    def _reduced(self, engine: Engine, way: int) -> set[Key]:
        """What the matcher says of the entries as another way in keeps them, for the rules
        whose query searches that way."""
        searched = {query.rule.id: set(query.sources) for query in engine.queries}
        wanted: set[Key] = set()
        for entry in self.entries:
            recorded = engine.backend.record(entry)
            if way >= len(recorded):
                continue
            record = recorded[way]
            for match in self.matcher.detect(entry, record.lost):
                if record.path in searched.get(match.rule.id, ()):
                    place = self.scenario.place(entry)
                    wanted.add((match.rule.id, frozenset((place,))))
        return wanted

    def _compare(
        self,
        engine: str,
        wanted: set[Key],
        found: set[Key],
        *,
        count: bool = True,
        rules: set[str] | None = None,
    ) -> None:
        for kind, keys in (("missing", wanted - found), ("unexpected", found - wanted)):
            for rule_id, places in sorted(keys, key=lambda k: (k[0], sorted(k[1]))):
                rule = self.rules[rule_id]
                difference = Difference(
                    self.scenario.name, engine, rule.name, kind, tuple(sorted(places))
                )
                self.report.differ(rule, difference)
        if count:
            self._count(engine, wanted & found, found, rules)

    def _count(self, engine: str, right: set[Key], found: set[Key], rules: set[str] | None) -> None:
        hits: dict[str, set[Place]] = {}
        for rule_id, places in found:
            hits.setdefault(rule_id, set()).update(places)
        for rule in self.rules.values():
            if not rule.output or (rules is not None and rule.id not in rules):
                continue
            cell = self.report.cell(rule.id, engine)
            near = self.scenario.near.get(rule.id, set()) - hits.get(rule.id, set())
            positives = sum(1 for rule_id, _ in right if rule_id == rule.id)
            cell.positives += positives
            cell.near += len(near)
            cell.others += len(self.entries) - len(hits.get(rule.id, ())) - len(near)

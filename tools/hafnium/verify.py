"""The proof: all rules over all samples in all engines, compared with what is expected.

The matcher is held against ``expected.yml``, every other engine against the matcher. An engine
is run once for each way in which its SIEM stores an entry (`hafnium.siem.Record`); for a way
that does not keep some fields, the matcher is asked about the entry without them. An engine that
is not installed is skipped, and the report says so.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field

from hafnium.engines import REFERENCE, Engine, engine, missing, ways
from hafnium.errors import EngineError, Refused
from hafnium.matcher import Match, Matcher
from hafnium.rule import Rule
from hafnium.samples import Place, Scenario
from hafnium.siem import backends

Key = tuple[str, frozenset[Place]]
"""Rule id and the places of what was found (one place for a detection)."""


@dataclass(frozen=True, order=True)
class Difference:
    """``kind``: missing, unexpected, refused, or broken (the engine rejected the query)."""

    engine: str
    rule: str
    kind: str
    places: tuple[Place, ...] = ()
    detail: str = ""

    def __str__(self) -> str:
        where = ", ".join(f"{source}:{line}" for source, line in self.places)
        detail = f"({self.detail})" if self.detail else ""
        return " ".join(filter(None, (f"{self.engine}: {self.rule}: {self.kind}", where, detail)))


@dataclass
class Cell:
    """One rule in one engine: entries that matched as they should, near misses and other
    entries that stayed silent as they should, and what went wrong. ``declined`` is why a real
    engine cannot take the query at all: no difference, but no proof either. ``read`` says that
    the engine accepts the query, and runs none."""

    positives: int = 0
    near: int = 0
    others: int = 0
    wrong: int = 0
    refused: bool = False
    declined: str = ""
    read: bool = False


@dataclass
class Report:
    """The matrix, keyed by (rule id, engine), and every difference.

    ``engines`` were run; ``skipped`` are those that are not installed, with the reason.
    """

    rules: Sequence[Rule]
    engines: Sequence[str]
    skipped: Mapping[str, str] = field(default_factory=dict)
    cells: dict[tuple[str, str], Cell] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)

    def cell(self, rule: str, engine: str) -> Cell:
        return self.cells.setdefault((rule, engine), Cell())

    def differ(
        self,
        rule_id: str,
        engine: str,
        kind: str,
        places: tuple[Place, ...] = (),
        detail: str = "",
    ) -> None:
        """Note a difference; ``engine`` may name a way in (``sentinel/2``)."""
        name = next(rule.name for rule in self.rules if rule.id == rule_id)
        self.differences.append(Difference(engine, name, kind, places, detail))
        self.cell(rule_id, engine.split("/", maxsplit=1)[0]).wrong += 1

    def refuse(self, engine: str, refused: Sequence[Refused]) -> None:
        """Note rules that an engine cannot run at all."""
        by_path = {str(rule.path): rule.id for rule in self.rules}
        for error in refused:
            rule_id = by_path[error.file or ""]
            self.cell(rule_id, engine).refused = True
            self.differ(rule_id, engine, "refused", detail=error.reason)


def verify(
    rules: Sequence[Rule],
    scenarios: Sequence[Scenario],
    engines: Sequence[str],
    step: Callable[[str], None] = lambda what: None,
) -> Report:
    """Run everything. ``step`` is told before each piece of work.

    Raises `hafnium.errors.ReadError` for a sample that cannot be read, `EngineError` when an
    engine that is installed does not start or dies.
    """
    absent = {name: missing(name) for name in engines}
    skipped = {name: reason for name, reason in absent.items() if reason is not None}
    report = Report(rules, [name for name in engines if name not in skipped], skipped)
    step("reading the samples")
    bench = _Bench(scenarios, report)
    jobs = list(_jobs(rules, report.engines))
    for done, part in enumerate(_parts(bench, jobs), 1):
        step(f"done: {', '.join(part.engines)} ({done} of {len(jobs)})")
        report.cells |= part.cells
        report.differences += part.differences
    return report


MOST_SHARES = 4
"""Each share records and loads all entries anew, which costs time and memory."""
Job = tuple[str, Sequence[Rule]]
"""An engine, and the rules that it runs in one process."""


def _jobs(rules: Sequence[Rule], engines: Sequence[str]) -> Iterator[Job]:
    """A light engine shares its rules out over the processors; the matcher has said all it says
    already, and a real engine is started once."""
    light = backends()
    for name in sorted(engines, key=lambda name: name not in light):
        number = min(os.cpu_count() or 1, MOST_SHARES)
        shares = _shares(rules, number) if name in light else [rules]
        yield from ((name, share) for share in shares)


def _shares(rules: Sequence[Rule], number: int) -> list[list[Rule]]:
    """The rules in ``number`` shares at most; a correlation stays with what it refers to."""
    families: list[list[Rule]] = []
    for rule in rules:
        refers = {rule.id, *(reference.id for reference in rule.references)}
        joined = [rule]
        apart = []
        for family in families:
            related = any(
                member.id in refers or any(r.id == rule.id for r in member.references)
                for member in family
            )
            if related:
                joined += family
            else:
                apart.append(family)
        families = [*apart, joined]
    shares: list[list[Rule]] = [[] for _ in range(number)]
    for family in sorted(families, key=len, reverse=True):
        min(shares, key=len).extend(family)
    return [share for share in shares if share]


def _parts(bench: _Bench, jobs: Sequence[Job]) -> Iterator[Report]:
    """A report for each job; several at a time where processes can share what was read."""
    workers = min(len(jobs), os.cpu_count() or 1)
    if workers < 2 or "fork" not in multiprocessing.get_all_start_methods():
        for name, rules in jobs:
            yield bench.one(name, rules)
        return
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(workers, context, _SHARED.append, ((bench, jobs),)) as pool:
        try:
            yield from pool.map(_shared, range(len(jobs)))
        except BrokenProcessPool as error:
            mend = "run one engine at a time (--engine) if memory is short"
            raise EngineError("the process of an engine died", mend=mend) from error


_SHARED: list[tuple[_Bench, Sequence[Job]]] = []
"""What a worker process was forked with; empty in any other process."""


def _shared(number: int) -> Report:
    bench, jobs = _SHARED[0]
    return bench.one(*jobs[number])


class _Bench:
    """All scenarios, with what the matcher says of them.

    Detections are run over all scenarios at once, correlations over each by itself.
    """

    def __init__(self, scenarios: Sequence[Scenario], report: Report) -> None:
        self.scenarios = scenarios
        self.report = report
        self.parts = [scenario.entries() for scenario in scenarios]
        self.entries = [entry for part in self.parts for entry in part]
        self.places = {
            id(entry): scenario.place(entry)
            for scenario, part in zip(scenarios, self.parts, strict=True)
            for entry in part
        }
        self.matcher = Matcher(report.rules)
        self.said = {key for part in self.parts for key in self._keys(self.matcher.scan(part))}

    def _keys(self, found: Iterable[Match]) -> set[Key]:
        return {
            (match.rule.id, frozenset(self.places[id(e)] for e in match.entries)) for match in found
        }

    def one(self, name: str, rules: Sequence[Rule]) -> Report:
        """The report of one engine on some of the rules."""
        self.report = Report(self.report.rules, [name])
        if name == REFERENCE:
            self.reference()
        else:
            refused: list[Refused] = []
            self.run(engine(name, rules, refused), Matcher(rules))
            self.report.refuse(name, refused)
        return self.report

    def reference(self) -> None:
        """The matcher against ``expected.yml``."""
        wanted: set[Key] = set()
        for scenario in self.scenarios:
            for rule, places in scenario.expect.items():
                wanted |= {(rule, frozenset((place,))) for place in places}
            for rule, episodes in scenario.episodes.items():
                wanted |= {(rule, episode) for episode in episodes}
        self.report.refuse(REFERENCE, self.matcher.refused)
        self._compare(REFERENCE, wanted, self.said)
        self._count(REFERENCE, wanted & self.said, self.said)

    def run(self, engine: Engine, matcher: Matcher) -> None:
        """A SIEM's engine against the matcher of its rules, one way in after the other."""
        name = engine.name
        for rule_id, reason in engine.declined.items():
            self.report.cell(rule_id, name).declined = reason.reason
        if engine.executes:
            self._execute(engine, matcher)
        else:
            self._read(engine)
        for rule_id, error in engine.broken.items():
            self.report.differ(rule_id, name, "broken", detail=str(error))

    def _read(self, engine: Engine) -> None:
        engine.read()
        for query in (*engine.queries, *engine.correlations):
            self.report.cell(query.rule.id, engine.name).read = query.rule.id not in engine.broken

    def _execute(self, engine: Engine, matcher: Matcher) -> None:
        name = engine.name
        compiled = {query.rule.id for query in (*engine.queries, *engine.correlations)}
        wanted = {key for key in self.said if key[0] in compiled}
        detected = list(engine.detect(self.entries))
        found = self._keys(match for match in detected if match.rule.output)
        for part in self.parts:
            members = {id(entry) for entry in part}
            inside = [match for match in detected if id(match.entries[0]) in members]
            found |= self._keys(engine.correlate(inside))
        self._compare(name, wanted, found)
        self._count(name, wanted & found, found, compiled)
        for way in range(1, ways(engine.backend, self.entries)):
            found = self._keys(m for m in engine.detect(self.entries, way) if m.rule.output)
            self._compare(f"{name}/{way + 1}", self._reduced(engine, matcher, way), found)

    def _reduced(self, engine: Engine, matcher: Matcher, way: int) -> set[Key]:
        """What the matcher says of the entries as another way in keeps them, for the rules
        whose query searches that way."""
        searched = {query.rule.id: set(query.sources) for query in engine.queries}
        wanted: set[Key] = set()
        for entry in self.entries:
            recorded = engine.backend.record(entry)
            if way >= len(recorded):
                continue
            record = recorded[way]
            for match in matcher.detect(entry, record.lost):
                if record.path in searched.get(match.rule.id, ()):
                    wanted.add((match.rule.id, frozenset((self.places[id(entry)],))))
        return wanted

    def _compare(self, engine: str, wanted: set[Key], found: set[Key]) -> None:
        for kind, keys in (("missing", wanted - found), ("unexpected", found - wanted)):
            for rule_id, places in sorted(keys, key=lambda k: (k[0], sorted(k[1]))):
                self.report.differ(rule_id, engine, kind, tuple(sorted(places)))

    def _count(
        self, engine: str, right: set[Key], found: set[Key], rules: set[str] | None = None
    ) -> None:
        hits: dict[str, set[Place]] = {}
        for rule_id, places in found:
            hits.setdefault(rule_id, set()).update(places)
        near: dict[str, set[Place]] = {}
        for scenario in self.scenarios:
            for rule_id, at in scenario.near.items():
                near.setdefault(rule_id, set()).update(at)
        for rule in self.report.rules:
            if rule.output and (rules is None or rule.id in rules):
                cell = self.report.cell(rule.id, engine)
                hit = hits.get(rule.id, set())
                cell.positives = sum(1 for rule_id, _ in right if rule_id == rule.id)
                cell.near = len(near.get(rule.id, set()) - hit)
                cell.others = len(self.entries) - len(hit) - cell.near

"""Rules over entries in any engine, behind one interface.

``sigma`` is the matcher; every other engine is a SIEM's: the rule is compiled, the entries are
recorded as that SIEM stores them, and the shipped text runs in the engine for its language.
A SIEM has a light engine of its own name, which is always there, and may have real ones, which
have to be installed (`hafnium.siem.RealEngine`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from hafnium.entries import Entry
from hafnium.errors import EngineError, Refused, UsageError
from hafnium.matcher import Match, Matcher
from hafnium.matcher.conditions import Fields
from hafnium.matcher.correlation import Correlation
from hafnium.rule import Rule
from hafnium.siem import Backend, Query, RealEngine, Record, Replay, backends
from hafnium.site import Site
from hafnium.taxonomy import Event, shape_of, views

REFERENCE = "sigma"
BATCH = 20_000
"""Entries that are recorded and replayed at a time, so that memory stays flat."""


def engine_names() -> list[str]:
    """The engines of every test run: the reference, then every SIEM's light engine."""
    return [REFERENCE, *backends()]


def real_engines() -> dict[str, tuple[Backend, RealEngine]]:
    """The engines that have to be installed, each with its SIEM, by name."""
    return {real.name: (siem, real) for siem in backends().values() for real in siem.engines}


def check_name(name: str) -> None:
    """Raises `UsageError` when there is no engine of that name."""
    known = [*engine_names(), *real_engines()]
    if name not in known:
        raise UsageError(f"no engine {name!r}", mend=f"known: {', '.join(known)}")


def missing(name: str) -> str | None:
    """Why an engine cannot run here; None when it is installed. Raises `UsageError`."""
    check_name(name)
    _, real = real_engines().get(name, (None, None))
    return real.missing() if real else None


def engine(name: str, rules: Sequence[Rule], refused: list[Refused]) -> Engine:
    """A SIEM's engine, light or real, with the rules compiled. Raises `UsageError`."""
    check_name(name)
    if name in backends():
        return Engine(backends()[name], rules, refused)
    siem, real = real_engines()[name]
    return Engine(siem, rules, refused, real=real)


def matches(
    name: str,
    rules: Sequence[Rule],
    entries: Iterable[Entry],
    refused: list[Refused],
    broken: list[EngineError],
) -> Iterator[Match]:
    """What the rules find, said by an engine. Rules that it cannot run go to ``refused``, what
    it said of queries that it rejected to ``broken``; the other rules are run all the same.
    Raises `UsageError`."""
    if name == REFERENCE:
        matcher = Matcher(rules)
        refused.extend(matcher.refused)
        yield from matcher.scan(entries)
        return
    siem = engine(name, rules, refused)
    if not siem.executes:
        raise UsageError(f"the engine {name} reads queries and does not run them")
    refused.extend(siem.declined.values())
    yield from siem.scan(entries)
    broken.extend(siem.broken.values())


def event_of(rule: Rule, entry: Entry) -> Event | None:
    """The entry as the rule's log source shows it; None when it does not serve it."""
    for view in views(shape_of(entry)):
        if rule.logsource.covers(view.logsource):
            event = view.of(entry)
            if event is not None:
                return event
    return None


class Engine:
    """A SIEM's compiled rules, run on entries in its light engine, or in a real one.

    ``queries`` are the detections, ``correlations`` the rest. By rule id, ``declined`` holds why
    a real engine cannot take a query that is good for the SIEM, and ``broken`` what the engine
    said of a query that it rejected; such a query is not run again.
    """

    def __init__(
        self,
        backend: Backend,
        rules: Sequence[Rule],
        refused: list[Refused],
        site: Site | None = None,
        real: RealEngine | None = None,
    ) -> None:
        self.backend = backend
        self.name = real.name if real else backend.name
        self.executes = real.executes if real else True
        self._replay = real.replay if real else backend.replay
        self.queries: list[Query] = []
        self.correlations: list[Query] = []
        self.declined: dict[str, Refused] = {}
        self.broken: dict[str, EngineError] = {}
        self._asked: set[str] = set()
        """Correlations that were put to the engine: nothing is found among no events."""
        site = site or (real.site if real else Site())
        for rule in rules:
            try:
                query = backend.compile(rule, site)
            except Refused as error:
                refused.append(error)
                continue
            reason = real.refuses(query) if real else None
            if reason is not None:
                self.declined[rule.id] = Refused(reason, file=rule.path)
            else:
                (self.correlations if rule.correlation else self.queries).append(query)

    def read(self) -> None:
        """Put every query to the engine without any record: what it rejects is ``broken``."""
        replay = self._replay(())
        for query in (*self.queries, *self.correlations):
            self._search(replay, query)

    def scan(self, entries: Iterable[Entry]) -> Iterator[Match]:
        """What the rules find by the usual way in: detections, then correlations."""
        base = {r.id for query in self.correlations for r in query.rule.references}
        counted: list[Match] = []
        for match in self.detect(entries):
            if match.rule.id in base:
                counted.append(match)
            if match.rule.output:
                yield match
        yield from self.correlate(counted)

    def detect(self, entries: Iterable[Entry], way: int = 0) -> Iterator[Match]:
        """The detections, those that only serve a correlation included, batch by batch.

        ``way`` chooses the way in: 0 is each entry's usual record, 1 the next one …
        """
        stream = iter(entries)
        while batch := list(islice(stream, BATCH)):
            replay, owners = self._load(batch, way)
            for query in self.queries:
                for hit in self._search(replay, query):
                    entry = owners[hit[0]]
                    yield Match(query.rule, (entry,), event_of(query.rule, entry))

    def correlate(self, found: Sequence[Match]) -> Iterator[Match]:
        """The correlations among detections.

        An episode counts as found when the engine's own query fired inside it; a hit that lies
        in no episode is reported as it is, so that it shows up as a difference.
        """
        for query in self.correlations:
            correlation = Correlation(query.rule)
            entries: dict[int, Entry] = {}
            for index, reference in enumerate(query.rule.references):
                for match in found:
                    if match.rule.id == reference.id:
                        (entry,) = match.entries
                        entries[id(entry)] = entry
                        correlation.add(index, entry, fields_of(match))
            if not entries and query.rule.id in self._asked:
                continue
            self._asked.add(query.rule.id)
            replay, owners = self._load(list(entries.values()), 0)
            hits = [tuple(owners[n] for n in hit) for hit in self._search(replay, query)]
            inside: set[int] = set()
            for episode in correlation.findings():
                members = {id(entry) for entry in episode}
                fired = {n for n, hit in enumerate(hits) if {id(e) for e in hit} <= members}
                if fired:
                    inside |= fired
                    yield Match(query.rule, episode)
            for number, hit in enumerate(hits):
                if number not in inside:
                    yield Match(query.rule, hit)

    def _search(self, replay: Replay, query: Query) -> list[tuple[int, ...]]:
        if query.rule.id in self.broken:
            return []
        try:
            return sorted(set(replay.search(query)))
        except EngineError as error:
            self.broken[query.rule.id] = error
            return []

    def _load(self, entries: Sequence[Entry], way: int) -> tuple[Replay, list[Entry]]:
        owners: list[Entry] = []
        records: list[Record] = []
        for entry in entries:
            recorded = self.backend.record(entry)
            if way < len(recorded):
                owners.append(entry)
                records.append(recorded[way])
        return self._replay(records), owners


def fields_of(match: Match) -> Fields:
    """The fields of a detection's event, as correlations group by them."""
    (entry,) = match.entries
    return Fields(match.event.fields if match.event else entry.fields, entry.host)


def ways(backend: Backend, entries: Sequence[Entry]) -> int:
    """The largest number of records that the SIEM keeps of one entry."""
    return max((len(backend.record(entry)) for entry in entries), default=0)

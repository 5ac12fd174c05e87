"""Rules over entries in any engine, behind one interface.

``sigma`` is the matcher; every other engine is a SIEM's: the rule is compiled, the entries are
recorded as that SIEM stores them, and the shipped text runs in the engine for its language.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from hafnium.entries import Entry
from hafnium.errors import EngineError, Refused, UsageError
from hafnium.matcher import Match, Matcher
from hafnium.matcher.conditions import Fields
from hafnium.matcher.correlation import Correlation
from hafnium.rule import Rule
from hafnium.siem import Backend, Query, Record, Replay, backends
from hafnium.site import Site
from hafnium.taxonomy import Event, shape_of, views

REFERENCE = "sigma"
BATCH = 20_000
"""Entries that are recorded and replayed at a time, so that memory stays flat."""


def engine_names() -> list[str]:
    """The reference, then every SIEM."""
    return [REFERENCE, *backends()]


def matches(
    engine: str, rules: Sequence[Rule], entries: Iterable[Entry], refused: list[Refused]
) -> Iterator[Match]:
    """What the rules find, said by an engine. Rules that it cannot run go to ``refused``."""
    if engine == REFERENCE:
        matcher = Matcher(rules)
        refused.extend(matcher.refused)
        yield from matcher.scan(entries)
        return
    if engine not in backends():
        raise UsageError(f"no engine {engine!r}", mend=f"known: {', '.join(engine_names())}")
    siem = Engine(backends()[engine], rules, refused)
    yield from siem.scan(entries)
    for error in siem.broken.values():
        raise error


def event_of(rule: Rule, entry: Entry) -> Event | None:
    """The entry as the rule's log source shows it; None when it does not serve it."""
    for view in views(shape_of(entry)):
        if rule.logsource.covers(view.logsource):
            event = view.of(entry)
            if event is not None:
                return event
    return None


@dataclass
class _Counted:
    """A correlation with what its base rules found so far, by this engine."""

    query: Query
    correlation: Correlation
    entries: dict[int, Entry] = field(default_factory=dict)


class Engine:
    """A SIEM's compiled rules, run on entries in the engine for its language.

    ``broken`` holds, by rule id, what the engine said of a query that it rejected; such a
    query is not run again.
    """

    def __init__(
        self,
        backend: Backend,
        rules: Sequence[Rule],
        refused: list[Refused],
        site: Site | None = None,
    ) -> None:
        self.backend = backend
        self.queries: list[Query] = []
        self.broken: dict[str, EngineError] = {}
        self._counted: list[_Counted] = []
        site = site or Site()
        for rule in rules:
            try:
                query = backend.compile(rule, site)
            except Refused as error:
                refused.append(error)
                continue
            if rule.correlation:
                self._counted.append(_Counted(query, Correlation(rule)))
            else:
                self.queries.append(query)

    def scan(self, entries: Iterable[Entry], way: int = 0) -> Iterator[Match]:
        """Detections batch by batch, then the correlations.

        ``way`` chooses the way in: 0 is each entry's usual record, 1 the next one …
        """
        stream = iter(entries)
        while batch := list(islice(stream, BATCH)):
            yield from self._detect(batch, way)
        if way == 0:
            yield from self._correlate()

    @property
    def correlations(self) -> list[Query]:
        """The compiled correlations; they run on the usual way in only."""
        return [counted.query for counted in self._counted]

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
        return self.backend.replay(records), owners

    def _detect(self, batch: Sequence[Entry], way: int) -> Iterator[Match]:
        replay, owners = self._load(batch, way)
        for query in self.queries:
            for hit in self._search(replay, query):
                yield from self._found(query.rule, owners[hit[0]])

    def _found(self, rule: Rule, entry: Entry) -> Iterator[Match]:
        event = event_of(rule, entry)
        fields = Fields(event.fields if event else entry.fields, entry.host)
        for counted in self._counted:
            for index, reference in enumerate(counted.query.rule.references):
                if reference.id == rule.id:
                    counted.correlation.add(index, entry, fields)
                    counted.entries[id(entry)] = entry
        if rule.output:
            yield Match(rule, (entry,), event)

    def _correlate(self) -> Iterator[Match]:
        """An episode counts as found when the engine's own query fired inside it; a hit that
        lies in no episode is reported as it is, so that it shows up as a difference."""
        for counted in self._counted:
            replay, owners = self._load(list(counted.entries.values()), 0)
            found = self._search(replay, counted.query)
            hits = [tuple(owners[number] for number in hit) for hit in found]
            inside: set[int] = set()
            for episode in counted.correlation.findings():
                members = {id(entry) for entry in episode}
                fired = {n for n, hit in enumerate(hits) if {id(e) for e in hit} <= members}
                if fired:
                    inside |= fired
                    yield Match(counted.query.rule, episode)
            for number, hit in enumerate(hits):
                if number not in inside:
                    yield Match(counted.query.rule, hit)


def ways(backend: Backend, entries: Sequence[Entry]) -> int:
    """The largest number of records that the SIEM keeps of one entry."""
    return max((len(backend.record(entry)) for entry in entries), default=0)

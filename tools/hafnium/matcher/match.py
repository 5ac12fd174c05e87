"""A rule pack over a stream of entries.

Detections come out entry by entry; correlations when the stream has ended. Memory grows with
what the base rules of correlations match, not with the log.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from hafnium.entries import Entry
from hafnium.errors import Refused
from hafnium.matcher.conditions import Fields, Predicate, predicate
from hafnium.matcher.correlation import Correlation
from hafnium.rule import Rule
from hafnium.taxonomy import Event, Shape, View, shape_of, views


@dataclass(frozen=True, slots=True)
class Match:
    """A rule and what it found: one entry, or the entries of a correlation in time order.

    ``event`` is the entry under Sigma's names; None for a correlation.
    """

    rule: Rule
    entries: tuple[Entry, ...]
    event: Event | None = None


@dataclass(frozen=True, slots=True)
class _Armed:
    """A detection rule ready to run on one shape of entry."""

    rule: Rule
    views: tuple[View, ...]
    holds: Predicate


class Matcher:
    """The rules, ready to run. Rules that have no meaning here are in ``refused``."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.refused: list[Refused] = []
        self._rules: list[tuple[Rule, Predicate]] = []
        self._counting: list[Rule] = []
        self._armed: dict[Shape, tuple[_Armed, ...]] = {}
        for rule in rules:
            try:
                self._add(rule)
            except Refused as refused:
                self.refused.append(refused)
        self._forget()

    def _forget(self) -> None:
        """Correlations that have counted nothing."""
        self._correlations = [Correlation(rule) for rule in self._counting]
        self._counts: dict[str, list[tuple[Correlation, int]]] = {}
        for correlation in self._correlations:
            for index, reference in enumerate(correlation.rule.references):
                self._counts.setdefault(reference.id, []).append((correlation, index))

    def _add(self, rule: Rule) -> None:
        if rule.correlation is None:
            self._rules.append((rule, predicate(rule)))
            return
        Correlation(rule)  # refuses what it cannot count
        self._counting.append(rule)

    def detect(self, entry: Entry, lost: frozenset[str] = frozenset()) -> Iterator[Match]:
        """The detections on one entry, in the order of the rules; ``lost`` fields are unseen."""
        shown: dict[int, tuple[Event | None, Fields]] = {}
        for armed in self._for(shape_of(entry)):
            for view in armed.views:
                known = shown.get(id(view))
                if known is None:  # Rules share what one of them has folded already.
                    event = view.of(entry, lost)
                    known = event, Fields(event.fields if event else {}, entry.host)
                    shown[id(view)] = known
                event, fields = known
                if event is None:
                    continue
                if armed.holds(fields):
                    for correlation, index in self._counts.get(armed.rule.id, ()):
                        correlation.add(index, entry, fields)
                    if armed.rule.output:
                        yield Match(armed.rule, (entry,), event)
                    break

    def scan(self, entries: Iterable[Entry]) -> Iterator[Match]:
        """All detections in the order of the entries, then the correlations among them. Each scan
        is one by itself: nothing is counted from one to the next."""
        self._forget()
        for entry in entries:
            yield from self.detect(entry)
        for correlation in self._correlations:
            for found in correlation.findings():
                yield Match(correlation.rule, found)

    def _for(self, shape: Shape) -> tuple[_Armed, ...]:
        armed = self._armed.get(shape)
        if armed is None:
            offered = views(shape)
            armed = tuple(
                _Armed(rule, serving, holds)
                for rule, holds in self._rules
                if (serving := tuple(v for v in offered if rule.logsource.covers(v.logsource)))
            )
            self._armed[shape] = armed
        return armed

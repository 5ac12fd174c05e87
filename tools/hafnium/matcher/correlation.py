"""Sigma correlations over windows that slide.

A window ends at an event and reaches back by the time span, both ends included. Where windows
that fulfil the condition overlap, they are one finding (an episode): all their events, in time
order. So a finding does not depend on where anyone starts to count.

Events without a time, or without a value in a group-by field, are not counted. Group-by and
counted values compare exactly, as every SIEM groups; only ``Computer`` is compared as
`short_host` gives it, because one agent writes MAIL01.corp.example and the next mail01.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sigma.correlations import (
    CorrelationConditionAND,
    CorrelationConditionItem,
    CorrelationConditionNOT,
    CorrelationConditionOR,
    SigmaCorrelationCondition,
    SigmaCorrelationConditionOperator,
    SigmaCorrelationType,
    SigmaExtendedCorrelationCondition,
    SigmaRuleReference,
)

from hafnium.entries import Entry
from hafnium.errors import Refused
from hafnium.matcher.conditions import Fields
from hafnium.readers.hosts import short_host
from hafnium.rule import Rule


@dataclass(frozen=True, slots=True)
class Part:
    """One event that takes part: ``rules`` are the indexes of the base rules it matched."""

    time: datetime
    entry: Entry
    rules: frozenset[int]
    values: tuple[Hashable, ...] = ()


Fulfilled = Callable[[Sequence[Part]], bool]
"""Does a window, oldest event first, fulfil the condition?"""

_OPERATORS: dict[SigmaCorrelationConditionOperator, Callable[[int, int], bool]] = {
    SigmaCorrelationConditionOperator.LT: operator.lt,
    SigmaCorrelationConditionOperator.LTE: operator.le,
    SigmaCorrelationConditionOperator.GT: operator.gt,
    SigmaCorrelationConditionOperator.GTE: operator.ge,
    SigmaCorrelationConditionOperator.EQ: operator.eq,
    SigmaCorrelationConditionOperator.NEQ: operator.ne,
}


class Correlation:
    """Collects what the base rules match and finds the episodes. Raises `Refused` when made
    of a correlation that has no meaning here."""

    def __init__(self, rule: Rule) -> None:
        assert rule.correlation is not None
        self.rule = rule
        self.said = rule.correlation
        if any(reference.correlation for reference in rule.references):
            raise self._refused("a correlation of correlations is not supported")
        self.span = timedelta(seconds=self.said.timespan.seconds)
        self.fulfilled = self._condition()
        self._groups: dict[tuple[Hashable, ...], dict[int, Part]] = {}

    def add(self, index: int, entry: Entry, fields: Fields) -> None:
        """An event that base rule ``index`` matched."""
        group = self.group(index, fields)
        if entry.time is None or group is None:
            return
        counted = self._counted(index, fields)
        if counted is None:
            return
        parts = self._groups.setdefault(group, {})
        known = parts.get(id(entry))
        rules = frozenset((index,)) | (known.rules if known else frozenset())
        values = tuple(dict.fromkeys((*(known.values if known else ()), *counted)))
        parts[id(entry)] = Part(entry.time, entry, rules, values)

    def group(self, index: int, fields: Fields) -> tuple[Hashable, ...] | None:
        """The group that an event belongs to; None when a group-by field is absent."""
        key = []
        for name in self.said.group_by or ():
            values = self._told(name, index, fields)
            if not values:
                return None
            key.append(tuple(values))
        return tuple(key)

    def _told(self, name: str, index: int, fields: Fields) -> list[str]:
        """The values of a field as they are compared."""
        behind = self.rule.field_behind(name, index)
        values = [plain for plain, _ in fields.get(behind)]
        return [short_host(value) for value in values] if behind == "Computer" else values

    def findings(self) -> Iterator[tuple[Entry, ...]]:
        """The episodes, group by group in the order of their first event."""
        episodes = [
            episode
            for parts in self._groups.values()
            for episode in self._episodes(sorted(parts.values(), key=_when))
        ]
        for episode in sorted(episodes, key=lambda parts: _when(parts[0])):
            yield tuple(part.entry for part in episode)

    def _episodes(self, parts: Sequence[Part]) -> Iterator[Sequence[Part]]:
        first = 0
        begin: int | None = None
        end = -1
        for last, part in enumerate(parts):
            while parts[first].time < part.time - self.span:
                first += 1
            if not self.fulfilled(parts[first : last + 1]):
                continue
            if begin is not None and first > end:
                yield parts[begin : end + 1]
                begin = None
            begin = first if begin is None else begin
            end = last
        if begin is not None:
            yield parts[begin : end + 1]

    def _counted(self, index: int, fields: Fields) -> tuple[Hashable, ...] | None:
        """The values that a value_count counts; None when the event has none."""
        if self.said.type is not SigmaCorrelationType.VALUE_COUNT:
            return ()
        assert isinstance(self.said.condition, SigmaCorrelationCondition)
        named = self.said.condition.fieldref
        names = named if isinstance(named, list) else [named]
        row = []
        for name in names:
            values = self._told(str(name), index, fields)
            if not values:
                return None
            row.append(values)
        return tuple(row[0]) if len(row) == 1 else (tuple(tuple(v) for v in row),)

    def _condition(self) -> Fulfilled:
        kind, condition = self.said.type, self.said.condition
        if kind in (SigmaCorrelationType.EVENT_COUNT, SigmaCorrelationType.VALUE_COUNT):
            assert isinstance(condition, SigmaCorrelationCondition)
            compare, limit = _OPERATORS[condition.op], condition.count
            if kind is SigmaCorrelationType.EVENT_COUNT:
                return lambda window: compare(len(window), limit)
            return lambda window: compare(len({v for p in window for v in p.values}), limit)
        if kind is SigmaCorrelationType.TEMPORAL:
            return self._temporal()
        if kind is SigmaCorrelationType.TEMPORAL_ORDERED:
            if isinstance(condition, SigmaExtendedCorrelationCondition):
                raise self._refused("an ordered correlation with an extended condition")
            steps = range(len(self.rule.references))
            return lambda window: _in_order(window, steps)
        raise self._refused(f"correlation type {kind.name.lower()} is not supported")

    def _temporal(self) -> Fulfilled:
        condition = self.said.condition
        if isinstance(condition, SigmaExtendedCorrelationCondition):
            tree = condition.parsed
            names = [{r.name, r.id} for r in self.rule.references]
            return lambda window: _extended(tree, _seen(window), names)
        needed = len(self.rule.references)
        compare: Callable[[int, int], bool] = operator.ge
        if isinstance(condition, SigmaCorrelationCondition) and _is_said(self.rule):
            compare, needed = _OPERATORS[condition.op], condition.count
        return lambda window: compare(len(_seen(window)), needed)

    def _refused(self, reason: str) -> Refused:
        return Refused(reason, file=self.rule.path, line=self.rule.line("correlation"))


def _when(part: Part) -> tuple[datetime, str, int]:
    return part.time, part.entry.source, part.entry.position


def _is_said(rule: Rule) -> bool:
    """pySigma fills in a condition that the rule did not write."""
    return "condition" in rule.document.get("correlation", {})


def _seen(window: Sequence[Part]) -> Counter[int]:
    return Counter(index for part in window for index in part.rules)


def _in_order(window: Sequence[Part], steps: Sequence[int], after: int = 0) -> bool:
    """Is there a distinct event for each step, none earlier than the one before?

    The earliest event will do for a step; only events of one instant are worth a choice.
    """
    if not steps:
        return True
    fitting = [n for n in range(after, len(window)) if steps[0] in window[n].rules]
    for number in fitting:
        if window[number].time != window[fitting[0]].time:
            return False
        rest = [*window[:number], *window[number + 1 :]]
        begin = next(n for n, part in enumerate(window) if part.time == window[number].time)
        if _in_order(rest, steps[1:], begin):
            return True
    return False


def _extended(
    node: CorrelationConditionItem | SigmaRuleReference,
    seen: Counter[int],
    names: Sequence[set[str]],
) -> bool:
    if isinstance(node, SigmaRuleReference):
        return any(node.reference in known and seen[i] for i, known in enumerate(names))
    if isinstance(node, CorrelationConditionNOT):
        return not _extended(node.args[0], seen, names)
    if isinstance(node, CorrelationConditionAND):
        return all(_extended(arg, seen, names) for arg in node.args)
    assert isinstance(node, CorrelationConditionOR)
    return any(_extended(arg, seen, names) for arg in node.args)

"""Sigma correlations as KQL, over windows that slide.

What the base rules find is joined with itself inside each group: for every event, the events of
the time span before it (both ends included). The result is the rows of the events at which the
window is full. Kusto numbers no rows, so a window is told by its group and time: events of one
instant share it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sigma.correlations import (
    CorrelationConditionAND,
    CorrelationConditionOR,
    SigmaCorrelationCondition,
    SigmaCorrelationConditionOperator,
    SigmaCorrelationRule,
    SigmaCorrelationType,
    SigmaExtendedCorrelationCondition,
    SigmaRuleReference,
)

from hafnium.errors import Refused
from hafnium.rule import Rule
from hafnium.siem import Query
from hafnium.site import Site

from .compiler import IDENTITY, LONGEST, TARGET, Part, detection, with_functions
from .compiler_columns import Column, Table
from .compiler_context import context
from .compiler_text import SEPARATOR, literal

_AT_LEAST = {
    SigmaCorrelationConditionOperator.GT: ">",
    SigmaCorrelationConditionOperator.GTE: ">=",
}


def compile_correlation(rule: Rule, site: Site) -> Query:
    """The query of a correlation. Raises `Refused`, for its own reasons with its own place."""
    try:
        built = _Correlation(rule, site)
        text = with_functions(built.query())
        if len(text) > LONGEST:
            raise Refused(f"the query has {len(text)} characters; Sentinel allows {LONGEST}")
    except Refused as refused:
        if refused.file is not None:
            raise
        line = rule.line("correlation")
        raise Refused(refused.reason, file=rule.path, line=line, mend=refused.mend) from refused
    parts = [base.part for base in built.bases]
    tables = [table for part in parts for table in part.tables]
    return Query(
        rule,
        TARGET,
        "kql",
        text,
        tuple(dict.fromkeys(source for part in parts for source in part.sources)),
        tuple(dict.fromkeys(need for part in parts for need in part.needs)),
        tuple(dict.fromkeys(note for part in parts for note in part.notes)),
        {**context(tables, built.columns), "seconds": built.seconds},
    )


@dataclass(frozen=True)
class _Base:
    """What one base rule (for counts: all of one log source) brings in. ``numbers`` are the
    places of its rules in the correlation, ``text`` its events with the columns ``hf_by…``."""

    numbers: tuple[int, ...]
    part: Part
    text: str


class _Correlation:
    def __init__(self, rule: Rule, site: Site) -> None:
        assert isinstance(rule.sigma, SigmaCorrelationRule)
        if any(reference.correlation for reference in rule.references):
            raise Refused("a correlation of correlations is not supported")
        self.rule = rule
        self.said = rule.sigma
        self.seconds = int(self.said.timespan.seconds)
        self.by = [f"hf_by{n}" for n, _ in enumerate(self.said.group_by or [""], 1)]
        self.counted = self._counted()
        self.bases = [self._base(numbers, site) for numbers in self._numbers()]
        if self.said.type is SigmaCorrelationType.EVENT_COUNT:
            self._refuse_overlap()

    def _numbers(self) -> list[tuple[int, ...]]:
        """Which rules share a base: an event is counted once, also when several rules find it."""
        references = self.rule.references
        if self.said.type is not SigmaCorrelationType.EVENT_COUNT:
            return [(number,) for number in range(len(references))]
        groups: dict[Any, list[int]] = {}
        for number, reference in enumerate(references):
            names = tuple(self.rule.field_behind(name, number) for name in self.said.group_by or ())
            groups.setdefault((reference.logsource, names), []).append(number)
        return [tuple(group) for group in groups.values()]

    def _refuse_overlap(self) -> None:
        for n, one in enumerate(self.bases):
            for other in self.bases[n + 1 :]:
                if not _disjoint(one.part.tables, other.part.tables):
                    raise Refused("a count over rules of different log sources in one table")

    def _base(self, numbers: tuple[int, ...], site: Site) -> _Base:
        by = [self.rule.field_behind(name, numbers[0]) for name in self.said.group_by or ()]
        counted = [self.rule.field_behind(name, numbers[0]) for name in self.counted]
        rules = [self.rule.references[number] for number in numbers]
        room = LONGEST // len(self.rule.references) - 400
        part = detection(rules, site, room=room, also=[*by, *counted], counted=True)
        columns = [part.columns[field] for field in (*by, *counted)]
        if any(column.many for column in columns):
            raise Refused("grouping or counting by a field with several values")
        names = [*(self.by if by else ()), *(f"hf_v{n}" for n, _ in enumerate(counted, 1))]
        told = [_told(f, part.columns[f]) for f in (*by, *counted)]
        extends = [f"{name} = {text}" for name, text in zip(names, told, strict=True)]
        if not by:
            extends.append(f'{self.by[0]} = ""')
        text = f"{part.text}\n| extend {', '.join(extends)}, hf_rule = {numbers[0]}"
        present = " and ".join(f"isnotempty({name})" for name in names)
        return _Base(numbers, part, f"{text}\n| where {present}" if present else text)

    def _counted(self) -> list[str]:
        condition = self.said.condition
        if self.said.type is not SigmaCorrelationType.VALUE_COUNT:
            return []
        assert isinstance(condition, SigmaCorrelationCondition)
        said = condition.fieldref
        return [str(name) for name in (said if isinstance(said, list) else [said])]

    def query(self) -> str:
        kind = self.said.type
        if kind is SigmaCorrelationType.TEMPORAL_ORDERED:
            return self._ordered()
        if kind is SigmaCorrelationType.EVENT_COUNT:
            return self._windows("", f"hf_count = count() by {self._window}", self._limit())
        if kind is SigmaCorrelationType.VALUE_COUNT:
            values = [f"hf_v{n}" for n, _ in enumerate(self.counted, 1)]
            seen = f"distinct {self._window}, {', '.join(values)}"
            counts = f"hf_count = count() by {self._window}"
            return self._windows(f"| {seen}\n", counts, self._limit(), values)
        if kind is SigmaCorrelationType.TEMPORAL:
            numbers = range(len(self.rule.references))
            seen = ", ".join(f"hf_s{n} = toint(countif(hf_rule == {n}) > 0)" for n in numbers)
            return self._windows("", f"{seen} by {self._window}", self._temporal(), ["hf_rule"])
        raise Refused(f"correlation type {kind.name.lower()} is not supported")

    @property
    def columns(self) -> dict[str, Column]:
        """The columns that every base has under one name."""
        first, *others = [base.part.columns for base in self.bases]
        return {f: c for f, c in first.items() if all(o.get(f) == c for o in others)}

    @property
    def _window(self) -> str:
        return f"{', '.join(self.by)}, TimeGenerated"

    def _events(self) -> str:
        """The base rules' events as ``hf_events``."""
        lets = [f"let hf_base{n} = {base.text};\n" for n, base in enumerate(self.bases)]
        names = ", ".join(f"hf_base{n}" for n, _ in enumerate(self.bases))
        union = f"union {names}" if len(lets) > 1 else names
        return "".join(lets) + f"let hf_events = materialize({union});\n"

    def _windows(self, seen: str, counts: str, full: str, also: Sequence[str] = ()) -> str:
        by = ", ".join(self.by)
        columns = ", ".join([*self.by, "hf_time = TimeGenerated", *also])
        return (
            f"{self._events()}"
            f"let hf_full = hf_events\n| distinct {self._window}\n"
            f"| join kind=inner (hf_events | project {columns}) on {by}\n"
            f"| where hf_time between ((TimeGenerated - {self.seconds}s) .. TimeGenerated)\n"
            f"{seen}| summarize {counts}\n| where {full};\n"
            f"hf_events\n| join kind=leftsemi hf_full on {self._window}"
        )

    def _limit(self) -> str:
        condition = self.said.condition
        assert isinstance(condition, SigmaCorrelationCondition)
        return f"hf_count {_at_least(condition)} {condition.count}"

    def _temporal(self) -> str:
        condition = self.said.condition
        if isinstance(condition, SigmaExtendedCorrelationCondition):
            return self._extended(condition.parsed)
        numbers = range(len(self.rule.references))
        if isinstance(
            condition, SigmaCorrelationCondition
        ) and "condition" in self.rule.document.get("correlation", {}):
            seen = " + ".join(f"hf_s{n}" for n in numbers)
            return f"{seen} {_at_least(condition)} {condition.count}"
        return " and ".join(f"hf_s{n} == 1" for n in numbers)

    def _extended(self, node: Any) -> str:
        if isinstance(node, SigmaRuleReference):
            for number, reference in enumerate(self.rule.references):
                if node.reference in (reference.name, reference.id):
                    return f"hf_s{number} == 1"
            return "false"
        if isinstance(node, CorrelationConditionAND | CorrelationConditionOR):
            operator = " and " if isinstance(node, CorrelationConditionAND) else " or "
            return "(" + operator.join(self._extended(arg) for arg in node.args) + ")"
        raise Refused("a temporal condition with not: events of one instant have no order")

    def _ordered(self) -> str:
        """Step by step: the latest possible start of a chain that ends at an event. An event
        serves one step only; ``hf_used`` holds those of a chain's last instant."""
        if isinstance(self.said.condition, SigmaExtendedCorrelationCondition):
            raise Refused("an ordered correlation with an extended condition")
        by, window = ", ".join(self.by), self._window
        mark = literal(SEPARATOR)
        key = f"hf_key = strcat({mark}, {IDENTITY}, {mark})"
        out = [f"let hf_base{n} = {b.text}\n| extend {key};\n" for n, b in enumerate(self.bases)]
        out.append(
            f"let hf_step0 = hf_base0 | summarize hf_start = min(TimeGenerated) "
            f"by {window}, hf_used = hf_key;\n"
        )
        last = len(self.bases) - 1
        for n in range(1, last + 1):
            before = f"hf_step{n - 1} | project {by}, hf_time = TimeGenerated, hf_start, hf_used"
            out.append(
                f"let hf_step{n} = hf_base{n} | summarize hf_same = count() by {window}, hf_key\n"
                f"| join kind=inner ({before}) on {by}\n"
                f"| where TimeGenerated >= hf_time and TimeGenerated - hf_start <= "
                f"{self.seconds}s\n"
                f"| where TimeGenerated > hf_time or countof(hf_used, hf_key) < hf_same\n"
                f"| extend hf_used = iff(TimeGenerated > hf_time, hf_key, "
                f"strcat(hf_used, hf_key))\n"
                f"| summarize hf_start = max(hf_start) by {window}, hf_used;\n"
            )
        out.append(f"hf_base{last}\n| join kind=leftsemi hf_step{last} on {window}")
        return "".join(out)


def _told(field: str, column: Column) -> str:
    """A group-by or counted value; a host as it is compared, whose name agents write in
    several ways."""
    if field != "Computer":
        return column.string
    address = f'{column.string} matches regex @"^[0-9.]+$|:"'
    return f'tolower(iff({address}, {column.string}, extract(@"^[^.]*", 0, {column.string})))'


def _at_least(condition: SigmaCorrelationCondition) -> str:
    if condition.op not in _AT_LEAST:
        raise Refused(
            f"a correlation with {condition.op.name.lower()}: events of one instant have no order",
            mend="use gte or gt",
        )
    return _AT_LEAST[condition.op]


def _disjoint(some: Sequence[Table], others: Sequence[Table]) -> bool:
    """Can no event be in a table of both?"""
    return all(_apart(one, other) for one in some for other in others)


def _apart(one: Table, other: Table) -> bool:
    if one.name != other.name:
        return True
    mine, theirs = one.feed.when, other.feed.when
    return any(not _values(mine[key]) & _values(theirs[key]) for key in mine.keys() & theirs.keys())


def _values(said: Any) -> frozenset[str]:
    return frozenset(str(v) for v in (said if isinstance(said, list) else [said]))

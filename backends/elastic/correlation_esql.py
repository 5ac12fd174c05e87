"""Correlations that count, in ES|QL, over windows that slide.

ES|QL can only group by fixed buckets. So each event is put into two buckets of twice the span
that overlap by one span: every window that ends in the second half of a bucket lies in it
whole. Within a bucket each event is set against each other (two lists of the same events, both
expanded), and for the event at which a window ends the ones within the span before it are
counted. That is exact, and its cost grows with the square of the events in a bucket only.
``INLINE STATS`` would say the same with fewer words, in Elasticsearch 9.2 and later only.
The column `EVENTS` of the result names the events of a window.
"""

from __future__ import annotations

from collections.abc import Sequence

from sigma.correlations import (
    SigmaCorrelationCondition,
    SigmaCorrelationConditionOperator,
    SigmaCorrelationType,
)

from hafnium.backends.elastic.compiler import origin
from hafnium.backends.elastic.compiler_columns import Column
from hafnium.backends.elastic.compiler_esql import field, text
from hafnium.backends.elastic.compiler_patterns import Inexact
from hafnium.backends.elastic.correlation import Plan, counted_fields, group_columns

Operator = SigmaCorrelationConditionOperator
_OPERATORS = {
    Operator.LT: "<",
    Operator.LTE: "<=",
    Operator.GT: ">",
    Operator.GTE: ">=",
    Operator.EQ: "==",
    Operator.NEQ: "!=",
}
EVENTS = "events"
_EVENT = f"CONCAT(_index, {text('/')}, _id)"
_TAB = text("\t")


def counted(plan: Plan) -> str:
    """The query. Raises `Inexact` for a correlation that cannot be counted."""
    groups = [f"group_{number}" for number, _ in enumerate(plan.said.group_by or (), 1)]
    span = plan.seconds * 1000
    operator, limit = _limit(plan)
    indexes = dict.fromkeys(i for c in plan.conditions for i in c.indexes)
    known = " AND ".join(f"{name} IS NOT NULL" for name in ["counted", "moment", *groups])
    lines = [
        origin(indexes),
        f"WHERE {_any(plan)}",
        *_labels(plan),
        *_groups(plan, groups),
        f"EVAL counted = {_value(plan)}, moment = TO_LONG(@timestamp)",
        f"WHERE {known}",
        f"EVAL bucket = MV_APPEND(moment / {span} - 1, moment / {span})",
        "MV_EXPAND bucket",
        f"EVAL said = CONCAT(TO_STRING(moment), {_TAB}, {_EVENT}, {_TAB}, counted)",
        f"STATS said = VALUES(said), until = VALUES(moment) BY {', '.join([*groups, 'bucket'])}",
        "MV_EXPAND until",
        f"WHERE until / {span} == bucket + 1",
        "MV_EXPAND said",
        f"EVAL moment = TO_LONG(MV_FIRST(SPLIT(said, {_TAB}))), "
        f"rest = SUBSTRING(said, LOCATE(said, {_TAB}) + 1)",
        f"WHERE moment <= until AND moment >= until - {span}",
        f"EVAL event = MV_FIRST(SPLIT(rest, {_TAB})), "
        f"counted = SUBSTRING(rest, LOCATE(rest, {_TAB}) + 1)",
        f"STATS found = COUNT_DISTINCT(counted), {EVENTS} = VALUES(event) "
        f"BY {', '.join([*groups, 'until'])}",
        f"WHERE found {operator} {limit}",
    ]
    return "\n| ".join(lines)


def _any(plan: Plan) -> str:
    terms = list(dict.fromkeys(c.term for c in plan.conditions))
    return " OR ".join(f"({term.text})" for term in terms) if len(terms) > 1 else terms[0].text


def _limit(plan: Plan) -> tuple[str, int]:
    condition = plan.said.condition
    if plan.said.type is SigmaCorrelationType.TEMPORAL:
        if "condition" not in plan.rule.document.get("correlation", {}):
            return ">=", len(plan.conditions)
    elif plan.said.type not in (
        SigmaCorrelationType.EVENT_COUNT,
        SigmaCorrelationType.VALUE_COUNT,
    ):
        raise Inexact(
            f"ES|QL cannot say a correlation of type {plan.said.type.name.lower()} here",
            "use an order of rules without a condition, or a count",
        )
    if not isinstance(condition, SigmaCorrelationCondition):
        raise Inexact("a correlation with an extended condition is not supported", "use a number")
    return _OPERATORS[condition.op], int(condition.count)


def _labels(plan: Plan) -> list[str]:
    """B21: one row for each base rule that an event matches."""
    if plan.said.type is not SigmaCorrelationType.TEMPORAL and not _grouped_apart(plan):
        return []
    cases = [f'CASE({c.term.text}, "{n}", "0")' for n, c in enumerate(plan.conditions, 1)]
    while len(cases) > 1:
        last = cases.pop()
        cases[-1] = f"MV_APPEND({cases[-1]}, {last})"
    return [f"EVAL rule = {cases[0]}", "MV_EXPAND rule", 'WHERE rule != "0"']


def _grouped_apart(plan: Plan) -> bool:
    """Whether the base rules keep the groups or the counted value in different fields."""
    names = [*(plan.said.group_by or ()), *counted_fields(plan)]
    return any(
        group_columns(plan, name, index) != group_columns(plan, name, 0)
        for name in names
        for index in range(len(plan.conditions))
    )


def _groups(plan: Plan, groups: Sequence[str]) -> list[str]:
    names = plan.said.group_by or ()
    return [f"EVAL {group} = {_of(plan, name)}" for group, name in zip(groups, names, strict=True)]


def _value(plan: Plan) -> str:
    """What is counted: distinct values, distinct events, or distinct rules."""
    if plan.said.type is SigmaCorrelationType.TEMPORAL:
        return "rule"
    if plan.said.type is SigmaCorrelationType.EVENT_COUNT:
        return _EVENT
    return f", {text('/')}, ".join(_of(plan, name) for name in counted_fields(plan))


def _of(plan: Plan, name: str) -> str:
    """A group-by or counted field of an event, whichever base rule it belongs to."""
    by_rule = [_told(plan, name, i) for i in range(len(plan.conditions))]
    if len(set(by_rule)) == 1:
        return by_rule[0]
    cases = ", ".join(f'rule == "{n}", {shown}' for n, shown in enumerate(by_rule, 1))
    return f"CASE({cases})"


def _told(plan: Plan, name: str, index: int) -> str:
    """A value as it is compared; of a host, whose name agents write in several ways, the first
    label in lower case."""
    shown = _first(group_columns(plan, name, index))
    if plan.rule.field_behind(name, index) != "Computer":
        return shown
    label = f"MV_FIRST(SPLIT({shown}, {text('.')}))"
    return f'TO_LOWER(CASE({shown} RLIKE "[0-9.]+|.*:.*", {shown}, {label}))'


def _first(candidates: Sequence[Sequence[Column]]) -> str:
    shown = [_joined(columns) for columns in candidates]
    return shown[0] if len(shown) == 1 else f"COALESCE({', '.join(shown)})"


def _joined(columns: Sequence[Column]) -> str:
    parts = [
        f"TO_STRING({field(c.name)})" if c.type in ("long", "ip", "boolean") else field(c.name)
        for c in columns
    ]
    if len(parts) == 1:
        return parts[0]
    between = f", {text(chr(92))}, "
    return f"CONCAT({between.join(parts)})"

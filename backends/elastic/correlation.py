"""Sigma correlations: counted in ES|QL, EQL sequences where the order of events decides.

ES|QL counts over windows that slide: see `correlation_esql`. It has no form for an order of
rules, which is a sequence of their conditions. Where the site chooses EQL, a sequence with
``runs`` also finds the shortest run of consecutive events, which lies within the span if any
window of the span holds as many; what no sequence says (distinct values, any order, at most,
exactly) stays in ES|QL.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sigma.correlations import (
    SigmaCorrelationCondition,
    SigmaCorrelationConditionOperator,
    SigmaCorrelationRule,
    SigmaCorrelationType,
)

from hafnium.backends.elastic import compiler_eql
from hafnium.backends.elastic.compiler import (
    NAME,
    Condition,
    compile_condition,
    context,
    languages,
    refused,
)
from hafnium.backends.elastic.compiler_columns import Column, Columns
from hafnium.backends.elastic.compiler_eql import NotInEql
from hafnium.backends.elastic.compiler_patterns import Inexact
from hafnium.errors import Refused
from hafnium.rule import Rule
from hafnium.siem import Query
from hafnium.site import Site

Operator = SigmaCorrelationConditionOperator
MOST_RUNS = 100
"""A sequence keeps a state per run; more are counted in ES|QL."""
_UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
_HOST = "hosts are told apart by host.name as the agents write it"
_TIE = "two events of the same millisecond are ordered as Elasticsearch stored them"


@dataclass
class Plan:
    """A correlation with the conditions of its base rules, in one language."""

    rule: Rule
    said: SigmaCorrelationRule
    conditions: list[Condition]
    notes: list[str] = field(default_factory=list)

    @property
    def seconds(self) -> int:
        return int(self.said.timespan.seconds)

    @property
    def named(self) -> list[str]:
        """The stored fields of groups and of what is counted."""
        names = [*(self.said.group_by or ()), *counted_fields(self)]
        return [
            column.name
            for name in names
            for index in range(len(self.conditions))
            for columns in group_columns(self, name, index)
            for column in columns
        ]

    def query(self, language: str, text: str) -> Query:
        """The correlation as a query over all that its base rules search."""
        return Query(
            rule=self.rule,
            target=NAME,
            language=language,
            text=text,
            sources=_merged(c.sources for c in self.conditions),
            needs=_merged(c.needs for c in self.conditions),
            notes=_merged([*(c.notes for c in self.conditions), self.notes]),
            context=context(self.conditions, self.named if language == "esql" else ()),
        )


def compile_correlation(rule: Rule, site: Site) -> Query:
    """A correlation as a query. Raises `Refused`."""
    assert rule.correlation is not None
    if any(reference.correlation for reference in rule.references):
        raise refused(rule, "a correlation of correlations is not supported", "name the base rules")
    reasons: dict[str, Inexact] = {}
    for language in languages(site):
        if language == "lucene":
            continue  # it finds single events
        try:
            plan = _plan(rule, site, language)
            return _sequence(plan) if language == "eql" else _counted(plan)
        except Inexact as error:
            reasons[language] = error
    reason = reasons["esql"]
    raise refused(rule, reason.reason, reason.mend) from reason


def _plan(rule: Rule, site: Site, language: str) -> Plan:
    assert rule.correlation is not None
    try:
        conditions = [compile_condition(base, site, language) for base in rule.references]
    except Refused as error:
        raise Inexact(f"a base rule is refused: {error.reason}", str(error.mend)) from error
    return Plan(rule, rule.correlation, conditions)


def _counted(plan: Plan) -> Query:
    """The correlation counted. Raises `Inexact`."""
    from hafnium.backends.elastic.correlation_esql import counted

    return plan.query("esql", counted(plan))


def _sequence(plan: Plan) -> Query:
    """The correlation as a sequence. Raises `Inexact`."""
    kind = plan.said.type
    numbers = range(len(plan.conditions))
    names = plan.said.group_by or ()
    if any(plan.rule.field_behind(name, n) == "Computer" for name in names for n in numbers):
        plan.notes.append(_HOST)
    if kind is SigmaCorrelationType.TEMPORAL_ORDERED and not _is_said(plan.rule):
        plan.notes.append(_TIE)
        steps = [_step(plan, [index]) for index in range(len(plan.conditions))]
        if len(steps) < 2:
            raise NotInEql("no sequence says it")
        return plan.query("eql", "\n  ".join([f"sequence with maxspan={_span(plan)}", *steps]))
    if kind is SigmaCorrelationType.EVENT_COUNT:
        runs = _at_least(plan.said)
        if runs is None or not 2 <= runs <= MOST_RUNS:
            raise NotInEql("no sequence says it")
        step = _step(plan, range(len(plan.conditions)))
        return plan.query("eql", f"sequence with maxspan={_span(plan)}\n  {step} with runs={runs}")
    raise NotInEql("no sequence says it")


def _at_least(said: SigmaCorrelationRule) -> int | None:
    """The number of events that is enough; None when the condition is of another kind."""
    condition = said.condition
    assert isinstance(condition, SigmaCorrelationCondition)
    if condition.op is Operator.GTE:
        return int(condition.count)
    return int(condition.count) + 1 if condition.op is Operator.GT else None


def _step(plan: Plan, indexes: Sequence[int]) -> str:
    """One step of a sequence: an event of any of the base rules, with its group."""
    keys = {tuple(_keys(plan, index)) for index in indexes}
    if len(keys) != 1:
        raise NotInEql("no sequence says it")
    names = [compiler_eql.field(column.name) for column in keys.pop()]
    terms = dict.fromkeys(plan.conditions[index].term for index in indexes)
    words = compiler_eql.Eql.words
    present = [f"{name} != null" for name in names]
    shown = words.any_of(terms)
    assert not isinstance(shown, bool)
    text = f" {words.both} ".join([*present, shown.inside(1) if present else shown.text])
    return f"[any where {text}]" + (f" by {', '.join(names)}" if names else "")


def _keys(plan: Plan, index: int) -> list[Column]:
    """The stored fields of the group, when they are the same in all sources of a base rule."""
    keys: list[Column] = []
    for name in plan.said.group_by or ():
        candidates = {tuple(each) for each in group_columns(plan, name, index)}
        if len(candidates) != 1:
            raise NotInEql("no sequence says it")
        keys += candidates.pop()
    return keys


def group_columns(plan: Plan, name: str, index: int) -> list[list[Column]]:
    """How each source of a base rule keeps a group-by field: one field, or several together.

    Raises `Inexact` for a field that is kept in a form that cannot be grouped by.
    """
    named = plan.rule.field_behind(name, index)
    if named == "Computer":
        return [[Column("host.name")]]
    found: dict[tuple[Column, ...], None] = {}
    for feed in plan.conditions[index].feeds:
        for column in Columns(feed).of(named):
            found[tuple(_whole(named, column))] = None
    return [list(columns) for columns in found]


def counted_fields(plan: Plan) -> list[str]:
    """The field whose values are counted; empty for a correlation that counts something else."""
    if plan.said.type is not SigmaCorrelationType.VALUE_COUNT:
        return []
    condition = plan.said.condition
    assert isinstance(condition, SigmaCorrelationCondition)
    named = condition.fieldref
    names = [str(n) for n in named] if isinstance(named, list) else [str(named)]
    if len(names) > 1:
        raise Inexact("only one field can be counted here", "count the values of one field")
    return names


def _whole(name: str, column: Column) -> list[Column]:
    if column.as_ == "account":
        return [column.to(column.said["domain"]), column.to(column.name)]
    if column.as_ == "address" and "text" in column.said:
        return [column.to(column.said["text"])]
    if column.as_ in ("hashes", "listed", "user") or column.type in ("many", "text"):
        raise Inexact(f"{name} is kept in a form that cannot be grouped by", "group by another")
    return [Column(column.name, column.type)]


def _span(plan: Plan) -> str:
    for unit, seconds in _UNITS:
        if plan.seconds % seconds == 0:
            return f"{plan.seconds // seconds}{unit}"
    raise AssertionError("a second divides every span")


def _is_said(rule: Rule) -> bool:
    """pySigma fills in a condition that the rule did not write."""
    return "condition" in rule.document.get("correlation", {})


def _merged(groups: object) -> tuple[str, ...]:
    assert hasattr(groups, "__iter__")
    return tuple(dict.fromkeys(item for group in groups for item in group))

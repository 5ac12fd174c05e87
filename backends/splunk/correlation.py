"""Correlations: windows that slide over the events of the base rules, by ``streamstats``.

Every event of a base rule is a row with a flag per rule, so that an event of two rules counts for
both and no row is lost. A result is the event at which a window fulfils the condition. Where the
edge of the window matters, times are compared as numbers and the command's own window is a
second wider.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sigma.correlations import (
    CorrelationConditionAND,
    CorrelationConditionItem,
    CorrelationConditionNOT,
    SigmaCorrelationCondition,
    SigmaCorrelationConditionOperator,
    SigmaCorrelationRule,
    SigmaCorrelationType,
    SigmaExtendedCorrelationCondition,
    SigmaRuleReference,
)

from hafnium.backends.splunk.compiler import held, search_lines, search_terms
from hafnium.backends.splunk.compiler_branches import Branch, branches, stored
from hafnium.backends.splunk.compiler_text import eval_field
from hafnium.errors import Refused
from hafnium.rule import Rule
from hafnium.sources import DataSource

_WINDOW_AT_MOST = 10_000  # Splunk's limit for the window of streamstats
Operator = SigmaCorrelationConditionOperator


@dataclass
class _Plan:
    """A correlation on its way to SPL. ``parts`` are the branches of each base rule, ``lines``
    the commands so far, ``by`` the BY clause of its groups or nothing."""

    rule: Rule
    said: SigmaCorrelationRule
    parts: list[list[Branch]]
    with_source: bool
    lines: list[str]
    by: str = ""
    notes: list[str] = field(default_factory=list)

    @property
    def seconds(self) -> int:
        return int(self.said.timespan.seconds)

    @property
    def steps(self) -> range:
        """The numbers of the base rules, from 1."""
        return range(1, len(self.parts) + 1)


def compile_correlation(rule: Rule) -> tuple[list[str], list[DataSource], list[str]]:
    """The commands of a correlation, its data sources and notes. Raises `Refused`."""
    plan = _plan(rule)
    _group(plan)
    plan.lines.append("| sort 0 _time")
    kinds: dict[SigmaCorrelationType, Callable[[_Plan], None]] = {
        SigmaCorrelationType.EVENT_COUNT: _event_count,
        SigmaCorrelationType.VALUE_COUNT: _value_count,
        SigmaCorrelationType.TEMPORAL: _temporal,
        SigmaCorrelationType.TEMPORAL_ORDERED: _ordered,
    }
    if plan.said.type not in kinds:
        raise Refused(f"correlation type {plan.said.type.name.lower()} is not supported")
    kinds[plan.said.type](plan)
    sources = {branch.source.id: branch.source for part in plan.parts for branch in part}
    return plan.lines, list(sources.values()), plan.notes


def _plan(rule: Rule) -> _Plan:
    assert rule.correlation is not None
    if any(reference.correlation for reference in rule.references):
        raise Refused("a correlation of correlations is not supported")
    parts, notes = [], []
    for reference in rule.references:
        found, said = branches(reference)
        if not found:
            raise Refused(f"base rule {reference.title!r} has no data source in target splunk")
        parts.append(found)
        notes += said
    every = [branch for part in parts for branch in part]
    with_source = len({branch.source.id for branch in every}) > 1
    if len(parts) == 1:
        lines = [*search_lines(parts[0]), "| eval hafnium_rule_1=1"]
    else:
        flags = [f"hafnium_rule_{n}=if({held(p, with_source)}, 1, 0)" for n, p in _numbered(parts)]
        any_flag = " OR ".join(f"hafnium_rule_{n}=1" for n, _ in _numbered(parts))
        lines = [search_terms(every, exact=False)]
        lines += [f"| eval {', '.join(flags)}", f"| where {any_flag}"]
    return _Plan(
        rule, rule.correlation, parts, with_source, lines, notes=list(dict.fromkeys(notes))
    )


def _group(plan: _Plan) -> None:
    """Give each row its group: the fields themselves where every rule stores them alike, else
    a key. An event that two rules put into different groups becomes a row in each."""
    names = plan.said.group_by or []
    if not names:
        return
    alike = [_alike(plan, name) for name in names]
    if all(alike):
        fields = [str(name) for name in alike]
        for index, name in enumerate(names):
            if plan.rule.field_behind(name, 0) == "Computer":
                plan.lines.append(f"| eval hafnium_host={_of(plan, 1, name)}")
                fields[index] = "hafnium_host"
        plan.lines.append("| where " + " AND ".join(f"isnotnull({eval_field(f)})" for f in fields))
        plan.by = " BY " + ", ".join(_by(f) for f in fields)
        return
    keys = {n: _key(plan, n, names) for n in plan.steps}
    made = [f"hafnium_key_{n}=if(hafnium_rule_{n}=1, {key}, null())" for n, key in keys.items()]
    every = ", ".join(f"hafnium_key_{n}" for n in keys)
    mine = [
        f"hafnium_rule_{n}=if(hafnium_rule_{n}=1 AND hafnium_key=hafnium_key_{n}, 1, 0)"
        for n in keys
    ]
    plan.lines += [
        f"| eval {', '.join(made)}",
        f"| eval hafnium_key=mvdedup(mvappend({every}))",
        "| where isnotnull(hafnium_key)",
        "| mvexpand hafnium_key",
        f"| eval {', '.join(mine)}",
    ]
    plan.by = " BY hafnium_key"


def _event_count(plan: _Plan) -> None:
    plan.lines.append(f"| where {_compared(plan, _at_least)}")


def _compared(plan: _Plan, at_least: Callable[[_Plan, int], str]) -> str:
    """The condition's operator and number, by tests for "so many or more"."""
    condition = plan.said.condition
    assert isinstance(condition, SigmaCorrelationCondition)
    few, op = condition.count, condition.op
    tests: dict[SigmaCorrelationConditionOperator, Callable[[], str]] = {
        Operator.GTE: lambda: at_least(plan, few),
        Operator.GT: lambda: at_least(plan, few + 1),
        Operator.LT: lambda: f"NOT ({at_least(plan, few)})",
        Operator.LTE: lambda: f"NOT ({at_least(plan, few + 1)})",
        Operator.EQ: lambda: f"{at_least(plan, few)} AND NOT ({at_least(plan, few + 1)})",
        Operator.NEQ: lambda: f"NOT ({at_least(plan, few)}) OR {at_least(plan, few + 1)}",
    }
    return tests[op]()


def _at_least(plan: _Plan, few: int) -> str:
    """A test for ``few`` events in the window: the ``few``-th back is not too old."""
    if few <= 1:
        return "true()"
    if few > _WINDOW_AT_MOST:
        raise Refused(f"SPL cannot count to {few} in a window; its limit is {_WINDOW_AT_MOST}")
    plan.lines.append(
        f"| streamstats window={few} global=false count AS hafnium_count_{few},"
        f" min(_time) AS hafnium_since_{few}{plan.by}"
    )
    return f"(hafnium_count_{few}={few} AND _time-hafnium_since_{few}<={plan.seconds})"


def _value_count(plan: _Plan) -> None:
    condition = plan.said.condition
    assert isinstance(condition, SigmaCorrelationCondition)
    named = condition.fieldref
    names = [str(name) for name in (named if isinstance(named, list) else [named])]
    alike = [_alike(plan, name) for name in names]
    if len(names) == 1 and alike[0]:
        plan.lines.append(f"| eval hafnium_value={_of(plan, 1, names[0])}")
    else:
        values = [f"if(hafnium_rule_{n}=1, {_key(plan, n, names)}, null())" for n in plan.steps]
        plan.lines.append(f"| eval hafnium_value=mvappend({', '.join(values)})")
    plan.lines += [
        "| where isnotnull(hafnium_value)",
        f"| streamstats time_window={plan.seconds}s dc(hafnium_value) AS hafnium_values{plan.by}",
    ]
    plan.lines.append(f"| where {_compared(plan, lambda _, few: f'hafnium_values>={few}')}")


def _temporal(plan: _Plan) -> None:
    """When each rule was last seen; it is in the window when that is not too long ago."""
    seen = [
        f"max(eval(if(hafnium_rule_{n}=1, _time, null()))) AS hafnium_last_{n}" for n in plan.steps
    ]
    plan.lines.append(f"| streamstats time_window={plan.seconds + 1}s {', '.join(seen)}{plan.by}")
    within = {
        n: f"coalesce(_time-hafnium_last_{n}, {plan.seconds + 1})<={plan.seconds}"
        for n in plan.steps
    }
    condition = plan.said.condition
    if isinstance(condition, SigmaExtendedCorrelationCondition):
        plan.lines.append(f"| where {_extended(plan, condition.parsed, within)}")
        return
    total = "+".join(f"if({test}, 1, 0)" for test in within.values())
    if "condition" not in plan.rule.document.get("correlation", {}):
        plan.lines.append(f"| where {total}>={len(within)}")  # pySigma makes up a condition
        return
    plan.lines.append(f"| eval hafnium_seen={total}")
    plan.lines.append(f"| where {_compared(plan, lambda _, few: f'hafnium_seen>={few}')}")


def _extended(
    plan: _Plan, node: CorrelationConditionItem | SigmaRuleReference, within: dict[int, str]
) -> str:
    if isinstance(node, SigmaRuleReference):
        tests = [
            within[n]
            for n, known in zip(plan.steps, plan.rule.references, strict=True)
            if node.reference in (known.name, known.id)
        ]
        return "(" + " OR ".join(tests) + ")" if tests else "false()"
    parts = [_extended(plan, arg, within) for arg in node.args]
    if isinstance(node, CorrelationConditionNOT):
        return f"NOT {parts[0]}"
    return (
        "(" + (" AND " if isinstance(node, CorrelationConditionAND) else " OR ").join(parts) + ")"
    )


def _ordered(plan: _Plan) -> None:
    """For each step the latest start of a chain of distinct events that leads to it."""
    if isinstance(plan.said.condition, SigmaExtendedCorrelationCondition):
        raise Refused("an ordered correlation with an extended condition is not supported")
    # At one instant the events of earlier steps come first.
    first = ", ".join(f"hafnium_rule_{n}=1, {n}" for n in plan.steps)
    last = ", ".join(f"hafnium_rule_{n}=1, {n}" for n in reversed(plan.steps))
    plan.lines[-1] = f"| eval hafnium_first=case({first}), hafnium_last=case({last})"
    plan.lines.append("| sort 0 _time, hafnium_first, hafnium_last")
    plan.lines.append("| eval hafnium_from_1=if(hafnium_rule_1=1, _time, null())")
    for n in plan.steps[1:]:
        plan.lines += [
            f"| streamstats current=false time_window={plan.seconds + 1}s"
            f" max(hafnium_from_{n - 1}) AS hafnium_before_{n}{plan.by}",
            f"| eval hafnium_from_{n}=if(hafnium_rule_{n}=1, hafnium_before_{n}, null())",
        ]
    plan.lines.append(f"| where _time-hafnium_from_{plan.steps[-1]}<={plan.seconds}")


def _numbered(parts: Sequence[list[Branch]]) -> list[tuple[int, list[Branch]]]:
    return list(enumerate(parts, 1))


def _names(plan: _Plan, number: int, name: str) -> list[tuple[Branch, str]]:
    """The stored field of a group-by or counted field, per branch of a rule, aliases undone."""
    name = plan.rule.field_behind(name, number - 1)
    return [(branch, stored(name, branch.feed)) for branch in plan.parts[number - 1]]


def _alike(plan: _Plan, name: str) -> str | None:
    """The stored field if all branches of all rules have the same."""
    found = {field for n in plan.steps for _, field in _names(plan, n, name)}
    return found.pop() if len(found) == 1 else None


def _of(plan: _Plan, number: int, name: str) -> str:
    """An expression for the field's value in an event of the rule, as it is compared."""
    told = _short if plan.rule.field_behind(name, number - 1) == "Computer" else eval_field
    named = _names(plan, number, name)
    if len({field for _, field in named}) == 1:
        return told(named[0][1])
    cases = [f"{branch.held(plan.with_source)}, {told(field)}" for branch, field in named]
    return f"case({', '.join(cases)})"


def _short(name: str) -> str:
    """A host, whose name forwarders write in several ways: its first label in lower case."""
    host = eval_field(name)
    return f'lower(if(match({host}, "^[0-9.]+$|:"), {host}, mvindex(split({host}, "."), 0)))'


def _key(plan: _Plan, number: int, names: Sequence[str]) -> str:
    """The values of several fields as one text; null when one is absent."""
    return '."|".'.join(_of(plan, number, name) for name in names)


def _by(name: str) -> str:
    return name if re.fullmatch(r"\w+", name) else f'"{name}"'

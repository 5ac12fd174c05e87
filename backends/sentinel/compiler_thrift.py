"""What makes a condition cheap without changing what it means.

Kusto evaluates conditions much as they stand: cheap ones go before dear ones, and a text that a
regular expression cannot match without is looked for first. Rows of other event numbers are cut
before their items are read out of a column.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import reduce
from typing import Any

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionItem,
    ConditionNOT,
    ConditionOR,
)
from sigma.types import (
    SigmaCIDRExpression,
    SigmaExpansion,
    SigmaRegularExpression,
    SigmaString,
    SpecialChars,
)

from hafnium.regex import parser, sre

from .compiler_columns import Table
from .compiler_comparisons import equal, in_list, listable, text_of
from .compiler_text import foreign, parts_of

_MANY, _SINGLE = SpecialChars.WILDCARD_MULTI, SpecialChars.WILDCARD_SINGLE
_LEAST = 3
"""Characters of a text that is worth a look."""
_EQUAL, _TEXT, _FOUND, _PATTERN = 1, 10, 12, 50
"""What comparisons cost about; `_FOUND`: a pattern that mostly is not run (`required`)."""


def cost(node: Any) -> tuple[bool, int]:
    """The key by which conditions that must all hold are sorted: few comparisons are cheaper
    than many, and true more seldom. What is ruled out comes last: it cuts hardly any row."""
    return isinstance(node, ConditionNOT), _cost(node)


def _cost(node: Any) -> int:
    if isinstance(node, ConditionAND):
        return min(map(_cost, node.args))  # the first that is false ends it
    if isinstance(node, ConditionItem):
        return sum(map(_cost, node.args))
    value = node.value
    return sum(map(_cost_of, value.values if isinstance(value, SigmaExpansion) else [value]))


def _cost_of(value: Any) -> int:
    if isinstance(value, SigmaCIDRExpression):
        return _PATTERN
    if isinstance(value, SigmaRegularExpression) or (
        isinstance(value, SigmaString) and _is_pattern(parts_of(value))
    ):
        return _FOUND if required(value) else _PATTERN
    if isinstance(value, SigmaString) and value.contains_special():
        return _TEXT
    return _EQUAL


def _is_pattern(parts: Sequence[Any]) -> bool:
    """Is there more than one text with ``*`` before or after it?"""
    return len(parts) - (parts[:1] == [_MANY]) - (parts[-1:] == [_MANY]) > 1 or _SINGLE in parts


def required(value: Any) -> str | None:
    """A text that stands, in some case, in all that a regular expression matches, or a text with
    wildcards inside; None where there is none worth a look."""
    if isinstance(value, SigmaRegularExpression):
        runs = _runs(parser.parse(str(value.regexp), re.ASCII))
    elif isinstance(value, SigmaString) and _is_pattern(parts_of(value)):
        runs = "\n".join(_sure(part) for part in parts_of(value) if isinstance(part, str))
    else:
        return None
    found = max(runs.split("\n"), key=len)
    return found if len(found) >= _LEAST else None


def _sure(text: str) -> str:
    """The text with a newline for what engines may not agree about, in which case it is."""
    return "".join(c if c.isprintable() and not foreign(c) else "\n" for c in text)


def _runs(items: Any) -> str:
    """What a parsed pattern's matches must hold, newlines between."""
    return "".join(_run(op, argument) for op, argument in items)


def _run(op: Any, argument: Any) -> str:
    if op is sre.LITERAL:
        return _sure(chr(argument))
    if op is sre.AT:
        return ""
    if op is sre.SUBPATTERN:
        return _runs(argument[3])
    if op in (sre.MAX_REPEAT, sre.MIN_REPEAT) and argument[0]:
        return f"\n{_runs(argument[2])}\n"
    return "\n"


def early(table: Table, fields: Sequence[str], trees: Sequence[Any]) -> list[str]:
    """What a row must be like for any of the conditions to be true, as far as its own numbers
    say: rows of other events are left out before their items are read."""
    found = []
    for field in fields:
        column = table.column(field)
        values = _either([_values(tree, field) for tree in trees])
        if column.kind != "int" or values is None:
            continue
        one = equal(column, min(values), cased=False) if len(values) == 1 else None
        found.append(one or in_list(column, [SigmaString(v) for v in sorted(values)]))
    return found


def _values(node: Any, field: str) -> frozenset[str] | None:
    """The values of the field with which the condition can be true; None where any can."""
    if isinstance(node, ConditionOR):
        return _either([_values(arg, field) for arg in node.args])
    if isinstance(node, ConditionAND):
        found = [some for arg in node.args if (some := _values(arg, field)) is not None]
        return reduce(frozenset.intersection, found) if found else None
    if isinstance(node, ConditionFieldEqualsValueExpression) and node.field == field:
        value = node.value
        if listable(value) and not (isinstance(value, SigmaString) and value.contains_special()):
            return frozenset({text_of(value)})
    return None


def _either(found: Sequence[frozenset[str] | None]) -> frozenset[str] | None:
    known = [some for some in found if some is not None]
    return frozenset[str]().union(*known) if len(known) == len(found) else None

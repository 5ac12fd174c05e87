"""pySigma's Kusto backend, corrected: a rule's condition as one exact KQL expression.

Every comparison is true or false and never null, so that ``not`` holds inside every nesting.
Each override names the trap that it closes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sigma.backends.kusto import KustoBackend
from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionItem,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.conversion.state import ConversionState
from sigma.types import (
    CompareOperators,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaString,
    SigmaType,
    SpecialChars,
)

from hafnium.errors import Refused

from .compiler_cidr import in_range
from .compiler_columns import Column
from .compiler_regex import matches_empty, translate, within
from .compiler_text import SEPARATOR, joined, literal, parts_of, pattern

_MANY = SpecialChars.WILDCARD_MULTI
_NUMBER = r"^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)$"
_COMPARE = {
    CompareOperators.LT: "<",
    CompareOperators.LTE: "<=",
    CompareOperators.GT: ">",
    CompareOperators.GTE: ">=",
    CompareOperators.NEQ: "!=",
}
_INT = 2**31

Comparison = ConditionFieldEqualsValueExpression


class Conditions(KustoBackend):
    """Writes conditions over ``columns`` (Sigma field → column) and ``everything`` (the column
    of all values, for keywords; None when there is none).

    ``short`` folds the alternatives of a field into one regular expression; for long lists.
    """

    def __init__(
        self, columns: Mapping[str, Column], everything: str | None = None, *, short: bool = False
    ) -> None:
        super().__init__()
        self.columns = columns
        self.everything = everything
        self.short = short

    def text(self, condition: Any) -> str:
        """The condition tree as KQL. Raises `Refused` for what cannot be said exactly."""
        return str(self.convert_condition(condition, ConversionState()))

    def decide_convert_condition_as_in_expression(
        self, cond: ConditionOR | ConditionAND, state: ConversionState
    ) -> bool:
        """B16, B17: ``has_all`` is about terms, and wildcards lose order; see below instead."""
        return False

    def convert_condition_or(self, cond: ConditionOR, state: ConversionState) -> str:
        """B13, B37: plain alternatives of a field become one flat list of its type."""
        done: set[str] = set()
        parts: list[str] = []
        for arg in cond.args:
            if not _listable(arg):
                parts.append(self._inner(cond, arg, state))
            elif arg.field not in done:
                done.add(arg.field)
                same = [a.value for a in cond.args if _listable(a) and a.field == arg.field]
                parts += self._alternatives(self._column(arg.field), same)
        return joined(parts, "or")

    def convert_condition_and(self, cond: ConditionAND, state: ConversionState) -> str:
        """B37: a flat chain in groups."""
        return joined([self._inner(cond, arg, state) for arg in cond.args], "and")

    def _inner(self, outer: ConditionItem, inner: Any, state: ConversionState) -> str:
        text = str(self.convert_condition(inner, state))
        if isinstance(outer, ConditionOR) or not _is_or(inner):
            return text
        return f"({text})"

    def convert_condition_not(self, cond: Any, state: ConversionState) -> str:
        """``not`` is a function of KQL."""
        return f"not({self.convert_condition(cond.args[0], state)})"

    def _alternatives(self, column: Column, values: Sequence[SigmaType]) -> list[str]:
        if column.many:
            return [self._string(column, v) for v in values]  # type: ignore[arg-type]
        plain = [v for v in values if not isinstance(v, SigmaString) or not v.contains_special()]
        wild = [v for v in values if isinstance(v, SigmaString) and v.contains_special()]
        if self.short and len(values) > 3 and column.kind == "string":
            return [_one_pattern(column, values)]
        out = []
        if len(plain) > 1:
            out.append(_in_list(column, plain))
        elif plain:
            out.append(_equal(column, _text(plain[0]), cased=False))
        return out + [self._string(column, v) for v in wild]

    def convert_condition_field_eq_val(self, cond: Comparison, state: ConversionState) -> str:
        """Every kind of value, by the type of the column (B12, B13, B14, B19)."""
        value, column = cond.value, self._column(cond.field)
        if isinstance(value, SigmaNull) or (isinstance(value, SigmaString) and not value.s):
            return _empty(column)
        if isinstance(value, SigmaExists):
            return f"not({_empty(column)})" if value.exists else _empty(column)
        if isinstance(value, SigmaExpansion):
            alternatives = [Comparison(cond.field, v) for v in value.values]
            text = self.convert_condition_or(ConditionOR(alternatives), state)
            return f"({text})"
        if _is_plain_value(value):
            return self._string(column, value)
        if column.many:
            if isinstance(value, SigmaRegularExpression):
                return within(value)
            raise Refused("this comparison of a field with several values")
        if isinstance(value, SigmaRegularExpression):
            return _regex(column, value)
        if isinstance(value, SigmaCIDRExpression):
            return in_range(column.string, value.cidr)
        if isinstance(value, SigmaCompareExpression):
            return _compare(column, value)
        if isinstance(value, SigmaFieldReference):
            return _reference(column, self._column(value.field), value)
        raise Refused(f"a value of type {type(value).__name__} cannot be compared in KQL")

    def convert_condition_val(self, cond: ConditionValueExpression, state: ConversionState) -> str:
        """B19: a keyword is searched in the column of all values."""
        if self.everything is None:
            raise Refused("keywords: the values of this table cannot be listed")
        column = Column(self.everything, many=True)
        value = cond.value
        if isinstance(value, SigmaExpansion):
            parts = [ConditionValueExpression(v) for v in value.values]
            return f"({joined([self.convert_condition_val(p, state) for p in parts], 'or')})"
        if isinstance(value, SigmaNumber):
            value = SigmaString(_text(value))
        if not isinstance(value, SigmaString):
            raise Refused("a keyword that is neither text nor number")
        inside = value if value.startswith(_MANY) else _MANY + value
        inside = inside if inside.endswith(_MANY) else inside + _MANY
        cased = isinstance(value, SigmaCasedString)
        return self._string(column, SigmaCasedString.from_sigma_string(inside) if cased else inside)

    def _column(self, field: str) -> Column:
        return self.columns[field]

    def _string(self, column: Column, value: SigmaString | SigmaNumber) -> str:
        """B15, B16, B33: the operator that means exactly what the wildcards mean."""
        if not isinstance(value, SigmaString):
            return _equal(column, _text(value), cased=False)
        parts, cased = parts_of(value), isinstance(value, SigmaCasedString)
        if column.many:
            return _string_in_many(column.text, parts, cased)
        if parts == [_MANY]:
            return f"not({_empty(column)})"
        if len(parts) == 1 and isinstance(parts[0], str):
            return _equal(column, parts[0], cased)
        suffix = "_cs" if cased else ""
        match parts:
            case [str(text), SpecialChars.WILDCARD_MULTI]:
                return f"{column.string} startswith{suffix} {literal(text)}"
            case [SpecialChars.WILDCARD_MULTI, str(text)]:
                return f"{column.string} endswith{suffix} {literal(text)}"
            case [SpecialChars.WILDCARD_MULTI, str(text), SpecialChars.WILDCARD_MULTI]:
                return f"{column.string} contains{suffix} {literal(text)}"
        flags = "s" if cased else "is"
        return f"{column.string} matches regex {literal(f'(?{flags})^{pattern(parts)}$')}"


def _is_or(node: Any) -> bool:
    return isinstance(node, ConditionOR)


def _is_plain_value(value: Any) -> bool:
    """A string or number; a boolean compares as its word."""
    from sigma.types import SigmaBool, SigmaTimestampPart

    if isinstance(value, SigmaTimestampPart):
        return False
    return isinstance(value, SigmaString | SigmaNumber | SigmaBool)


def _listable(arg: Any) -> bool:
    return (
        isinstance(arg, Comparison)
        and _is_plain_value(arg.value)
        and not isinstance(arg.value, SigmaCasedString)
        and not (isinstance(arg.value, SigmaString) and not arg.value.s)
    )


def _text(value: Any) -> str:
    from sigma.types import SigmaBool

    if isinstance(value, SigmaBool):
        return "true" if value.boolean else "false"
    if isinstance(value, SigmaNumber):
        return str(value.number)
    parts = parts_of(value)
    return str(parts[0]) if parts else ""


def _whole(text: str) -> bool:
    """Is this how a 32-bit whole number is written?"""
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or text != str(int(text)):
        return False
    return -_INT <= int(text) < _INT


def _empty(column: Column) -> str:
    if column.many:
        return f"strlen({column.text}) < 2"
    return f"isempty({column.string})" if column.kind == "string" else f"isnull({column.text})"


def _equal(column: Column, text: str, cased: bool) -> str:
    if column.many:
        return _string_in_many(column.text, [text], cased)
    if column.kind == "int":
        return f"{column.text} == {text}" if _whole(text) else "false"
    return f"{column.text} {'==' if cased else '=~'} {literal(text)}"


def _in_list(column: Column, values: Sequence[Any]) -> str:
    texts = list(dict.fromkeys(_text(v) for v in values))
    if column.kind == "int":
        texts = [t for t in texts if _whole(t)]
        return f"{column.text} in ({', '.join(texts)})" if texts else "false"
    return f"{column.text} in~ ({', '.join(literal(t) for t in texts)})"


def _one_pattern(column: Column, values: Sequence[Any]) -> str:
    """All values as one regular expression; a value's wildcards at its ends become its anchors."""
    out = []
    for value in values:
        parts = parts_of(value) if isinstance(value, SigmaString) else [_text(value)]
        start = "" if parts[0] is _MANY else "^"
        end = "" if parts[-1] is _MANY else "$"
        inner = parts[0 if start else 1 : len(parts) if end else -1]
        out.append(start + (pattern(inner) or ".") + end)
    return f"{column.text} matches regex {literal('(?is)' + '|'.join(out))}"


def _string_in_many(text: str, parts: Sequence[str | SpecialChars], cased: bool) -> str:
    """A value stands between two separators and cannot hold one."""
    contains = "contains_cs" if cased else "contains"
    match parts:
        case [str(value)]:
            return f"{text} {contains} {literal(SEPARATOR + value + SEPARATOR)}"
        case [str(value), SpecialChars.WILDCARD_MULTI]:
            return f"{text} {contains} {literal(SEPARATOR + value)}"
        case [SpecialChars.WILDCARD_MULTI, str(value)]:
            return f"{text} {contains} {literal(value + SEPARATOR)}"
        case [SpecialChars.WILDCARD_MULTI, str(value), SpecialChars.WILDCARD_MULTI]:
            return f"{text} {contains} {literal(value)}"
        case [SpecialChars.WILDCARD_MULTI]:
            return f"strlen({text}) > 1"
    inner = pattern(parts, f"[^{SEPARATOR}]")
    flags = "s" if cased else "is"
    return f"{text} matches regex {literal(f'(?{flags}){SEPARATOR}{inner}{SEPARATOR}')}"


def _regex(column: Column, value: SigmaRegularExpression) -> str:
    found = f"{column.string} matches regex {literal(translate(value))}"
    return f"(not({_empty(column)}) and {found})" if matches_empty(value) else found


def _compare(column: Column, value: SigmaCompareExpression) -> str:
    """A comparison with null is null, and ``not(null)`` drops the row (B18)."""
    operator, limit = _COMPARE[value.op], str(value.number.number)
    if column.kind == "int":
        return f"coalesce({column.text} {operator} {limit}, false)"
    number = f"{column.text} matches regex {literal(_NUMBER)}"
    return f"iff({number}, todouble({column.text}) {operator} {limit}, false)"


def _reference(left: Column, right: Column, value: SigmaFieldReference) -> str:
    if right.many:
        raise Refused("a reference to a field with several values")
    if value.starts_with and value.ends_with:
        operator = "contains"
    elif value.starts_with:
        operator = "startswith"
    else:
        operator = "endswith" if value.ends_with else "=~"
    return f"(isnotempty({right.string}) and {left.string} {operator} {right.string})"

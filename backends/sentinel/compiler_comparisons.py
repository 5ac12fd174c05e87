"""One comparison as KQL, by the type of its column. True or false, never null.

Kusto's operators that ignore case do so for ASCII letters only, so a column is compared in lower
case with a text that has other letters.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sigma.types import (
    CompareOperators,
    SigmaBool,
    SigmaCasedString,
    SigmaCompareExpression,
    SigmaFieldReference,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaString,
    SigmaTimestampPart,
    SpecialChars,
)

from hafnium.errors import Refused

from .compiler_columns import Column
from .compiler_regex import matches_empty, translate
from .compiler_text import SEPARATOR, foreign, literal, parts_of, pattern

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


def string(column: Column, value: Any) -> str:
    """B15, B16, B33: the operator that means exactly what the wildcards mean."""
    if not isinstance(value, SigmaString):
        return equal(column, text_of(value), cased=False)
    parts, cased = parts_of(value), isinstance(value, SigmaCasedString)
    if column.many:
        return string_in_many(column.text, parts, cased)
    if parts == [_MANY]:
        return f"not({empty(column)})"
    if len(parts) == 1 and isinstance(parts[0], str):
        return equal(column, parts[0], cased)
    suffix = "_cs" if cased else ""
    match parts:
        case [str(text), SpecialChars.WILDCARD_MULTI]:
            return _operator(column.string, f"startswith{suffix}", text, cased)
        case [SpecialChars.WILDCARD_MULTI, str(text)]:
            return _operator(column.string, f"endswith{suffix}", text, cased)
        case [SpecialChars.WILDCARD_MULTI, str(text), SpecialChars.WILDCARD_MULTI]:
            return _operator(column.string, f"contains{suffix}", text, cased)
    flags = "s" if cased else "is"
    return f"{column.string} matches regex {literal(f'(?{flags}){_anchored(parts)}')}"


def _operator(column: str, operator: str, text: str, cased: bool) -> str:
    """The operator is cheaper in the form that minds case, which a text without letters has not."""
    if not cased and text.lower() == text.upper():
        operator = "==" if operator == "=~" else f"{operator}_cs"
    if cased or not foreign(text):
        return f"{column} {operator} {literal(text)}"
    return f"tolower({column}) {operator} {literal(text.lower())}"


def is_plain(value: Any) -> bool:
    """A string or number; a boolean compares as its word."""
    if isinstance(value, SigmaTimestampPart):
        return False
    return isinstance(value, SigmaString | SigmaNumber | SigmaBool)


def listable(value: Any) -> bool:
    """May the value stand in a list of alternatives? An empty one means absence."""
    if isinstance(value, SigmaString):
        return bool(value.s) and not isinstance(value, SigmaCasedString)
    return is_plain(value)


def text_of(value: Any) -> str:
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


def empty(column: Column) -> str:
    if column.many:
        return f"strlen({column.text}) < 2"
    return f"isempty({column.string})" if column.kind == "string" else f"isnull({column.text})"


def equal(column: Column, text: str, cased: bool) -> str:
    if column.many:
        return string_in_many(column.text, [text], cased)
    if column.kind == "int":
        return f"{column.text} == {text}" if _whole(text) else "false"
    return _operator(column.text, "==" if cased else "=~", text, cased)


def in_list(column: Column, values: Sequence[Any]) -> str:
    texts = list(dict.fromkeys(text_of(v) for v in values))
    if column.kind == "int":
        texts = [t for t in texts if _whole(t)]
        return f"{column.text} in ({', '.join(texts)})" if texts else "false"
    if any(map(foreign, texts)):
        listed = dict.fromkeys(literal(t.lower()) for t in texts)
        return f"tolower({column.text}) in ({', '.join(listed)})"
    operator = "in" if all(t.lower() == t.upper() for t in texts) else "in~"
    return f"{column.text} {operator} ({', '.join(literal(t) for t in texts)})"


def one_pattern(column: Column, values: Sequence[Any]) -> str:
    """All values as one regular expression."""
    out = []
    for value in values:
        out.append(
            _anchored(parts_of(value) if isinstance(value, SigmaString) else [text_of(value)])
        )
    return f"{column.text} matches regex {literal('(?is)' + '|'.join(out))}"


def _anchored(parts: Sequence[str | SpecialChars]) -> str:
    """Wildcards at the ends are no part of the expression, which is searched for."""
    start = "" if parts[0] is _MANY else "^"
    end = "" if parts[-1] is _MANY else "$"
    inner = parts[0 if start else 1 : len(parts) if end else -1]
    return start + (pattern(inner) or ".") + end


def string_in_many(text: str, parts: Sequence[str | SpecialChars], cased: bool) -> str:
    """A value stands between two separators and cannot hold one."""
    contains = "contains_cs" if cased else "contains"
    match parts:
        case [str(value)]:
            return _operator(text, contains, SEPARATOR + value + SEPARATOR, cased)
        case [str(value), SpecialChars.WILDCARD_MULTI]:
            return _operator(text, contains, SEPARATOR + value, cased)
        case [SpecialChars.WILDCARD_MULTI, str(value)]:
            return _operator(text, contains, value + SEPARATOR, cased)
        case [SpecialChars.WILDCARD_MULTI, str(value), SpecialChars.WILDCARD_MULTI]:
            return _operator(text, contains, value, cased)
        case [SpecialChars.WILDCARD_MULTI]:
            return f"strlen({text}) > 1"
    inner = pattern(parts, f"[^{SEPARATOR}]")
    flags = "s" if cased else "is"
    return f"{text} matches regex {literal(f'(?{flags}){SEPARATOR}{inner}{SEPARATOR}')}"


def search(column: Column, value: SigmaRegularExpression) -> str:
    """B15: case as the rule says; an absent field has nothing to find."""
    found = f"{column.string} matches regex {literal(translate(value, many=column.many))}"
    return f"(not({empty(column)}) and {found})" if matches_empty(value) else found


def compare(column: Column, value: SigmaCompareExpression) -> str:
    """A comparison with null is null, and ``not(null)`` drops the row (B18)."""
    operator, limit = _COMPARE[value.op], str(value.number.number)
    if column.kind == "int":
        return f"coalesce({column.text} {operator} {limit}, false)"
    number = f"{column.text} matches regex {literal(_NUMBER)}"
    return f"iff({number}, todouble({column.text}) {operator} {limit}, false)"


def reference(left: Column, right: Column, value: SigmaFieldReference) -> str:
    if right.many:
        raise Refused("a reference to a field with several values")
    if value.starts_with and value.ends_with:
        operator = "contains_cs"
    elif value.starts_with:
        operator = "startswith_cs"
    else:
        operator = "endswith_cs" if value.ends_with else "=="
    pair = f"tolower({left.string}) {operator} tolower({right.string})"
    return f"(isnotempty({right.string}) and {pair})"

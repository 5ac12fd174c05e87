"""One comparison: a Sigma value against one text value of a field.

A test takes the value twice, as it is and folded to lower case, so that folding is paid once
per field and not once per comparison.
"""

from __future__ import annotations

import ipaddress
import operator
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Literal

from sigma.types import (
    CompareOperators,
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaString,
    SigmaTimestampPart,
    SigmaType,
    SpecialChars,
    TimestampPart,
)

from hafnium import regex
from hafnium.errors import Refused

Test = Callable[[str, str], bool]
"""``test(value, folded)``: does the field's value satisfy the comparison?"""


def value_test(value: SigmaType) -> Test:
    """The test for a value that is compared with a field. Raises `Refused` for placeholders,
    regular expressions outside the portable subset and values that have no meaning here."""
    if isinstance(value, SigmaString):
        return string_test(value)
    if isinstance(value, SigmaTimestampPart):
        return _timestamp_test(value)
    if isinstance(value, SigmaNumber):
        text = str(value.number)
        return lambda plain, folded: plain == text
    if isinstance(value, SigmaBool):
        word = "true" if value.boolean else "false"
        return lambda plain, folded: folded == word
    if isinstance(value, SigmaRegularExpression):
        return _regex_test(value)
    if isinstance(value, SigmaCompareExpression):
        return _compare_test(value)
    if isinstance(value, SigmaCIDRExpression):
        return _cidr_test(value)
    raise Refused(f"a value of type {type(value).__name__} cannot be compared")


Plain = Literal["is", "starts", "ends", "has"]
"""The comparisons that need no pattern: equality, prefix, suffix, containment."""


def plain_text(value: SigmaType) -> tuple[Plain, str] | None:
    """The comparison and its folded text, for a string that ignores case and has wildcards at
    its ends only; None for anything else."""
    if not isinstance(value, SigmaString) or isinstance(value, SigmaCasedString):
        return None
    if value.contains_placeholder():
        return None  # refused where it is compared
    found = _plain(value)
    return (found[0], found[1].lower()) if found else None


def _plain(value: SigmaString) -> tuple[Plain, str] | None:
    many = SpecialChars.WILDCARD_MULTI
    texts = [part for part in value.s if isinstance(part, str)]
    shape = tuple("" if isinstance(part, str) else part for part in value.s)
    kinds: dict[tuple[object, ...], Plain] = {
        ("",): "is",
        ("", many): "starts",
        (many, ""): "ends",
        (many, "", many): "has",
    }
    return (kinds[shape], texts[0]) if shape in kinds else None


def any_text(kind: Plain, texts: Sequence[str]) -> Test:
    """Any of several folded texts, compared in one go."""
    some = tuple(texts)
    if kind == "is":
        exact = frozenset(some)
        return lambda plain, folded: folded in exact
    if kind == "starts":
        return lambda plain, folded: folded.startswith(some)
    if kind == "ends":
        return lambda plain, folded: folded.endswith(some)

    def has(plain: str, folded: str) -> bool:
        for text in some:  # noqa: SIM110
            if text in folded:
                return True
        return False

    return has


_COMPARISONS: dict[Plain, Callable[[str, str], bool]] = {
    "is": str.__eq__,
    "starts": str.startswith,
    "ends": str.endswith,
    "has": str.__contains__,
}


def string_test(value: SigmaString) -> Test:
    """Equality, prefix, suffix or containment where the wildcards allow, else a pattern."""
    if value.contains_placeholder():
        raise Refused(
            "a placeholder (expand) has no value", mend="replace it in the rule or by a pipeline"
        )
    cased = isinstance(value, SigmaCasedString)
    plain = _plain(value)
    if plain is not None and not cased:
        return any_text(plain[0], [plain[1].lower()])
    if plain is not None:
        compare, text = _COMPARISONS[plain[0]], plain[1]
        return lambda plain, folded: compare(plain, text)
    return _pattern_test(value, cased)


def _pattern_test(value: SigmaString, cased: bool) -> Test:
    wild = {SpecialChars.WILDCARD_MULTI: ".*", SpecialChars.WILDCARD_SINGLE: "."}
    pattern = "".join(
        wild[part]
        if isinstance(part, SpecialChars)
        else re.escape(str(part) if cased else str(part).lower())
        for part in value.s
    )
    fits = re.compile(pattern, re.DOTALL).fullmatch
    if cased:
        return lambda plain, folded: fits(plain) is not None
    return lambda plain, folded: fits(folded) is not None


def keyword_test(value: SigmaType) -> Test:
    """The test for a keyword: a string or number anywhere inside one of the entry's values."""
    if isinstance(value, SigmaNumber):
        value = SigmaString(str(value.number))
    if not isinstance(value, SigmaString):
        return value_test(value)
    many = SpecialChars.WILDCARD_MULTI
    inside = value
    if not inside.startswith(many):
        inside = many + inside
    if not inside.endswith(many):
        inside = inside + many
    if isinstance(value, SigmaCasedString):
        inside = SigmaCasedString.from_sigma_string(inside)
    return string_test(inside)


def _regex_test(value: SigmaRegularExpression) -> Test:
    reason = regex.refusal(str(value.regexp))
    if reason:
        raise Refused(f"regular expression {str(value.regexp)!r} {reason}")
    search = regex.reference(value).search
    return lambda plain, folded: search(plain) is not None


_COMPARE: dict[CompareOperators, Callable[[Decimal, Decimal], bool]] = {
    CompareOperators.LT: operator.lt,
    CompareOperators.LTE: operator.le,
    CompareOperators.GT: operator.gt,
    CompareOperators.GTE: operator.ge,
    CompareOperators.NEQ: operator.ne,
}
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)", re.ASCII)


def _compare_test(value: SigmaCompareExpression) -> Test:
    limit, compare = Decimal(str(value.number.number)), _COMPARE[value.op]

    def test(plain: str, folded: str) -> bool:
        if not _NUMBER.fullmatch(plain):
            return False
        try:
            return compare(Decimal(plain), limit)
        except InvalidOperation:  # more digits than a decimal context holds
            return False

    return test


def _cidr_test(value: SigmaCIDRExpression) -> Test:
    network = ipaddress.ip_network(value.cidr, strict=False)

    def test(plain: str, folded: str) -> bool:
        try:
            address = ipaddress.ip_address(plain.partition("%")[0])
        except ValueError:
            return False
        return address.version == network.version and address in network

    return test


_PARTS: dict[TimestampPart, Callable[[datetime], int]] = {
    TimestampPart.MINUTE: lambda t: t.minute,
    TimestampPart.HOUR: lambda t: t.hour,
    TimestampPart.DAY: lambda t: t.day,
    TimestampPart.WEEK: lambda t: t.isocalendar().week,
    TimestampPart.MONTH: lambda t: t.month,
    TimestampPart.YEAR: lambda t: t.year,
}


def _timestamp_test(value: SigmaTimestampPart) -> Test:
    part, wanted = _PARTS[value.timestamp_part], int(value.number)

    def test(plain: str, folded: str) -> bool:
        try:
            return part(datetime.fromisoformat(plain)) == wanted
        except ValueError:
            return False

    return test

"""One comparison: a Sigma value against one text value of a field.

A test takes the value twice, as it is and folded to lower case, so that folding is paid once
per field and not once per comparison.
"""

from __future__ import annotations

import ipaddress
import operator
import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal, InvalidOperation

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


def string_test(value: SigmaString) -> Test:
    """Equality, prefix, suffix or containment where the wildcards allow, else a pattern."""
    if value.contains_placeholder():
        raise Refused(
            "a placeholder (expand) has no value", mend="replace it in the rule or by a pipeline"
        )
    cased = isinstance(value, SigmaCasedString)
    parts = [p if isinstance(p, SpecialChars) or cased else str(p).lower() for p in value.s]
    many = SpecialChars.WILDCARD_MULTI
    plain = [p for p in parts if isinstance(p, str)]
    shape = [p if isinstance(p, SpecialChars) else "" for p in parts]
    if not parts:
        return lambda value, folded: value == ""
    if shape == [""]:
        return _pick(cased, operator.eq, plain[0])
    if shape == ["", many]:
        return _pick(cased, str.startswith, plain[0])
    if shape == [many, ""]:
        return _pick(cased, str.endswith, plain[0])
    if shape == [many, "", many]:
        return _pick(cased, operator.contains, plain[0])
    wild = {many: ".*", SpecialChars.WILDCARD_SINGLE: "."}
    text = "".join(re.escape(p) if isinstance(p, str) else wild[p] for p in parts)  # type: ignore[index]
    pattern = re.compile(text, re.DOTALL).fullmatch
    return _pick(cased, lambda value, _: pattern(value) is not None, "")


def _pick(cased: bool, compare: Callable[[str, str], bool], text: str) -> Test:
    if cased:
        return lambda plain, folded: compare(plain, text)
    return lambda plain, folded: compare(folded, text)


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

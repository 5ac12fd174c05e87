"""pySigma's Kusto backend, corrected: a rule's condition as one exact KQL expression.

Every comparison is true or false and never null, so that ``not`` holds inside every nesting.
Each override names the trap that it closes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sigma.backends.kusto.kusto import KustoBackend
from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionItem,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.conversion.state import ConversionState
from sigma.types import (
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
from .compiler_comparisons import (
    compare,
    empty,
    equal,
    in_list,
    is_plain,
    listable,
    one_pattern,
    reference,
    search,
    string,
    text_of,
)
from .compiler_text import joined, literal
from .compiler_thrift import cost, required

_MANY = SpecialChars.WILDCARD_MULTI

Comparison = ConditionFieldEqualsValueExpression


class Conditions(KustoBackend):
    """Writes conditions over ``columns`` (Sigma field → column) and ``everything`` (the column
    of all values, for keywords; None when there is none).

    ``thrifty`` looks for a text that a regular expression needs before it runs it; ``short``
    folds the alternatives of a field into one regular expression, for long lists.
    """

    def __init__(
        self,
        columns: Mapping[str, Column],
        everything: str | None = None,
        *,
        thrifty: bool = False,
        short: bool = False,
    ) -> None:
        super().__init__()
        self.columns = columns
        self.everything = everything
        self.thrifty = thrifty
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
        lists: dict[str, list[SigmaType]] = {}
        parts: list[str] = []
        for arg in cond.args:
            if isinstance(arg, Comparison) and listable(arg.value):
                lists.setdefault(arg.field, []).append(arg.value)
            else:
                parts.append(self._inner(cond, arg, state))
        for field, values in lists.items():
            parts += self._alternatives(self.columns[field], values)
        return joined(parts, "or")

    def convert_condition_and(self, cond: ConditionAND, state: ConversionState) -> str:
        """B37: a flat chain in groups; what is cheap comes first."""
        args = sorted(cond.args, key=cost)
        return joined([self._inner(cond, arg, state) for arg in args], "and")

    def _inner(self, outer: ConditionItem, inner: Any, state: ConversionState) -> str:
        text = str(self.convert_condition(inner, state))
        if isinstance(outer, ConditionOR) or not isinstance(inner, ConditionOR):
            return text
        return f"({text})"

    def convert_condition_not(self, cond: ConditionNOT, state: ConversionState) -> str:
        """``not`` is a function of KQL."""
        return f"not({self.convert_condition(cond.args[0], state)})"

    def _alternatives(self, column: Column, values: Sequence[SigmaType]) -> list[str]:
        if column.many:
            return [self._string(column, v) for v in values]
        plain = [v for v in values if not isinstance(v, SigmaString) or not v.contains_special()]
        wild = [v for v in values if isinstance(v, SigmaString) and v.contains_special()]
        if self.short and len(values) > 3 and column.kind == "string":
            return [one_pattern(column, values)]
        out = []
        if len(plain) > 1:
            out.append(in_list(column, plain))
        elif plain:
            out.append(equal(column, text_of(plain[0]), cased=False))
        return out + [self._string(column, v) for v in wild]

    def _string(self, column: Column, value: SigmaType) -> str:
        return self._sparing(column, value, string(column, value))

    def _sparing(self, column: Column, value: SigmaType, found: str) -> str:
        text = required(value) if self.thrifty and column.kind == "string" else None
        return f"{column.text} contains {literal(text)} and {found}" if text else found

    def convert_condition_field_eq_val(self, cond: Comparison, state: ConversionState) -> str:
        """Every kind of value, by the type of the column (B12, B13, B14, B19)."""
        value, column = cond.value, self.columns[cond.field]
        if isinstance(value, SigmaNull) or (isinstance(value, SigmaString) and not value.s):
            return empty(column)
        if isinstance(value, SigmaExists):
            return f"not({empty(column)})" if value.exists else empty(column)
        if isinstance(value, SigmaExpansion):
            alternatives = ConditionOR([Comparison(cond.field, v) for v in value.values])
            return f"({self.convert_condition_or(alternatives, state)})"
        if is_plain(value):
            return self._string(column, value)
        if isinstance(value, SigmaRegularExpression):
            return self._sparing(column, value, search(column, value))
        if column.many:
            raise Refused("this comparison of a field with several values")
        if isinstance(value, SigmaCIDRExpression):
            return in_range(column.string, value.cidr)
        if isinstance(value, SigmaCompareExpression):
            return compare(column, value)
        if isinstance(value, SigmaFieldReference):
            return reference(column, self.columns[value.field], value)
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
            value = SigmaString(text_of(value))
        if not isinstance(value, SigmaString):
            raise Refused("a keyword that is neither text nor number")
        inside = value if value.startswith(_MANY) else _MANY + value
        inside = inside if inside.endswith(_MANY) else inside + _MANY
        cased = isinstance(value, SigmaCasedString)
        return self._string(column, SigmaCasedString.from_sigma_string(inside) if cased else inside)

"""A rule's condition in the terms of the ``search`` command: exact, or else what is necessary.

Search terms are what Splunk answers from its index. They cannot say everything (see
`compiler_text.search_value`): `exact` gives None then, and `necessary` a condition that every
match fulfils, which narrows the events before ``where`` decides.
"""

from __future__ import annotations

from typing import Any

from sigma.backends.splunk.splunk import SplunkBackend
from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionOR,
)
from sigma.conversion.state import ConversionState
from sigma.types import SigmaCasedString, SigmaExists, SigmaNull, SigmaNumber, SigmaString

from hafnium.backends.splunk.compiler_text import (
    is_searchable,
    loose_search_value,
    search_field,
    search_value,
)

Equals = ConditionFieldEqualsValueExpression
_TERMS_AT_MOST = 40  # a longer part of a necessary condition costs more than it saves


class Inexact(Exception):
    """Something that search terms cannot say exactly: it is then left to ``where``."""


class SearchTerms(SplunkBackend):
    """Writes conditions for ``search``. ``integers`` are fields that hold plain decimal numbers."""

    and_token = "AND"

    def __init__(self, *, xml: bool, integers: frozenset[str]) -> None:
        super().__init__()
        self.xml = xml
        self.integers = integers

    def exact(self, condition: Any) -> str | None:
        """The condition, or None where search terms cannot say it."""
        try:
            return self._part(condition)
        except Inexact:
            return None

    def necessary(self, condition: Any) -> str | None:
        """What every match of the condition fulfils; None for nothing in particular."""
        exact = self.exact(condition)
        if exact is not None and exact.count('"') <= 2 * _TERMS_AT_MOST:
            return exact
        if isinstance(condition, ConditionAND):
            parts = [p for arg in condition.args if (p := self.necessary(arg)) is not None]
            return _joined(" AND ", parts) if parts else None
        if isinstance(condition, ConditionOR):
            return self._necessary_or(condition)
        if isinstance(condition, Equals):
            return self._necessary_value(condition)
        return None

    def _necessary_or(self, condition: ConditionOR) -> str | None:
        fields = {arg.field if isinstance(arg, Equals) else None for arg in condition.args}
        parts = [self.necessary(arg) for arg in condition.args]
        if any(part is None for part in parts):
            return None
        unique = list(dict.fromkeys(str(part) for part in parts))
        if sum(part.count('"') for part in unique) <= 2 * _TERMS_AT_MOST:
            return _joined(" OR ", unique)
        (field, *others) = fields
        return f"{search_field(field)}=*" if field and not others else None

    def _necessary_value(self, condition: Equals) -> str | None:
        value = condition.value
        if not is_searchable(condition.field) or isinstance(value, SigmaNull):
            return None
        if isinstance(value, SigmaExists) and not value.exists:
            return None
        if isinstance(value, SigmaString) and not value.s:
            return None
        field = search_field(condition.field)
        if isinstance(value, SigmaString):
            return f"{field}={loose_search_value(value, self.xml) or '*'}"
        if type(value) is SigmaNumber:
            return f"{field}={value.number}"
        return f"{field}=*"

    # B8: parentheses around every operator, so that the text means the same where AND binds
    # tighter than OR (where, tstats) as in search, where OR binds tighter.

    def convert_condition_or(self, cond: Any, state: Any) -> str:
        """B8: parentheses. Values of one field become ``IN``."""
        values: dict[str, list[str]] = {}
        rest = []
        for arg in cond.args:
            if isinstance(arg, Equals):
                values.setdefault(arg.field, []).append(self._value(arg))
            else:
                rest.append(self._part(arg))
        terms = [
            f"{search_field(name)}={texts[0]}"
            if len(texts) == 1
            else f"{search_field(name)} IN ({', '.join(texts)})"
            for name, texts in values.items()
        ]
        return _joined(" OR ", terms + rest)

    def convert_condition_and(self, cond: Any, state: Any) -> str:
        """B8: parentheses, and the AND written out."""
        return _joined(" AND ", [self._part(arg) for arg in cond.args])

    def convert_condition_not(self, cond: Any, state: Any) -> str:
        """``NOT`` and never ``!=``, which is false for absent fields."""
        return f"NOT {_grouped(self._part(cond.args[0]))}"

    def decide_convert_condition_as_in_expression(self, cond: Any, state: Any) -> bool:
        """The stock backend would write ``?`` as ``*`` inside IN (B6)."""
        return False

    def convert_condition_field_eq_val(self, cond: Any, state: Any) -> str:
        """Only texts and plain numbers; the rest is left to ``where`` (B1-B7, B10, B33)."""
        return f"{search_field(cond.field)}={self._value(cond)}"

    def convert_condition_val(self, cond: Any, state: Any) -> str:
        """A search term looks across values; a keyword in each of them."""
        raise Inexact

    def _part(self, condition: Any) -> str:
        return str(self.convert_condition(condition, ConversionState()))

    def _value(self, cond: Any) -> str:
        value = cond.value
        if not is_searchable(cond.field):
            raise Inexact
        if type(value) is SigmaNumber and cond.field in self.integers:
            return str(value.number)
        if not isinstance(value, SigmaString) or isinstance(value, SigmaCasedString):
            raise Inexact
        text = search_value(value, self.xml)
        if text is None:
            raise Inexact
        return text


def _joined(operator: str, parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else "(" + operator.join(parts) + ")"


def _grouped(expression: str) -> str:
    return expression if expression.startswith("(") else f"({expression})"

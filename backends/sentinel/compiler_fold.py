"""What is known of a condition before any row is seen: a table that does not keep a field makes
every comparison with it false, and with luck the whole condition."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionNOT,
    ConditionOR,
)
from sigma.types import SigmaExists, SigmaFieldReference, SigmaNull, SigmaString


def known(node: Any, absent: Collection[str]) -> bool | None:
    """True or False when the condition is so for every row, None when rows decide."""
    if isinstance(node, ConditionNOT):
        inner = known(node.args[0], absent)
        return None if inner is None else not inner
    if isinstance(node, ConditionAND | ConditionOR):
        deciding = isinstance(node, ConditionOR)
        results = [known(arg, absent) for arg in node.args]
        if deciding in results:
            return deciding
        return None if None in results else not deciding
    if isinstance(node, ConditionFieldEqualsValueExpression):
        return _comparison(node.field, node.value, absent)
    return None


def _comparison(field: str, value: Any, absent: Collection[str]) -> bool | None:
    if isinstance(value, SigmaFieldReference) and value.field in absent:
        return False
    if field not in absent:
        return None
    if isinstance(value, SigmaNull) or (isinstance(value, SigmaString) and not value.s):
        return True
    if isinstance(value, SigmaExists):
        return not value.exists
    return False

"""Splunk's values: text, numbers, Booleans, null and multivalues, and how they compare.

Null is None. A multivalue is a list of two or more texts; with one value it is that value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hafnium.errors import EngineError

Value = Any
"""str, int, float, bool, None or list[str]."""

Fields = Mapping[str, Value]
Evaluate = Callable[[Fields], Value]

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)", re.ASCII)


def number(value: Value) -> float | int | None:
    """The number that a single value is or spells in decimal; None when it is no number."""
    if isinstance(value, bool) or value is None or isinstance(value, list):
        return None
    if isinstance(value, str):
        if not _NUMBER.fullmatch(value):
            return None
        return float(value) if "." in value else int(value)
    return value  # type: ignore[no-any-return]


def text(value: Value) -> str:
    """A single value as text."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or value is None or isinstance(value, list):
        raise EngineError(f"{kind(value)} used as text: not documented")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def texts(value: Value) -> list[str]:
    """All values as texts; none for null."""
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [text(value)]


def pack(values: Sequence[Value]) -> Value:
    """Values as one value: null when there are none, itself when there is one."""
    if not values:
        return None
    return values[0] if len(values) == 1 else list(values)


def kind(value: Value) -> str:
    """The name of a value's type, for messages."""
    if value is None:
        return "null"
    if isinstance(value, list):
        return "a multivalue"
    return {str: "text", bool: "a Boolean"}.get(type(value), "a number")


def truth(value: Value) -> bool | None:
    """A value as a condition: a Boolean, or None for null."""
    if value is None or isinstance(value, bool):
        return value
    raise EngineError(f"{kind(value)} used as a condition; Splunk wants a Boolean expression")


def both(left: bool | None, right: bool | None) -> bool | None:
    """AND with null as the unknown."""
    if left is False or right is False:
        return False
    return None if left is None or right is None else True


def either(left: bool | None, right: bool | None) -> bool | None:
    """OR with null as the unknown."""
    if left is True or right is True:
        return True
    return None if left is None or right is None else False


_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: bool(a == b),
    "==": lambda a, b: bool(a == b),
    "!=": lambda a, b: bool(a != b),
    "<": lambda a, b: bool(a < b),
    "<=": lambda a, b: bool(a <= b),
    ">": lambda a, b: bool(a > b),
    ">=": lambda a, b: bool(a >= b),
}


def compare(operator: str, left: Value, right: Value) -> bool | None:
    """A comparison in ``where`` and ``eval``: with null it is null, texts compare by case."""
    if left is None or right is None:
        return None
    for value in (left, right):
        if isinstance(value, list):
            raise EngineError(
                "a multivalue compared in an expression: not documented",
                mend="use mvfilter, mvfind or the search command",
            )
        if isinstance(value, bool):
            raise EngineError("a Boolean compared in an expression: not documented")
    numbers = number(left), number(right)
    if isinstance(left, str) and isinstance(right, str):
        if operator not in ("=", "==", "!=") and None not in numbers:
            raise EngineError(
                f"order of the texts {left!r} and {right!r}: not documented for numeric texts",
                mend="use tonumber()",
            )
        return _ORDER[operator](left, right)
    if None in numbers:
        raise EngineError(
            f"{left!r} {operator} {right!r}: text against number is not documented",
            mend="use tonumber() or a quoted text",
        )
    return _ORDER[operator](*numbers)

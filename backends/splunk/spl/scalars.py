"""The functions of ``where`` and ``eval`` that need nothing but the values of their arguments.

A null argument makes a text function null. A multivalue where the documentation speaks of one
value is refused: only the multivalue functions take it.
"""

from __future__ import annotations

from collections.abc import Callable

from hafnium.backends.splunk.spl import values
from hafnium.backends.splunk.spl.values import Value
from hafnium.errors import EngineError

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
MANY = 10_000
"""More arguments than any call has."""


def _textual(function: Callable[[str], Value]) -> Callable[[Value], Value]:
    return lambda value: None if value is None else function(values.text(value))


def _trim(strip: Callable[[str, str], str]) -> Callable[..., Value]:
    def trim(value: Value, chars: Value = " \t") -> Value:
        return None if value is None else strip(values.text(value), values.text(chars))

    return trim


def _substr(value: Value, start: Value, length: Value = None) -> Value:
    if value is None:
        return None
    whole = values.text(value)
    if not isinstance(start, int) or start == 0 or not isinstance(length, int | None):
        raise EngineError("substr() wants whole numbers, counted from 1")
    begin = start - 1 if start > 0 else max(0, len(whole) + start)
    return whole[begin:] if length is None else whole[begin : begin + max(0, length)]


def _tonumber(value: Value, base: Value = 10) -> Value:
    if value is None:
        return None
    if base == 10:
        return values.number(values.text(value))
    if not isinstance(base, int) or not 2 <= base <= 36:
        raise EngineError(f"tonumber() with base {base!r}")
    said = values.text(value).lower()
    digits = _DIGITS[:base]
    return int(said, base) if said and all(char in digits for char in said) else None


def _tostring(value: Value) -> Value:
    if isinstance(value, bool):
        return str(value)
    return None if value is None else values.text(value)


def _isnum(value: Value) -> bool:
    return values.number(value) is not None


def _isint(value: Value) -> bool:
    known = values.number(value)
    return known is not None and float(known).is_integer()


def _isstr(value: Value) -> bool:
    if isinstance(value, list) or (isinstance(value, str) and _isnum(value)):
        raise EngineError("isstr() of a multivalue or of digits is not documented")
    return isinstance(value, str)


def _numeric(function: Callable[..., Value]) -> Callable[..., Value]:
    def apply(*arguments: Value) -> Value:
        if None in arguments:
            return None
        numbers = [values.number(argument) for argument in arguments]
        if None in numbers:
            raise EngineError(f"number wanted, not {arguments}")
        return function(*numbers)

    return apply


def _round(value: float, digits: float = 0) -> Value:
    """Halves away from zero."""
    if not isinstance(digits, int) or digits < 0:
        raise EngineError(f"round() to {digits!r} digits")
    scale = 10**digits
    whole = int(abs(value) * scale + 0.5)
    result = whole / scale if value >= 0 else -whole / scale
    return int(result) if not digits else result


def _extreme(choose: Callable[..., Value]) -> Callable[..., Value]:
    """max() and min(): numbers in their order, before any text."""

    def rank(value: Value) -> tuple[bool, Value]:
        known = values.number(value)
        return (True, value) if known is None else (False, known)

    def extreme(*arguments: Value) -> Value:
        known = [argument for argument in arguments if argument is not None]
        if any(isinstance(argument, list | bool) for argument in known):
            raise EngineError("max() or min() of a multivalue is not supported")
        return choose(known, key=rank) if known else None

    return extreme


def _mvindex(value: Value, start: Value, end: Value = None) -> Value:
    found = values.texts(value)
    last = start if end is None else end
    if not isinstance(start, int) or not isinstance(last, int):
        raise EngineError("mvindex() wants whole numbers")
    first, last = (at + len(found) if at < 0 else at for at in (start, last))
    if not 0 <= first <= last < len(found):
        return None
    return values.pack(found[first : last + 1])


def _mvjoin(value: Value, glue: Value) -> Value:
    return None if value is None else values.text(glue).join(values.texts(value))


def _split(value: Value, separator: Value) -> Value:
    if value is None:
        return None
    glue = values.text(separator)
    if not glue:
        raise EngineError("split() by an empty text is not supported")
    return values.pack(values.text(value).split(glue))


def _mvappend(*arguments: Value) -> Value:
    return values.pack([value for argument in arguments for value in values.texts(argument)])


PLAIN: dict[str, tuple[int, int, Callable[..., Value]]] = {
    "true": (0, 0, lambda: True),
    "false": (0, 0, lambda: False),
    "null": (0, 0, lambda: None),
    "isnull": (1, 1, lambda value: value is None),
    "isnotnull": (1, 1, lambda value: value is not None),
    "isnum": (1, 1, _isnum),
    "isint": (1, 1, _isint),
    "isstr": (1, 1, _isstr),
    "lower": (1, 1, _textual(str.lower)),
    "upper": (1, 1, _textual(str.upper)),
    "len": (1, 1, _textual(len)),
    "trim": (1, 2, _trim(str.strip)),
    "ltrim": (1, 2, _trim(str.lstrip)),
    "rtrim": (1, 2, _trim(str.rstrip)),
    "substr": (2, 3, _substr),
    "tonumber": (1, 2, _tonumber),
    "tostring": (1, 1, _tostring),
    "abs": (1, 1, _numeric(abs)),
    "round": (1, 2, _numeric(_round)),
    "max": (1, MANY, _extreme(max)),
    "min": (1, MANY, _extreme(min)),
    "mvcount": (1, 1, lambda value: None if value is None else len(values.texts(value))),
    "mvindex": (2, 3, _mvindex),
    "mvjoin": (2, 2, _mvjoin),
    "mvappend": (1, MANY, _mvappend),
    "mvdedup": (1, 1, lambda value: values.pack(list(dict.fromkeys(values.texts(value))))),
    "split": (2, 2, _split),
}

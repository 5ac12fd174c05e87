"""ES|QL's scalar functions that the queries need, after Elastic's function reference.

Most take single values: null or several values in make null out. Those that know several
values are named ``MV_…``, or choose between values (``COALESCE``, ``CASE``). What is not listed
is refused, and so is what depends on the clock.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hafnium.backends.elastic.engine_documents import address, inside, millis, network
from hafnium.backends.elastic.engine_esql_literals import SPANS
from hafnium.backends.elastic.engine_esql_rows import (
    NUMBERS,
    Expr,
    Row,
    Value,
    one_or_many,
    require,
    scalar,
    values_of,
)
from hafnium.errors import EngineError


@dataclass(frozen=True)
class _Function:
    """``takes``: allowed types per argument, the last one repeats. ``gives`` None: the type of
    the first argument. ``many``: the function sees several values."""

    compute: Callable[..., Value]
    gives: str | None
    takes: tuple[tuple[str, ...], ...]
    least: int
    most: int
    many: bool = False


_TEXT = ("keyword",)
_ANY = ("keyword", "long", "double", "boolean", "ip", "datetime")


def call(name: str, arguments: Sequence[Expr]) -> Expr:
    """A function call, its arguments checked."""
    special = _SPECIAL.get(name)
    if special is not None:
        return special(arguments)
    function = _FUNCTIONS.get(name)
    if function is None:
        raise EngineError(f"ES|QL: the function {name} is unknown here")
    if not function.least <= len(arguments) <= function.most:
        raise EngineError(f"ES|QL: {name} got {len(arguments)} arguments")
    for place, argument in enumerate(arguments):
        allowed = function.takes[min(place, len(function.takes) - 1)]
        require(argument, name, *allowed)
    return Expr(function.gives or arguments[0].type, _computed(function, arguments))


def _computed(function: _Function, arguments: Sequence[Expr]) -> Callable[[Row], Value]:
    compute = function.compute
    if function.many:
        return lambda row: compute(*(argument.get(row) for argument in arguments))
    if len(arguments) == 1:
        only = arguments[0]

        def single(row: Row) -> Value:
            value = scalar(only.get(row))
            return None if value is None else compute(value)

        return single

    def several(row: Row) -> Value:
        values = [scalar(argument.get(row)) for argument in arguments]
        return None if None in values else compute(*values)

    return several


def to_string(value: Value) -> Value:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _each(convert: Callable[[Any], Value]) -> Callable[[Value], Value]:
    """A conversion converts each of several values."""

    def compute(value: Value) -> Value:
        found = [convert(item) for item in values_of(value)]
        return one_or_many([item for item in found if item is not None])

    return compute


def _to_double(value: Any) -> float | None:
    try:
        found = float(value)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def _to_long(value: Any) -> int | None:
    found = _to_double(value)
    return None if found is None else round(found)


def _to_boolean(value: Any) -> bool:
    return value.lower() == "true" if isinstance(value, str) else bool(value)


def _cidr_match(value: Any, *blocks: str) -> bool:
    return any(inside(value, network(block)) for block in blocks)


def _substring(text: str, start: int, length: int | None = None) -> str:
    begin = start - 1 if start > 0 else max(len(text) + start, 0)
    return text[begin:] if length is None else text[begin : begin + length]


def _locate(text: str, part: str, start: int = 1) -> int:
    return text.find(part, max(start - 1, 0)) + 1


def _date_trunc(span: int, moment: int) -> int:
    return moment // span * span


def _mv_concat(values: Value, between: Value) -> Value:
    if values is None or scalar(between) is None:
        return None
    return between.join(values_of(values))


def _mv_contains(values: Value, wanted: Value) -> Value:
    return set(values_of(wanted)) <= set(values_of(values))


def _mv(compute: Callable[[tuple[Any, ...]], Value]) -> Callable[[Value], Value]:
    return lambda value: None if value is None else compute(values_of(value))


def _text(compute: Callable[..., Value], gives: str, count: int) -> _Function:
    return _Function(compute, gives, (_TEXT,), count, count)


def _conversion(convert: Callable[[Any], Value], gives: str, *takes: str) -> _Function:
    return _Function(_each(convert), gives, (takes,), 1, 1, many=True)


_FUNCTIONS: dict[str, _Function] = {
    "TO_LOWER": _text(str.lower, "keyword", 1),
    "TO_UPPER": _text(str.upper, "keyword", 1),
    "TRIM": _text(str.strip, "keyword", 1),
    "LENGTH": _text(len, "long", 1),
    "STARTS_WITH": _text(str.startswith, "boolean", 2),
    "ENDS_WITH": _text(str.endswith, "boolean", 2),
    "CONCAT": _Function(lambda *parts: "".join(parts), "keyword", (_TEXT,), 2, 99),
    "REVERSE": _text(lambda text: text[::-1], "keyword", 1),
    "LOCATE": _Function(_locate, "long", (_TEXT, _TEXT, ("long",)), 2, 3),
    "SUBSTRING": _Function(_substring, "keyword", (_TEXT, ("long",)), 2, 3),
    "SPLIT": _Function(lambda text, at: one_or_many(text.split(at)), "keyword", (_TEXT,), 2, 2),
    "CIDR_MATCH": _Function(_cidr_match, "boolean", (("ip",), _TEXT), 2, 999),
    "TO_STRING": _conversion(to_string, "keyword", "keyword", "long", "double", "boolean", "ip"),
    "TO_DOUBLE": _conversion(_to_double, "double", "keyword", *NUMBERS),
    "TO_LONG": _conversion(_to_long, "long", "keyword", *NUMBERS, "datetime"),
    "TO_INTEGER": _conversion(_to_long, "long", "keyword", *NUMBERS),
    "TO_BOOLEAN": _conversion(_to_boolean, "boolean", "keyword", "boolean"),
    "TO_IP": _conversion(lambda v: address(v) if isinstance(v, str) else v, "ip", "keyword", "ip"),
    "TO_DATETIME": _conversion(
        lambda v: millis(v) if isinstance(v, str) else v, "datetime", "keyword", "long", "datetime"
    ),
    "DATE_TRUNC": _Function(_date_trunc, "datetime", (("timespan",), ("datetime",)), 2, 2),
    "ABS": _Function(abs, None, (NUMBERS,), 1, 1),
    "FLOOR": _Function(math.floor, "long", (NUMBERS,), 1, 1),
    "CEIL": _Function(math.ceil, "long", (NUMBERS,), 1, 1),
    "GREATEST": _Function(max, None, (_ANY,), 1, 99),
    "LEAST": _Function(min, None, (_ANY,), 1, 99),
    "MV_COUNT": _Function(_mv(len), "long", (_ANY,), 1, 1, many=True),
    "MV_MIN": _Function(_mv(min), None, (_ANY,), 1, 1, many=True),
    "MV_MAX": _Function(_mv(max), None, (_ANY,), 1, 1, many=True),
    "MV_SUM": _Function(_mv(sum), None, (NUMBERS,), 1, 1, many=True),
    "MV_FIRST": _Function(_mv(lambda values: values[0]), None, (_ANY,), 1, 1, many=True),
    "MV_LAST": _Function(_mv(lambda values: values[-1]), None, (_ANY,), 1, 1, many=True),
    "MV_SORT": _Function(
        _mv(lambda values: one_or_many(sorted(values))), None, (_ANY,), 1, 1, many=True
    ),
    "MV_DEDUPE": _Function(
        _mv(lambda values: one_or_many(list(dict.fromkeys(values)))), None, (_ANY,), 1, 1, many=True
    ),
    "MV_CONCAT": _Function(_mv_concat, "keyword", (_TEXT,), 2, 2, many=True),
    "MV_CONTAINS": _Function(_mv_contains, "boolean", (_ANY,), 2, 2, many=True),
    "MV_APPEND": _Function(
        lambda a, b: None if a is None or b is None else (*values_of(a), *values_of(b)),
        None,
        (_ANY,),
        2,
        2,
        many=True,
    ),
}


def _coalesce(arguments: Sequence[Expr]) -> Expr:
    kind = _common(arguments, "COALESCE")

    def get(row: Row) -> Value:
        return next((v for a in arguments if (v := a.get(row)) is not None), None)

    return Expr(kind, get)


def _case(arguments: Sequence[Expr]) -> Expr:
    """``CASE(condition, value, …, [else])``: the first value whose condition is true."""
    if len(arguments) < 2:
        raise EngineError("ES|QL: CASE takes conditions and values")
    pairs = [(arguments[i], arguments[i + 1]) for i in range(0, len(arguments) - 1, 2)]
    rest = arguments[-1] if len(arguments) % 2 else None
    for condition, _ in pairs:
        require(condition, "CASE", "boolean")
    results = [value for _, value in pairs] + ([rest] if rest is not None else [])
    kind = _common(results, "CASE")

    def get(row: Row) -> Value:
        for condition, value in pairs:
            if scalar(condition.get(row)) is True:
                return value.get(row)
        return None if rest is None else rest.get(row)

    return Expr(kind, get)


def _common(exprs: Sequence[Expr], what: str) -> str:
    types = {expr.type for expr in exprs} - {"null"}
    if types == set(NUMBERS):
        return "double"
    if len(types) > 1:
        raise EngineError(f"ES|QL: {what}: the values have different types: {sorted(types)}")
    return types.pop() if types else "null"


def _bucket(arguments: Sequence[Expr]) -> Expr:
    if len(arguments) != 2:
        raise EngineError("ES|QL: BUCKET is known here with a value and a size only")
    value, size = arguments
    if value.type == "datetime":
        require(size, "BUCKET", "timespan")
        return call("DATE_TRUNC", [size, value])
    require(value, "BUCKET", *NUMBERS)
    require(size, "BUCKET", *NUMBERS)

    def get(row: Row) -> Value:
        number, width = scalar(value.get(row)), scalar(size.get(row))
        return None if number is None or width is None else number // width * float(width)

    return Expr("double", get)


def _date_diff(arguments: Sequence[Expr]) -> Expr:
    if len(arguments) != 3 or arguments[0].constant is None:
        raise EngineError("ES|QL: DATE_DIFF takes a unit and two dates")
    unit = str(arguments[0].constant).lower()
    if unit not in SPANS:
        raise EngineError(f"ES|QL: DATE_DIFF: the unit {unit} is unknown here")
    _, start, end = arguments
    require(start, "DATE_DIFF", "datetime")
    require(end, "DATE_DIFF", "datetime")

    def get(row: Row) -> Value:
        first, last = scalar(start.get(row)), scalar(end.get(row))
        return None if first is None or last is None else int((last - first) / SPANS[unit])

    return Expr("long", get)


def _date_format(arguments: Sequence[Expr]) -> Expr:
    if len(arguments) != 1:
        raise EngineError("ES|QL: DATE_FORMAT is known here without a format only")
    (moment,) = arguments
    require(moment, "DATE_FORMAT", "datetime")

    def get(row: Row) -> Value:
        value = scalar(moment.get(row))
        if value is None:
            return None
        time = datetime.fromtimestamp(value / 1000, UTC)
        return time.strftime("%Y-%m-%dT%H:%M:%S.") + f"{value % 1000:03d}Z"

    return Expr("keyword", get)


_SPECIAL: dict[str, Callable[[Sequence[Expr]], Expr]] = {
    "COALESCE": _coalesce,
    "CASE": _case,
    "BUCKET": _bucket,
    "DATE_DIFF": _date_diff,
    "DATE_FORMAT": _date_format,
}

"""Rows and typed values of ES|QL.

A value is None (null), a scalar, or a tuple of scalars where a column holds several values.
Scalars: str (keyword, text), int and float (long, double), bool, `Address` (ip), int
milliseconds (datetime). Each row remembers the documents that it came from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hafnium.backends.elastic.engine_documents import Doc, address, millis
from hafnium.backends.elastic.engine_types import type_of
from hafnium.errors import EngineError

Value = Any


class Row:
    """One row: computed columns over the fields of a document, if it still is one."""

    __slots__ = ("columns", "doc", "refs")

    def __init__(self, refs: tuple[int, ...], doc: Doc | None, columns: dict[str, Value]) -> None:
        self.refs = refs
        self.doc = doc
        self.columns = columns

    def get(self, name: str) -> Value:
        if name in self.columns:
            return self.columns[name]
        value = None if self.doc is None else _stored(self.doc, name)
        self.columns[name] = value
        return value

    def with_columns(self, columns: Mapping[str, Value]) -> Row:
        return Row(self.refs, self.doc, {**self.columns, **columns})


def _stored(doc: Doc, name: str) -> Value:
    """A field as its column: several keywords are sorted and each is kept once."""
    kind = type_of(name, doc.store)
    values = [_scalar(value, kind) for value in doc.values(name)]
    values = [value for value in values if value is not None]
    if kind == "keyword":
        values = sorted(set(values))
    elif kind != "text":
        values = sorted(values, key=str if kind == "ip" else None)
    return one_or_many(values)


def _scalar(value: Any, kind: str) -> Value:
    if kind == "ip":
        return address(str(value))
    if kind == "date":
        return millis(str(value))
    return str(value) if kind in ("keyword", "text") else value


def one_or_many(values: list[Value]) -> Value:
    """As a column holds them: none is null, one is a scalar."""
    if not values:
        return None
    return values[0] if len(values) == 1 else tuple(values)


def values_of(value: Value) -> tuple[Value, ...]:
    """All values of a column: none for null."""
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (value,)


@dataclass(frozen=True)
class Expr:
    """A compiled expression: its static type and how to compute it.

    Types: keyword, long, double, boolean, ip, datetime, timespan, null.
    ``constant`` holds the value of a literal.
    """

    type: str
    get: Callable[[Row], Value]
    constant: Value = None


NUMBERS = ("long", "double")


def column_type(kind: str) -> str:
    """The ES|QL type of a field type."""
    return {"text": "keyword", "date": "datetime"}.get(kind, kind)


def require(expr: Expr, what: str, *types: str) -> None:
    """Raise `EngineError` unless the expression has one of the types (null fits all)."""
    if expr.type not in (*types, "null"):
        raise EngineError(f"ES|QL: {what} takes {' or '.join(types)}, not {expr.type}")


def scalar(value: Value) -> Value:
    """What single-value functions see: several values become null, with a warning in Kibana."""
    return None if isinstance(value, tuple) else value

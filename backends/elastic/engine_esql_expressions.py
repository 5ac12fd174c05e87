"""ES|QL expressions: compiled to functions of a row, with types checked as Elasticsearch does.

Logic has three values; a comparison with null is null, and so is one with several values (a
single-value operation). Texts compare by case. ``LIKE`` reads ``\\`` as an escape of ``*``,
``?`` and ``\\``; ``RLIKE`` is a Lucene regular expression for the whole value.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from hafnium.backends.elastic.engine_documents import address, millis
from hafnium.backends.elastic.engine_esql_functions import call
from hafnium.backends.elastic.engine_esql_literals import SPANS, Node, like, name_of, string
from hafnium.backends.elastic.engine_esql_rows import (
    NUMBERS,
    Expr,
    Row,
    Value,
    require,
    scalar,
)
from hafnium.backends.elastic.engine_text import Test, regex
from hafnium.errors import EngineError

_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Expressions:
    """Compiles expressions over columns of known types."""

    def __init__(self, columns: Callable[[str], str]) -> None:
        self._type_of = columns

    def compile(self, node: Node) -> Expr:
        compile_ = getattr(self, f"_{node.data}".rstrip("_"), None)
        if compile_ is None:
            raise EngineError(f"ES|QL: {node.data} is not supported here")
        compiled: Expr = compile_(node)
        return compiled

    def condition(self, node: Node) -> Callable[[Row], bool]:
        """A filter: only true keeps a row."""
        expr = self.compile(node)
        require(expr, "WHERE", "boolean")
        return lambda row: scalar(expr.get(row)) is True

    def _string(self, node: Node) -> Expr:
        return literal("keyword", string(str(node.children[0])))

    def _integer(self, node: Node) -> Expr:
        return literal("long", int(node.children[0]))

    def _decimal(self, node: Node) -> Expr:
        return literal("double", float(node.children[0]))

    def _span(self, node: Node) -> Expr:
        number, unit = node.children
        if str(unit).lower() not in SPANS:
            raise EngineError(f"ES|QL: the time unit {unit} is unknown here")
        return literal("timespan", int(number) * SPANS[str(unit).lower()])

    def _true(self, node: Node) -> Expr:
        return literal("boolean", True)

    def _false(self, node: Node) -> Expr:
        return literal("boolean", False)

    def _null(self, node: Node) -> Expr:
        return literal("null", None)

    def _array(self, node: Node) -> Expr:
        parts = [self.compile(child) for child in node.children]
        if len({part.type for part in parts}) != 1:
            raise EngineError("ES|QL: the values of a list must have one type")
        return literal(parts[0].type, tuple(part.constant for part in parts))

    def _column(self, node: Node) -> Expr:
        name = name_of(node.children[0])
        return Expr(self._type_of(name), lambda row: row.get(name))

    def _call(self, node: Node) -> Expr:
        name, arguments = node.children
        if arguments is not None and arguments.data == "all":
            raise EngineError(f"ES|QL: {name}(*) is no scalar function")
        nodes = [] if arguments is None else arguments.children
        return call(str(name).upper(), [self.compile(child) for child in nodes])

    def _cast(self, node: Node) -> Expr:
        inner, kind = node.children
        names = {"keyword": "STRING", "string": "STRING", "int": "LONG", "integer": "LONG"}
        name = names.get(str(kind).lower(), str(kind).upper())
        return call(f"TO_{name}", [self.compile(inner)])

    def _or(self, node: Node) -> Expr:
        return self._logic(node, True)

    def _and(self, node: Node) -> Expr:
        return self._logic(node, False)

    def _logic(self, node: Node, decisive: bool) -> Expr:
        parts = [self.compile(child) for child in node.children]
        for part in parts:
            require(part, "AND and OR", "boolean")

        def get(row: Row) -> Value:
            unknown = False
            for part in parts:
                value = scalar(part.get(row))
                if value is decisive:
                    return decisive
                unknown = unknown or value is None
            return None if unknown else not decisive

        return Expr("boolean", get)

    def _not(self, node: Node) -> Expr:
        return _negated(self.compile(node.children[0]))

    def _is_null(self, node: Node) -> Expr:
        inner = self.compile(node.children[0])
        return Expr("boolean", lambda row: inner.get(row) is None)

    def _is_not_null(self, node: Node) -> Expr:
        return _negated(self._is_null(node))

    def _comparison(self, node: Node) -> Expr:
        left, token, right = node.children
        return compared(str(token), self.compile(left), self.compile(right))

    def _in(self, node: Node) -> Expr:
        left, listed = node.children
        value = self.compile(left)
        items = [self.compile(child) for child in listed.children]
        tests = [compared("==", value, item) for item in items]

        def get(row: Row) -> Value:
            found = [test.get(row) for test in tests]
            return True if True in found else None if None in found else False

        if value.type == "keyword" and all(item.constant is not None for item in items):
            wanted = frozenset(item.constant for item in items)
            return _single(value, lambda text: text in wanted)
        return Expr("boolean", get)

    def _not_in(self, node: Node) -> Expr:
        return _negated(self._in(node))

    def _like(self, node: Node) -> Expr:
        return self._matched(node, "LIKE", like)

    def _not_like(self, node: Node) -> Expr:
        return _negated(self._like(node))

    def _rlike(self, node: Node) -> Expr:
        indexed = node.children[0].data == "column"
        return self._matched(node, "RLIKE", lambda p: regex(p, insensitive=False, indexed=indexed))

    def _not_rlike(self, node: Node) -> Expr:
        return _negated(self._rlike(node))

    def _matched(self, node: Node, what: str, compile_: Callable[[str], Test]) -> Expr:
        left, listed = node.children
        value = self.compile(left)
        require(value, what, "keyword")
        tests = [compile_(string(str(token))) for token in listed.children]
        if len(tests) == 1:
            return _single(value, tests[0])
        return _single(value, lambda text: any(test(text) for test in tests))

    def _add(self, node: Node) -> Expr:
        return self._arithmetic(node, operator.add)

    def _subtract(self, node: Node) -> Expr:
        return self._arithmetic(node, operator.sub)

    def _multiply(self, node: Node) -> Expr:
        return self._arithmetic(node, operator.mul)

    def _divide(self, node: Node) -> Expr:
        return self._arithmetic(node, _divided)

    def _modulo(self, node: Node) -> Expr:
        return self._arithmetic(node, _remainder)

    def _minus(self, node: Node) -> Expr:
        inner = self.compile(node.children[0])
        require(inner, "-", *NUMBERS, "timespan")
        if inner.constant is not None:
            return literal(inner.type, -inner.constant)
        return Expr(inner.type, lambda row: _applied(operator.neg, inner.get(row)))

    def _arithmetic(self, node: Node, compute: Callable[[Any, Any], Value]) -> Expr:
        left, right = (self.compile(child) for child in node.children)
        kind = _sum_type(left.type, right.type, compute)
        return Expr(kind, lambda row: _applied(compute, left.get(row), right.get(row)))


def literal(kind: str, value: Value) -> Expr:
    return Expr(kind, lambda row: value, value)


def _negated(inner: Expr) -> Expr:
    require(inner, "NOT", "boolean")

    def get(row: Row) -> Value:
        value = scalar(inner.get(row))
        return None if value is None else not value

    return Expr("boolean", get)


def _single(value: Expr, test: Callable[[Any], bool]) -> Expr:
    """A test of one value: null for null and for several values."""

    def get(row: Row) -> Value:
        found = scalar(value.get(row))
        return None if found is None else test(found)

    return Expr("boolean", get)


def _applied(compute: Callable[..., Value], *values: Value) -> Value:
    if any(scalar(value) is None for value in values):
        return None
    return compute(*values)


def compared(op: str, left: Expr, right: Expr) -> Expr:
    """``left op right``; a literal text takes the type of the other side (ip, datetime)."""
    left, right = _adapted(left, right), _adapted(right, left)
    types = {left.type, right.type} - {"null"}
    if len(types) > 1 and not types <= set(NUMBERS):
        raise EngineError(f"ES|QL: {left.type} {op} {right.type} cannot be compared")
    if op not in ("==", "!=") and types & {"boolean", "ip"}:
        raise EngineError(f"ES|QL: {op} is not defined for {types.pop()}")
    holds = _ORDER[op]
    if right.constant is not None and not isinstance(right.constant, tuple):
        wanted = right.constant
        return _single(left, lambda value: holds(value, wanted))
    return Expr("boolean", lambda row: _applied(holds, left.get(row), right.get(row)))


def _adapted(expr: Expr, other: Expr) -> Expr:
    if expr.type != "keyword" or not isinstance(expr.constant, str):
        return expr
    if other.type == "datetime":
        return literal("datetime", millis(expr.constant))
    if other.type == "ip":
        found = address(expr.constant)
        if found is None:
            raise EngineError(f"ES|QL: {expr.constant!r} is no IP address")
        return literal("ip", found)
    return expr


def _sum_type(left: str, right: str, compute: Callable[[Any, Any], Value]) -> str:
    types = {left, right} - {"null"}
    if types <= set(NUMBERS):
        return "double" if "double" in types else "long"
    if types == {"timespan"}:
        return "timespan"
    if types == {"datetime", "timespan"} and compute in (operator.add, operator.sub):
        return "datetime"
    raise EngineError(f"ES|QL: arithmetic between {left} and {right} is not defined")


def _divided(left: float, right: float) -> Value:
    if right == 0:
        return None
    if isinstance(left, int) and isinstance(right, int):
        return int(left / right)
    return left / right


def _remainder(left: float, right: float) -> Value:
    return None if right == 0 else left - right * int(left / right)

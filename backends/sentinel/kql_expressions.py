"""Types of KQL expressions: checks what Kusto would reject, and mends what duckdb-kql gets wrong.

duckdb-kql translates without types. Here the parsed expression gets them from the table schemas:
a comparison that Kusto refuses is an `EngineError`, and what depends on the type (strings are
never null, values out of a dynamic are text) is rewritten so that the translation is right.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from duckdb_kql import ir
from duckdb_kql.translate.regexfrag import find_lookaround, to_re2_named_groups

from hafnium.backends.sentinel.kql_functions import (
    FOLDED,
    NUMBERS,
    TERM_OPERATORS,
    TEXT_OPERATORS,
    membership,
)
from hafnium.backends.sentinel.kql_macros import folded
from hafnium.backends.sentinel.kql_names import sql_name
from hafnium.errors import EngineError

_TEXT = TEXT_OPERATORS.keys() - {"==", "!=", "<>"} | TERM_OPERATORS
_EQUAL = frozenset({"==", "!=", "<>"})
_ORDERED = frozenset({"<", "<=", ">", ">="})
_MEASURED = NUMBERS | {"datetime", "timespan"}


class Typed(NamedTuple):
    """An expression as duckdb-kql shall translate it, and its Kusto type."""

    node: ir.Expr
    kind: str


@dataclass(frozen=True)
class Scope:
    """What an expression may read: columns (name → type), and how nested queries are bound.

    ``call`` binds function calls; ``aggregates`` and ``ordered`` say whether functions of a
    group or of ordered rows are allowed here.
    """

    columns: Mapping[str, str]
    call: Callable[[ir.FunctionCall, Scope], Typed]
    query: Callable[[ir.Query], tuple[ir.Query, Mapping[str, str]]]
    aggregates: bool = False
    ordered: bool = False


def bind(node: ir.Expr, scope: Scope) -> Typed:
    """The expression with its type. Raises `EngineError` for what Kusto would reject."""
    binder = _BINDERS.get(type(node))
    if binder is None:
        raise EngineError(f"KQL: the replay does not know the expression {type(node).__name__}")
    return binder(node, scope)


def call(name: str, *args: ir.Expr) -> ir.FunctionCall:
    """A function call of the tree that duckdb-kql translates."""
    return ir.FunctionCall(name, args)


def as_text(value: Typed) -> ir.Expr:
    """A string or dynamic value as the text that Kusto's string operators see."""
    return value.node if value.kind == "string" else call("_hf_dynamic_text", value.node)


def _bind_literal(node: ir.Literal, scope: Scope) -> Typed:
    if node.kind == "decimal":
        raise EngineError("KQL: the replay does not know the type decimal")
    return Typed(node, node.kind)


def _bind_column(node: ir.ColumnRef, scope: Scope) -> Typed:
    kind = scope.columns.get(node.name)
    if kind is None:
        raise EngineError(f"KQL: no column named {node.name!r}")
    return Typed(ir.ColumnRef(sql_name(node.name)), kind)


def _bind_let(node: ir.LetRef, scope: Scope) -> Typed:
    return bind(ir.ColumnRef(node.name) if node.name in scope.columns else node.value, scope)


def _bind_unary(node: ir.UnaryOp, scope: Scope) -> Typed:
    operand = bind(node.operand, scope)
    wanted = NUMBERS | {"timespan"} if node.op == "-" else {"bool"}
    if operand.kind not in wanted:
        raise EngineError(f"KQL: operator {node.op} on a value of type {operand.kind}")
    return Typed(ir.UnaryOp(node.op, operand.node), operand.kind)


def _bind_binary(node: ir.BinaryOp, scope: Scope) -> Typed:
    left, right = bind(node.left, scope), bind(node.right, scope)
    op = node.op
    if op in ("and", "or"):
        if (left.kind, right.kind) != ("bool", "bool"):
            raise _mismatch(op, left.kind, right.kind)
        return Typed(ir.BinaryOp(op, left.node, right.node), "bool")
    if op in _TEXT:
        if {left.kind, right.kind} - {"string", "dynamic"}:
            raise _mismatch(op, left.kind, right.kind)
        pattern = _regex(right) if op == "matches regex" else as_text(right)
        return _text_operator(op, as_text(left), pattern)
    if op in _EQUAL:
        pair = comparable(op, left, right)
        if {left.kind, right.kind} <= {"string", "dynamic"}:
            return _text_operator(op, *pair)
        return Typed(ir.BinaryOp(op, *pair), "bool")
    if op in _ORDERED:
        pair = comparable(op, left, right)
        if left.kind not in _MEASURED:
            raise _mismatch(op, left.kind, right.kind)
        return Typed(ir.BinaryOp(op, *pair), "bool")
    return _bind_arithmetic(op, left, right)


def _text_operator(op: str, left: ir.Expr, right: ir.Expr) -> Typed:
    if op in FOLDED:
        left, right = folded(left), folded(right)
    if op in TEXT_OPERATORS:
        return Typed(call(f"_hf_{op}", left, right), "bool")
    return Typed(ir.BinaryOp(op, left, right), "bool")


def _regex(value: Typed) -> ir.Expr:
    """A constant regex in RE2's own words. Raises `EngineError` for what RE2 cannot do."""
    if not isinstance(value.node, ir.Literal) or value.kind != "string":
        raise EngineError("KQL: matches regex needs a constant on its right")
    pattern = str(value.node.value)
    if find_lookaround(pattern) is not None:
        raise EngineError(f"KQL: a regex cannot look around: {pattern}")
    return ir.Literal(to_re2_named_groups(pattern), "string")


def comparable(op: str, left: Typed, right: Typed) -> tuple[ir.Expr, ir.Expr]:
    """Both sides of a comparison, made of one type. Raises `EngineError` if they have none."""
    kinds = {left.kind, right.kind}
    if kinds <= NUMBERS or (len(kinds) == 1 and kinds <= _MEASURED | {"string", "bool", "guid"}):
        return left.node, right.node
    if kinds == {"string", "dynamic"}:
        return as_text(left), as_text(right)
    if left.kind == "datetime" and right.kind == "string" and isinstance(right.node, ir.Literal):
        return left.node, call("todatetime", right.node)
    raise _mismatch(op, left.kind, right.kind)


def _mismatch(op: str, left: str, right: str) -> EngineError:
    return EngineError(
        f"KQL: operator {op} between values of types {left} and {right}", mend="convert one of them"
    )


def _bind_arithmetic(op: str, left: Typed, right: Typed) -> Typed:
    kinds = (left.kind, right.kind)
    kind = _ARITHMETIC.get((op, *kinds))
    if kind is None and set(kinds) <= NUMBERS and op in ("+", "-", "*", "/", "%"):
        kind = "real" if "real" in kinds else "long"
    if kind is None:
        raise _mismatch(op, *kinds)
    if op == "/" and kinds == ("timespan", "timespan"):
        return Typed(call("_hf_span_ratio", left.node, right.node), kind)
    return Typed(ir.BinaryOp(op, left.node, right.node), kind)


_ARITHMETIC = {
    ("-", "datetime", "datetime"): "timespan",
    ("-", "datetime", "timespan"): "datetime",
    ("+", "datetime", "timespan"): "datetime",
    ("+", "timespan", "datetime"): "datetime",
    ("+", "timespan", "timespan"): "timespan",
    ("-", "timespan", "timespan"): "timespan",
    ("/", "timespan", "timespan"): "real",
    **{("*", number, "timespan"): "timespan" for number in NUMBERS},
    **{("*", "timespan", number): "timespan" for number in NUMBERS},
}


def _bind_in(node: ir.InList, scope: Scope) -> Typed:
    value = bind(node.value, scope)
    op = f"{'!' if node.negated else ''}in{'~' if node.case_insensitive else ''}"
    if node.case_insensitive and value.kind not in ("string", "dynamic"):
        raise _mismatch(op, value.kind, "string")
    if node.subquery is not None:
        query, columns = scope.query(node.subquery)
        first = next(iter(columns.values()))
        if value.kind != first:
            raise _mismatch(op, value.kind, first)
        return Typed(replace(node, value=value.node, subquery=query), "bool")
    items = [item for given in node.items for item in _listed(bind(given, scope), value.kind)]
    text = as_text(value) if value.kind == "dynamic" else value.node
    pairs = [comparable(op, value, item) for item in items]
    if not pairs:
        return Typed(ir.Literal(node.negated, "bool"), "bool")
    if value.kind in ("string", "dynamic"):
        texts = [text, *(item for _, item in pairs)]
        if node.case_insensitive:
            texts = [folded(each) for each in texts]
        found: ir.Expr = call(membership(len(pairs)), *texts)
        return Typed(call("not", found) if node.negated else found, "bool")
    return Typed(replace(node, value=text, items=tuple(item for _, item in pairs)), "bool")


def _listed(given: Typed, kind: str) -> list[Typed]:
    """One item of a list; a dynamic array stands for those of its items that can be equal."""
    if given.kind != "dynamic":
        return [given]
    items = json.loads(str(given.node.value)) if isinstance(given.node, ir.Literal) else None
    if not isinstance(items, list):
        raise EngineError("KQL: the replay knows only constant arrays in a list")
    wanted: type | tuple[type, ...] = str if kind in ("string", "dynamic") else (int, float)
    found = [item for item in items if isinstance(item, wanted) and not isinstance(item, bool)]
    return [_json_item(item) for item in found]


def _json_item(item: Any) -> Typed:
    kind = {str: "string", int: "long", float: "real"}[type(item)]
    return Typed(ir.Literal(item, kind), kind)


def _bind_has(node: ir.HasList, scope: Scope) -> Typed:
    if node.subquery is not None:
        raise EngineError("KQL: the replay does not know has_any of a table")
    value = bind(node.value, scope)
    items = [item for given in node.items for item in _listed(bind(given, scope), "string")]
    wrong = {value.kind, *(item.kind for item in items)} - {"string", "dynamic"}
    if wrong:
        raise _mismatch("has_all" if node.require_all else "has_any", value.kind, wrong.pop())
    found = replace(node, value=as_text(value), items=tuple(as_text(item) for item in items))
    return Typed(found, "bool")


def _bind_between(node: ir.Between, scope: Scope) -> Typed:
    value, low, high = (bind(part, scope) for part in (node.value, node.low, node.high))
    if value.kind == low.kind == "datetime" and high.kind == "timespan":
        high = Typed(ir.BinaryOp("+", low.node, high.node), "datetime")
    kinds = {value.kind, low.kind, high.kind}
    if not (kinds <= NUMBERS or (len(kinds) == 1 and kinds <= _MEASURED)):
        raise _mismatch("between", value.kind, f"{low.kind} .. {high.kind}")
    # As two comparisons: duckdb-kql guesses the types of a range.
    inside = ir.BinaryOp(
        "and",
        ir.BinaryOp(">=", value.node, low.node),
        ir.BinaryOp("<=", value.node, high.node),
    )
    return Typed(call("not", inside) if node.negated else inside, "bool")


def _bind_path(node: ir.PathAccess, scope: Scope) -> Typed:
    base = bind(node.base, scope)
    if base.kind != "dynamic":
        raise EngineError(f"KQL: a path into a value of type {base.kind}", mend="parse_json() it")
    steps = []
    for step in node.steps:
        if step.index is None:
            steps.append(step)
            continue
        index = bind(step.index, scope)
        if index.kind not in ("int", "long"):
            raise EngineError(f"KQL: an index of type {index.kind}")
        steps.append(ir.PathStep(index=index.node))
    return Typed(ir.PathAccess(base.node, tuple(steps)), "dynamic")


def _bind_toscalar(node: ir.ToScalar, scope: Scope) -> Typed:
    query, columns = scope.query(node.query)
    kind = next(iter(columns.values()))
    found: ir.Expr = ir.ToScalar(query)
    return Typed(call("_hf_text", found) if kind == "string" else found, kind)


def _bind_call(node: ir.FunctionCall, scope: Scope) -> Typed:
    return scope.call(node, scope)


_BINDERS: dict[type, Callable[[Any, Scope], Typed]] = {
    ir.Literal: _bind_literal,
    ir.ColumnRef: _bind_column,
    ir.LetRef: _bind_let,
    ir.UnaryOp: _bind_unary,
    ir.BinaryOp: _bind_binary,
    ir.InList: _bind_in,
    ir.HasList: _bind_has,
    ir.Between: _bind_between,
    ir.PathAccess: _bind_path,
    ir.ToScalar: _bind_toscalar,
    ir.FunctionCall: _bind_call,
}

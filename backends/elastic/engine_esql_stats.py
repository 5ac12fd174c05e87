"""``STATS … BY …``: groups and aggregates.

A row with several values in a grouping column belongs to several groups; null is a group of
its own. Aggregates leave null out. Each group's row carries the documents of all its rows.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hafnium.backends.elastic.engine_esql_expressions import Expressions
from hafnium.backends.elastic.engine_esql_literals import Node, name_of
from hafnium.backends.elastic.engine_esql_rows import (
    NUMBERS,
    Expr,
    Row,
    Value,
    one_or_many,
    require,
    values_of,
)
from hafnium.errors import EngineError

Key = tuple[Value, ...]


@dataclass(frozen=True)
class _Aggregate:
    name: str
    type: str
    compute: Callable[[Sequence[Row]], Value]


def stats(
    node: Node, rows: Sequence[Row], expressions: Expressions
) -> tuple[list[Row], dict[str, str]]:
    """The rows after the command and the types of its columns."""
    said, by = node.children
    groups = [] if by is None else [_grouping(child, expressions) for child in by.children]
    aggregates = [] if said is None else [_aggregate(child, expressions) for child in said.children]
    if not groups and not aggregates:
        raise EngineError("ES|QL: STATS without an aggregate and without BY")
    gathered = _gather(rows, [expr for _, expr in groups])
    if not groups and not gathered:
        gathered[()] = []
    types = {name: expr.type for name, expr in groups} | {a.name: a.type for a in aggregates}
    names = [name for name, _ in groups]
    out: list[Row] = []
    for key, members in gathered.items():
        columns = {a.name: a.compute(members) for a in aggregates} | dict(
            zip(names, key, strict=True)
        )
        refs = sorted({ref for member in members for ref in member.refs})
        out.append(Row(tuple(refs), None, columns))
    return out, types


def _gather(rows: Sequence[Row], by: Sequence[Expr]) -> dict[Key, list[Row]]:
    groups: dict[Key, list[Row]] = {}
    for row in rows:
        parts = [dict.fromkeys(values_of(expr.get(row)) or (None,)) for expr in by]
        for key in itertools.product(*parts):
            groups.setdefault(key, []).append(row)
    return groups


def _grouping(node: Node, expressions: Expressions) -> tuple[str, Expr]:
    name, inner = node.children
    if name is None and inner.data == "column":
        name = inner.children[0]
    if name is None:
        raise EngineError("ES|QL: give the grouping a name here: BY name = expression")
    return name_of(name), expressions.compile(inner)


def _aggregate(node: Node, expressions: Expressions) -> _Aggregate:
    name, inner, where = node.children
    if name is None:
        raise EngineError("ES|QL: give the aggregate a name here: name = COUNT(…)")
    if inner.data != "call":
        raise EngineError("ES|QL: expressions around an aggregate belong into EVAL here")
    function, arguments = inner.children
    keep = None if where is None else expressions.condition(where)
    kind, compute = _function(str(function).upper(), arguments, expressions)

    def filtered(rows: Sequence[Row]) -> Value:
        return compute(rows if keep is None else [row for row in rows if keep(row)])

    return _Aggregate(name_of(name), kind, filtered)


def _function(
    name: str, arguments: Node, expressions: Expressions
) -> tuple[str, Callable[[Sequence[Row]], Value]]:
    if name == "COUNT" and (arguments is None or arguments.data == "all"):
        return "long", len
    if arguments is None or arguments.data == "all" or name not in _AGGREGATES:
        raise EngineError(f"ES|QL: the aggregate {name} is unknown here, or lacks its argument")
    expr = expressions.compile(arguments.children[0])
    if len(arguments.children) > 1 and name != "COUNT_DISTINCT":
        raise EngineError(f"ES|QL: {name} takes one argument")
    if name in ("SUM", "AVG"):
        require(expr, name, *NUMBERS)
    kind, compute = _AGGREGATES[name]

    def over(rows: Sequence[Row]) -> Value:
        return compute([value for row in rows for value in values_of(expr.get(row))])

    return kind or expr.type, over


_AGGREGATES: dict[str, tuple[str | None, Callable[[list[Value]], Value]]] = {
    "COUNT": ("long", len),
    "COUNT_DISTINCT": ("long", lambda values: len(set(values))),
    "VALUES": (None, lambda values: one_or_many(list(dict.fromkeys(values)))),
    "MIN": (None, lambda values: min(values, default=None)),
    "MAX": (None, lambda values: max(values, default=None)),
    "SUM": (None, lambda values: sum(values) if values else None),
    "AVG": ("double", lambda values: sum(values) / len(values) if values else None),
}

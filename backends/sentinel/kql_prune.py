"""Leaves out columns that a bound query carries along and nothing reads, as Kusto's engine does.

DuckDB drops them too, but plans each of them in each step before; for a union of tables with
hundreds of columns that takes longer than the search itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from duckdb_kql import ir

from hafnium.backends.sentinel.kql_names import RECORDS, sql_name

Columns = Mapping[str, str]
Needed = frozenset[str] | None
"""Columns that the operators behind a place may read; None where that can be any."""


def pruned(query: ir.Query, tables: Mapping[str, Columns]) -> ir.Query:
    """The bound query with what the column of records depends on. ``tables``: all there are."""
    return _pruned(query, frozenset({RECORDS}), tables)


def _pruned(query: ir.Query, needed: Needed, tables: Mapping[str, Columns]) -> ir.Query:
    """The query with at least the ``needed`` ones of its columns; a ``let`` is left whole."""
    lets = {name for name, _ in query.lets}
    tables = {name: columns for name, columns in tables.items() if name not in lets}
    operators: list[ir.Operator] = []
    for operator in reversed(query.operators):
        step = _STEPS.get(type(operator))
        if step is None:
            kept, needed = [operator], None
        else:
            kept, needed = step(operator, needed, tables)
        operators += kept
    source = query.source
    if needed is not None and isinstance(source, ir.TableRef) and source.name in tables:
        there = {RECORDS, *map(sql_name, tables[source.name])}
        columns = tuple(sorted(needed & there))
        listed = ", ".join(f'"{name}"' for name in columns)
        source = ir.CommandSource(f'SELECT {listed} FROM "{source.name}"', columns, "")
    return ir.Query(source, operators[::-1], query.lets, query.parameters)


_Step = tuple[list[ir.Operator], Needed]


def _reading(needed: Needed, parts: Iterable[Any]) -> Needed:
    """The needed columns and those that the parts read."""
    read = _read(tuple(parts))
    return None if needed is None or read is None else needed | read


def _read(node: Any) -> Needed:
    """Every column that is named anywhere in it; None where SQL of its own may name some."""
    if isinstance(node, ir.RenderedAggregate | ir.Wildcard):
        return None
    if isinstance(node, ir.ColumnRef):
        return frozenset({node.name})
    parts: Iterable[Any] = ()
    if isinstance(node, tuple | list):
        parts = node
    elif is_dataclass(node):
        parts = [getattr(node, field.name) for field in fields(node)]
    found: frozenset[str] = frozenset()
    for part in parts:
        read = _read(part)
        if read is None:
            return None
        found |= read
    return found


def _where(op: ir.Where, needed: Needed, tables: Mapping[str, Columns]) -> _Step:
    return [op], _reading(needed, [op.predicate])


def _extend(op: ir.Extend, needed: Needed, tables: Mapping[str, Columns]) -> _Step:
    if needed is None:
        return [op], None
    made = tuple(e for e in op.expressions if e.name is None or e.name in needed)
    names = {e.name for e in made if e.name}
    before = _reading(needed - names, made)
    return ([replace(op, expressions=made)] if made else []), before


def _project(op: ir.Project, needed: Needed, tables: Mapping[str, Columns]) -> _Step:
    made = op.expressions
    if needed is not None:
        made = tuple(e for e in made if e.name is None or e.name in needed)
    return [replace(op, expressions=made)], _reading(frozenset(), made)


def _project_away(op: ir.ProjectAway, needed: Needed, tables: Mapping[str, Columns]) -> _Step:
    return [op], None if needed is None else needed | set(op.columns)


def _project_rename(op: ir.ProjectRename, needed: Needed, tables: Mapping[str, Columns]) -> _Step:
    """A renaming stays if either name matters: the old one must be gone, too."""
    if needed is None:
        return [op], None
    kept = tuple(pair for pair in op.renames if not needed.isdisjoint(pair))
    before = needed - {new for _, new in kept} | {old for old, _ in kept}
    return ([replace(op, renames=kept)] if kept else []), before


def _summarize(op: ir.Summarize, needed: Needed, tables: Mapping[str, Columns]) -> _Step:
    return [op], _reading(frozenset(), (*op.aggregates, *op.by))


def _sort(op: ir.Sort | ir.Top, needed: Needed, tables: Mapping[str, Columns]) -> _Step:
    return [op], _reading(needed, op.keys)


def _take(op: ir.Take, needed: Needed, tables: Mapping[str, Columns]) -> _Step:
    return [op], needed


def _union(op: ir.Union, needed: Needed, tables: Mapping[str, Columns]) -> _Step:
    if op.with_source:
        return [op], None  # only a table as it stands has its name there
    branches = tuple(_pruned(branch, needed, tables) for branch in op.branches)
    return [replace(op, branches=branches)], needed


_STEPS: dict[type, Callable[[Any, Needed, Mapping[str, Columns]], _Step]] = {
    ir.Where: _where,
    ir.Extend: _extend,
    ir.Project: _project,
    ir.ProjectAway: _project_away,
    ir.ProjectRename: _project_rename,
    ir.Summarize: _summarize,
    ir.Sort: _sort,
    ir.Top: _sort,
    ir.Take: _take,
    ir.Union: _union,
}
"""An operator that is not here may read any column."""

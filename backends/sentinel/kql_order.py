"""KQL's operators that order rows: sort, top and serialize.

The order is written down in a hidden column, which functions such as ``prev()`` go by.
"""

from __future__ import annotations

from dataclasses import replace

from duckdb_kql import ir
from duckdb_kql.translate import render_sort_keys

from hafnium.backends.sentinel.kql_expressions import bind
from hafnium.backends.sentinel.kql_names import ORDER, RECORDS
from hafnium.backends.sentinel.kql_state import Pipeline
from hafnium.errors import EngineError


def _sort_keys(keys: tuple[ir.SortKey, ...], pipeline: Pipeline) -> tuple[ir.SortKey, ...]:
    scope = pipeline.scope()
    bound = []
    for key in keys:
        value = bind(key.expr, scope)
        if value.kind == "dynamic":
            raise EngineError("KQL: sort by a value of type dynamic", mend="tostring() it")
        bound.append(replace(key, expr=value.node))
    return tuple(bound)


def number_rows(keys: tuple[ir.SortKey, ...], pipeline: Pipeline) -> None:
    """Write down the order of the rows; equal rows stay in the order of their records."""
    last = (*keys, ir.SortKey(ir.ColumnRef(RECORDS), ascending=True))
    number = ir.RenderedAggregate(f"(row_number() OVER (ORDER BY {render_sort_keys(last)}))")
    pipeline.operators.append(ir.Extend((ir.NamedExpr(number, ORDER),)))
    pipeline.ordered = True


def bind_sort(op: ir.Sort, pipeline: Pipeline) -> None:
    keys = _sort_keys(op.keys, pipeline)
    number_rows(keys, pipeline)
    pipeline.operators.append(ir.Sort((ir.SortKey(ir.ColumnRef(ORDER), ascending=True),)))


def bind_top(op: ir.Top, pipeline: Pipeline) -> None:
    keys = _sort_keys(op.keys, pipeline)
    number_rows(keys, pipeline)
    pipeline.operators.append(ir.Top(op.count, (ir.SortKey(ir.ColumnRef(ORDER), ascending=True),)))

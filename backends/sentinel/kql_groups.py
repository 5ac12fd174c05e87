"""KQL's operators that put rows together: summarize, distinct and count.

A group is of all the records that its rows come from.
"""

from __future__ import annotations

from collections.abc import Mapping

from duckdb_kql import ir
from duckdb_kql.translate import arg_max_targets, naming, summarize_names

from hafnium.backends.sentinel.kql_expressions import Typed, bind, call
from hafnium.backends.sentinel.kql_names import RECORDS, sql_name
from hafnium.backends.sentinel.kql_state import Columns, Pipeline
from hafnium.errors import EngineError


def bind_distinct(op: ir.Distinct, pipeline: Pipeline) -> None:
    names = naming.distinct_names(op.expressions)
    _group(pipeline.bound(op.expressions, names), {}, pipeline)


def bind_count(op: ir.Count, pipeline: Pipeline) -> None:
    _group({}, {op.name: Typed(call("count"), "long")}, pipeline)


def bind_summarize(op: ir.Summarize, pipeline: Pipeline) -> None:
    keys, several = summarize_names(op, list(pipeline.columns))
    scope = pipeline.scope(aggregates=True)
    aggregates: dict[str, Typed] = {}
    extremes: list[ir.NamedExpr] = []
    kinds: dict[str, str] = {}
    for said, names in zip(op.aggregates, several, strict=True):
        if isinstance(said.expr, ir.FunctionCall) and said.expr.name in ("arg_max", "arg_min"):
            extremes.append(_extreme(said, keys, pipeline))
            kinds.update(_extreme_kinds(said, names, keys, pipeline))
        else:
            aggregates[names[0]] = bind(said.expr, scope)
    _group(pipeline.bound(op.by, keys), aggregates, pipeline, extremes, kinds)


def _picked(said: ir.NamedExpr, keys: list[str], pipeline: Pipeline) -> list[str]:
    found = arg_max_targets(said, keys, list(pipeline.columns))
    assert found is not None
    return [found[1].name, *(column.name for column in found[2])]


def _extreme(said: ir.NamedExpr, keys: list[str], pipeline: Pipeline) -> ir.NamedExpr:
    assert isinstance(said.expr, ir.FunctionCall)
    scope = pipeline.scope()
    picked = [bind(ir.ColumnRef(name), scope).node for name in _picked(said, keys, pipeline)]
    return ir.NamedExpr(call(said.expr.name, *picked), said.name and sql_name(said.name))


def _extreme_kinds(
    said: ir.NamedExpr, names: list[str], keys: list[str], pipeline: Pipeline
) -> dict[str, str]:
    picked = _picked(said, keys, pipeline)
    if len(set(names) - set(picked) - {said.name}):
        raise EngineError("KQL: the replay knows arg_max() only with column names of its own")
    return {new: pipeline.columns[old] for new, old in zip(names, picked, strict=True)}


def _group(
    keys: Mapping[str, Typed],
    aggregates: Mapping[str, Typed],
    pipeline: Pipeline,
    extremes: list[ir.NamedExpr] | None = None,
    kinds: Columns | None = None,
) -> None:
    records = ir.NamedExpr(call("_hf_records", ir.ColumnRef(RECORDS)), RECORDS)
    made = [ir.NamedExpr(value.node, sql_name(name)) for name, value in aggregates.items()]
    by = tuple(ir.NamedExpr(value.node, sql_name(name)) for name, value in keys.items())
    if any(value.kind == "dynamic" for value in keys.values()):
        raise EngineError("KQL: a key of type dynamic", mend="tostring() it")
    pipeline.operators.append(ir.Summarize((*made, *(extremes or []), records), by))
    pipeline.columns = {
        **{name: value.kind for name, value in keys.items()},
        **{name: value.kind for name, value in aggregates.items()},
        **(kinds or {}),
    }
    pipeline.ordered = False

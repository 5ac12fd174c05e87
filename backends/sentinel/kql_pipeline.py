"""Types of KQL pipelines, and where their rows come from.

Each operator is checked against the columns of its input, and rewritten so that the hidden
column of records goes with every row: a joined or grouped row names all the records it is about.
What a table operator fills in for strings is empty text, never null, as in Kusto.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from duckdb_kql import ir
from duckdb_kql.errors import KqlError
from duckdb_kql.schema import resolve_let_refs
from duckdb_kql.translate import naming

from hafnium.backends.sentinel.kql_calls import bind_call
from hafnium.backends.sentinel.kql_expressions import (
    ORDER,
    RECORDS,
    Scope,
    Typed,
    bind,
    call,
    sql_name,
)
from hafnium.backends.sentinel.kql_functions import WINDOWS
from hafnium.backends.sentinel.kql_tables import bind_join, bind_lookup, bind_union
from hafnium.backends.sentinel.kql_text import SERIALIZED
from hafnium.errors import EngineError

Columns = Mapping[str, str]


@dataclass
class Pipeline:
    """A query on its way through its operators: what is built so far and its columns."""

    tables: Mapping[str, Columns]
    operators: list[ir.Operator] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)
    ordered: bool = False

    def scope(self, *, aggregates: bool = False) -> Scope:
        """What an expression may read at this point."""
        return Scope(self.columns, bind_call, self.query, aggregates, self.ordered)

    def query(self, query: ir.Query) -> tuple[ir.Query, Columns]:
        """A nested query, bound with the tables in scope here."""
        return bind_query(query, self.tables)

    def hidden(self) -> list[ir.NamedExpr]:
        """The hidden columns, for operators that write their columns out in full."""
        names = [RECORDS, ORDER] if self.ordered else [RECORDS]
        return [ir.NamedExpr(ir.ColumnRef(name), name) for name in names]

    def unorder(self) -> None:
        """Drop the order of the rows, which the next operator does not keep."""
        if self.ordered:
            self.operators.append(ir.ProjectAway((ORDER,)))
            self.ordered = False

    def add(self, names: Mapping[str, Typed]) -> None:
        """Extend the rows by columns, replacing those of the same name."""
        made = tuple(ir.NamedExpr(value.node, sql_name(name)) for name, value in names.items())
        self.operators.append(ir.Extend(made))
        self.columns.update((name, value.kind) for name, value in names.items())


def bind_query(query: ir.Query, tables: Mapping[str, Columns]) -> tuple[ir.Query, Columns]:
    """The query with types checked and records kept, and the columns of its result.

    ``tables`` are the columns of the tables that it may name. Raises `EngineError`.
    """
    tables = dict(tables)
    lets: list[tuple[str, ir.Query | ir.Expr]] = []
    for name, bound in query.lets:
        if not isinstance(bound, ir.Query):
            raise EngineError(f"KQL: let {name} is not understood")
        found, columns = bind_query(bound, tables)
        tables[name] = columns
        lets.append((name, found))
    source, operators = _existing(query, tables)
    pipeline = Pipeline(tables)
    source = _bind_source(source, pipeline)
    for operator in operators:
        binder = _BINDERS.get(type(operator))
        if binder is None:
            name = type(operator).__name__
            raise EngineError(f"KQL: the replay does not know the operator {name}")
        try:
            binder(resolve_let_refs(operator, list(pipeline.columns)), pipeline)
        except KqlError as error:
            raise EngineError(f"KQL: {error}") from error
    pipeline.unorder()
    return ir.Query(source, pipeline.operators, lets, query.parameters), pipeline.columns


def _existing(query: ir.Query, tables: Mapping[str, Columns]) -> tuple[ir.Source, list[Any]]:
    """``union isfuzzy=true`` without the tables that there are not; first branch included."""
    operators: list[Any] = list(query.operators)
    position = next((i for i, o in enumerate(operators) if isinstance(o, ir.Union)), -1)
    if position < 0 or not operators[position].isfuzzy:
        return query.source, operators
    union: ir.Union = operators[position]
    arms = [ir.Query(query.source, operators[:position]), *union.branches]
    arms = [arm for arm in arms if not _misses_table(arm, tables)]
    if not arms:
        raise EngineError("KQL: union of no table that exists")
    first, *others = arms
    rest = operators[position + 1 :]
    union = replace(union, branches=tuple(others))
    return first.source, [*first.operators, union, *rest]


def _misses_table(query: ir.Query, tables: Mapping[str, Columns]) -> bool:
    return isinstance(query.source, ir.TableRef) and query.source.name not in tables


def _bind_source(source: ir.Source, pipeline: Pipeline) -> ir.Source:
    if isinstance(source, ir.TableRef):
        if source.name not in pipeline.tables or source.database is not None:
            raise EngineError(f"KQL: no table named {source.qualified!r}")
        pipeline.columns.update(pipeline.tables[source.name])
        return source
    if isinstance(source, ir.DataTable):
        pipeline.columns.update(source.columns)
        renamed = tuple((sql_name(name), kind) for name, kind in source.columns)
        source = replace(source, columns=renamed)
    elif isinstance(source, ir.PrintSource):
        names = naming.project_names(source.expressions)
        scope = pipeline.scope()
        bound = [bind(e.expr, scope) for e in source.expressions]
        pipeline.columns.update(zip(names, (b.kind for b in bound), strict=True))
        made = (ir.NamedExpr(b.node, sql_name(n)) for b, n in zip(bound, names, strict=True))
        source = ir.PrintSource(tuple(made))
    elif isinstance(source, ir.RangeSource):
        scope = pipeline.scope()
        parts = [bind(part, scope) for part in (source.start, source.stop, source.step)]
        pipeline.columns[source.name] = parts[0].kind
        source = ir.RangeSource(sql_name(source.name), *(part.node for part in parts))
    else:
        raise EngineError(f"KQL: the replay does not know the source {type(source).__name__}")
    nothing = ir.NamedExpr(call("_hf_no_records"), RECORDS)
    pipeline.operators.append(ir.Extend((nothing,)))
    return source


def _where(op: ir.Where, pipeline: Pipeline) -> None:
    predicate = bind(op.predicate, pipeline.scope())
    if predicate.kind != "bool":
        raise EngineError(f"KQL: where on a value of type {predicate.kind}")
    if not _reads_order(predicate.node):
        pipeline.operators.append(ir.Where(predicate.node))
        return
    # DuckDB has no functions of ordered rows in WHERE.
    test = "_hf_where"
    pipeline.operators += [
        ir.Extend((ir.NamedExpr(predicate.node, test),)),
        ir.Where(ir.ColumnRef(test)),
        ir.ProjectAway((test,)),
    ]


def _reads_order(node: Any) -> bool:
    if isinstance(node, ir.FunctionCall) and node.name.removeprefix("_hf_") in WINDOWS:
        return True
    if isinstance(node, tuple | list):
        return any(_reads_order(part) for part in node)
    if isinstance(node, ir.Expr | ir.PathStep):
        return any(_reads_order(part) for part in vars(node).values())
    return False


def _bound(
    expressions: tuple[ir.NamedExpr, ...], names: list[str], pipeline: Pipeline
) -> dict[str, Typed]:
    scope = pipeline.scope()
    return {n: bind(e.expr, scope) for n, e in zip(names, expressions, strict=True)}


def _extend(op: ir.Extend, pipeline: Pipeline) -> None:
    expressions = op.expressions
    if expressions[0].name == SERIALIZED:
        _number_rows((), pipeline)
        expressions = expressions[1:]
        if not expressions:
            return
    names = naming.extend_names(expressions, list(pipeline.columns))
    pipeline.add(_bound(expressions, names, pipeline))


def _project(op: ir.Project, pipeline: Pipeline) -> None:
    names = naming.project_names(op.expressions)
    bound = _bound(op.expressions, names, pipeline)
    made = [ir.NamedExpr(value.node, sql_name(name)) for name, value in bound.items()]
    pipeline.operators.append(ir.Project((*made, *pipeline.hidden())))
    pipeline.columns = {name: value.kind for name, value in bound.items()}


def _project_away(op: ir.ProjectAway, pipeline: Pipeline) -> None:
    for name in op.columns:
        if pipeline.columns.pop(name, None) is None:
            raise EngineError(f"KQL: no column named {name!r}")
    pipeline.operators.append(ir.ProjectAway(tuple(map(sql_name, op.columns))))


def _project_rename(op: ir.ProjectRename, pipeline: Pipeline) -> None:
    renames = dict(op.renames)
    for old in renames:
        if old not in pipeline.columns:
            raise EngineError(f"KQL: no column named {old!r}")
    pipeline.columns = {renames.get(n, n): kind for n, kind in pipeline.columns.items()}
    made = tuple((sql_name(old), sql_name(new)) for old, new in op.renames)
    pipeline.operators.append(ir.ProjectRename(made))


def _distinct(op: ir.Distinct, pipeline: Pipeline) -> None:
    names = naming.distinct_names(op.expressions)
    _group(_bound(op.expressions, names, pipeline), {}, pipeline)


def _count(op: ir.Count, pipeline: Pipeline) -> None:
    _group({}, {op.name: Typed(call("count"), "long")}, pipeline)


def _summarize(op: ir.Summarize, pipeline: Pipeline) -> None:
    from duckdb_kql.translate import summarize_names

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
    bound = {n: bind(e.expr, pipeline.scope()) for n, e in zip(keys, op.by, strict=True)}
    _group(bound, aggregates, pipeline, extremes, kinds)


def _picked(said: ir.NamedExpr, keys: list[str], pipeline: Pipeline) -> list[str]:
    from duckdb_kql.translate import arg_max_targets

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


def _sort_keys(keys: tuple[ir.SortKey, ...], pipeline: Pipeline) -> tuple[ir.SortKey, ...]:
    scope = pipeline.scope()
    bound = []
    for key in keys:
        value = bind(key.expr, scope)
        if value.kind == "dynamic":
            raise EngineError("KQL: sort by a value of type dynamic", mend="tostring() it")
        bound.append(replace(key, expr=value.node))
    return tuple(bound)


def _number_rows(keys: tuple[ir.SortKey, ...], pipeline: Pipeline) -> None:
    """Write down the order of the rows; equal rows stay in the order of their records."""
    from duckdb_kql.translate import render_sort_keys

    last = (*keys, ir.SortKey(ir.ColumnRef(RECORDS), ascending=True))
    number = ir.RenderedAggregate(f"(row_number() OVER (ORDER BY {render_sort_keys(last)}))")
    pipeline.operators.append(ir.Extend((ir.NamedExpr(number, ORDER),)))
    pipeline.ordered = True


def _sort(op: ir.Sort, pipeline: Pipeline) -> None:
    keys = _sort_keys(op.keys, pipeline)
    _number_rows(keys, pipeline)
    pipeline.operators.append(ir.Sort((ir.SortKey(ir.ColumnRef(ORDER), ascending=True),)))


def _top(op: ir.Top, pipeline: Pipeline) -> None:
    keys = _sort_keys(op.keys, pipeline)
    _number_rows(keys, pipeline)
    pipeline.operators.append(ir.Top(op.count, (ir.SortKey(ir.ColumnRef(ORDER), ascending=True),)))


def _take(op: ir.Take, pipeline: Pipeline) -> None:
    pipeline.operators.append(op)


def _mv_expand(op: ir.MvExpand, pipeline: Pipeline) -> None:
    targets = []
    for target in op.targets:
        kind = pipeline.columns.get(target.column)
        if kind != "dynamic":
            raise EngineError(f"KQL: mv-expand of {target.column!r} of type {kind}")
        name = target.name or target.column
        pipeline.columns[name] = target.to_type or "dynamic"
        targets.append(replace(target, column=sql_name(target.column), name=sql_name(name)))
    if op.item_index:
        pipeline.columns[op.item_index] = "long"
    pipeline.unorder()
    pipeline.operators.append(replace(op, targets=tuple(targets)))
    for name in [t.name or t.column for t in op.targets if t.to_type == "string"]:
        pipeline.add({name: Typed(call("_hf_text", ir.ColumnRef(sql_name(name))), "string")})


def _parse(op: ir.Parse, pipeline: Pipeline) -> None:
    value = bind(op.expression, pipeline.scope())
    if value.kind != "string":
        raise EngineError(f"KQL: parse of a value of type {value.kind}")
    segments = tuple(replace(s, name=s.name and sql_name(s.name)) for s in op.segments)
    pipeline.operators.append(replace(op, expression=value.node, segments=segments))
    pipeline.columns.update({s.name: s.type or "string" for s in op.segments if s.name})


def _union(op: ir.Union, pipeline: Pipeline) -> None:
    pipeline.unorder()
    known = [branch for branch in op.branches if not _misses_table(branch, pipeline.tables)]
    if len(known) < len(op.branches) and not op.isfuzzy:
        raise EngineError("KQL: union of a table that does not exist")
    arms = [pipeline.query(branch) for branch in known]
    operators, columns = bind_union(op, pipeline.columns, arms)
    pipeline.operators += operators
    pipeline.columns = columns


def _join(op: ir.Join, pipeline: Pipeline) -> None:
    pipeline.unorder()
    operators, columns = bind_join(op, pipeline.columns, *pipeline.query(op.right))
    pipeline.operators += operators
    pipeline.columns = columns


def _lookup(op: ir.Lookup, pipeline: Pipeline) -> None:
    pipeline.unorder()
    operators, columns = bind_lookup(op, pipeline.columns, *pipeline.query(op.right))
    pipeline.operators += operators
    pipeline.columns = columns


_BINDERS: dict[type, Callable[[Any, Pipeline], None]] = {
    ir.Where: _where,
    ir.Extend: _extend,
    ir.Project: _project,
    ir.ProjectAway: _project_away,
    ir.ProjectRename: _project_rename,
    ir.Distinct: _distinct,
    ir.Count: _count,
    ir.Summarize: _summarize,
    ir.Sort: _sort,
    ir.Top: _top,
    ir.Take: _take,
    ir.MvExpand: _mv_expand,
    ir.Parse: _parse,
    ir.Union: _union,
    ir.Join: _join,
    ir.Lookup: _lookup,
}

"""Types of KQL pipelines, and where their rows come from.

Each operator is checked against the columns of its input, and rewritten so that the hidden
column of records goes with every row: a joined or grouped row names all the records it is about.
What a table operator fills in for strings is empty text, never null, as in Kusto.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from duckdb_kql import ir
from duckdb_kql.errors import KqlError
from duckdb_kql.schema import resolve_let_refs
from duckdb_kql.translate import naming

from hafnium.backends.sentinel.kql_expressions import Typed, bind, call
from hafnium.backends.sentinel.kql_functions import WINDOWS
from hafnium.backends.sentinel.kql_groups import bind_count, bind_distinct, bind_summarize
from hafnium.backends.sentinel.kql_names import RECORDS, sql_name
from hafnium.backends.sentinel.kql_order import bind_sort, bind_top, number_rows
from hafnium.backends.sentinel.kql_state import Columns, Pipeline
from hafnium.backends.sentinel.kql_tables import bind_join, bind_lookup, bind_union
from hafnium.backends.sentinel.kql_text import SERIALIZED
from hafnium.errors import EngineError


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
    pipeline = Pipeline(tables, lambda nested: bind_query(nested, tables))
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


def _extend(op: ir.Extend, pipeline: Pipeline) -> None:
    expressions = op.expressions
    if expressions[0].name == SERIALIZED:
        number_rows((), pipeline)
        expressions = expressions[1:]
        if not expressions:
            return
    names = naming.extend_names(expressions, list(pipeline.columns))
    pipeline.add(pipeline.bound(expressions, names))


def _project(op: ir.Project, pipeline: Pipeline) -> None:
    names = naming.project_names(op.expressions)
    bound = pipeline.bound(op.expressions, names)
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
    if not known and not op.with_source:
        return  # it is the rows themselves
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
    ir.Distinct: bind_distinct,
    ir.Count: bind_count,
    ir.Summarize: bind_summarize,
    ir.Sort: bind_sort,
    ir.Top: bind_top,
    ir.Take: _take,
    ir.MvExpand: _mv_expand,
    ir.Parse: _parse,
    ir.Union: _union,
    ir.Join: _join,
    ir.Lookup: _lookup,
}

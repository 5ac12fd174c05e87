"""KQL's operators over two or more tables: union, join and lookup, with types and records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from duckdb_kql import ir
from duckdb_kql.schema import join_output_columns, lookup_output_columns

from hafnium.backends.sentinel.kql_expressions import call
from hafnium.backends.sentinel.kql_names import RECORDS, sql_name
from hafnium.errors import EngineError

Columns = Mapping[str, str]
_RIGHT = "_hf_right"
"""The records of a join's right side, until they are put together with the left's."""

_ONE_SIDE = {"leftsemi", "leftanti", "rightsemi", "rightanti"}


def bind_union(
    op: ir.Union, left: Columns, arms: Sequence[tuple[ir.Query, Columns]]
) -> tuple[list[ir.Operator], dict[str, str]]:
    """The operators of a union and its columns.

    Columns of one name and different types stay apart, each under ``name_type``.
    """
    schemas = [left, *(columns for _, columns in arms)]
    kinds: dict[str, set[str]] = {}
    for schema in schemas:
        for name, kind in schema.items():
            kinds.setdefault(name, set()).add(kind)
    apart = {name for name, found in kinds.items() if len(found) > 1}
    if apart and op.with_source:
        raise EngineError("KQL: the replay does not know withsource= with columns of two types")
    before = _rename_apart(left, apart)
    branches = [replace_operators(query, _rename_apart(columns, apart)) for query, columns in arms]
    named = [
        {f"{n}_{kind}" if n in apart else n: kind for n, kind in schema.items()}
        for schema in schemas
    ]
    merged: dict[str, str] = {op.with_source: "string"} if op.with_source else {}
    for schema in named:
        merged.update(schema)
    if op.kind == "inner":
        merged = {n: k for n, k in merged.items() if all(n in s for s in named)}
    union = replace(op, branches=tuple(branches), isfuzzy=False)
    partial = [n for n in merged if n != op.with_source and not all(n in s for s in named)]
    return [*before, union, *_texts({n: merged[n] for n in partial})], merged


def replace_operators(query: ir.Query, more: Sequence[ir.Operator]) -> ir.Query:
    """The query with operators put at its end."""
    return ir.Query(query.source, [*query.operators, *more], query.lets, query.parameters)


def _rename_apart(columns: Columns, apart: set[str]) -> list[ir.Operator]:
    renames = tuple(
        (sql_name(name), sql_name(f"{name}_{kind}"))
        for name, kind in columns.items()
        if name in apart
    )
    return [ir.ProjectRename(renames)] if renames else []


def _texts(columns: Columns) -> list[ir.Operator]:
    """Empty text in place of the nulls that an operator left in string columns."""
    made = tuple(
        ir.NamedExpr(call("_hf_text", ir.ColumnRef(sql_name(name))), sql_name(name))
        for name, kind in columns.items()
        if kind == "string"
    )
    return [ir.Extend(made)] if made else []


def bind_join(
    op: ir.Join, left: Columns, right: ir.Query, right_columns: Columns
) -> tuple[list[ir.Operator], dict[str, str]]:
    """The operators of a join and its columns: the right side's are renamed where they clash."""
    _check_keys(op.keys, left, right_columns)
    if op.kind in _ONE_SIDE:
        keys = tuple(ir.JoinKey(sql_name(k.left), sql_name(k.right)) for k in op.keys)
        kept = left if op.kind.startswith("left") else right_columns
        return [replace(op, right=right, keys=keys)], dict(kept)
    names = join_output_columns(list(left), list(right_columns), op.kind)[len(left) :]
    renamed = dict(zip(right_columns, names, strict=True))
    keys = tuple(ir.JoinKey(sql_name(k.left), sql_name(renamed[k.right])) for k in op.keys)
    join = replace(op, right=_renamed(right, renamed), keys=keys)
    new = {renamed[name]: kind for name, kind in right_columns.items()}
    missing = new if op.kind in ("leftouter", "fullouter") else {}
    if op.kind in ("rightouter", "fullouter"):
        missing = {**missing, **left}
    return [join, *_records_together(), *_texts(missing)], {**left, **new}


def bind_lookup(
    op: ir.Lookup, left: Columns, right: ir.Query, right_columns: Columns
) -> tuple[list[ir.Operator], dict[str, str]]:
    """The operators of a lookup and its columns: the right side's keys are dropped."""
    _check_keys(op.keys, left, right_columns)
    keys = [key.right for key in op.keys]
    names = lookup_output_columns(list(left), list(right_columns), keys)[len(left) :]
    kept = [name for name in right_columns if name not in keys]
    # Away from the left side's names, so that duckdb-kql does not rename them itself.
    renamed = {**dict(zip(kept, names, strict=True)), **{k: f"_hf_key_{k}" for k in keys}}
    bound = tuple(ir.JoinKey(sql_name(k.left), sql_name(renamed[k.right])) for k in op.keys)
    new = {renamed[name]: right_columns[name] for name in kept}
    lookup = replace(op, right=_renamed(right, renamed), keys=bound)
    missing = new if op.kind == "leftouter" else {}
    return [lookup, *_records_together(), *_texts(missing)], {**left, **new}


def _check_keys(keys: Sequence[ir.JoinKey], left: Columns, right: Columns) -> None:
    for key in keys:
        kinds = left.get(key.left), right.get(key.right)
        if None in kinds:
            missing = key.left if kinds[0] is None else key.right
            raise EngineError(f"KQL: no column named {missing!r} to join on")
        if kinds[0] != kinds[1] or "dynamic" in kinds:
            raise EngineError(f"KQL: join of {key.left!r} and {key.right!r} of types {kinds}")


def _renamed(right: ir.Query, names: Mapping[str, str]) -> ir.Query:
    renames = [(sql_name(o), sql_name(n)) for o, n in names.items() if o != n]
    return replace_operators(right, [ir.ProjectRename((*renames, (RECORDS, _RIGHT)))])


def _records_together() -> list[ir.Operator]:
    both = call("_hf_both_records", ir.ColumnRef(RECORDS), ir.ColumnRef(_RIGHT))
    return [ir.Extend((ir.NamedExpr(both, RECORDS),)), ir.ProjectAway((_RIGHT,))]

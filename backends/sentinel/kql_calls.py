"""Types of KQL function calls, and the calls that duckdb-kql shall translate in their place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from duckdb_kql import ir

from hafnium.backends.sentinel.kql_expressions import Scope, Typed, as_text, bind, call
from hafnium.backends.sentinel.kql_functions import (
    AGGREGATES,
    SCALARS,
    WINDOWS,
    Signature,
    common,
    first_text,
    signature,
    variadic,
)
from hafnium.backends.sentinel.kql_names import ORDER
from hafnium.errors import EngineError

_NO_LIMIT = ir.Literal(1048576, "long")  # of make_list and make_set
_OF_TEXTS = frozenset(
    {"tolower", "toupper", "replace_string", "replace_regex", "extract", "iff", "iif"}
)
"""Functions that give a text wherever their arguments are not null, in DuckDB, too."""
_TRUE = ir.Literal(True, "bool")


def bind_call(node: ir.FunctionCall, scope: Scope) -> Typed:
    """A call with its type. Raises `EngineError` for unknown functions and wrong arguments."""
    if node.name == "column_ifexists":
        return _column_ifexists(node, scope)
    if node.name in AGGREGATES and scope.aggregates:
        return _aggregate(node, replace(scope, aggregates=False))
    args = [bind(arg, scope) for arg in node.args]
    if node.name == "case":
        return _case(args)
    if node.name == "extract_all":
        return _extract_all(args)
    if node.name in WINDOWS:
        return _window(node.name, args, scope)
    known = signature(SCALARS, node.name)
    known.check([arg.kind for arg in args])
    mended = _MENDED.get(node.name)
    if mended is not None:
        found = mended(args)
        if found is not None:
            return found
    return _plain(node.name, known, args)


def _plain(name: str, known: Signature, args: Sequence[Typed]) -> Typed:
    kinds = [known.kinds[min(i, len(known.kinds) - 1)] for i in range(len(args))]
    nodes = [as_text(a) if k == "text" else a.node for a, k in zip(args, kinds, strict=True)]
    kind = returned(known, args)
    found: ir.Expr = call(name, *nodes)
    if kind == "string" and not (name in _OF_TEXTS and _certain(args)):
        found = call("_hf_text", found)
    if kind == "dynamic":
        found = call("_hf_json", found)
    return Typed(found, kind)


def _certain(args: Sequence[Typed]) -> bool:
    """Is none of them ever null?"""
    return all(
        arg.kind in ("string", "bool")
        or (isinstance(arg.node, ir.Literal) and arg.node.value is not None)
        for arg in args
    )


def returned(known: Signature, args: Sequence[Typed]) -> str:
    """The type that a call of the signature returns for these arguments."""
    if known.returns == "first":
        return args[0].kind
    if known.returns == "wide":
        return "long" if args[0].kind == "int" else args[0].kind
    if known.returns == "common":
        kinds = known.kinds
        return common(
            [a.kind for i, a in enumerate(args) if kinds[min(i, len(kinds) - 1)] == "any"]
        )
    return known.returns


def _column_ifexists(node: ir.FunctionCall, scope: Scope) -> Typed:
    if len(node.args) != 2 or not isinstance(node.args[0], ir.Literal):
        raise EngineError("KQL: column_ifexists() needs a constant name and a default")
    name = str(node.args[0].value)
    return bind(ir.ColumnRef(name) if name in scope.columns else node.args[1], scope)


def _case(args: Sequence[Typed]) -> Typed:
    if len(args) < 3 or len(args) % 2 == 0:
        raise EngineError(f"KQL: case() does not take {len(args)} arguments")
    if any(arg.kind != "bool" for arg in args[:-1:2]):
        raise EngineError("KQL: a condition of case() is not a bool")
    kind = common([arg.kind for arg in [*args[1::2], args[-1]]])
    return Typed(call("case", *(arg.node for arg in args)), kind)


def _extract_all(args: Sequence[Typed]) -> Typed:
    if [arg.kind for arg in args] not in (["string"] * 2, ["string", "dynamic", "string"]):
        raise EngineError("KQL: extract_all() takes a regex, groups if wanted, and a string")
    return Typed(call("extract_all", *(arg.node for arg in args)), "dynamic")


def _window(name: str, args: Sequence[Typed], scope: Scope) -> Typed:
    if not scope.ordered:
        raise EngineError(f"KQL: {name}() needs ordered rows", mend="sort or serialize first")
    known = signature(WINDOWS, name)
    known.check([arg.kind for arg in args])
    nodes = [arg.node for arg in args]
    if name == "row_number":
        nodes = nodes or [ir.Literal(1, "long")]
    kind = returned(known, args)
    if name in ("prev", "next"):
        if len(args) == 3 and args[2].kind != kind:
            raise EngineError(f"KQL: the default of {name}() is of type {args[2].kind}, not {kind}")
        nodes[1:] = nodes[1:2] or [ir.Literal(1, "long")]
        nodes.append(args[2].node if len(args) == 3 else _nothing(kind))
    return Typed(call(f"_hf_{name}", *nodes, ir.ColumnRef(ORDER)), kind)


def _nothing(kind: str) -> ir.Literal:
    return ir.Literal("", "string") if kind == "string" else ir.Literal(None, kind)


def _aggregate(node: ir.FunctionCall, scope: Scope) -> Typed:
    args = [bind(arg, scope) for arg in node.args]
    known = signature(AGGREGATES, node.name)
    known.check([arg.kind for arg in args])
    kind = returned(known, args)
    nodes = [arg.node for arg in args]
    base, _, conditional = node.name.removesuffix("if").rstrip("_"), None, node.name.endswith("if")
    if base in ("dcount", "count_distinct"):
        test = nodes[1] if conditional else _TRUE
        return Typed(call("_hf_count_distinct", nodes[0], test), kind)
    if base in ("make_list", "make_set"):
        test = nodes.pop(1) if conditional else _TRUE
        limit = nodes[1] if len(nodes) > 1 else _NO_LIMIT
        if base == "make_set" and args[0].kind == "dynamic":
            raise EngineError("KQL: the replay does not know make_set() of dynamic values")
        test = ir.BinaryOp("and", test, call("isnotnull", nodes[0]))
        return Typed(call(f"_hf_{base.removeprefix('make_')}", nodes[0], test, limit), kind)
    return Typed(call(node.name, *nodes), kind)


def _tostring(args: Sequence[Typed]) -> Typed | None:
    value = args[0]
    if value.kind in ("string", "dynamic"):
        return Typed(as_text(value), "string")
    if value.kind in ("int", "long"):
        return Typed(call("_hf_number_text", value.node), "string")
    return None


def _strcat(args: Sequence[Typed]) -> Typed | None:
    return Typed(call(variadic("concat", len(args)), *map(_told, args)), "string")


def _strcat_delim(args: Sequence[Typed]) -> Typed | None:
    return Typed(call(variadic("concat_ws", len(args)), *map(_told, args)), "string")


def _told(arg: Typed) -> ir.Expr:
    return (_tostring([arg]) or _plain("tostring", signature(SCALARS, "tostring"), [arg])).node


def _isnull(args: Sequence[Typed]) -> Typed | None:
    if args[0].kind == "string":
        return Typed(ir.Literal(False, "bool"), "bool")
    if args[0].kind == "dynamic":
        return Typed(call("_hf_dynamic_is_null", args[0].node), "bool")
    return None


def _isnotnull(args: Sequence[Typed]) -> Typed | None:
    found = _isnull(args)
    return None if found is None else Typed(call("not", found.node), "bool")


def _isempty(args: Sequence[Typed]) -> Typed | None:
    if args[0].kind not in ("string", "dynamic"):
        return None
    return Typed(call("_hf_is_empty", as_text(args[0])), "bool")


def _isnotempty(args: Sequence[Typed]) -> Typed | None:
    if args[0].kind not in ("string", "dynamic"):
        return None
    return Typed(call("_hf_is_not_empty", as_text(args[0])), "bool")


def _toreal(args: Sequence[Typed]) -> Typed | None:
    if args[0].kind not in ("string", "dynamic"):
        return None
    return Typed(call("_hf_real", as_text(args[0])), "real")


def _from_text(name: str, kind: str) -> Callable[[Sequence[Typed]], Typed | None]:
    def convert(args: Sequence[Typed]) -> Typed | None:
        if args[0].kind != "dynamic":
            return None
        return Typed(call(name, as_text(args[0])), kind)

    return convert


def _parse_json(args: Sequence[Typed]) -> Typed | None:
    if args[0].kind == "dynamic":
        return args[0]
    if args[0].kind == "string":
        return Typed(call("_hf_parse_json", args[0].node), "dynamic")
    return None


def _bin(args: Sequence[Typed]) -> Typed | None:
    value, step = args
    if (value.kind in ("datetime", "timespan")) != (step.kind == "timespan"):
        raise EngineError(f"KQL: bin() of a {value.kind} by a {step.kind}")
    if step.kind == "timespan" and not isinstance(step.node, ir.Literal):
        raise EngineError("KQL: the replay knows bin() only with a constant timespan")
    return None


def _datetime_diff(args: Sequence[Typed]) -> None:
    period = args[0].node
    if not isinstance(period, ir.Literal) or str(period.value).lower() == "week":
        raise EngineError("KQL: the replay knows datetime_diff() only in days, months …, not weeks")


def _coalesce(args: Sequence[Typed]) -> Typed | None:
    if common([arg.kind for arg in args]) != "string":
        return None
    first, *others = (arg.node for arg in args)
    if len(others) == 1 and isinstance(first, ir.ColumnRef):
        return Typed(call("_hf_or", first, *others), "string")
    return Typed(call(first_text(len(args)), first, *others), "string")


def _as_is(name: str, kind: str) -> Callable[[Sequence[Typed]], Typed]:
    return lambda args: Typed(call(f"_hf_{name}", *(arg.node for arg in args)), kind)


def _addresses(version: int, *, compare: bool) -> Callable[[Sequence[Typed]], Typed]:
    whole = ir.Literal(32 if version == 4 else 128, "long")

    def bound(args: Sequence[Typed]) -> Typed:
        prefix = args[2].node if len(args) > 2 else whole
        order = call(f"_hf_ipv{version}_compare", args[0].node, args[1].node, prefix)
        if compare:
            return Typed(order, "long")
        return Typed(call("_hf_is_zero", order), "bool")

    return bound


_MENDED: dict[str, Callable[[Sequence[Typed]], Typed | None]] = {
    "tostring": _tostring,
    "strcat": _strcat,
    "strcat_delim": _strcat_delim,
    "isnull": _isnull,
    "isnotnull": _isnotnull,
    "isempty": _isempty,
    "isnotempty": _isnotempty,
    "todouble": _toreal,
    "toreal": _toreal,
    "tolong": _from_text("tolong", "long"),
    "toint": _from_text("toint", "int"),
    "tobool": _from_text("tobool", "bool"),
    "todatetime": _from_text("todatetime", "datetime"),
    "totimespan": _from_text("totimespan", "timespan"),
    "parse_json": _parse_json,
    "todynamic": _parse_json,
    "bin": _bin,
    "floor": _bin,
    "coalesce": _coalesce,
    "datetime_diff": _datetime_diff,
    "url_decode": _as_is("url_decode", "string"),
    "bag_keys": _as_is("bag_keys", "dynamic"),
    "bag_has_key": _as_is("bag_has_key", "bool"),
    "ipv4_is_in_range": _addresses(4, compare=False),
    "ipv6_is_in_range": _addresses(6, compare=False),
    "ipv4_is_match": _addresses(4, compare=False),
    "ipv6_is_match": _addresses(6, compare=False),
    "ipv4_compare": _addresses(4, compare=True),
    "ipv6_compare": _addresses(6, compare=True),
}

"""The KQL functions of the replay: their types, and what duckdb-kql lacks or gets wrong.

A function that is not listed here is refused. duckdb-kql keeps its functions as a table of SQL
templates; what it lacks is added to that table under names of our own (``_hf_…``). DuckDB can run
Python functions only together with numpy, so all is SQL; what is long is a macro (`kql_macros`).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hafnium.errors import EngineError

NUMBERS = frozenset({"int", "long", "real"})
_ACCEPTED: Mapping[str, frozenset[str]] = {
    "any": frozenset({"bool", "datetime", "dynamic", "guid", *NUMBERS, "string", "timespan"}),
    "text": frozenset({"string", "dynamic"}),
    "number": NUMBERS,
    "whole": frozenset({"int", "long"}),
    "scale": NUMBERS | {"datetime", "timespan"},
    "step": NUMBERS | {"timespan"},
    "real": NUMBERS,
    **{t: frozenset({t}) for t in ("bool", "datetime", "dynamic", "string", "timespan")},
}


@dataclass(frozen=True)
class Signature:
    """Parameter kinds, how many are needed, whether the last repeats, and the type returned.

    ``returns`` is a Kusto type, or ``first`` (the first argument's type), ``wide`` (the same,
    long for int) or ``common`` (the one type that all arguments of kind any have).
    """

    name: str
    kinds: tuple[str, ...]
    needed: int
    repeats: bool
    returns: str

    def check(self, types: list[str]) -> None:
        """Raise `EngineError` unless Kusto takes arguments of these types."""
        if not self.needed <= len(types) or (len(types) > len(self.kinds) and not self.repeats):
            raise EngineError(f"KQL: {self.name}() does not take {len(types)} arguments")
        for index, found in enumerate(types):
            kind = self.kinds[min(index, len(self.kinds) - 1)]
            if found not in _ACCEPTED[kind] and found != "null":
                raise EngineError(
                    f"KQL: argument {index + 1} of {self.name}() is of type {found}",
                    mend=f"a value of type {', '.join(sorted(_ACCEPTED[kind]))} is expected",
                )


def _signatures(listed: str) -> dict[str, Signature]:
    """From lines ``name kind kind? kind* : type``: ``?`` may be left out, ``*`` repeats."""
    found = {}
    for line in listed.strip().splitlines():
        left, _, returns = line.partition(":")
        names, *kinds = left.split()
        needed = sum(not kind.endswith(("?", "*")) for kind in kinds)
        plain = tuple(kind.rstrip("?*") for kind in kinds)
        repeats = any(kind.endswith("*") for kind in kinds)
        for name in names.split("/"):
            found[name] = Signature(name, plain, needed, repeats, returns.strip())
    return found


SCALARS = _signatures(
    """
    strlen text : long
    tolower/toupper/reverse text : string
    strcat any any* : string
    strcat_delim string any any* : string
    substring text whole whole? : string
    indexof text text : long
    split text string : dynamic
    replace_string/replace_regex string string string : string
    trim/trim_start/trim_end string string : string
    countof string string string? : long
    extract string whole string : string
    url_decode string : string
    base64_decode_tostring/base64_encode_tostring string : string
    hash_md5/hash_sha1/hash_sha256 any : string
    gettype any : string
    tostring any : string
    toint any : int
    tolong any : long
    todouble/toreal any : real
    tobool any : bool
    todatetime any : datetime
    totimespan any : timespan
    parse_json/todynamic any : dynamic
    isnull/isnotnull/isempty/isnotempty any : bool
    isnan/isfinite/isinf real : bool
    not bool : bool
    iff/iif bool any any : common
    coalesce any any any* : common
    min_of/max_of any any any* : common
    now : datetime
    ago timespan : datetime
    bin/floor scale step : wide
    abs number : wide
    round number whole? : real
    datetime_diff string datetime datetime : long
    datetime_add string whole datetime : datetime
    startofday/startofmonth/startofyear datetime : datetime
    hourofday/getyear/getmonth/dayofmonth datetime : int
    dayofweek datetime : timespan
    format_datetime datetime string : string
    array_length dynamic : long
    array_concat dynamic dynamic* : dynamic
    array_index_of dynamic any : long
    set_has_element dynamic any : bool
    pack_array any* : dynamic
    bag_pack/pack any any* : dynamic
    bag_keys dynamic : dynamic
    bag_has_key dynamic string : bool
    parse_ipv4 string : long
    parse_ipv6 string : string
    ipv4_is_match/ipv6_is_match string string whole? : bool
    ipv4_compare/ipv6_compare string string whole? : long
    ipv4_is_in_range/ipv6_is_in_range string string : bool
    """
)
"""Functions of one row. ``extract_all``, ``case`` and ``column_ifexists`` are the binder's."""

WINDOWS = _signatures(
    """
    prev/next any whole? any? : first
    row_number whole? : long
    row_cumsum number : wide
    """
)
"""Functions that need an ordered input."""

AGGREGATES = _signatures(
    """
    count : long
    countif bool : long
    sum number : wide
    sumif number bool : wide
    avg number : real
    min/max any : first
    dcount/count_distinct any : long
    dcountif/count_distinctif any bool : long
    make_list/make_set any whole? : dynamic
    make_list_if/make_set_if any bool whole? : dynamic
    take_any/any any : first
    percentile number number : real
    stdev/variance number : real
    """
)
"""Functions of a group. ``arg_max`` and ``arg_min`` are the pipeline's."""


def signature(table: Mapping[str, Signature], name: str) -> Signature:
    """The signature of a function. Raises `EngineError` when the replay does not know it."""
    try:
        return table[name]
    except KeyError:
        raise EngineError(f"KQL: the replay does not know {name}()") from None


def common(kinds: Sequence[str]) -> str:
    """The one type of several values. Raises `EngineError` when there is none."""
    found = {kind for kind in kinds if kind != "null"}
    if len(found) == 1:
        return found.pop()
    if found and found <= NUMBERS:
        return "real" if "real" in found else "long"
    raise EngineError(f"KQL: values of types {', '.join(sorted(found))} where one is needed")


_NUMBER = r"^\s*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?\s*$"

TEXT_OPERATORS = {
    "==": "({0} = {1})",
    "!=": "({0} <> {1})",
    "<>": "({0} <> {1})",
    "=~": "({0} = {1})",
    "!~": "({0} <> {1})",
    "matches regex": "regexp_matches({0}, {1})",
    **{
        f"{no}{op}{cs}": f"({'NOT ' if no else ''}{function}({{0}}, {{1}}))"
        for op, function in (
            ("contains", "contains"),
            ("startswith", "starts_with"),
            ("endswith", "suffix"),
        )
        for no in ("", "!")
        for cs in ("", "_cs")
    },
}
"""Operators between two strings, which are never null; duckdb-kql does not know that."""

FOLDED = frozenset(
    op for op in TEXT_OPERATORS.keys() - {"==", "!=", "<>", "matches regex"} if op[-3:] != "_cs"
)
"""Those that ignore case; they are given both texts folded (`kql_expressions.folded`)."""

TERM_OPERATORS = frozenset(
    f"{no}{op}{cs}"
    for op in ("has", "hasprefix", "hassuffix")
    for no in ("", "!")
    for cs in ("", "_cs")
)
"""Operators on the terms of a string, as duckdb-kql has them."""

_TEMPLATES = {
    **{f"_hf_{operator}": template for operator, template in TEXT_OPERATORS.items()},
    "_hf_fold": "_hf_fold({0})",  # a macro, see `kql_macros`
    # A Kusto string is never null.
    "_hf_text": "coalesce({0}, '')",
    # As a CASE: DuckDB would work out what repeats in a coalesce for every row.
    "_hf_or": "CASE WHEN {0} <> '' THEN {0} ELSE {1} END",
    "_hf_is_empty": "({0} = '')",
    "_hf_is_not_empty": "({0} <> '')",
    "_hf_json": "to_json({0})",
    # Text that is no JSON is a dynamic value of that text.
    "_hf_parse_json": (
        "CASE WHEN {0} <> '' "
        "THEN coalesce(TRY_CAST({0} AS JSON), to_json(CAST({0} AS VARCHAR))) END"
    ),
    "_hf_dynamic_text": "coalesce({0} ->> '$', '')",
    "_hf_number_text": "coalesce(CAST({0} AS VARCHAR), '')",
    "_hf_dynamic_is_null": "({0} IS NULL OR json_type({0}) = 'NULL')",
    # DuckDB reads 1_000, inf and nan as numbers too.
    "_hf_real": f"CASE WHEN regexp_matches({{0}}, '{_NUMBER}') THEN TRY_CAST({{0}} AS DOUBLE) END",
    "_hf_span_ratio": "(epoch_us({0}) / epoch_us({1}))",
    "_hf_url_decode": "_hf_macro_url_decode({0})",
    "_hf_bag_keys": "to_json(json_keys({0}))",
    "_hf_bag_has_key": "list_contains(json_keys({0}), {1})",
    "_hf_is_zero": "({0} = 0)",
    "_hf_ipv4_compare": "_hf_macro_ipv4_compare({0}, {1}, {2})",
    "_hf_ipv6_compare": "_hf_macro_ipv6_compare({0}, {1}, {2})",
    # Of ordered rows; the last argument is the order.
    "_hf_prev": "lag({0}, CAST({1} AS INTEGER), {2}) OVER (ORDER BY {3})",
    "_hf_next": "lead({0}, CAST({1} AS INTEGER), {2}) OVER (ORDER BY {3})",
    "_hf_row_number": "(row_number() OVER (ORDER BY {1}) - 1 + {0})",
    "_hf_row_cumsum": "sum({0}) OVER (ORDER BY {1} ROWS UNBOUNDED PRECEDING)",
    # Which records a row comes from.
    "_hf_no_records": "CAST([] AS BIGINT[])",
    "_hf_both_records": "list_concat({0}, {1})",
}
_AGGREGATE_TEMPLATES = {
    "_hf_records": "flatten(list({0}))",
    "_hf_list": "to_json(list_slice(coalesce(list({0}) FILTER (WHERE {1}), []), 1, {2}))",
    "_hf_set": "to_json(list_slice(coalesce(list(DISTINCT {0}) FILTER (WHERE {1}), []), 1, {2}))",
    "_hf_count_distinct": "count(DISTINCT {0}) FILTER (WHERE {1})",
}


@functools.cache
def extend_duckdb_kql() -> None:
    """Add our templates to the function tables of duckdb-kql, once."""
    from duckdb_kql.translate.functions import (
        AGGREGATE_FUNCTIONS,
        SCALAR_FUNCTIONS,
        AggregateSpec,
        FunctionSpec,
    )

    for name, template in _TEMPLATES.items():
        SCALAR_FUNCTIONS[name] = FunctionSpec(name, "template", template, _arity(template))
    for name, template in _AGGREGATE_TEMPLATES.items():
        AGGREGATE_FUNCTIONS[name] = AggregateSpec(name, template, _arity(template))


def membership(count: int) -> str:
    """The name of a function that is true if its first argument is one of ``count`` others."""
    places = ", ".join(f"{{{n}}}" for n in range(1, count + 1))
    return _added(f"_hf_in_{count}", f"({{0}} IN ({places}))", count + 1)


def first_text(count: int) -> str:
    """The name of a function that gives the first of ``count`` strings that is not empty."""
    places = ", ".join(f"nullif({{{n}}}, '')" for n in range(count))
    return _added(f"_hf_first_{count}", f"coalesce({places}, '')", count)


def variadic(function: str, count: int) -> str:
    """The name of a function that calls one of DuckDB's with ``count`` arguments."""
    places = ", ".join(f"{{{n}}}" for n in range(count))
    return _added(f"_hf_{function}_{count}", f"{function}({places})", count)


def _added(name: str, template: str, count: int) -> str:
    from duckdb_kql.translate.functions import SCALAR_FUNCTIONS, FunctionSpec

    if name not in SCALAR_FUNCTIONS:
        SCALAR_FUNCTIONS[name] = FunctionSpec(name, "template", template, (count,))
    return name


def _arity(template: str) -> tuple[int, ...]:
    return (sum(f"{{{n}}}" in template for n in range(5)),)

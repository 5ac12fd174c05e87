"""SQL macros behind the functions that duckdb-kql lacks: IP networks, URL decoding, case."""

from __future__ import annotations

import dataclasses
from typing import Any

from duckdb_kql import ir

FOLD = """CREATE MACRO _hf_fold(t) AS CASE WHEN strlen(t) = length(t) THEN lower(t)
    ELSE translate(t, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz') END"""
"""Text as the operators see it that ignore case: they do so for ASCII letters only, as Kusto's
reference says. Nearly every query needs it."""

_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def folded(node: ir.Expr) -> ir.Expr:
    """A text as the operators see it that ignore case (of ASCII letters); a constant at once."""
    if isinstance(node, ir.Literal):
        return dataclasses.replace(node, value=str(node.value).translate(_LOWER))
    return ir.FunctionCall("_hf_fold", (node,))


PREFIX = "_hf_macro_"
"""What the names of the other macros start with; making them takes a while."""


def define_macros(connection: Any) -> None:
    """Define the SQL macros that the templates call, `FOLD` apart, on a DuckDB connection."""
    from duckdb_kql.translate import render_expr

    address = ir.FunctionCall("parse_ipv6", (ir.ColumnRef("t"),))
    connection.execute(f"CREATE MACRO _hf_macro_ipv6(t) AS {render_expr(address)}")
    for macro in _MACROS:
        connection.execute(macro)


_OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_QUAD = rf"^\s*{_OCTET}(\.{_OCTET}){{3}}(/(3[0-2]|[12]?[0-9]))?\s*$"
_PLACES = " + ".join(
    f"CAST(split_part(split_part(trim(t), '/', 1), '.', {i}) AS BIGINT) * {256 ** (4 - i)}"
    for i in range(1, 5)
)
# The address without its prefix as a number, and the prefix; null for what is no address.
# A comparison is of the bits that the shortest of all prefixes leaves.
_MACROS = (
    f"CREATE MACRO _hf_macro_ipv4(t) AS CASE WHEN regexp_matches(t, '{_QUAD}') THEN {_PLACES} END",
    """CREATE MACRO _hf_macro_prefix(t, whole) AS
        CASE WHEN contains(t, '/') THEN TRY_CAST(trim(split_part(t, '/', 2)) AS BIGINT)
        ELSE whole END""",
    """CREATE MACRO _hf_macro_sign(a, b) AS
        CASE WHEN a < b THEN -1 WHEN a > b THEN 1 WHEN a = b THEN 0 END""",
    """CREATE MACRO _hf_macro_ipv4_compare(a, b, n) AS (
        SELECT _hf_macro_sign(x >> (32 - p), y >> (32 - p)) FROM (
            SELECT _hf_macro_ipv4(a) AS x, _hf_macro_ipv4(b) AS y,
                least(_hf_macro_prefix(a, 32), _hf_macro_prefix(b, 32), n) AS p))""",
    # The prefix of an IPv4 address counts within the last 32 bits of the mapped address; one of
    # ``::1.2.3.4`` is of IPv6, although its end is written as in IPv4.
    """CREATE MACRO _hf_macro_prefix6(t) AS CASE
        WHEN NOT contains(t, '/') THEN 128
        WHEN NOT contains(t, ':') THEN
            CASE WHEN _hf_macro_prefix(t, 32) BETWEEN 0 AND 32 THEN 96 + _hf_macro_prefix(t, 32) END
        ELSE _hf_macro_prefix(t, 128) END""",
    """CREATE MACRO _hf_macro_hex6(t) AS nullif(replace(_hf_macro_ipv6(t), ':', ''), '')""",
    """CREATE MACRO _hf_macro_top6(hex, n) AS left(hex, CAST(n // 4 AS BIGINT)) ||
        CASE WHEN n % 4 = 0 THEN '' ELSE printf('%x',
            CAST('0x' || substring(hex, CAST(n // 4 AS BIGINT) + 1, 1) AS INTEGER)
            >> CAST(4 - n % 4 AS INTEGER)) END""",
    # The prefix is taken off first, because parse_ipv6 applies it.
    """CREATE MACRO _hf_macro_ipv6_compare(a, b, n) AS (
        SELECT _hf_macro_sign(_hf_macro_top6(x, p), _hf_macro_top6(y, p)) FROM (
            SELECT _hf_macro_hex6(split_part(a, '/', 1)) AS x,
                _hf_macro_hex6(split_part(b, '/', 1)) AS y,
                least(_hf_macro_prefix6(a), _hf_macro_prefix6(b), n) AS p)
        WHERE _hf_macro_prefix6(a) BETWEEN 0 AND 128 AND _hf_macro_prefix6(b) BETWEEN 0 AND 128)""",
    "CREATE MACRO _hf_macro_url_decode(t) AS coalesce(TRY_CAST(url_decode(t) AS VARCHAR), t)",
)

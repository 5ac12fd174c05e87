"""The fast parser makes the same tree as duckdb-kql's own, or leaves the text to that one."""

from __future__ import annotations

from typing import Any

import pytest
from duckdb_kql import ir
from duckdb_kql.lower import lower

from hafnium.backends.sentinel.kql_parser import parse, parse_fast
from hafnium.backends.sentinel.kql_text import plain, quote
from hafnium.backends.sentinel.kql_tokens import Unknown
from hafnium.backends.sentinel.tables import tables
from hafnium.errors import EngineError

QUERIES = [
    "Event",
    "Event // all of it\n| where true",
    "Event | where a == 1 and b != 2 or c <> 3 and not(d == -4)",
    "Event | where a == 1 or b == 2 and c == 3",
    "Event | where (a == 1 or b == 2) and c == 3",
    'Event | where a contains "x" and b !contains "y" or c has_cs "z"',
    'Event | where a matches regex "(?i)^x" == false',
    'Event | where a startswith "x" == b endswith "y"',
    "Event | where a + 1 * 2 - 3 / 4 % 5 > 6",
    'Event | where a in ("x", "y") and b !in~ ("z") or c in~ (d)',
    'Event | where a has_any ("x") and b has_all ("y", "z")',
    "Event | where t between (a .. (b + 5m)) and u !between (1 .. 2.5)",
    "Event | where t > 1d and t > 2h and t > 30s",
    "Event | where a.b.c == 'x' and a['b c'][0].d == tostring(e[-1])",
    "Event | where ['a-b'] == 'x' and ['c d'] startswith 'y'",
    "Event | extend a = 1, ['b-c'] = f(d), tostring(e)",
    'Event | where a == "x" "y"',
    'Event | where a == "tab\\tquote\\"back\\\\slash"',
    "Event | project a, b = c | project-away a, b | distinct b, c = d",
    "Event | summarize n = count(), make_set(a, 5) by b, bin(t, 5m) | where n > 1",
    "Event | summarize by a",
    "Event | sort by a asc, b desc, c | order by d | take 5 | limit 6 | count",
    "union Event, W3CIISLog | where a == 1",
    "union isfuzzy=true kind=inner withsource=S (Event | where a == 1), W3CIISLog",
    "Event | union (W3CIISLog | where a == 1)",
    "Event | join kind=inner (W3CIISLog | where a == 1) on a, $left.b == $right.c",
    "Event | join (W3CIISLog) on a",
    "Event | lookup kind=inner (W3CIISLog) on a",
    "let n = 5; let m = n; Event | where a == n and b == m and f(n)",
    "let n = 5; let f = (x: string, y: long) { x == n or y == 1 }; Event | where f(a, n)",
    "let f = (x: string) { g(x) }; let h = (x: string) { f(x) }; Event | where h(h(a))",
    "let t = Event | where a == 1; let u = materialize(t | where b == 2); u | union t",
    "let t = Event; Event | where a == 1 | join kind=inner t on a",
    "let x = 1; Event | extend x = 2 | where x == 2",
]  # fmt: skip


def shape(node: Any) -> Any:
    """A tree as plain data, so that two can be compared whole."""
    if isinstance(node, ir.Query):
        lets = [(name, shape(bound)) for name, bound in node.lets]
        return (shape(node.source), [shape(o) for o in node.operators], lets)
    if isinstance(node, list | tuple):
        return [shape(part) for part in node]
    if isinstance(node, ir.Node):
        return (type(node).__name__, {n: shape(v) for n, v in vars(node).items()})
    return (type(node).__name__, node)


@pytest.mark.parametrize("text", QUERIES)
def test_both_parsers_make_the_same_tree(text: str):
    assert shape(parse_fast(plain(text), tables())) == shape(lower(plain(text)))


@pytest.mark.parametrize(
    "text",
    [
        "Event | where t > datetime(2021-03-03)",
        "Event | where a in (dynamic([1]))",
        "Event | where a in ((W3CIISLog | project a))",
        "Event | summarize arg_max(t, *) by a",
        "Event | sort by a nulls first",
        "Event | where t > 5microsecond",
        "Event | mv-expand a",
        "Event | where a == toscalar(W3CIISLog | count)",
        "print a = 1",
        "let t = (x: string) { Event }; t",
        "Event | where t between (a .. b + 5m)",
        "Event | where a ==",
        "Event | where a == 1)",
        "Event Event",
        "union Eve*",
    ],
)
def test_what_the_fast_parser_does_not_know_it_leaves(text: str):
    with pytest.raises(Unknown):
        parse_fast(plain(text), tables())


def test_what_is_left_is_read_by_duckdb_kql():
    text = plain("Event | where t > datetime(2021-03-03)")
    assert shape(parse(text, tables())) == shape(lower(text))


@pytest.mark.parametrize("value", ["", "a\\b", 'a"b', "it's", "a\nb\tc\rd", "Zürich", "```", "@'"])
def test_a_quoted_value_is_read_back_by_both(value: str):
    text = f"Event | where a == {quote(value)}"
    assert plain(text) == text
    for query in (parse_fast(text, tables()), lower(text)):
        (where,) = query.operators
        assert isinstance(where, ir.Where)
        assert isinstance(where.predicate, ir.BinaryOp)
        assert where.predicate.right == ir.Literal(value, "string")


@pytest.mark.parametrize("text", ["'a", '"a\nb"', r'"\d"', r'"\u12"', r'"\8"', "'\\x1'"])
def test_strings_that_kusto_cannot_read_are_errors(text: str):
    with pytest.raises(EngineError):
        plain(f"Event | where a == {text}")

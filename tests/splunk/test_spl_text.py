"""Comments, macros and pipes."""

from __future__ import annotations

import pytest
from spl_running import hits

from hafnium.backends.splunk.spl.text import expand, split
from hafnium.errors import EngineError


def test_macros_expand_also_inside_macros():
    events = {"a": "1", "b": "2"}, {"a": "1"}
    assert hits("`outer` b=*", *events, outer="(`inner`)", inner="a=1 OR a=2") == [0]


def test_quoted_text_is_no_macro_comment_or_pipe():
    assert hits('a="x`m`y"', {"a": "x`m`y"}, m="z") == [0]
    assert hits('a="x ```no``` y"', {"a": "x ```no``` y"}) == [0]
    assert hits('a="x | where false()"', {"a": "x | where false()"}) == [0]
    assert hits(r'a="x\"|y"', {"a": 'x"|y'}) == [0]


def test_comments_are_in_three_backticks():
    assert hits('```a "rule" | `x` ``` a=1 ``` more ``` | where a=1', {"a": "1"}, {"a": "2"}) == [0]


@pytest.mark.parametrize(
    ("text", "macros", "reason"),
    [
        ("`m`", {"m": "`n`", "n": "`m`"}, "contains itself"),
        ("`m`", {}, "no definition"),
        ("`m(1)`", {"m": "a=1"}, "arguments"),
        ("`m", {"m": "a=1"}, "unclosed backtick"),
        ('a="b', {}, "unclosed quotation mark"),
        ("a=1 | | where true()", {}, "no command after the pipe"),
        ("| where true()", {}, "does not start with a search"),
    ],
)
def test_broken_text_is_refused(text: str, macros: dict[str, str], reason: str):
    with pytest.raises(EngineError, match=reason):
        hits(text, {"a": "1"}, **macros)


def test_a_macro_cannot_be_smuggled_in_by_a_value():
    with pytest.raises(EngineError, match="no definition"):
        expand('a="x" `evil`', {})


def test_positions_are_those_of_the_expanded_search():
    first, second = split(expand("`m` | where x", {"m": "a=1"}))
    assert (first.name, first.arguments, first.position) == ("search", "a=1", 0)
    assert (second.name, second.arguments, second.position) == ("where", "x", 12)


def test_a_search_may_span_lines():
    assert hits("a=1\n  OR\ta=2\n| where a=2\n", {"a": "1"}, {"a": "2"}) == [1]

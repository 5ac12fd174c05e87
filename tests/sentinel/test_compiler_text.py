"""Literals, names and comments: nothing gets out of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hafnium.backends.sentinel.compiler_text import comment, joined, literal, name
from hafnium.errors import Refused

HOSTILE = ['"', "\\", '"" | take 1', "a\nb", "a\r\n| x", "'", "]['", "\t", '@"', "//", "é", "`"]


def value_of(text: str) -> Any:
    import duckdb_kql

    connection = duckdb_kql.connect()
    return duckdb_kql.query(connection, text).fetchall()[0][0]


@pytest.mark.parametrize("text", HOSTILE)
def test_literal_is_the_text(text: str) -> None:
    assert value_of(f"print x = {literal(text)}") == text
    assert value_of(f"print x = {literal('a' + text)}") == "a" + text


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_literal_has_no_end_inside(text: str) -> None:
    quoted = literal(text)
    body = quoted[2:-1] if quoted.startswith("@") else quoted[1:-1]
    ends = (
        body.replace('""', "")
        if quoted.startswith("@")
        else body.replace("\\\\", "").replace('\\"', "")
    )
    assert '"' not in ends
    assert "\n" not in quoted
    assert "\r" not in quoted


def test_character_that_no_literal_holds_is_refused() -> None:
    with pytest.raises(Refused):
        literal("a\0b")


@pytest.mark.parametrize("column", ["cs-uri-stem", "it's", "a]b", "a\\b", "x y"])
def test_quoted_name_is_the_column(column: str) -> None:
    assert value_of(f"print {name(column)} = 5 | project {name(column)}") == 5


@pytest.mark.parametrize(
    "line", ["a\nEvent", "a\r\nEvent", "a\u2028Event", "a\x85Event", "a\x0bEvent"]
)
def test_comment_cannot_be_left(line: str) -> None:
    assert all(part.startswith("//") for part in comment([line, "b"]).splitlines())
    assert value_of(f"{comment([line])}\nprint x = 1") == 1


def test_chains_are_grouped_and_complete() -> None:
    parts = [f"x == {n}" for n in range(1000)]
    text = joined(parts, "or")
    depth = deepest = 0
    for char in text:
        depth += {"(": 1, ")": -1}.get(char, 0)
        deepest = max(deepest, depth)
    assert deepest <= 3
    assert text.replace("(", "").replace(")", "").split(" or ") == parts

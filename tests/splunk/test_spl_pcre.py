"""Regular expressions: PCRE's meaning, or a refusal."""

from __future__ import annotations

import pytest

from hafnium.backends.splunk.spl.pcre import regex
from hafnium.errors import EngineError


def finds(pattern: str, text: str) -> bool:
    return regex(pattern).search(text) is not None


def test_classes_are_ascii():
    assert not finds(r"^\w$", "é")
    assert not finds(r"^\d$", "٣")
    assert finds(r"^\W$", "é")
    assert not finds(r"\s", "\u00a0")
    assert finds(r"^[\w.]+$", "a.b")


def test_dot_stops_at_a_newline_and_dollar_before_the_last_one():
    assert not finds("a.b", "a\nb")
    assert finds("(?s)a.b", "a\nb")
    assert finds("a$", "a\n")
    assert not finds(r"a\z", "a\n")
    assert finds(r"a\Z", "a\n")


def test_groups_and_names():
    assert regex(r"(?<x>a)(?P<y>b)(?:c)(?i:D)").search("abcd").groupdict() == {"x": "a", "y": "b"}
    assert finds(r"a(?=b)(?!c)", "ab")
    assert finds(r"(?<=a)b(?<!x)", "ab")
    assert finds(r"^(a|b)\1$", "bb")
    assert not finds(r"^(a|b)\1$", "ab")
    assert not finds(r"(?>a+)a", "aaa")
    assert not finds(r"a++a", "aaa")


def test_escapes_and_brackets():
    assert finds(r"\x41\x{e9}\/\-\_\'", "Aé/-_'")
    assert finds(r"^[]a]$", "]")
    assert finds(r"^[^]a]$", "b")
    assert finds(r"^[[&~|]+$", "[&~|")
    assert finds(r"^a{x}{2}$", "a{x}}")
    assert finds(r"^a{2,3}$", "aaa")
    assert finds(r"\bfoo\b", "a foo.")
    assert finds(r"^[\\\]]+$", "\\]")


@pytest.mark.parametrize(
    "pattern",
    [
        r"\Qa\E",
        r"\R",
        r"\K",
        r"\pL",
        r"\e",
        r"\x{",
        "[[:alpha:]]",
        "(?|a)",
        "(?R)",
        "(?U)a",
        "(*UTF8)a",
        "(",
        "[a",
        "a**",
        "a\\",
        r"(?<n>a)(?<n>b)",
        r"\1",
        r"(a)\10",
    ],
)
def test_what_python_reads_otherwise_is_refused(pattern: str):
    with pytest.raises(EngineError):
        regex(pattern)

r"""Expressions of where and eval, rule by rule of Splunk's documentation."""

from __future__ import annotations

import pytest
from spl_running import hits, result, values

from hafnium.errors import EngineError


def test_and_binds_tighter_than_or_in_expressions():
    assert values('a="1" OR b="1" AND c="1"', a="1", b="2", c="2") is True
    assert values('(a="1" OR b="1") AND c="1"', a="1", b="2", c="2") is False
    assert values("true() XOR true() AND false()") is True
    assert values("true() OR true() XOR true()") is False


def test_not_applies_to_the_next_comparison():
    assert values('NOT a="x" AND b="y"', a="z", b="y") is True
    assert values('NOT a="x" OR a="x"', a="x") is True


def test_comparison_keeps_to_case():
    assert values('a="Foo"', a="Foo") is True
    assert values('a=="Foo"', a="foo") is False
    assert values('lower(a)="foo"', a="FoO") is True
    assert values('upper(a)="ÄB"', a="äb") is True


def test_wildcards_are_plain_text_in_comparisons():
    assert values('a="f*"', a="foo") is False
    assert values('a="f*"', a="f*") is True


@pytest.mark.parametrize(
    "expression",
    [
        'gone="x"',
        'gone!="x"',
        'NOT gone="x"',
        "gone<5",
        'gone IN ("x")',
        'match(gone, "x")',
        'like(gone, "%")',
        'cidrmatch("10.0.0.0/8", gone)',
        'gone="x" AND true()',
        'gone="x" OR false()',
        'gone="x" XOR true()',
        'lower(gone)="x"',
        "gone=other",
        "null()=null()",
    ],
)
def test_what_is_compared_with_null_is_null(expression: str):
    assert values(expression, a="x") is None


def test_null_does_not_hide_what_is_decided():
    assert values('gone="x" OR a="x"', a="x") is True
    assert values('gone="x" AND a="y"', a="x") is False
    assert values("isnull(gone) AND isnotnull(a)", a="x") is True
    assert result('if(gone="x", "yes", "no")') == "no"
    assert result('case(gone="x", "1", true(), "2")') == "2"
    assert result('case(a="y", "1")', a="x") is None
    assert result('coalesce(gone, a, "z")', a="x") == "x"


def test_a_text_against_a_number_literal_is_numeric():
    assert values("a=5", a="5.0") is True
    assert values("a>=5", a="10") is True
    assert values("a<5", a="4.5") is True
    assert values("a=-1", a="-1") is True


def test_two_texts_compare_as_texts():
    assert values('a="5"', a="5.0") is False
    assert values('a="01"', a="1") is False
    assert values('a<"b"', a="a") is True


def test_comparisons_without_a_documented_answer_are_refused():
    for expression, fields in [
        ("a>5", {"a": "x"}),
        ('a>"5"', {"a": "10"}),
        ('a="x"', {"a": ["x", "y"]}),
        ("a=true()", {"a": "x"}),
    ]:
        with pytest.raises(EngineError, match="not documented"):
            hits(f"* | where {expression}", fields)


def test_tonumber_of_no_number_is_null():
    assert values("tonumber(a)>5", a="x") is None
    assert values("tonumber(a)>5", a="6") is True
    assert result("tonumber(a, 16)", a="fF") == 255
    assert result("tonumber(a, 16)", a="f_f") is None
    assert result('tonumber("0x1")') is None


def test_where_wants_a_boolean():
    with pytest.raises(EngineError, match="Boolean"):
        hits("* | where a", {"a": "x"})
    with pytest.raises(EngineError, match="cannot be a Boolean"):
        result('a="x"', a="x")


def test_in_is_an_operator_and_a_function():
    assert values('a IN ("x", "y")', a="y") is True
    assert values('in(a, "x", "y")', a="z") is False


def test_single_quotes_make_field_names_and_double_quotes_texts():
    fields = {"cs-uri": "x", "a b": "x"}
    assert values("'cs-uri'=\"x\"", **fields) is True
    assert values("'a b'='cs-uri'", **fields) is True
    assert values('"cs-uri"="x"', **fields) is False


def test_escapes_in_string_literals():
    assert values(r'a="C:\\x"', a=r"C:\x") is True
    assert values(r'a="say \"x\""', a='say "x"') is True
    assert values(r'a="1\t2\n3\r"', a="1\t2\n3\r") is True
    with pytest.raises(EngineError, match="escape"):
        values(r'a="C:\Windows"', a="x")


@pytest.mark.parametrize("char", [*"?*%_$|[]{}()'^`é"])
def test_other_characters_are_plain_in_string_literals(char: str):
    assert values(f'a="x{char}y"', a=f"x{char}y") is True
    assert values(f'a="x{char}y"', a="xzy") is False


def test_dot_concatenates_and_null_swallows():
    assert result('a."-".b', a="x", b="y") == "x-y"
    assert result('a."-".5', a="x") == "x-5"
    assert result('a."-".gone', a="x") is None
    with pytest.raises(EngineError, match="cannot parse"):
        result('a."x"+1', a="x")


def test_arithmetic():
    assert result("1+2*3-4/2") == 5
    assert result("(1+2)*3") == 9
    assert result("a%3", a="7") == 1
    assert result("a/0", a="7") is None
    assert result("a+gone", a="7") is None


def test_match_searches_anywhere_and_keeps_to_case_unless_told():
    assert values('match(a, "b+")', a="abbc") is True
    assert values('match(a, "B+")', a="abbc") is False
    assert values('match(a, "(?i)^AB")', a="abbc") is True
    assert values('match(a, "^b")', a="abbc") is False
    assert values('match(a, "^$")', a="") is True


def test_backslashes_reach_the_regular_expression():
    assert values(r'match(a, "^\d+\.exe$")', a="12.exe") is True
    assert values(r'match(a, "^C:\\\\x$")', a=r"C:\x") is True
    assert values(r'match(a, "^\\d$")', a="5") is True
    assert values(r'match(a, "\"")', a='"') is True


def test_a_multivalue_where_one_value_is_meant_is_refused():
    for expression in ('match(a, "x")', 'lower(a)="x"', 'like(a, "x")', "len(a)=1"):
        with pytest.raises(EngineError, match="multivalue"):
            values(expression, a=["x", "y"])


def test_like_knows_percent_and_underscore_and_keeps_to_case():
    assert values('like(a, "a%c_")', a="a.b.cd") is True
    assert values('like(a, "a%")', a="A") is False
    assert values('a LIKE "%b"', a="a\nb") is True
    assert values('like(a, "a")', a="ab") is False
    assert values('like(a, "a.c")', a="abc") is False
    with pytest.raises(EngineError, match="backslash"):
        values(r'like(a, "%\\%")', a="x")


def test_cidrmatch():
    assert values('cidrmatch("10.0.0.0/8", a)', a="10.9.9.9") is True
    assert values('cidrmatch("10.0.0.0/8", a)', a="host") is False
    assert values('cidrmatch("fe80::/10", a)', a="fe80:0:0:0:0:0:0:1") is True
    assert values('cidrmatch("fe80::/10", a)', a="10.0.0.1") is False
    with pytest.raises(EngineError, match="CIDR"):
        values('cidrmatch("300.0.0.0/8", a)', a="x")


def test_replace_with_groups():
    assert result(r'replace(a, "^(\d+)/(\d+)", "\2/\1")', a="1/2/3") == "2/1/3"
    assert result('replace(a, "&lt;", "<")', a="&lt;x&lt;") == "<x<"
    with pytest.raises(EngineError, match="backslash"):
        result(r'replace(a, "x", "\\")', a="x")


def test_substr_counts_from_one_and_from_the_end():
    assert result('substr("splendid", 1, 3)') == "spl"
    assert result('substr("splendid", -3, 3)') == "did"
    assert result('substr("splendid", 4)') == "endid"


def test_trim_takes_spaces_and_tabs_or_given_characters():
    assert result('trim(" \\tx\\t ")') == "x"
    assert result('rtrim("x%4", "4%")') == "x"
    assert result('ltrim("  x ")') == "x "


def test_multivalue_functions():
    many = ["a", "B", "a"]
    assert result("mvcount(m)", m=many) == 3
    assert result("mvcount(m)", m="a") == 1
    assert result("mvcount(gone)") is None
    assert result('mvfilter(match(m, "a"))', m=many) == ["a", "a"]
    assert result('mvfilter(m="B")', m=many) == "B"
    assert result('mvfilter(m="z")', m=many) is None
    assert result('mvfind(m, "^B$")', m=many) == 1
    assert result('mvfind(m, "z")', m=many) is None
    assert result("mvindex(m, 0)", m=many) == "a"
    assert result("mvindex(m, -2, -1)", m=many) == ["B", "a"]
    assert result("mvindex(m, 9)", m=many) is None
    assert result('mvjoin(m, ";")', m=many) == "a;B;a"
    assert result("mvdedup(m)", m=many) == ["a", "B"]
    assert result('mvappend(m, "c", gone)', m=many) == [*many, "c"]
    assert result("mvmap(m, lower(m))", m=many) == ["a", "b", "a"]
    assert result('split("a,b", ",")') == ["a", "b"]
    assert values('isnotnull(mvfind(m, "b"))', m=many) is False


def test_mvfilter_reads_one_field_only():
    with pytest.raises(EngineError, match="exactly one field"):
        result('mvfilter(m="x" OR n="y")', m="x", n="y")


def test_types_and_text():
    assert values("isnum(a)", a="5.5") is True
    assert values("isnum(a)", a="x") is False
    assert values("isint(a)", a="5.5") is False
    assert values("isstr(a)", a="x") is True
    assert result("tostring(1=1)") == "True"
    assert result("len(a)", a="é€") == 2
    assert result("max(1, a, 3)", a="2") == 3
    assert result("min(5, gone, 7)") == 5
    assert result("round(2.5)") == 3
    assert result("round(1.256, 2)") == 1.26


def test_searchmatch_is_a_search():
    assert values('searchmatch("a=F*")', a="foo") is True
    assert values('searchmatch("a=F*")', b="foo") is False


@pytest.mark.parametrize(
    "expression",
    [
        "now()=1",
        'foo("x")',
        "a=",
        'a="x" b="y"',
        "match(a, b)",
        "if(true(), 1)",
        'a==="x"',
        "a.b c",
    ],
)
def test_what_is_not_known_is_refused(expression: str):
    with pytest.raises(EngineError):
        values(expression, a="x", b="y")

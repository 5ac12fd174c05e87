"""The search command, rule by rule of Splunk's Search Reference and Search Manual."""

from __future__ import annotations

import pytest
from spl_running import hits

from hafnium.errors import EngineError

SPECIAL = ["?", "%", "_", "$", "|", "[", "]", "{", "}", "(", ")", "'", "\n", "\t", "é", "`", "^"]


def test_search_is_implied_and_terms_are_joined_by_and():
    events = {"a": "1", "b": "1"}, {"a": "1"}
    assert hits("a=1 b=1", *events) == [0]
    assert hits("search a=1 AND b=1", *events) == [0]


def test_or_binds_tighter_than_and_in_search():
    # a=1 AND (b=1 OR c=1), not (a=1 AND b=1) OR c=1
    events = {"c": "1"}, {"a": "1", "c": "1"}, {"a": "1", "b": "1"}
    assert hits("a=1 b=1 OR c=1", *events) == [1, 2]
    assert hits("b=1 OR c=1 a=1", *events) == [1, 2]
    assert hits("(a=1 b=1) OR c=1", *events) == [0, 1, 2]


def test_not_applies_to_the_next_term_only():
    events = {"a": "1", "b": "1"}, {"b": "1"}, {}
    assert hits("NOT a=1 b=1", *events) == [1]
    assert hits("NOT (a=1 b=1)", *events) == [1, 2]
    assert hits("NOT NOT a=1", *events) == [0]


def test_not_finds_events_without_the_field_and_unequal_does_not():
    events = {"a": "1"}, {"a": "2"}, {}
    assert hits("NOT a=1", *events) == [1, 2]
    assert hits("a!=1", *events) == [1]


def test_values_ignore_case_and_field_names_do_not():
    events = {"Image": "CMD.exe"}, {"image": "cmd.exe"}, {"Image": "ÄÖ"}
    assert hits("Image=cmd.EXE", *events) == [0]
    assert hits("Image=äö", *events) == [2]


def test_case_directive_keeps_to_case_also_with_wildcards():
    events = {"a": "Foo"}, {"a": "foo"}, {"a": "xFoox"}
    assert hits("a=CASE(Foo)", *events) == [0]
    assert hits('a=CASE("*Foo*")', *events) == [0, 2]


def test_wildcard_matches_any_text_also_none_and_over_lines():
    events = {"a": "ab"}, {"a": "axb"}, {"a": "a\nb"}, {"a": "xab"}, {"a": "abx"}
    assert hits("a=a*b", *events) == [0, 1, 2]
    assert hits("a=*b", *events) == [0, 1, 2, 3]
    assert hits("a=a*", *events) == [0, 1, 2, 4]
    assert hits("a=*ab*", *events) == [0, 3, 4]
    assert hits('a="*A*B*"', *events) == [0, 1, 2, 3, 4]


def test_wildcard_alone_is_presence():
    events = {"a": "x"}, {}, {"a": ["x", "y"]}
    assert hits("a=*", *events) == [0, 2]
    assert hits("NOT a=*", *events) == [1]


def test_backslash_escapes_backslash_and_quotation_mark_but_not_the_asterisk():
    events = {"a": r"C:\x"}, {"a": 'say "x"'}, {"a": r"C:\*"}, {"a": r"c:\deep\x"}
    assert hits(r'a="C:\\x"', *events) == [0]
    assert hits(r"a=c:\\x", *events) == [0]
    assert hits(r'a="say \"x\""', *events) == [1]
    assert hits(r'a="C:\\*"', *events) == [0, 2, 3]


@pytest.mark.parametrize("text", [r'a="C:\x"', r'a="a\*"', r"a=C:\x", r'"C:\x"'])
def test_a_lone_backslash_is_refused(text: str):
    with pytest.raises(EngineError, match="lone backslash"):
        hits(text, {"a": "x"})


@pytest.mark.parametrize("char", SPECIAL)
def test_only_the_asterisk_is_special_in_a_quoted_value(char: str):
    events = {"a": f"x{char}y"}, {"a": "xzy"}, {"a": "xy"}, {"a": f"{char}"}
    assert hits(f'a="x{char}y"', *events) == [0]
    assert hits(f'a="*{char}*"', *events) == [0, 3]


def test_equality_compares_texts_so_1_is_not_1_0():
    events = {"a": "1"}, {"a": "1.0"}, {"a": "01"}
    assert hits("a=1", *events) == [0]
    assert hits("a!=1", *events) == [1, 2]


def test_order_is_numeric_for_numbers_and_lexicographic_for_other_values():
    events = {"a": "5"}, {"a": "10"}, {"a": "4.9"}, {"a": "abc"}, {}
    assert hits("a>=5", *events) == [0, 1, 3]
    assert hits("a<5", *events) == [2]
    assert hits("a>4.95 a<9", *events) == [0]
    with pytest.raises(EngineError, match="not a comparison with a number"):
        hits("a<b", *events)


def test_in_lists_values_with_wildcards_and_quotes():
    events = {"a": "404"}, {"a": "500"}, {"a": "x y"}, {"a": "200"}, {}
    assert hits('a IN (4*, 500, "X Y")', *events) == [0, 1, 2]
    assert hits("NOT a IN (4*, 500)", *events) == [2, 3, 4]


def test_cidr_values_match_addresses_of_both_families():
    events = (
        {"ip": "10.1.2.3"},
        {"ip": "11.1.2.3"},
        {"ip": "fe80:0:0:0:0:0:0:1"},
        {"ip": "FE80::1"},
        {"ip": "x"},
        {},
        {"ip": "10.0.0.0/8"},
    )
    assert hits("ip=10.0.0.0/8", *events) == [0, 6]
    assert hits('ip="fe80::/10"', *events) == [2, 3]
    assert hits("NOT ip=10.0.0.0/8", *events) == [1, 2, 3, 4, 5]


def test_an_address_with_a_zone_is_no_address():
    assert hits("ip=fe80::/10", {"ip": "fe80::1%4"}) == []


def test_any_value_of_a_multivalue_is_enough():
    events = {"a": ["x", "Y"]}, {"a": "z"}
    assert hits("a=y", *events) == [0]
    assert hits("NOT a=y", *events) == [1]
    assert hits("a IN (q, x*)", *events) == [0]
    with pytest.raises(EngineError, match="multivalue"):
        hits("a!=y", *events)


def test_field_names_may_be_quoted():
    assert hits('"cs uri"="x"', {"cs uri": "X"}, {}) == [0]
    assert hits("cs-uri=x", {"cs-uri": "x"}, {}) == [0]


def test_empty_value_is_not_found_in_an_absent_field():
    assert hits('a=""', {}, {"a": "x"}) == []


def test_default_fields_decide_whole_streams():
    events = {"sourcetype": "S1", "a": "1"}, {"source": r"C:\l", "a": "1"}, {"host": "MAIL"}
    assert hits("sourcetype=s1", *events) == [0]
    assert hits(r"source=c:\\L a=1", *events) == [1]
    assert hits("NOT sourcetype=S1", *events) == [1, 2]
    assert hits("(sourcetype=S1 a=2) OR host=mail", *events) == [2]
    assert hits("index=main NOT (sourcetype=S1 OR host=mail)", *events) == [1]
    assert hits("index=other", *events) == []


def test_a_multivalue_is_a_stream_of_its_own():
    events = {"EventCode": ["1", "9"]}, {"EventCode": "1"}, {}
    assert hits("EventCode=9", *events) == [0]
    assert hits("NOT EventCode=1", *events) == [2]


def test_terms_match_between_breakers_and_ignore_case():
    events = {"_raw": "error=Lsass.exe done"}, {"_raw": "mylsass.exe"}, {"_raw": "lsass.exes"}
    assert hits("lsass.exe", *events) == [0]
    assert hits("LSASS", *events) == [0, 2]
    assert hits("*lsass.exe", *events) == [0, 1]
    assert hits("*lsass.exe*", *events) == [0, 1, 2]
    assert hits("lsass* done", *events) == [0]


def test_phrases_match_as_they_stand():
    events = {"_raw": "cmd.exe /c whoami"}, {"_raw": "whoami /c cmd.exe"}
    assert hits('"cmd.exe /c"', *events) == [0]
    assert hits('"*exe /c who*"', *events) == [0]
    assert hits("whoami cmd.exe", *events) == [0, 1]
    assert hits('CASE("CMD.exe")', *events) == []


def test_term_directive_is_bound_by_major_breakers():
    events = {"_raw": "ip=10.0.0.1"}, {"_raw": "at 10.0.0.1,"}
    assert hits("10.0.0.1", *events) == [0, 1]
    assert hits("TERM(10.0.0.1)", *events) == [1]


@pytest.mark.parametrize(
    "text",
    [
        "a=",
        "(a=1",
        "a=1)",
        "a==1",
        "a=1 OR",
        "a IN ()",
        'a="x',
        "earliest=-1d a=1",
        "eventtype=x",
        "a*=1",
        "foo*bar",
        "a=TERM(x)",
        "a=1 [search b=2]",
        "a=1 | unknown x",
        "",
        "| stats count",
    ],
)
def test_what_is_not_known_is_refused(text: str):
    with pytest.raises(EngineError):
        hits(text, {"a": "1", "_raw": "foo bar"})


def test_deep_nesting_is_refused_not_a_crash():
    with pytest.raises(EngineError, match="nested too deeply"):
        hits("NOT (" * 5000 + "a=1" + ")" * 5000, {"a": "1"})


def test_an_error_shows_the_place():
    with pytest.raises(EngineError, match=r"rule.yml: .*position 11 of the search: .*OR▸\) c=3"):
        hits("a=1 (b=2 OR) c=3", {"a": "1"})

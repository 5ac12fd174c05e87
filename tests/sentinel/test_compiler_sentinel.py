"""Compiled conditions, run on rows that tell right from wrong (B11–B19, B33, B37)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from hafnium.backends.sentinel.compiler import compile_rule
from hafnium.backends.sentinel.replay import SentinelReplay
from hafnium.errors import Refused
from hafnium.rule import Rule
from hafnium.siem import Query, Record
from hafnium.site import Site

START = datetime(2021, 3, 3, 6, 0, tzinfo=UTC)
MakeRule = Callable[..., Rule]
EXCHANGE = "{product: windows, service: msexchange-management}"


def rows(table: str, *fields: dict[str, Any]) -> list[Record]:
    return [Record("path", table, {"TimeGenerated": START, **given}) for given in fields]


def search(query: Query, records: Sequence[Record]) -> list[int]:
    return sorted(hit[0] for hit in SentinelReplay(records).search(query))


def found(rule: Rule, *values: Any, column: str = "csUriStem") -> list[Any]:
    """Which of the values of one W3CIISLog column the rule finds."""
    given = [{column: value} if value is not None else {} for value in values]
    hits = search(compile_rule(rule, Site()), rows("W3CIISLog", *given))
    return [values[number] for number in hits]


def test_b11_field_with_a_hyphen_is_a_column_and_not_a_text(rule: MakeRule) -> None:
    made = rule("s: {cs-uri-stem|contains: /owa/}\ncondition: s")
    assert found(made, "/owa/x", "/x", None) == ["/owa/x"]


def test_b13_numbers_compare_by_the_type_of_the_column(rule: MakeRule) -> None:
    port = rule("s: {s-port: [443, '444', '0445', 5.5]}\ncondition: s")
    assert found(port, 443, 444, 445, 5, None, column="sPort") == [443, 444]
    status = rule("s: {sc-status: [200, 241]}\ncondition: s")
    assert found(status, "200", "241", "0200", "", column="scStatus") == ["200", "241"]


def test_number_beyond_the_column_is_never_equal(rule: MakeRule) -> None:
    assert found(rule("s: {s-port: 99999999999}\ncondition: s"), 443, None, column="sPort") == []


def test_pattern_on_a_number_reads_its_digits(rule: MakeRule) -> None:
    made = rule("s: {s-port|startswith: '44'}\ncondition: s")
    assert found(made, 443, 80, 44, None, column="sPort") == [443, 44]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("cs-uri-stem: null", ["", None]),
        ("cs-uri-stem: ''", ["", None]),
        ("cs-uri-stem|exists: true", ["a"]),
        ("cs-uri-stem|exists: false", ["", None]),
        ("cs-uri-stem: '*'", ["a"]),
        ("cs-uri-stem|re: 'x*'", ["a"]),
        ("cs-uri-stem|contains: ''", ["a"]),
    ],
)
def test_b14_b33_absent_is_empty(rule: MakeRule, said: str, expected: list[str | None]) -> None:
    assert found(rule(f"s: {{{said}}}\ncondition: s"), "a", "", None) == expected
    others = [value for value in ("a", "", None) if value not in expected]
    assert found(rule(f"s: {{{said}}}\ncondition: not s"), "a", "", None) == others


def test_absent_number_is_null(rule: MakeRule) -> None:
    assert found(rule("s: {s-port: null}\ncondition: s"), 443, None, column="sPort") == [None]
    assert found(rule("s: {s-port: '*'}\ncondition: s"), 443, None, column="sPort") == [443]


def test_b15_wildcards_are_anchored_and_ignore_case(rule: MakeRule) -> None:
    made = rule("s: {cs-uri-stem: 'prog?.exe'}\ncondition: s")
    assert found(made, "PROG1.EXE", "xprog1.exe", "prog1.exe.bak", "prog.exe", "prog\n.exe") == [
        "PROG1.EXE",
        "prog\n.exe",
    ]


@pytest.mark.parametrize(
    "said",
    [
        "/ÉTÉ",
        "['/été', /other]",
        "[/Other, '/été', '/Été']",
        "'/Été*'",
        "'*/ÉtÉ'",
        "'*/ÉTÉ*'",
        "'/*É*É'",
    ],
)
def test_case_is_ignored_outside_of_ascii(rule: MakeRule, said: str) -> None:
    made = rule(f"s: {{cs-uri-stem: {said}}}\ncondition: s")
    assert found(made, "/été", "/ÉTÉ", "/Été", "/ete", None) == ["/été", "/ÉTÉ", "/Été"]
    cased = rule("s: {cs-uri-stem|cased: ['/été', '/Été']}\ncondition: s")
    assert found(cased, "/été", "/ÉTÉ", "/Été") == ["/été", "/Été"]


def test_case_is_ignored_outside_of_ascii_between_fields(rule: MakeRule) -> None:
    rows_ = [{"csUriStem": a, "csUriQuery": b} for a, b in (("É", "é"), ("É", "e"), ("xÉy", "É"))]
    for modifiers, wanted in (("", [0]), ("|contains", [0, 2]), ("|endswith", [0])):
        made = rule(f"s: {{cs-uri-stem|fieldref{modifiers}: cs-uri-query}}\ncondition: s")
        assert search(compile_rule(made, Site()), rows("W3CIISLog", *rows_)) == wanted


def test_keywords_and_several_values_ignore_case_outside_of_ascii(rule: MakeRule) -> None:
    made = rule("s: ['événement']\ncondition: s", logsource=EXCHANGE)
    data = "<DataItem><EventData><Data>L'ÉVÉNEMENT</Data></EventData></DataItem>"
    given = {"EventLog": "MSExchange Management", "EventID": 1, "ParameterXml": data}
    assert search(compile_rule(made, Site()), rows("Event", {**given, "EventData": data})) == [0]


def test_b16_wildcards_keep_their_order(rule: MakeRule) -> None:
    made = rule("s: {cs-uri-stem: ['a*b', c]}\ncondition: s")
    assert found(made, "aXb", "bXa", "xab", "C") == ["aXb", "C"]


def test_b17_all_means_equality_and_not_terms(rule: MakeRule) -> None:
    made = rule("s: {cs-uri-stem|contains|all: [a, b]}\ncondition: s")
    assert found(made, "xaby", "a", "b-a") == ["xaby", "b-a"]


def test_b18_filtered_ranges_keep_what_is_no_address(rule: MakeRule) -> None:
    values = (
        "10.1.2.3",
        "10.1.2.3%4",
        "11.0.0.1",
        "fe80::1",
        "host",
        "10.1.2.3/8",
        "010.1.2.3",
        None,
    )
    private = rule("s: {c-ip|cidr: 10.0.0.0/8}\ncondition: s")
    assert found(private, *values, column="cIP") == ["10.1.2.3", "10.1.2.3%4"]
    public = rule("s: {c-ip|cidr: 10.0.0.0/8}\ncondition: not s")
    assert found(public, *values, column="cIP") == list(values[2:])


@pytest.mark.parametrize(
    ("network", "inside", "outside"),
    [
        ("172.16.0.0/12", ["172.16.0.1", "172.31.255.255"], ["172.32.0.1", "172.15.0.1"]),
        ("192.168.1.128/25", ["192.168.1.128", "192.168.1.255"], ["192.168.1.127"]),
        ("1.2.3.4/32", ["1.2.3.4"], ["1.2.3.40", "11.2.3.4"]),
        ("fe80::/10", ["fe80::1", "FEBF:0:0:0:0:0:0:1", "fe80::1%7"], ["fec0::1", "fe80", "::"]),
        ("2001:db8::/33", ["2001:db8:7fff::"], ["2001:db8:8000::", "2001:db9::1"]),
        ("::1/128", ["::1", "0:0:0:0:0:0:0:1"], ["::2", "::ffff:1.2.3.4", "1.1.1.1"]),
        ("::/0", ["::1", "2001:db8::1"], ["1.2.3.4", "x:y", ""]),
        ("0.0.0.0/0", ["1.2.3.4"], ["256.1.1.1", "1.2.3", "::1", ""]),
    ],
)
def test_b18_ranges(rule: MakeRule, network: str, inside: list[str], outside: list[str]) -> None:
    made = rule(f"s: {{c-ip|cidr: '{network}'}}\ncondition: s")
    assert found(made, *inside, *outside, column="cIP") == inside


@pytest.mark.parametrize("operator", ["lt", "lte", "gt", "gte"])
def test_b18_comparisons_are_never_null(rule: MakeRule, operator: str) -> None:
    values = ("9", "10", "11", "+10.0", "x", "1e3", "inf", "0x1", " 1", None)
    true = {"lt": ["9"], "lte": ["9", "10", "+10.0"], "gt": ["11"], "gte": ["10", "11", "+10.0"]}
    made = rule(f"s: {{sc-status|{operator}: 10}}\ncondition: s")
    assert found(made, *values, column="scStatus") == true[operator]
    rest = [value for value in values if value not in true[operator]]
    negated = rule(f"s: {{sc-status|{operator}: 10}}\ncondition: not s")
    assert found(negated, *values, column="scStatus") == rest


def test_comparison_of_an_absent_number_is_false(rule: MakeRule) -> None:
    made = rule("s: {s-port|lt: 100}\ncondition: not s")
    assert found(made, 80, 443, None, column="sPort") == [443, None]


def test_b19_keywords_search_every_value_and_never_two_at_once(rule: MakeRule) -> None:
    made = rule("s: ['foo bar', 'b*z']\ncondition: s", "{category: webserver}")
    given = rows(
        "W3CIISLog",
        {"csUriStem": "x foo BAR y"},
        {"csUriStem": "foo", "csUriQuery": "bar"},
        {"csUriStem": "b", "csUriQuery": "z"},
        {"csUserAgent": "a B-Z"},
        {"Computer": "foo bar"},
    )
    assert search(compile_rule(made, Site()), given) == [0, 3]


def test_b19_truth_values_are_words(rule: MakeRule) -> None:
    made = rule(
        "s: {IsAuthenticated: true}\ncondition: s",
        "{service: msexchange-httpproxy, product: windows}",
    )
    given = [{"IsAuthenticated": text} for text in ("True", "true", "false", "1", "")]
    query = compile_rule(made, Site())
    assert search(query, rows("ExchangeHttpProxy_CL", *given)) == [0, 1]


def test_b33_single_wildcards_count_characters(rule: MakeRule) -> None:
    assert found(rule("s: {cs-uri-stem: '?'}\ncondition: s"), "a", "ab", "", "\\") == ["a", "\\"]


def test_b37_long_lists_stay_flat(rule: MakeRule) -> None:
    values = ", ".join(f"'word{n}x'" for n in range(700))
    made = rule(f"s: {{cs-uri-stem|contains: [{values}]}}\ncondition: s")
    text = compile_rule(made, Site()).text
    assert len(text) <= 10_000
    assert found(made, "a-WORD699X-b", "word700x", "word1") == ["a-WORD699X-b"]


def test_long_lists_mean_the_same_in_short_form(rule: MakeRule) -> None:
    padding = ", ".join(f"'*{'z' * 40}{n}'" for n in range(400))
    made = rule(f"s: {{cs-uri-stem: ['a?c', 'e*', '*f', '*g*', h.h, {padding}]}}\ncondition: s")
    values = ["ABC", "xabc", "e1", "1e", "1f", "f1", "1g1", "h.h", "hxh", "h.h1"]
    with pytest.raises(Refused, match="characters"):
        compile_rule(made, Site())
    padding = padding[:7500].rsplit(",", 1)[0]
    made = rule(f"s: {{cs-uri-stem: ['a?c', 'e*', '*f', '*g*', h.h, {padding}]}}\ncondition: s")
    assert "matches regex" in compile_rule(made, Site()).text
    assert found(made, *values) == ["ABC", "e1", "1f", "1g1", "h.h"]


@pytest.mark.parametrize(
    "text",
    [
        "a\\",
        'a"b',
        "it's",
        "a*b",
        "a?b",
        "100%",
        "a_b",
        "$x",
        "a|b",
        "[a]",
        "{a}",
        "a\tb",
        "zé",
        "//x",
        "(a",
    ],
)
def test_special_characters_mean_themselves(rule: MakeRule, text: str) -> None:
    said = "".join("\\" + c if c in "*?\\" else c for c in text).replace("'", "''")
    for modifier in ("", "|contains", "|startswith", "|endswith", "|contains|cased"):
        key = f"cs-uri-stem{modifier}"
        made = rule(f"s:\n  '{key}': '{said}'\ncondition: s")
        assert found(made, text, "other", text.replace(text[1], "-")) == [text], key


def test_cased_compares_exactly(rule: MakeRule) -> None:
    for modifier, value in (("", "AbC"), ("|contains", "bC"), ("|startswith", "Ab"), ("", "?bC")):
        made = rule(f"s: {{cs-uri-stem{modifier}|cased: '{value}'}}\ncondition: s")
        assert found(made, "AbC", "abc", "ABC") == ["AbC"]


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        (r"a+b$", ["xaab"], ["aabc", "AB", "aab\n"]),
        (r"^\d{2}\s\w$", ["12 x", "12\tx"], ["1 x", "12 -"]),
        (r"[^\W\d]", ["1a", "_"], ["12", "-"]),
        (r"(?:a|b)?c{2,}", ["cc", "accc"], ["ac"]),
        (r"a.c", ["abc"], ["a\nc", "ac"]),
        (r"\.(?i:ASP)x?\Z", ["a.aspx", ".ASP"], [".asp.", "asp"]),
        (r'["\\/-]', ['"', "\\", "-"], ["a"]),
    ],
)
def test_regular_expressions(rule: MakeRule, pattern: str, yes: list[str], no: list[str]) -> None:
    made = rule(f"s:\n  cs-uri-stem|re: '{pattern}'\ncondition: s")
    assert found(made, *yes, *no, None) == yes


def test_regular_expression_with_flags(rule: MakeRule) -> None:
    made = rule("s: {cs-uri-stem|re|i|s: 'A.C'}\ncondition: s")
    assert found(made, "abc", "a\nC", "ac") == ["abc", "a\nC"]


@pytest.mark.parametrize("pattern", ["(?=a)b", r"(a)\1", "a{1,2000}"])
def test_what_no_engine_shares_is_refused(rule: MakeRule, pattern: str) -> None:
    made = rule(f"s:\n  cs-uri-stem|re: '{pattern}'\ncondition: s")
    with pytest.raises(Refused) as refused:
        compile_rule(made, Site())
    assert refused.value.file == str(made.path)
    assert refused.value.line is not None


def test_reference_to_another_field(rule: MakeRule) -> None:
    query = compile_rule(rule("s: {cs-username|fieldref: cs-uri-query}\ncondition: s"), Site())
    part = compile_rule(
        rule("s: {cs-username|fieldref|startswith: cs-uri-query}\ncondition: s"), Site()
    )
    given = rows(
        "W3CIISLog",
        {"csUserName": "Bob", "csUriQuery": "bob"},
        {"csUserName": "Bobby", "csUriQuery": "bob"},
        {"csUserName": "", "csUriQuery": ""},
        {},
        {"csUserName": "x"},
    )
    assert search(query, given) == [0]
    assert search(part, given) == [0, 1]


def test_absent_is_false_inside_every_nesting(rule: MakeRule) -> None:
    made = rule(
        """
        a: {cs-uri-stem: x}
        b: {cs-method: GET}
        c: {s-port|gt: 100}
        condition: a and not (b and not c) or not (a or b or c)
        """
    )
    given = rows(
        "W3CIISLog",
        {"csUriStem": "x"},
        {"csUriStem": "x", "csMethod": "GET"},
        {"csUriStem": "x", "csMethod": "GET", "sPort": 443},
        {"csMethod": "GET"},
        {},
        {"sPort": 443},
    )
    assert search(compile_rule(made, Site()), given) == [0, 2, 4]

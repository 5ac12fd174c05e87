"""Compiled conditions, run on documents that tell right from wrong."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from documents import HINT, HTTPPROXY, IIS, PROXY, SECURITY, Rules, anchor, found

from hafnium.backends.elastic import BACKEND
from hafnium.errors import Refused
from hafnium.loading import Loaded
from hafnium.site import Site

SPECIAL = [
    "back\\slash",
    "trailing\\",
    'double " quote',
    "single ' quote",
    "star * and ? mark",
    "per%cent under_score dollar$ pipe|",
    "[br]{ac}(ket) ~ # @ & < > ^ / - + .",
    "new\nline and\ttab",
    "ÄÖÜ Ж",
    "// comment */",
    "\\u{41}",
]


def sigma_literal(text: str) -> str:
    """A text with what Sigma gives a meaning escaped."""
    return "".join("\\" + c if c in "\\*?" else c for c in text)


@pytest.mark.parametrize("text", SPECIAL)
@pytest.mark.parametrize("how", ["", "|contains", "|startswith", "|endswith"])
def test_special_characters_stand_for_themselves(
    load: Callable[[str], Loaded], text: str, how: str
) -> None:
    """B7, B27, B28, B31."""
    value = sigma_literal(text).replace("\\", "\\\\").replace('"', '\\"')
    value = value.replace("\n", "\\n").replace("\t", "\\t")
    (rule,) = load(
        f"title: T\nlogsource: {HTTPPROXY}\ndetection:\n"
        f'  s:\n    AnchorMailbox{how}: "{value}"\n  condition: s\n'
    ).rules
    other = text.replace("*", "xx").replace("?", "y").replace("\\", "/").replace(" ", "_")
    wanted = [anchor(text), anchor(text.upper()), anchor(other + "z"), anchor(None)]
    assert found(rule, *wanted) == [0, 1]


def test_a_single_wildcard_is_one_character(rule: Rules) -> None:
    """B6, B15."""
    made = rule("s: {AnchorMailbox: 'prog?.exe'}\ncondition: s", HTTPPROXY)
    names = ["prog1.exe", "PROGx.EXE", "prog.exe", "prog12.exe", "xprog1.exe.bak"]
    assert found(made, *map(anchor, names)) == [0, 1]


def test_wildcards_inside_a_list_keep_their_order(rule: Rules) -> None:
    """B16."""
    made = rule("s: {AnchorMailbox: ['a*b', c]}\ncondition: s", HTTPPROXY)
    assert found(made, *map(anchor, ["aXb", "ba", "b a", "C", "ab", "abc"])) == [0, 3, 4]


def test_not_holds_for_a_missing_field(rule: Rules) -> None:
    """B26: in every nesting."""
    made = rule(
        """
        s: {UrlStem: /ecp}
        f: {AnchorMailbox: x}
        g: {RoutingHint: y}
        condition: s and not (f and not g)
        """,
        HTTPPROXY,
    )
    stem = {"microsoft.exchange.urlstem": "/ecp"}
    documents = [
        anchor(None, **stem),
        anchor("x", **stem),
        anchor("X", **stem, **{HINT: "Y"}),
        anchor("z", **stem),
        anchor("x", **stem, **{HINT: "z"}),
        anchor(None),
    ]
    assert found(made, *documents) == [0, 2, 3]


@pytest.mark.parametrize(
    ("detection", "expected"),
    [
        ("AnchorMailbox: null", [0]),
        ("AnchorMailbox: ''", [0]),
        ("AnchorMailbox|exists: true", [1, 2]),
        ("AnchorMailbox|exists: false", [0]),
        ("AnchorMailbox: '*'", [1, 2]),
        ("AnchorMailbox|contains: ''", [1, 2]),
        ("AnchorMailbox: [null, x]", [0, 1]),
    ],
)
def test_null_exists_and_a_lone_star_are_about_presence(
    rule: Rules, detection: str, expected: list[int]
) -> None:
    """B14, B33."""
    made = rule(f"s: {{{detection}}}\ncondition: s", HTTPPROXY)
    assert found(made, anchor(None), anchor("x"), anchor("y")) == expected


def test_negated_presence(rule: Rules) -> None:
    made = rule("s: {UrlStem: a}\nf: {AnchorMailbox: null}\ncondition: s and not f", HTTPPROXY)
    stem = {"microsoft.exchange.urlstem": "a"}
    assert found(made, anchor(None, **stem), anchor("x", **stem)) == [1]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("s and not f", [1]),
        ("(s or t) and not f", [0, 1]),
        ("not f", [0, 1]),
        ("not (s and not f)", [0, 2]),
        ("t and not (f and not s)", [0, 1, 2]),
        ("not (t and not (s and not f))", [1]),
    ],
)
def test_not_asks_for_a_field_unless_the_condition_needs_it(
    rule: Rules, condition: str, expected: list[int]
) -> None:
    """B26: the field lacks, matches, and matches with the filter."""
    said = "s: {AnchorMailbox|contains: x}\nf: {AnchorMailbox|endswith: y}\nt: {UrlStem: a}\n"
    made = rule(f"{said}condition: {condition}", HTTPPROXY)
    stem = {"microsoft.exchange.urlstem": "a"}
    documents = [anchor(value, **stem) for value in (None, "xz", "xy")]
    assert found(made, *documents) == expected


def test_texts_that_share_parts_are_one_expression(rule: Rules) -> None:
    r"""Each way that several endings may share what is before and after them."""
    endings = [r"\cmd.exe", r"\pwsh.exe", r"\pwsh", ".aspx", ".asmx", "a.b.c", "a.b", "."]
    endings += [r"\net", r"\net.exe"]
    made = rule(f"s: {{AnchorMailbox|endswith: {endings}}}\ncondition: s", HTTPPROXY)
    texts = [r"c:\CMD.exe", r"c:\pwsh.exe", r"c:\pwsh", "x.AsMx", "1a.b.c", "1A.B", "z."]
    texts += [r"c:\NET", r"c:\net.exe"]
    others = [r"c:\cmd.ex", r"c:\cmd", "cmd.exe", "xaspx", "x.as", "a.c", "a", "pwsh.exe.x"]
    documents = [anchor(text) for text in (*texts, *others)]
    assert found(made, *documents) == list(range(len(texts)))


def test_texts_with_wildcards_inside_share_what_differs_in_one_place(rule: Rules) -> None:
    """Four become one; what differs in two places is not mixed."""
    values = ["*new-*url*<*", "*set-*url*<*", "*new-*url*%3c*", "*set-*url*%3c*", "a*b", "c*d"]
    made = rule(f"s: {{AnchorMailbox: {values}}}\ncondition: s", HTTPPROXY)
    texts = ["x New-Xurl <", "SET-.Url.%3C.", "a..b", "cd"]
    others = ["a..d", "cb", "new- <", "Url new- <", "set-url", "xa..b"]
    documents = [anchor(text) for text in (*texts, *others)]
    assert found(made, *documents) == list(range(len(texts)))
    assert BACKEND.compile(made, Site()).text.count("[uU][rR][lL]") == 1


def test_what_all_alternatives_ask_is_asked_once(rule: Rules) -> None:
    """An alternative that asks nothing else takes in the others."""
    said = "s: {AnchorMailbox|contains: x}\nt: {UrlStem: a}\nu: {UrlStem: b, RoutingHint: c}\n"
    stems = [{"microsoft.exchange.urlstem": stem} for stem in "abz"]
    documents = [
        anchor("x", **stems[0]),
        anchor("x", **stems[1], **{HINT: "c"}),
        anchor("x", **stems[1]),
        anchor("x", **stems[2]),
        anchor("y", **stems[0]),
        anchor(None, **stems[0]),
    ]
    made = rule(f"{said}condition: (s and t) or (s and u)", HTTPPROXY)
    assert found(made, *documents) == [0, 1]
    assert BACKEND.compile(made, Site()).text.count("[xX]") == 1
    wide = rule(f"{said}condition: (s and t) or s", HTTPPROXY)
    assert found(wide, *documents) == [0, 1, 2, 3]
    assert "urlstem" not in BACKEND.compile(wide, Site()).text


def test_not_of_alternatives_is_a_not_of_each(rule: Rules) -> None:
    """So an index can answer those that it knows."""
    said = "s: {UrlStem: a}\nf: {AnchorMailbox: x}\ng: {RoutingHint: y}\n"
    made = rule(f"{said}condition: s and not (f or g)", HTTPPROXY)
    stem = {"microsoft.exchange.urlstem": "a"}
    documents = [
        anchor(None, **stem),
        anchor("X", **stem),
        anchor("z", **stem, **{HINT: "z"}),
        anchor("z", **stem, **{HINT: "Y"}),
    ]
    assert found(made, *documents) == [0, 2]
    assert BACKEND.compile(made, Site()).text.count("NOT (") == 2


def test_values_without_letters_are_compared_as_they_stand(rule: Rules) -> None:
    made = rule(
        "s: {AnchorMailbox: ['443', '-'], RoutingHint|endswith: '$'}\ncondition: s", HTTPPROXY
    )
    documents = [
        anchor(a, **{HINT: h})
        for a, h in (("443", "EX$"), ("-", "$"), ("4430", "$"), ("443", "$x"))
    ]
    assert found(made, *documents) == [0, 1]
    assert "RLIKE" not in BACKEND.compile(made, Site()).text


def test_an_anchor_in_one_alternative_copies_no_other(rule: Rules) -> None:
    """With a copy for each alternative an expression grew to 27,000 characters, and Elasticsearch
    never answered."""
    expression = "(aa|bb|cc|dd|(^|[ ;])ee)-[0-9]+($|;)"
    made = rule(f"s: {{AnchorMailbox|re: '{expression}'}}\ncondition: s", HTTPPROXY)
    texts = ["xaa-1", "dd-22;z", "ee-3", "x ee-4; y", "bb-5"]
    others = ["xee-1", "aa-", "aa-1 x", "ff-1", "aa1"]
    documents = [anchor(text) for text in (*texts, *others)]
    assert found(made, *documents) == list(range(len(texts)))
    # Three beginnings, of which one holds the four texts, and two ends.
    assert BACKEND.compile(made, Site()).text.count("cc") == 2


def test_not_of_a_number_or_network_in_a_text_that_is_none(rule: Rules) -> None:
    made = rule("s: {UrlStem: a}\nf: {ErrorCode|gte: 9}\ncondition: s and not f", HTTPPROXY)
    stem = {**PROXY, "microsoft.exchange.urlstem": "a"}
    documents = [{**stem, "microsoft.exchange.errorcode": t} for t in ("10", "8", "abc")]
    assert found(made, *documents) == [1, 2]
    made = rule(
        "s: {UrlStem: a}\nf: {ErrorCode|cidr: 10.0.0.0/8}\ncondition: s and not f", HTTPPROXY
    )
    documents = [
        {**stem, "microsoft.exchange.errorcode": t} for t in ("10.1.2.3", "8.8.8.8", "abc")
    ]
    assert found(made, *documents) == [1, 2]


def test_numbers_compare_with_numbers_and_with_text(rule: Rules) -> None:
    """B13, B28: a status is a number, a text field holds text."""
    made = rule("s: {HttpStatus: [200, '241']}\ncondition: s", HTTPPROXY)
    documents = [{**PROXY, "http.response.status_code": n} for n in (200, 241, 500, 20)]
    assert found(made, *documents) == [0, 1]
    made = rule("s: {ErrorCode: 5}\ncondition: s", HTTPPROXY)
    documents = [{**PROXY, "microsoft.exchange.errorcode": t} for t in ("5", "05", "55")]
    assert found(made, *documents) == [0]


def test_a_wildcard_on_a_number_reads_its_text(rule: Rules) -> None:
    made = rule("s: {HttpStatus|startswith: '4'}\ncondition: s", HTTPPROXY)
    documents = [{**PROXY, "http.response.status_code": n} for n in (404, 241, 4)]
    assert found(made, *documents) == [0, 2]


def test_comparisons_with_a_number_read_text_as_a_number(rule: Rules) -> None:
    made = rule("s: {HttpStatus|gte: 400, HttpStatus|lt: 500}\ncondition: s", HTTPPROXY)
    documents = [{**PROXY, "http.response.status_code": n} for n in (399, 400, 499, 500)]
    assert found(made, *documents) == [1, 2]
    made = rule("s: {ErrorCode|gt: 9}\ncondition: s", HTTPPROXY)
    texts = ["10", "9", "99x", "100.5", "abc"]
    documents = [{**PROXY, "microsoft.exchange.errorcode": t} for t in texts]
    assert found(made, *documents) == [0, 3]


def test_cased_compares_exactly(rule: Rules) -> None:
    """B10, B29."""
    made = rule("s: {AnchorMailbox|contains|cased: AbC}\ncondition: s", HTTPPROXY)
    assert found(made, *map(anchor, ["xAbCx", "xabcx", "AbC"])) == [0, 2]
    made = rule("s: {AnchorMailbox|cased: [AbC, 'A*']}\ncondition: s", HTTPPROXY)
    assert found(made, *map(anchor, ["AbC", "abc", "Axx", "axx"])) == [0, 2]


def test_case_is_ignored_outside_of_ascii(rule: Rules) -> None:
    made = rule("s: {AnchorMailbox|contains: Größe}\ncondition: s", HTTPPROXY)
    assert found(made, *map(anchor, ["xGRÖßEx", "grösse"])) == [0]


@pytest.mark.parametrize(
    ("pattern", "flags", "hits"),
    [
        ("fo+", "", ["xfoox", "fo"]),
        ("^/ecp/..$", "", ["/ecp/ab"]),
        ("/ecp/", "", ["/ecp/ab", "/ecp/abc", "x/ecp/y"]),
        ("^(a|b)$", "", ["a", "b"]),
        ("^a|b$", "", ["/ecp/ab", "a", "b", "ab", "abc", "a\nb", "a b", "axb"]),
        (r"^\d{2}\w?$", "", ["12", "12x"]),
        (r"\s", "", ["a\nb", "a b", "new line"]),
        ("a.b", "", ["a b", "axb"]),
        ("a.b", "|s", ["a\nb", "a b", "axb"]),
        ("^FO+$", "|i", ["fo"]),
        (r"[^a-z0-9_/\n .]", "", ["AB", 'x~&<>@#"y']),
        (r'~&<>@#"', "", ['x~&<>@#"y']),
        (r"^a{1,2}?$", "", ["a"]),
    ],
)
def test_regular_expressions_search_anywhere(
    rule: Rules, pattern: str, flags: str, hits: list[str]
) -> None:
    """B30: Lucene matches whole values; anchors, classes and special characters are said so."""
    texts = ["xfoox", "fo", "/ecp/ab", "/ecp/abc", "x/ecp/y", "a", "b", "ab", "abc", "a\nb"]
    texts += ["12", "12x", "a b", "new line", "axb", "AB", 'x~&<>@#"y']
    made = rule(f"s:\n  AnchorMailbox|re{flags}: '{pattern}'\ncondition: s", HTTPPROXY)
    assert [texts[n] for n in found(made, *map(anchor, texts))] == hits


@pytest.mark.parametrize("pattern", ["(?!a)b", r"(a)\1", r"a\bb", "a^b", "(?m)^a$"])
def test_regular_expressions_that_lucene_cannot_say_are_refused(rule: Rules, pattern: str) -> None:
    made = rule(f"s:\n  AnchorMailbox|re: '{pattern}'\ncondition: s", HTTPPROXY)
    with pytest.raises(Refused):
        BACKEND.compile(made, Site())


def test_regex_and_all_alone_is_kept(rule: Rules) -> None:
    """B1 to B3: nothing is dropped, and `not` spans what it spans."""
    made = rule("s:\n  AnchorMailbox|re|all: [a, b]\ncondition: s", HTTPPROXY)
    assert found(made, *map(anchor, ["ab", "a", "b"])) == [0]
    made = rule(
        "s: {UrlStem: a}\nf: {AnchorMailbox|re: a+, RoutingHint: z}\ncondition: s and not f",
        HTTPPROXY,
    )
    stem = {"microsoft.exchange.urlstem": "a"}
    documents = [anchor("aa", **stem, **{HINT: h}) for h in ("z", "y")] + [anchor(None, **stem)]
    assert found(made, *documents) == [1, 2]


def test_networks_of_both_versions(rule: Rules) -> None:
    """B18: and an event without an address passes a filter."""
    made = rule("s:\n  c-ip|cidr: [10.1.0.0/16, 'fe80::/10']\ncondition: s")
    ips = ["10.1.2.3", "10.2.0.1", "fe80::1", "2001:db8::1"]
    documents = [{**IIS, "source.ip": ip} for ip in ips]
    assert found(made, *documents, IIS) == [0, 2]
    made = rule(
        "s: {cs-method: GET}\nf:\n  c-ip|cidr: ['10.0.0.0/8', 'fe80::/10']\ncondition: s and not f"
    )
    documents = [{**d, "http.request.method": "GET"} for d in [*documents, IIS]]
    assert found(made, *documents) == [3, 4]


def test_a_network_on_a_text_field_is_exact(rule: Rules) -> None:
    made = rule("s:\n  UrlHost|cidr: 10.1.2.0/23\ncondition: s", HTTPPROXY)
    hosts = ["10.1.2.0", "10.1.3.255", "10.1.4.0", "10.1.2.300", "10.1.2", "x10.1.2.1"]
    documents = [{**PROXY, "microsoft.exchange.urlhost": h} for h in hosts]
    assert found(made, *documents) == [0, 1]


def test_addresses_compare_as_text_where_elastic_keeps_the_text(rule: Rules) -> None:
    made = rule("s: {c-ip|startswith: '10.1.'}\ncondition: s")
    documents = [{**IIS, "source.address": a} for a in ("10.1.9.9", "10.11.0.1")]
    assert found(made, *documents) == [0]


def test_several_values_match_if_any_does(rule: Rules) -> None:
    made = rule("s: {ClientIpAddress|startswith: '10.'}\ncondition: s", HTTPPROXY)
    name = "microsoft.exchange.clientipaddress"
    documents = [{**PROXY, name: v} for v in (["8.8.8.8", "10.0.0.1"], ["8.8.8.8"])]
    assert found(made, *documents) == [0]


def test_fieldref_compares_two_fields(rule: Rules) -> None:
    """EQL cannot; ES|QL can, and a missing field is unequal to a missing field."""
    made = rule("s: {AnchorMailbox|fieldref: RoutingHint}\ncondition: s", HTTPPROXY)
    documents = [
        anchor("Ab", **{HINT: "aB"}),
        anchor("a", **{HINT: "b"}),
        anchor("a"),
        anchor(None),
    ]
    assert BACKEND.compile(made, Site()).language == "esql"
    assert found(made, *documents) == [0]
    made = rule(
        "s: {AnchorMailbox|fieldref: RoutingHint}\ng: {UrlStem: x}\ncondition: not s", HTTPPROXY
    )
    assert found(made, *documents) == [1, 2, 3]


def test_keywords_search_the_fields_of_the_source(rule: Rules) -> None:
    made = rule("k: ['*Evil?x*', 404]\ncondition: k")
    documents = [
        {**IIS, "url.original": "/an evil1x path"},
        {**IIS, "user_agent.original": "evil"},
        {**IIS, "http.response.status_code": 404},
        {**IIS, "http.response.status_code": 200},
    ]
    assert found(made, *documents) == [0, 2]


def test_keywords_are_refused_where_no_field_holds_the_entry(rule: Rules) -> None:
    with pytest.raises(Refused, match="keyword"):
        BACKEND.compile(rule("k: [mimikatz]\ncondition: k", SECURITY), Site())

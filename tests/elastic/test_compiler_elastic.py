"""Compiled conditions, run on documents that tell right from wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import eql
import pytest
from eql.parser import elasticsearch_syntax

from hafnium.backends.elastic import BACKEND
from hafnium.backends.elastic.compiler_columns import catalogue
from hafnium.errors import Refused, SiteError
from hafnium.loading import Loaded
from hafnium.rule import Rule
from hafnium.siem import Query, Record
from hafnium.site import Site

IIS = {"_store": "logs-iis.access-default", "data_stream.dataset": "iis.access"}
PROXY = {
    "_store": "logs-microsoft_exchange_server.httpproxy-default",
    "data_stream.dataset": "microsoft_exchange_server.httpproxy",
}
HTTPPROXY = "{product: windows, service: msexchange-httpproxy}"
MANAGEMENT = "{product: windows, service: msexchange-management}"
PROCESS = "{product: windows, category: process_creation}"
SECURITY = "{product: windows, service: security}"
ANCHOR = "microsoft.exchange.anchormailbox"
HINT = "microsoft.exchange.routinghint"

Rules = Callable[..., Rule]

IN_EQL = Site(targets={"elastic": {"language": "eql"}})


def sysmon(code: str, **fields: Any) -> dict[str, Any]:
    return {
        "_store": "logs-windows.sysmon_operational-default",
        "winlog.channel": "Microsoft-Windows-Sysmon/Operational",
        "event.code": code,
        **{name.replace("__", "."): value for name, value in fields.items()},
    }


def security(code: str, **fields: Any) -> dict[str, Any]:
    store = "logs-system.security-default"
    return {**sysmon(code, **fields), "_store": store, "winlog.channel": "Security"}


def anchor(value: Any, **more: Any) -> dict[str, Any]:
    return {**PROXY, **({} if value is None else {ANCHOR: value}), **more}


def search(query: Query, documents: list[dict[str, Any]]) -> list[int]:
    """The numbers of the documents found. EQL must please the `eql` package too."""
    if query.language == "eql":
        with elasticsearch_syntax:
            eql.parse_query(query.text)
    records = [
        Record("test", d["_store"], {k: v for k, v in d.items() if k != "_store"})
        for d in documents
    ]
    return sorted(hit[0] for hit in BACKEND.replay(records).search(query))


def found(rule: Rule, *documents: dict[str, Any]) -> list[int]:
    """What the rule finds, which is the same in both languages."""
    said, alike = (search(BACKEND.compile(rule, s), list(documents)) for s in (Site(), IN_EQL))
    assert said == alike
    return said


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


def test_analysed_text_is_searched_in_esql(rule: Rules) -> None:
    """B24, B25: EQL cannot compare such a field; LIKE needs each backslash escaped."""
    made = rule(
        "s: {ScriptBlockText|contains: '\\Desktop\\'}\nf: {Path: x}\ncondition: s and not f",
        "{product: windows, category: ps_script}",
    )
    query = BACKEND.compile(made, Site())
    name = "powershell.file.script_block_text"
    documents = [
        {**sysmon("4104"), "_store": "logs-windows.powershell_operational-default", name: text}
        for text in ("cd C:\\DESKTOP\\x", "cd Desktop", "C:\\desktop*")
    ]
    for document in documents:
        document["winlog.channel"] = "Microsoft-Windows-PowerShell/Operational"
    assert query.language == "esql"
    assert search(query, documents) == [0]


def test_esql_keeps_names_that_must_be_mapped(rule: Rules) -> None:
    made = rule("s: {Message|contains: a, Data|contains: b}\ncondition: s", MANAGEMENT)
    query = BACKEND.compile(made, Site())
    assert "winlog.event_data.param2" in query.context["mapped"]
    assert any("component templates" in need for need in query.needs)


def test_sources_with_the_same_names_share_one_condition(rule: Rules) -> None:
    made = rule(
        "s: {Image|endswith: '\\cmd.exe', ParentImage|endswith: w3wp.exe}\ncondition: s", PROCESS
    )
    query = BACKEND.compile(made, Site())
    assert query.text.count("[cC][mM][dD]") == 1
    assert query.sources == ("sysmon", "security", "endpoint", "winlogbeat")
    image = {"process__executable": "C:\\Windows\\CMD.exe"}
    image["process__parent__executable"] = "c:\\w3wp.exe"
    defend = {
        **sysmon("", **image),
        "_store": "logs-endpoint.events.process-default",
        "data_stream.dataset": "endpoint.events.process",
        "event.action": "start",
    }
    beat = {**sysmon("1", **image), "_store": "winlogbeat-8.19"}
    documents = [sysmon("1", **image), security("4688", **image), defend, beat]
    assert search(query, [*documents, sysmon("5", **image)]) == [0, 1, 2, 3]


def test_a_source_that_can_never_match_is_left_out_with_a_note(rule: Rules) -> None:
    made = rule("s: {Company: Evil Corp}\ncondition: s", PROCESS)
    query = BACKEND.compile(made, Site())
    assert "endpoint" not in query.sources
    assert any("endpoint" in note and "never" in note for note in query.notes)


def test_accounts_are_split_in_two_fields(rule: Rules) -> None:
    made = rule("s: {User: ['CORP\\bob', 'NT*\\SYS*'], Image: x}\ncondition: s", PROCESS)
    users = [("corp", "BOB"), ("other", "bob"), ("NT AUTHORITY", "SYSTEM"), ("NT", "x")]
    documents = [
        sysmon("1", user__domain=d, user__name=n, process__executable="x") for d, n in users
    ]
    assert found(made, *documents, sysmon("1", process__executable="x")) == [0, 2]
    made = rule("s: {Image: x}\nf: {User|contains: AUTHORI}\ncondition: s and not f", PROCESS)
    assert found(made, *documents, sysmon("1", process__executable="x")) == [0, 1, 3, 4]


def test_hashes_are_looked_up_by_algorithm(rule: Rules) -> None:
    made = rule("s: {Hashes|contains: 'IMPHASH=AB12'}\ncondition: s", PROCESS)
    documents = [sysmon("1", process__pe__imphash=h) for h in ("ab12cd", "cdab12")]
    assert found(made, *documents, sysmon("1", process__hash__md5="ab12")) == [0]
    with pytest.raises(Refused, match="hash"):
        BACKEND.compile(rule("s: {Hashes|re: 'a+'}\ncondition: s", PROCESS), Site())


def test_values_that_the_pipeline_renames(rule: Rules) -> None:
    made = rule(
        "s: {Initiated: 'true'}\ncondition: s", "{product: windows, category: network_connection}"
    )
    documents = [sysmon("3", network__direction=d) for d in ("egress", "ingress")]
    assert found(made, *documents) == [0]


def test_hexadecimal_process_ids_are_numbers(rule: Rules) -> None:
    made = rule("s: {EventID: 4688, NewProcessId: '0x1F'}\ncondition: s", SECURITY)
    assert found(made, *(security("4688", process__pid=n) for n in (31, 30))) == [0]


def test_a_field_that_events_keep_in_different_places(rule: Rules) -> None:
    made = rule("s: {EventID: 4663, ProcessName|endswith: w3wp.exe}\ncondition: s", SECURITY)
    plain = security("4663", winlog__event_data__ProcessName="c:\\w3wp.exe")
    moved = security("4663", process__executable="c:\\w3wp.exe")
    assert found(made, plain, moved, security("4663")) == [0, 1]


def test_decoded_values_match_what_the_log_says(rule: Rules) -> None:
    made = rule("s: {cs-user-agent|contains: 'Mozilla/5.0+(X'}\ncondition: s")
    agents = ["Mozilla/5.0 (X11)", "Mozilla/5.0+(X11)"]
    assert found(made, *({**IIS, "user_agent.original": a} for a in agents)) == [0]
    made = rule("s: {cs-uri-query|contains: 'a=%5D'}\ncondition: s")
    query = BACKEND.compile(made, Site())
    assert search(query, [{**IIS, "url.query": q} for q in ("a=]:444", "a=%5D")]) == [0]
    assert any("decoded" in note for note in query.notes)


def test_lists_of_access_rights_keep_their_numbers_only(rule: Rules) -> None:
    made = rule("s: {EventID: 4663, AccessList|contains: '%%4417'}\ncondition: s", SECURITY)
    lists = [["4416", "4417"], "%%4417", ["44170"]]
    documents = [security("4663", winlog__event_data__AccessList=v) for v in lists]
    assert found(made, *documents) == [0, 1]


@pytest.mark.parametrize("name", ["cs-x", "a b", "x'; y", "and", "1a", "ä", "a(b)", 'q"q', "a`b"])
def test_field_names_are_quoted(load: Callable[[str], Loaded], name: str) -> None:
    """B5, B11, B31: any name is one field."""
    key = name.replace('"', '\\"')
    (rule,) = load(
        f"title: T\nlogsource: {{product: windows, service: system}}\ndetection:\n"
        f'  s: {{"{key}": v}}\n  condition: s\n'
    ).rules
    document = security("1", **{f"winlog.event_data.{name}": "V"})
    document |= {"_store": "logs-system.system-default", "winlog.channel": "System"}
    assert found(rule, document, {**document, f"winlog.event_data.{name}": "w"}) == [0]


@pytest.mark.parametrize("name", ["a..b", "a\nb"])
def test_field_names_that_cannot_be_quoted_are_refused(
    load: Callable[[str], Loaded], name: str
) -> None:
    key = name.replace("\n", "\\n")
    (rule,) = load(
        f"title: T\nlogsource: {{product: windows, service: system}}\ndetection:\n"
        f'  s: {{"{key}": v}}\n  condition: s\n'
    ).rules
    with pytest.raises(Refused):
        BACKEND.compile(rule, Site())


def test_placeholders_and_unknown_sources_are_refused_with_a_place(rule: Rules) -> None:
    made = rule("s: {AnchorMailbox|expand: '%admins%'}\ncondition: s", HTTPPROXY)
    with pytest.raises(Refused, match="admins") as caught:
        BACKEND.compile(made, Site())
    assert caught.value.file
    assert caught.value.line
    with pytest.raises(Refused, match="okta"):
        BACKEND.compile(rule("s: {a: b}\ncondition: s", "{product: okta}"), Site())


def test_a_rule_can_be_compiled_again(rule: Rules) -> None:
    """B35, B36: no conversion leaves traces in the rule or in a class."""
    made = rule("s: {cs-uri-stem|contains: x}\ncondition: s")
    first = BACKEND.compile(made, Site())
    with pytest.raises(Refused):
        BACKEND.compile(rule("k: [x]\ncondition: k", SECURITY), Site())
    assert BACKEND.compile(made, Site()) == first


def test_the_site_chooses_the_language(rule: Rules) -> None:
    """EQL where it has the words, ES|QL where it has not, and ES|QL unless the site says so."""
    plain = rule("s: {cs-method: GET}\ncondition: s")
    compared = rule("s: {cs-method|fieldref: cs-host}\ncondition: s")
    chosen = [Site(targets={"elastic": {"language": name}}) for name in ("esql", "eql")]
    for site in chosen:
        BACKEND.check_site(site)
    said = [BACKEND.compile(made, s).language for made in (plain, compared) for s in chosen]
    assert said == ["esql", "eql", "esql", "esql"]
    assert BACKEND.compile(plain, Site()) == BACKEND.compile(plain, chosen[0])


def test_what_esql_cannot_say_is_said_in_eql(rule: Rules) -> None:
    made = rule("s: {EventID: 4673, PrivilegeList|re: '^SeTcb'}\ncondition: s", SECURITY)
    assert BACKEND.compile(made, Site()).language == "eql"
    lists = [["SeX", "SeTcbPrivilege"], ["SeX"]]
    documents = [security("4673", winlog__event_data__PrivilegeList=v) for v in lists]
    assert found(made, *documents) == [0]


def test_the_site_names_the_indexes(rule: Rules) -> None:
    site = Site(Path("site.yml"), {"elastic": {"iis": {"index": "web-*, old-web-*"}}})
    BACKEND.check_site(site)
    query = BACKEND.compile(rule("s: {cs-method: GET}\ncondition: s"), site)
    assert query.context["index"] == ["web-*", "old-web-*"]
    with pytest.raises(SiteError):
        BACKEND.check_site(Site(None, {"elastic": {"nothing": {"index": "x"}}}))


def test_a_comment_cannot_be_left() -> None:
    text = BACKEND.comment("eql", ["title\nany where true", "a\u2028b", ""])
    assert all(line.startswith("//") for line in text.splitlines())


def test_long_lists_stay_one_comparison(rule: Rules) -> None:
    """B37: no chain of `or` that grows deep."""
    values = ", ".join(f"x{n}" for n in range(2000))
    made = rule(f"s: {{AnchorMailbox|contains: [{values}]}}\ncondition: s", HTTPPROXY)
    query = BACKEND.compile(made, IN_EQL)
    assert " or " not in query.text
    assert search(query, [anchor("ax1999"), anchor("y")]) == [0]


def test_every_stored_field_of_the_catalogue_can_be_named() -> None:
    from hafnium.backends.elastic.compiler_eql import field

    for source in catalogue():
        for feed in source.feeds:
            for stored in feed.fields.values():
                for name in [stored] if isinstance(stored, str) else stored:
                    assert field(name)


def test_a_field_that_is_a_word_of_esql_is_quoted(rule: Callable[..., Rule]) -> None:
    """Elasticsearch takes `last`, `in` … as a part of a name only in quotes."""
    made = rule("s: {cs-method|fieldref: last}\ncondition: s")
    assert "iis.access.`last`" in BACKEND.compile(made, Site()).text


def test_long_rows_are_cut_by_parentheses(rule: Callable[..., Rule]) -> None:
    """Elasticsearch refuses `a OR b OR …` of more than 400 words in ES|QL."""
    words = [f"w{n}" for n in range(250)]
    made = rule(f"s: {{cs-uri-stem|contains: {words}, cs-method|fieldref: cs-host}}\ncondition: s")
    query = BACKEND.compile(made, Site())
    assert query.language == "esql"
    assert max(part.count(" OR ") for part in query.text.split("(")) < 100


def test_a_user_kept_apart_from_the_domain_is_noted(rule: Rules) -> None:
    query = BACKEND.compile(rule("s: {cs-username: 'CORP\\bob'}\ncondition: s"), Site())
    (note,) = query.notes
    assert "stored without its domain" in note
    bare = BACKEND.compile(rule("s: {cs-username: bob}\ncondition: s"), Site())
    assert bare.notes == ()

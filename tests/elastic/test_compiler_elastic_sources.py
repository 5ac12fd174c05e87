"""Compiled rules and the ways in: fields, names, languages and indexes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from documents import (
    HTTPPROXY,
    IIS,
    IN_EQL,
    MANAGEMENT,
    PROCESS,
    SECURITY,
    Rules,
    anchor,
    found,
    search,
    security,
    sysmon,
)

from hafnium.backends.elastic import BACKEND
from hafnium.backends.elastic.compiler_columns import catalogue
from hafnium.errors import Refused, SiteError
from hafnium.loading import Loaded
from hafnium.rule import Rule
from hafnium.site import Site


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


def test_how_a_user_ends_is_asked_of_either_half(rule: Rules) -> None:
    """`EX$`, `CORP\\EX$`, `bob@CORP$`; and `not` where there is no user at all."""
    halves = [("EX$", None), ("EX$", "CORP"), ("bob", "CORP$"), ("bob", "CORP"), (None, None)]
    names = ("user.name", "user.domain")
    documents = [
        {**IIS, "url.original": "/a", **{n: v for n, v in zip(names, half, strict=True) if v}}
        for half in halves
    ]
    said = "s: {cs-username|endswith: '$'}\nt: {cs-uri-stem: /a}\n"
    assert found(rule(f"{said}condition: s and t"), *documents) == [0, 1, 2]
    assert found(rule(f"{said}condition: t and not s"), *documents) == [3, 4]
    some = rule("s: {cs-username|endswith: ['$', '\\\\bob']}\ncondition: s")
    assert found(some, *documents) == [0, 1, 2, 3]


def test_a_user_kept_apart_from_the_domain_is_noted(rule: Rules) -> None:
    query = BACKEND.compile(rule("s: {cs-username: 'CORP\\bob'}\ncondition: s"), Site())
    (note,) = query.notes
    assert "stored without its domain" in note
    bare = BACKEND.compile(rule("s: {cs-username: bob}\ncondition: s"), Site())
    assert bare.notes == ()

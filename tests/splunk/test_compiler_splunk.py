"""Compiled searches, run on records that tell right from wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import pytest

from hafnium.backends.splunk import BACKEND
from hafnium.entries import Entry
from hafnium.errors import Refused, SiteError
from hafnium.rule import Rule
from hafnium.siem import Query
from hafnium.site import Site
from made import entry, windows

Rules = Callable[..., Rule]
SYSMON = "Microsoft-Windows-Sysmon/Operational"
PROCESS = "{product: windows, category: process_creation}"
PROXY = "{product: windows, service: msexchange-httpproxy}"
APPLICATION = "{product: windows, service: application}"


def compiled(rule: Rule) -> Query:
    return BACKEND.compile(rule, Site())


def hits(rule: Rule, entries: Sequence[Entry], site: Site = Site()) -> list[int]:  # noqa: B008
    """The positions, from 0, of the entries that the shipped text finds."""
    records = [BACKEND.record(one)[0] for one in entries]
    return [at for (at,) in BACKEND.replay(records).search(BACKEND.compile(rule, site))]


def stems(*texts: str) -> list[Entry]:
    return [entry(cs_uri_stem=text) for text in texts]


def commands(*texts: str) -> list[Entry]:
    return [windows(SYSMON, 1, CommandLine=text) for text in texts]


def anchors(*texts: str) -> list[Entry]:
    return [Entry("httpproxy", "a.log", 1, None, "m", {"AnchorMailbox": text}) for text in texts]


def test_a_condition_that_terms_can_say_has_no_where(rule: Rules) -> None:
    simple = rule("s: {Image|endswith: '\\cmd.exe'}\ncondition: s", PROCESS)
    assert "| where" not in compiled(simple).text
    sysmon = windows(SYSMON, 1, Image=r"C:\Windows\CMD.EXE")
    security = windows("Security", 4688, NewProcessName=r"C:\cmd.exe")
    other = windows(SYSMON, 11, Image=r"C:\cmd.exe")
    assert hits(simple, [sysmon, security, other]) == [0, 1]


def test_each_source_is_asked_under_its_own_names_in_where_too(rule: Rules) -> None:
    both = rule("s: {ParentImage|re: 'w3wp[.]exe$', ProcessId: '0x1'}\ncondition: s", PROCESS)
    fields = {"ParentProcessName": "w3wp.exe", "NewProcessId": "0x1", "ProcessId": "0x2"}
    entries = [
        windows(SYSMON, 1, ParentImage="w3wp.exe", ProcessId="0x1"),
        windows("Security", 4688, **fields),
        windows("Security", 4688, **{**fields, "NewProcessId": "0x3"}),
        windows(SYSMON, 1, ParentProcessName="w3wp.exe", NewProcessId="0x1"),
    ]
    assert hits(both, entries) == [0, 1]


def test_a_rule_for_the_security_log_sees_process_creation_under_both_names(rule: Rules) -> None:
    logsource = "{product: windows, service: security}"
    entries = [windows("Security", 4688, NewProcessName="a.exe", SubjectUserName="u")]
    assert hits(rule("s: {Image: a.exe, User: u}\ncondition: s", logsource), entries) == [0]
    assert hits(rule("s: {NewProcessName: a.exe}\ncondition: s", logsource), entries) == [0]
    assert hits(rule("s: {NewProcessName: a.exe}\ncondition: s", PROCESS), entries) == []


@pytest.mark.parametrize(
    ("said", "right", "wrong"),
    [
        ("cmd?.exe", "CMD1.exe", ["cmd.exe", "cmd12.exe"]),  # B6
        (r"a\*b", "a*b", ["axb"]),  # B7
        (r"a\?b", "a?b", ["axb"]),
        ("01", "01", ["1", "1.0"]),
        ("10.0.0.0/8", "10.0.0.0/8", ["10.1.2.3"]),
        ("É", "é", ["e"]),
        ("back`tick", "back`tick", ["backtick"]),
        (r"tail\\", "tail\\", ["tail"]),
        ('q"uote', 'Q"UOTE', ["quote"]),
        (r"x\\\\y", "x\\\\y", ["x\\y"]),
        ("[a] | search {b}", "[A] | search {B}", ["a"]),
        ("%5D_$", "%5d_$", ["x5D_$", "%5Dx$"]),
    ],
)
def test_texts_compare_exactly(rule: Rules, said: str, right: str, wrong: list[str]) -> None:
    made = rule(f"s:\n  AnchorMailbox: '{said}'\ncondition: s", PROXY)
    assert hits(made, anchors(right, *wrong)) == [0]
    negated = rule(f"s:\n  AnchorMailbox: '{said}'\ncondition: not s", PROXY)
    assert hits(negated, anchors(right, *wrong)) == list(range(1, len(wrong) + 1))


def test_line_breaks_and_control_characters_stay_inside_their_literal(rule: Rules) -> None:
    made = rule('s:\n  AnchorMailbox: "a\\nb\\tc"\ncondition: s', PROXY)
    assert all(line.startswith("|") for line in compiled(made).text.splitlines()[1:])
    assert hits(made, anchors("a\nb\tc", "a b c")) == [0]


def test_regex_alone_is_not_lost(rule: Rules) -> None:  # B1
    two = rule("s: {AnchorMailbox|re: 'a+b', UrlStem|re: '^/e'}\ncondition: s", PROXY)
    made = [
        Entry("httpproxy", "a", 1, None, "m", {"AnchorMailbox": mailbox, "UrlStem": stem})
        for mailbox, stem in [("xaab", "/ecp"), ("xaab", "/owa"), ("b", "/ecp")]
    ]
    assert hits(two, made) == [0]


def test_regex_and_fieldref_keep_their_place_under_not_and_or(rule: Rules) -> None:  # B2, B3, B4
    text = """
        a: {cs-method: GET}
        b: {cs-uri-stem|re: 'x+', cs-username: z}
        c: {cs-host|fieldref: cs-referer}
        condition: a and not b or c
    """
    made = rule(text)
    entries = [
        entry(cs_method="GET", cs_uri_stem="xx", cs_username="z"),
        entry(cs_method="GET", cs_uri_stem="xx", cs_username="other"),
        entry(cs_method="POST", cs_uri_stem="xx", cs_username="z"),
        entry(cs_method="POST", cs_host="H", cs_referer="h"),
        entry(cs_method="POST", cs_host="H"),
    ]
    assert hits(made, entries) == [1, 3]


def test_regexes_mean_what_the_reference_says(rule: Rules) -> None:  # B5
    assert hits(rule("s: {cs-uri-stem|re: '^/a$'}\ncondition: s"), stems("/a", "/A", "/ab")) == [0]
    lists = rule("s: {cs-uri-stem|re|i: ['^/a', '[^\\d]z$']}\ncondition: s")
    assert hits(lists, stems("/A", "1z", "xz")) == [0, 2]
    ends = rule("s: {AnchorMailbox|re: 'a$'}\ncondition: s", PROXY)
    assert hits(ends, anchors("a", "a\n")) == [0]
    tab = rule("s: {AnchorMailbox|re: '\\va{,2}$'}\ncondition: s", PROXY)
    assert hits(tab, anchors("\x0baa", "\na", "\x0baaa")) == [0]


@pytest.mark.parametrize("expression", ["a(?=b)", r"(a)\1", "(?>a)b"])
def test_regexes_that_not_all_targets_run_are_refused(rule: Rules, expression: str) -> None:
    made = rule(f"s:\n  cs-uri-stem|re: '{expression}'\ncondition: s")
    with pytest.raises(Refused) as refused:
        compiled(made)
    assert refused.value.file == str(made.path)
    assert refused.value.line == made.line("detection")


def test_absent_empty_and_present(rule: Rules) -> None:  # B33
    entries = [entry(cs_method="GET"), entry(cs_method="GET", cs_username="u")]
    for said in ("cs-username: null", "cs-username: ''", "cs-username|exists: false"):
        assert hits(rule(f"s: {{{said}}}\ncondition: s"), entries) == [0]
        assert hits(rule(f"s: {{{said}}}\ncondition: not s"), entries) == [1]
    for said in ("cs-username: '*'", "cs-username|exists: true", "cs-username|re: '.*'"):
        assert hits(rule(f"s: {{{said}}}\ncondition: s"), entries) == [1]
        assert hits(rule(f"s: {{{said}}}\ncondition: not s"), entries) == [0]


def test_numbers_are_texts_unless_they_are_compared(rule: Rules) -> None:  # B38
    entries = [entry(sc_status=text) for text in ("200", "0200", "200.0", "abc", "1e3")]
    assert hits(rule("s: {sc-status: 200}\ncondition: s"), entries) == [0]
    assert hits(rule("s: {sc-status: [199, 200]}\ncondition: not s"), entries) == [1, 2, 3, 4]
    assert hits(rule("s: {sc-status|gte: 200}\ncondition: s"), entries) == [0, 1, 2]
    assert hits(rule("s: {sc-status|lt: 200}\ncondition: not s"), entries) == [0, 1, 2, 3, 4]


def test_cased_and_not_cased(rule: Rules) -> None:  # B10
    made = rule("s: {cs-uri-stem|contains|cased: Ab}\ncondition: s")
    assert hits(made, stems("xAby", "xaby")) == [0]


def test_addresses(rule: Rules) -> None:
    four = rule("s: {c-ip|cidr: 172.16.0.0/12}\ncondition: s")
    entries = [entry(c_ip=text) for text in ("172.31.0.1", "172.32.0.1", "host", "172.16", "::1")]
    assert hits(four, entries) == [0]
    inverse = rule("s: {c-ip|cidr: 172.16.0.0/12}\ncondition: not s")
    assert hits(inverse, entries) == [1, 2, 3, 4]
    six = rule("s: {c-ip|cidr: fe80::/10}\ncondition: s")
    texts = ("fe80::1%12", "FE80:0:0:0:0:0:0:1", "fec0::1", "10.0.0.1", "fe80")
    assert hits(six, [entry(c_ip=text) for text in texts]) == [0, 1]


def test_field_references(rule: Rules) -> None:
    entries = [
        entry(cs_host="a.b", cs_referer="https://A.B/x"),
        entry(cs_host="https", cs_referer="https://a"),
        entry(cs_host="/X", cs_referer="https://a/x"),
        entry(cs_host="longer than the other", cs_referer="other"),
        entry(cs_referer="x"),
    ]
    for modifier, wanted in (("contains", [0, 1, 2]), ("startswith", [1]), ("endswith", [2])):
        made = rule(f"s: {{cs-referer|fieldref|{modifier}: cs-host}}\ncondition: s")
        assert hits(made, entries) == wanted


def test_xml_entities_match_decoded_and_as_the_add_on_leaves_them(rule: Rules) -> None:
    text = "echo \"<script>\" & 'x'"
    made = rule(f"s:\n  CommandLine|endswith: '{text.replace(chr(39), chr(39) * 2)}'\ncondition: s",
                PROCESS)  # fmt: skip
    assert hits(made, commands(f"cmd /c {text}", "echo script x")) == [0]
    (record,) = BACKEND.record(commands(text)[0])
    query = compiled(made)
    for stored in (text, text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")):
        fields = {**record.fields, "CommandLine": stored}
        again = type(record)(record.path, record.store, fields)
        assert BACKEND.replay([again]).search(query) == [(0,)]
    one = rule("s: {CommandLine: 'a?b'}\ncondition: s", PROCESS)
    assert hits(one, commands("a<b", "a<<b")) == [0]
    number = rule("s: {CommandLine|re: '^a.{2}b$'}\ncondition: s", PROCESS)
    assert hits(number, commands("a<>b", "a<b")) == [0]


def test_keywords_are_looked_for_in_single_values(rule: Rules) -> None:
    made = rule("k: ['a<b', 'New-*Request', \"it's\"]\ncondition: k", APPLICATION)
    entries = [
        windows("Application", 1, A="xA<By"),
        windows("Application", 1, A="New-Mailbox", B="Request"),
        windows("Application", 1, A="New-MailboxExportRequest"),
        windows("Application", 1, A="It's"),
        windows("Application", 1, A="its"),
    ]
    assert hits(made, entries) == [0, 2, 3]
    quote = rule('k: ["\'"]\ncondition: k', APPLICATION)
    assert hits(quote, entries) == [3]
    name = rule("k: [Data]\ncondition: k", APPLICATION)
    assert hits(name, entries) == [], "names of elements are no values"
    channel = rule("k: [Application]\ncondition: k", APPLICATION)
    assert hits(channel, entries) == [0, 1, 2, 3, 4]
    lines = rule("k: ['/x/y']\ncondition: k")
    assert hits(lines, [*stems("a/X/yb"), entry(cs_method="/x", cs_uri_stem="/y")]) == [0]


def test_several_values_match_when_one_does(rule: Rules) -> None:
    unnamed = ("one", "a <two>")
    base = windows("Application", 1)
    one = type(base)(
        base.kind, base.source, 1, base.time, base.host, {**base.fields, "Data": unnamed},
        system=base.system, unnamed=unnamed,
    )  # fmt: skip
    for said in ("Data: one", "Data|contains: '<two>'", "Data|re: 'o>$'"):
        assert hits(rule(f"s: {{{said}}}\ncondition: s", APPLICATION), [one]) == [0]
        assert hits(rule(f"s: {{{said}}}\ncondition: not s", APPLICATION), [one]) == []
    assert hits(rule("s: {Data: two}\ncondition: s", APPLICATION), [one]) == []


def test_the_terms_before_where_let_every_match_through(rule: Rules) -> None:
    text = """
        s:
          - cs-uri-stem: ['/a*b?', '/É*', '/x\\*']
          - cs-uri-stem|re: '^/r'
        f: {cs-method: GET, cs-username|re: '^u'}
        condition: s and not f
    """
    entries = [
        *stems("/aXbY", "/é1", "/x*", "/rrr", "/none"),
        entry(cs_uri_stem="/r", cs_method="GET", cs_username="u"),
        entry(cs_uri_stem="/r", cs_method="GET", cs_username="v"),
    ]
    assert hits(rule(text), entries) == [0, 1, 2, 3, 6]


def test_long_lists_keep_their_meaning(rule: Rules) -> None:
    names = ", ".join(f"'/page?{n}'" for n in range(90))
    made = rule(f"s: {{cs-uri-stem: [{names}]}}\ncondition: s")
    assert hits(made, stems("/pagex7", "/page7", "/pagey89", "/pagey90")) == [0, 2]


def test_field_names_that_splunk_changes(rule: Rules) -> None:
    defender = "{product: windows, service: windefend}"
    channel = "Microsoft-Windows-Windows Defender/Operational"
    found = windows(channel, 1116, **{"Threat Name": "Backdoor:ASP/X", "Path": "C:\\x.aspx"})
    assert hits(rule("s: {Threat Name|startswith: Backdoor}\ncondition: s", defender), [found])
    virus = "{category: antivirus}"
    made = rule("s: {Signature|contains: ASP, Filename|endswith: .aspx}\ncondition: s", virus)
    assert hits(made, [found]) == [0]
    assert hits(rule("s: {Path|endswith: .aspx}\ncondition: not s", virus), [found]) == [0]


def test_hostile_field_names_are_cleaned_as_splunk_does_or_refused(rule: Rules) -> None:
    system = "{product: windows, service: system}"
    for name in ("a'b", 'a"b', "a`b", "a[b", "a\\b", "a\nb"):
        made = rule(f"s: {{{json.dumps(name)}: x}}\ncondition: s", system)
        assert compiled(made).text.startswith('`hafnium_system` a_b="x"\n| `'), name
    for name in ("*", "'"):
        with pytest.raises(Refused, match="field name"):
            compiled(rule(f"s: {{{json.dumps(name)}: x}}\ncondition: s", system))


def test_names_that_mean_something_in_a_search_are_compared_in_where(rule: Rules) -> None:
    made = rule("s: {earliest: '-1h', source: x}\ncondition: s", APPLICATION)
    assert "earliest=" not in compiled(made).text.split("\n")[0]


def test_a_source_that_lacks_a_field_is_left_out(rule: Rules) -> None:
    made = rule("s: {NewProcessName: a}\ncondition: s", PROCESS)
    query = compiled(made)
    assert query.sources == ("sysmon",)
    assert query.notes == ("not searched in security, which has no NewProcessName",)


def test_log_sources_that_splunk_does_not_have_are_refused(rule: Rules) -> None:
    with pytest.raises(Refused, match="no data source for product: okta"):
        compiled(rule("s: {a: b}\ncondition: s", "{product: okta}"))
    with pytest.raises(Refused, match="no field Typo"):
        compiled(rule("s: {Typo: b}\ncondition: s", PROXY))


def test_the_site_file_changes_where_data_is_searched(rule: Rules) -> None:
    site = Site(targets={"splunk": {"iis": {"index": "web logs", "sourcetype": "my:iis*"}}})
    BACKEND.check_site(site)
    made = rule("s: {cs-method: GET}\ncondition: s")
    query = BACKEND.compile(made, site)
    assert query.context["macros"]["hafnium_iis"] == '(index="web logs" sourcetype="my:iis*")'
    assert hits(made, [entry(cs_method="GET")], site) == []
    moved = Site(targets={"splunk": {"iis": {"sourcetype": "ms:iis*"}}})
    assert hits(made, [entry(cs_method="GET")], moved) == [0]
    with pytest.raises(SiteError, match="table"):
        BACKEND.check_site(Site(targets={"splunk": {"iis": {"table": "x"}}}))


def test_a_rules_filter_macro_tunes_it(rule: Rules) -> None:
    made = rule("s: {cs-method: GET}\ncondition: s")
    query = compiled(made)
    macros = {**query.context["macros"], query.context["filter"]: 'search NOT c_ip="10.*"'}
    records = [BACKEND.record(entry(cs_method="GET", c_ip=ip))[0] for ip in ("10.0.0.1", "9.9.9.9")]
    tuned = type(query)(
        made, "splunk", "spl", query.text, query.sources, context={"macros": macros}
    )
    assert BACKEND.replay(records).search(query) == [(0,), (1,)]
    assert BACKEND.replay(records).search(tuned) == [(1,)]


def test_compiling_one_rule_leaves_no_trace_in_the_next(rule: Rules) -> None:
    """B35, B36: neither a refused rule nor a second conversion changes the output."""
    made = rule("s: {cs-uri-stem|re: ['a', '^b|c']}\ncondition: s or not s")
    first = compiled(made)
    with pytest.raises(Refused):
        compiled(rule("s: {cs-uri-stem|re: ['a', 'b(?=c)']}\ncondition: s or not s"))
    assert compiled(made) == first


def test_no_line_breaks_out_of_a_comment() -> None:
    text = BACKEND.comment("spl", ["```", "| delete", "a\n``` | b", "é"])
    assert text.startswith("```")
    assert text.endswith("```")
    assert "`" not in text[3:-3]


def test_the_catalogue_serves_every_windows_service_that_the_tool_knows(rule: Rules) -> None:
    from hafnium.taxonomy import known_services

    for service in sorted(known_services()):
        made = rule("s: {EventID: 1}\ncondition: s", f"{{product: windows, service: {service}}}")
        assert compiled(made).sources, service


def test_importing_the_backend_loads_neither_compiler_nor_engine() -> None:
    import subprocess
    import sys

    code = (
        "import sys, hafnium.backends.splunk;"
        "print([m for m in sys.modules if 'sigma.backends' in m or 'splunk.' in m or m == 'lark'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['hafnium.backends.splunk.pcre2']"

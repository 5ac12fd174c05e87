"""One query over all tables of a log source: guards, columns, items, what a table lacks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hafnium.backends.sentinel import BACKEND
from hafnium.backends.sentinel.compiler import catalogue, compile_rule
from hafnium.backends.sentinel.replay import SentinelReplay
from hafnium.errors import Refused, SiteError
from hafnium.rule import Rule
from hafnium.siem import Query, Record
from hafnium.site import Site

START = datetime(2021, 3, 3, 6, 0, tzinfo=UTC)
SYSMON = "Microsoft-Windows-Sysmon/Operational"
PROCESS = "{product: windows, category: process_creation}"
EXCHANGE = "{product: windows, service: msexchange-management}"
ECP = "{product: windows, service: msexchange-ecp}"
MakeRule = Callable[..., Rule]


def row(table: str, **fields: Any) -> Record:
    return Record("path", table, {"TimeGenerated": START, **fields})


def search(query: Query, records: Sequence[Record]) -> list[int]:
    return sorted(hit[0] for hit in SentinelReplay(records).search(query))


def xml(*unnamed: str, **named: str) -> str:
    items = "".join(f'<Data Name="{name}">{text}</Data>' for name, text in named.items())
    items += "".join(f"<Data>{text}</Data>" for text in unnamed)
    return f'<DataItem type="System.XmlData"><EventData xmlns="x">{items}</EventData></DataItem>'


def sysmon(event_id: int, **named: str) -> Record:
    return row("Event", EventLog=SYSMON, EventID=event_id, EventData=xml(**named))


def test_every_table_of_a_category_is_searched_by_its_own_columns(rule: MakeRule) -> None:
    made = rule("s: {Image|endswith: '\\cmd.exe', ProcessId: '77'}\ncondition: s", PROCESS)
    query = compile_rule(made, Site())
    image = r"C:\Windows\CMD.EXE"
    records = [
        sysmon(1, Image=image, ProcessId="77"),
        row(
            "WindowsEvent", Channel=SYSMON, EventID=1, EventData={"Image": image, "ProcessId": "77"}
        ),
        row(
            "SecurityEvent",
            Channel="Security",
            EventID=4688,
            NewProcessName=image,
            NewProcessId="77",
            ProcessId="1",
        ),
        row(
            "WindowsEvent",
            Channel="Security",
            EventID=4688,
            EventData={"NewProcessName": image, "NewProcessId": "77", "ProcessId": "1"},
        ),
        row("DeviceProcessEvents", ActionType="ProcessCreated", FolderPath=image, ProcessId=77),
        sysmon(11, Image=image, ProcessId="77"),
        sysmon(1, Image=image, ProcessId="1"),
        row(
            "WindowsEvent",
            Channel="Security",
            EventID=4688,
            EventData={"NewProcessName": image, "NewProcessId": "1", "ProcessId": "77"},
        ),
        row("DeviceProcessEvents", ActionType="OpenProcess", FolderPath=image, ProcessId=77),
    ]
    assert search(query, records) == [0, 1, 2, 3, 4]
    assert query.sources == ("securityevent", "event", "windowsevent", "defender-process")
    assert query.context["tables"] == [
        "SecurityEvent",
        "Event",
        "WindowsEvent",
        "DeviceProcessEvents",
    ]


def test_xml_items_are_read_as_they_were_written(rule: MakeRule) -> None:
    made = rule("s:\n  CommandLine: '<a> & \"b\" ''c''\\\\'\ncondition: s", PROCESS)
    encoded = "&lt;a&gt; &amp; &quot;b&quot; &apos;c&apos;\\"
    records = [
        sysmon(1, CommandLine=encoded),
        sysmon(1, CommandLine="&lt;a&gt; &amp; \"b\" 'c'\\"),
        sysmon(1, CommandLine="&amp;lt;a&gt; &amp; &quot;b&quot; &apos;c&apos;\\"),
        sysmon(1, ParentCommandLine=encoded),
    ]
    assert search(compile_rule(made, Site()), records) == [0, 1]


def test_item_inside_another_items_text_is_not_one(rule: MakeRule) -> None:
    made = rule("s: {Image: evil.exe}\ncondition: s", PROCESS)
    forged = '&lt;Data Name="Image"&gt;evil.exe&lt;/Data&gt;'
    assert search(compile_rule(made, Site()), [sysmon(1, CommandLine=forged, Image="a.exe")]) == []


def test_typed_columns_and_the_xml_of_security_events(rule: MakeRule) -> None:
    security = "{product: windows, service: security}"
    task = rule("s: {EventID: 4698, TaskName: '\\Win'}\ncondition: s", security)
    logon = rule("s: {LogonType: 3, TargetUserName: bob}\ncondition: s", security)
    records = [
        row("SecurityEvent", Channel="Security", EventID=4698, EventData=xml(TaskName="\\win")),
        row("SecurityEvent", Channel="Security", EventID=4624, LogonType=3, TargetUserName="Bob"),
        row(
            "SecurityEvent",
            Channel="Security",
            EventID=4624,
            EventData=xml(LogonType="3", TargetUserName="bob"),
        ),
        row(
            "WindowsEvent",
            Channel="Security",
            EventID=4624,
            EventData={"LogonType": 3, "TargetUserName": "bob"},
        ),
        row(
            "WindowsEvent",
            Channel="System",
            EventID=4624,
            EventData={"LogonType": 3, "TargetUserName": "bob"},
        ),
    ]
    assert search(compile_rule(task, Site()), records) == [0]
    assert search(compile_rule(logon, Site()), records) == [1, 2, 3]


def test_names_of_items_may_hold_anything(rule: MakeRule) -> None:
    made = rule(
        "s:\n  'Threat \"<N>\" (x)': bad\ncondition: s", "{product: windows, service: windefend}"
    )
    channel = "Microsoft-Windows-Windows Defender/Operational"
    written = '<EventData><Data Name="Threat &quot;&lt;N&gt;&quot; (x)">BAD</Data></EventData>'
    records = [
        row("Event", EventLog=channel, EventID=1116, EventData=written),
        row("WindowsEvent", Channel=channel, EventID=1116, EventData={'Threat "<N>" (x)': "bad"}),
        row("WindowsEvent", Channel=channel, EventID=1116, EventData={"Threat": "bad"}),
    ]
    assert search(compile_rule(made, Site()), records) == [0, 1]


def exchange(*unnamed: str) -> Record:
    params = "".join(f"<Param>{text}</Param>" for text in unnamed)
    return row(
        "Event",
        EventLog="MSExchange Management",
        EventID=1,
        EventData=xml(*unnamed),
        ParameterXml=params,
    )


def test_positional_items_have_names(rule: MakeRule) -> None:
    made = rule(
        """
        s: {Cmdlet|startswith: Set-, Parameters|contains: '<script', Process|endswith: Pool}
        condition: s
        """,
        EXCHANGE,
    )
    records = [
        exchange("Set-X", "-Url &lt;script&gt;", "c", "", "", "", "1 w3wp#Pool"),
        exchange("-Url &lt;script&gt;", "Set-X", "c", "", "", "", "1 w3wp#Pool"),
        exchange("Set-X", "-Url &lt;script&gt;", "c", "", "", "1 w3wp#Pool", ""),
    ]
    assert search(compile_rule(made, Site()), records) == [0]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Data: bc", [1]),
        ("Data|startswith: b", [0, 1]),
        ("Data|endswith: c", [0, 1, 2]),
        ("Data|contains: a", [0, 2]),
        ("Data: 'a*c'", [2]),
        ("Data|re: '^b'", [0, 1]),
        ("Data|re: 'b.$'", [0, 1]),
        ("Data|re: 'a[^x]+b'", [2]),
        ("Data|re: 'x*'", [0, 1, 2]),
        ("Data: null", [3]),
        ("Data: '*'", [0, 1, 2]),
        ("Data|contains|all: [a, c]", [0, 2]),
    ],
)
def test_any_of_several_values_matches_and_never_two_together(
    rule: MakeRule, said: str, expected: list[int]
) -> None:
    records = [
        exchange("a", "", "bX", "c"),
        exchange("", "bc"),
        exchange("a-b-c"),
        exchange("", ""),
    ]
    made = rule(f"s: {{{said}}}\ncondition: s", EXCHANGE)
    assert search(compile_rule(made, Site()), records) == expected
    others = [number for number in range(4) if number not in expected]
    made = rule(f"s: {{{said}}}\ncondition: not s", EXCHANGE)
    assert search(compile_rule(made, Site()), records) == others


def test_keywords_search_items_and_not_their_names(rule: MakeRule) -> None:
    made = rule("s: [Image, 'x<y']\ncondition: s", EXCHANGE)
    records = [exchange("a", "b"), exchange("IMAGE.exe"), exchange("x&lt;y"), exchange("x", "y")]
    records.append(row("Event", EventLog="MSExchange Management", EventData=xml(Image="z")))
    assert search(compile_rule(made, Site()), records) == [1, 2]


@pytest.mark.parametrize(
    ("data", "value"),
    [
        ("S:TIME=4;S:CMD=Get-X;S:URL=/u", "Get-X"),
        ("S:TIME=4;'S:CMD=Set-X.Url=''a;b''';S:URL=/u", "Set-X.Url='a;b'"),
        ("'S:CMD=q'", "q"),
        ("S:CMD=", None),
        ("S:TIME=4", None),
        ("S:SCMD=x;S:CMDX=y", None),
        ("'S:URL=/a;S:CMD=forged;';S:CMD=real", "real"),
    ],
)
def test_keys_of_the_ecp_log(rule: MakeRule, data: str, value: str | None) -> None:
    said = "null" if value is None else "'" + value.replace("'", "''") + "'"
    made = rule(f"s:\n  CMD: {said}\ncondition: s", ECP)
    assert search(compile_rule(made, Site()), [row("ExchangeEcpServer_CL", EventData=data)]) == [0]


def test_table_that_lacks_a_field_says_so(rule: MakeRule) -> None:
    made = rule("s: {Image: a}\nt: {CurrentDirectory: b}\ncondition: s or t", PROCESS)
    notes = compile_rule(made, Site()).notes
    assert any("DeviceProcessEvents" in n and "CurrentDirectory" in n for n in notes)


def test_table_on_which_nothing_can_match_is_left_out_with_a_note(rule: MakeRule) -> None:
    made = rule("s: {Image: a, CurrentDirectory: b}\ncondition: s", PROCESS)
    query = compile_rule(made, Site())
    assert query.sources == ("event", "windowsevent")
    assert any("DeviceProcessEvents" in n and "left out" in n for n in query.notes)


def test_rule_that_can_match_nowhere_is_refused(rule: MakeRule) -> None:
    made = rule("s: {x-forwarded-for: a}\ncondition: s")
    with pytest.raises(Refused, match="nothing matches"):
        compile_rule(made, Site())


def test_unknown_column_is_refused(rule: MakeRule) -> None:
    for logsource in ("{category: webserver}", "{product: windows, service: msexchange-httpproxy}"):
        with pytest.raises(Refused, match="NoSuchColumn"):
            compile_rule(rule("s: {NoSuchColumn: a}\ncondition: s", logsource), Site())


def test_category_is_one_event_in_one_leg_only(rule: MakeRule) -> None:
    made = rule("s: {Image: a}\ncondition: s", "{product: windows, service: sysmon}")
    assert SentinelReplay([sysmon(1, Image="a")]).search(compile_rule(made, Site())) == [(0,)]
    whole = rule("s: {EventID: 1}\ncondition: s", "{product: windows}")
    assert SentinelReplay([sysmon(1, Image="a")]).search(compile_rule(whole, Site())) == [(0,)]


def test_site_names_the_table(rule: MakeRule) -> None:
    site = Site(Path("site.yml"), {"sentinel": {"iis": {"table": "OurIis_CL"}}})
    BACKEND.check_site(site)
    text = BACKEND.compile(rule("s: {cs-method: POST}\ncondition: s"), site).text
    assert text.startswith("OurIis_CL\n")


@pytest.mark.parametrize("table", ["a b", "T | project x", "", "1a", "T;"])
def test_site_cannot_break_out_of_the_table_name(table: str) -> None:
    site = Site(Path("site.yml"), {"sentinel": {"iis": {"table": table}}})
    with pytest.raises(SiteError):
        BACKEND.check_site(site)


def test_catalogue_names_only_columns_that_it_declares() -> None:
    for source in catalogue():
        extra = source.extra
        columns = {
            c for part in ("columns", "prefer") for cs in extra.get(part, {}).values() for c in cs
        }
        columns |= set(extra.get("computed", {})) | set(extra.get("many", {}))
        assert set(extra.get("keywords", [])) <= columns
        if "items" not in extra:
            for feed in source.feeds:
                assert set(feed.fields.values()) <= columns

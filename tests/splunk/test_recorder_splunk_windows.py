"""What Splunk stores of Windows events in XML."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

import pytest

from hafnium.backends.splunk.recorder import record
from hafnium.entries import WindowsEvent
from hafnium.siem import Record

SYSMON = "Microsoft-Windows-Sysmon/Operational"
SYSTEM = {
    "Provider_Name": "Microsoft-Windows-Sysmon",
    "EventID": "1",
    "Version": "5",
    "Level": "4",
    "Channel": SYSMON,
    "Computer": "MAIL01.corp.example",
    "Execution_ProcessID": "3028",
    "Execution_ThreadID": "4052",
    "Security_UserID": "S-1-5-18",
}
CLASSIC = {
    "Provider_Name": "MSExchange CmdletLogs",
    "EventID": "1",
    "Qualifiers": "16384",
    "Channel": "MSExchange Management",
    "Computer": "MAIL01.corp.example",
}


def stored(
    system: dict[str, str],
    data: dict[str, Any] | None = None,
    unnamed: tuple[str, ...] = (),
    message: str | None = None,
) -> Record:
    data = data or {}
    fields = {**system, **data, **({"Message": message} if message else {})}
    texts = {name: v if isinstance(v, str) else "\n".join(v) for name, v in data.items()}
    time = datetime(2021, 3, 3, 6, 49, 58, 660000, tzinfo=UTC)
    (found,) = record(
        WindowsEvent(
            "winevent", "x.evtx", 1, time, "MAIL01.corp.example", fields, system, texts, unnamed,
            message,
        )
    )  # fmt: skip
    return found


def test_source_sourcetype_and_host_are_the_add_ons():
    found = stored(SYSTEM)
    assert found.fields["source"] == f"XmlWinEventLog:{SYSMON}"
    assert found.fields["sourcetype"] == "XmlWinEventLog"
    assert found.fields["host"] == "MAIL01"
    assert found.fields["_time"] == 1614754198.66


@pytest.mark.parametrize(
    ("channel", "path"),
    [
        (SYSMON, "sysmon"),
        ("Security", "security"),
        ("System", "system"),
        ("Application", "application"),
        ("MSExchange Management", "msexchange-management"),
        ("Microsoft-Windows-PowerShell/Operational", "powershell"),
        ("Microsoft-Windows-Windows Defender/Operational", "defender"),
        ("Windows PowerShell", "wineventlog"),
    ],
)
def test_the_channel_decides_the_data_source(channel: str, path: str):
    assert stored({**SYSTEM, "Channel": channel}).path == path


def test_system_fields_have_the_names_of_tags_and_attributes():
    found = stored(SYSTEM).fields
    assert (found["EventCode"], found["EventID"], found["Version"]) == ("1", "1", "5")
    assert (found["Name"], found["UserID"]) == ("Microsoft-Windows-Sysmon", "S-1-5-18")
    assert (found["ProcessID"], found["ThreadID"]) == ("3028", "4052")
    assert found["Computer"] == "MAIL01.corp.example"
    assert "Opcode" not in found


def test_a_classic_event_has_no_event_id_but_an_event_code():
    found = stored(CLASSIC).fields
    assert (found["EventCode"], found["Qualifiers"]) == ("1", "16384")
    assert "EventID" not in found


def test_entities_stay_as_they_stand_in_the_xml():
    command = "cmd /c \"a\" & b > c < d 'e' &amp; é"
    found = stored(SYSTEM, {"CommandLine": command}).fields
    assert found["CommandLine"] == "cmd /c \"a\" &amp; b &gt; c &lt; d 'e' &amp;amp; é"


def test_names_are_cleaned_and_empty_values_make_no_field():
    found = stored(SYSTEM, {"Threat Name": "x", "Empty": "", "_1a": "y"}).fields
    assert found["Threat_Name"] == "x"
    assert found["a"] == "y"
    assert "Empty" not in found


def test_a_name_that_comes_twice_becomes_a_multivalue():
    found = stored(SYSTEM, {"Version": "9", "Item": ("a", "b<")}).fields
    assert found["Version"] == ["5", "9"]
    assert found["Item"] == ["a", "b&lt;"]


def test_the_rendered_message_is_that_of_a_forwarded_event():
    found = stored(SYSTEM, message="a < b")
    assert found.fields["Message"] == "a &lt; b"
    assert "<RenderingInfo><Message>a &lt; b</Message></RenderingInfo>" in found.fields["_raw"]
    assert "Message" not in stored(SYSTEM).fields
    assert stored(SYSTEM, {"Message": "x"}).fields["Message"] == "x"


def test_unnamed_items_are_in_the_xml_and_a_multivalue():
    found = stored({**SYSTEM, "Channel": "Application"}, unnamed=("a & b", "", "c")).fields
    assert found["EventData_Xml"] == "<Data>a &amp; b</Data><Data></Data><Data>c</Data>"
    assert found["Data"] == ["a &amp; b", "c"]
    assert stored(SYSTEM, unnamed=("a",)).fields["Data"] == "a"


def test_cmdlet_items_have_names_and_are_decoded():
    items = [""] * 27
    items[0], items[1], items[6] = "Set-OabVirtualDirectory", "-Url <x>", "8372 w3wp#Pool"
    items[23], items[26] = "ActivityId: 1", "en-US"
    found = stored(CLASSIC, unnamed=tuple(items)).fields
    assert (found["Cmdlet"], found["Parameters"]) == ("Set-OabVirtualDirectory", "-Url <x>")
    assert (found["Process"], found["ActivityId"]) == ("8372 w3wp#Pool", "ActivityId: 1")
    assert found["Culture"] == "en-US"
    assert found["Data"] == [item for item in items if item]
    assert "Caller" not in found
    assert "-Url &lt;x&gt;" in found["EventData_Xml"]


HOSTILE = "a'b\"c<d>e&f\n\t\\é]]>"


def test_raw_is_xml_that_says_what_the_entry_said():
    raw = stored(SYSTEM, {"CommandLine": HOSTILE, "it's": "x"}, ("u<",)).fields["_raw"]
    space = "{http://schemas.microsoft.com/win/2004/08/events/event}"
    event = ElementTree.fromstring(raw)
    items = [(i.get("Name"), i.text) for i in event.iter(f"{space}Data")]
    assert items == [("CommandLine", HOSTILE), ("it's", "x"), (None, "u<")]
    assert event.findtext(f"{space}System/{space}Channel") == SYSMON
    created = event.find(f"{space}System/{space}TimeCreated")
    assert created is not None
    assert created.get("SystemTime") == "2021-03-03T06:49:58.6600000Z"


def test_fields_are_what_the_add_on_reads_from_the_raw_text():
    found = stored(SYSTEM, {"CommandLine": HOSTILE, "Image": r"C:\x.exe"}).fields
    system, data = re.fullmatch(
        r"<Event[^>]*><System>(.*)</System><EventData>(.*)</EventData></Event>",
        found["_raw"],
        re.DOTALL,
    ).groups()  # type: ignore[union-attr]
    tags = dict(re.findall(r"<(\w+)>([^<]*)</\1>", system))
    attributes = {n: v for n, v in re.findall(r"(\w+)='([^'<]*)'", system) if n != "SystemTime"}
    items = dict(re.findall(r"<\w+ Name='([^>]*)'>([^<]*)", data))
    read = {**tags, **attributes, **items, "EventData_Xml": data, "EventCode": tags["EventID"]}
    added = {"_raw", "_time", "host", "source", "sourcetype"}
    assert {n: v for n, v in found.items() if n not in added} == read

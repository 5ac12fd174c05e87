from __future__ import annotations

from datetime import UTC, datetime
from xml.sax.saxutils import escape

import pytest

from hafnium.entries import WindowsEvent
from hafnium.readers import MAX_LINE

NS = "xmlns='http://schemas.microsoft.com/win/2004/08/events/event'"
SYSTEM = (
    "<System><Provider Name='Microsoft-Windows-Sysmon' Guid='{5770385f-c22a-43e0'/>"
    "<EventID>1</EventID><Version>5</Version><Level>4</Level><Task>1</Task><Opcode>0</Opcode>"
    "<Keywords>0x8000000000000000</Keywords>"
    "<TimeCreated SystemTime='2021-03-03T06:50:01.1234567Z'/><EventRecordID>42</EventRecordID>"
    "<Correlation/><Execution ProcessID='1152' ThreadID='1764'/>"
    "<Channel>Microsoft-Windows-Sysmon/Operational</Channel><Computer>mail01.corp.example</Computer>"
    "<Security UserID='S-1-5-18'/></System>"
)
SYSMON = (
    f"<Event {NS}>{SYSTEM}<EventData><Data Name='RuleName'></Data>"
    "<Data Name='Image'>C:\\Windows\\System32\\cmd.exe</Data>"
    "<Data Name='CommandLine'>cmd /c &lt;whoami&gt; &amp; exit</Data><Data Name='User'/>"
    "</EventData></Event>"
)


def cmdlet(items, event_id=1, name="MSExchange CmdletLogs"):
    data = "".join(f"<Data>{escape(item)}</Data>" for item in items)
    return (
        f"<Event {NS}><System><Provider Name='{name}'/><EventID Qualifiers='16384'>{event_id}"
        "</EventID><Level>4</Level><Task>1</Task><Keywords>0x80000000000000</Keywords>"
        "<TimeCreated SystemTime='2021-03-03T06:51:00.000000000Z'/><EventRecordID>7</EventRecordID>"
        "<Channel>MSExchange Management</Channel><Computer>mail01.corp.example</Computer>"
        f"<Security/></System><EventData>{data}<Binary></Binary></EventData></Event>"
    )


ITEMS = [f"item{n}" for n in range(27)]
ITEMS[0], ITEMS[1] = (
    "Set-OabVirtualDirectory",
    '-ExternalUrl "http://f/<script language=""JScript"">"',
)
for empty in (7, 12, 13):
    ITEMS[empty] = ""


def test_system_and_named_items_become_fields(log_of):
    entry = log_of(SYSMON).only
    assert isinstance(entry, WindowsEvent)
    assert entry.kind == "winevent"
    assert entry.host == "mail01.corp.example"
    assert entry.time == datetime(2021, 3, 3, 6, 50, 1, 123456, tzinfo=UTC)
    assert entry.system == {
        "Provider_Name": "Microsoft-Windows-Sysmon",
        "EventID": "1",
        "Version": "5",
        "Level": "4",
        "Task": "1",
        "Opcode": "0",
        "Keywords": "0x8000000000000000",
        "EventRecordID": "42",
        "Execution_ProcessID": "1152",
        "Execution_ThreadID": "1764",
        "Channel": "Microsoft-Windows-Sysmon/Operational",
        "Computer": "mail01.corp.example",
        "Security_UserID": "S-1-5-18",
    }
    assert entry.data == {
        "Image": "C:\\Windows\\System32\\cmd.exe",
        "CommandLine": "cmd /c <whoami> & exit",
    }
    assert entry.fields == {**entry.system, **entry.data}


PRETTY = SYSMON.replace("><", ">\n  <")


@pytest.mark.parametrize(
    ("content", "positions"),
    [
        (SYSMON + SYSMON, [1, 1]),
        (SYSMON + "\r\n" + SYSMON + "\r\n", [1, 2]),
        (
            f"<?xml version='1.0' encoding='utf-8'?>\n<Events>\n{SYSMON}\n\n{SYSMON}</Events>",
            [3, 5],
        ),
        (PRETTY + "\n" + PRETTY, [1, PRETTY.count("\n") + 2]),
        (f"Record 1\n<?xml version='1.0'?>\n{SYSMON}\nRecord 2\n{SYSMON}\n", [3, 5]),
        (f"<Events><!-- <Eve -->{SYSMON}</Events>", [1]),
    ],
    ids=["bare", "lines", "root", "pretty", "records", "comment"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_events_are_found_whatever_stands_around_them(log_of, content, positions, encoding):
    found = log_of(content.encode(encoding))
    assert found.positions == positions
    assert set(found.values("CommandLine")) == {"cmd /c <whoami> & exit"}
    assert {"RuleName", "User"}.isdisjoint(found.entries[0].fields)
    assert not found.problems


def test_events_across_many_blocks_keep_their_lines(log_of):
    filler = SYSMON.replace("exit", "x" * 7000 + "\n" * 3)
    found = log_of((filler + "\n") * 200)
    assert found.positions == [1 + 4 * n for n in range(200)]


def test_management_items_have_names_and_stay_as_data(log_of):
    entry = log_of(cmdlet(ITEMS)).only
    assert entry.unnamed == tuple(ITEMS)
    assert entry.fields["Cmdlet"] == "Set-OabVirtualDirectory"
    assert entry.fields["Parameters"] == ITEMS[1]
    assert {name: entry.fields[name] for name in ("Caller", "CallerSid", "HostApplication")} == {
        "Caller": "item2",
        "CallerSid": "item3",
        "HostApplication": "item5",
    }
    assert (entry.fields["Process"], entry.fields["ThreadId"]) == ("item6", "item8")
    assert (entry.fields["Elapsed"], entry.fields["Scope"]) == ("item9", "item10")
    assert (entry.fields["Error"], entry.fields["ActivityId"]) == ("item11", "item23")
    assert entry.fields["Culture"] == "item26"
    assert entry.fields["Data"] == tuple(item for item in ITEMS if item)
    assert entry.fields["Qualifiers"] == "16384"
    assert entry.data == {}


@pytest.mark.parametrize("as_text", [True, False])
def test_items_that_an_exporter_put_into_one_are_taken_apart(log_of, as_text):
    parts = "".join(f"<string>{item}</string>\n" for item in ("New-X", '-Name "a"', ""))
    content = cmdlet(["@@"]).replace("@@", escape(parts) if as_text else parts)
    entry = log_of(content).only
    assert entry.unnamed == ("New-X", '-Name "a"', "")
    assert entry.fields["Parameters"] == '-Name "a"'


def test_a_parameter_that_only_mentions_the_tag_is_left_alone(log_of):
    entry = log_of(cmdlet(["say <string>x</string> twice"])).only
    assert entry.unnamed == ("say <string>x</string> twice",)


def test_unnamed_items_of_other_providers_get_no_names(log_of):
    content = cmdlet(["a", "b"], name="MsiInstaller").replace(
        "MSExchange Management", "Application"
    )
    entry = log_of(content).only
    assert entry.fields["Data"] == ("a", "b")
    assert "Cmdlet" not in entry.fields


def test_rendered_xml_gives_the_message(log_of):
    rendering = (
        "<RenderingInfo Culture='en-US'><Message>Process Create:\nImage: x</Message>"
        "<Level>Information</Level></RenderingInfo></Event>"
    )
    entry = log_of(SYSMON.replace("</Event>", rendering)).only
    assert entry.message == entry.fields["Message"] == "Process Create:\nImage: x"
    assert entry.fields["Level"] == "4"


def test_user_data_leaves_become_fields(log_of):
    user = (
        "<UserData><LogFileCleared xmlns='http://x'><SubjectUserName>ann</SubjectUserName>"
        "<Inner><Deep>1</Deep></Inner></LogFileCleared></UserData></Event>"
    )
    entry = log_of(f"<Event {NS}>{SYSTEM}{user}").only
    assert entry.data == {"SubjectUserName": "ann", "Deep": "1"}


def test_an_item_that_occurs_twice_keeps_both_values(log_of):
    twice = "<Data Name='Image'>C:\\other.exe</Data></EventData>"
    entry = log_of(SYSMON.replace("</EventData>", twice)).only
    assert entry.fields["Image"] == ("C:\\Windows\\System32\\cmd.exe", "C:\\other.exe")
    assert entry.data["Image"] == "C:\\Windows\\System32\\cmd.exe\nC:\\other.exe"


def test_what_an_event_is_stays_with_its_system_block(log_of):
    item = '<Data Name="EventID">4616</Data><Data Name="Channel">Other</Data><Data Name="Image">'
    event = log_of(SYSMON.replace('<Data Name="Image">', item).replace("<Data Name='Image'>", item))
    assert (event.only.fields["EventID"], event.only.fields["Channel"]) == (
        "1",
        "Microsoft-Windows-Sysmon/Operational",
    )
    assert event.only.data["EventID"] == "4616"


def test_a_data_item_wins_over_a_system_name(log_of):
    entry = log_of(SYSMON.replace("Name='Image'", "Name='Level'")).only
    assert entry.fields["Level"] == "C:\\Windows\\System32\\cmd.exe"
    assert entry.system["Level"] == "4"


LAUGHS = "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 10))
BOMB = f"<?xml version='1.0'?>\n<!DOCTYPE e [<!ENTITY a0 'ha'>{LAUGHS}]>\n"
FILE = "<!DOCTYPE e [<!ENTITY a9 SYSTEM 'file:///etc/hostname'>]>\n"


@pytest.mark.parametrize("declaration", [BOMB, FILE], ids=["billion laughs", "external"])
def test_entities_are_never_expanded(log_of, declaration):
    evil = SYSMON.replace("cmd /c", "&a9;")
    found = log_of(f"{declaration}<Events>\n{SYSMON}\n{evil}\n{SYSMON}\n</Events>")
    assert len(found.entries) == 2
    assert set(found.values("CommandLine")) == {"cmd /c <whoami> & exit"}
    assert [("declaration" in p.reason, "valid XML" in p.reason) for p in found.problems] == [
        (True, False),
        (False, True),
    ]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("a\x01b", "a\ufffdb"),
        ("a&#x1;b&#0;c&#xD800;&#65;", "a\ufffdb\ufffdc\ufffdA"),
        ("caf\udce9", "caf\ufffd"),
    ],
)
def test_characters_that_xml_forbids_are_replaced(log_of, text, read):
    content = SYSMON.replace("exit", text).encode("utf-8", "surrogateescape")
    assert log_of(content).only.fields["CommandLine"] == f"cmd /c <whoami> & {read}"


def test_broken_and_unfinished_events_are_named_and_the_rest_is_read(log_of):
    broken = SYSMON.replace("</Data>", "", 1)
    found = log_of(f"{SYSMON}\n{broken}\n{SYSMON}\n{SYSMON[:200]}")
    assert found.positions == [1, 3]
    assert [p.line for p in found.problems] == [2, 4]


def test_an_endless_event_is_one_error(log_of):
    long = SYSMON.replace("exit", "x\n" * MAX_LINE)
    found = log_of(f"{SYSMON}\n{long}\n{SYSMON}\n")
    assert found.positions == [1, long.count("\n") + 3]
    (problem,) = found.problems
    assert problem.line == 2

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from hafnium.entries import WindowsEvent
from hafnium.readers import jsontext

TIME = datetime(2021, 3, 3, 6, 50, 1, 123000, tzinfo=UTC)
NESTED = {
    "Event": {
        "#attributes": {"xmlns": "http://schemas.microsoft.com/win/2004/08/events/event"},
        "System": {
            "Provider": {"#attributes": {"Name": "Microsoft-Windows-Sysmon", "Guid": "x"}},
            "EventID": 1,
            "Version": 5,
            "Level": 4,
            "Task": 1,
            "Opcode": 0,
            "Keywords": "0x8000000000000000",
            "TimeCreated": {"#attributes": {"SystemTime": "2021-03-03T06:50:01.123000Z"}},
            "EventRecordID": 42,
            "Correlation": None,
            "Execution": {"#attributes": {"ProcessID": 1152, "ThreadID": 1764}},
            "Channel": "Microsoft-Windows-Sysmon/Operational",
            "Computer": "mail01",
            "Security": {"#attributes": {"UserID": "S-1-5-18"}},
        },
        "EventData": {
            "RuleName": "",
            "ProcessId": 2404,
            "Initiated": True,
            "Image": "C:\\x.exe",
            "User": None,
            "Ratio": 1.50,
        },
    }
}
FLAT = {
    "SourceName": "Microsoft-Windows-Sysmon",
    "EventID": 1,
    "Version": 5,
    "Task": 1,
    "Keywords": -9223372036854775808,
    "OpcodeValue": 0,
    "Opcode": "Info",
    "RecordNumber": 42,
    "EventType": "INFO",
    "Severity": "INFO",
    "SeverityValue": 2,
    "ExecutionProcessID": 1152,
    "ThreadID": 1764,
    "Channel": "Microsoft-Windows-Sysmon/Operational",
    "Hostname": "mail01",
    "UserID": "S-1-5-18",
    "AccountType": "User",
    "AccountName": "SYSTEM",
    "port": 6,
    "tags": [],
    "host": "collector",
    "SourceModuleName": "eventlog",
    "EventTime": "2021-03-03 01:50:01",
    "@timestamp": "2021-03-03T01:50:02Z",
    "UtcTime": "2021-03-03 06:50:01.123",
    "ProcessId": "2404",
    "Initiated": "true",
    "Image": "C:\\x.exe",
    "Message": "Process Create",
}
WINLOGBEAT = {
    "@timestamp": "2021-03-03T06:50:01.123Z",
    "event": {"code": 1, "provider": "Microsoft-Windows-Sysmon"},
    "log": {"level": "information"},
    "host": {"name": "MAIL01"},
    "message": "Process Create",
    "winlog": {
        "provider_name": "Microsoft-Windows-Sysmon",
        "event_id": 1,
        "record_id": 42,
        "version": 5,
        "opcode": "Info",
        "task": "Process Create (rule: ProcessCreate)",
        "channel": "Microsoft-Windows-Sysmon/Operational",
        "computer_name": "mail01",
        "process": {"pid": 1152, "thread": {"id": 1764}},
        "user": {"identifier": "S-1-5-18"},
        "event_data": {"ProcessId": "2404", "Initiated": "true", "Image": "C:\\x.exe"},
    },
}
SYSTEM = {
    "Provider_Name": "Microsoft-Windows-Sysmon",
    "EventID": "1",
    "Version": "5",
    "Level": "4",
    "Opcode": "0",
    "EventRecordID": "42",
    "Execution_ProcessID": "1152",
    "Execution_ThreadID": "1764",
    "Computer": "mail01",
    "Channel": "Microsoft-Windows-Sysmon/Operational",
    "Security_UserID": "S-1-5-18",
}


@pytest.mark.parametrize("shape", [NESTED, FLAT, WINLOGBEAT], ids=["nested", "flat", "winlogbeat"])
def test_the_three_shapes_say_the_same(log_of, shape):
    entry = log_of(json.dumps(shape)).only
    assert isinstance(entry, WindowsEvent)
    assert entry.time == TIME
    assert entry.host == "mail01"
    assert SYSTEM.items() <= entry.system.items()
    data = {k: v for k, v in entry.data.items() if k not in ("UtcTime", "Ratio")}
    assert data == {"ProcessId": "2404", "Initiated": "true", "Image": "C:\\x.exe"}
    assert entry.message == (None if shape is NESTED else "Process Create")


def test_keywords_are_written_as_windows_does(log_of):
    assert log_of(json.dumps(FLAT)).only.system["Keywords"] == "0x8000000000000000"


def test_numbers_keep_their_text_and_the_empty_is_absent(log_of):
    line = json.dumps(NESTED).replace("1.5", "1.50").replace("2404", "123456789012345678901")
    entry = log_of(line.replace('"RuleName": ""', '"RuleName": 1e3')).only
    assert entry.data["Ratio"] == "1.50"
    assert entry.data["ProcessId"] == "123456789012345678901"
    assert entry.data["RuleName"] == "1000"
    assert "User" not in entry.fields


@pytest.mark.parametrize("digits", [5000, 400_000])
def test_absurd_numbers_do_no_harm(log_of, digits):
    line = json.dumps(NESTED).replace("2404", "9" * digits).replace("1.5", "1e999999999")
    entry = log_of(line).only
    assert len(entry.data["ProcessId"]) == digits
    assert entry.data["Ratio"] == "1e999999999"


@pytest.mark.parametrize(
    "layout",
    [
        "\r\n".join,
        lambda lines: "[" + ",".join(lines) + "]",
        lambda lines: "[\n" + ",\n".join(lines) + "\n]\n",
        lambda lines: "\n".join(json.dumps(json.loads(line), indent=2) for line in lines),
        lambda lines: json.dumps([json.loads(line) for line in lines], indent=1),
        lambda lines: "".join(f"Record {n}\n{line}\n" for n, line in enumerate(lines)),
    ],
    ids=["lines", "array in a line", "array of lines", "pretty", "pretty array", "records"],
)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_objects_are_found_in_any_layout(log_of, layout, encoding):
    text = layout([json.dumps(NESTED), json.dumps(FLAT), json.dumps(WINLOGBEAT)])
    found = log_of(text.encode(encoding))
    assert found.values("Image") == ["C:\\x.exe"] * 3
    assert not found.problems
    lines = text.split("\n")
    for entry in found.entries:
        assert "{" in lines[entry.position - 1]


def test_braces_and_quotes_in_strings_do_not_matter(log_of):
    value = json.loads(json.dumps(NESTED))
    value["Event"]["EventData"]["Image"] = '}}{"\\" {'
    found = log_of(json.dumps(value, indent=1) + "\n" + json.dumps(NESTED))
    assert found.values("Image") == ['}}{"\\" {', "C:\\x.exe"]


@pytest.mark.parametrize(
    ("provider", "data", "image"),
    [
        ({"@attributes": {"Name": "P"}}, {"Data": [{"@Name": "Image", "#text": "a"}]}, "a"),
        ({"@Name": "P"}, {"Data": [{"@attributes": {"Name": "Image"}, "#text": "a"}]}, "a"),
        ({"Name": "P"}, {"Data": {"#attributes": {"Name": "Image"}, "#text": "a"}}, "a"),
        ({"Name": "P"}, {"Image": "a", "Image_1": "b", "Other_1": "c"}, ("a", "b")),
        ({"Name": "P"}, {"Image": ["a", "b"]}, ("a", "b")),
    ],
)
def test_attributes_and_names_in_other_spellings(log_of, provider, data, image):
    value = json.loads(json.dumps(NESTED))
    value["Event"]["System"]["Provider"] = provider
    value["Event"]["EventData"] = data
    entry = log_of(json.dumps(value)).only
    assert entry.fields["Image"] == image
    assert entry.fields["Provider_Name"] == "P"


@pytest.mark.parametrize(
    "data",
    [
        {"Data": {"#text": ["New-X", "-Name a", "", "s"]}, "Binary": None},
        {"Data": ["New-X", "-Name a", "", "s"]},
        ["New-X", "-Name a", "", "s"],
        {"Data": "<string>New-X</string>\n<string>-Name a</string>\n<string/><string>s</string>"},
    ],
)
def test_unnamed_items_of_exchange_get_names(log_of, data):
    value = json.loads(json.dumps(NESTED))
    value["Event"]["System"]["Channel"] = "MSExchange Management"
    value["Event"]["System"]["EventID"] = {"#attributes": {"Qualifiers": 16384}, "#text": 1}
    value["Event"]["EventData"] = data
    entry = log_of(json.dumps(value)).only
    assert entry.unnamed == ("New-X", "-Name a", "", "s")
    assert entry.fields["Data"] == ("New-X", "-Name a", "s")
    assert (entry.fields["Cmdlet"], entry.fields["CallerSid"]) == ("New-X", "s")
    assert (entry.fields["EventID"], entry.fields["Qualifiers"]) == ("1", "16384")


def test_an_event_without_data_has_no_unnamed_item(log_of):
    value = json.loads(json.dumps(NESTED))
    value["Event"]["EventData"] = None
    value["Event"]["UserData"] = {
        "Cleared": {"#attributes": {"xmlns": "x"}, "SubjectUserName": "a"}
    }
    entry = log_of(json.dumps(value)).only
    assert entry.unnamed == ()
    assert entry.data == {"SubjectUserName": "a"}


def test_winlogbeat_params_take_their_places_again(log_of):
    value = json.loads(json.dumps(WINLOGBEAT))
    value["winlog"]["provider_name"] = "MSExchange CmdletLogs"
    value["winlog"]["event_data"] = {"param6": "host", "param1": "New-X", "param2": "-Name a"}
    entry = log_of(json.dumps(value)).only
    assert entry.unnamed == ("New-X", "-Name a", "", "", "", "host")
    assert entry.fields["HostApplication"] == "host"


def test_params_of_a_provider_that_names_them_so_stay_named(log_of):
    value = json.loads(json.dumps(WINLOGBEAT))
    value["winlog"]["provider_name"] = "Service Control Manager"
    value["winlog"]["event_data"] = {"param1": "Spooler"}
    entry = log_of(json.dumps(value)).only
    assert entry.data == {"param1": "Spooler"}


def test_search_hits_and_dotted_names_are_winlogbeat_too(log_of):
    dotted = {
        "@timestamp": "2021-03-03T06:50:01.123Z",
        "winlog.event_id": "1",
        "winlog.computer_name": ["mail01"],
        "winlog.event_data.Image": ["C:\\x.exe"],
    }
    found = log_of(json.dumps({"_source": WINLOGBEAT}) + "\n" + json.dumps(dotted))
    assert found.values("Image") == ["C:\\x.exe"] * 2
    assert [entry.host for entry in found.entries] == ["mail01"] * 2


@pytest.mark.parametrize(
    ("level", "channel", "number"),
    [("information", "Security", "0"), ("error", "Application", "2"), ("warning", "System", "3")],
)
def test_level_names_become_numbers(log_of, level, channel, number):
    value = json.loads(json.dumps(WINLOGBEAT))
    value["log"]["level"], value["winlog"]["channel"] = level, channel
    value["winlog"]["keywords"] = ["Audit Failure"]
    entry = log_of(json.dumps(value)).only
    assert entry.system["Level"] == number
    assert entry.system["Keywords"] == "0x8010000000000000"


AZURE = {
    "TenantId": "t",
    "TimeGenerated": "2021-03-03T06:50:01.123Z",
    "Computer": "mail01",
    "EventID": 4688,
    "Channel": "Security",
    "_ResourceId": "/x",
    "MG": "m",
    "Activity": "4688",
}


@pytest.mark.parametrize(
    "row",
    [
        {"Type": "SecurityEvent", "EventSourceName": "P", "NewProcessName": "x", "Account": "A\\b"},
        {"Type": "WindowsEvent", "Provider": "P", "EventData": '{"NewProcessName": "x"}'},
        {"Type": "WindowsEvent", "Provider": "P", "EventData": {"NewProcessName": "x"}},
        {
            "Type": "SecurityEvent",
            "EventSourceName": "P",
            "EventData": "<EventData xmlns='n'>\n<Data Name='NewProcessName'>x</Data></EventData>",
        },
    ],
)
def test_rows_of_azure_tables_are_events(log_of, row):
    entry = log_of(json.dumps(AZURE | row)).only
    assert entry.data == {"NewProcessName": "x"}
    assert entry.time == TIME
    assert entry.fields["Provider_Name"] == "P"
    assert entry.host == "mail01"


def test_parameters_of_the_event_table_are_unnamed_items(log_of):
    row = {
        "Type": "Event",
        "Source": "MSExchange CmdletLogs",
        "EventLog": "MSExchange Management",
        "EventID": 1,
        "Channel": None,
        "RenderedDescription": "Cmdlet suceeded.",
        "ParameterXml": "<Param>New-X</Param><Param>-a &lt;b&gt; &quot;c&quot;</Param><Param/>",
    }
    entry = log_of(json.dumps(AZURE | row)).only
    assert entry.unnamed == ("New-X", '-a <b> "c"', "")
    assert entry.fields["Parameters"] == '-a <b> "c"'
    assert entry.fields["Channel"] == "MSExchange Management"
    assert entry.message == "Cmdlet suceeded."


def test_entities_in_the_event_data_of_a_row_are_not_expanded(log_of):
    text = "<!DOCTYPE e [<!ENTITY a 'x'>]><EventData><Data Name='N'>&a;</Data></EventData>"
    row = {"Type": "SecurityEvent", "EventSourceName": "P", "EventData": text}
    entry = log_of(json.dumps(AZURE | row)).only
    assert entry.data == {"EventData": text}


@pytest.mark.parametrize(
    ("changes", "time"),
    [
        ({"EventTime": "2021-03-03 01:50:01", "@timestamp": "2021-03-03T06:50:01.123Z"}, TIME),
        ({"EventTime": "2021-03-03T08:50:01.123+02:00", "@timestamp": None}, TIME),
        ({"EventTime": "2021-03-03 06:50:01.123", "@timestamp": None}, TIME),
        ({"EventTime": None, "@timestamp": "soon"}, None),
    ],
)
def test_without_sysmon_a_time_with_a_zone_is_preferred(log_of, changes, time):
    value = {**FLAT, "SourceName": "Other", "Channel": "Application", **changes}
    assert log_of(json.dumps(value)).only.time == time


def test_broken_foreign_and_unfinished_objects_are_named_and_the_rest_is_read(log_of):
    good = json.dumps(NESTED)
    found = log_of(
        "\n".join([good, good[:-9], good, '{"Timestamp": "x"}', "{bad}", "text", good, good[:40]])
    )
    assert found.positions == [1, 3, 7]
    assert sorted((p.line, p.reason.split(" ")[0]) for p in found.problems) == [
        (2, "unfinished"),
        (4, "JSON"),
        (5, "broken"),
        (6, "no"),
        (8, "unfinished"),
    ]


def test_half_characters_and_raw_control_characters_are_read(log_of):
    line = json.dumps(NESTED).replace("x.exe", "\\ud83d\\ude00\\ud800\x01")
    assert log_of(line).only.data["Image"] == "C:\\\U0001f600\ufffd\x01"


def test_deep_nesting_is_one_error(log_of):
    deep = json.dumps(NESTED).replace("null", '{"a":' * 100_000 + "1" + "}" * 100_000, 1)
    found = log_of(deep + "\n" + json.dumps(NESTED))
    assert found.positions == [2]
    assert len(found.problems) == 1


def test_an_endless_object_is_one_error(log_of, monkeypatch):
    monkeypatch.setattr(jsontext, "MAX_LINE", 1 << 16)
    good = json.dumps(NESTED)
    long = '{"EventID": 1,\n' + '"a": "b",\n' * (1 << 13)
    found = log_of(f"{good}\n{long}{good}\n")
    assert found.positions == [1, 3 + long.count("\n") - 1]
    assert [p.line for p in found.problems] == [2]

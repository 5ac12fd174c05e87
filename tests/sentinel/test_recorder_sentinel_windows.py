"""What Sentinel stores of Windows events."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

import pytest

from hafnium.backends.sentinel.recorder import record
from hafnium.backends.sentinel.tables import columns
from hafnium.entries import WindowsEvent
from hafnium.siem import Record

SYSMON = {
    "Provider_Name": "Microsoft-Windows-Sysmon",
    "Version": "5",
    "Level": "4",
    "Task": "1",
    "Channel": "Microsoft-Windows-Sysmon/Operational",
    "Computer": "MAIL01.corp.example",
    "EventRecordID": "7",
    "Security_UserID": "S-1-5-18",
    "Execution_ProcessID": "3028",
}
SECURITY = {
    "Provider_Name": "Microsoft-Windows-Security-Auditing",
    "Level": "0",
    "Task": "13312",
    "Channel": "Security",
    "Computer": "MAIL01.corp.example",
}
CMDLETS = {
    "Provider_Name": "MSExchange CmdletLogs",
    "EventID": "1",
    "Level": "4",
    "Qualifiers": "16384",
    "Channel": "MSExchange Management",
    "Computer": "MAIL01.corp.example",
}
TIME = datetime(2021, 3, 3, 6, 49, 58, 660000, tzinfo=UTC)


def recorded(
    system: dict[str, str],
    data: dict[str, Any] | None = None,
    unnamed: tuple[str, ...] = (),
    message: str | None = None,
    more: dict[str, Any] | None = None,
) -> dict[str, Record]:
    """The records of an event by their path."""
    data = data or {}
    fields = {**system, **data, **(more or {})}
    if unnamed:
        fields["Data"] = tuple(value for value in unnamed if value)
    if message:
        fields["Message"] = message
    texts = {name: v if isinstance(v, str) else "\n".join(v) for name, v in data.items()}
    event = WindowsEvent(
        "winevent", "x.evtx", 1, TIME, "mail01", fields, system, texts, unnamed, message
    )
    found = {made.path: made for made in record(event)}
    for made in found.values():
        assert set(made.fields) <= set(columns(made.store))
        assert made.fields["TimeGenerated"] == TIME
    return found


def items(xml: str) -> list[tuple[str | None, str]]:
    """Name and text of every Data element, by a real XML parser."""
    found = ElementTree.fromstring(xml).iter(
        "{http://schemas.microsoft.com/win/2004/08/events/event}Data"
    )
    return [(element.get("Name"), element.text or "") for element in found]


def test_the_usual_way_comes_first():
    assert list(recorded({**SYSMON, "EventID": "1"})) == [
        "event", "windowsevent", "defender-process",
    ]  # fmt: skip
    assert list(recorded({**SYSMON, "EventID": "11"})) == ["event", "windowsevent", "defender-file"]
    assert list(recorded({**SYSMON, "EventID": "3"})) == ["event", "windowsevent"]
    assert list(recorded({**SECURITY, "EventID": "4688"})) == ["securityevent", "windowsevent"]
    assert list(recorded(CMDLETS, unnamed=("a",))) == ["event"]


@pytest.mark.parametrize(
    "value", ["a<b>&\"c'", "tab\there", "line\nbreak", "Zürich", "]]>", "", "%%1936 \\ * ? $ | { }"]
)
def test_event_data_is_xml_that_reads_back(value: str):
    row = recorded({**SYSMON, "EventID": "3"}, {"Image": value, 'odd"name': "x"})["event"].fields
    assert items(row["EventData"]) == [("Image", value), ('odd"name', "x")]
    assert row["EventData"].startswith('<DataItem type="System.XmlData" time="2021-03-03T06:49:58.')


def test_event_columns_are_typed_and_named_by_the_agent():
    found = recorded({**SYSMON, "EventID": "1"}, {"Image": "C:\\x.exe"}, message="Process Create")
    row = found["event"].fields
    assert row["EventID"] == 1
    assert row["EventLevel"] == 4
    assert row["EventLevelName"] == "Information"
    assert row["EventLog"] == SYSMON["Channel"]
    assert row["Source"] == SYSMON["Provider_Name"]
    assert row["UserName"] == r"NT AUTHORITY\SYSTEM"
    assert row["RenderedDescription"] == "Process Create"
    assert row["ParameterXml"] == "<Param>C:\\x.exe</Param>"
    lost = {"EventRecordID", "Version", "Security_UserID", "Execution_ProcessID"}
    assert found["event"].lost == lost


def test_event_keeps_unnamed_items_in_order_with_the_empty_ones():
    unnamed = ("Set-OabVirtualDirectory", '-ExternalUrl "http://o/#<script>"', "", "x")
    more = {"Cmdlet": unnamed[0], "Parameters": unnamed[1]}
    found = recorded(CMDLETS, unnamed=unnamed, more=more)["event"]
    assert [value for _, value in items(found.fields["EventData"])] == list(unnamed)
    assert found.fields["ParameterXml"].startswith("<Param>Set-OabVirtualDirectory</Param><Param>-")
    assert "&lt;script&gt;" in found.fields["ParameterXml"]
    assert found.lost == {"Qualifiers"}


def test_event_repeats_an_item_with_several_values():
    found = recorded({**SYSMON, "EventID": "3"}, {"Ip": ("a", "b")})
    assert items(found["event"].fields["EventData"]) == [("Ip", "a"), ("Ip", "b")]
    assert "Ip" in found["windowsevent"].lost
    assert "EventData" not in found["windowsevent"].fields


def test_windows_event_has_the_named_items_as_a_mapping():
    data = {"Image": "C:\\x.exe", "UtcTime": "2021-03-03 06:49:58.659", "RuleName": "-"}
    found = recorded({**SYSMON, "EventID": "3", "Task": "3"}, data)["windowsevent"]
    assert found.fields["EventData"] == {
        "Image": "C:\\x.exe", "UtcTime": "2021-03-03T06:49:58.6590000Z", "RuleName": "-",
    }  # fmt: skip
    assert found.fields["Task"] == 1
    assert found.fields["EventRecordId"] == "7"
    assert found.fields["SystemProcessId"] == 3028
    assert found.lost == {"UtcTime", "Task"}


PROCESS = {
    "SubjectUserSid": "S-1-5-19",
    "SubjectUserName": "LOCAL SERVICE",
    "SubjectDomainName": "NT AUTHORITY",
    "SubjectLogonId": "0x3e5",
    "NewProcessId": "0x824",
    "NewProcessName": r"C:\Windows\System32\cmd.exe",
    "TokenElevationType": "%%1936",
    "ProcessId": "0xf60",
    "CommandLine": 'cmd /c "x"',
    "TargetUserName": "-",
    "TargetDomainName": "-",
    "ParentProcessName": r"C:\tomcat9.exe",
}


def test_security_4688_has_columns_and_no_xml():
    found = recorded({**SECURITY, "EventID": "4688"}, PROCESS)["securityevent"]
    row = found.fields
    assert {name: row[name] for name in PROCESS} == PROCESS
    assert row["EventID"] == 4688
    assert row["Activity"] == "4688 - A new process has been created."
    assert row["Account"] == row["SubjectAccount"] == r"NT AUTHORITY\LOCAL SERVICE"
    assert row["AccountType"] == "Machine"
    assert row["TargetAccount"] == "-\\-"
    assert row["Process"] == "cmd.exe"
    assert row["EventSourceName"] == SECURITY["Provider_Name"]
    assert "EventData" not in row
    assert found.lost == {"Task"}


def test_security_items_without_a_column_are_in_the_xml_only():
    data = {"TaskName": r"\Winnet", "TaskContent": "<Task/>", "SubjectUserName": "adm"}
    found = recorded({**SECURITY, "EventID": "4698"}, data)["securityevent"]
    assert "TaskName" not in found.fields
    assert found.fields["SubjectUserName"] == "adm"
    assert items(found.fields["EventData"]) == list(data.items())
    assert found.fields["EventData"].startswith("<EventData xmlns=")
    assert "\r\n  <Data " in found.fields["EventData"]
    assert found.lost == {"Task"}


def test_security_4656_has_no_columns():
    found = recorded({**SECURITY, "EventID": "4656"}, {"ObjectName": "x", "AccessMask": "0x1"})
    assert "ObjectName" not in found["securityevent"].fields
    assert items(found["securityevent"].fields["EventData"])[0] == ("ObjectName", "x")


def test_security_number_columns_take_numbers_only():
    logon = {"LogonType": "3", "KeyLength": "x", "TargetUserName": "a$", "TargetDomainName": "D"}
    found = recorded({**SECURITY, "EventID": "4624"}, logon)["securityevent"]
    assert found.fields["LogonType"] == 3
    assert "KeyLength" not in found.fields
    assert found.fields["Account"] == "D\\a$"
    assert found.lost == {"Task"}


SYSMON_PROCESS = {
    "UtcTime": "2021-03-03 06:49:58.659",
    "ProcessId": "2084",
    "Image": r"C:\Windows\System32\CMD.exe",
    "CommandLine": "cmd /c whoami",
    "CurrentDirectory": "C:\\",
    "User": r"NT AUTHORITY\SYSTEM",
    "LogonId": "0x3e7",
    "Hashes": "SHA1=AB,MD5=CD,SHA256=EF,IMPHASH=01",
    "OriginalFileName": "Cmd.Exe",
    "ParentImage": r"C:\Windows\System32\inetsrv\W3WP.exe",
    "ParentCommandLine": "w3wp -ap",
    "ParentProcessId": "10",
}


def test_defender_process_events():
    found = recorded({**SYSMON, "EventID": "1"}, SYSMON_PROCESS)["defender-process"]
    assert found.store == "DeviceProcessEvents"
    row = found.fields
    assert row["ActionType"] == "ProcessCreated"
    assert row["DeviceName"] == "mail01.corp.example"
    assert row["FileName"] == "CMD.exe"
    assert row["FolderPath"] == SYSMON_PROCESS["Image"]
    assert row["ProcessId"] == 2084
    assert row["LogonId"] == 999
    assert (row["AccountDomain"], row["AccountName"]) == ("nt authority", "system")
    assert (row["SHA1"], row["MD5"], row["SHA256"]) == ("ab", "cd", "ef")
    assert row["InitiatingProcessFileName"] == "W3WP.exe"
    assert row["InitiatingProcessFolderPath"] == r"c:\windows\system32\inetsrv\w3wp.exe"
    assert row["InitiatingProcessCommandLine"] == "w3wp -ap"
    assert row["InitiatingProcessId"] == 10
    kept = set(SYSMON_PROCESS) - found.lost
    assert kept == {
        "ProcessId", "Image", "CommandLine", "User", "OriginalFileName", "ParentImage",
        "ParentCommandLine", "ParentProcessId",
    }  # fmt: skip
    assert "EventID" in found.lost
    assert "Computer" not in found.lost


def test_defender_file_events_include_the_name_in_the_path():
    data = {"Image": r"C:\w3wp.exe", "TargetFilename": r"C:\owa\auth\x.aspx", "ProcessId": "4"}
    found = recorded({**SYSMON, "EventID": "11"}, data)["defender-file"]
    assert found.fields["FolderPath"] == r"C:\owa\auth\x.aspx"
    assert found.fields["FileName"] == "x.aspx"
    assert found.fields["ActionType"] == "FileCreated"
    assert not {"Image", "TargetFilename", "ProcessId"} & found.lost


def test_a_file_written_by_the_kernel_has_no_path_of_its_writer():
    data = {"Image": "System", "TargetFilename": r"C:\x.aspx"}
    found = recorded({**SYSMON, "EventID": "11"}, data)["defender-file"]
    assert found.fields["InitiatingProcessFileName"] == "System"
    assert "InitiatingProcessFolderPath" not in found.fields
    assert "Image" in found.lost

"""Windows events as Elastic's agents and pipelines store them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from hafnium.backends.elastic.recorder import record
from hafnium.backends.elastic.recorder_document import arguments
from hafnium.entries import Value, WindowsEvent
from hafnium.siem import Record

TIME = datetime(2021, 3, 3, 6, 49, 59, 5000, tzinfo=UTC)
SYSMON = ("Microsoft-Windows-Sysmon/Operational", "Microsoft-Windows-Sysmon")
SECURITY = ("Security", "Microsoft-Windows-Security-Auditing")
POWERSHELL = ("Microsoft-Windows-PowerShell/Operational", "Microsoft-Windows-PowerShell")


def records(
    source: tuple[str, str], event_id: int, data: dict[str, str], *unnamed: str, **more: Any
) -> dict[str, Record]:
    channel, provider = source
    system = {
        "Provider_Name": provider,
        "EventID": str(event_id),
        "Channel": channel,
        "Computer": "MAIL01.corp.example",
        "Level": "4",
        "Task": "1",
        "Keywords": "0x8020000000000000",
        "Security_UserID": "S-1-5-18",
    }
    fields: dict[str, Value] = {**system, **data}
    texts = tuple(text for text in unnamed if text)
    if texts:
        fields["Data"] = texts
    entry = WindowsEvent(
        "winevent", "a", 1, TIME, "MAIL01", fields, system, data, unnamed, more.get("message")
    )
    return {found.path: found for found in record(entry)}


def sysmon(event_id: int, **data: str) -> Record:
    return records(SYSMON, event_id, data)["sysmon"]


def event_data(found: Record) -> dict[str, Any]:
    return {
        k.removeprefix("winlog.event_data."): v
        for k, v in found.fields.items()
        if k.startswith("winlog.event_data.")
    }


PROCESS = {
    "RuleName": "-",
    "UtcTime": "2021-03-03 06:49:58.659",
    "ProcessGuid": "{A}",
    "ProcessId": "4321",
    "Image": "C:\\Windows\\System32\\cmd.exe",
    "Description": "Windows Command Processor",
    "OriginalFileName": "Cmd.Exe",
    "CommandLine": '"cmd" /c whoami',
    "CurrentDirectory": "c:\\windows\\system32\\inetsrv\\",
    "User": "NT AUTHORITY\\SYSTEM",
    "LogonId": "0x3e7",
    "IntegrityLevel": "System",
    "Hashes": "MD5=ABCD,SHA256=EF01,IMPHASH=0000",
    "ParentProcessId": "99",
    "ParentImage": "C:\\Windows\\System32\\inetsrv\\w3wp.exe",
    "ParentCommandLine": 'w3wp.exe -ap "MSExchangeOWAAppPool"',
}


def test_sysmon_moves_what_has_an_ecs_field() -> None:
    found = sysmon(1, **PROCESS)
    wanted = {
        "@timestamp": "2021-03-03T06:49:58.659Z",
        "event.action": "Process creation",
        "event.category": ["process"],
        "event.code": "1",
        "event.provider": "Microsoft-Windows-Sysmon",
        "host.name": "MAIL01",
        "process.args": ["cmd", "/c", "whoami"],
        "process.command_line": '"cmd" /c whoami',
        "process.executable": "C:\\Windows\\System32\\cmd.exe",
        "process.hash.md5": "abcd",
        "process.hash.sha256": "ef01",
        "process.name": "cmd.exe",
        "process.parent.command_line": 'w3wp.exe -ap "MSExchangeOWAAppPool"',
        "process.parent.executable": "C:\\Windows\\System32\\inetsrv\\w3wp.exe",
        "process.parent.name": "w3wp.exe",
        "process.parent.pid": 99,
        "process.pe.original_file_name": "Cmd.Exe",
        "process.pid": 4321,
        "process.working_directory": "c:\\windows\\system32\\inetsrv\\",
        "user.domain": "NT AUTHORITY",
        "user.id": "S-1-5-18",
        "user.name": "SYSTEM",
        "winlog.channel": "Microsoft-Windows-Sysmon/Operational",
        "winlog.computer_name": "MAIL01.corp.example",
        "winlog.event_id": "1",
        "winlog.provider_name": "Microsoft-Windows-Sysmon",
    }
    assert wanted.items() <= found.fields.items()
    assert "process.pe.imphash" not in found.fields
    assert event_data(found) == {
        "Description": "Windows Command Processor",
        "IntegrityLevel": "System",
        "LogonId": "0x3e7",
    }
    assert found.lost == {"RuleName", "UtcTime", "Level", "Task", "Keywords"}
    assert found.store == "logs-windows.sysmon_operational-default"


def test_sysmon_drops_dashes_and_empty_values() -> None:
    found = sysmon(1, OriginalFileName="-", Company="", ParentUser="-")
    assert event_data(found) == {}
    assert "process.pe.original_file_name" not in found.fields
    assert {"OriginalFileName", "ParentUser"} <= found.lost


def test_sysmon_file_events() -> None:
    found = sysmon(11, Image="System", ProcessId="4", TargetFilename="C:\\w\\owa\\Err.QQ.aspx")
    wanted = {
        "event.category": ["file"],
        "process.executable": "System",
        "process.pid": 4,
        "file.path": "C:\\w\\owa\\Err.QQ.aspx",
        "file.name": "Err.QQ.aspx",
        "file.directory": "C:\\w\\owa",
        "file.extension": "aspx",
    }
    assert wanted.items() <= found.fields.items()
    assert "process.name" not in found.fields


@pytest.mark.parametrize(
    ("details", "kind", "text"),
    [
        ("DWORD (0x0000000a)", "SZ_DWORD", "10"),
        ("QWORD (0x00000001-0x00000002)", "SZ_QWORD", "258"),
        ("Binary Data", "REG_BINARY", "Binary Data"),
        ("C:\\x.exe", "REG_SZ", "C:\\x.exe"),
    ],
)
def test_sysmon_registry_events(details: str, kind: str, text: str) -> None:
    found = sysmon(13, EventType="SetValue", TargetObject="HKLM\\Soft\\Run\\x", Details=details)
    wanted = {
        "registry.path": "HKLM\\Soft\\Run\\x",
        "registry.hive": "HKLM",
        "registry.key": "Soft\\Run\\x",
        "registry.value": "x",
        "registry.data.type": kind,
        "registry.data.strings": [text],
        "winlog.event_data.EventType": "SetValue",
        "winlog.event_data.Details": details,
    }
    assert wanted.items() <= found.fields.items()
    assert "winlog.event_data.TargetObject" not in found.fields


@pytest.mark.parametrize("said", ["true", "True"])
def test_sysmon_network_events(said: str) -> None:
    found = sysmon(
        3,
        Initiated=said,
        Protocol="tcp",
        SourceIsIpv6="false",
        SourceIp="10.0.0.1",
        SourcePort="50000",
        DestinationIp="0:0:0:0:0:0:0:1",
        DestinationPort="444",
        DestinationHostname="mail01",
        DestinationPortName="snpp",
        DestinationIsIpv6="true",
    )
    wanted = {
        "network.direction": "egress",
        "network.transport": "tcp",
        "network.type": "ipv4",
        "network.protocol": "snpp",
        "source.ip": "10.0.0.1",
        "source.port": 50000,
        "destination.ip": "0:0:0:0:0:0:0:1",
        "destination.port": 444,
        "destination.domain": "mail01",
    }
    assert wanted.items() <= found.fields.items()
    assert event_data(found) == {}


def test_sysmon_dns_events() -> None:
    found = sysmon(
        22, QueryName="a.example", QueryStatus="0", QueryResults="type:  5 b;::ffff:10.0.0.7;"
    )
    wanted = {
        "dns.question.name": "a.example",
        "dns.resolved_ip": ["10.0.0.7"],
        "dns.answers.data": ["b", "10.0.0.7"],
        "dns.answers.type": ["CNAME", "A"],
        "sysmon.dns.status": "SUCCESS",
        "network.protocol": "dns",
    }
    assert wanted.items() <= found.fields.items()


@pytest.mark.parametrize(
    ("event_id", "data", "wanted"),
    [
        (2, {"TargetFilename": "C:\\a.b"}, {"file.name": "a.b"}),
        (6, {"ImageLoaded": "C:\\d.sys", "Hashes": "MD5=A"}, {"file.hash.md5": "a"}),
        (7, {"ImageLoaded": "C:\\d.dll", "Company": "M"}, {"file.pe.company": "M"}),
        (8, {"SourceImage": "C:\\a.exe", "TargetImage": "C:\\b"}, {"process.name": "a.exe"}),
        (9, {"Device": "\\Device\\Disk"}, {"file.path": "\\Device\\Disk"}),
        (10, {"SourceThreadId": "7"}, {"process.thread.id": 7}),
        (17, {"PipeName": "\\psexec"}, {"file.name": "\\psexec"}),
        (20, {"Destination": "cmd /c x"}, {"process.executable": "cmd /c x"}),
        (23, {"Hashes": "SHA1=B", "Archived": "true"}, {"sysmon.file.archived": True}),
        (25, {"Type": "Image is replaced"}, {"message": "Image is replaced"}),
        (26, {"Hashes": "SHA1=B"}, {"file.hash.sha1": "b"}),
        (255, {"ID": "X"}, {"error.code": "X"}),
    ],
)
def test_other_sysmon_events(event_id: int, data: dict[str, str], wanted: dict[str, Any]) -> None:
    found = sysmon(event_id, **data)
    assert wanted.items() <= found.fields.items()
    assert not set(data) - {"TargetImage", "Company"} & set(event_data(found))


def test_an_impossible_time_is_left_alone() -> None:
    found = sysmon(1, UtcTime="2021-13-45 06:49:58.659")
    assert found.fields["@timestamp"] == "2021-03-03T06:49:59.005Z"


def test_winlogbeat_runs_the_same_pipelines() -> None:
    found = records(SYSMON, 1, PROCESS)
    common = {k: v for k, v in found["sysmon"].fields.items() if not k.startswith("data_stream")}
    common.pop("event.dataset")
    assert found["winlogbeat"].fields == common
    assert found["winlogbeat"].store == "winlogbeat-8.19.0"


def test_defend_knows_the_process_but_not_the_event() -> None:
    found = records(SYSMON, 1, PROCESS)["endpoint"]
    wanted = {
        "event.category": ["process"],
        "event.type": ["start"],
        "process.executable": "C:\\Windows\\System32\\cmd.exe",
        "process.parent.command_line": 'w3wp.exe -ap "MSExchangeOWAAppPool"',
        "process.pe.original_file_name": "Cmd.Exe",
        "process.Ext.token.integrity_level_name": "system",
        "user.name": "SYSTEM",
    }
    assert wanted.items() <= found.fields.items()
    assert not any(name.startswith("winlog.") for name in found.fields)
    assert {"EventID", "Channel", "Computer", "ProcessGuid", "Description", "Hashes"} <= found.lost
    assert found.store == "logs-endpoint.events.process-default"


def test_defend_sees_new_files_and_no_other_sysmon_events() -> None:
    found = records(SYSMON, 11, {"Image": "System", "TargetFilename": "C:\\a\\b.aspx"})
    assert found["endpoint"].fields["file.path"] == "C:\\a\\b.aspx"
    assert found["endpoint"].store == "logs-endpoint.events.file-default"
    assert list(records(SYSMON, 13, {})) == ["sysmon", "winlogbeat"]


def test_security_process_creation() -> None:
    data = {
        "SubjectUserSid": "S-1-5-18",
        "SubjectUserName": "MAIL01$",
        "SubjectDomainName": "CORP",
        "NewProcessId": "0x2a5c",
        "NewProcessName": "C:\\W\\cmd.exe",
        "ProcessId": "0x10",
        "CommandLine": '"cmd" /c a b',
        "TargetUserName": "-",
        "ParentProcessName": "C:\\W\\w3wp.exe",
        "MandatoryLabel": "S-1-16-16384",
    }
    found = records(SECURITY, 4688, data)["security"]
    wanted = {
        "event.action": "created-process",
        "event.category": ["process"],
        "event.outcome": "success",
        "process.executable": "C:\\W\\cmd.exe",
        "process.name": "cmd.exe",
        "process.pid": 0x2A5C,
        "process.command_line": '"cmd" /c a b',
        "process.parent.executable": "C:\\W\\w3wp.exe",
        "process.parent.pid": 16,
        "user.name": "MAIL01$",
        "user.domain": "CORP",
        "user.id": "S-1-5-18",
    }
    assert wanted.items() <= found.fields.items()
    assert event_data(found) == {
        k: v
        for k, v in data.items()
        if k not in ("NewProcessId", "NewProcessName", "ParentProcessName")
    }
    assert found.store == "logs-system.security-default"


def test_security_share_access() -> None:
    data = {
        "SubjectUserName": "MAIL01$",
        "IpAddress": "::ffff:127.0.0.1",
        "IpPort": "30065",
        "ShareName": "\\\\*\\C$",
        "ShareLocalPath": "\\??\\C:\\",
        "RelativeTargetName": "inetpub\\x.aspx",
        "AccessMask": "0x2",
        "AccessList": "%%4417\n\t\t\t\t%%4418",
        "AccessReason": "-",
    }
    found = records(SECURITY, 5145, data)["security"]
    wanted = {
        "source.ip": "127.0.0.1",
        "source.port": 30065,
        "file.name": "inetpub\\x.aspx",
        "file.extension": "aspx",
        "file.target_path": "\\\\*\\C$\\inetpub\\x.aspx",
        "winlog.event_data.AccessMask": ["0x2"],
        "winlog.event_data.AccessList": ["4417", "4418"],
        "winlog.event_data.AccessReason": "-",
        "winlog.event_data.RelativeTargetName": "inetpub\\x.aspx",
    }
    assert wanted.items() <= found.fields.items()
    assert "winlog.event_data.IpAddress" not in found.fields
    assert not {"AccessList", "AccessMask"} & found.lost


def test_security_events_outside_of_the_list_keep_their_data() -> None:
    data = {"ProcessName": "C:\\a.exe", "ProcessId": "0x4", "ObjectName": "C:\\x"}
    found = records(SECURITY, 4663, data)["security"]
    assert event_data(found) == data
    assert "process.executable" not in found.fields


def test_security_logon_users() -> None:
    data = {"SubjectUserName": "-", "TargetUserName": "jdoe@corp", "LogonType": "3"}
    found = records(SECURITY, 4624, data)["security"]
    assert found.fields["user.name"] == "jdoe"
    assert found.fields["winlog.logon.type"] == "Network"


def test_unnamed_data_is_named_by_its_position() -> None:
    source = ("MSExchange Management", "MSExchange CmdletLogs")
    found = records(source, 1, {}, "Set-OabVirtualDirectory", "-ExternalUrl x", "", "S-1-5")
    assert list(found) == ["winlog", "winlogbeat"]
    assert event_data(found["winlog"]) == {
        "param1": "Set-OabVirtualDirectory",
        "param2": "-ExternalUrl x",
        "param4": "S-1-5",
    }
    assert found["winlog"].store == "logs-winlog.winlog-default"
    assert found["winlogbeat"].fields["winlog.event_data.param2"] == "-ExternalUrl x"


@pytest.mark.parametrize(
    ("channel", "path", "store"),
    [
        ("Application", "application", "logs-system.application-default"),
        ("System", "system", "logs-system.system-default"),
        ("Microsoft-Windows-Windows Defender/Operational", "winlog", "logs-winlog.winlog-default"),
    ],
)
def test_channels_have_their_streams(channel: str, path: str, store: str) -> None:
    found = records((channel, "P"), 5, {"Threat Name": "x"}, message="rendered")
    assert found[path].store == store
    assert found[path].fields["winlog.event_data.Threat Name"] == "x"
    assert found[path].fields["message"] == "rendered"
    assert found[path].fields["log.level"] == "information"


def test_channels_are_spelled_as_windows_does() -> None:
    found = records(("security", "Microsoft-Windows-Security-Auditing"), 4688, {})
    assert found["security"].fields["winlog.channel"] == "Security"


def test_user_data_has_its_own_section() -> None:
    found = records(("Security", "Microsoft-Windows-Eventlog"), 1102, {"SubjectUserName": "a"})
    assert found["security"].fields["winlog.user_data.SubjectUserName"] == "a"


def test_powershell_script_blocks() -> None:
    data = {
        "MessageNumber": "1",
        "MessageTotal": "2",
        "ScriptBlockText": "Get-Item",
        "ScriptBlockId": "id",
        "Path": "C:\\s\\a.ps1",
    }
    found = records(POWERSHELL, 4104, data)["powershell"]
    wanted = {
        "powershell.file.script_block_text": "Get-Item",
        "powershell.file.script_block_id": "id",
        "powershell.sequence": 1,
        "powershell.total": 2,
        "file.path": "C:\\s\\a.ps1",
        "file.name": "a.ps1",
    }
    assert wanted.items() <= found.fields.items()
    assert event_data(found) == {}


def test_powershell_modules_keep_the_pieces_only() -> None:
    data = {
        "ContextInfo": "  Severity = Informational\n  Host Application = ps.exe -enc A=\n"
        "  User = CORP\\jdoe\n  Command Name = Get-X\n\n",
        "Payload": 'ParameterBinding(Get-X): name="Path"; value="C:\\"\nother\n',
    }
    found = records(POWERSHELL, 4103, data)["powershell"]
    wanted = {
        "process.command_line": "ps.exe -enc A=",
        "user.name": "jdoe",
        "powershell.command.name": "Get-X",
        "powershell.command.invocation_details.name": ['"Path"'],
        "powershell.command.invocation_details.value": ['"C:\\"', "other"],
    }
    assert wanted.items() <= found.fields.items()
    assert event_data(found) == {}
    assert {"ContextInfo", "Payload"} <= found.lost


def test_classic_powershell_is_raw_in_the_stream_and_cut_by_winlogbeat() -> None:
    text = "\tNewEngineState=Available\n\tHostApplication=powershell -enc AAA=\n"
    found = records(("Windows PowerShell", "PowerShell"), 400, {}, "Available", "None", text)
    assert found["winlog"].fields["winlog.event_data.param3"] == text
    cut = found["winlogbeat"]
    assert cut.fields["process.command_line"] == "powershell -enc AAA="
    assert cut.fields["powershell.engine.new_state"] == "Available"
    assert "winlog.event_data.param3" not in cut.fields
    assert "Data" in cut.lost


@pytest.mark.parametrize(
    ("command", "args"),
    [
        ('"C:\\Program Files\\a.exe" -x  y', ["C:\\Program Files\\a.exe", "-x", "y"]),
        ('a "b c"d', ["a", "b cd"]),
        ('a \\"b', ["a", '"b']),
        ('a \\\\"b c"', ["a", "\\b c"]),
        ("a\\b\\", ["a\\b\\"]),
        ('a ""', ["a", ""]),
        ('"a ""b" c', ['a "b c']),
    ],
)
def test_command_lines_are_cut_like_windows_does(command: str, args: list[str]) -> None:
    assert arguments(command) == args

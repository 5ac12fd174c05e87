"""Elastic's pipelines for the Security log, PowerShell and other channels."""

from __future__ import annotations

import pytest
from windows_records import POWERSHELL, SECURITY, event_data, records

from hafnium.backends.elastic.recorder_document import arguments


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

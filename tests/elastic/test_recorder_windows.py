"""Elastic's pipelines for the Sysmon log, for Winlogbeat and for Elastic Defend."""

from __future__ import annotations

from typing import Any

import pytest
from windows_records import SYSMON, event_data, records, sysmon

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

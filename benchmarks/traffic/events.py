"""Windows events by what happened: processes, files, registry, network.

A process start is logged by Sysmon 1 and Security 4688 as far as the site has them; a file
written by Sysmon 11. Field names and their order are those of real logs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from traffic.log import Day, WinEvent
from traffic.site import Person

_SYSMON = "5770385F-C22A-43E0-BF4C-06F5698FFBD9"
_SECURITY = "54849625-5478-4994-A5BA-3E3B0328C30D"
SERVICES = "C:\\Windows\\System32\\services.exe"
W3WP = "C:\\Windows\\System32\\inetsrv\\w3wp.exe"
W3WP_FILE = "c:\\windows\\system32\\inetsrv\\w3wp.exe"
"""Sysmon writes the worker in small letters where it writes a file."""


def sysmon(
    day: Day, when: datetime, event_id: int, version: int, data: dict[str, str | int]
) -> None:
    """A Sysmon event; without Sysmon, nothing."""
    if day.site.sysmon:
        time = f"{when:%Y-%m-%d %H:%M:%S}.{when.microsecond // 1000:03}"
        named: dict[str, str | int] = {"RuleName": "-"}
        if "EventType" in data:
            named["EventType"] = data["EventType"]
        named |= {"UtcTime": time, **data}
        channel = "Microsoft-Windows-Sysmon/Operational"
        day.event(
            when,
            WinEvent(
                *(channel, "Microsoft-Windows-Sysmon", event_id, named, _SYSMON),
                version=version,
                task=event_id,
                keywords="0x8000000000000000",
                user="S-1-5-18",
            ),
        )


def security(
    day: Day, when: datetime, event_id: int, task: int, data: dict[str, str | int], version: int = 0
) -> None:
    """An event of the Security log."""
    day.event(
        when,
        WinEvent(
            *("Security", "Microsoft-Windows-Security-Auditing", event_id, data, _SECURITY),
            version=version,
            level=0,
            task=task,
            keywords="0x8020000000000000",
        ),
    )


@dataclass(frozen=True)
class Process:
    """A process that starts. ``user`` None is the system."""

    image: str
    command: str
    parent: str
    parent_command: str
    user: Person | None = None
    account: str = ""
    """``DOMAIN\\name`` of an account that is no person and not the system."""
    original: str = ""
    folder: str = "C:\\Windows\\system32\\"
    company: str = "Microsoft Corporation"


def process(day: Day, when: datetime, said: Process) -> None:
    """A process start in Sysmon and in the Security log."""
    site, rng = day.site, day.rng
    if said.user:
        account = f"{site.netbios}\\{said.user.account}"
    else:
        account = said.account or site.words.system
    system = account == site.words.system
    own, above = rng.randrange(400, 30_000) & ~3, rng.randrange(400, 30_000) & ~3
    name = said.image.rsplit("\\", 1)[-1]
    sysmon(
        *(day, when, 1, 5),
        {
            "ProcessGuid": _guid(day),
            "ProcessId": own,
            "Image": said.image,
            "FileVersion": "10.0.14393.0 (rs1_release.160715-1616)",
            "Description": "-",
            "Product": "Microsoft® Windows® Operating System",
            "Company": said.company,
            "OriginalFileName": said.original or name,
            "CommandLine": said.command,
            "CurrentDirectory": said.folder,
            "User": account,
            "LogonGuid": _guid(day),
            "LogonId": "0x3e7" if system else "0x5a1b2c",
            "TerminalSessionId": 2 if said.user else 0,
            "IntegrityLevel": "System" if system else "High",
            "Hashes": f"SHA256={rng.getrandbits(256):064X}",
            "ParentProcessGuid": _guid(day),
            "ParentProcessId": above,
            "ParentImage": said.parent,
            "ParentCommandLine": said.parent_command,
        },
    )
    domain, _, who = account.rpartition("\\")
    data: dict[str, str | int] = {
        "SubjectUserSid": said.user.sid if said.user else "S-1-5-18",
        "SubjectUserName": f"{site.host}$" if system else who,
        "SubjectDomainName": site.netbios if system else domain,
        "SubjectLogonId": "0x3e7" if system else "0x5a1b2c",
        "NewProcessId": hex(own),
        "NewProcessName": said.image,
        "TokenElevationType": "%%1936",
        "ProcessId": hex(above),
        "CommandLine": said.command,
        "TargetUserSid": "S-1-0-0",
        "TargetUserName": "-",
        "TargetDomainName": "-",
        "TargetLogonId": "0x0",
    }
    if site.parent_in_4688:
        data["ParentProcessName"] = said.parent
        data["MandatoryLabel"] = "S-1-16-16384" if system else "S-1-16-12288"
    security(day, when, 4688, 13312, data, version=2)


def _guid(day: Day) -> str:
    return day.guid().upper()


def file_created(day: Day, when: datetime, image: str, path: str) -> None:
    """A file is created or overwritten."""
    time = f"{when:%Y-%m-%d %H:%M:%S}.{when.microsecond // 1000:03}"
    who = {"ProcessGuid": _guid(day), "ProcessId": 4 if image == "System" else 6120}
    named = {"Image": image, "TargetFilename": path, "CreationUtcTime": time}
    sysmon(day, when, 11, 2, {**who, **named})


def file_deleted(day: Day, when: datetime, image: str, path: str, user: str = "") -> None:
    """A file is deleted (Sysmon 23)."""
    sysmon(
        *(day, when, 23, 5),
        {
            "ProcessGuid": _guid(day),
            "ProcessId": 5120,
            "User": user or day.site.words.system,
            "Image": image,
            "TargetFilename": path,
            "Hashes": f"SHA256={day.rng.getrandbits(256):064X}",
            "IsExecutable": "false",
            "Archived": "false",
        },
    )


def registry(
    day: Day, when: datetime, kind: str, image: str, key: str, details: str | None = None
) -> None:
    """A registry change: CreateKey, DeleteKey, DeleteValue (12) or SetValue (13)."""
    data: dict[str, str | int] = {"EventType": kind, "ProcessGuid": _guid(day), "ProcessId": 1204}
    data |= {"Image": image, "TargetObject": key}
    if kind == "SetValue":
        data["Details"] = details or "DWORD (0x00000001)"
    sysmon(day, when, 13 if kind == "SetValue" else 12, 2, data)


def image_loaded(day: Day, when: datetime, image: str, loaded: str, company: str) -> None:
    """A library is loaded (Sysmon 7)."""
    sysmon(
        *(day, when, 7, 3),
        {
            "ProcessGuid": _guid(day),
            "ProcessId": 7120,
            "Image": image,
            "ImageLoaded": loaded,
            "FileVersion": "15.1.2242.4",
            "Description": "-",
            "Product": "-",
            "Company": company,
            "OriginalFileName": loaded.rsplit("\\", maxsplit=1)[-1],
            "Hashes": f"SHA256={day.rng.getrandbits(256):064X}",
            "Signed": "true",
            "Signature": company,
            "SignatureStatus": "Valid",
        },
    )


def access(day: Day, when: datetime, source: str, target: str, mask: str, trace: str = "") -> None:
    """A process opens another (Sysmon 10)."""
    stack = "C:\\Windows\\SYSTEM32\\ntdll.dll+a6594|C:\\Windows\\System32\\KERNELBASE.dll+2d0e"
    sysmon(
        *(day, when, 10, 3),
        {
            "SourceProcessGUID": _guid(day),
            "SourceProcessId": 3320,
            "SourceThreadId": 4120,
            "SourceImage": source,
            "TargetProcessGUID": _guid(day),
            "TargetProcessId": 684,
            "TargetImage": target,
            "GrantedAccess": mask,
            "CallTrace": trace or stack,
        },
    )


def connection(
    day: Day, when: datetime, image: str, to: str, port: int, user: str = "", name: str = "-"
) -> None:
    """A connection that the server opens."""
    site = day.site
    sysmon(
        *(day, when, 3, 5),
        {
            "ProcessGuid": _guid(day),
            "ProcessId": 6120,
            "Image": image,
            "User": user or site.words.system,
            "Protocol": "tcp",
            "Initiated": "true",
            "SourceIsIpv6": "true" if ":" in to else "false",
            "SourceIp": to if to in ("127.0.0.1", "0:0:0:0:0:0:0:1") else site.ip,
            "SourceHostname": site.fqdn,
            "SourcePort": day.rng.randrange(20_000, 65_000),
            "SourcePortName": "-",
            "DestinationIsIpv6": "true" if ":" in to else "false",
            "DestinationIp": to,
            "DestinationHostname": name,
            "DestinationPort": port,
            "DestinationPortName": "-",
        },
    )


def lookup(day: Day, when: datetime, image: str, name: str, answer: str) -> None:
    """A name is looked up."""
    who: dict[str, str | int] = {"ProcessGuid": _guid(day), "ProcessId": 6120}
    said = {"QueryName": name, "QueryStatus": "0", "QueryResults": answer, "Image": image}
    sysmon(day, when, 22, 5, {**who, **said})

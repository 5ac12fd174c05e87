"""Sysmon's process and file events as Defender XDR's tables in Sentinel hold the same thing.

Defender has its own sensor; an entry of Sysmon stands for what it saw. Real rows have the paths
of the initiating process, account names, device names and hashes in lower case.
"""

from __future__ import annotations

from typing import Any

from hafnium.entries import WindowsEvent
from hafnium.siem import Record


def record_process_event(entry: WindowsEvent) -> Record:
    """Sysmon 1 as a row of DeviceProcessEvents."""
    data = entry.data
    domain, account = _account(data.get("User", ""))
    row = {
        **_common(entry, "DeviceProcessEvents", "ProcessCreated"),
        "FileName": _name(data.get("Image", "")),
        "FolderPath": data.get("Image"),
        "ProcessCommandLine": data.get("CommandLine"),
        "ProcessId": _number(data.get("ProcessId")),
        "ProcessIntegrityLevel": data.get("IntegrityLevel"),
        "LogonId": _number(data.get("LogonId")),
        "AccountDomain": domain,
        "AccountName": account,
        **_hashes(data.get("Hashes", "")),
        "ProcessVersionInfoCompanyName": data.get("Company"),
        "ProcessVersionInfoProductName": data.get("Product"),
        "ProcessVersionInfoFileDescription": data.get("Description"),
        "ProcessVersionInfoOriginalFileName": data.get("OriginalFileName"),
        **_initiating(data.get("ParentImage", ""), data.get("ParentUser", "")),
        "InitiatingProcessCommandLine": data.get("ParentCommandLine"),
        "InitiatingProcessId": _number(data.get("ParentProcessId")),
    }
    kept = {
        "Image",
        "CommandLine",
        "IntegrityLevel",
        "Company",
        "Product",
        "Description",
        "OriginalFileName",
        "ParentImage",
        "ParentCommandLine",
        "Computer",
    }
    kept |= {n for n, c in _NUMBERS.items() if row.get(c) is not None and n in data}
    kept |= {n for n in ("User", "ParentUser") if "\\" in data.get(n, "")}
    return _made(entry, "defender-process", row, kept)


def record_file_event(entry: WindowsEvent) -> Record:
    """Sysmon 11 as a row of DeviceFileEvents; FolderPath includes the file's name.

    A file that the kernel writes has a process name and no path: its Image is lost.
    """
    data = entry.data
    image = data.get("Image", "")
    row = {
        **_common(entry, "DeviceFileEvents", "FileCreated"),
        "FileName": _name(data.get("TargetFilename", "")),
        "FolderPath": data.get("TargetFilename"),
        **_initiating(image, data.get("User", "")),
        "InitiatingProcessId": _number(data.get("ProcessId")),
    }
    kept = {"TargetFilename", "Computer"}
    kept |= {"Image"} if "\\" in image else set()
    kept |= {"ProcessId"} if row["InitiatingProcessId"] is not None else set()
    kept |= {"User"} if "\\" in data.get("User", "") else set()
    return _made(entry, "defender-file", row, kept)


_NUMBERS = {"ProcessId": "ProcessId", "ParentProcessId": "InitiatingProcessId"}


def _common(entry: WindowsEvent, table: str, action: str) -> dict[str, Any]:
    return {
        "TimeGenerated": entry.time,
        "Type": table,
        "ActionType": action,
        "DeviceName": (entry.system.get("Computer") or entry.host).lower(),
    }


def _initiating(image: str, user: str) -> dict[str, Any]:
    domain, account = _account(user)
    return {
        "InitiatingProcessFileName": _name(image),
        "InitiatingProcessFolderPath": image.lower() if "\\" in image else "",
        "InitiatingProcessAccountDomain": domain,
        "InitiatingProcessAccountName": account,
    }


def _name(path: str) -> str:
    return path.rpartition("\\")[2]


def _account(user: str) -> tuple[str, str]:
    domain, _, account = user.lower().rpartition("\\")
    return domain, account


def _hashes(listed: str) -> dict[str, str]:
    pairs = (item.partition("=") for item in listed.split(","))
    found = {name.strip().upper(): value.lower() for name, _, value in pairs}
    return {name: found[name] for name in ("SHA1", "SHA256", "MD5") if name in found}


def _number(value: str | None) -> int | None:
    try:
        return int(value or "", 0)
    except ValueError:
        return None


def _made(entry: WindowsEvent, path: str, row: dict[str, Any], kept: set[str]) -> Record:
    filled = {column: value for column, value in row.items() if value not in (None, "")}
    return Record(path, row["Type"], filled, frozenset(entry.fields) - kept)

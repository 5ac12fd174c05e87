"""Windows events as the tables Event, WindowsEvent and SecurityEvent hold them.

Event holds the event's own XML as text, WindowsEvent its named data as a dynamic value,
SecurityEvent the known items as columns and the XML beside them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from hafnium.backends.sentinel.recorder_security import (
    ACTIVITIES,
    NO_COLUMNS,
    NO_XML,
    OWN_COLUMNS,
)
from hafnium.backends.sentinel.tables import columns as columns_of
from hafnium.entries import WindowsEvent
from hafnium.siem import Record

EVENT_NAMESPACE = "http://schemas.microsoft.com/win/2004/08/events/event"

_LEVEL_NAMES = {
    "0": "Information",
    "1": "Critical",
    "2": "Error",
    "3": "Warning",
    "4": "Information",
    "5": "Verbose",
}
_KNOWN_USERS = {
    "S-1-5-18": r"NT AUTHORITY\SYSTEM",
    "S-1-5-19": r"NT AUTHORITY\LOCAL SERVICE",
    "S-1-5-20": r"NT AUTHORITY\NETWORK SERVICE",
}
_SYSMON_TIME = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)\.(\d{1,7})\Z")
_SYSMON_TIMES = ("UtcTime", "CreationUtcTime", "PreviousCreationUtcTime")


def record_event(entry: WindowsEvent) -> Record:
    """The row in table Event; EventData is the event's XML inside a DataItem."""
    system = entry.system
    xml = _xml(entry, "")
    stamp = _timestamp(entry.time)
    row = {
        "TimeGenerated": entry.time,
        "Type": "Event",
        "Computer": _computer(entry),
        "Source": system.get("Provider_Name"),
        "EventLog": system.get("Channel"),
        "EventID": _integer(system.get("EventID")),
        "EventLevel": _integer(system.get("Level")),
        "EventLevelName": _LEVEL_NAMES.get(system.get("Level", "")),
        "EventCategory": _integer(system.get("Task")),
        "UserName": _KNOWN_USERS.get(system.get("Security_UserID", ""), "N/A"),
        "RenderedDescription": entry.message,
        "ParameterXml": "".join(f"<Param>{escape(value)}</Param>" for _, value in _items(entry)),
        "EventData": (
            f'<DataItem type="System.XmlData" time="{stamp}" '
            f'sourceHealthServiceId="00000000-0000-0000-0000-000000000000">{xml}</DataItem>'
        ),
    }
    kept = {"Provider_Name", "Channel", "EventID", "Level", "Task", "Computer"}
    return _made(entry, "event", "Event", row, kept | _message(entry) | set(entry.data))


def record_windows_event(entry: WindowsEvent) -> Record:
    """The row in table WindowsEvent; EventData is a mapping of the named items.

    Real rows have Task 1 whatever the event says, and Sysmon's times in ISO form: the fields
    Task and UtcTime are lost. So is an item with several values, whose form is not published.
    """
    system = entry.system
    data = {name: _iso(name, value) for name, value in _single(entry).items()}
    row = {
        **_shared(entry),
        "Type": "WindowsEvent",
        "Channel": system.get("Channel"),
        "Provider": system.get("Provider_Name"),
        "EventLevel": _integer(system.get("Level")),
        "EventLevelName": _LEVEL_NAMES.get(system.get("Level", "")),
        "EventData": data,
    }
    kept = {"Provider_Name", "Channel", "Level"} | _SHARED
    kept |= {name for name, value in data.items() if entry.data[name] == value}
    return _made(entry, "windowsevent", "WindowsEvent", row, kept)


def record_security_event(entry: WindowsEvent) -> Record:
    """The row in table SecurityEvent: the known items as columns, all of them in the XML.

    Some events have no columns filled and some no XML; what neither holds is lost.
    """
    system = entry.system
    number = system.get("EventID", "")
    row = {
        **_shared(entry),
        "Type": "SecurityEvent",
        "Channel": system.get("Channel"),
        "EventSourceName": system.get("Provider_Name"),
        "Level": system.get("Level"),
        "Activity": f"{number} - {ACTIVITIES[number]}" if number in ACTIVITIES else number,
    }
    kept = {"Provider_Name", "Channel", "Level"} | _SHARED
    if number not in NO_COLUMNS:
        columns = _security_columns(entry)
        kept |= set(entry.data) & set(columns)
        row.update(columns, **_accounts(entry.data))
    if number not in NO_XML:
        row["EventData"] = _xml(entry, "\r\n")
        kept |= set(entry.data) | ({"Data"} if entry.unnamed else set())
    return _made(entry, "securityevent", "SecurityEvent", row, kept)


_SHARED = {
    "EventID",
    "Computer",
    "EventRecordID",
    "Keywords",
    "Opcode",
    "Version",
    "Execution_ProcessID",
    "Execution_ThreadID",
    "Security_UserID",
}


def _shared(entry: WindowsEvent) -> dict[str, Any]:
    system = entry.system
    return {
        "TimeGenerated": entry.time,
        "Computer": _computer(entry),
        "EventID": _integer(system.get("EventID")),
        "Task": 1,
        "EventRecordId": system.get("EventRecordID"),
        "Keywords": system.get("Keywords"),
        "Opcode": system.get("Opcode"),
        "Version": _integer(system.get("Version")),
        "SystemProcessId": _integer(system.get("Execution_ProcessID")),
        "SystemThreadId": _integer(system.get("Execution_ThreadID")),
        "SystemUserId": system.get("Security_UserID"),
    }


def _security_columns(entry: WindowsEvent) -> dict[str, Any]:
    """The items of the event that have a column of their name; a number only as a number."""
    filled: dict[str, Any] = {}
    single = _single(entry)
    for name, kind in columns_of("SecurityEvent").items():
        value = single.get(name)
        if value and name not in OWN_COLUMNS:
            made = _integer(value) if kind == "int" else value
            if made is not None:
                filled[name] = made
    return filled


def _accounts(data: Mapping[str, str]) -> dict[str, str]:
    """The columns that the agent makes of others: accounts joined, the process without path."""
    made: dict[str, str] = {}
    for side in ("Subject", "Target"):
        domain, user = data.get(f"{side}DomainName"), data.get(f"{side}UserName")
        if domain is not None and user is not None:
            made[f"{side}Account"] = f"{domain}\\{user}"
    account = made.get("TargetAccount" if "LogonType" in data else "SubjectAccount")
    if account and account != "-\\-":
        made["Account"] = account
        machine = account.endswith("$") or account.upper().startswith("NT AUTHORITY\\")
        made["AccountType"] = "Machine" if machine else "User"
    process = data.get("NewProcessName") or data.get("ProcessName")
    if process:
        made["Process"] = process.rpartition("\\")[2]
    return made


def _computer(entry: WindowsEvent) -> str:
    return entry.system.get("Computer") or entry.host


def _message(entry: WindowsEvent) -> set[str]:
    kept = {"Message"} if entry.message else set()
    if entry.unnamed:
        # Positional items: under Data, and under the names that the reader gives to some.
        system = {"Qualifiers", *_SHARED, "Provider_Name", "Channel", "Level", "Task"}
        kept |= set(entry.fields) - system - {"Message"}
    return kept


def _single(entry: WindowsEvent) -> dict[str, str]:
    """The named items that have one value."""
    return {n: v for n, v in entry.data.items() if not isinstance(entry.fields.get(n), tuple)}


def _items(entry: WindowsEvent) -> Iterable[tuple[str | None, str]]:
    """Name and value of each item; an item with several values once for each."""
    for name, value in entry.data.items():
        several = entry.fields.get(name)
        for one in several if isinstance(several, tuple) else (value,):
            yield name, one
    for value in entry.unnamed:
        yield None, value


def _xml(entry: WindowsEvent, newline: str) -> str:
    """The event's data as the event log renders it, one item a line where ``newline`` is one."""
    indent = "  " if newline else ""
    body = "".join(f"{indent}{_element(n, v)}{newline}" for n, v in _items(entry))
    return f'<EventData xmlns="{EVENT_NAMESPACE}">{newline}{body}</EventData>'


def _element(name: str | None, value: str) -> str:
    named = "" if name is None else f' Name="{escape(name, quote=True)}"'
    return f"<Data{named}>{escape(value)}</Data>"


def escape(value: str, *, quote: bool = False) -> str:
    """Text as the event log renders it in XML: quotes only inside attributes are escaped."""
    value = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return value.replace('"', "&quot;") if quote else value


def _timestamp(time: datetime | None) -> str:
    return "" if time is None else f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond:06d}0+00:00"


def _iso(name: str, value: str) -> str:
    found = _SYSMON_TIME.match(value) if name in _SYSMON_TIMES else None
    if not found:
        return value
    day, clock, fraction = found.groups()
    return f"{day}T{clock}.{fraction:0<7}Z"


def _integer(value: str | None) -> int | None:
    """A number written in decimal or with 0x; None for anything else."""
    if value is None or not re.fullmatch(r"-?\d{1,10}|0[xX][0-9a-fA-F]{1,8}", value, re.ASCII):
        return None
    number = int(value, 0) if value[:2].lower() == "0x" else int(value)
    if number > 0x7FFFFFFF:  # an int column is signed
        number -= 1 << 32
    return number if -(1 << 31) <= number < 1 << 31 else None


def _made(
    entry: WindowsEvent, path: str, table: str, row: dict[str, Any], kept: set[str]
) -> Record:
    filled = {column: value for column, value in row.items() if value not in (None, "", {})}
    return Record(path, table, filled, frozenset(entry.fields) - kept)

"""What Microsoft Sentinel stores of a log entry: one row per table that an agent fills.

Written from the public table schemas and from real rows, for the replay only: the compiler has
its own map and neither reads the other's. A row holds only columns with a value; a string
column without one is empty in the table, any other is null.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hafnium.backends.sentinel.recorder_defender import record_file_event, record_process_event
from hafnium.backends.sentinel.recorder_windows import (
    record_event,
    record_security_event,
    record_windows_event,
)
from hafnium.entries import Entry, WindowsEvent
from hafnium.errors import EngineError
from hafnium.siem import Record

SYSMON = "Microsoft-Windows-Sysmon/Operational"

_W3C_TEXT = {
    "cs-method": "csMethod",
    "cs-uri-stem": "csUriStem",
    "cs-uri-query": "csUriQuery",
    "cs-user-agent": "csUserAgent",
    "cs-username": "csUserName",
    "cs-host": "csHost",
    "cs-referer": "csReferer",
    "cs-cookie": "csCookie",
    "cs-version": "csVersion",
    "c-ip": "cIP",
    "s-ip": "sIP",
    "s-sitename": "sSiteName",
    "sc-status": "scStatus",
    "sc-substatus": "scSubStatus",
    "sc-win32-status": "scWin32Status",
}
_W3C_NUMBER = {
    "s-port": "sPort",
    "cs-bytes": "csBytes",
    "sc-bytes": "scBytes",
    "time-taken": "TimeTaken",
}


def record(entry: Entry) -> Sequence[Record]:
    """The rows that Sentinel stores of ``entry``, the usual way in first.

    Raises `EngineError` for a kind of entry that has no table here.
    """
    if isinstance(entry, WindowsEvent):
        return _record_windows(entry)
    if entry.kind == "w3c":
        return [_record_w3c(entry)]
    if entry.kind == "httpproxy":
        return [_record_httpproxy(entry)]
    if entry.kind == "ecp":
        return [_record_ecp(entry)]
    if entry.kind == "oabgenerator":
        return [_record_oabgenerator(entry)]
    raise EngineError(f"Sentinel has no table for an entry of kind {entry.kind!r}")


def _record_windows(entry: WindowsEvent) -> list[Record]:
    channel = entry.system.get("Channel", "")
    if channel == "Security":
        return [record_security_event(entry), record_windows_event(entry)]
    records = [record_event(entry)]
    if not entry.unnamed:
        # How WindowsEvent holds Data items without a name is not published: no row is claimed.
        records.append(record_windows_event(entry))
    if channel == SYSMON and entry.system.get("EventID") == "1":
        records.append(record_process_event(entry))
    if channel == SYSMON and entry.system.get("EventID") == "11":
        records.append(record_file_event(entry))
    return records


def text(entry: Entry, name: str) -> str:
    """The value of a field as one string; empty when absent."""
    value = entry.fields.get(name, "")
    return value if isinstance(value, str) else "\n".join(value)


def _record_w3c(entry: Entry) -> Record:
    row: dict[str, Any] = {"TimeGenerated": entry.time, "Type": "W3CIISLog"}
    kept = {"date", "time"}
    for name, column in _W3C_TEXT.items():
        if name in entry.fields:
            row[column] = text(entry, name)
            kept.add(name)
    for name, column in _W3C_NUMBER.items():
        if text(entry, name).isdecimal():
            row[column] = int(text(entry, name))
            kept.add(name)
    # The agent knows its host; s-computername is not among the columns it reads.
    computer = entry.host or text(entry, "s-computername")
    if computer == text(entry, "s-computername"):
        kept.add("s-computername")
    return _made("iis", "W3CIISLog", {**row, "Computer": computer}, entry, kept - {"date", "time"})


def _record_httpproxy(entry: Entry) -> Record:
    row: dict[str, Any] = {
        "TimeGenerated": entry.time,
        "Type": "ExchangeHttpProxy_CL",
        "FilePath": entry.source,
    }
    kept = set(entry.fields) - {"DateTime"}
    row.update({name: text(entry, name) for name in kept})
    return _made("httpproxy", "ExchangeHttpProxy_CL", row, entry, kept)


def _record_ecp(entry: Entry) -> Record:
    row: dict[str, Any] = {
        "TimeGenerated": entry.time,
        "Type": "ExchangeEcpServer_CL",
        "Computer": entry.host,
        "FilePath": entry.source,
    }
    for name in ("TimeStamp", "ServerName", "EventId", "EventData"):
        if name in entry.fields:
            row[name] = text(entry, name)
    # The S: keys of EventData stay readable inside it: nothing is lost.
    return _made("ecp", "ExchangeEcpServer_CL", row, entry, set(entry.fields))


def _record_oabgenerator(entry: Entry) -> Record:
    row = {
        "TimeGenerated": entry.time,
        "Type": "ExchangeOabGenerator_CL",
        "Computer": entry.host,
        "FilePath": entry.source,
        "RawData": text(entry, "Message"),
    }
    return _made("oabgenerator", "ExchangeOabGenerator_CL", row, entry, {"Message"})


def _made(path: str, table: str, row: Mapping[str, Any], entry: Entry, kept: set[str]) -> Record:
    filled = {column: value for column, value in row.items() if value not in (None, "")}
    return Record(path, table, filled, frozenset(entry.fields) - kept)

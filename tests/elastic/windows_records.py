"""Windows events as Elastic's pipelines store them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hafnium.backends.elastic.recorder import record
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

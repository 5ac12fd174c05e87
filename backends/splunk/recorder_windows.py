"""Windows events as the Splunk Add-ons for Microsoft Windows and for Sysmon store them in XML.

The forwarder sends the event's XML on one line, attributes in single quotes; the add-on reads
tags and attributes of the System block and ``<Data Name='…'>`` of EventData with regular
expressions that do not decode: ``&``, ``<`` and ``>`` stay ``&amp;``, ``&lt;``, ``&gt;``. A tag
with attributes is not read, so a classic event (``<EventID Qualifiers=…>``) has ``EventCode``
but no ``EventID``. A name in both blocks becomes a multivalue. Field names are cleaned
(``Threat Name`` → ``Threat_Name``). A log that carries the rendered text is a forwarded event:
its XML has ``<RenderingInfo>``, from which the add-on reads ``Message``. ``host`` is the
computer's name up to the first dot.

Unnamed ``<Data>`` items are in ``EventData_Xml``; our app adds them as the multivalue ``Data``,
and decodes and names those of MSExchange Management.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from hafnium.entries import Value, WindowsEvent
from hafnium.siem import Record

_PATHS = {
    "microsoft-windows-sysmon/operational": "sysmon",
    "security": "security",
    "system": "system",
    "application": "application",
    "msexchange management": "msexchange-management",
    "microsoft-windows-powershell/operational": "powershell",
    "microsoft-windows-windows defender/operational": "defender",
}
_TAGS = ("Version", "Level", "Task", "Opcode", "Keywords", "EventRecordID", "Channel", "Computer")
_ATTRIBUTES = {
    "Provider_Name": "Name",
    "Execution_ProcessID": "ProcessID",
    "Execution_ThreadID": "ThreadID",
    "Security_UserID": "UserID",
}
_CMDLET_ITEMS = (
    *("Cmdlet", "Parameters", "Caller", "CallerSid", "", "HostApplication", "Process", ""),
    *("ThreadId", "Elapsed", "Scope", "Error", "", "", "", "", "", "", "", "", "", "", ""),
    *("ActivityId", "", "", "Culture"),
)
_SCHEMA = "http://schemas.microsoft.com/win/2004/08/events/event"


def record_windows(entry: WindowsEvent, index: str) -> Record:
    """The event that Splunk stores in ``index``."""
    channel = entry.system.get("Channel", "")
    named = _named(entry)
    unnamed = [escape(item) for item in entry.unnamed]
    data_xml = _event_data(named, unnamed)
    message = entry.message or ""
    fields: dict[str, Any] = {
        "_time": 0.0 if entry.time is None else entry.time.timestamp(),
        "_raw": _event(entry, data_xml, _rendering(message)),
        "source": f"XmlWinEventLog:{channel}",
        "sourcetype": "XmlWinEventLog",
        "host": entry.host.partition(".")[0],
        "EventData_Xml": data_xml,
        **_system(entry.system),
    }
    for name, value in named:
        _add(fields, _clean(name), value)
    _add(fields, "Message", escape(message))
    if channel.lower() == "msexchange management":
        unnamed = list(entry.unnamed)
        items = zip(_CMDLET_ITEMS, unnamed, strict=False)
        fields.update({name: item for name, item in items if name})
    if texts := [item for item in unnamed if item]:
        fields["Data"] = texts if len(texts) > 1 else texts[0]
    return Record(
        _PATHS.get(channel.lower(), "wineventlog"),
        index,
        {name: value for name, value in fields.items() if value != ""},
    )


def _system(system: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {tag: escape(system[tag]) for tag in _TAGS if tag in system}
    found |= {name: escape(system[key]) for key, name in _ATTRIBUTES.items() if key in system}
    if "EventID" in system:
        found["EventCode"] = system["EventID"]
        if "Qualifiers" in system:
            found["Qualifiers"] = system["Qualifiers"]
        else:
            found["EventID"] = system["EventID"]
    return found


def _named(entry: WindowsEvent) -> list[tuple[str, str]]:
    """Name and escaped text of the named items; one that is there several times comes as often."""
    pairs = []
    for name in entry.data:
        value: Value = entry.fields.get(name, entry.data[name])
        pairs += [(name, escape(one)) for one in ((value,) if isinstance(value, str) else value)]
    return pairs


def _add(fields: dict[str, Any], name: str, value: str) -> None:
    """Store an extracted value; a second one makes the field a multivalue."""
    if value and name in fields:
        old = fields[name]
        fields[name] = [*(old if isinstance(old, list) else [old]), value]
    elif value and name:
        fields[name] = value


def escape(text: str) -> str:
    """Text as it stands between tags."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _attribute(text: str) -> str:
    return escape(text).replace("'", "&apos;")


@functools.lru_cache(maxsize=4096)
def _clean(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]", "_", name).lstrip("_0123456789")


def _event_data(named: Sequence[tuple[str, str]], unnamed: Sequence[str]) -> str:
    """The inner XML of EventData, from escaped texts."""
    items = [f"<Data Name='{_attribute(name)}'>{value}</Data>" for name, value in named]
    return "".join((*items, *(f"<Data>{item}</Data>" for item in unnamed)))


def _rendering(message: str) -> str:
    return f"<RenderingInfo><Message>{escape(message)}</Message></RenderingInfo>" if message else ""


def _event(entry: WindowsEvent, data_xml: str, rendering: str) -> str:
    system = entry.system
    qualifiers = f" Qualifiers='{system['Qualifiers']}'" if "Qualifiers" in system else ""
    parts = [
        f"<Event xmlns='{_SCHEMA}'><System>",
        f"<Provider Name='{_attribute(system.get('Provider_Name', ''))}'/>",
        f"<EventID{qualifiers}>{system.get('EventID', '')}</EventID>",
        *_tags(system, ("Version", "Level", "Task", "Opcode", "Keywords")),
        _created(entry.time),
        *_tags(system, ("EventRecordID",)),
        _execution(system),
        *_tags(system, ("Channel", "Computer")),
        _security(system),
        f"</System><EventData>{data_xml}</EventData>{rendering}</Event>",
    ]
    return "".join(parts)


def _tags(system: Mapping[str, str], names: tuple[str, ...]) -> list[str]:
    return [f"<{name}>{escape(system[name])}</{name}>" for name in names if name in system]


def _created(time: datetime | None) -> str:
    if time is None:
        return ""
    written = time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
    return f"<TimeCreated SystemTime='{written}0Z'/>"


def _execution(system: Mapping[str, str]) -> str:
    if "Execution_ProcessID" not in system:
        return ""
    thread = system.get("Execution_ThreadID", "")
    return f"<Execution ProcessID='{system['Execution_ProcessID']}' ThreadID='{thread}'/>"


def _security(system: Mapping[str, str]) -> str:
    user = system.get("Security_UserID")
    return f"<Security UserID='{user}'/>" if user else "<Security/>"

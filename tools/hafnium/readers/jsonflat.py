"""Windows events as flat JSON objects: NXLog, and rows of Azure's event tables.

What the collector adds about itself is left out; the other names are the event's own data.

The time of a Sysmon event is its own UtcTime: collectors were met whose times carry a ``Z``
and are hours off. Else the first time with a zone counts, else the first one, read as UTC. So
in a file with such a collector, Sysmon and other events stand on two clocks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from xml.etree.ElementTree import ParseError
from xml.sax.saxutils import unescape

from hafnium.entries import Entry
from hafnium.readers.jsonparts import event_data as json_data
from hafnium.readers.jsonparts import items as named
from hafnium.readers.jsonparts import text_of
from hafnium.readers.jsontext import decode
from hafnium.readers.log import Log, iso_time
from hafnium.readers.windows import Item, build, hexadecimal
from hafnium.readers.xmlevents import event_data, parse

_SYSTEM = {
    "Provider_Name": ("SourceName", "ProviderName", "Provider_Name", "EventSourceName", "Provider"),
    "EventID": ("EventID",),
    "Version": ("Version",),
    "Level": ("Level", "EventLevel"),
    "Task": ("Task",),
    "Opcode": ("OpcodeValue", "Opcode"),
    "Keywords": ("Keywords",),
    "EventRecordID": ("RecordNumber", "EventRecordID", "EventRecordId"),
    "Execution_ProcessID": ("ExecutionProcessID", "SystemProcessId"),
    "Execution_ThreadID": ("ExecutionThreadID", "SystemThreadId"),
    "Channel": ("Channel", "EventLog"),
    "Computer": ("Hostname", "Computer", "host"),
    "Security_UserID": ("UserID", "SystemUserId"),
}
_TIMES = ("TimeCreated", "EventTime", "@timestamp", "TimeGenerated", "EventReceivedTime")
_MESSAGES = ("Message", "RenderedDescription")
_COLLECTOR = {
    *("SeverityValue", "Severity", "SourceModuleName", "SourceModuleType"),
    *("host", "port", "@version", "tags", "ActivityID", "RelatedActivityID", "Category"),
    *("ERROR_EVT_UNRESOLVED", "EventTypeOrignal", "EventReceivedTime", "AccountType", "Domain"),
}
_AZURE = {
    *("TenantId", "SourceSystem", "SourceComputerId", "EventOriginId", "MG", "TimeCollected"),
    *("ManagementGroupName", "Type", "_ResourceId", "Activity", "EventLevelName", "Account"),
    *("AccountType", "Process", "SubjectAccount", "TargetAccount", "EventData", "ParameterXml"),
    *("EventCategory", "UserName", "Source", "AzureDeploymentID", "Role", "RawEventData"),
}
_SEVERITIES = {
    "AUDIT_SUCCESS": "0",
    "AUDIT_FAILURE": "0",
    "CRITICAL": "1",
    "ERROR": "2",
    "WARNING": "3",
    "INFO": "4",
    "VERBOSE": "5",
    "DEBUG": "5",
}
_AZURE_TABLES = ("SecurityEvent", "WindowsEvent", "Event")
_QUOTES = {"&quot;": '"', "&apos;": "'"}
_EVENT_DATA = re.compile(r"<EventData.*</EventData>", re.DOTALL)
_PARAM = re.compile(r"<Param>(.*?)</Param>|<Param\s*/>", re.DOTALL)


def flat(value: Mapping[str, Any], log: Log, position: int) -> Entry | None:
    """The entry of a flat object; None when it names no event id with a channel or provider."""
    azure = value.get("Type") in _AZURE_TABLES or "TenantId" in value
    used = {name: _first(value, keys) for name, keys in _SYSTEM.items()}
    if azure and not used["Provider_Name"][0]:
        used["Provider_Name"] = _first(value, ("Source",))
    system = {name: text for name, (_, text) in used.items()}
    if not system["EventID"] or not (system["Channel"] or system["Provider_Name"]):
        return None
    spent = {key for key, _ in used.values()} | {*_TIMES, *_MESSAGES, "ProviderGuid"}
    spent |= _AZURE if azure else set()
    if "SourceModuleName" in value:
        spent |= _COLLECTOR | {"Opcode"}
        _nxlog(value, system, spent)
    if not system["Keywords"].startswith("0x"):
        system["Keywords"] = hexadecimal(system["Keywords"])
    items: list[Item] = _azure_items(value) if azure else []
    for key, item in value.items():
        if key not in spent and not key.startswith("@"):
            items += named(key, item)
    message = _first(value, _MESSAGES)[1]
    times = [text_of(value.get(key)) for key in _TIMES]
    time = event_time(system, dict(items), times)
    return build(log, position, time, system, items, message)


def _nxlog(value: Mapping[str, Any], system: dict[str, str], spent: set[str]) -> None:
    """What NXLog says in its own words: severity, and the thread of the System block."""
    if "AccountType" in value and system["Channel"] != "System":
        spent.add("AccountName")  # Resolved from UserID; events of System have an own one.
    severity = _SEVERITIES.get(text_of(value.get("EventType")))
    if severity is not None:
        spent.add("EventType")
    system["Level"] = system["Level"] or severity or ""
    if not system["Execution_ThreadID"]:
        system["Execution_ThreadID"] = text_of(value.get("ThreadID"))
        spent.add("ThreadID")
    if not system["Opcode"].isdigit():
        system["Opcode"] = ""


def event_time(
    system: Mapping[str, str], data: Mapping[str | None, str], times: list[str]
) -> datetime | None:
    """The time of an event by the rule in the module's text; ``times`` in order of trust."""
    if "Sysmon" in system.get("Provider_Name", ""):
        times = [data.get("UtcTime", ""), *times]
        if own := iso_time(times[0]):
            return own
    zoned = [text for text in times if re.search(r"(Z|[+-]\d\d:?\d\d)$", text)]
    return next((time for text in [*zoned, *times] if (time := iso_time(text))), None)


def _first(value: Mapping[str, Any], keys: tuple[str, ...]) -> tuple[str, str]:
    for key in keys:
        if text := text_of(value.get(key)):
            return key, text
    return "", ""


def _azure_items(value: Mapping[str, Any]) -> list[Item]:
    """The data of a table row: a JSON object, XML text or parameters."""
    data = value.get("EventData")
    if isinstance(data, str) and data.startswith("{"):
        try:
            data = decode(data)
        except ValueError:
            return [("EventData", str(data))]
    if isinstance(data, dict):
        return list(json_data(data))
    if isinstance(data, str) and (match := _EVENT_DATA.search(data)):
        try:
            return event_data(parse(match[0].encode()))
        except ParseError:
            return [("EventData", data)]
    parameters = text_of(value.get("ParameterXml"))
    return [(None, unescape(match[1] or "", _QUOTES)) for match in _PARAM.finditer(parameters)]

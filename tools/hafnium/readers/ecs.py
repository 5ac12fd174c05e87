"""Event data that Elastic's pipelines moved to ECS fields, at its places again.

The Sysmon, PowerShell and Security pipelines of Winlogbeat's modules and of Elastic's
integrations rename items: ``winlog.event_data.Image`` becomes ``process.executable``, and nothing
stays behind. An item that the document still holds is left as it is. What a pipeline drops
(``-``, null GUIDs, the address of an unknown user) stays away.
Texts that a pipeline cuts into pieces (ContextInfo and Payload of 4103, the classic PowerShell
log) are not put together again; the message of the event still holds them.
Source: the field lists and pipelines of the packages ``windows`` and ``system`` of
https://github.com/elastic/integrations.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hafnium.readers.jsonparts import text_of
from hafnium.readers.windows import Item

_SYSMON = {
    "RuleName": "rule.name",
    "ProcessGuid": "process.entity_id",
    "ProcessId": "process.pid",
    "Image": "process.executable",
    "CommandLine": "process.command_line",
    "CurrentDirectory": "process.working_directory",
    "OriginalFileName": "process.pe.original_file_name",
    "ParentProcessGuid": "process.parent.entity_id",
    "ParentProcessId": "process.parent.pid",
    "ParentImage": "process.parent.executable",
    "ParentCommandLine": "process.parent.command_line",
    "TargetObject": "registry.path",
    "QueryName": "dns.question.name",
    "Protocol": "network.transport",
    "SourceIp": "source.ip",
    "SourceHostname": "source.domain",
    "SourcePort": "source.port",
    "DestinationIp": "destination.ip",
    "DestinationHostname": "destination.domain",
    "DestinationPort": "destination.port",
}
_SOURCE = {
    "SourceProcessGUID": "process.entity_id",
    "SourceProcessId": "process.pid",
    "SourceThreadId": "process.thread.id",
    "SourceImage": "process.executable",
}
_FILE = {"TargetFilename": "file.path"}
# Where the pipeline moves other items of these events to the same fields.
_SYSMON_OTHER: Mapping[str, Mapping[str, str]] = {
    "2": _FILE,
    "6": {"ImageLoaded": "file.path"},
    "7": {"ImageLoaded": "file.path", "OriginalFileName": "file.pe.original_file_name"},
    "8": _SOURCE,
    "9": {"Device": "file.path"},
    "10": _SOURCE,
    "11": _FILE,
    "15": _FILE,
    "17": {"PipeName": "file.name"},
    "18": {"PipeName": "file.name"},
    "23": _FILE,
    "26": _FILE,
    "27": _FILE,
    "28": _FILE,
    "29": _FILE,
}
_NOT_OF_SOURCE = ("Image", "ProcessGuid", "ProcessId")
_POWERSHELL = {
    "ScriptBlockText": "powershell.file.script_block_text",
    "ScriptBlockId": "powershell.file.script_block_id",
    "MessageNumber": "powershell.sequence",
    "MessageTotal": "powershell.total",
    "Path": "file.path",
}
_SECURITY = {
    "IpAddress": "source.ip",
    "IpPort": "source.port",
    "ProcessName": "process.executable",
    "WorkstationName": "source.domain",
}
_CREATED = {
    "NewProcessName": "process.executable",
    "ParentProcessName": "process.parent.executable",
    "CommandLine": "process.command_line",
}
_DIRECTIONS = {
    "egress": "true", "outbound": "true", "ingress": "false", "inbound": "false",
}  # fmt: skip


def restored(
    document: Mapping[str, Any], provider: str, event_id: str, items: list[Item]
) -> list[Item]:
    """The items of an event, and those that its ECS fields hold and it does not."""
    here = {name for name, _ in items}
    return [*items, *((n, t) for n, t in _moved(document, provider, event_id) if n not in here)]


def _moved(document: Mapping[str, Any], provider: str, event_id: str) -> Iterator[tuple[str, str]]:
    for name, path in _names(provider, event_id).items():
        text = text_of(_value(document, path))
        if text:
            yield name, text
    if provider != "Microsoft-Windows-Sysmon":
        return
    domain, user = (text_of(_value(document, f"user.{part}")) for part in ("domain", "name"))
    if domain and user:
        yield "User", f"{domain}\\{user}"
    direction = text_of(_value(document, "network.direction"))
    if event_id == "3" and direction in _DIRECTIONS:
        yield "Initiated", _DIRECTIONS[direction]
    owner = "file" if event_id in ("6", "7", "15", "26", "29") else "process"
    hashes = _value(document, f"{owner}.hash")
    if isinstance(hashes, dict):
        listed = {key: text_of(found) for key, found in hashes.items()}
        listed["imphash"] = text_of(_value(document, f"{owner}.pe.imphash")) or listed.get(
            "imphash", ""
        )
        given = [f"{key.upper()}={found.upper()}" for key, found in listed.items() if found]
        yield "Hashes", ",".join(given)


def _names(provider: str, event_id: str) -> Mapping[str, str]:
    if provider == "Microsoft-Windows-Sysmon":
        other = _SYSMON_OTHER.get(event_id, {})
        left_out = _NOT_OF_SOURCE if "SourceImage" in other else ()
        kept = {name: path for name, path in _SYSMON.items() if name not in left_out}
        return {**kept, **other}
    if provider == "Microsoft-Windows-PowerShell":
        return _POWERSHELL if event_id == "4104" else {}
    if provider == "Microsoft-Windows-Security-Auditing":
        return _CREATED if event_id == "4688" else _SECURITY
    return {}


def _value(document: Mapping[str, Any], path: str) -> Any:
    """What stands under a dotted name; the first of several values."""
    place: Any = document
    for part in path.split("."):
        place = place.get(part) if isinstance(place, dict) else None
    return place[0] if isinstance(place, list) and place else place

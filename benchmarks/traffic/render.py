"""Windows events as exports write them: JSON lines (evtx_dump), XML (wevtutil), Winlogbeat."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from traffic.log import Render, WinEvent
from traffic.site import Site

_NAMESPACE = "http://schemas.microsoft.com/win/2004/08/events/event"
_THREAD = 3128


def _json(site: Site, when: datetime, record: int, event: WinEvent) -> str:
    classic = event.guid is None
    provider = {"Name": event.provider} | ({} if classic else {"Guid": event.guid})
    number: Any = event.event_id
    if event.qualifiers is not None:
        number = {"#attributes": {"Qualifiers": event.qualifiers}, "#text": event.event_id}
    system: dict[str, Any] = {"Provider": {"#attributes": provider}, "EventID": number}
    if not classic:
        system["Version"] = event.version
    system |= {"Level": event.level, "Task": event.task}
    if not classic:
        system["Opcode"] = 0
    system["Keywords"] = event.keywords
    system["TimeCreated"] = {"#attributes": {"SystemTime": f"{when:%Y-%m-%dT%H:%M:%S.%f}Z"}}
    system["EventRecordID"] = record
    if not classic:
        ids = {"ProcessID": 4 if event.channel == "Security" else 2096, "ThreadID": _THREAD}
        system |= {"Correlation": None, "Execution": {"#attributes": ids}}
    system |= {"Channel": event.channel, "Computer": site.fqdn}
    system["Security"] = {"#attributes": {"UserID": event.user}} if event.user else None
    data = event.data
    inside = {"Data": {"#text": data}, "Binary": None} if isinstance(data, list) else data
    whole = {"Event": {"#attributes": {"xmlns": _NAMESPACE}, "System": system, "EventData": inside}}
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":"))


def _xml(site: Site, when: datetime, record: int, event: WinEvent) -> str:
    classic = event.guid is None
    guid = "" if classic else f" Guid='{{{event.guid}}}'"
    qualifiers = "" if event.qualifiers is None else f" Qualifiers='{event.qualifiers}'"
    version = "" if classic else f"<Version>{event.version}</Version>"
    more = "" if classic else "<Opcode>0</Opcode>"
    process = 4 if event.channel == "Security" else 2096
    execution = (
        "" if classic else f"<Correlation/><Execution ProcessID='{process}' ThreadID='{_THREAD}'/>"
    )
    user = f" UserID='{event.user}'" if event.user else ""
    if isinstance(event.data, list):
        data = "".join(f"<Data>{escape(item)}</Data>" for item in event.data)
    else:
        data = "".join(
            f"<Data Name={quoteattr(name)}>{escape(str(item))}</Data>"
            for name, item in event.data.items()
        )
    return (
        f"<Event xmlns='{_NAMESPACE}'><System><Provider Name={quoteattr(event.provider)}{guid}/>"
        f"<EventID{qualifiers}>{event.event_id}</EventID>{version}<Level>{event.level}</Level>"
        f"<Task>{event.task}</Task>{more}<Keywords>{event.keywords}</Keywords>"
        f"<TimeCreated SystemTime='{when:%Y-%m-%dT%H:%M:%S.%f}000Z'/>"
        f"<EventRecordID>{record}</EventRecordID>{execution}<Channel>{event.channel}</Channel>"
        f"<Computer>{site.fqdn}</Computer><Security{user}/></System>"
        f"<EventData>{data}</EventData></Event>"
    )


_LEVELS = {0: "information", 2: "error", 3: "warning", 4: "information"}


def _winlogbeat(site: Site, when: datetime, record: int, event: WinEvent) -> str:
    time = f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03}Z"
    if isinstance(event.data, list):
        data = {f"param{n}": item for n, item in enumerate(event.data, 1) if item}
    else:
        data = {name.replace(" ", "_"): str(item) for name, item in event.data.items()}
    winlog: dict[str, Any] = {
        "channel": event.channel,
        "computer_name": site.fqdn,
        "event_id": str(event.event_id),
        "provider_name": event.provider,
        "record_id": record,
        "task": str(event.task),
        "keywords": ["Classic"] if event.guid is None else [],
        "opcode": "Info",
        "api": "wineventlog",
        "event_data": data,
        "process": {"pid": 2096, "thread": {"id": _THREAD}},
    }
    if event.guid:
        winlog |= {"provider_guid": f"{{{event.guid}}}", "version": event.version}
    document: dict[str, Any] = {
        "@timestamp": time,
        "@metadata": {"beat": "winlogbeat", "type": "_doc", "version": "7.11.1"},
        "event": {"kind": "event", "provider": event.provider, "code": event.event_id},
        "log": {"level": _LEVELS[event.level]},
        "winlog": winlog,
        "host": {"name": site.fqdn},
        "agent": {"type": "winlogbeat", "version": "7.11.1", "hostname": site.host},
        "ecs": {"version": "1.7.0"},
    }
    message = event.message
    if message is None and isinstance(event.data, dict):
        message = "\r\n".join(f"{name}: {item}" for name, item in event.data.items())
    if message is not None:
        document["message"] = message
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


EXPORTS: Mapping[str, tuple[Render, str]] = {
    "json": (_json, ".jsonl"),
    "xml": (_xml, ".xml"),
    "winlogbeat": (_winlogbeat, ".ndjson"),
}

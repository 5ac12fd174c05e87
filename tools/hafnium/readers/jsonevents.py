"""Windows events as JSON, in the shapes met in the field.

* nested, as evtx_dump writes them: ``{"Event": {"System": …, "EventData": …}}``;
* Winlogbeat and Elastic: ``{"winlog": {…}, "message": …}``, also inside ``_source`` and with
  dotted names, before and after the pipelines that move items to ECS fields;
* flat, as NXLog writes them, and the rows of Azure's SecurityEvent, WindowsEvent and Event
  tables: see `hafnium.readers.jsonflat`.

An object of no known shape is a fault.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from hafnium.entries import Entry
from hafnium.readers.ecs import restored
from hafnium.readers.jsonflat import event_time, flat
from hafnium.readers.jsonparts import attribute, event_data, inner, leaves, text_of
from hafnium.readers.jsontext import objects
from hafnium.readers.log import Log, iso_time
from hafnium.readers.streams import Readable
from hafnium.readers.windows import Item, build

_PARAM = re.compile(r"param([1-9]\d?)")
_KEYWORDS = {
    "Audit Success": "0x8020000000000000",
    "Audit Failure": "0x8010000000000000",
    "Classic": "0x80000000000000",
}
_LEVELS = {"critical": "1", "error": "2", "warning": "3", "information": "4", "verbose": "5"}


def read(stream: Readable, log: Log) -> Iterator[Entry]:
    """The entries of a JSON file, in order; positions are the lines that objects begin on."""
    for line, value in objects(stream, log):
        entry = event(value, log, line)
        if entry is None:
            log.faults.add("JSON object that is no Windows event", line)
        else:
            yield entry


def event(value: Mapping[str, Any], log: Log, position: int) -> Entry | None:
    """The entry of a decoded object in whichever shape it is; None when in none."""
    source = value.get("_source")
    if isinstance(source, dict):
        value = source
    if any(key.startswith("winlog.") for key in value):
        value = _undotted(value)
    if isinstance(value.get("winlog"), dict):
        return winlogbeat(value, log, position)
    return nested(value, log, position) or flat(value, log, position)


def nested(value: Mapping[str, Any], log: Log, position: int) -> Entry | None:
    """The entry of ``{"Event": {"System": …}}``; None for another shape."""
    inside = value.get("Event", value)
    system = inside.get("System") if isinstance(inside, dict) else None
    if not isinstance(system, dict) or "EventID" not in system:
        return None
    created = attribute(system, "TimeCreated", "SystemTime")
    items = [*event_data(inside.get("EventData")), *leaves(inside.get("UserData"))]
    rendering = inside.get("RenderingInfo")
    message = text_of(rendering.get("Message")) if isinstance(rendering, dict) else None
    return build(log, position, iso_time(created), _system(system), items, message)


def _system(system: Mapping[str, Any]) -> dict[str, str]:
    parts = {
        name: text_of(system.get(name))
        for name in ("EventID", "Version", "Level", "Task", "Opcode", "Keywords")
    }
    return {
        **parts,
        "Provider_Name": attribute(system, "Provider", "Name"),
        "Qualifiers": attribute(system, "EventID", "Qualifiers"),
        "EventRecordID": text_of(system.get("EventRecordID")),
        "Execution_ProcessID": attribute(system, "Execution", "ProcessID"),
        "Execution_ThreadID": attribute(system, "Execution", "ThreadID"),
        "Channel": text_of(system.get("Channel")),
        "Computer": text_of(system.get("Computer")),
        "Security_UserID": attribute(system, "Security", "UserID"),
    }


def winlogbeat(value: Mapping[str, Any], log: Log, position: int) -> Entry | None:
    """The entry of a Winlogbeat or Elastic document; None when it says no event id."""
    winlog = value["winlog"]
    event_id = text_of(winlog.get("event_id")) or text_of(inner(value, "event").get("code"))
    if not event_id:
        return None
    channel = text_of(winlog.get("channel"))
    level = _LEVELS.get(text_of(inner(value, "log").get("level")).lower(), "")
    keywords = winlog.get("keywords")
    first = keywords[0] if isinstance(keywords, list) and keywords else keywords
    opcode, task = text_of(winlog.get("opcode")), text_of(winlog.get("task"))
    process = inner(winlog, "process")
    system = {
        "Provider_Name": text_of(winlog.get("provider_name")),
        "EventID": event_id,
        "Version": text_of(winlog.get("version")),
        "Level": "0" if level == "4" and channel == "Security" else level,
        "Task": task if task.isdigit() else "",
        "Opcode": "0" if opcode == "Info" else opcode if opcode.isdigit() else "",
        "Keywords": _KEYWORDS.get(text_of(first), text_of(first)),
        "EventRecordID": text_of(winlog.get("record_id")),
        "Execution_ProcessID": text_of(process.get("pid")),
        "Execution_ThreadID": text_of(inner(process, "thread").get("id")),
        "Channel": channel,
        "Computer": text_of(winlog.get("computer_name")) or _host(value),
        "Security_UserID": text_of(inner(winlog, "user").get("identifier")),
    }
    items = [*event_data(winlog.get("event_data")), *leaves(winlog.get("user_data"))]
    time = event_time(system, dict(items), [text_of(value.get("@timestamp"))])
    items = _positional(system["Provider_Name"], items)
    items = restored(value, system["Provider_Name"], event_id, items)
    return build(log, position, time, system, items, text_of(value.get("message")))


def _host(value: Mapping[str, Any]) -> str:
    return text_of(inner(value, "host").get("name")) or text_of(value.get("host"))


def _positional(provider: str, items: list[Item]) -> list[Item]:
    """Unnamed items, which Winlogbeat calls param1, param2 …, at their places again.

    Providers with a manifest, and the Service Control Manager, have items of these names.
    """
    if provider.startswith("Microsoft-Windows-") or provider == "Service Control Manager":
        return items
    texts: dict[int, str] = {}
    rest: list[Item] = []
    for name, text in items:
        match = _PARAM.fullmatch(name or "")
        if match:
            texts[int(match[1])] = text
        else:
            rest.append((name, text))
    return [*((None, texts.get(i, "")) for i in range(1, max(texts, default=0) + 1)), *rest]


def _undotted(value: Mapping[str, Any]) -> dict[str, Any]:
    """``{"winlog.event_id": 1}`` as ``{"winlog": {"event_id": 1}}``."""
    whole: dict[str, Any] = {}
    for key, item in value.items():
        *path, last = key.split(".")
        place = whole
        for part in path:
            below = place.setdefault(part, {})
            place = below if isinstance(below, dict) else place.setdefault(f"{part}.", {})
        place[last] = item[0] if isinstance(item, list) and len(item) == 1 else item
    return whole

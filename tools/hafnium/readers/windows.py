"""A Windows event from its parts, however it was exported: the one place that builds entries.

MSExchange Management events carry 27 unnamed items; they get the names of `CMDLET_ITEMS`.
Some exporters write unnamed items as lines of ``<string>…</string>`` inside one item: these
are taken apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime

from hafnium.entries import Value, WindowsEvent
from hafnium.readers.log import Log

SYSTEM_FIELDS = (
    *("Provider_Name", "EventID", "Qualifiers", "Version", "Level", "Task", "Opcode"),
    *("Keywords", "EventRecordID", "Execution_ProcessID", "Execution_ThreadID"),
    *("Channel", "Computer", "Security_UserID"),
)
"""The System block as `WindowsEvent.system` names it."""

CMDLET_ITEMS: Mapping[int, str] = {
    0: "Cmdlet",
    1: "Parameters",
    2: "Caller",
    3: "CallerSid",
    5: "HostApplication",
    6: "Process",
    8: "ThreadId",
    9: "Elapsed",
    10: "Scope",
    11: "Error",
    23: "ActivityId",
    26: "Culture",
}
"""Names of the unnamed items of MSExchange Management, by their place."""

CMDLET_PROVIDER = "MSExchange CmdletLogs"
CMDLET_CHANNEL = "MSExchange Management"

_STRING = re.compile(r"<string>(.*?)</string>|<string\s*/>", re.DOTALL)
_BARE_GUID = re.compile(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}")

Item = tuple[str | None, str]
"""An item of EventData: its name, None for an unnamed one, and its text."""


def build(
    log: Log,
    position: int,
    time: datetime | None,
    system: Mapping[str, str],
    items: Iterable[Item],
    message: str | None = None,
) -> WindowsEvent:
    """The entry. ``system`` has keys of SYSTEM_FIELDS; ``items`` are in the event's order.

    Of items with one name, all values are kept: a tuple in ``fields``, lines in ``data``.
    """
    named: dict[str, Value] = {}
    unnamed: list[str] = []
    for name, text in items:
        if name is None:
            unnamed.append(text)
        elif text and text != named.get(name):
            old = named.get(name)
            named[name] = text if old is None else (*_several(old), text)
    if len(unnamed) == 1 and "<string" in unnamed[0]:
        unnamed = _strings(unnamed[0])
    system = {name: value for name, value in system.items() if value}
    fields: dict[str, Value] = {**system, **_cmdlet(system, unnamed), **named}
    fields.update({name: system[name] for name in ("EventID", "Channel") if name in system})
    if texts := tuple(text for text in unnamed if text):
        fields.setdefault("Data", texts)
    if message:
        fields.setdefault("Message", message)
    return WindowsEvent(
        "winevent",
        log.source,
        position,
        time,
        system.get("Computer", log.host),
        fields,
        system,
        {name: "\n".join(_several(value)) for name, value in named.items()},
        tuple(unnamed),
        message or None,
    )


def _several(value: Value) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value


def _cmdlet(system: Mapping[str, str], unnamed: list[str]) -> dict[str, Value]:
    of_exchange = CMDLET_PROVIDER, CMDLET_CHANNEL
    if not unnamed or not {system.get("Provider_Name"), system.get("Channel")} & {*of_exchange}:
        return {}
    return {
        name: unnamed[place]
        for place, name in CMDLET_ITEMS.items()
        if place < len(unnamed) and unnamed[place]
    }


def _strings(text: str) -> list[str]:
    found = [match[1] or "" for match in _STRING.finditer(text)]
    return found if not _STRING.sub("", text).strip() else [text]


def braced(name: str, text: str) -> str:
    """``text`` with the braces that Windows writes around a GUID and some parsers leave out."""
    if len(text) == 36 and name[-4:].lower() == "guid" and _BARE_GUID.fullmatch(text):
        return f"{{{text}}}"
    return text


def hexadecimal(keywords: str) -> str:
    """Keywords as Windows writes them, from a decimal number, signed or not."""
    try:
        return f"{int(keywords) & 0xFFFFFFFFFFFFFFFF:#x}"
    except ValueError:
        return keywords

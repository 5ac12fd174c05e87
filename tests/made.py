"""Entries from inline fields, for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hafnium.entries import Entry, Kind, Value, WindowsEvent

START = datetime(2021, 3, 3, 6, 49, tzinfo=UTC)


def entry(kind: Kind = "w3c", at: float = 0, position: int = 1, **fields: Value) -> Entry:
    """A text-log entry ``at`` seconds after `START`; ``_`` in names stands for ``-``."""
    named = {name.replace("_", "-"): value for name, value in fields.items()}
    time = START + timedelta(seconds=at)
    return Entry(kind, "a.log", position, time, "mail01", named)


def windows(
    channel: str, event_id: int, at: float = 0, position: int = 1, **data: str
) -> WindowsEvent:
    """A Windows event with named EventData."""
    system = {"Channel": channel, "EventID": str(event_id), "Computer": "MAIL01.corp.example"}
    return WindowsEvent(
        "winevent",
        "a.evtx",
        position,
        START + timedelta(seconds=at),
        "MAIL01.corp.example",
        {**system, **data},
        system=system,
        data=data,
    )

"""From a raw entry to the events that Sigma rules see: log sources and field names.

One entry can serve several log sources: Security 4688 is ``service: security`` under its own
names and ``category: process_creation`` under Sigma's. The table is ``taxonomy.yml``.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hafnium.data import load_data
from hafnium.entries import Entry, Value
from hafnium.logsource import LogSource


@dataclass(frozen=True, slots=True)
class Event:
    """An entry as one log source shows it; ``fields`` are under Sigma's names."""

    entry: Entry
    logsource: LogSource
    fields: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class View:
    """How entries of one shape serve one log source.

    ``where`` lists the values that a field must have (compared without regard to case).
    """

    logsource: LogSource
    rename: Mapping[str, str] = field(default_factory=dict)
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def of(self, entry: Entry, lost: frozenset[str] = frozenset()) -> Event | None:
        """The event, or None when the entry does not serve this log source after all.

        ``lost`` are fields, by the entry's names, that the event shall not have.
        """
        for name, wanted in self.where.items():
            value = entry.fields.get(name)
            if not isinstance(value, str) or value.casefold() not in wanted:
                return None
        if not self.rename and not lost:
            return Event(entry, self.logsource, entry.fields)
        kept = {k: v for k, v in entry.fields.items() if k not in lost}
        renamed = {self.rename.get(k, k): v for k, v in kept.items()}
        return Event(entry, self.logsource, renamed)


Shape = tuple[str, str, str]
"""What decides the views of an entry: kind, and for a Windows event channel and event id."""


def shape_of(entry: Entry) -> Shape:
    """The entry's shape; entries of one shape have the same views."""
    if entry.kind != "winevent":
        return entry.kind, "", ""
    channel, event_id = entry.fields.get("Channel", ""), entry.fields.get("EventID", "")
    return entry.kind, _first(channel).casefold(), _first(event_id)


def _first(value: Value) -> str:
    return value if isinstance(value, str) else value[0]


@functools.cache
def views(shape: Shape) -> tuple[View, ...]:
    """All ways in which entries of a shape serve log sources."""
    table = _table()
    kind, channel, event_id = shape
    if kind != "winevent":
        return (View(LogSource.from_map(table["kinds"][kind])),)
    service = table["services"].get(channel)
    plain = View(LogSource(product="windows", service=service))
    return (plain, *table["categories"].get((service, event_id), ()))


@functools.cache
def _table() -> dict[str, Any]:
    said = load_data(Path(__file__).with_name("taxonomy.yml"))
    categories: dict[tuple[str, str], tuple[View, ...]] = {}
    for row in said["categories"]:
        view = View(
            LogSource(row["category"], "windows", row["service"]),
            row.get("rename", {}),
            {k: tuple(v.casefold() for v in vs) for k, vs in row.get("where", {}).items()},
        )
        for number in row["events"]:
            key = (row["service"], str(number))
            categories[key] = (*categories.get(key, ()), view)
    services = {channel.casefold(): service for channel, service in said["channels"].items()}
    return {"kinds": said["kinds"], "services": services, "categories": categories}


@functools.cache
def events_of(category: str) -> tuple[Shape, ...]:
    """The Windows events that serve a Sigma category."""
    channels = {service: channel for channel, service in _table()["services"].items()}
    return tuple(
        ("winevent", channels[service], event_id)
        for (service, event_id), found in _table()["categories"].items()
        if any(view.logsource.category == category for view in found)
    )


@functools.cache
def channels_of(service: str) -> tuple[str, ...]:
    """The Windows channels, in lower case, that serve a Sigma service."""
    return tuple(channel for channel, name in _table()["services"].items() if name == service)


@functools.cache
def text_kinds() -> tuple[str, ...]:
    """The kinds of text log."""
    return tuple(_table()["kinds"])


@functools.cache
def known_services() -> frozenset[str]:
    """Every Sigma service that some Windows channel serves."""
    return frozenset(_table()["services"].values())

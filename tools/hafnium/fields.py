"""Which fields each log source has, and what they hold: ``fields.yml`` as questions.

`contents` is asked about an entry, under the entry's own names; `known_fields` about a rule's
log source, under the names that rules use.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from hafnium.data import load_data
from hafnium.entries import Entry
from hafnium.logsource import LogSource
from hafnium.taxonomy import Shape, channels_of, events_of, shape_of, text_kinds, views

Contents = Mapping[str, str]
"""Field → what it holds (``image``, ``command`` …, see fields.yml)."""

ANY = "any"


def contents(entry: Entry) -> Contents:
    """What the fields of an entry hold; empty for an entry that is not listed."""
    return contents_of(shape_of(entry)) or {}


def known_fields(logsource: LogSource, event_ids: Iterable[str] = ()) -> frozenset[str] | None:
    """Every field, under Sigma's names, that an entry of the log source may have.

    ``event_ids`` are those that a rule for a service asks for. None: what serves the log source
    is not listed, or not completely, so nothing can be said.
    """
    found: set[str] = set()
    for shape in shapes(logsource, event_ids):
        listed = contents_of(shape)
        if listed is None:
            return None
        for view in views(shape):
            if logsource.covers(view.logsource):
                found |= {view.rename.get(name, name) for name in listed}
    return frozenset(found) if found else None


def shapes(logsource: LogSource, event_ids: Iterable[str]) -> list[Shape]:
    """The kinds of entries that serve a rule's log source; see `known_fields`."""
    texts = [
        shape
        for shape in ((kind, "", "") for kind in text_kinds())
        if logsource.covers(views(shape)[0].logsource)
    ]
    if texts and (logsource.category or logsource.service):
        return texts
    if logsource.category:
        return list(events_of(logsource.category))
    channels = channels_of(logsource.service or "")[:1]
    numbers = sorted(event_ids) or ([ANY] if _of_any(logsource.service) else [])
    return [("winevent", channel, number) for channel in channels for number in numbers]


def _of_any(service: str | None) -> bool:
    return ANY in _table()["events"].get(service, {})


@functools.cache
def contents_of(shape: Shape) -> Contents | None:
    """What the fields of entries of a shape hold, under the entry's own names; None for a
    Windows event that is not listed."""
    kind, _, event_id = shape
    if kind != "winevent":
        return _by_name(_table()["text"][kind])
    service = views(shape)[0].logsource.service
    events: Mapping[Any, Any] = _table()["events"].get(service, {})
    key = int(event_id) if event_id.isdigit() else event_id
    said = events.get(key, events.get(ANY))
    if said is None:
        return None
    return {**_by_name(_table()["windows"]), **_by_name(said)}


def _by_name(said: Mapping[str, list[str]]) -> dict[str, str]:
    return {name: holds for holds, names in said.items() for name in names}


@functools.cache
def _table() -> dict[str, Any]:
    said = load_data(Path(__file__).with_name("fields.yml"))
    assert isinstance(said, dict)
    return said

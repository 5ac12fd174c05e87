"""From a Sigma field to the fields that Elastic keeps it in, with their types and conversions."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hafnium.sources import DataSource, Feed, load_catalogue

NAMES = frozenset({"event.code", "winlog.channel", "data_stream.dataset", "event.action"})
"""Fields of guards that agents write in one spelling: compared exactly, which is cheap."""

EVENT_DATA = "winlog.event_data."
SPARSE: Mapping[str, str] = {
    "destination.ip": "ip",
    "destination.port": "long",
    "dns.question.name": "keyword",
    "network.direction": "keyword",
    "process.entity_id": "keyword",
    "process.parent.entity_id": "keyword",
    "process.parent.command_line": "wildcard",
    "process.parent.pid": "long",
    "process.pe.original_file_name": "keyword",
    "process.pid": "long",
    "process.working_directory": "keyword",
    "registry.path": "keyword",
    "user.domain": "keyword",
    "winlog.user_data.CONSUMER": "keyword",
}
"""Fields, with their types, that not every Windows log has: an integration maps one when the
first event brings it, and the Security log brings no original file name."""


def is_templated(name: str) -> bool:
    """Does a component template of this pack map the field?"""
    return name.startswith(EVENT_DATA) or name in SPARSE


@dataclass(frozen=True)
class Column:
    """A stored field. ``type`` is the type of its mapping; ``as_`` the conversion, if any."""

    name: str
    type: str = "keyword"
    as_: str = ""
    said: Mapping[str, Any] = field(default_factory=dict, compare=False)
    codes: tuple[str, ...] = ()
    """The event codes in which the field holds this Sigma field; empty: in all."""

    def to(self, name: str, type_: str = "keyword") -> Column:
        """Another field, of a plain type."""
        return Column(name, type_)


@functools.cache
def catalogue() -> tuple[DataSource, ...]:
    """The data sources, with the feeds that a source takes over from others."""
    sources = load_catalogue(Path(__file__).with_name("sources.yml"))
    by_id = {source.id: source for source in sources}
    return tuple(_like(source, by_id) for source in sources)


def _like(source: DataSource, by_id: Mapping[str, DataSource]) -> DataSource:
    """A source that stores what others serve keeps their columns under its own name."""
    feeds: list[Feed] = list(source.feeds)
    for other in (by_id[name] for name in source.extra.get("like", [])):
        own = dataclasses.replace(source, others=other.others, extra=other.extra)
        feeds += [dataclasses.replace(feed, source=own) for feed in other.feeds]
    return dataclasses.replace(source, feeds=tuple(feeds))


_TYPES = {
    "account": "keyword",
    "user": "keyword",
    "hashes": "keyword",
    "values": "keyword",
    "decoded": "keyword",
    "listed": "many",
    "address": "ip",
    "hex": "long",
}


class Columns:
    """What a feed calls each Sigma field."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self._said: Mapping[str, Any] = feed.source.extra.get("columns", {})
        self._events: Mapping[str, Sequence[str]] = feed.source.extra.get("events", {})

    def of(self, name: str) -> list[Column]:
        """The columns that may hold a Sigma field: its values are in any of them."""
        stored = self.feed.fields.get(name)
        if stored is None:
            prefix = self.feed.source.others
            stored = name if prefix in ("keep", "refuse") else prefix + name
            if " " in name:
                stored = [stored, stored.replace(" ", "_")]
        codes = () if "event.code" in self.feed.when else tuple(self._events.get(name, ()))
        names = [stored] if isinstance(stored, str) else stored
        return [dataclasses.replace(self.stored(each), codes=codes) for each in names]

    def stored(self, name: str) -> Column:
        """The column of a stored field's name."""
        said = self._said.get(name, "keyword")
        if isinstance(said, str):
            return Column(name, said)
        return Column(name, _TYPES[said["as"]], said["as"], said)

    def keywords(self) -> list[Column] | None:
        """The columns that a value without a field is searched in; None: not possible."""
        names = self.feed.source.extra.get("keywords")
        return None if names is None else [self.stored(name) for name in names]

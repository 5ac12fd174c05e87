"""The document that an ingest pipeline builds: fields under dotted names, and what got lost.

The steps are those of Elasticsearch's ingest processors (rename, remove, split, urldecode …),
with their failure rules, because these decide which fields a document has.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from hafnium.entries import Entry
from hafnium.siem import Record

EVENT_DATA = "winlog.event_data."


class Document:
    """One document under construction.

    ``data`` holds the Windows event data that no step has moved yet; `record` puts what is
    left of it under ``winlog.event_data`` (or ``section``). ``lost`` are entry field names
    whose value the document does not hold in any form.
    """

    def __init__(self, entry: Entry, dataset: str | None) -> None:
        self.fields: dict[str, Any] = {}
        self.data: dict[str, Any] = {}
        self.lost: set[str] = set()
        self.section = EVENT_DATA
        self._known = entry.fields.keys()
        self.put("host.name", entry.host)
        if entry.time is not None:
            self.fields["@timestamp"] = stamp(entry.time)
        if dataset is not None:
            self.fields["event.dataset"] = dataset
            self.fields["data_stream.dataset"] = dataset
            self.fields["data_stream.type"] = "logs"
            self.fields["data_stream.namespace"] = "default"

    def put(self, name: str, value: Any) -> None:
        """Set a field; an empty value is no value."""
        if value not in (None, "", []):
            self.fields[name] = value

    def default(self, name: str, value: Any) -> None:
        """Set a field that is not set yet."""
        if name not in self.fields:
            self.put(name, value)

    def rename(self, key: str, target: str) -> None:
        """Move event data to a field. As in Elasticsearch, it stays when the field exists."""
        if key in self.data and target not in self.fields:
            self.fields[target] = self.data.pop(key)

    def copy(self, key: str, target: str) -> None:
        """Set a field from event data that also stays."""
        self.put(target, self.data.get(key))

    def number(self, key: str, target: str) -> None:
        """Move event data to a number; what is no number is lost."""
        text = self.data.pop(key, None)
        if text is None:
            return
        value = whole(text)
        if value is None:
            self.lost.add(key)
        else:
            self.fields[target] = value

    def address(self, key: str, target: str) -> None:
        """Move event data to an IP address; what is none is lost."""
        text = self.data.pop(key, None)
        if text is None:
            return
        if is_address(text):
            self.fields[target] = text
        else:
            self.lost.add(key)

    def drop(self, keys: Iterable[str]) -> None:
        """Remove event data for good."""
        for key in keys:
            if self.data.pop(key, None) is not None:
                self.lost.add(key)

    def file(self, path: str) -> None:
        """The parts of a Windows path, as the pipelines cut it."""
        folder, slash, name = path.rpartition("\\")
        if not slash:
            return
        self.put("file.name", name)
        self.put("file.directory", folder)
        if "." in path:
            self.put("file.extension", path.rpartition(".")[2])

    def record(self, path: str, store: str) -> Record:
        """The finished document as it came in by ``path`` into ``store``."""
        fields = self.fields | {f"{self.section}{k}": v for k, v in self.data.items() if v != ""}
        return Record(path, store, fields, frozenset(self.lost & self._known))


def stamp(time: datetime) -> str:
    """ISO 8601 in UTC with milliseconds: what a date field keeps."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds")[:23] + "Z"


def whole(text: str) -> int | None:
    """A decimal or ``0x`` number in the form in which servers write numbers; None for others."""
    if re.fullmatch(r"0|-?[1-9][0-9]*", text):
        return int(text)
    return int(text, 16) if re.fullmatch(r"0[xX][0-9A-Fa-f]+", text) else None


def is_address(text: str) -> bool:
    """True for what a field of type ip takes: no zone, no brackets."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def url_decoded(text: str) -> str | None:
    """As the ``urldecode`` processor does it; None where it fails (``%`` without two digits)."""
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        return None
    raw = re.sub(
        rb"%([0-9A-Fa-f]{2})",
        lambda m: bytes([int(m.group(1), 16)]),
        text.replace("+", " ").encode("utf-8", "surrogateescape"),
    )
    return raw.decode("utf-8", "replace")


def split_user(text: str) -> tuple[str, str] | None:
    r"""``DOMAIN\name`` as (domain, name); None when it has not exactly two parts."""
    parts = text.split("\\")
    return (parts[0], parts[1]) if len(parts) == 2 else None


def last_part(path: str) -> str | None:
    """The file name of a Windows path; None when there is no backslash in it."""
    _, slash, name = path.rpartition("\\")
    return name if slash and name else None


_PIECE = re.compile(r'(?P<slashes>\\*)"(?P<double>"?)|(?P<space>[ \t]+)|[^" \t\\]+|\\+')


def arguments(command: str) -> list[str]:
    """A command line cut into arguments by the rules of the Windows C runtime.

    Backslashes count only before a quote, where two stand for one; two quotes inside quotes
    stand for one and end the quoting.
    """
    out: list[str] = []
    word: list[str] | None = None
    quoted = False
    position = 0
    while match := _PIECE.match(command, position):
        position = match.end()
        slashes, double, space = match.group("slashes", "double", "space")
        if space is not None and not quoted:
            if word is not None:
                out.append("".join(word))
            word = None
            continue
        word = word or []
        if slashes is None:
            word.append(match.group())
            continue
        word.append("\\" * (len(slashes) // 2))
        if len(slashes) % 2:
            word.append('"')
            position -= len(double)
        elif quoted and double:
            word.append('"')
            quoted = False
        else:
            quoted = not quoted
            position -= len(double)
    if word is not None:
        out.append("".join(word))
    return out


def present(fields: Mapping[str, Any], name: str) -> str | None:
    """A field's single text; of several values the first."""
    value = fields.get(name)
    if isinstance(value, tuple):
        return value[0] if value else None
    return value

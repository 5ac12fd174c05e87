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
        return Record(path, store, fields, frozenset(self.lost))


def stamp(time: datetime) -> str:
    """ISO 8601 in UTC with milliseconds: what a date field keeps."""
    utc = time.astimezone(UTC)
    return utc.strftime("%Y-%m-%dT%H:%M:%S.") + f"{utc.microsecond // 1000:03d}Z"


def whole(text: str) -> int | None:
    """A decimal or ``0x`` number, as Java's ``Long.decode`` reads it."""
    try:
        return int(text, 16) if text[:2].lower() == "0x" else int(text)
    except ValueError:
        return None


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


def arguments(command: str) -> list[str]:
    """A command line cut into arguments by the rules of the Windows C runtime."""
    out: list[str] = []
    word: list[str] = []
    quoted, slashes, open_word, i = False, 0, False, 0
    while i < len(command):
        char = command[i]
        if char == "\\":
            slashes += 1
            open_word = True
        elif char == '"':
            word.append("\\" * (slashes // 2))
            if slashes % 2:
                word.append('"')
            elif quoted and command[i + 1 : i + 2] == '"':
                word.append('"')
                i += 1
                quoted = False
            else:
                quoted = not quoted
            slashes, open_word = 0, True
        elif char in " \t" and not quoted:
            if open_word:
                out.append("".join(word) + "\\" * slashes)
            word, slashes, open_word = [], 0, False
        else:
            word.append("\\" * slashes + char)
            slashes, open_word = 0, True
        i += 1
    if open_word:
        out.append("".join(word) + "\\" * slashes)
    return out


def present(fields: Mapping[str, Any], name: str) -> str | None:
    """A field's single text; of several values the first."""
    value = fields.get(name)
    if isinstance(value, tuple):
        return value[0] if value else None
    return value

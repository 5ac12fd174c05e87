"""Exchange's HttpProxy and ECP Server logs: columns by name, whatever header the file has.

HttpProxy without any header is read by the number of columns, see `hafnium.readers.columns`.

ECP Server has four columns; its EventData is also split into its ``S:`` keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from hafnium.entries import Entry, Value
from hafnium.readers import csvrows
from hafnium.readers.align import Shape, align, fits
from hafnium.readers.columns import ECP_COLUMNS, HTTPPROXY_FIRST, HTTPPROXY_LAYOUTS
from hafnium.readers.log import Clock, Log
from hafnium.readers.streams import Readable

_MEND = "compare it with the log's #Fields line"


def _pattern(pattern: str) -> Shape:
    return re.compile(pattern).fullmatch


_NUMBER = _pattern(r"\d*")
_HTTPPROXY_SHAPES: Mapping[str, Shape] = {
    "DateTime": _pattern(r"\d{4}-\d\d-\d\d[T ][\d:.]+Z?"),
    "RequestId": _pattern(r"[0-9A-Fa-f-]*"),
    **dict.fromkeys(("MajorVersion", "MinorVersion", "BuildVersion", "RevisionVersion"), _NUMBER),
    "Protocol": _pattern(r"\w*"),
    "IsAuthenticated": _pattern(r"(?i)(true|false)?"),
    "ClientIpAddress": _pattern(r"[0-9A-Fa-f.:%]*"),
    **dict.fromkeys(("HttpStatus", "BackEndStatus", "RequestBytes", "ResponseBytes"), _NUMBER),
    "Method": _pattern(r"[A-Za-z_-]*"),
    "TargetServerVersion": _pattern(r"[\d.]*"),
    "TotalRequestTime": _NUMBER,
}
_HTTPPROXY_OPEN = (
    *("AnchorMailbox", "UserAgent", "UrlStem", "RoutingHint", "GenericInfo", "GenericErrors"),
    *("UrlQuery", "BackEndCookie", "AuthenticatedUser", "BackEndGenericInfo"),
)


class _Layout:
    """The columns that a header names, or those that rows of a length have."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self.shapes = [_HTTPPROXY_SHAPES.get(name) for name in names]
        self.open = [self.names.index(n) for n in _HTTPPROXY_OPEN if n in self.names]

    def row(self, values: list[str]) -> list[str] | None:
        """One value per column; fewer for a row that was cut short; None: no such row."""
        count = len(self.names)
        if len(values) > count:
            if row := align(values, self.shapes, self.open, ","):
                return row
            return values[:count] if not any(values[count:]) else None
        if len(values) < count and not fits(values[:-1], self.shapes):
            return None
        return values

    def fields(self, row: list[str]) -> dict[str, Value]:
        """Column name to value, without the empty ones."""
        return {name: value for name, value in zip(self.names, row, strict=False) if value}


_KNOWN = {count: _Layout(names) for count, names in HTTPPROXY_LAYOUTS.items()}
_FIRST = _Layout(HTTPPROXY_FIRST)


def read_httpproxy(stream: Readable, log: Log) -> Iterator[Entry]:
    """The entries of an HttpProxy log, in order."""
    layout: _Layout | None = None
    clock = Clock()
    for line in csvrows.read(stream, log, "DateTime,"):
        if line.columns:
            layout = _Layout(line.columns)
            continue
        values = csvrows.split(line.text)
        row, used = _httpproxy_row(values, layout)
        if row is None:
            log.faults.add("row does not fit the columns of its header", line.number, _MEND)
            continue
        if used is _FIRST:
            log.faults.add("unknown columns: only the first 34 are read", line.number, _MEND)
        fields = used.fields(row)
        host = str(fields.get("ServerHostName", log.host))
        time = clock.read(row[0])
        yield Entry("httpproxy", log.source, line.number, time, host, fields)


def _httpproxy_row(values: list[str], layout: _Layout | None) -> tuple[list[str] | None, _Layout]:
    count = len(values)
    if layout is not None and (row := layout.row(values)) is not None:
        return row, layout
    known = _KNOWN.get(count)
    if known is not None and fits(values, known.shapes):
        return values, known
    if layout is None and count > len(HTTPPROXY_FIRST) and fits(values, _FIRST.shapes):
        return values, _FIRST
    return None, _FIRST


def read_ecp(stream: Readable, log: Log) -> Iterator[Entry]:
    """The entries of an ECP Server log, in order."""
    columns: Sequence[str] = ECP_COLUMNS
    clock = Clock()
    for line in csvrows.read(stream, log, "TimeStamp,"):
        if line.columns:
            columns = line.columns
            continue
        values = csvrows.split(line.text)
        surplus = len(values) - len(columns)
        if surplus > 0:  # EventData is last: commas that nothing quoted are part of it.
            values = [*values[: -surplus - 1], ",".join(values[-surplus - 1 :])]
        if len(values) < min(3, len(columns)):
            log.faults.add("row does not fit the columns of its header", line.number, _MEND)
            continue
        named = {k: v for k, v in zip(columns, values, strict=False) if v}
        fields: dict[str, Value] = {**event_data(named.get("EventData", "")), **named}
        host = named.get("ServerName", log.host)
        yield Entry("ecp", log.source, line.number, clock.read(values[0]), host, fields)


_SEPARATOR = re.compile(r";(?='?S:)")
_ITEM = re.compile(r"'S:(\w+)=((?:[^']|'')*)'(?=;|$)|S:(\w+)=", re.DOTALL)


def event_data(text: str) -> dict[str, str]:
    """The ``S:`` items of an EventData by key, the first of a repeated key; no empty ones.

    ``S:CMD=Get-Mailbox;'S:URL=it''s'`` gives CMD and URL (``it's``). An unquoted value ends
    before the next ``;S:`` or ``;'S:``, so it may hold semicolons.
    """
    items: dict[str, str] = {}
    place = 0
    while place < len(text):
        match = _ITEM.match(text, place)
        if match is None:
            place = _next_item(text, place)
            continue
        if match[1] is not None:
            key, value, place = match[1], match[2].replace("''", "'"), match.end() + 1
        else:
            end = _next_item(text, match.end())
            key, value, place = match[3], text[match.end() : end].removesuffix(";"), end
        if value:
            items.setdefault(key, value)
    return items


def _next_item(text: str, start: int) -> int:
    found = _SEPARATOR.search(text, start)
    return found.end() if found else len(text)

"""IIS W3C logs (IIS 5 to 10): any ``#Fields`` layout, changing as often as it likes.

A line is split at single spaces, so an empty value between two spaces keeps its column. A
line with too many pieces has a value with spaces in it: see `hafnium.readers.align`; user
agent, query, path, cookie, referer and user name are tried in this order. A line with too few
is taken as cut short when its pieces fit the first columns. What fits in no way is a fault.

Where the layout has no ``date``, it comes from the last ``#Date``, and goes on by a day when
the time of day jumps back by more than half a day.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from ipaddress import ip_address

from hafnium.entries import Entry, Value
from hafnium.readers.align import Shape, align, fits
from hafnium.readers.faults import NOT_UTF8, READ_ON
from hafnium.readers.log import Clock, Log, runs
from hafnium.readers.streams import Readable

_BRACKETED = re.compile(r"(cs|sc|rs|sr|s|c|r)\(([^()]+)\)", re.IGNORECASE)
_LEAST = 3
"""Fewer values than this are no line that was cut short."""
_OPEN = (
    *("cs-user-agent", "cs-uri-query", "cs-uri-stem", "cs-cookie", "cs-referer"),
    *("cs-username", "cs-host", "s-sitename", "x-forwarded-for", "s-reason", "s-queuename"),
)
_NUMBERS = (
    *("s-port", "c-port", "sc-status", "sc-substatus", "sc-win32-status"),
    *("sc-bytes", "cs-bytes", "time-taken", "s-siteid"),
)


def _number(text: str) -> bool:
    return text.isdigit() or text == "-"


def _address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


_SHAPES: Mapping[str, Shape] = {
    "date": re.compile(r"\d{4}-\d\d-\d\d").fullmatch,
    "time": re.compile(r"\d\d:\d\d:\d\d(\.\d+)?").fullmatch,
    "cs-method": re.compile(r"[A-Za-z_-]+").fullmatch,
    "cs-uri-stem": re.compile(r"[/*-].*").fullmatch,
    "s-ip": _address,
    "c-ip": _address,
    **dict.fromkeys(_NUMBERS, _number),
}


class _Layout:
    """The columns that a ``#Fields`` line names."""

    def __init__(self, names: list[str]) -> None:
        self.names = tuple(map(column_name, names))
        self.shapes = [_SHAPES.get(name) for name in self.names]
        places = {name: i for i, name in enumerate(self.names)}
        self.open = [places[name] for name in _OPEN if name in places]
        self.repeats = len(places) < len(self.names)
        self.date, self.time = places.get("date"), places.get("time")
        self.host = "s-computername" in places

    def row(self, line: str) -> list[str] | None:
        """One value per column, or fewer for a line that was cut short; None: no row."""
        pieces = line.split(" ")
        count = len(self.names)
        if len(pieces) == count:
            return pieces
        tight = [piece for piece in pieces if piece]
        if len(tight) == count and fits(tight, self.shapes):
            return tight
        if len(pieces) > count:
            return align(pieces, self.shapes, self.open, " ")
        cut = len(pieces) >= _LEAST and fits(pieces[:-1], self.shapes)
        return pieces if cut else None

    def fields(self, row: list[str]) -> dict[str, Value]:
        """Column name to value, without the empty ones."""
        if not self.repeats:
            return {k: v for k, v in zip(self.names, row, strict=False) if v != "-" and v}
        fields: dict[str, Value] = {}
        for name, value in zip(self.names, row, strict=False):
            if value not in ("-", "", fields.get(name)):
                old = fields.get(name, ())
                fields[name] = (old if isinstance(old, tuple) else (old,)) + (value,)
        return {k: v[0] if len(v) == 1 else v for k, v in fields.items()}


def column_name(name: str) -> str:
    """A column's name as Sigma writes it: ``cs(User-Agent)`` is ``cs-user-agent``."""
    match = _BRACKETED.fullmatch(name)
    return "-".join(match.groups()).lower() if match else name.lower()


class _Times:
    """The time of a row, by its own date or by the day that the log has come to."""

    def __init__(self) -> None:
        self._clock = Clock()
        self._day: datetime | None = None
        self._last: datetime | None = None

    def begin(self, directive: str) -> None:
        """Take the day from the value of a ``#Date`` line."""
        time = self._clock.read(directive.strip())
        self._day = time and time.replace(hour=0, minute=0, second=0, microsecond=0)
        self._last = time

    def of(self, row: list[str], layout: _Layout) -> datetime | None:
        """The row's time as aware UTC, None when it has none."""
        if layout.time is None or layout.time >= len(row):
            return None
        if layout.date is not None:
            return self._clock.read(f"{row[layout.date]} {row[layout.time]}")
        return self._on_day(row[layout.time])

    def _on_day(self, text: str) -> datetime | None:
        if self._day is None:
            return None
        try:
            hour, minute, second = text.split(":")
            passed = timedelta(hours=int(hour), minutes=int(minute), seconds=float(second))
            time = self._day + passed
            if self._last and self._last - time > timedelta(hours=12):
                self._day += timedelta(days=1)
                time += timedelta(days=1)
        except (ValueError, OverflowError):
            return None
        self._last = time
        return time


def read(stream: Readable, log: Log) -> Iterator[Entry]:
    """The entries of a W3C log, in order."""
    layout: _Layout | None = None
    times, wanted, source, host = _Times(), log.wanted, log.source, log.host
    for first, run in runs(stream, log):
        for number, raw in enumerate(run.split(b"\n"), first):
            if not raw:
                continue
            if raw[0] == 35:  # "#"
                layout = _directive(raw.decode("utf-8", "replace"), layout, times)
                continue
            if wanted is not None and not wanted(raw):
                continue
            line = raw.decode("utf-8", "replace")
            if "\ufffd" in line:
                log.faults.add(NOT_UTF8, number, READ_ON)
            row = layout.row(line) if layout else None
            if layout is None or row is None:
                if not line.isspace():
                    reason, mend = _unreadable(layout)
                    log.faults.add(reason, number, mend)
                continue
            fields = layout.fields(row)
            if layout.host:
                host = str(fields.get("s-computername", log.host))
            yield Entry("w3c", source, number, times.of(row, layout), host, fields)


def _directive(line: str, layout: _Layout | None, times: _Times) -> _Layout | None:
    key, _, value = line.partition(":")
    if key.lower() == "#fields":
        return _Layout(value.split())
    if key.lower() == "#date":
        times.begin(value)
    return layout


def _unreadable(layout: _Layout | None) -> tuple[str, str]:
    if layout is None:
        return "no #Fields line before this line", "put the log's #Fields line above it"
    return "line does not fit the columns of its #Fields line", "compare it with its header"

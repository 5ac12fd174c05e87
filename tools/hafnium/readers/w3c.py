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
from hafnium.readers.log import Clock, Log, runs
from hafnium.readers.streams import Readable

_BRACKETED = re.compile(r"(cs|sc|rs|sr|s|c|r)\(([^()]+)\)", re.IGNORECASE)
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
        return text == "-"
    return True


_SHAPES: Mapping[str, Shape] = {
    "date": re.compile(r"\d{4}-\d\d-\d\d").fullmatch,
    "time": re.compile(r"\d\d:\d\d:\d\d(\.\d+)?").fullmatch,
    "cs-method": re.compile(r"[A-Za-z_-]+").fullmatch,
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
        self.date, self.time = "date" in places, "time" in places

    def row(self, line: str) -> list[str] | None:
        """One value per column, or fewer for a line that was cut short; None: no row."""
        pieces = line.split(" ")
        if len(pieces) != len(self.names):
            tight = [piece for piece in pieces if piece]
            if len(tight) == len(self.names) or len(pieces) < len(self.names):
                pieces = tight if fits(tight, self.shapes) else pieces
            if len(pieces) > len(self.names):
                return align(pieces, self.shapes, self.open, " ")
            if not fits(pieces, self.shapes):
                return None
        return pieces

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


class _Days:
    """The time of rows whose layout has no date."""

    def __init__(self) -> None:
        self._day: datetime | None = None
        self._last: datetime | None = None

    def begin(self, directive: str) -> None:
        """Take the day from the value of a ``#Date`` line."""
        time = Clock().read(directive.strip())
        self._day = time and time.replace(hour=0, minute=0, second=0, microsecond=0)
        self._last = time

    def time(self, text: str) -> datetime | None:
        """The time of day ``text`` on the day that the log has come to."""
        if self._day is None:
            return None
        try:
            hour, minute, second = text.split(":")
            time = self._day + timedelta(
                hours=int(hour), minutes=int(minute), seconds=float(second)
            )
        except (ValueError, OverflowError):
            return None
        if self._last and self._last - time > timedelta(hours=12):
            self._day += timedelta(days=1)
            time += timedelta(days=1)
        self._last = time
        return time


def read(stream: Readable, log: Log) -> Iterator[Entry]:
    """The entries of a W3C log, in order."""
    layout: _Layout | None = None
    days, wanted = _Days(), log.wanted
    clock = Clock()
    for first, run in runs(stream, log):
        for number, raw in enumerate(run.split(b"\n"), first):
            if not raw:
                continue
            if raw[0] == 35:  # "#"
                layout = _directive(raw.decode("utf-8", "replace"), layout, days)
                continue
            if wanted is not None and not wanted(raw):
                continue
            line = raw.decode("utf-8", "replace")
            row = layout.row(line) if layout else None
            if layout is None or row is None:
                if not line.isspace():
                    log.faults.add(*_unreadable(layout, number))
                continue
            yield _entry(log, number, layout, layout.fields(row), clock, days)


def _entry(
    log: Log, number: int, layout: _Layout, fields: dict[str, Value], clock: Clock, days: _Days
) -> Entry:
    time = None
    if layout.date and layout.time:
        time = clock.read(f"{fields.get('date')} {fields.get('time')}")
    elif layout.time:
        time = days.time(str(fields.get("time")))
    host = fields.get("s-computername", log.host)
    return Entry(
        "w3c", log.source, number, time, host if isinstance(host, str) else host[0], fields
    )


def _directive(line: str, layout: _Layout | None, days: _Days) -> _Layout | None:
    key, _, value = line.partition(":")
    if key.lower() == "#fields":
        return _Layout(value.split())
    if key.lower() == "#date":
        days.begin(value)
    return layout


def _unreadable(layout: _Layout | None, number: int) -> tuple[str, int, str]:
    if layout is None:
        return "no #Fields line before this line", number, "put the log's #Fields line above it"
    return "line does not fit the columns of its #Fields line", number, "compare it with its header"

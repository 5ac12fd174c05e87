"""The logs of one server for one day while they are made: lines in any order, files in order.

A `Day` is told what happened and when; `Day.files` puts every file in order of time, gives
event records their numbers and text logs their headers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from traffic.site import Site


@dataclass(frozen=True)
class WinEvent:
    """An event before it has its number. ``data`` is named or, for classic sources, a list."""

    channel: str
    provider: str
    event_id: int
    data: dict[str, str | int] | list[str]
    guid: str | None = None
    qualifiers: int | None = None
    version: int = 0
    level: int = 4
    task: int = 1
    keywords: str = "0x80000000000000"
    user: str | None = None
    message: str | None = None


Header = Callable[[Site, datetime], Sequence[str]]
Render = Callable[[Site, datetime, int, WinEvent], str]


class Day:
    """What one server logs in a day. ``clock`` is where a running activity has come to."""

    def __init__(self, site: Site, seed: str, date: datetime) -> None:
        self.site = site
        self.rng = Random(seed)
        self.start = date.replace(tzinfo=UTC)
        self.entries = 0
        self._lines: dict[str, list[tuple[datetime, int, str]]] = {}
        self._headers: dict[str, Header] = {}
        self._events: dict[str, list[tuple[datetime, int, WinEvent]]] = {}

    def at(self, hour: float, spread: float = 0.0) -> datetime:
        """A moment of the day; ``spread`` hours of chance are added."""
        passed = hour * 3600 + self.rng.random() * spread * 3600
        return self.start + timedelta(milliseconds=int(passed * 1000) % 86_399_000)

    def moment(self) -> datetime:
        """Any moment, most of them in working hours."""
        return self.at(self.rng.triangular(0, 24, 11))

    def guid(self) -> str:
        """A random identifier in small letters."""
        text = f"{self.rng.getrandbits(128):032x}"
        return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))

    def line(self, file: str, when: datetime, text: str, header: Header) -> None:
        """A line of a text log."""
        self._headers[file] = header
        self._lines.setdefault(file, []).append((when, self.entries, text))
        self.entries += 1

    def event(self, when: datetime, event: WinEvent) -> None:
        """A Windows event."""
        self._events.setdefault(event.channel, []).append((when, self.entries, event))
        self.entries += 1

    def files(self, render: Render, ending: str) -> dict[str, str]:
        """Path → text, in the order of the paths."""
        made: dict[str, str] = {}
        for file, lines in self._lines.items():
            lines.sort(key=lambda line: line[:2])
            head = self._headers[file](self.site, lines[0][0])
            made[file] = "\n".join((*head, *(text for _, _, text in lines))) + "\n"
        for channel, events in self._events.items():
            events.sort(key=lambda event: event[:2])
            first = 10_000 + len(channel) * 977
            name = channel.replace("Microsoft-Windows-", "").replace("/", "-").replace(" ", "-")
            made[f"{name.lower()}{ending}"] = "".join(
                render(self.site, when, first + n, event) + "\n"
                for n, (when, _, event) in enumerate(events)
            )
        return {file: made[file] for file in sorted(made)}


def after(when: datetime, seconds: float) -> datetime:
    """A moment later, in whole milliseconds."""
    return when + timedelta(milliseconds=int(seconds * 1000))

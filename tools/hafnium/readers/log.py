"""What a reader is told about the log that it reads, and the small things all of them need."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from hafnium.readers.faults import Faults
from hafnium.readers.streams import Readable, blocks

Wanted = Callable[[bytes], bool]
"""Asked with a run of whole lines, or an event, as UTF-8 bytes: False when nothing in it is of
interest. A compiled ``bytes`` pattern's ``search`` is such a filter.

It must hold for runs of any length: when it is false for a run, it is false for each of its
lines. It sees the text as the file has it: in JSON and XML, anything but letters and digits
may be written as an escape. Records of an EVTX are seen as JSON.
"""


@dataclass(frozen=True, slots=True)
class Log:
    """``source`` as `Entry.source` gives it; ``host`` for entries that name none themselves."""

    source: str
    host: str
    faults: Faults
    wanted: Wanted | None = None


def runs(stream: Readable, log: Log, header: bytes = b"#") -> Iterator[tuple[int, bytes]]:
    """Runs of whole lines that may hold a wanted line or one that begins with ``header``.

    Carriage returns, zero bytes (padding after a crash) and byte order marks are removed.
    """
    wanted, inner = log.wanted, b"\n" + header
    for first, run in blocks(stream, log.faults):
        if first == 1 or b"\r" in run or b"\0" in run or b"\xef" in run:
            run = run.replace(b"\r", b"").replace(b"\0", b"").replace(b"\xef\xbb\xbf", b"")  # noqa: PLW2901
        if wanted is None or run.startswith(header) or inner in run or wanted(run):
            yield first, run


class Clock:
    """ISO times to aware UTC datetimes; the last one is remembered, as logs repeat them."""

    def __init__(self) -> None:
        self._text = ""
        self._time: datetime | None = None

    def read(self, text: str) -> datetime | None:
        """``2021-03-03T06:49:58.123Z`` and its kin; without a zone it is UTC; None if no time."""
        if text != self._text:
            self._text, self._time = text, iso_time(text)
        return self._time


def iso_time(text: str) -> datetime | None:
    """An ISO 8601 time as aware UTC, None when it is none. More than microseconds are cut."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    try:
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except OverflowError:
        return None

"""Exchange's OABGenerator log. Its layout is not published: a line is one message.

The time is read from the ISO time that a line begins with, if it does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hafnium.entries import Entry
from hafnium.readers.log import Clock, Log, runs
from hafnium.readers.streams import Readable

_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?")


def read(stream: Readable, log: Log) -> Iterator[Entry]:
    """The entries of an OABGenerator log, in order: every line but headers and blank ones."""
    clock, wanted = Clock(), log.wanted
    for first, run in runs(stream, log):
        for number, raw in enumerate(run.split(b"\n"), first):
            if not raw or raw[0] == 35 or (wanted is not None and not wanted(raw)):
                continue
            text = raw.decode("utf-8", "replace")
            if text.isspace() or ((match := _TIME.match(text)) is None and _is_header(text)):
                continue
            time = clock.read(match[0]) if match else None
            fields = {"Message": text}
            yield Entry("oabgenerator", log.source, number, time, log.host, fields)


def _is_header(text: str) -> bool:
    return text.lower().startswith(("date-time,", "datetime,", "timestamp,"))

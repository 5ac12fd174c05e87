"""The comma-separated rows of Exchange's text logs: quoting, line breaks in values, headers.

A row begins with an ISO time. A line that leaves a quote open is continued by the lines after
it that begin neither a row nor a directive; where none follow, the quote is taken as closed
at the line's end. So one stray quote never swallows the rows that follow.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from hafnium.readers.faults import NOT_UTF8, READ_ON
from hafnium.readers.log import Log, runs
from hafnium.readers.streams import Readable

_ROW = re.compile(rb"\d{4}-\d\d-\d\d[T ]\d\d:")
_MAX_LINES = 1000
"""A value with more lines than this is cut."""


@dataclass(frozen=True, slots=True)
class Line:
    """A row, or a header: ``columns`` of a ``#Fields`` line or of a bare header line."""

    number: int
    text: str = ""
    columns: tuple[str, ...] = ()


def read(stream: Readable, log: Log, header: str) -> Iterator[Line]:
    """The rows and headers of a log whose bare header line begins with ``header``.

    Other ``#`` lines are left out. A line that is no part of a row is a fault.
    """
    mark = header.encode()
    held: list[bytes] = []
    start, expected = 0, 1
    for first, run in runs(stream, log, mark):
        after_gap = first != expected
        expected = first + run.count(b"\n")
        for number, raw in enumerate(run.removesuffix(b"\n").split(b"\n"), first):
            if _ROW.match(raw):
                yield from _row(start, held, log)
                start, held, after_gap = number, [raw], False
            elif raw.startswith((b"#", mark)):
                yield from _row(start, held, log)
                held, after_gap = [], False
                yield from _header(number, raw)
            elif held and len(held) < _MAX_LINES and _is_open(held):
                held.append(raw)
            elif raw.strip() and not after_gap:
                log.faults.add("line is no part of a row", number, "a row begins with its time")
    yield from _row(start, held, log)


def _row(number: int, held: list[bytes], log: Log) -> Iterator[Line]:
    if held:
        raw = b"\n".join(held) if len(held) > 1 else held[0]
        if log.wanted is None or log.wanted(raw):
            text = raw.decode("utf-8", "replace")
            if "\ufffd" in text:
                log.faults.add(NOT_UTF8, number, READ_ON)
            yield Line(number, text.rstrip("\n"))


def _header(number: int, raw: bytes) -> Iterator[Line]:
    text = raw.decode("utf-8", "replace").strip()
    if text.startswith("#"):
        key, _, text = text.partition(":")
        if key.lower() != "#fields":
            return
    yield Line(number, columns=tuple(name.strip().strip('"') for name in text.split(",")))


def _is_open(held: list[bytes]) -> bool:
    return sum(raw.count(b'"') for raw in held) % 2 == 1


def split(text: str) -> list[str]:
    """The values of a row, unquoted. A quote inside an unquoted value stays as it is."""
    if '"' not in text:
        return text.split(",")
    values: list[str] = []
    parts: list[str] = []
    for piece in text.split(","):
        if parts:
            parts.append(piece)
            if piece.count('"') % 2:
                values.append(_unquoted(",".join(parts)))
                parts = []
        elif piece.startswith('"') and piece.count('"') % 2:
            parts = [piece]
        else:
            values.append(_unquoted(piece))
    if parts:
        values.append(_unquoted(",".join(parts)))
    return values


def _unquoted(piece: str) -> str:
    if not piece.startswith('"'):
        return piece
    inner = piece[1:-1] if len(piece) > 1 and piece.endswith('"') else piece[1:]
    return inner.replace('""', '"')

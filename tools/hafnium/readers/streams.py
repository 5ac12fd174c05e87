"""Byte streams as the readers want them: text as UTF-8 in runs of whole lines, bounded.

Nothing here holds more than one block and one unfinished line (`MAX_LINE`) in memory.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import Protocol

from hafnium.readers.faults import Faults

BLOCK = 1 << 18
"""Bytes read at a time."""

MAX_LINE = 16 << 20
"""A longer line (or XML event, or JSON object) is not kept: it is one ReadError."""

TOO_LONG = f"longer than {MAX_LINE >> 20} MB"
TOO_LONG_MEND = "nothing else of the file is left out"

HEAD = 1 << 16
"""Bytes looked at to tell what a file is."""


class Readable(Protocol):
    """Anything that can be read forward."""

    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes, b"" at the end."""
        ...


class Peeked:
    """A stream whose first bytes can be looked at before it is read."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._head = b""
        while len(self._head) < HEAD:
            more = stream.read(HEAD - len(self._head))
            if not more:
                break
            self._head += more
        self.head = self._head

    def read(self, size: int, /) -> bytes:
        """The head first, then the rest."""
        if self._head:
            given, self._head = self._head[:size], self._head[size:]
            return given
        return self._stream.read(size)


class Utf8:
    """A stream in another encoding, read as UTF-8; what is not valid becomes U+FFFD."""

    def __init__(self, stream: Readable, encoding: str) -> None:
        self._stream = stream
        self._decode = codecs.getincrementaldecoder(encoding)("replace").decode
        self._ended = False
        self._rest = b""

    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes of UTF-8."""
        while not self._rest and not self._ended:
            data = self._stream.read(size)
            self._ended = not data
            text = self._decode(data, self._ended)
            self._rest = text.encode("utf-8", "replace")
        given, self._rest = self._rest[:size], self._rest[size:]
        return given


def utf16(head: bytes) -> str | None:
    """The UTF-16 encoding that the first bytes of a text speak of, with or without a BOM."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    start = head[:64]
    if len(start) >= 8 and 0 not in start[::2] and not any(start[1::2]):
        return "utf-16-le"
    if len(start) >= 8 and 0 not in start[1::2] and not any(start[::2]):
        return "utf-16-be"
    return None


def blocks(stream: Readable, faults: Faults) -> Iterator[tuple[int, bytes]]:
    """Runs of whole lines, each with the 1-based number of its first line.

    The last run may lack its line end. A line longer than MAX_LINE is a fault and left out.
    """
    line, tail, skipping = 1, b"", False
    while data := stream.read(BLOCK):
        if skipping:
            _, end, data = data.partition(b"\n")
            if not end:
                continue
            line, skipping = line + 1, False
        cut = data.rfind(b"\n") + 1
        if not cut:
            tail += data
            if len(tail) > MAX_LINE:
                faults.add(f"line {TOO_LONG}", line, TOO_LONG_MEND)
                tail, skipping = b"", True
            continue
        run, tail = tail + data[:cut], data[cut:]
        yield line, run
        line += run.count(b"\n")
    if tail:
        yield line, tail


def lines(stream: Readable, faults: Faults) -> Iterator[tuple[int, bytes]]:
    """Each line that is not blank with its 1-based number, without its line end."""
    for first, run in blocks(stream, faults):
        for number, line in enumerate(run.split(b"\n"), first):
            if line and not line.isspace():
                yield number, line[:-1] if line.endswith(b"\r") else line

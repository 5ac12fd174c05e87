"""Binary Windows event logs (EVTX), chunk by chunk: memory stays flat, archives need no disk.

An EVTX is a header of 4 KB and chunks of 64 KB that stand on their own. Each is given to the
parser behind a header of its own, so damage in one chunk leaves all others readable, and a
chunk that yields fewer records than its header counts is a fault. Positions are the order of
the records, unreadable ones counted where the parser meets them.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import Any

from hafnium.entries import Entry
from hafnium.readers.jsonevents import nested
from hafnium.readers.jsontext import decode
from hafnium.readers.log import Log
from hafnium.readers.streams import Readable

MAGIC = b"ElfFile\0"
_CHUNK_MAGIC = b"ElfChnk\0"
_HEADER, _CHUNK = 4096, 65536
_OWN_HEADER = MAGIC + bytes(_HEADER - len(MAGIC))


def read(stream: Readable, log: Log) -> Iterator[Entry]:
    """The entries of an EVTX file, in record order."""
    position = 0
    if len(_exactly(stream, _HEADER)) < _HEADER:
        log.faults.add("EVTX file ends inside its header", None, "copy it again")
        return
    while chunk := _exactly(stream, _CHUNK):
        if not any(chunk):
            continue  # Windows allocates chunks before it fills them.
        if not chunk.startswith(_CHUNK_MAGIC):
            log.faults.add("damaged EVTX chunk", position + 1, "the records around it were read")
            continue
        expected, found = _count(chunk), 0
        for record in _records(chunk):
            position, found = position + 1, found + 1
            if isinstance(record, str):
                log.faults.add(f"unreadable EVTX record: {record}", position)
                continue
            entry = nested(record, log, position)
            if entry is None:
                log.faults.add("EVTX record without a System block", position)
            else:
                yield entry
        if len(chunk) < _CHUNK:
            log.faults.add("EVTX file ends inside a chunk", position + 1, "copy it again")
        elif found < expected:
            log.faults.add(
                f"damaged EVTX chunk: {found} of {expected} records could be read", position + 1
            )


def _records(chunk: bytes) -> Iterator[dict[str, Any] | str]:
    """Each record of a chunk decoded, or why it could not be."""
    from evtx import PyEvtxParser

    whole = chunk.ljust(_CHUNK, b"\0")
    records = PyEvtxParser(io.BytesIO(_OWN_HEADER + whole), 1).records_json()
    while True:
        try:
            text: str = next(records)["data"]  # type: ignore[index]
        except StopIteration:
            return
        except RuntimeError as error:
            yield str(error)
            if "parse chunk" in str(error):
                return
        else:
            value = decode(text)
            yield value if isinstance(value, dict) else "not an event"


def _count(chunk: bytes) -> int:
    """The number of records that a chunk's header speaks of; 0 when it cannot be true."""
    first, last = struct.unpack_from("<QQ", chunk, 8)
    count = int(last - first + 1)
    return count if 0 < count <= _CHUNK // 24 else 0


def _exactly(stream: Readable, size: int) -> bytes:
    data = stream.read(size)
    while 0 < len(data) < size:
        more = stream.read(size - len(data))
        if not more:
            break
        data += more
    return data

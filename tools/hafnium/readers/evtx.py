"""Binary Windows event logs (EVTX), chunk by chunk: memory stays flat, archives need no disk.

An EVTX is a header of 4 KB and chunks of 64 KB that stand on their own. Each is given to the
parser behind a header of its own, so damage in one chunk leaves all others readable, and
damage in one record those after it. A chunk that yields fewer records than its header counts
is a fault. Positions are the order of the records; a damaged run of them counts as one.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import Any

from hafnium.entries import Entry
from hafnium.readers.jsonevents import nested
from hafnium.readers.jsontext import decode
from hafnium.readers.log import Log, Wanted
from hafnium.readers.streams import Readable

MAGIC = b"ElfFile\0"
_RECORD_MAGIC = b"**\0\0"
_HEADER, _CHUNK = 4096, 65536
_FIRST_RECORD = 512
_SMALLEST = 28
_MEND = "copy it again; the other records were read"
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
        first = position + 1
        expected, found, detail = _count(chunk), 0, ""
        for record in _records(_bridged(chunk), log.wanted):
            position += 1
            if record is None:
                found += 1
                continue
            entry = nested(record, log, position) if isinstance(record, dict) else None
            if entry is None:
                detail = detail or str(record)[:200]
                continue
            found += 1
            yield entry
        if len(chunk) < _CHUNK:
            log.faults.add("EVTX file ends inside a chunk", position + 1, _MEND)
        elif detail or found < expected:
            detail = detail or "damaged"
            whole = f"{found} of {expected or 'its'} records could be read ({detail})"
            log.faults.add("EVTX chunk", first, _MEND, whole)


def _records(chunk: bytes, wanted: Wanted | None) -> Iterator[dict[str, Any] | str | None]:
    """Each record of a chunk decoded, or why it could not be; None for an unwanted one."""
    from evtx import PyEvtxParser

    records = PyEvtxParser(io.BytesIO(_OWN_HEADER + chunk), 1).records_json()
    while True:
        try:
            text: str = next(records)["data"]  # type: ignore[index]
        except StopIteration:
            return
        except RuntimeError as error:
            yield str(error)
            if "parse chunk" in str(error):
                return
            continue
        except BaseException as error:
            # A panic of the parser is no Exception, and must not end the whole run.
            if type(error).__name__ != "PanicException":
                raise
            yield "the parser gave up"
            return
        try:
            yield decode(text) if wanted is None or wanted(text.encode()) else None
        except ValueError as error:
            yield str(error)


def _count(chunk: bytes) -> int:
    """The number of records that a chunk's header speaks of; 0 when it cannot be true."""
    first, last = struct.unpack_from("<QQ", chunk.ljust(_FIRST_RECORD, b"\0"), 8)
    count = int(last - first + 1)
    return count if 0 < count <= _CHUNK // 24 else 0


def _bridged(chunk: bytes) -> bytes:
    """The chunk at full length, each hole in its records covered by one unreadable record.

    The parser goes from record to record by their sizes and would stop at a hole.
    """
    whole = bytearray(chunk.ljust(_CHUNK, b"\0"))
    end = min(struct.unpack_from("<I", whole, 48)[0], len(chunk))
    place = _FIRST_RECORD
    while place < end:
        size = _record_size(whole, place)
        if not size:
            after = whole.find(_RECORD_MAGIC, place + _SMALLEST)
            while after >= 0 and not _record_size(whole, after):
                after = whole.find(_RECORD_MAGIC, after + 1)
            if after < 0:
                break
            size = after - place
            struct.pack_into("<4sI", whole, place, _RECORD_MAGIC, size)
            struct.pack_into("<I", whole, after - 4, size)
        place += size
    return bytes(whole)


def _record_size(chunk: bytearray, place: int) -> int:
    """The size of the record at ``place``, 0 when there is none."""
    if place + _SMALLEST > len(chunk):
        return 0
    magic, size = struct.unpack_from("<4sI", chunk, place)
    if magic != _RECORD_MAGIC or not _SMALLEST <= size <= len(chunk) - place:
        return 0
    return int(size) if struct.unpack_from("<I", chunk, place + size - 4)[0] == size else 0


def _exactly(stream: Readable, size: int) -> bytes:
    data = stream.read(size)
    while 0 < len(data) < size:
        more = stream.read(size - len(data))
        if not more:
            break
        data += more
    return data

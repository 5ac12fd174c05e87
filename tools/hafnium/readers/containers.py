"""Files, folders and archives as one sequence of streams, in a fixed order.

Paths come in the order given, a folder's files in the order of their names, the members of an
archive in the order of theirs. Nothing is extracted to disk. An archive inside an archive is
held in memory up to `MAX_INNER` bytes, and archives are opened `MAX_DEPTH` deep. What cannot
be opened is a ReadError, and the next file follows.
"""

from __future__ import annotations

import gzip
import io
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from hafnium.errors import ReadError
from hafnium.readers import kinds
from hafnium.readers.streams import BLOCK, Peeked, Readable

MAX_DEPTH = 4
MAX_INNER = 64 << 20
MAX_RATIO = 200
"""Packed data that grows to more than MAX_FREE bytes and by more than this is a zip bomb."""
MAX_FREE = 1 << 30

try:
    from lzma import LZMAError
except ImportError:  # Python can be built without it.
    LZMAError = OSError  # type: ignore[misc,assignment]

BROKEN = (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, LZMAError)
"""What opening or reading a damaged, encrypted or unreadable file may raise."""

Problem = Callable[[ReadError], None]


@dataclass(frozen=True, slots=True)
class Item:
    """A file or member: ``folders`` that it lies in, outermost first; ``given`` by the user."""

    source: str
    folders: tuple[str, ...]
    stream: Peeked
    given: bool
    packed: bool


def reason(error: BaseException) -> str:
    """Why a file could not be read, in the words of the system or the archive module."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__


def walk(path: Path, shown: str, problem: Problem) -> Iterator[Item]:
    """The streams under a path that the user gave; ``shown`` is how it was written.

    Links to folders are followed, but no folder is read twice.
    """
    try:
        is_folder = path.is_dir()
    except OSError as error:
        problem(ReadError(f"cannot be read: {reason(error)}", file=shown))
        return
    if not is_folder:
        yield from _file(path, shown, True, problem)
        return

    def name(below: str | Path) -> str:
        inside = Path(below).relative_to(path).as_posix()
        return shown if inside == "." else f"{shown.rstrip('/')}/{inside}"

    def failed(error: OSError) -> None:
        problem(ReadError(f"cannot be read: {reason(error)}", file=name(error.filename)))

    seen: set[tuple[int, int]] = set()
    for folder, folders, files in os.walk(path, onerror=failed, followlinks=True):
        status = Path(folder).stat()
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders.sort()
        for file in sorted(files):
            yield from _file(Path(folder, file), name(Path(folder, file)), False, problem)


def _file(path: Path, shown: str, given: bool, problem: Problem) -> Iterator[Item]:
    try:
        if path.exists() and not path.is_file():
            if given:
                problem(ReadError("neither a file nor a folder", file=shown))
            return
        with path.open("rb") as stream:
            folders = tuple(part for part in path.absolute().parent.parts if part != os.sep)
            yield from _opened(stream, Item(shown, folders, Peeked(stream), given, False), problem)
    except (*BROKEN, ValueError) as error:
        problem(ReadError(f"cannot be read: {reason(error)}", file=shown))


def _opened(file: BinaryIO, item: Item, problem: Problem, depth: int = 0) -> Iterator[Item]:
    """``item`` itself, or what is in it when it is an archive; ``file`` can be sought."""
    kind = kinds.packed(item.stream.head)
    if kind not in ("gzip", "zip"):
        yield item
    elif depth == MAX_DEPTH:
        problem(ReadError(f"more than {MAX_DEPTH} archives inside each other", file=item.source))
    elif kind == "gzip":
        yield from _gzip(item, problem, depth)
    else:
        yield from _zip(file, item, problem, depth)


def _gzip(item: Item, problem: Problem, depth: int) -> Iterator[Item]:
    try:
        counted = _Counted(item.stream)
        with gzip.GzipFile(fileobj=cast(BinaryIO, counted)) as unpacked:
            limited = _Limited(cast(Readable, unpacked), lambda: counted.count)
            inner = Item(item.source, item.folders, Peeked(limited), item.given, True)
            yield from _inner(inner, problem, depth)
    except BROKEN as error:
        problem(ReadError(f"cannot be unpacked: {reason(error)}", file=item.source))


def _zip(file: BinaryIO, item: Item, problem: Problem, depth: int) -> Iterator[Item]:
    try:
        archive = zipfile.ZipFile(file)
        members = sorted(archive.infolist(), key=lambda member: member.filename)
    except (*BROKEN, ValueError) as error:
        problem(ReadError(f"archive cannot be read: {reason(error)}", file=item.source))
        return
    stem = PurePosixPath(item.source.rpartition("!")[2] or item.source).stem
    for member in members:
        if member.is_dir():
            continue
        source = f"{item.source}!{member.filename}"
        folders = (*item.folders, stem, *PurePosixPath(member.filename).parts[:-1])
        try:
            if member.flag_bits & 1:
                problem(ReadError("encrypted", file=source, mend="unpack it with its password"))
                continue
            with archive.open(member) as unpacked:
                size = max(1, member.compress_size)
                limited = _Limited(cast(Readable, unpacked), lambda size=size: size)  # type: ignore[misc]
                yield from _inner(
                    Item(source, folders, Peeked(limited), False, True), problem, depth
                )
        except (*BROKEN, ValueError) as error:
            problem(ReadError(f"cannot be unpacked: {reason(error)}", file=source))


def _inner(item: Item, problem: Problem, depth: int) -> Iterator[Item]:
    """A member, or what is in it when it is an archive itself."""
    if kinds.packed(item.stream.head) != "zip":
        yield from _opened(io.BytesIO(), item, problem, depth + 1)
        return
    whole = io.BytesIO()
    while data := item.stream.read(BLOCK):
        if whole.tell() + len(data) > MAX_INNER:
            larger = f"archive in an archive is larger than {MAX_INNER >> 20} MB"
            problem(ReadError(larger, file=item.source, mend="unpack the outer one"))
            return
        whole.write(data)
    whole.seek(0)
    yield from _opened(whole, item, problem, depth + 1)


class _Counted:
    """A stream that counts what was read of it."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self.count = 0

    def read(self, size: int = -1, /) -> bytes:
        data = self._stream.read(size if size >= 0 else BLOCK)
        self.count += len(data)
        return data


class _Limited:
    """Unpacked data that stops with an error when it has grown out of all proportion."""

    def __init__(self, stream: Readable, packed_size: Callable[[], int]) -> None:
        self._stream = stream
        self._packed_size = packed_size
        self._count = 0

    def read(self, size: int, /) -> bytes:
        data = self._stream.read(size)
        self._count += len(data)
        if self._count > MAX_FREE and self._count > MAX_RATIO * self._packed_size():
            raise OSError(f"grows by more than {MAX_RATIO} times, like a zip bomb")
        return data

"""Reads raw logs into entries, whatever mix of files, folders and archives they come in.

What is promised:

* The format is told from the content: IIS W3C, Exchange HttpProxy, ECP Server and
  OABGenerator logs, Windows events as EVTX, XML or JSON; UTF-8 or UTF-16; in .gz and .zip.
* Order: paths as given, files of a folder by name, entries by position.
* Memory does not grow with the size of a file, nor of its longest line.
* Nothing is left out silently. What cannot be read is a ReadError and the rest goes on;
  a file of a folder or an archive that is no log is a notice.
* ``Entry.host`` is as the log writes it. A log that does not name its host is of ``host``,
  else of the folder that it lies in, passing over folders that Windows and Exchange named
  (``mail01/W3SVC1/u_ex210303.log`` is of mail01). `short_host` makes names comparable.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from hafnium.entries import Entry
from hafnium.errors import ReadError
from hafnium.readers import evtx, exchange, jsonevents, kinds, oab, w3c, xmlevents
from hafnium.readers.containers import BROKEN, Item, reason, walk
from hafnium.readers.faults import Faults
from hafnium.readers.hosts import folder_host, short_host
from hafnium.readers.log import Log, Wanted
from hafnium.readers.streams import HEAD, MAX_LINE, Peeked, Readable, Utf8, utf16

__all__ = ["MAX_LINE", "Wanted", "read", "short_host"]

_READERS: Mapping[kinds.Format, Callable[[Readable, Log], Iterator[Entry]]] = {
    "w3c": w3c.read,
    "httpproxy": exchange.read_httpproxy,
    "ecp": exchange.read_ecp,
    "oabgenerator": oab.read,
    "evtx": evtx.read,
    "xml": xmlevents.read,
    "json": jsonevents.read,
}


def read(
    paths: Iterable[Path | str],
    *,
    host: str | None = None,
    problem: Callable[[ReadError], None],
    notice: Callable[[str], None] = lambda text: None,
    wanted: Wanted | None = None,
) -> Iterator[Entry]:
    """All entries of the logs under ``paths``.

    ``problem`` is told what could not be read, ``notice`` one line for each file of a folder
    or archive that is no log. ``wanted`` may spare the parsing of text lines and events that
    are of no interest: see `Wanted`. Errors are never raised.
    """
    for path in paths:
        shown = path.as_posix() if isinstance(path, Path) else path.replace(os.sep, "/")
        for item in walk(Path(path), shown, problem):
            yield from _entries(item, host, problem, notice, wanted)


def _entries(
    item: Item,
    host: str | None,
    problem: Callable[[ReadError], None],
    notice: Callable[[str], None],
    wanted: Wanted | None,
) -> Iterator[Entry]:
    stream: Readable = item.stream
    guess = kinds.Guess(kinds.packed(item.stream.head))
    if guess.format is None:
        text = item.stream
        if encoding := utf16(text.head):
            text = Peeked(Utf8(text, encoding))
        stream, guess = text, kinds.text(text.head)
    if guess.format is None or guess.format == "empty":
        if guess.format == "empty" and _is_padding(item):
            only = f"begins with {HEAD >> 10} KB of zero bytes: no log"
            problem(ReadError(only, file=item.source))
        elif guess.format is None and item.given:
            problem(ReadError(guess.name, file=item.source, mend="leave it out"))
        elif guess.format is None:
            notice(f"{item.source}: {guess.name}")
        return
    faults = Faults(item.source, problem)
    log = Log(item.source, host or folder_host(item.folders), faults, wanted)
    try:
        yield from _READERS[guess.format](stream, log)
    except BROKEN as error:
        faults.add(f"cannot be read on: {reason(error)}")
    faults.close()


def _is_padding(item: Item) -> bool:
    head = item.stream.head
    return len(head) == HEAD and not any(head)

"""A command line in parts, and what is known of the program that reads it.

Windows hands a program its command line as one text, and each program takes it apart by its
own rules; a mutation must know which. What is said here is said only of programs where it is
certain.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from xml.sax.saxutils import escape, unescape

from hafnium.entries import Entry
from hafnium.mutations.mutant import Changes, Mutation, mutation, text_of
from hafnium.mutations.paths import NOT_THEIRS, base

SHELLS = frozenset({"cmd"})
POWERSHELLS = frozenset({"powershell", "pwsh"})
_INQUIRING = (
    *("arp", "hostname", "ipconfig", "net", "net1", "netstat", "nltest", "ping", "quser"),
    *("systeminfo", "tasklist", "whoami"),
)
ARGV = frozenset(
    {
        *(*_INQUIRING, "attrib", "certutil", "curl", "procdump", "procdump64", "psexec", "reg"),
        *("sc", "schtasks", "vssadmin", "wevtutil"),
    }
)
"""Programs that the C runtime gives their arguments: it takes quotes away, also inside words."""
EITHER_MARK = frozenset(
    {
        *("certutil", "ipconfig", "procdump", "procdump64", "psexec", "schtasks"),
        *("systeminfo", "tasklist", "whoami"),
    }
)
"""Programs that take ``-`` and ``/`` alike."""
ANY_CASE = frozenset(
    {
        *(*_INQUIRING, "attrib", "certutil", "cmd", "powershell", "pwsh", "reg", "sc", "schtasks"),
        *("vssadmin", "wevtutil", "wmic"),
    }
)
"""Programs that read all of their command line without regard to case."""
_ORIGINAL = {
    "cmd.exe": "cmd",
    "powershell.exe": "powershell",
    "pwsh.dll": "pwsh",
    "nltestrk.exe": "nltest",
    "sysinfo.exe": "systeminfo",
    "psexec.c": "psexec",
}
_SHELL_PIECES = re.compile(r"\s+|[&|<>()]+|(?:\"[^\"]*(?:\"|$)|[^\s\"&|<>()])+")
_PIECES = re.compile(r"\s+|(?:\"[^\"]*(?:\"|$)|[^\s\"])+")
_CODED = re.compile(r"[A-Za-z0-9+/=]{40,}")


@dataclass(frozen=True)
class Command:
    """A command line. ``program`` is the name of what reads it, in lower case, without
    ``.exe``; ``pieces`` are words, blanks and, in a shell's line, operators; joined they are
    ``text``."""

    text: str
    program: str

    @cached_property
    def pieces(self) -> tuple[str, ...]:
        return tuple((_SHELL_PIECES if self.shell else _PIECES).findall(self.text))

    @property
    def shell(self) -> bool:
        return self.program in SHELLS

    @property
    def powershell(self) -> bool:
        return self.program in POWERSHELLS

    @property
    def argv(self) -> bool:
        return self.program in ARGV

    def words(self, change: Callable[[str], str], first: int = 0) -> str:
        """The text with every word from the ``first`` on changed, but for base64."""
        count, made = -1, []
        for piece in self.pieces:
            word = not piece.isspace() and not (self.shell and piece[0] in "&|<>()")
            count += word
            keep = not word or count < first or _CODED.search(piece)
            made.append(piece if keep else change(piece))
        return "".join(made)


_TASK = re.compile(r"(?s)<Command>(.*?)</Command>(\s*<Arguments>(.*?)</Arguments>)?")


@dataclass(frozen=True)
class _Place:
    """Where an entry keeps a command line, and how another one is put there."""

    field: str
    command: Command
    put: Callable[[str], str]


def _place(entry: Entry) -> _Place | None:
    if base(text_of(entry, "NewProcessName") or text_of(entry, "Image")) in NOT_THEIRS:
        return None
    for name in ("CommandLine", "ServiceFileName", "ImagePath"):
        if text := text_of(entry, name):
            return _Place(name, Command(text, _program(entry, text)), str)
    for name in ("TaskContent", "TaskContentNew"):
        found = _TASK.search(text_of(entry, name))
        if found:
            text = unescape(f"{found[1]} {found[3] or ''}", {"&quot;": '"'}).strip()
            put = functools.partial(_into_task, text_of(entry, name), found)
            return _Place(name, Command(text, _program(entry, text)), put)
    return None


def _into_task(document: str, found: re.Match[str], line: str) -> str:
    """The XML of a task with another command line; its program ends at the first blank."""
    program, _, arguments = line.partition(" ")
    quotes = {'"': "&quot;"} if "&quot;" in found[0] else {}
    action = f"<Command>{escape(program, quotes)}</Command>"
    if arguments:
        action += f"<Arguments>{escape(arguments, quotes)}</Arguments>"
    return document[: found.start()] + action + document[found.end() :]


def _program(entry: Entry, text: str) -> str:
    original = text_of(entry, "OriginalFileName").lower()
    if original in _ORIGINAL:
        return _ORIGINAL[original]
    acts = "CommandLine" in entry.fields
    path = original or text_of(entry, "NewProcessName") or text_of(entry, "Image") if acts else ""
    if not path:
        first = re.match(r'\s*"([^"]+)"|\s*(\S+)', text)
        path = (first[1] or first[2]) if first else ""
    return re.split(r"[\\/]", path.lower())[-1].removesuffix(".exe")


Rewrite = Callable[[Command], Iterable[str]]


def rewritten(entry: Entry, rewrite: Rewrite) -> Iterator[Changes]:
    """The changes when the entry's command line is respelled."""
    place = _place(entry)
    if place is not None:
        for new in dict.fromkeys(rewrite(place.command)):
            if new != place.command.text:
                yield {place.field: place.put(new)}


def rewriting(rewrite: Rewrite) -> Mutation:
    """Make a mutation of a function from a command line to other spellings of it."""

    def of(entry: Entry) -> Iterator[Changes]:
        yield from rewritten(entry, rewrite)

    of.__name__, of.__doc__ = rewrite.__name__, rewrite.__doc__
    return mutation()(of)

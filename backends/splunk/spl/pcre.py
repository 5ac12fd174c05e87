r"""Splunk's regular expressions (PCRE) as Python's: the same meaning, or refused.

Classes such as ``\d`` are ASCII, as in PCRE without its UCP option. Another library can take the
place of Python's while a search is compiled.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from hafnium.errors import EngineError

_ALIKE = frozenset("nrtf")
_CLASSES = {"d": "0-9", "w": "A-Za-z0-9_", "s": r" \t\n\r\f\v"}
_OUTSIDE = {
    "b": r"(?a:\b)",
    "B": r"(?:(?a:\B)|\A\Z)",  # Python's finds nothing in an empty text
    "A": r"\A",
    "z": r"\Z",
    "Z": r"(?=\n?\Z)",
    "h": r"[ \t]",
}
_GROUP = re.compile(
    r"\(\?(?:(?P<plain>:|=|!|>|<=|<!|[ims]+(?::|\)))|P?<(?P<name>[A-Za-z_]\w*)>)", re.ASCII
)
_BACK = re.compile(r"\\[1-9](?!\d)")
_REPEAT = re.compile(r"\{\d+(?:,\d*)?\}")


class Found(Protocol):
    """A match: its groups by number or name."""

    def __getitem__(self, group: int | str, /) -> str | None: ...


class Regex(Protocol):
    """What the evaluator needs of a regular expression: a part of `re.Pattern`."""

    @property
    def groupindex(self) -> Mapping[str, int]: ...

    def search(self, text: str, /) -> Found | None: ...

    def finditer(self, text: str, /) -> Iterable[Found]: ...

    def sub(self, template: str, text: str, /) -> str: ...


Library = Callable[[str], Regex]
_library: ContextVar[Library | None] = ContextVar("library", default=None)


@contextmanager
def using(library: Library | None) -> Iterator[None]:
    """Let the library compile the patterns; None is Python's own."""
    token = _library.set(library)
    try:
        yield
    finally:
        _library.reset(token)


def regex(pattern: str) -> Regex:
    """Compile a PCRE. Raises `EngineError` for what the library in use cannot read."""
    return (_library.get() or _python)(pattern)


@functools.lru_cache(maxsize=4096)
def _python(pattern: str) -> re.Pattern[str]:
    """In Python's words. Raises `EngineError` for what Python would read differently."""
    try:
        return re.compile(_Translation(pattern).text())
    except (re.error, OverflowError, RecursionError) as error:
        raise EngineError(f"regular expression {pattern!r}: {error}") from None


class _Translation:
    """One walk over a pattern, from left to right."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.out: list[str] = []

    def text(self) -> str:
        while self.at < len(self.pattern):
            char = self.pattern[self.at]
            if char == "\\":
                self._escape(in_class=False)
            elif char == "[":
                self._class()
            elif char == "(":
                self._group()
            elif char == "{" and not _REPEAT.match(self.pattern, self.at):
                self._take(1, r"\{")
            else:
                self._take(1)
        return "".join(self.out)

    def _take(self, length: int, instead: str | None = None) -> None:
        taken = self.pattern[self.at : self.at + length]
        self.out.append(taken if instead is None else instead)
        self.at += length

    def _refuse(self, what: str) -> EngineError:
        return EngineError(f"{what} in the regular expression {self.pattern!r} is not supported")

    def _escape(self, *, in_class: bool) -> None:
        char = self.pattern[self.at + 1 : self.at + 2]
        if not char:
            raise self._refuse("a trailing backslash")
        lower = char.lower()
        if char == "x":
            self._hexadecimal()
        elif lower in _CLASSES and char == lower:
            self._take(2, _CLASSES[char] if in_class else f"[{_CLASSES[char]}]")
        elif lower in _CLASSES and not in_class:
            self._take(2, f"[^{_CLASSES[lower]}]")
        elif not in_class and char in _OUTSIDE:
            self._take(2, _OUTSIDE[char])
        elif char in _ALIKE or (not in_class and _BACK.match(self.pattern, self.at)):
            self._take(2)
        elif char.isascii() and char.isalnum():
            raise self._refuse(f"\\{char}")
        else:
            self._take(2, re.escape(char))

    def _hexadecimal(self) -> None:
        found = re.compile(r"\\x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,6})\})").match(
            self.pattern, self.at
        )
        if found is None:
            raise self._refuse(r"\x")
        self._take(len(found[0]), re.escape(chr(int(found[1] or found[2], 16))))

    def _class(self) -> None:
        start = self.at
        self._take(2 if self.pattern.startswith("[^", start) else 1)
        if self.pattern.startswith("]", self.at):
            self._take(1, r"\]")
        while not self.pattern.startswith("]", self.at):
            if self.at >= len(self.pattern):
                raise self._refuse("an unclosed [")
            if self.pattern[self.at] == "\\":
                self._escape(in_class=True)
            elif self.pattern.startswith(("[:", "[.", "[="), self.at):
                raise self._refuse("a POSIX class")
            elif self.pattern[self.at] in "[&|~":
                self._take(1, "\\" + self.pattern[self.at])
            else:
                self._take(1)
        self._take(1)

    def _group(self) -> None:
        if self.pattern.startswith("(*", self.at):
            raise self._refuse("(*")
        if not self.pattern.startswith("(?", self.at):
            self._take(1)
            return
        found = _GROUP.match(self.pattern, self.at)
        if found is None:
            raise self._refuse(self.pattern[self.at : self.at + 4])
        self._take(len(found[0]), f"(?P<{found['name']}>" if found["name"] else None)

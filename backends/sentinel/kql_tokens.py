"""Tokens of KQL text whose strings are plain, for the fast parser."""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"""
    [ \t\r\n]+ | //[^\n]*
  | (?P<string>"(?:[^"\\]|\\.)*")
  | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?P<unit>[A-Za-z]*))
  | (?P<sign>in~|![A-Za-z_]+~?
      | =~|!~|==|!=|<>|<=|>=|\.\.|[-+*/%=<>()\[\]{},;|.:])
  | (?P<word>\$?[A-Za-z_][A-Za-z0-9_]*)
  | (?P<bad>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"'}
_UNITS = frozenset({"", "d", "h", "m", "s"})
_HYPHENATED = frozenset({"project", "mv", "parse", "make", "top", "sample", "graph"})


class Unknown(Exception):
    """The fast parser does not know this text; it says nothing about the text."""


class Tokens:
    """A list of tokens and a place in it. A string token keeps its first quote."""

    def __init__(self, text: str) -> None:
        self.items: list[str] = []
        for token in _TOKEN.finditer(text):
            kind = token.lastgroup
            if kind is None:
                continue
            if kind == "bad" or (token["unit"] or "") not in _UNITS:
                raise Unknown
            self.items.append(_decoded(token.group()) if kind == "string" else token.group())
        self.place = 0

    def peek(self, ahead: int = 0) -> str:
        """The token ``ahead`` of the place; empty past the end."""
        index = self.place + ahead
        return self.items[index] if index < len(self.items) else ""

    def next(self) -> str:
        """The token at the place, which moves on."""
        token = self.peek()
        self.place += 1
        return token

    def accept(self, token: str) -> bool:
        """Move on if the token is at the place."""
        if self.peek() != token:
            return False
        self.place += 1
        return True

    def expect(self, token: str) -> None:
        """Move on over the token. Raises `Unknown`."""
        if not self.accept(token):
            raise Unknown

    def name(self) -> str:
        """A name, plain or as ``['name']``. Raises `Unknown`."""
        if self.accept("["):
            name = self.next()
            self.expect("]")
            if not name.startswith('"'):
                raise Unknown
            return name[1:]
        name = self.next()
        if not (name[:1].isalpha() or name[:1] == "_"):
            raise Unknown
        return name

    def keyword(self) -> str:
        """The name of an operator, which may have hyphens. Raises `Unknown`."""
        word = self.next()
        while word.partition("-")[0] in _HYPHENATED and self.accept("-"):
            word = f"{word}-{self.next()}"
        return word

    def integer(self) -> int:
        """A whole number. Raises `Unknown`."""
        token = self.next()
        if not token.isdecimal():
            raise Unknown
        return int(token)


def _decoded(literal: str) -> str:
    return '"' + re.sub(r"\\(.)", lambda m: _ESCAPES[m[1]], literal[1:-1], flags=re.DOTALL)

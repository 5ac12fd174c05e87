"""The surface of a search: comments, macros and pipes, before any command is parsed.

Promises that nothing inside double quotes is taken for a macro, a comment or a pipe.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hafnium.errors import EngineError

_PIECES = re.compile(
    r'(?P<comment>```.*?```)|(?P<string>"(?:[^"\\]|\\.)*")|`(?P<macro>[^`]+)`'
    r'|(?P<code>[^"`]+)|(?P<broken>.)',
    re.DOTALL,
)
_MACRO_NAME = re.compile(r"[A-Za-z0-9_]+")
_COMMAND = re.compile(r"\s*(\w+)(?!\w)\s*")


@dataclass(frozen=True)
class Command:
    """One command: its name, its arguments, and where they start in the expanded search."""

    name: str
    arguments: str
    position: int


def _pieces(text: str) -> Iterator[re.Match[str]]:
    for piece in _PIECES.finditer(text):
        if piece.lastgroup == "broken":
            what = "quotation mark" if piece.group() == '"' else "backtick"
            raise EngineError(f"unclosed {what} at position {piece.start()} of the search")
        yield piece


def expand(text: str, macros: Mapping[str, str], within: tuple[str, ...] = ()) -> str:
    """The search without comments and with every `` `macro` `` replaced by its definition."""
    out = []
    for piece in _pieces(text):
        if piece.lastgroup == "comment":
            out.append(" ")
        elif piece.lastgroup == "macro":
            out.append(_definition(piece["macro"].strip(), macros, within))
        else:
            out.append(piece.group())
    return "".join(out)


def _definition(name: str, macros: Mapping[str, str], within: tuple[str, ...]) -> str:
    if not _MACRO_NAME.fullmatch(name):
        raise EngineError(f"macro `{name}`: macros with arguments are not supported")
    if name not in macros:
        raise EngineError(f"macro `{name}` has no definition")
    if name in within:
        raise EngineError(f"macro `{name}` contains itself")
    return expand(macros[name], macros, (*within, name))


def split(text: str) -> list[Command]:
    """The commands of an expanded search; the first is ``search`` unless a pipe precedes it."""
    cuts = [-1]
    for piece in _pieces(text):
        if piece.lastgroup == "code":
            for found in re.finditer(r"[|\[\]]", piece.group()):
                at = piece.start() + found.start()
                if found.group() != "|":
                    raise EngineError(f"subsearches are not supported (position {at})")
                cuts.append(at)
    parts = [
        (text[start + 1 : end], start + 1)
        for start, end in zip(cuts, [*cuts[1:], len(text)], strict=True)
    ]
    first, *rest = parts
    commands = [_command(part, position) for part, position in rest]
    if first[0].strip():
        return [_implied_search(*first), *commands]
    if not commands or commands[0].name != "search":
        raise EngineError("the search does not start with a search command")
    return commands


def _implied_search(text: str, position: int) -> Command:
    explicit = re.match(r"\s*search\s+", text)
    start = explicit.end() if explicit else len(text) - len(text.lstrip())
    return Command("search", text[start:].rstrip(), position + start)


def _command(text: str, position: int) -> Command:
    found = _COMMAND.match(text)
    if found is None:
        raise EngineError(f"no command after the pipe at position {position - 1}")
    return Command(found[1], text[found.end() :].rstrip(), position + found.end())

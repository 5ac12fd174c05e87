"""How ES|QL writes texts, patterns, names and time spans."""

from __future__ import annotations

from typing import Any

from hafnium.backends.elastic.engine_text import Test, glob
from hafnium.errors import EngineError

Node = Any
SPANS = {
    "millisecond": 1, "milliseconds": 1, "ms": 1, "second": 1_000, "seconds": 1_000,
    "sec": 1_000, "s": 1_000, "minute": 60_000, "minutes": 60_000, "min": 60_000, "m": 60_000,
    "hour": 3_600_000, "hours": 3_600_000, "h": 3_600_000, "day": 86_400_000,
    "days": 86_400_000, "d": 86_400_000,
}  # fmt: skip
"""Time units → milliseconds; calendar units are not needed here."""
_ESCAPED = {"t": "\t", "n": "\n", "r": "\r", '"': '"', "\\": "\\"}


def string(token: str) -> str:
    """The text of a string literal."""
    if token.startswith('"""'):
        return token[3:-3]
    out, chars = [], iter(token[1:-1])
    for char in chars:
        out.append(_ESCAPED[next(chars)] if char == "\\" else char)
    return "".join(out)


def like(pattern: str) -> Test:
    """A LIKE pattern as a test for whole values."""
    shown, literals, i = "", list[str | None](), 0
    while i < len(pattern):
        char = pattern[i]
        if char == "\\":
            i += 1
            char = pattern[i : i + 1]
            if char not in ("*", "?", "\\") or not char:
                raise EngineError(f"ES|QL: LIKE {pattern!r}: \\ escapes *, ? and \\ only")
            literals.append(char)
        else:
            literals.append(None if char in "*?" else char)
        shown += char
        i += 1
    return glob(literals, shown)


_WORDS = frozenset(
    {"and", "asc", "by", "desc", "false", "first", "in", "is", "last", "like", "not", "null"}
    | {"nulls", "on", "or", "rlike", "true", "where", "with"}
)
"""What Elasticsearch's lexer reads as a word of an expression, wherever it stands."""


def name_of(node: Node) -> str:
    """A column's name without its quotes. Raises `EngineError` for a word without quotes."""
    parts = [str(part.children[0]) for part in node.children]
    for part in parts:
        if part.lower() in _WORDS:
            raise EngineError(f"ES|QL: mismatched input {part!r}: a name like this needs quotes")
    return ".".join(
        part[1:-1].replace("``", "`") if part.startswith("`") else part for part in parts
    )

"""KQL's lexical side: literals, names and comments from which nothing can break out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from sigma.types import SigmaString, SpecialChars

from hafnium.errors import Refused

SEPARATOR = "\N{SYMBOL FOR RECORD SEPARATOR}"
"""Stands between the values of a field that has several, before the first and after the last."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_UNSAYABLE = re.compile(r"[\x00\ud800-\udfff]")
_SHORT = {"\\": r"\\", '"': r"\"", "\n": r"\n", "\r": r"\r", "\t": r"\t"}
_REGEX_SPECIAL = set(r"\.+*?()|[]{}^$")


def literal(text: str) -> str:
    """A string literal; verbatim (``@"…"``) where backslashes would hide the text."""
    if _UNSAYABLE.search(text):
        raise Refused("a value holds a character that no KQL string can hold")
    if _CONTROL.search(text):
        return '"' + "".join(_SHORT.get(char, char) for char in text) + '"'
    if "\\" in text:
        return '@"' + text.replace('"', '""') + '"'
    return '"' + text.replace('"', r"\"") + '"'


def foreign(text: str) -> bool:
    """Does it hold a letter outside of ASCII that has two cases?"""
    return any(not char.isascii() and char.lower() != char.upper() for char in text)


def name(column: str) -> str:
    """A column's name; quoted as ``['…']`` where it is no identifier (B11)."""
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", column):
        return column
    return "['" + column.replace("\\", "\\\\").replace("'", "\\'") + "']"


def comment(lines: Iterable[str]) -> str:
    """The lines as ``//`` comments. Whatever ends a line for some reader ends it here."""
    ends = r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]"
    parts = [part for line in lines for part in re.split(ends, line)]
    return "\n".join(f"// {part}".rstrip() for part in parts)


def regex_escape(text: str) -> str:
    """The text as a regular expression that matches exactly it, on one line of query text."""
    return "".join(_regex_char(char) for char in text)


def _regex_char(char: str) -> str:
    if char in _REGEX_SPECIAL:
        return "\\" + char
    if _CONTROL.match(char):
        return f"\\x{ord(char):02x}"
    return char


def pattern(parts: Sequence[str | SpecialChars], any_char: str = ".") -> str:
    """Sigma's wildcards as a regular expression without anchors; ``any_char`` is for ``?``."""
    out = []
    for part in parts:
        if isinstance(part, str):
            out.append(regex_escape(part))
        else:
            out.append(any_char + ("*" if part is SpecialChars.WILDCARD_MULTI else ""))
    return "".join(out)


def parts_of(value: SigmaString) -> list[str | SpecialChars]:
    """The value as text and wildcards, neighbouring ``*`` made one. Refuses placeholders."""
    parts: list[str | SpecialChars] = []
    if value.contains_placeholder():
        raise Refused(
            "a placeholder (expand) has no value", mend="replace it in the rule or by a pipeline"
        )
    for part in value.s:
        if part is SpecialChars.WILDCARD_MULTI and parts and parts[-1] is part:
            continue
        parts.append(part)  # type: ignore[arg-type]  # placeholders are refused above
    return parts


def joined(parts: Sequence[str], operator: str, width: int = 24) -> str:
    """The conditions in one chain, in balanced groups: long chains are too deep for Kusto (B37)."""
    while len(parts) > width:
        groups = [parts[i : i + width] for i in range(0, len(parts), width)]
        parts = [g[0] if len(g) == 1 else f"({f' {operator} '.join(g)})" for g in groups]
    return f" {operator} ".join(parts)

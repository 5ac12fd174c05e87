"""Texts of a rule as Markdown: none of them becomes markup, a link, or another cell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~&])")


def text(said: object) -> str:
    """One line of plain text."""
    return _MARKUP.sub(r"\\\1", " ".join(str(said).split()))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table. Cells are Markdown already."""
    lines = [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]
    return "\n".join(lines)


def bullets(items: Iterable[object]) -> str:
    """A list of plain texts."""
    return "\n".join(f"- {text(item)}" for item in items)


def links(addresses: Iterable[object]) -> str:
    """A list of web addresses; what is none stays plain text."""
    said = [" ".join(str(one).split()) for one in addresses]
    web = re.compile(r"https?://[^\s<>]+")
    return "\n".join(f"- <{one}>" if web.fullmatch(one) else f"- {text(one)}" for one in said)


def fenced(language: str, content: str) -> str:
    """Content as it is; the fence is longer than any in it."""
    longest = max((len(run) for run in re.findall(r"`+", content)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{content}\n{fence}"

"""Parsing: the arguments of one command into nodes, or an error that shows the place."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hafnium.backends.splunk.spl.text import Command
from hafnium.errors import EngineError

if TYPE_CHECKING:
    from lark import Lark, Token, Tree

COMMANDS = (
    "search",
    "where",
    "eval",
    "regex",
    "rex",
    "fields",
    "table",
    "rename",
    "sort",
    "head",
    "dedup",
    "stats",
    "eventstats",
    "streamstats",
    "bin",
    "fillnull",
    "makemv",
    "mvexpand",
)
_ALIASES = {"bucket": "bin"}


@dataclass(frozen=True, slots=True)
class Node:
    """A rule of the grammar with its children, or a terminal with its text."""

    kind: str
    text: str = ""
    children: tuple[Node, ...] = ()

    def find(self, kind: str) -> Iterator[Node]:
        """The nodes of a kind at or below this one, in order."""
        if self.kind == kind:
            yield self
        for child in self.children:
            yield from child.find(kind)


@functools.cache
def _parser() -> Lark:
    from lark import Lark

    return Lark.open(
        "spl.lark", rel_to=__file__, parser="lalr", start=list(COMMANDS), maybe_placeholders=False
    )


def parse(command: Command) -> Node:
    """A command as a node of the kind of its name. Raises `EngineError`."""
    from lark.exceptions import UnexpectedInput

    name = _ALIASES.get(command.name, command.name)
    if name not in COMMANDS:
        raise EngineError(
            f"command {command.name!r} at position {command.position} is not supported"
        )
    try:
        return _node(_parser().parse(command.arguments, start=name))
    except UnexpectedInput as error:
        at = len(command.arguments) if error.pos_in_stream is None else error.pos_in_stream
        at = at if at >= 0 else len(command.arguments)
        shown = command.arguments[max(0, at - 30) : at] + "▸" + command.arguments[at : at + 30]
        raise EngineError(
            f"cannot parse {name} at position {command.position + at} of the search: {shown}"
        ) from None


def _node(tree: Tree[Token] | Token) -> Node:
    if isinstance(tree, str):  # a token is a str
        return Node(tree.type, str(tree))
    return Node(str(tree.data), children=tuple(_node(child) for child in tree.children))

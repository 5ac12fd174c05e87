"""Parsing: the arguments of one command into a tree, or an error that shows the place."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from hafnium.backends.splunk.spl.text import Command
from hafnium.errors import EngineError

if TYPE_CHECKING:
    from lark import Lark, Tree

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


@functools.cache
def _parser() -> Lark:
    from lark import Lark

    return Lark.open(
        "spl.lark", rel_to=__file__, parser="lalr", start=list(COMMANDS), maybe_placeholders=False
    )


def parse(command: Command) -> Tree[str]:
    """The tree of a command; its root is named as the command. Raises `EngineError`."""
    from lark.exceptions import UnexpectedInput

    name = _ALIASES.get(command.name, command.name)
    if name not in COMMANDS:
        raise EngineError(
            f"command {command.name!r} at position {command.position} is not supported"
        )
    try:
        return _parser().parse(command.arguments, start=name)
    except UnexpectedInput as error:
        at = len(command.arguments) if error.pos_in_stream is None else error.pos_in_stream
        at = at if at >= 0 else len(command.arguments)
        shown = command.arguments[max(0, at - 30) : at] + "▸" + command.arguments[at : at + 30]
        raise EngineError(
            f"cannot parse {name} at position {command.position + at} of the search: {shown}"
        ) from None

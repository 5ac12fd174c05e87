"""A search as steps over rows: each command compiled once, then run.

The first command decides which events enter, newest first, as Splunk returns them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import NamedTuple

from hafnium.backends.splunk.spl import editing, filtering, statistics
from hafnium.backends.splunk.spl.expression import compile_condition
from hafnium.backends.splunk.spl.grammar import Node, parse
from hafnium.backends.splunk.spl.pcre import Library, using
from hafnium.backends.splunk.spl.rows import Rows, Step
from hafnium.backends.splunk.spl.search import Condition, compile_search
from hafnium.backends.splunk.spl.text import Command, expand, split
from hafnium.errors import EngineError


class Program(NamedTuple):
    """A compiled search: what enters, then what is done to it."""

    condition: Condition
    steps: tuple[Step, ...]

    def run(self, rows: Rows) -> Rows:
        for step in self.steps:
            rows = step(rows)
        return rows


def compile_program(
    text: str, macros: Mapping[str, str], library: Library | None = None
) -> Program:
    """Compile a search. Raises `EngineError` with the place for what is not understood.

    ``library`` compiles its regular expressions; None is Python's own.
    """
    return _compile(expand(text, macros), library)


@functools.lru_cache(maxsize=1024)
def _compile(text: str, library: Library | None) -> Program:
    first, *rest = split(text)
    if not first.arguments:
        raise EngineError("the search is empty")
    with using(library):
        condition = compile_search(parse(first))
        return Program(condition, tuple(_step(command) for command in rest))


def _step(command: Command) -> Step:
    node = parse(command)
    try:
        step = _COMMANDS[node.kind](node)
    except EngineError as error:
        raise _placed(error, command) from None

    def placed(rows: Rows) -> Rows:
        try:
            return step(rows)
        except EngineError as error:
            raise _placed(error, command) from None

    return placed


def _placed(error: EngineError, command: Command) -> EngineError:
    return EngineError(
        f"{error.reason} ({command.name} at position {command.position})", mend=error.mend
    )


def _search(node: Node) -> Step:
    test = compile_search(node).test
    return lambda rows: [row for row in rows if test(row.fields)]


def _where(node: Node) -> Step:
    test = compile_condition(node.children[0])
    return lambda rows: [row for row in rows if test(row.fields)]


_COMMANDS: dict[str, Callable[[Node], Step]] = {
    "search": _search,
    "where": _where,
    "eval": editing.evaluate,
    "regex": filtering.regex_filter,
    "rex": editing.rex,
    "fields": filtering.fields,
    "table": filtering.table,
    "rename": editing.rename,
    "sort": filtering.sort,
    "head": filtering.head,
    "dedup": filtering.dedup,
    "stats": statistics.stats,
    "eventstats": statistics.eventstats,
    "streamstats": statistics.streamstats,
    "bin": editing.bin_times,
    "fillnull": editing.fillnull,
    "makemv": editing.makemv,
    "mvexpand": editing.mvexpand,
}

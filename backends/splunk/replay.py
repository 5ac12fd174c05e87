"""Runs the shipped SPL on recorded events, in the evaluator of `hafnium.backends.splunk.spl`.

Macros come from ``Query.context["macros"]`` (name → definition); whatever the evaluator does
not know raises `EngineError`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from hafnium.backends.splunk.spl.commands import Program, compile_program
from hafnium.backends.splunk.spl.pcre import Library
from hafnium.backends.splunk.spl.rows import EventAddress, Row, Rows
from hafnium.backends.splunk.spl.search import CONSTANT
from hafnium.errors import EngineError
from hafnium.siem import Query, Record


class SplunkReplay:
    """Records, in streams of one index, source, sourcetype …, which searches may skip whole.

    ``library`` compiles the regular expressions of the searches; None is Python's own.
    """

    def __init__(self, records: Sequence[Record], library: Library | None = None) -> None:
        self._library = library
        self._streams: dict[tuple[Any, ...], list[int]] = defaultdict(list)
        self._fields = [{"index": record.store, **record.fields} for record in records]
        for index, fields in enumerate(self._fields):
            self._streams[tuple(_key(fields.get(name)) for name in CONSTANT)].append(index)

    def search(self, query: Query) -> list[tuple[int, ...]]:
        """The hits of a query, each the indexes of the records that it is about, sorted."""
        try:
            program = compile_program(query.text, query.context.get("macros", {}), self._library)
            rows = program.run(self._events(program))
        except EngineError as error:
            raise EngineError(error.reason, file=query.rule.path, mend=error.mend) from None
        except RecursionError:
            raise EngineError("the search is nested too deeply", file=query.rule.path) from None
        hits = {row.about() for row in rows}
        if () in hits:
            raise EngineError("a result row that no event stands behind", file=query.rule.path)
        return sorted(hits)

    def _events(self, program: Program) -> Rows:
        """The events that enter, newest first; of the same instant, the later record first."""
        guess, test = program.condition.guess, program.condition.test
        found: list[int] = []
        for stream, members in self._streams.items():
            known = guess(dict(zip(CONSTANT, map(_value, stream), strict=True)))
            if known is not False:
                found += [index for index in members if test(self._fields[index])]
        found.sort(key=lambda index: (self._fields[index].get("_time", 0.0), index), reverse=True)
        return [
            Row({**self._fields[index], "_cd": EventAddress(index)}, (index,)) for index in found
        ]


def _key(value: Any) -> Any:
    """A field's value as part of a key."""
    return tuple(value) if isinstance(value, list) else value


def _value(key: Any) -> Any:
    return list(key) if isinstance(key, tuple) else key

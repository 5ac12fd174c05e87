"""ES|QL: a parser and an evaluator of the commands and functions that queries here use.

Written after Elastic's language reference; the grammar is ``engine_esql.lark``. What is not
known is an `EngineError`, never a guess. The row limit that Elasticsearch puts on a query
without ``LIMIT`` is left to whoever runs it.
"""

from __future__ import annotations

import fnmatch
import functools
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from hafnium.backends.elastic.engine_documents import Index
from hafnium.backends.elastic.engine_esql_expressions import Expressions
from hafnium.backends.elastic.engine_esql_literals import Node, name_of, string
from hafnium.backends.elastic.engine_esql_rows import Row, column_type, values_of
from hafnium.backends.elastic.engine_esql_stats import stats
from hafnium.errors import EngineError

EVENTS = "events"
_DEPTH = 380
"""Elasticsearch nests a row of `OR` one deeper for each word and stops at 400."""
_METADATA = {"_id": "keyword", "_index": "keyword", "_version": "long"}


def esql_hits(text: str, index: Index, mapped: Collection[str] = ()) -> list[tuple[int, ...]]:
    """The documents behind each row of the result; those that its column ``events`` names, as
    index and id, if it has one.

    ``mapped`` are keyword fields that a template maps, whether or not a document has them.
    """
    tree = parse(text)
    source, *commands = tree.children
    pipeline = _Pipeline(source, index, mapped)
    for command in commands:
        pipeline.run(command)
    return [_behind(row) for row in pipeline.rows]


def _behind(row: Row) -> tuple[int, ...]:
    named = values_of(row.columns.get(EVENTS))
    return tuple(sorted(int(event.rpartition("/")[2]) for event in named)) or row.refs


@functools.cache
def _parser() -> Any:
    from lark import Lark

    grammar = Path(__file__).with_name("engine_esql.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", maybe_placeholders=True)


@functools.lru_cache(maxsize=1024)
def parse(text: str) -> Node:
    """The parse tree. Raises `EngineError` for what is no ES|QL, or not of this subset."""
    from lark.exceptions import LarkError

    try:
        tree = _parser().parse(text)
    except LarkError as error:
        line = str(error).strip().splitlines()[0]
        raise EngineError(f"ES|QL: {line}") from error
    for node in tree.iter_subtrees():
        if node.data in ("or_", "and_") and len(node.children) > _DEPTH:
            raise EngineError("ES|QL: the statement exceeds the maximum expression depth")
    return tree


class _Pipeline:
    """Rows and the types of their columns, from command to command."""

    def __init__(self, source: Node, index: Index, mapped: Collection[str]) -> None:
        *indexes, metadata = source.children
        patterns = [str(item.children[0]) for item in indexes]
        patterns = [string(p) if p.startswith('"') else p for p in patterns]
        self._target = index.search(p for said in patterns for p in said.split(","))
        self._mapped = frozenset(mapped)
        self._known: dict[str, str] | None = None
        self._types: dict[str, str] = {}
        self._gone: set[str] = set()
        names = [] if metadata is None else [name_of(name) for name in metadata.children]
        for name in names:
            if name not in _METADATA:
                raise EngineError(f"ES|QL: unknown metadata {name}")
            self._types[name] = _METADATA[name]
        self.rows = [
            Row((doc.ref,), doc, {"_id": str(doc.ref), "_index": doc.store, "_version": 1})
            for doc in self._target.docs
        ]

    def run(self, command: Node) -> None:
        handler = getattr(self, f"_{command.data}", None)
        if handler is None:
            raise EngineError(f"ES|QL: the command {command.data} is unknown here")
        handler(command)

    def _type(self, name: str) -> str:
        """A column's type. Raises for a column that does not exist."""
        if name in self._types:
            return self._types[name]
        if self._known is None and name not in self._gone:
            if self._target.has(name):
                return column_type(self._target.type_of(name))
            if name in self._mapped:
                return "keyword"
        raise EngineError(
            f"ES|QL: unknown column [{name}]", mend="no index that the query reads has the field"
        )

    def _expressions(self) -> Expressions:
        return Expressions(self._type)

    def _where(self, node: Node) -> None:
        test = self._expressions().condition(node.children[0])
        self.rows = [row for row in self.rows if test(row)]

    def _eval(self, node: Node) -> None:
        for assignment in node.children[0].children:
            name, inner = assignment.children
            if name is None:
                raise EngineError("ES|QL: give the column a name here: EVAL name = expression")
            expr, column = self._expressions().compile(inner), name_of(name)
            self.rows = [row.with_columns({column: expr.get(row)}) for row in self.rows]
            self._types[column] = expr.type

    def _stats(self, node: Node) -> None:
        self.rows, self._types = stats(node, self.rows, self._expressions())
        self._known = self._types

    def _keep(self, node: Node) -> None:
        names: dict[str, str] = {}
        for pattern in node.children[0].children:
            child = pattern.children[0]
            if hasattr(child, "data"):
                names[name_of(child)] = self._type(name_of(child))
            else:
                known = self._types.items()
                names |= {n: t for n, t in known if fnmatch.fnmatchcase(n, str(child))}
        self._materialise(names)
        self._known = self._types = names

    def _drop(self, node: Node) -> None:
        for pattern in node.children[0].children:
            child = pattern.children[0]
            if not hasattr(child, "data"):
                raise EngineError("ES|QL: DROP with wildcards is not supported here")
            self._type(name_of(child))
            self._types.pop(name_of(child), None)
            self._gone.add(name_of(child))

    def _rename(self, node: Node) -> None:
        for renaming in node.children:
            old, new = (name_of(child) for child in renaming.children)
            kind = self._type(old)
            self.rows = [row.with_columns({new: row.get(old)}) for row in self.rows]
            self._types.pop(old, None)
            self._gone.add(old)
            self._types[new] = kind

    def _sort(self, node: Node) -> None:
        for order in reversed(node.children):
            inner, direction, nulls = order.children
            expr = self._expressions().compile(inner)
            down = str(direction or "asc").lower() == "desc"
            first = str(nulls).lower() == "first" if nulls is not None else down
            keyed = [(expr.get(row), row) for row in self.rows]
            some = [(values_of(value), row) for value, row in keyed if value is not None]
            some.sort(key=_largest if down else _smallest, reverse=down)
            none = [row for value, row in keyed if value is None]
            rest = [row for _, row in some]
            self.rows = none + rest if first else rest + none

    def _limit(self, node: Node) -> None:
        self.rows = self.rows[: int(node.children[0])]

    def _mv_expand(self, node: Node) -> None:
        name = name_of(node.children[0])
        self._type(name)
        self.rows = [
            row.with_columns({name: value})
            for row in self.rows
            for value in values_of(row.get(name)) or (None,)
        ]

    def _materialise(self, names: Iterable[str]) -> None:
        """Read the columns that are kept from their documents, then let go of the rest."""
        names = list(names)
        self.rows = [
            Row(row.refs, None, {name: row.get(name) for name in names}) for row in self.rows
        ]


def _largest(pair: tuple[tuple[Any, ...], Row]) -> Any:
    return max(pair[0])


def _smallest(pair: tuple[tuple[Any, ...], Row]) -> Any:
    return min(pair[0])

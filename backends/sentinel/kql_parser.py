"""A fast parser for the KQL that detections are written in.

It makes the same tree as duckdb-kql's own parser, which takes seconds for a long query. Whatever
it does not know it leaves to that one: `parse` never guesses.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from duckdb_kql import ir
from duckdb_kql.lower import lower

from hafnium.backends.sentinel.kql_scalars import Scalars
from hafnium.backends.sentinel.kql_tokens import Tokens, Unknown

_JOINS = frozenset({"inner", "innerunique", "leftouter", "rightouter", "fullouter", "leftsemi"})
_JOINS |= {"leftanti", "rightsemi", "rightanti"}
_LOOKUPS = frozenset({"inner", "leftouter"})


def parse(text: str, tables: Collection[str]) -> ir.Query:
    """The tree of a query whose strings are plain (`kql_text.plain`).

    Raises duckdb-kql's `KqlError` for text that is no KQL, or that it does not know.
    """
    try:
        return parse_fast(text, tables)
    except Unknown:
        return lower(text)


def parse_fast(text: str, tables: Collection[str]) -> ir.Query:
    """The tree, by this parser alone. Raises `Unknown`."""
    return _Parser(Tokens(text), tables).statements()


class _Parser:
    """Reads statements and pipelines; expressions are read by `Scalars`."""

    def __init__(self, tokens: Tokens, tables: Collection[str]) -> None:
        self.tokens = tokens
        self.tables = set(tables)
        self.scalars = Scalars(tokens)

    def statements(self) -> ir.Query:
        lets: list[tuple[str, ir.Query | ir.Expr]] = []
        while self.tokens.accept("let"):
            name = self.tokens.name()
            self.tokens.expect("=")
            if self.tokens.peek() == "(" and self.scalars.declares_function():
                self.scalars.declare_function(name)
            elif self._is_tabular():
                lets.append((name, self._materialized()))
                self.tables.add(name)
            else:
                self.scalars.declare(name)
            self.tokens.expect(";")
        query = self.pipe()
        self.tokens.accept(";")
        if self.tokens.peek():
            raise Unknown
        query.lets.extend(lets)
        return query

    def _is_tabular(self) -> bool:
        first = self.tokens.peek()
        return first in self.tables or first in ("union", "materialize")

    def _materialized(self) -> ir.Query:
        if not self.tokens.accept("materialize"):
            return self.pipe()
        self.tokens.expect("(")
        query = self.pipe()
        self.tokens.expect(")")
        return query

    def pipe(self) -> ir.Query:
        """A source and the operators piped onto it."""
        operators: list[ir.Operator] = []
        source: ir.Source
        if self.tokens.accept("union"):
            union = self._union()
            first, *others = union.branches
            source, operators = first.source, list(first.operators)
            operators.append(ir.Union(tuple(others), union.kind, union.with_source, union.isfuzzy))
        elif self.tokens.peek() == "(":
            inner = self._inner()
            source, operators = inner.source, list(inner.operators)
        else:
            source = ir.TableRef(self.tokens.name())
            if self.tokens.peek() in ("(", "."):
                raise Unknown
        while self.tokens.accept("|"):
            operators.append(self._operator())
        return ir.Query(source, operators)

    def _inner(self) -> ir.Query:
        """A table, or a pipeline in parentheses."""
        if not self.tokens.accept("("):
            name = self.tokens.name()
            if self.tokens.peek() in ("*", ".", "("):
                raise Unknown
            return ir.Query(ir.TableRef(name))
        query = self.pipe()
        self.tokens.expect(")")
        return query

    def _operator(self) -> ir.Operator:
        scalars, tokens = self.scalars, self.tokens
        known: Mapping[str, Callable[[], ir.Operator]] = {
            "where": lambda: ir.Where(scalars.expression()),
            "extend": lambda: ir.Extend(scalars.named_list()),
            "project": lambda: ir.Project(scalars.named_list()),
            "project-away": lambda: ir.ProjectAway(self._names()),
            "distinct": lambda: ir.Distinct(scalars.named_list()),
            "summarize": self._summarize,
            "sort": self._sort,
            "order": self._sort,
            "take": lambda: ir.Take(tokens.integer()),
            "limit": lambda: ir.Take(tokens.integer()),
            "count": ir.Count,
            "union": self._union,
            "join": lambda: ir.Join(*self._join(_JOINS, "innerunique")),
            "lookup": lambda: ir.Lookup(*self._join(_LOOKUPS, "leftouter")),
        }
        read = known.get(tokens.keyword())
        if read is None:
            raise Unknown
        return read()

    def _names(self) -> tuple[str, ...]:
        names = [self.tokens.name()]
        while self.tokens.accept(","):
            names.append(self.tokens.name())
        if self.tokens.peek() == "*":
            raise Unknown
        return tuple(names)

    def _summarize(self) -> ir.Summarize:
        aggregates: tuple[ir.NamedExpr, ...] = ()
        if self.tokens.peek() != "by":
            aggregates = self.scalars.named_list()
        by = self.scalars.named_list() if self.tokens.accept("by") else ()
        return ir.Summarize(aggregates, by)

    def _sort(self) -> ir.Sort:
        self.tokens.expect("by")
        keys = []
        while True:
            expression = self.scalars.expression()
            ascending = bool(self.tokens.accept("asc"))
            if not ascending:
                self.tokens.accept("desc")
            if self.tokens.peek() == "nulls":
                raise Unknown
            keys.append(ir.SortKey(expression, ascending=ascending))
            if not self.tokens.accept(","):
                return ir.Sort(tuple(keys))

    def _parameters(self, known: Mapping[str, Collection[str]]) -> dict[str, str]:
        found = {}
        while self.tokens.peek() in known and self.tokens.peek(1) == "=":
            name = self.tokens.name()
            self.tokens.expect("=")
            found[name] = self.tokens.name()
            if known[name] and found[name] not in known[name]:
                raise Unknown
        return found

    def _union(self) -> ir.Union:
        said = self._parameters(
            {"kind": ("inner", "outer"), "isfuzzy": ("true", "false"), "withsource": ()}
        )
        branches = [self._inner()]
        while self.tokens.accept(","):
            branches.append(self._inner())
        kind, fuzzy = said.get("kind", "outer"), said.get("isfuzzy") == "true"
        return ir.Union(tuple(branches), kind, said.get("withsource"), fuzzy)

    def _join(
        self, kinds: Collection[str], usual: str
    ) -> tuple[ir.Query, tuple[ir.JoinKey, ...], str]:
        said = self._parameters({"kind": kinds})
        right = self._inner()
        self.tokens.expect("on")
        keys = [self._join_key()]
        while self.tokens.accept(","):
            keys.append(self._join_key())
        return right, tuple(keys), said.get("kind", usual)

    def _join_key(self) -> ir.JoinKey:
        if not self.tokens.accept("$left"):
            name = self.tokens.name()
            return ir.JoinKey(name, name)
        self.tokens.expect(".")
        left = self.tokens.name()
        self.tokens.expect("==")
        self.tokens.expect("$right")
        self.tokens.expect(".")
        return ir.JoinKey(left, self.tokens.name())

"""A KQL query on its way through its operators."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from duckdb_kql import ir

from hafnium.backends.sentinel.kql_calls import bind_call
from hafnium.backends.sentinel.kql_expressions import Scope, Typed, bind
from hafnium.backends.sentinel.kql_names import ORDER, RECORDS, sql_name

Columns = Mapping[str, str]
"""Column name → Kusto type."""


@dataclass
class Pipeline:
    """A query on its way through its operators: what is built so far and its columns."""

    tables: Mapping[str, Columns]
    query: Callable[[ir.Query], tuple[ir.Query, Columns]]
    """Binds a nested query, with the tables in scope here."""
    operators: list[ir.Operator] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)
    ordered: bool = False

    def scope(self, *, aggregates: bool = False) -> Scope:
        """What an expression may read at this point."""
        return Scope(self.columns, bind_call, self.query, aggregates, self.ordered)

    def hidden(self) -> list[ir.NamedExpr]:
        """The hidden columns, for operators that write their columns out in full."""
        names = [RECORDS, ORDER] if self.ordered else [RECORDS]
        return [ir.NamedExpr(ir.ColumnRef(name), name) for name in names]

    def bound(self, expressions: Sequence[ir.NamedExpr], names: Sequence[str]) -> dict[str, Typed]:
        """The expressions under their names, bound at this point."""
        scope = self.scope()
        return {n: bind(e.expr, scope) for n, e in zip(names, expressions, strict=True)}

    def unorder(self) -> None:
        """Drop the order of the rows, which the next operator does not keep."""
        if self.ordered:
            self.operators.append(ir.ProjectAway((ORDER,)))
            self.ordered = False

    def add(self, names: Mapping[str, Typed]) -> None:
        """Extend the rows by columns, replacing those of the same name."""
        made = tuple(ir.NamedExpr(value.node, sql_name(name)) for name, value in names.items())
        self.operators.append(ir.Extend(made))
        self.columns.update((name, value.kind) for name, value in names.items())

"""Runs shipped KQL on recorded rows: duckdb-kql on DuckDB, in memory, with every table there is.

What duckdb-kql has wrong, lacks or does slowly is mended beside it, in the modules ``kql_*``.
Text that Kusto would reject, and what neither side knows, is an `EngineError`.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from hafnium.backends.sentinel.tables import columns, tables
from hafnium.errors import EngineError
from hafnium.siem import Query, Record

_SQL_TYPES = {
    "bool": "BOOLEAN",
    "datetime": "TIMESTAMP",
    "dynamic": "JSON",
    "guid": "UUID",
    "int": "INTEGER",
    "long": "BIGINT",
    "real": "DOUBLE",
    "string": "VARCHAR",
    "timespan": "INTERVAL",
}
_SEPARATORS = ("\x1f", "\x1e", "\x1d", "\ue000", "\ue001", "\ue002")
_TIME = "%Y-%m-%d %H:%M:%S.%f"
_PYTHON_TYPES: Mapping[str, tuple[type, ...]] = {
    "bool": (bool,),
    "datetime": (datetime,),
    "int": (int,),
    "long": (int,),
    "real": (int, float),
    "string": (str,),
}


class SentinelReplay:
    """The tables of a workspace, filled with records.

    A hit is the tuple of the indexes of all records that a row of the result comes from.
    ``filled_only``: there is no other table than those that records fill, as in the workspace of
    a site that has only these connectors.
    """

    def __init__(self, records: Sequence[Record], *, filled_only: bool = False) -> None:
        import duckdb

        from hafnium.backends.sentinel.kql_macros import FOLD

        self._connection = duckdb.connect(":memory:", config={"threads": 1})
        self._connection.execute("SET TimeZone='UTC'")
        self._connection.execute(FOLD)
        self._missing = set(tables())
        self._filled_only = filled_only
        self._has_macros = False
        self._next = 0
        self.add(records)

    def add(self, records: Sequence[Record]) -> None:
        """Put more records into the tables; they are numbered after those before."""
        by_table: dict[str, list[Record]] = {}
        places: dict[str, list[int]] = {}
        for index, record in enumerate(records, self._next):
            columns(record.store)
            by_table.setdefault(record.store, []).append(record)
            places.setdefault(record.store, []).append(index)
        self._next += len(records)
        # DuckDB would first evaluate the texts that `_fill` hands over as constants, slowly.
        self._connection.execute("SET disabled_optimizers='expression_rewriter'")
        for table, found in by_table.items():
            if table in self._missing:
                self._create(table)
            self._fill(table, places[table], found)
        self._connection.execute("RESET disabled_optimizers")

    def search(self, query: Query) -> list[tuple[int, ...]]:
        """The hits of the query's text, each once, in order. Raises `EngineError`."""
        return self.run(query.text)

    def run(self, text: str) -> list[tuple[int, ...]]:
        """The hits of a KQL text, each once, in order. Raises `EngineError`."""
        import duckdb

        sql = self.sql(text)
        self._supply(sql)
        try:
            rows = self._connection.execute(sql).fetchall()
        except duckdb.Error as error:
            raise EngineError(f"DuckDB rejects the query: {error}") from error
        return sorted({tuple(sorted(set(records or ()))) for (records,) in rows})

    def sql(self, text: str) -> str:
        """A KQL text as SQL over the tables that there are. Raises `EngineError`."""
        return translated(text, frozenset(self._missing) if self._filled_only else frozenset())

    def _supply(self, sql: str) -> None:
        """Create what the SQL names and is not there yet: making all of it takes a while."""
        from hafnium.backends.sentinel.kql_macros import PREFIX, define_macros

        if PREFIX in sql and not self._has_macros:
            define_macros(self._connection)
            self._has_macros = True
        for table in sorted(self._missing):
            if f'"{table}"' in sql:
                self._create(table)

    def _create(self, table: str) -> None:
        from hafnium.backends.sentinel.kql_names import RECORDS, sql_name

        declared = ", ".join(
            f'"{sql_name(name)}" {_SQL_TYPES[kind]}' + (" DEFAULT ''" if kind == "string" else "")
            for name, kind in columns(table).items()
        )
        self._connection.execute(f'CREATE TABLE "{table}" ({declared}, "{RECORDS}" BIGINT[])')
        self._missing.discard(table)

    def _fill(self, table: str, indexes: Sequence[int], records: Sequence[Record]) -> None:
        """Put the rows in, column by column: a list as one text is by far the fastest way."""
        import duckdb

        from hafnium.backends.sentinel.kql_names import RECORDS, sql_name

        rows = [record.fields for record in records]
        names = list(dict.fromkeys(name for row in rows for name in row))
        kinds = columns(table)
        unknown = [name for name in names if name not in kinds]
        if unknown:
            raise EngineError(f"table {table} has no column {', '.join(unknown)}")
        selected, values = [], {}
        for number, name in enumerate(names):
            given = _texts([row.get(name) for row in rows], kinds[name], f"{table}.{name}")
            separator = _separator(given)
            values[f"c{number}"] = separator.join(given)
            split = f"unnest(string_split($c{number}, '{separator}'))"
            if kinds[name] != "string":
                split = f"CAST(nullif({split}, '') AS {_SQL_TYPES[kinds[name]]})"
            selected.append(split)
        values["ref"] = " ".join(map(str, indexes))
        selected.append("[CAST(unnest(string_split($ref, ' ')) AS BIGINT)]")
        listed = ", ".join(f'"{n}"' for n in (*map(sql_name, names), RECORDS))
        try:
            self._connection.execute(
                f'INSERT INTO "{table}" ({listed}) SELECT {", ".join(selected)}', values
            )
        except duckdb.Error as error:
            raise EngineError(f"table {table} cannot hold a record: {error}") from error


def _texts(values: Sequence[Any], kind: str, place: str) -> list[str]:
    """Stored values of one column as texts of its SQL type; empty for none."""
    if kind == "dynamic":
        encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
        return ["" if value is None else encode(value) for value in values]
    wrong = {type(value) for value in values} - {type(None), *_PYTHON_TYPES[kind]}
    if wrong:
        names = ", ".join(sorted(kind.__name__ for kind in wrong))
        raise EngineError(f"{place} is of type {kind} and cannot hold a value of type {names}")
    if kind == "string":
        return [value or "" for value in values]
    if kind == "datetime":
        return ["" if value is None else f"{value.astimezone(UTC):{_TIME}}" for value in values]
    return ["" if value is None else str(value) for value in values]


def _separator(texts: Sequence[str]) -> str:
    for separator in _SEPARATORS:
        if not any(separator in text for text in texts):
            return separator
    raise EngineError("a value that holds every separator of the replay")


@functools.lru_cache(maxsize=4096)
def translated(text: str, without: frozenset[str] = frozenset()) -> str:
    """The SQL that gives the records of each row of a KQL query's result, in a workspace
    ``without`` some tables.

    Raises `EngineError` for text that Kusto would reject, or that the replay does not know.
    """
    from duckdb_kql.errors import KqlError
    from duckdb_kql.translate import to_sql

    from hafnium.backends.sentinel.kql_functions import extend_duckdb_kql
    from hafnium.backends.sentinel.kql_names import RECORDS, sql_name
    from hafnium.backends.sentinel.kql_parser import parse
    from hafnium.backends.sentinel.kql_pipeline import bind_query
    from hafnium.backends.sentinel.kql_prune import pruned
    from hafnium.backends.sentinel.kql_text import plain

    extend_duckdb_kql()
    held = {table: found for table, found in tables().items() if table not in without}
    schema = {t: [*map(sql_name, found), RECORDS] for t, found in held.items()}
    try:
        query, _ = bind_query(parse(plain(text), held), held)
        sql = to_sql(pruned(query, held), schema)
    except KqlError as error:
        raise EngineError(f"KQL: {error}") from error
    except RecursionError:
        raise EngineError("the query is nested too deeply") from None
    return f'SELECT "{RECORDS}" FROM ({sql})'

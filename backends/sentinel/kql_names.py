"""Names of columns in DuckDB: the hidden ones, and those that DuckDB cannot tell apart."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from hafnium.backends.sentinel.tables import tables

RECORDS = "_hf_ref"
"""The hidden column with the indexes of the records that a row comes from."""
ORDER = "_hf_row"
"""The hidden column with a row's place, in an ordered input."""


def sql_name(column: str) -> str:
    """The column's name in DuckDB, which takes names that differ in case only for one.

    The schemas have a few such pairs; duckdb-kql refuses any other.
    """
    return _sql_names().get(column, column)


@functools.cache
def _sql_names() -> Mapping[str, str]:
    spellings: dict[str, set[str]] = {}
    for schema in tables().values():
        for name in schema:
            spellings.setdefault(name.casefold(), set()).add(name)
    return {
        name: name + "~" * number
        for found in spellings.values()
        for number, name in enumerate(sorted(found))
        if number
    }

"""The tables of the replay: each column's name and Kusto type, from ``tables.yml``."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path

from hafnium.data import load_data
from hafnium.errors import EngineError

TYPES = ("bool", "datetime", "dynamic", "guid", "int", "long", "real", "string", "timespan")


@functools.cache
def tables() -> Mapping[str, Mapping[str, str]]:
    """Table name → column name → Kusto type, both in the order of their names."""
    said = load_data(Path(__file__).with_name("tables.yml"))
    return {
        table: dict(sorted((c, kind) for kind, names in kinds.items() for c in names))
        for table, kinds in sorted(said.items())
    }


def columns(table: str) -> Mapping[str, str]:
    """The columns of one table. Raises `EngineError` when there is no such table."""
    try:
        return tables()[table]
    except KeyError:
        raise EngineError(f"no schema of table {table}", mend="add it to tables.yml") from None

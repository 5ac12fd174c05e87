"""What the packager is told of a query beside its text: tables, connectors, entities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .compiler_columns import Column, Table

Entity = dict[str, str]
"""``type`` and ``identifier`` as Sentinel names them, ``column`` of the query's result."""

_BY_FIELD: Mapping[str, tuple[str, str]] = {
    "CommandLine": ("Process", "CommandLine"),
    "User": ("Account", "FullName"),
    "SubjectUserName": ("Account", "Name"),
    "TargetUserName": ("Account", "Name"),
    "IpAddress": ("IP", "Address"),
    "DestinationIp": ("IP", "Address"),
    "DestinationHostname": ("DNS", "DomainName"),
    "QueryName": ("DNS", "DomainName"),
    "TargetObject": ("RegistryKey", "Key"),
}


def context(tables: Sequence[Table], columns: Mapping[str, Column]) -> dict[str, Any]:
    """The context of a query over the tables; ``columns`` are those of the compared fields."""
    connectors: dict[str, list[str]] = {}
    for table in tables:
        said = table.feed.source.extra.get("connector")
        if said:
            types = connectors.setdefault(said["id"], [])
            types += [kind for kind in said["dataTypes"] if kind not in types]
    return {
        "tables": list(dict.fromkeys(table.name for table in tables)),
        "connectors": connectors,
        "entities": _of_tables(tables) + _of_fields(columns),
    }


def _of_tables(tables: Sequence[Table]) -> list[Entity]:
    """The entities whose columns every table has; a union calls the host ``Computer``."""
    per_table = [
        [dict(said) for said in table.feed.source.extra.get("entities", [])] for table in tables
    ]
    if len(tables) > 1:
        for table, entities in zip(tables, per_table, strict=True):
            for entity in entities:
                if entity["column"] == table.host:
                    entity["column"] = "Computer"
    return [entity for entity in per_table[0] if all(entity in other for other in per_table[1:])]


def _of_fields(columns: Mapping[str, Column]) -> list[Entity]:
    return [
        {"type": _BY_FIELD[field][0], "identifier": _BY_FIELD[field][1], "column": column.text}
        for field, column in columns.items()
        if field in _BY_FIELD and column.plain and column.kind == "string" and not column.many
    ]

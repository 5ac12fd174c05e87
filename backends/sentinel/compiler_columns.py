"""Where a table keeps a Sigma field: the KQL expression of its text.

A field has a column of its own, or stands in a column that holds all items of the event: XML,
a property bag (dynamic), or Exchange's ``S:KEY=value`` list. Items are read at query time, each
by its own expression; entities are decoded. Absent is the empty text: a string is never null in
Kusto (B14).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal
from xml.sax.saxutils import escape

from hafnium.errors import Refused
from hafnium.sources import Feed

from .compiler_text import SEPARATOR, joined, literal, name, regex_escape

_ENTITIES = (
    ("&lt;", '"<"'),
    ("&gt;", '">"'),
    ("&quot;", r'"\""'),
    ("&apos;", '"\'"'),
    ("&#xD;", r'"\r"'),
    ("&#xA;", r'"\n"'),
    ("&#x9;", r'"\t"'),
    ("&amp;", '"&"'),
)
DECODE = "xml"
for _entity, _char in _ENTITIES:
    DECODE = f'replace_string({DECODE}, "{_entity}", {_char})'
DECODE = f"let hf_text = (xml:string) {{ {DECODE} }};"
"""Undoes XML's entities; part of every query that calls ``hf_text``."""


@dataclass(frozen=True)
class Column:
    """An expression that gives a field's text (``int``: its number).

    ``plain`` means a bare column, ``many`` a text of several values in `SEPARATOR`s,
    ``absent`` that the table does not keep the field.
    """

    text: str
    kind: Literal["string", "int"] = "string"
    plain: bool = False
    many: bool = False
    absent: bool = False

    @property
    def string(self) -> str:
        """The expression as a string."""
        return f"tostring({self.text})" if self.kind == "int" else self.text


ABSENT = Column('""', absent=True)


@dataclass(frozen=True)
class Table:
    """A feed at a site: the table it is read from and its columns."""

    feed: Feed
    name: str

    @cached_property
    def _columns(self) -> Mapping[str, Column]:
        return _columns(self.feed.source.extra.get("columns", {}))

    @cached_property
    def _preferred(self) -> Mapping[str, Column]:
        return _columns(self.feed.source.extra.get("prefer", {}))

    def column(self, field: str) -> Column:
        """Where the field is. Raises `Refused` when a closed table has no such column."""
        extra = self.feed.source.extra
        if field in self.feed.lacks:
            return ABSENT
        stored = self.feed.fields.get(field, field)
        assert isinstance(stored, str), "a Sentinel field is stored in one place"
        if stored in self._columns:
            column = self._columns[stored]
            return self._or_item(field, column) if self._may_override(field) else column
        if stored in extra.get("computed", {}):
            return Column(extra["computed"][stored]["kql"])
        if stored in extra.get("many", {}):
            column, element = extra["many"][stored]
            return Column(_every(column, element), many=True)
        position = self._positions.get(stored)
        if position is not None:
            return Column(_positioned(extra["positions"], position))
        if "items" not in extra:
            raise Refused(f"table {self.name} of target sentinel has no column for {field}")
        if stored in self._preferred and field in self.feed.fields:
            return self._preferred[stored]
        item = self._item(stored)
        if stored in self._preferred:
            # Kusto's coalesce passes over empty strings.
            return Column(f"coalesce({self._preferred[stored].string}, {item})")
        return Column(item)

    def guard(self) -> str:
        """The conditions that hold for every row of the feed; empty when there are none."""
        return joined([self._guard(key, value) for key, value in self.feed.when.items()], "and")

    def everything(self) -> str | None:
        """All values of a row, each in `SEPARATOR`s; None when they cannot be listed."""
        extra = self.feed.source.extra
        if "keywords" not in extra:
            return None
        texts = [_columns(extra["columns"])[c].string for c in extra["keywords"]]
        items = extra.get("items")
        if items is not None and items["form"] == "xml":
            texts.append(f'hf_text(replace_regex({items["column"]}, @"(<[^>]*>)+", {_SEP}))')
        return f"strcat({_SEP}, strcat_delim({', '.join([_SEP, *texts])}), {_SEP})"

    @property
    def host(self) -> str:
        """The column that names the computer."""
        return str(self.feed.source.extra.get("host", "Computer"))

    def _may_override(self, field: str) -> bool:
        """An item named like a part of the System block wins over it; events of categories
        have no such items."""
        overrides = self.feed.source.extra.get("overrides", [])
        return field in overrides and self.feed.logsource.category is None

    def _or_item(self, field: str, column: Column) -> Column:
        return Column(f"coalesce({self._item(field)}, {column.string})")

    def _item(self, field: str) -> str:
        items = self.feed.source.extra["items"]
        logsource = self.feed.logsource
        named = logsource.category is not None or logsource.service in items.get("named", ())
        return _item(items, field, elements=not named)

    @cached_property
    def _positions(self) -> Mapping[str, int]:
        said = self.feed.source.extra.get("positions", {})
        applies = said and said["of"] in self.feed.when.values()
        return said["fields"] if applies else {}

    def _guard(self, key: str, value: Any) -> str:
        values = value if isinstance(value, list) else [value]
        column = self._columns.get(key)
        if column is None:
            item = self._item(key)
            listed = ", ".join(literal(str(v)) for v in values)
            return f"{item} in~ ({listed})"
        listed = ", ".join(str(v) if column.kind == "int" else literal(str(v)) for v in values)
        if len(values) == 1:
            return f"{column.text} == {listed}"
        return f"{column.text} in ({listed})"


_SEP = literal(SEPARATOR)


def _columns(said: Mapping[str, Sequence[str]]) -> Mapping[str, Column]:
    return {
        column: Column(name(column), "int" if kind == "int" else "string", plain=True)
        for kind, columns in said.items()
        for column in columns
    }


def _item(items: Mapping[str, Any], field: str, *, elements: bool) -> str:
    column = items["column"]
    if items["form"] == "bag":
        if field.endswith("\\") or '\\"' in field:
            raise Refused(f"a backslash in the field name {field!r} cannot be proven in a dynamic")
        return f"tostring({column}[{literal(field)}])"
    if items["form"] == "ecp":
        return _ecp(column, field)
    written = regex_escape(escape(field, {'"': "&quot;", "'": "&apos;"}))
    tag = f"Data Name=.{written}."
    if elements and re.fullmatch(r"[A-Za-z_][\w.-]*", field, re.ASCII):
        tag = f"(?:{tag}|{written})"  # UserData names an item by its element
    return f"hf_text(extract({literal(f'<{tag}>([^<]*)<')}, 1, {column}))"


def _every(column: str, element: str) -> str:
    """All ``<element>`` texts without a name: any other tag goes together with its text."""
    tags = literal(f"(<{element}>|<[^>]*>[^<]*)+")
    return f"hf_text(replace_regex({column}, {tags}, {_SEP}))"


def _positioned(said: Mapping[str, Any], number: int) -> str:
    element = said["element"]
    before = f"^(?:<{element} ?/>|<{element}>[^<]*</{element}>){{{number}}}<{element}>([^<]*)<"
    return f"hf_text(extract({literal(before)}, 1, {said['column']}))"


def _ecp(column: str, key: str) -> str:
    """The value of ``S:KEY``. A value may be quoted, ``'S:KEY=…'`` with ``'`` doubled, and may
    then hold what looks like other keys: items are skipped one by one from the start."""
    skip = "^(?:(?:'(?:[^']|'')*'|[^';][^;]*)?;)*?"
    wanted = regex_escape(key)
    bare = literal(f"{skip}S:{wanted}=([^;]*)")
    quoted = literal(f"{skip}'S:{wanted}=((?:[^']|'')*)'")
    return (
        f"coalesce(extract({bare}, 1, {column}), "
        f'replace_string(extract({quoted}, 1, {column}), "\'\'", "\'"))'
    )

"""Commands that choose rows or fields: regex, fields, table, sort, head, dedup."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from hafnium.backends.splunk.spl import values
from hafnium.backends.splunk.spl.aggregates import grouping
from hafnium.backends.splunk.spl.expression import field_name, literal
from hafnium.backends.splunk.spl.grammar import Node
from hafnium.backends.splunk.spl.pcre import regex
from hafnium.backends.splunk.spl.rows import Row, Rows, Step
from hafnium.backends.splunk.spl.statistics import whole
from hafnium.errors import EngineError

_SORT_LIMIT = 10_000


def regex_filter(node: Node) -> Step:
    """``regex f="…"``; for ``!=`` of an absent field the documentation has no word."""
    *compared, pattern = node.children
    name = field_name(compared[0].text) if compared else "_raw"
    operator = compared[1].text if compared else "="
    if operator not in ("=", "!="):
        raise EngineError(f"regex knows = and !=, not {operator}")
    search = regex(literal(pattern.text, regular=True)).search

    def keeps(row: Row) -> bool:
        value = row.fields.get(name)
        if value is None and operator == "=":
            return False
        if value is None or isinstance(value, list):
            raise EngineError(f"regex on {values.kind(value)} ({name}): not documented")
        return (search(values.text(value)) is not None) == (operator == "=")

    return lambda rows: [row for row in rows if keeps(row)]


def _chosen(patterns: list[str]) -> Callable[[str], bool]:
    """Whether a field's name is one of the patterns, ``*`` standing for any text."""
    wild = ("(?:" + ".*".join(map(re.escape, p.split("*"))) + ")" for p in patterns)
    matches = re.compile("|".join(wild) or "(?!)", re.DOTALL).fullmatch
    return lambda name: matches(name) is not None


def fields(node: Node) -> Step:
    """Keep or remove fields; internal ones (``_…``) go only when named with their underscore."""
    names = list(node.children)
    removing = names[0].kind == "SIGN" and names.pop(0).text == "-"
    patterns = [field_name(name.text) for name in names if name.kind != "SIGN"]
    plain = _chosen([p for p in patterns if not p.startswith("_")])
    internal = _chosen([p for p in patterns if p.startswith("_")])

    def keep(name: str) -> bool:
        if name.startswith("_"):
            return not (removing and internal(name))
        return plain(name) != removing

    return lambda rows: [Row({k: v for k, v in f.items() if keep(k)}, e) for f, e in rows]


def table(node: Node) -> Step:
    """Keep the named fields only."""
    chosen = _chosen([field_name(name.text) for name in node.children])
    return lambda rows: [Row({k: v for k, v in f.items() if chosen(k)}, e) for f, e in rows]


def sort(node: Node) -> Step:
    """Sort by one or more fields; without ``0`` only the first 10,000 results stay."""
    limit = _SORT_LIMIT
    keys: list[tuple[str, bool, str]] = []
    for at, key in enumerate(node.children):
        parts = [part.text for part in key.children]
        if at == 0 and len(parts) == 1 and parts[0].isdigit():
            limit = whole(parts[0])
        else:
            keys.append(_sort_key(parts))
    if not keys:
        raise EngineError("sort needs a field")

    def step(rows: Rows) -> Rows:
        for name, descending, how in reversed(keys):
            ranks = _ranks([row.fields.get(name) for row in rows], name, how)
            order = sorted(range(len(rows)), key=ranks.__getitem__, reverse=descending)
            rows = [rows[index] for index in order]
        return rows[:limit] if limit else rows

    return step


def _sort_key(parts: list[str]) -> tuple[str, bool, str]:
    descending = False
    if parts[0] in ("+", "-"):
        descending = parts.pop(0) == "-"
    elif parts[0][0] in "+-":
        descending = parts[0][0] == "-"
        parts[0] = parts[0][1:]
    how = "auto"
    if len(parts) == 2:
        how = parts.pop(0)
        if how not in ("auto", "num", "str"):
            raise EngineError(f"sort by {how}() is not supported")
    return field_name(parts[0]), descending, how


def _ranks(found: list[Any], name: str, how: str) -> list[Any]:
    if any(value is None or isinstance(value, list) for value in found):
        raise EngineError(f"sort by {name}, which is null or a multivalue: not documented")
    numbers = [values.number(value) for value in found]
    if how != "str" and None not in numbers:
        return numbers
    if how == "num":
        raise EngineError(f"sort num({name}) of a text: not documented")
    return [values.text(value) for value in found]


def head(node: Node) -> Step:
    """The first results."""
    (said,) = node.children
    if said.children:
        name, _, said = said.children
        if name.text != "limit":
            raise EngineError(f"head {name.text}= is not supported")
    limit = whole(said.text)
    return lambda rows: rows[:limit]


def dedup(node: Node) -> Step:
    """The first results with each combination of values; those that lack a field go."""
    named = list(node.children)
    most = whole(named.pop(0).text) if named[0].text.isdigit() else 1
    if not named or most == 0:
        raise EngineError("dedup needs a field, and a number above 0")
    key = grouping(named)

    def step(rows: Rows) -> Rows:
        seen: Counter[tuple[str, ...]] = Counter()
        out = []
        for row in rows:
            group = key(row.fields)
            if group is not None and seen[group] < most:
                seen[group] += 1
                out.append(row)
        return out

    return step

"""Commands that choose rows or fields: regex, fields, table, sort, head, dedup."""

from __future__ import annotations

import fnmatch
import re
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hafnium.backends.splunk.spl import values
from hafnium.backends.splunk.spl.aggregates import grouping
from hafnium.backends.splunk.spl.expression import field_name, literal
from hafnium.backends.splunk.spl.pcre import regex
from hafnium.backends.splunk.spl.rows import Row, Rows, Step
from hafnium.backends.splunk.spl.statistics import whole
from hafnium.errors import EngineError

if TYPE_CHECKING:
    from lark import Tree

_SORT_LIMIT = 10_000


def regex_filter(tree: Tree[str]) -> Step:
    """``regex f="…"``; for ``!=`` of an absent field the documentation has no word."""
    *compared, pattern_token = tree.children
    name = field_name(str(compared[0])) if compared else "_raw"
    operator = str(compared[1]) if compared else "="
    if operator not in ("=", "!="):
        raise EngineError(f"regex knows = and !=, not {operator}")
    search = regex(literal(str(pattern_token), regular=True)).search

    def keeps(row: Row) -> bool:
        value = row.fields.get(name)
        if value is None and operator == "=":
            return False
        if value is None or isinstance(value, list):
            raise EngineError(f"regex on {values.kind(value)} ({name}): not documented")
        return (search(values.text(value)) is not None) == (operator == "=")

    return lambda rows: [row for row in rows if keeps(row)]


def _chosen(patterns: list[str]) -> Callable[[str], bool]:
    matchers = [re.compile(fnmatch.translate(p.replace("[", "[[]"))).match for p in patterns]
    return lambda name: any(match(name) for match in matchers)


def fields(tree: Tree[str]) -> Step:
    """Keep or remove fields; internal ones (``_…``) go only when named with their underscore."""
    names = list(tree.children)
    removing = False
    if names and getattr(names[0], "type", "") == "SIGN":
        removing = str(names.pop(0)) == "-"
    patterns = [field_name(str(name)) for name in names]
    plain = _chosen([p for p in patterns if not p.startswith("_")])
    internal = _chosen([p for p in patterns if p.startswith("_")])

    def keep(name: str) -> bool:
        if name.startswith("_"):
            return not (removing and internal(name))
        return plain(name) != removing

    return lambda rows: [Row({k: v for k, v in f.items() if keep(k)}, e) for f, e in rows]


def table(tree: Tree[str]) -> Step:
    """Keep the named fields only."""
    chosen = _chosen([field_name(str(name)) for name in tree.children])
    return lambda rows: [Row({k: v for k, v in f.items() if chosen(k)}, e) for f, e in rows]


def sort(tree: Tree[str]) -> Step:
    """Sort by one or more fields; without ``0`` only the first 10,000 results stay."""
    limit = _SORT_LIMIT
    keys: list[tuple[str, bool, str]] = []
    for at, key in enumerate(tree.children):
        parts = [str(part) for part in key.children]  # type: ignore[union-attr]
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


def head(tree: Tree[str]) -> Step:
    """The first results."""
    (said,) = tree.children
    if hasattr(said, "data"):
        name, _, value = said.children
        if str(name) != "limit":
            raise EngineError(f"head {name}= is not supported")
        said = value  # type: ignore[assignment]
    limit = whole(str(said))
    return lambda rows: rows[:limit]


def dedup(tree: Tree[str]) -> Step:
    """The first results with each combination of values; those that lack a field go."""
    tokens = list(tree.children)
    most = whole(str(tokens.pop(0))) if str(tokens[0]).isdigit() else 1
    if not tokens or most == 0:
        raise EngineError("dedup needs a field, and a number above 0")
    key = grouping(tokens)  # type: ignore[arg-type]

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

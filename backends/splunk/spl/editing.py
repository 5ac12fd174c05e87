"""Commands that change fields: eval, rex, rename, bin, fillnull, makemv, mvexpand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hafnium.backends.splunk.spl import values
from hafnium.backends.splunk.spl.expression import compile_expression, field_name, literal
from hafnium.backends.splunk.spl.grammar import Node
from hafnium.backends.splunk.spl.pcre import regex
from hafnium.backends.splunk.spl.rows import Row, Rows, Step, span
from hafnium.backends.splunk.spl.statistics import whole
from hafnium.backends.splunk.spl.values import Value
from hafnium.errors import EngineError


def _settings(node: Node, known: dict[str, str]) -> dict[str, str]:
    """The ``name=value`` settings of a command, over its defaults."""
    said = dict(known)
    for setting in node.find("setting"):
        name, _, value = (part.text for part in setting.children)
        if name not in known:
            raise EngineError(f"option {name}= of {node.kind} is not supported")
        said[name] = literal(value) if value.startswith('"') else value
    return said


def _names(node: Node) -> list[str]:
    names = [field_name(part.text) for part in node.children if not part.children]
    if any("*" in name for name in names):
        raise EngineError(f"wildcards in the fields of {node.kind} are not supported")
    return names


def _each(change: Callable[[dict[str, Value]], None]) -> Step:
    """A step that changes a copy of every row's fields."""

    def step(rows: Rows) -> Rows:
        out = []
        for row in rows:
            fields = dict(row.fields)
            change(fields)
            out.append(Row(fields, row.events))
        return out

    return step


def _set(fields: dict[str, Value], name: str, value: Value) -> None:
    if isinstance(value, bool):
        raise EngineError(f"a field cannot be a Boolean ({name})", mend="use if()")
    if value is None:
        fields.pop(name, None)
    else:
        fields[name] = value


def evaluate(node: Node) -> Step:
    """``eval``: assignments, each seeing those before it; null removes the field."""
    assignments = []
    for assignment in node.children:
        target, _, expression = assignment.children
        name = field_name(target.children[0].text)
        assignments.append((name, compile_expression(expression)))

    def change(fields: dict[str, Value]) -> None:
        for name, compute in assignments:
            _set(fields, name, compute(fields))

    return _each(change)


def rex(node: Node) -> Step:
    """Named groups become fields; ``max_match=0`` takes all matches, as multivalues."""
    said = _settings(node, {"field": "_raw", "max_match": "1"})
    tokens = [part.text for part in node.children if not part.children]
    pattern = regex(literal(tokens[0], regular=True))
    source, most = said["field"], whole(said["max_match"])
    if not pattern.groupindex:
        raise EngineError("rex needs a named group")

    def change(fields: dict[str, Value]) -> None:
        value = fields.get(source)
        if value is None:
            return
        if isinstance(value, list):
            raise EngineError(f"rex on a multivalue ({source}): not documented")
        matches = list(pattern.finditer(values.text(value)))
        for name in pattern.groupindex:
            found = [m[name] for m in (matches[:most] if most else matches) if m[name] is not None]
            if found:
                fields[name] = values.pack(found)

    return _each(change)


def rename(node: Node) -> Step:
    """Fields under new names; a field that is absent takes the new name's value with it."""
    pairs = []
    for renaming in node.children:
        old, _, new = (part.text for part in renaming.children)
        if "*" in old + new:
            raise EngineError("wildcards in rename are not supported")
        pairs.append((field_name(old), field_name(new)))

    def change(fields: dict[str, Value]) -> None:
        for old, new in pairs:
            _set(fields, new, fields.pop(old, None))

    return _each(change)


def bin_times(node: Node) -> Step:
    """``bin _time span=5m``: the start of the span, spans counted from the epoch in UTC."""
    seconds = span(_settings(node, {"span": ""})["span"])
    tokens = [part for part in node.children if not part.children]
    renamed = len(tokens) == 3 and tokens[1].kind == "AS"
    if not renamed and len(tokens) != 1:
        raise EngineError("bin needs one field")
    name, target = field_name(tokens[0].text), field_name(tokens[-1].text)

    def change(fields: dict[str, Value]) -> None:
        known = values.number(fields.get(name))
        if known is not None:
            fields[target] = known - known % seconds

    return _each(change)


def fillnull(node: Node) -> Step:
    """Absent fields get a value, ``0`` unless said."""
    value = _settings(node, {"value": "0"})["value"]
    names = _names(node)

    def change(fields: dict[str, Value]) -> None:
        for name in names:
            fields.setdefault(name, value)

    return _each(change)


def makemv(node: Node) -> Step:
    """A field split at a delimiter; empty parts are left out."""
    delimiter = _settings(node, {"delim": " "})["delim"]
    (name,) = _names(node)

    def change(fields: dict[str, Value]) -> None:
        parts = [p for one in values.texts(fields.get(name)) for p in one.split(delimiter) if p]
        _set(fields, name, values.pack(parts))

    return _each(change)


def mvexpand(node: Node) -> Step:
    """A row per value."""
    (name,) = _names(node)

    def expanded(row: Row) -> list[Row]:
        value: Any = row.fields.get(name)
        if not isinstance(value, list):
            return [row]
        return [Row(row.fields | {name: one}, row.events) for one in value]

    return lambda rows: [out for row in rows for out in expanded(row)]

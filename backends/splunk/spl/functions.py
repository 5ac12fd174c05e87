"""Calls of functions in ``where`` and ``eval``: those that see more than their values.

They branch, hold a pattern, or run an expression per value; the others are in `scalars`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from hafnium.backends.splunk.spl import values
from hafnium.backends.splunk.spl.expression import (
    among,
    compile_expression,
    fields_in,
    string_of,
)
from hafnium.backends.splunk.spl.grammar import Node
from hafnium.backends.splunk.spl.pcre import regex
from hafnium.backends.splunk.spl.scalars import MANY, PLAIN
from hafnium.backends.splunk.spl.values import Evaluate, Fields, Value, truth
from hafnium.errors import EngineError

Nodes = Sequence[Node]


def compile_call(name: str, arguments: Nodes) -> Evaluate:
    """Compile a call. Raises `EngineError` for a function that is not known."""
    if name in _SPECIAL:
        least, most, special = _SPECIAL[name]
        _count(name, arguments, least, most)
        return special(arguments)
    if name in PLAIN:
        least, most, function = PLAIN[name]
        _count(name, arguments, least, most)
        parts = [compile_expression(node) for node in arguments]
        return lambda fields: function(*(part(fields) for part in parts))
    raise EngineError(f"function {name}() is not supported")


def _count(name: str, arguments: Nodes, least: int, most: int) -> None:
    if not least <= len(arguments) <= most:
        raise EngineError(f"{name}() with {len(arguments)} arguments")


def _if(arguments: Nodes) -> Evaluate:
    condition, yes, no = (compile_expression(node) for node in arguments)
    return lambda fields: yes(fields) if truth(condition(fields)) else no(fields)


def _case(arguments: Nodes) -> Evaluate:
    if len(arguments) % 2:
        raise EngineError("case() wants pairs of a condition and a value")
    parts = [compile_expression(node) for node in arguments]
    pairs = list(zip(parts[::2], parts[1::2], strict=True))

    def evaluate(fields: Fields) -> Value:
        for condition, result in pairs:
            if truth(condition(fields)):
                return result(fields)
        return None

    return evaluate


def _coalesce(arguments: Nodes) -> Evaluate:
    parts = [compile_expression(node) for node in arguments]

    def evaluate(fields: Fields) -> Value:
        return next((v for v in (part(fields) for part in parts) if v is not None), None)

    return evaluate


def _in(arguments: Nodes) -> Evaluate:
    wanted, *listed = (compile_expression(node) for node in arguments)
    return among(wanted, listed)


def _match(arguments: Nodes) -> Evaluate:
    subject = compile_expression(arguments[0])
    search = regex(string_of(arguments[1], "the pattern of match()", regular=True)).search
    return _on_text(subject, lambda value: search(value) is not None)


def _like(arguments: Nodes) -> Evaluate:
    subject = compile_expression(arguments[0])
    pattern = string_of(arguments[1], "the pattern of like()")
    if "\\" in pattern:
        raise EngineError("a backslash in the pattern of like() is not documented")
    wild = {"%": ".*", "_": "."}
    translated = "".join(wild.get(char) or re.escape(char) for char in pattern)
    matches = re.compile(translated, re.DOTALL).fullmatch
    return _on_text(subject, lambda value: matches(value) is not None)


def _cidrmatch(arguments: Nodes) -> Evaluate:
    from hafnium.backends.splunk.spl.search import inside, network

    notation = string_of(arguments[0], "the subnet of cidrmatch()")
    subnet = network(notation)
    if subnet is None:
        raise EngineError(f"{notation!r} is not a subnet in CIDR notation")
    return _on_text(compile_expression(arguments[1]), lambda value: inside(subnet, value))


def _replace(arguments: Nodes) -> Evaluate:
    subject = compile_expression(arguments[0])
    pattern = regex(string_of(arguments[1], "the pattern of replace()", regular=True))
    template = string_of(arguments[2], "the replacement of replace()", regular=True)
    if re.search(r"\\(?!\d)", template):
        raise EngineError(f"backslash in the replacement {template!r} is not documented")
    template = re.sub(r"\\(\d)", r"\\g<\1>", template)
    return _on_text(subject, lambda value: pattern.sub(template, value))


def _on_text(subject: Evaluate, function: Callable[[str], Value]) -> Evaluate:
    def evaluate(fields: Fields) -> Value:
        value = subject(fields)
        return None if value is None else function(values.text(value))

    return evaluate


def _searchmatch(arguments: Nodes) -> Evaluate:
    from hafnium.backends.splunk.spl.grammar import parse
    from hafnium.backends.splunk.spl.search import compile_search
    from hafnium.backends.splunk.spl.text import Command

    condition = string_of(arguments[0], "the search of searchmatch()")
    return compile_search(parse(Command("search", condition, 0))).test


def _only_field(function: str, node: Node) -> str:
    names = fields_in(node)
    if len(names) != 1:
        raise EngineError(f"{function}() must read exactly one field, not {sorted(names)}")
    return names.pop()


def _mvfilter(arguments: Nodes) -> Evaluate:
    name = _only_field("mvfilter", arguments[0])
    keep = compile_expression(arguments[0])
    return lambda fields: values.pack(
        [value for value in values.texts(fields.get(name)) if truth(keep({name: value}))]
    )


def _mvmap(arguments: Nodes) -> Evaluate:
    if arguments[0].kind != "field":
        raise EngineError("the first argument of mvmap() must be a field")
    (name,) = fields_in(arguments[0])
    change = compile_expression(arguments[1])

    def evaluate(fields: Fields) -> Value:
        changed = (change({**fields, name: value}) for value in values.texts(fields.get(name)))
        return values.pack([one for value in changed for one in values.texts(value)])

    return evaluate


def _mvfind(arguments: Nodes) -> Evaluate:
    subject = compile_expression(arguments[0])
    search = regex(string_of(arguments[1], "the pattern of mvfind()", regular=True)).search
    return lambda fields: next(
        (at for at, value in enumerate(values.texts(subject(fields))) if search(value)), None
    )


_SPECIAL: dict[str, tuple[int, int, Callable[[Nodes], Evaluate]]] = {
    "if": (3, 3, _if),
    "case": (2, MANY, _case),
    "coalesce": (1, MANY, _coalesce),
    "in": (2, MANY, _in),
    "match": (2, 2, _match),
    "like": (2, 2, _like),
    "cidrmatch": (2, 2, _cidrmatch),
    "replace": (3, 3, _replace),
    "searchmatch": (1, 1, _searchmatch),
    "mvfilter": (1, 1, _mvfilter),
    "mvmap": (2, 2, _mvmap),
    "mvfind": (2, 2, _mvfind),
}

"""The functions of ``where`` and ``eval`` that the evaluator knows.

A null argument makes a text function null. A multivalue where the documentation speaks of one
value is refused: only the multivalue functions take it.
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
from hafnium.backends.splunk.spl.values import Evaluate, Fields, Value, truth
from hafnium.errors import EngineError

Nodes = Sequence[Node]


def compile_call(name: str, arguments: Nodes) -> Evaluate:
    """Compile a call. Raises `EngineError` for a function that is not known."""
    if name in _SPECIAL:
        least, most, special = _SPECIAL[name]
        _count(name, arguments, least, most)
        return special(arguments)
    if name in _PLAIN:
        least, most, function = _PLAIN[name]
        _count(name, arguments, least, most)
        parts = [compile_expression(node) for node in arguments]
        return lambda fields: function(*(part(fields) for part in parts))
    raise EngineError(f"function {name}() is not supported")


def _count(name: str, arguments: Nodes, least: int, most: int) -> None:
    if not least <= len(arguments) <= most:
        raise EngineError(f"{name}() with {len(arguments)} arguments")


# Functions that see their arguments' nodes ---------------------------------------------------


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


# Functions of values -------------------------------------------------------------------------


def _textual(function: Callable[[str], Value]) -> Callable[[Value], Value]:
    return lambda value: None if value is None else function(values.text(value))


def _trim(strip: Callable[[str, str], str]) -> Callable[..., Value]:
    def trim(value: Value, chars: Value = " \t") -> Value:
        return None if value is None else strip(values.text(value), values.text(chars))

    return trim


def _substr(value: Value, start: Value, length: Value = None) -> Value:
    if value is None:
        return None
    whole = values.text(value)
    if not isinstance(start, int) or start == 0 or not isinstance(length, int | None):
        raise EngineError("substr() wants whole numbers, counted from 1")
    begin = start - 1 if start > 0 else max(0, len(whole) + start)
    return whole[begin:] if length is None else whole[begin : begin + max(0, length)]


def _tonumber(value: Value, base: Value = 10) -> Value:
    if value is None:
        return None
    if base == 10:
        return values.number(values.text(value))
    try:
        return int(values.text(value), base)
    except ValueError:
        return None


def _tostring(value: Value) -> Value:
    if isinstance(value, bool):
        return str(value)
    return None if value is None else values.text(value)


def _isnum(value: Value) -> bool:
    return values.number(value) is not None


def _isint(value: Value) -> bool:
    known = values.number(value)
    return known is not None and float(known).is_integer()


def _isstr(value: Value) -> bool:
    if isinstance(value, list) or (isinstance(value, str) and _isnum(value)):
        raise EngineError("isstr() of a multivalue or of digits is not documented")
    return isinstance(value, str)


def _numeric(function: Callable[..., Value]) -> Callable[..., Value]:
    def apply(*arguments: Value) -> Value:
        if None in arguments:
            return None
        numbers = [values.number(argument) for argument in arguments]
        if None in numbers:
            raise EngineError(f"number wanted, not {arguments}")
        return function(*numbers)

    return apply


def _round(value: float, digits: float = 0) -> Value:
    """Halves away from zero."""
    scale = 10 ** int(digits)
    whole = int(abs(value) * scale + 0.5)
    result = whole / scale if value >= 0 else -whole / scale
    return int(result) if not digits else result


def _extreme(choose: Callable[..., Value]) -> Callable[..., Value]:
    """max() and min(): numbers in their order, before any text."""

    def rank(value: Value) -> tuple[bool, Value]:
        known = values.number(value)
        return (True, value) if known is None else (False, known)

    def extreme(*arguments: Value) -> Value:
        known = [argument for argument in arguments if argument is not None]
        if any(isinstance(argument, list | bool) for argument in known):
            raise EngineError("max() or min() of a multivalue is not supported")
        return choose(known, key=rank) if known else None

    return extreme


def _mvindex(value: Value, start: Value, end: Value = None) -> Value:
    found = values.texts(value)
    last = start if end is None else end
    if not isinstance(start, int) or not isinstance(last, int):
        raise EngineError("mvindex() wants whole numbers")
    first, last = (at + len(found) if at < 0 else at for at in (start, last))
    if not 0 <= first <= last < len(found):
        return None
    return values.pack(found[first : last + 1])


def _mvjoin(value: Value, glue: Value) -> Value:
    return None if value is None else values.text(glue).join(values.texts(value))


def _split(value: Value, separator: Value) -> Value:
    if value is None:
        return None
    glue = values.text(separator)
    if not glue:
        raise EngineError("split() by an empty text is not supported")
    return values.pack(values.text(value).split(glue))


def _mvappend(*arguments: Value) -> Value:
    return values.pack([value for argument in arguments for value in values.texts(argument)])


_MANY = 10_000
_SPECIAL: dict[str, tuple[int, int, Callable[[Nodes], Evaluate]]] = {
    "if": (3, 3, _if),
    "case": (2, _MANY, _case),
    "coalesce": (1, _MANY, _coalesce),
    "in": (2, _MANY, _in),
    "match": (2, 2, _match),
    "like": (2, 2, _like),
    "cidrmatch": (2, 2, _cidrmatch),
    "replace": (3, 3, _replace),
    "searchmatch": (1, 1, _searchmatch),
    "mvfilter": (1, 1, _mvfilter),
    "mvmap": (2, 2, _mvmap),
    "mvfind": (2, 2, _mvfind),
}
_PLAIN: dict[str, tuple[int, int, Callable[..., Value]]] = {
    "true": (0, 0, lambda: True),
    "false": (0, 0, lambda: False),
    "null": (0, 0, lambda: None),
    "isnull": (1, 1, lambda value: value is None),
    "isnotnull": (1, 1, lambda value: value is not None),
    "isnum": (1, 1, _isnum),
    "isint": (1, 1, _isint),
    "isstr": (1, 1, _isstr),
    "lower": (1, 1, _textual(str.lower)),
    "upper": (1, 1, _textual(str.upper)),
    "len": (1, 1, _textual(len)),
    "trim": (1, 2, _trim(str.strip)),
    "ltrim": (1, 2, _trim(str.lstrip)),
    "rtrim": (1, 2, _trim(str.rstrip)),
    "substr": (2, 3, _substr),
    "tonumber": (1, 2, _tonumber),
    "tostring": (1, 1, _tostring),
    "abs": (1, 1, _numeric(abs)),
    "round": (1, 2, _numeric(_round)),
    "max": (1, _MANY, _extreme(max)),
    "min": (1, _MANY, _extreme(min)),
    "mvcount": (1, 1, lambda value: None if value is None else len(values.texts(value))),
    "mvindex": (2, 3, _mvindex),
    "mvjoin": (2, 2, _mvjoin),
    "mvappend": (1, _MANY, _mvappend),
    "mvdedup": (1, 1, lambda value: values.pack(list(dict.fromkeys(values.texts(value))))),
    "split": (2, 2, _split),
}

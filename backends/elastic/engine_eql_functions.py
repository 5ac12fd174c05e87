"""EQL's functions, as Elasticsearch documents them.

``startsWith``, ``endsWith`` and ``stringContains`` of a field and a literal, and ``cidrMatch``,
are Lucene queries; every other call is a script on the field's first value. A name with ``~``
ignores case: in queries for ASCII letters, in scripts for all. What is not listed here is
refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hafnium.backends.elastic.engine_documents import Doc, address, inside, network
from hafnium.backends.elastic.engine_eql_conditions import NULL, Condition, Scope
from hafnium.backends.elastic.engine_eql_tree import (
    Node,
    field_of,
    is_literal,
    literal_of,
)
from hafnium.backends.elastic.engine_text import fold
from hafnium.errors import EngineError


@dataclass(frozen=True)
class Value:
    """What a script computes: ``kind`` is keyword, long or boolean; None is null."""

    kind: str
    get: Callable[[Doc], Any]


_TESTS: dict[str, Callable[[str, str], bool]] = {
    "startsWith": str.startswith,
    "endsWith": str.endswith,
    "stringContains": str.__contains__,
}


def _call(node: Node) -> tuple[str, bool, list[Node]]:
    token, arguments = node.children
    name = str(token)
    return name.rstrip("~"), name.endswith("~"), list(arguments.children if arguments else [])


def boolean_function(scope: Scope, node: Node) -> Condition:
    """A function call where a condition is wanted."""
    name, insensitive, arguments = _call(node)
    if name == "cidrMatch":
        return _cidr_match(scope, arguments)
    if name not in _TESTS:
        raise EngineError(f"EQL: the function {name} is unknown here, or no condition")
    if len(arguments) != 2:
        raise EngineError(f"EQL: {name} takes two arguments")
    source, part = arguments
    field, test = field_of(source), _TESTS[name]
    if field is None or not is_literal(part):
        return _scripted(scope, arguments, test, insensitive)
    wanted = literal_of(part)
    if not isinstance(wanted, str):
        raise EngineError(f"EQL: {name} compares strings, not {wanted!r}")
    if scope.is_null(field):
        return NULL
    if scope.kind(field) != "keyword":
        raise EngineError(f"EQL: {name}: [{field.name}] is no string")
    _no_wildcards(name, wanted)
    if insensitive:
        needle = fold(wanted)
        return Condition(query=lambda doc: any(test(v, needle) for v in doc.folded(field.name)))
    return Condition(query=lambda doc: any(test(str(v), wanted) for v in doc.values(field.name)))


def _no_wildcards(name: str, wanted: str) -> None:
    """Elasticsearch puts the text into a wildcard query without escaping it."""
    if name != "startsWith" and any(char in wanted for char in "*?\\"):
        raise EngineError(
            f"EQL: {name} would read *, ? and \\ in {wanted!r} as wildcards",
            mend="use like or : instead",
        )


def _scripted(
    scope: Scope, arguments: Sequence[Node], test: Callable[[str, str], bool], folded: bool
) -> Condition:
    values = [value_of(scope, argument) for argument in arguments]
    first, second = values
    if first is None or second is None:
        return NULL
    if first.kind != "keyword" or second.kind != "keyword":
        raise EngineError("EQL: startsWith, endsWith and stringContains compare strings")

    def script(doc: Doc) -> bool | None:
        left, right = first.get(doc), second.get(doc)
        if left is None or right is None:
            return None
        return test(left.lower(), right.lower()) if folded else test(left, right)

    return Condition(script=script)


def _cidr_match(scope: Scope, arguments: Sequence[Node]) -> Condition:
    field = field_of(arguments[0])
    if field is None or len(arguments) < 2:
        raise EngineError("EQL: cidrMatch takes a field and CIDR blocks")
    blocks = [network(str(literal_of(argument))) for argument in arguments[1:]]
    if scope.is_null(field):
        return NULL
    if scope.kind(field) != "ip":
        raise EngineError(
            f"EQL: cidrMatch: [{field.name}] must be [ip], found type [{scope.kind(field)}]"
        )
    name = field.name
    return Condition(
        query=lambda doc: any(
            inside(address(value), block) for value in doc.values(name) for block in blocks
        )
    )


def value_of(scope: Scope, node: Node) -> Value | None:
    """An expression as a script; None when it is the constant null."""
    if is_literal(node):
        constant = literal_of(node)
        if constant is None:
            return None
        kind = "keyword" if isinstance(constant, str) else "long"
        return Value(kind, lambda doc: constant)
    field = field_of(node)
    if field is not None:
        if scope.is_null(field):
            return None
        return Value(scope.kind(field), lambda doc: _first(doc, field.name))
    if node.data != "function_call":
        raise EngineError(f"EQL: {node.data} is not supported here")
    name, _, arguments = _call(node)
    if name not in _VALUES:
        raise EngineError(f"EQL: the function {name} is unknown here")
    kind, compute = _VALUES[name]
    values = [value_of(scope, argument) for argument in arguments]
    known = [value for value in values if value is not None]
    if len(known) != len(values):
        return None
    return Value(kind, lambda doc: _null_in_null_out(compute, [v.get(doc) for v in known]))


def _first(doc: Doc, field: str) -> Any:
    values = doc.values(field)
    if len(values) > 1:
        raise EngineError(f"EQL: a function of {field}, which holds several values, is undefined")
    return values[0] if values else None


def _null_in_null_out(compute: Callable[..., Any], arguments: list[Any]) -> Any:
    if None in arguments:
        return None
    try:
        return compute(*arguments)
    except TypeError as error:
        raise EngineError(f"EQL: wrong arguments for a function: {error}") from error


def _length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _string(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _concat(*parts: Any) -> str:
    return "".join(_string(part) for part in parts)


def _number(text: str, base: int = 10) -> float | None:
    try:
        return int(text, base) if base != 10 else float(text)
    except ValueError:
        return None


def _substring(text: str, start: int, end: int | None = None) -> str:
    return text[start:end]


def _index_of(text: str, part: str, start: int = 0) -> int | None:
    found = text.find(part, start)
    return None if found < 0 else found


_VALUES: dict[str, tuple[str, Callable[..., Any]]] = {
    "concat": ("keyword", _concat),
    "indexOf": ("long", _index_of),
    "length": ("long", _length),
    "number": ("long", _number),
    "string": ("keyword", _string),
    "substring": ("keyword", _substring),
}

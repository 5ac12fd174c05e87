r"""Expressions of ``where`` and ``eval``, compiled to functions over an event's fields.

As documented: comparisons keep to case; a comparison with null is null, and so is NOT of it;
NOT binds before AND, AND before OR, OR before XOR. In string literals ``\"``, ``\\``, ``\t``,
``\n`` and ``\r`` are escapes; a regular expression keeps any other backslash.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from hafnium.backends.splunk.spl import values
from hafnium.backends.splunk.spl.grammar import Node
from hafnium.backends.splunk.spl.values import Evaluate, Fields, Value, both, either, truth
from hafnium.errors import EngineError

_ESCAPES = {'"': '"', "\\": "\\", "t": "\t", "n": "\n", "r": "\r"}


def literal(token: str, *, regular: bool = False) -> str:
    """The text of a string literal; ``regular`` leaves backslashes for the regex engine."""

    def unescape(found: re.Match[str]) -> str:
        char = found[1]
        if regular and char not in ('"', "\\"):
            return found[0]
        if char not in _ESCAPES:
            raise EngineError(f"escape \\{char} in {token} is not documented", mend="double it")
        return _ESCAPES[char]

    return re.sub(r"\\(.)", unescape, token[1:-1], flags=re.DOTALL)


def field_name(token: str) -> str:
    """The field that a bare, single-quoted or double-quoted name stands for."""
    return token[1:-1] if token[0] in "'\"" else token


def compile_expression(node: Node) -> Evaluate:
    """Compile an expression. Raises `EngineError` for an unknown function."""
    return _COMPILERS[node.kind](node)


def compile_condition(node: Node) -> Callable[[Fields], bool]:
    """Compile an expression that decides: null counts as false, as in ``where``."""
    evaluate = compile_expression(node)
    return lambda fields: truth(evaluate(fields)) is True


def _parts(node: Node) -> list[Evaluate]:
    return [compile_expression(child) for child in node.children]


def _xor(node: Node) -> Evaluate:
    parts = _parts(node)

    def evaluate(fields: Fields) -> bool | None:
        results = [truth(part(fields)) for part in parts]
        return None if None in results else sum(map(bool, results)) % 2 == 1

    return evaluate


def _either(node: Node) -> Evaluate:
    parts = _parts(node)

    def evaluate(fields: Fields) -> bool | None:
        result: bool | None = False
        for part in parts:
            result = either(result, truth(part(fields)))
            if result is True:
                return True
        return result

    return evaluate


def _both(node: Node) -> Evaluate:
    parts = _parts(node)

    def evaluate(fields: Fields) -> bool | None:
        result: bool | None = True
        for part in parts:
            result = both(result, truth(part(fields)))
            if result is False:
                return False
        return result

    return evaluate


def _inverse(node: Node) -> Evaluate:
    (part,) = _parts(node)

    def evaluate(fields: Fields) -> bool | None:
        known = truth(part(fields))
        return None if known is None else not known

    return evaluate


def _relation(node: Node) -> Evaluate:
    left_node, operator, right_node = node.children
    left, right = compile_expression(left_node), compile_expression(right_node)
    sign = operator.text
    return lambda fields: values.compare(sign, left(fields), right(fields))


def _listed(node: Node) -> Evaluate:
    wanted, *listed = _parts(node)
    return among(wanted, listed)


def among(wanted: Evaluate, listed: Sequence[Evaluate]) -> Evaluate:
    """``IN``: an OR of equalities."""

    def evaluate(fields: Fields) -> bool | None:
        value = wanted(fields)
        result: bool | None = False
        for one in listed:
            result = either(result, values.compare("=", value, one(fields)))
        return result

    return evaluate


def _arithmetic(node: Node) -> Evaluate:
    first, *rest = node.children
    start = compile_expression(first)
    steps = [(rest[at].text, compile_expression(rest[at + 1])) for at in range(0, len(rest), 2)]

    def evaluate(fields: Fields) -> Value:
        result = start(fields)
        for sign, part in steps:
            result = _calculate(sign, result, part(fields))
        return result

    return evaluate


def _calculate(sign: str, left: Value, right: Value) -> Value:
    if left is None or right is None:
        return None
    a, b = values.number(left), values.number(right)
    if a is None or b is None:
        raise EngineError(f"{left!r} {sign} {right!r}: arithmetic on text is not supported")
    if sign == "+":
        return a + b
    if sign == "-":
        return a - b
    if sign == "*":
        return a * b
    if b == 0:
        return None
    if sign == "/":
        return a / b
    if a < 0 or b < 0:
        raise EngineError("% of a negative number is not documented")
    return a % b


def _concatenation(node: Node) -> Evaluate:
    parts = _parts(node)

    def evaluate(fields: Fields) -> Value:
        found = [part(fields) for part in parts]
        return None if None in found else "".join(values.text(value) for value in found)

    return evaluate


def _text(node: Node) -> Evaluate:
    value = literal(node.children[0].text)
    return lambda fields: value


def _number(node: Node) -> Evaluate:
    value = values.number("".join(child.text for child in node.children))
    return lambda fields: value


def _field(node: Node) -> Evaluate:
    name = field_name(node.children[0].text)
    return lambda fields: fields.get(name)


def _call(node: Node) -> Evaluate:
    from hafnium.backends.splunk.spl.functions import compile_call

    name, *arguments = node.children
    return compile_call(name.text.lower(), arguments)


def _like(node: Node) -> Evaluate:
    from hafnium.backends.splunk.spl.functions import compile_call

    return compile_call("like", node.children)


def string_of(node: Node, what: str, *, regular: bool = False) -> str:
    """The text of an argument that must be a string literal."""
    if node.kind != "text":
        raise EngineError(f"{what} must be a string literal")
    return literal(node.children[0].text, regular=regular)


def fields_in(node: Node) -> set[str]:
    """The names of the fields that an expression reads."""
    return {field_name(field.children[0].text) for field in node.find("field")}


_COMPILERS: dict[str, Callable[[Node], Evaluate]] = {
    "xor": _xor,
    "either": _either,
    "both": _both,
    "inverse": _inverse,
    "relation": _relation,
    "listed": _listed,
    "like": _like,
    "arithmetic": _arithmetic,
    "concatenation": _concatenation,
    "text": _text,
    "number": _number,
    "negative": _number,
    "field": _field,
    "call": _call,
}

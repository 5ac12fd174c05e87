r"""Expressions of ``where`` and ``eval``, compiled to functions over an event's fields.

As documented: comparisons keep to case; a comparison with null is null, and so is NOT of it;
NOT binds before AND, AND before OR, OR before XOR. In string literals ``\"``, ``\\``, ``\t``,
``\n`` and ``\r`` are escapes; a regular expression keeps any other backslash.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from hafnium.backends.splunk.spl import values
from hafnium.backends.splunk.spl.values import Evaluate, Fields, Value, both, either, truth
from hafnium.errors import EngineError

if TYPE_CHECKING:
    from lark import Token, Tree

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


def compile_expression(tree: Tree[str]) -> Evaluate:
    """Compile the tree of an expression. Raises `EngineError` for an unknown function."""
    return _COMPILERS[tree.data](tree)


def compile_condition(tree: Tree[str]) -> Callable[[Fields], bool]:
    """Compile an expression that decides: null counts as false, as in ``where``."""
    evaluate = compile_expression(tree)
    return lambda fields: truth(evaluate(fields)) is True


def _parts(tree: Tree[str]) -> list[Evaluate]:
    return [compile_expression(child) for child in tree.children]  # type: ignore[arg-type]


def _xor(tree: Tree[str]) -> Evaluate:
    parts = _parts(tree)

    def evaluate(fields: Fields) -> bool | None:
        results = [truth(part(fields)) for part in parts]
        return None if None in results else sum(map(bool, results)) % 2 == 1

    return evaluate


def _either(tree: Tree[str]) -> Evaluate:
    parts = _parts(tree)

    def evaluate(fields: Fields) -> bool | None:
        result: bool | None = False
        for part in parts:
            result = either(result, truth(part(fields)))
            if result is True:
                return True
        return result

    return evaluate


def _both(tree: Tree[str]) -> Evaluate:
    parts = _parts(tree)

    def evaluate(fields: Fields) -> bool | None:
        result: bool | None = True
        for part in parts:
            result = both(result, truth(part(fields)))
            if result is False:
                return False
        return result

    return evaluate


def _inverse(tree: Tree[str]) -> Evaluate:
    (part,) = _parts(tree)

    def evaluate(fields: Fields) -> bool | None:
        known = truth(part(fields))
        return None if known is None else not known

    return evaluate


def _relation(tree: Tree[str]) -> Evaluate:
    left_tree, operator, right_tree = tree.children
    left, right = compile_expression(left_tree), compile_expression(right_tree)  # type: ignore[arg-type]
    sign = str(operator)
    return lambda fields: values.compare(sign, left(fields), right(fields))


def _listed(tree: Tree[str]) -> Evaluate:
    wanted, *listed = _parts(tree)
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


def _arithmetic(tree: Tree[str]) -> Evaluate:
    first, *rest = tree.children
    start = compile_expression(first)  # type: ignore[arg-type]
    steps = [
        (str(rest[at]), compile_expression(rest[at + 1]))  # type: ignore[arg-type]
        for at in range(0, len(rest), 2)
    ]

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


def _concatenation(tree: Tree[str]) -> Evaluate:
    parts = _parts(tree)

    def evaluate(fields: Fields) -> Value:
        found = [part(fields) for part in parts]
        return None if None in found else "".join(values.text(value) for value in found)

    return evaluate


def _text(tree: Tree[str]) -> Evaluate:
    value = literal(str(tree.children[0]))
    return lambda fields: value


def _number(tree: Tree[str]) -> Evaluate:
    value = values.number("".join(str(child) for child in tree.children))
    return lambda fields: value


def _field(tree: Tree[str]) -> Evaluate:
    name = field_name(str(tree.children[0]))
    return lambda fields: fields.get(name)


def _call(tree: Tree[str]) -> Evaluate:
    from hafnium.backends.splunk.spl.functions import compile_call

    name, *arguments = tree.children
    return compile_call(str(name).lower(), arguments)  # type: ignore[arg-type]


def _like(tree: Tree[str]) -> Evaluate:
    from hafnium.backends.splunk.spl.functions import compile_call

    return compile_call("like", tree.children)  # type: ignore[arg-type]


def string_of(tree: Tree[str], what: str, *, regular: bool = False) -> str:
    """The text of an argument that must be a string literal."""
    if tree.data != "text":
        raise EngineError(f"{what} must be a string literal")
    token: Token = tree.children[0]  # type: ignore[assignment]
    return literal(str(token), regular=regular)


def fields_in(tree: Tree[str]) -> set[str]:
    """The names of the fields that an expression reads."""
    return {field_name(str(node.children[0])) for node in tree.find_data("field")}


_COMPILERS: dict[str, Callable[[Tree[str]], Evaluate]] = {
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

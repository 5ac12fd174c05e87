"""Sigma's portable regular expressions in RE2's spelling, with the matcher's meaning.

The parsed pattern is written anew, so that what RE2 and Python spell or read differently
(``\\Z``, ``\\d`` beyond ASCII, ``$`` before a last newline, ``{,n}``) cannot slip through.
"""

from __future__ import annotations

import re
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from sigma.types import SigmaRegularExpression, SigmaRegularExpressionFlag

from hafnium import regex
from hafnium.errors import Refused

from .compiler_text import SEPARATOR, regex_escape

_MOST_REPEATS = 1000
_CLASSES = {
    sre.CATEGORY_DIGIT: "0-9",
    sre.CATEGORY_WORD: "0-9A-Za-z_",
    sre.CATEGORY_SPACE: r" \t\n\r\f\v",
}
_NEGATED = {
    sre.CATEGORY_NOT_DIGIT: r"\x{0}-/:-\x{10ffff}",
    sre.CATEGORY_NOT_WORD: r"\x{0}-/:-@\[-\^`{-\x{10ffff}",
    sre.CATEGORY_NOT_SPACE: r"\x{0}-\x{8}\x{e}-\x{1f}!-\x{10ffff}",
}
_PLACES = {
    sre.AT_BEGINNING: "^",
    sre.AT_BEGINNING_STRING: r"\A",
    sre.AT_END: "$",
    sre.AT_END_STRING: r"\z",
    sre.AT_BOUNDARY: r"\b",
    sre.AT_NON_BOUNDARY: r"\B",
}


def translate(expression: SigmaRegularExpression) -> str:
    """The expression with its flags in front. Raises `Refused` outside the portable subset."""
    text = str(expression.regexp)
    reason = regex.refusal(text)
    if reason:
        raise Refused(f"regular expression {text!r} {reason}")
    flags = set(expression.flags)
    tree = parser.parse(text, re.ASCII)
    letters = "".join(
        letter
        for letter, flag, bit in (
            ("i", SigmaRegularExpressionFlag.IGNORECASE, re.IGNORECASE),
            ("m", SigmaRegularExpressionFlag.MULTILINE, re.MULTILINE),
            ("s", SigmaRegularExpressionFlag.DOTALL, re.DOTALL),
        )
        if flag in flags or tree.state.flags & bit
    )
    return (f"(?{letters})" if letters else "") + _sequence(tree)


def matches_empty(expression: SigmaRegularExpression) -> bool:
    """True when the expression finds something in an empty text."""
    return regex.reference(expression).search("") is not None


def _sequence(items: Any) -> str:
    return "".join(_item(op, argument) for op, argument in items)


def _item(op: Any, argument: Any) -> str:
    if op is sre.LITERAL:
        return regex_escape(chr(argument))
    if op is sre.NOT_LITERAL:
        return f"[^{_member(argument)}]"
    if op is sre.ANY:
        return "."
    if op is sre.IN:
        return _members(argument)
    if op is sre.BRANCH:
        return "(?:" + "|".join(_sequence(branch) for branch in argument[1]) + ")"
    if op is sre.SUBPATTERN:
        return _group(argument)
    if op in (sre.MAX_REPEAT, sre.MIN_REPEAT):
        return _repeat(argument, lazy=op is sre.MIN_REPEAT)
    if op is sre.AT:
        return _PLACES[argument]
    raise Refused(f"a regular expression uses {op!s}, which RE2 does not have")


def _group(argument: Any) -> str:
    _, add, remove, inner = argument
    on, off = (
        "".join(c for c, bit in (("i", 2), ("m", 8), ("s", 16)) if said & bit)
        for said in (add, remove)
    )
    return f"(?{on}{'-' + off if off else ''}:{_sequence(inner)})"


def _repeat(argument: Any, *, lazy: bool) -> str:
    low, high, inner = argument
    unlimited = high is sre.MAXREPEAT
    if low > _MOST_REPEATS or (not unlimited and high > _MOST_REPEATS):
        raise Refused(f"a regular expression repeats more than {_MOST_REPEATS} times")
    body = _sequence(inner)
    single = len(inner) == 1 and inner[0][0] in (sre.LITERAL, sre.NOT_LITERAL, sre.ANY, sre.IN)
    if not single:
        body = f"(?:{body})"
    if unlimited and low in (0, 1):
        count = "*" if low == 0 else "+"
    elif (low, high) == (0, 1):
        count = "?"
    else:
        count = f"{{{low},}}" if unlimited else f"{{{low},{high}}}"
    return body + count + ("?" if lazy else "")


def _members(items: Any) -> str:
    out = []
    for op, argument in items:
        if op is sre.NEGATE:
            out.append("^")
        elif op is sre.LITERAL:
            out.append(_member(argument))
        elif op is sre.RANGE:
            out.append(f"{_member(argument[0])}-{_member(argument[1])}")
        else:
            out.append(_CLASSES.get(argument) or _NEGATED[argument])
    return "[" + "".join(out) + "]"


def _member(code: int) -> str:
    char = chr(code)
    if char.isascii() and not char.isalnum():
        return f"\\x{code:02x}" if code < 32 or char in '"-' or code == 127 else "\\" + char
    return char


def within(expression: SigmaRegularExpression) -> str:
    """The expression for a text of several values: it must not reach from one into the next.

    Raises `Refused` where that cannot be said by rewriting the pattern.
    """
    raise Refused(
        "a regular expression on a field with several values",
        mend=f"use contains, startswith or endswith (values are joined by {SEPARATOR})",
    )

"""Sigma's portable regular expressions in RE2's spelling, with the matcher's meaning.

The parsed pattern is written anew, so that what RE2 and Python spell or read differently
(``\\Z``, ``\\d`` beyond ASCII, ``$`` before a last newline, ``{,n}``) cannot slip through.
"""

from __future__ import annotations

import re
from typing import Any

from sigma.types import SigmaRegularExpression, SigmaRegularExpressionFlag

from hafnium import regex
from hafnium.errors import Refused
from hafnium.regex import parser, sre

from .compiler_text import SEPARATOR, regex_escape

_MOST_REPEATS = 1000
_APART = f"\\x{{{ord(SEPARATOR):x}}}"
_BEFORE, _AFTER = f"\\x{{{ord(SEPARATOR) - 1:x}}}", f"\\x{{{ord(SEPARATOR) + 1:x}}}"
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
_STARTS = (sre.AT_BEGINNING, sre.AT_BEGINNING_STRING)
_ENDS = (sre.AT_END, sre.AT_END_STRING)
_FLAGS = (
    ("i", SigmaRegularExpressionFlag.IGNORECASE, re.IGNORECASE),
    ("m", SigmaRegularExpressionFlag.MULTILINE, re.MULTILINE),
    ("s", SigmaRegularExpressionFlag.DOTALL, re.DOTALL),
)


def translate(expression: SigmaRegularExpression, *, many: bool = False) -> str:
    """The expression with its flags in front, for one value or, with ``many``, for a text of
    several values in separators, of which it must find one. Raises `Refused` outside the
    portable subset, and for what cannot be kept inside one of many values."""
    text = str(expression.regexp)
    reason = regex.refusal(text)
    if reason:
        raise Refused(f"regular expression {text!r} {reason}")
    tree = parser.parse(text, re.ASCII)
    letters = "".join(
        letter for letter, flag, bit in _FLAGS if flag in expression.flags or tree.state.flags & bit
    )
    if many and "m" in letters:
        raise Refused("a regular expression with the flag m on a field with several values")
    prefix = f"(?{letters})" if letters else ""
    return prefix + _Writer(many=many, dot_all="s" in letters).whole(tree)


def matches_empty(expression: SigmaRegularExpression) -> bool:
    """True when the expression finds something in an empty text."""
    return regex.reference(expression).search("") is not None


class _Writer:
    """Writes a parsed pattern. With ``many`` no part of it matches a separator, and its outer
    ``^`` and ``$`` are the separators around a value."""

    def __init__(self, *, many: bool, dot_all: bool) -> None:
        self._many = many
        self._any = "." if not many else f"[^{_APART}]" if dot_all else rf"[^\n{_APART}]"

    def whole(self, tree: Any) -> str:
        """The pattern with its outer anchors."""
        items = list(tree)
        if not self._many:
            return self._sequence(items)
        start = bool(items) and items[0][0] is sre.AT and items[0][1] in _STARTS
        items = items[1:] if start else items
        end = bool(items) and items[-1][0] is sre.AT and items[-1][1] in _ENDS
        items = items[:-1] if end else items
        return (_APART if start else "") + self._sequence(items) + (_APART if end else "")

    def _sequence(self, items: Any) -> str:
        return "".join(self._item(op, argument) for op, argument in items)

    def _item(self, op: Any, argument: Any) -> str:
        if op is sre.LITERAL:
            return regex_escape(chr(argument))
        if op is sre.NOT_LITERAL:
            return f"[^{_member(argument)}{_APART if self._many else ''}]"
        if op is sre.ANY:
            return self._any
        if op is sre.IN:
            return self._members(argument)
        if op is sre.BRANCH:
            return "(?:" + "|".join(self._sequence(branch) for branch in argument[1]) + ")"
        if op is sre.SUBPATTERN:
            return self._group(argument)
        if op in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            return self._repeat(argument, lazy=op is sre.MIN_REPEAT)
        if op is sre.AT:
            return self._place(argument)
        raise Refused(f"a regular expression uses {op!s}, which RE2 does not have")

    def _place(self, where: Any) -> str:
        if self._many and where in (*_STARTS, *_ENDS):
            raise Refused(
                "a regular expression with ^ or $ inside, on a field with several values",
                mend="put the anchors at the ends of the whole expression",
            )
        return _PLACES[where]

    def _group(self, argument: Any) -> str:
        _, add, remove, inner = argument
        on, off = (
            "".join(letter for letter, _, bit in _FLAGS if said & bit) for said in (add, remove)
        )
        if self._many and set(on + off) - {"i"}:
            raise Refused("a regular expression that changes flags, on a field with several values")
        return f"(?{on}{'-' + off if off else ''}:{self._sequence(inner)})"

    def _repeat(self, argument: Any, *, lazy: bool) -> str:
        low, high, inner = argument
        unlimited = high is sre.MAXREPEAT
        if low > _MOST_REPEATS or (not unlimited and high > _MOST_REPEATS):
            raise Refused(f"a regular expression repeats more than {_MOST_REPEATS} times")
        body = self._sequence(inner)
        if len(inner) != 1 or inner[0][0] not in (sre.LITERAL, sre.NOT_LITERAL, sre.ANY, sre.IN):
            body = f"(?:{body})"
        if unlimited and low in (0, 1):
            count = "*" if low == 0 else "+"
        elif (low, high) == (0, 1):
            count = "?"
        else:
            count = f"{{{low},}}" if unlimited else f"{{{low},{high}}}"
        return body + count + ("?" if lazy else "")

    def _members(self, items: Any) -> str:
        out = []
        negated = False
        for op, argument in items:
            if op is sre.NEGATE:
                negated = True
            elif op is sre.LITERAL:
                out.append(_member(argument))
            elif op is sre.RANGE:
                out.append(self._range(*argument))
            else:
                out.append(_CLASSES.get(argument) or self._not_class(argument, negated))
        if negated and self._many:
            out.append(_APART)
        return f"[{'^' if negated else ''}{''.join(out)}]"

    def _range(self, low: int, high: int) -> str:
        if self._many and low <= ord(SEPARATOR) <= high:
            return f"{_member(low)}-{_BEFORE}{_AFTER}-{_member(high)}"
        return f"{_member(low)}-{_member(high)}"

    def _not_class(self, category: Any, negated: bool) -> str:
        text = _NEGATED[category]
        if self._many and not negated:
            return text.replace(r"-\x{10ffff}", rf"-{_BEFORE}{_AFTER}-\x{{10ffff}}")
        return text


def _member(code: int) -> str:
    char = chr(code)
    if char.isascii() and not char.isalnum():
        return f"\\x{code:02x}" if code < 32 or char in '"-' or code == 127 else "\\" + char
    return char

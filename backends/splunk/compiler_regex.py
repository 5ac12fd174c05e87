r"""Regular expressions of rules, rewritten for PCRE so that they mean what the reference says.

The expression is written anew from its parse: classes such as ``\d`` are ASCII, ``$`` is the very
end unless ``m``, ``\v`` is a vertical tab, ``{,3}`` a repeat; PCRE reads each of these otherwise
in some version. The output needs no escape that a text literal of SPL could change.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from re import _constants as sre
from re import _parser as parser
from typing import Any

from sigma.types import SigmaRegularExpression, SigmaRegularExpressionFlag

from hafnium import regex
from hafnium.backends.splunk.compiler_text import escape_char
from hafnium.errors import Refused

_LETTERS = {
    SigmaRegularExpressionFlag.IGNORECASE: "i",
    SigmaRegularExpressionFlag.MULTILINE: "m",
    SigmaRegularExpressionFlag.DOTALL: "s",
}
_BITS = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL}
_CLASSES = {
    sre.CATEGORY_DIGIT: "0-9",
    sre.CATEGORY_SPACE: r"\t\n\x0b\f\r ",
    sre.CATEGORY_WORD: "0-9A-Za-z_",
}
_OUTSIDE = {
    sre.CATEGORY_NOT_DIGIT: ("[^0-9]", r"\D"),
    sre.CATEGORY_NOT_SPACE: (r"[^\t\n\x0b\f\r ]", r"\S"),
    sre.CATEGORY_NOT_WORD: ("[^0-9A-Za-z_]", r"\W"),
}
_MARKUP = frozenset(map(ord, "&<>\"'"))


def pcre(expression: SigmaRegularExpression) -> str:
    """The expression for PCRE's search. Raises `Refused` outside the portable subset."""
    source = str(expression.regexp)
    reason = regex.refusal(source)
    if reason:
        raise Refused(f"regular expression {source!r} {reason}")
    tree = parser.parse(source)
    letters = {_LETTERS[flag] for flag in expression.flags}
    letters |= {letter for letter, bit in _BITS.items() if tree.state.flags & bit}
    body = _Writer(multiline="m" in letters).sequence(tree)
    if tree.getwidth()[0] == 0:
        body = rf"(?!\A\z)(?:{body})"  # an empty value is an absent one
    prefix = "(?" + "".join(sorted(letters)) + ")" if letters else ""
    return prefix + body


def touches_markup(expression: SigmaRegularExpression) -> bool:
    """True when the expression could match one of the characters that XML writes as entities."""
    return any(
        _reaches(op, argument) for op, argument in _walk(parser.parse(str(expression.regexp)))
    )


def _walk(node: Any) -> Any:
    if isinstance(node, parser.SubPattern):
        for op, argument in node:
            yield op, argument
            yield from _walk(argument)
    elif isinstance(node, list | tuple):
        for part in node:
            yield from _walk(part)


def _reaches(op: Any, argument: Any) -> bool:
    if op in (sre.ANY, sre.NOT_LITERAL):
        return True
    if op is sre.LITERAL:
        return argument in _MARKUP
    if op is not sre.IN:
        return False
    for kind, what in argument:
        if kind in (sre.NEGATE, sre.CATEGORY) and what not in _CLASSES:
            return True
        if kind is sre.LITERAL and what in _MARKUP:
            return True
        if kind is sre.RANGE and any(what[0] <= code <= what[1] for code in _MARKUP):
            return True
    return False


class _Writer:
    """Writes a parse as PCRE. ``multiline`` says whether ``^`` and ``$`` are ends of lines."""

    def __init__(self, multiline: bool) -> None:
        self.multiline = multiline
        self._writers: dict[Any, Callable[[Any], str]] = {
            sre.LITERAL: lambda code: escape_char(chr(code)),
            sre.NOT_LITERAL: lambda code: f"[^{_in_class(code)}]",
            sre.ANY: lambda _: ".",
            sre.IN: self._class,
            sre.BRANCH: self._branch,
            sre.SUBPATTERN: self._group,
            sre.MAX_REPEAT: lambda said: self._repeat(said, ""),
            sre.MIN_REPEAT: lambda said: self._repeat(said, "?"),
            sre.AT: self._at,
        }

    def sequence(self, items: Sequence[tuple[Any, Any]]) -> str:
        return "".join(self._item(op, argument) for op, argument in items)

    def _item(self, op: Any, argument: Any) -> str:
        writer = self._writers.get(op)
        if writer is None:
            raise Refused(f"a regular expression uses {op}, which SPL cannot say")
        return writer(argument)

    def _class(self, items: Sequence[tuple[Any, Any]]) -> str:
        if len(items) == 1 and items[0][1] in _OUTSIDE:
            return _OUTSIDE[items[0][1]][0]
        out = []
        negated = ""
        for op, argument in items:
            if op is sre.NEGATE:
                negated = "^"
            elif op is sre.LITERAL:
                out.append(_in_class(argument))
            elif op is sre.RANGE:
                out.append(f"{_in_class(argument[0])}-{_in_class(argument[1])}")
            else:
                out.append(_CLASSES.get(argument) or _OUTSIDE[argument][1])
        return f"[{negated}{''.join(out)}]"

    def _branch(self, argument: tuple[Any, Sequence[Any]]) -> str:
        return "(?:" + "|".join(self.sequence(branch) for branch in argument[1]) + ")"

    def _group(self, argument: tuple[Any, int, int, Any]) -> str:
        _, added, removed, inner = argument
        if (added | removed) & re.MULTILINE:
            raise Refused("a regular expression switches the flag m for a part of itself")
        on = "".join(letter for letter, bit in _BITS.items() if added & bit)
        off = "".join(letter for letter, bit in _BITS.items() if removed & bit)
        return f"(?{on}{'-' + off if off else ''}:{self.sequence(inner)})"

    def _repeat(self, said: tuple[int, int, Any], lazy: str) -> str:
        low, high, inner = said
        body = self.sequence(inner)
        if len(inner) != 1 or inner[0][0] not in (sre.LITERAL, sre.ANY, sre.IN, sre.SUBPATTERN):
            body = f"(?:{body})"
        unlimited = high is sre.MAXREPEAT
        short = {(0, True): "*", (1, True): "+", (0, False): "?"}
        if unlimited and low in (0, 1):
            return body + short[low, True] + lazy
        if (low, high) == (0, 1):
            return body + "?" + lazy
        many = f"{{{low}}}" if low == high else f"{{{low},{'' if unlimited else high}}}"
        return body + many + lazy

    def _at(self, place: Any) -> str:
        if place is sre.AT_BEGINNING:
            return "^"
        if place is sre.AT_END:
            return "$" if self.multiline else r"\z"
        return {
            sre.AT_BEGINNING_STRING: r"\A",
            sre.AT_END_STRING: r"\z",
            sre.AT_BOUNDARY: r"\b",
            sre.AT_NON_BOUNDARY: r"\B",
        }[place]


def _in_class(code: int) -> str:
    char = chr(code)
    if char.isalnum() or char in " _!\"#%&'()*+,./:;<=>?@{|}~$":
        return char
    if char.isprintable() and char.isascii() and char != "`":
        return "\\" + char
    return f"\\x{code:02x}" if code < 256 else f"\\x{{{code:x}}}"

"""The regular expressions that every target can run, and what they mean here.

Look-around, back-references, atomic groups, possessive repeats and conditionals exist in some
engines only: they are refused. What is left means the same everywhere once three things are
fixed: classes such as ``\\d`` are ASCII, ``$`` is the very end (of a line with ``m``), and ``.``
does not match a newline unless ``s``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from sigma.types import SigmaRegularExpression, SigmaRegularExpressionFlag

# The parser of Python's own regular expressions: not in the typed part of the library.
parser: Any = import_module("re._parser")
sre: Any = import_module("re._constants")

_REFUSED = {
    sre.ASSERT: "look-around",
    sre.ASSERT_NOT: "look-around",
    sre.GROUPREF: "a back-reference",
    sre.GROUPREF_EXISTS: "a conditional group",
    sre.ATOMIC_GROUP: "an atomic group",
    sre.POSSESSIVE_REPEAT: "a possessive repeat",
}
_FLAGS = {
    SigmaRegularExpressionFlag.IGNORECASE: re.IGNORECASE,
    SigmaRegularExpressionFlag.MULTILINE: re.MULTILINE,
    SigmaRegularExpressionFlag.DOTALL: re.DOTALL,
}


def refusal(pattern: str) -> str | None:
    """Why a pattern is outside the portable subset; None when it is inside."""
    try:
        tree = parser.parse(pattern)
    except re.error as error:
        return f"is not a regular expression: {error}"
    for op, _ in _walk(tree):
        if op in _REFUSED:
            return f"uses {_REFUSED[op]}, which not every target can run"
    return None


def plain_words(pattern: str) -> str | None:
    """The words of a pattern that says no more than words with ``*`` between them; else None."""
    words = _plain(parser.parse(pattern)) if refusal(pattern) is None else None
    return None if words is None else " or ".join(repr(word.strip("*")) for word in words)


def _plain(tree: Any) -> list[str] | None:
    """What the pattern may stand for, ``*`` for anything; None when it says more."""
    said = [""]
    for op, argument in tree:
        more: list[str] | None = None
        if op is sre.LITERAL:
            more = [chr(argument)]
        elif op is sre.AT and argument in (sre.AT_BEGINNING, sre.AT_END):
            more = [""]
        elif op is sre.MAX_REPEAT and argument[2][0][0] is sre.ANY:
            more = ["*"] if argument[:2] == (0, sre.MAXREPEAT) else None
        elif op is sre.SUBPATTERN:
            more = _plain(argument[3])
        elif op is sre.BRANCH:
            branches = [_plain(branch) for branch in argument[1]]
            more = [w for b in branches if b for w in b] if all(branches) else None
        if more is None:
            return None
        said = [begun + word for begun in said for word in more]
    return said


def reference(expression: SigmaRegularExpression) -> re.Pattern[str]:
    """The expression as the matcher runs it (with ``search``). The pattern must be portable."""
    flags = re.ASCII
    for flag in expression.flags:
        flags |= _FLAGS[flag]
    pattern = str(expression.regexp)
    multiline = bool(flags & re.MULTILINE or parser.parse(pattern).state.flags & re.MULTILINE)
    return re.compile(pattern if multiline else _strict_end(pattern), flags)


def _strict_end(pattern: str) -> str:
    r"""Python's ``$`` also matches before a last newline; ``\Z`` does not."""
    out, in_class, i = [], False, 0
    while i < len(pattern):
        char = pattern[i]
        if char == "\\":
            out.append(pattern[i : i + 2])
            i += 2
            continue
        if in_class:
            in_class = char != "]"
        elif char == "[":
            in_class = True
            leading = re.match(r"\[\^?\]?", pattern[i:])
            assert leading is not None
            out.append(leading.group())
            i += leading.end()
            continue
        out.append(r"\Z" if char == "$" and not in_class else char)
        i += 1
    return "".join(out)


def _walk(node: Any) -> Iterator[tuple[Any, Any]]:
    """All (operation, argument) pairs of a parsed pattern, nested ones included."""
    if isinstance(node, parser.SubPattern):
        for op, argument in node:
            yield op, argument
            yield from _walk(argument)
    elif isinstance(node, list | tuple):
        for part in node:
            yield from _walk(part)

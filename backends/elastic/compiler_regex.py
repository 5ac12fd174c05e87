r"""Sigma regular expressions in Lucene's dialect, as EQL and ES|QL run them.

Lucene matches the whole value, knows no anchors and no ``\d`` in the versions that we support,
and gives meaning to ``~ & < > @ # "``. An expression is parsed and written anew: where it is
not anchored it gets ``.*``, classes are spelled out (ASCII), and what is special is escaped.
Lazy repeats become greedy ones: a search that only says yes or no cannot tell them apart.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from re import _constants as sre
from re import _parser as parser
from typing import Any

from sigma.types import SigmaRegularExpression, SigmaRegularExpressionFlag

from hafnium.backends.elastic.compiler_patterns import Inexact, Pattern, Wild
from hafnium.regex import refusal

_SPECIAL = frozenset('.?+*|{}[]()"\\#@&<>~^$-/')
_CLASSES = {
    sre.CATEGORY_DIGIT: "0-9",
    sre.CATEGORY_WORD: "a-zA-Z0-9_",
    sre.CATEGORY_SPACE: " \t\n\r\f\v",
}
_OPPOSITE = {
    sre.CATEGORY_NOT_DIGIT: sre.CATEGORY_DIGIT,
    sre.CATEGORY_NOT_WORD: sre.CATEGORY_WORD,
    sre.CATEGORY_NOT_SPACE: sre.CATEGORY_SPACE,
}
MAX_REPEAT = 1000
"""Lucene builds an automaton: long counted repeats cost states, and it stops at 10,000."""
MAX_LENGTH = 1000
"""`index.max_regex_length`: an index takes no longer expression, but computed values do."""

WILD = {Wild.ANY: ".*", Wild.ONE: "."}


def escaped(text: str) -> str:
    """A literal text as a Lucene regular expression."""
    return "".join("\\" + c if c in _SPECIAL else c for c in text)


def from_pattern(pattern: Pattern) -> str:
    """A Sigma string as a Lucene regular expression for the whole value.

    Lucene ignores the case of ASCII letters only: the cases of others are spelled out.
    """
    out: list[str] = []
    for token in pattern.tokens:
        if isinstance(token, Wild):
            out.append(WILD[token])
        elif pattern.cased:
            out.append(escaped(token))
        else:
            out += [_spelled(char) for char in token]
    return "".join(out)


def _spelled(char: str) -> str:
    cases = char if char.isascii() else "".join(cases_of(char))
    return escaped(char) if len(cases) == 1 else f"[{cases}]"


def cases_of(char: str) -> list[str]:
    """A character in each case that is one character."""
    return [c for c in dict.fromkeys((char, char.lower(), char.upper())) if len(c) == 1]


def translate(expression: SigmaRegularExpression, *, spell_case: bool) -> tuple[str, bool]:
    """The expression for the whole value, and whether the engine must ignore case.

    With ``spell_case`` letters of either case are spelled out instead (`[aA]`), for engines
    without such a flag. Raises `Inexact` for what Lucene cannot say.
    """
    pattern = str(expression.regexp)
    why = refusal(pattern)
    if why:
        raise Inexact(f"the regular expression {why}", "use the portable subset")
    flags = 0
    if SigmaRegularExpressionFlag.IGNORECASE in expression.flags:
        flags |= re.IGNORECASE
    if SigmaRegularExpressionFlag.DOTALL in expression.flags:
        flags |= re.DOTALL
    if SigmaRegularExpressionFlag.MULTILINE in expression.flags:
        flags |= re.MULTILINE
    tree = parser.parse(pattern, flags)
    flags = tree.state.flags
    if flags & re.MULTILINE and _anchors(tree):
        raise Inexact("Lucene cannot anchor a regular expression to a line", "leave out `m`")
    ignored = bool(flags & re.IGNORECASE) and not spell_case
    if ignored:
        flags &= ~re.IGNORECASE
    return "|".join(_alternative(branch, flags) for branch in _branches(tree)), ignored


def _branches(tree: Any) -> list[Sequence[Any]]:
    """What must be written as alternatives at the top, because an anchor stands in it; what has
    none stays one expression: each copy of a long one would make the automaton larger."""
    items = list(tree)
    if not _anchors(items):
        return [items]
    for i, (op, argument) in enumerate(items):
        if op is sre.SUBPATTERN and _anchors(argument[3]):
            if argument[1] or argument[2]:
                break
            parts = _branches(argument[3])
        elif op is sre.BRANCH and any(_anchors(part) for part in argument[1]):
            plain = [part for part in argument[1] if not _anchors(part)]
            parts = [list(part) for part in argument[1] if _anchors(part)]
            parts += [[(sre.BRANCH, (None, plain))]] if plain else []
        else:
            continue
        return [
            whole for part in parts for whole in _branches([*items[:i], *part, *items[i + 1 :]])
        ]
    return [items]


def _alternative(items: Sequence[Any], flags: int) -> str:
    """One alternative for the whole value."""
    body = list(items)
    start = end = False
    while (
        body and body[0][0] is sre.AT and body[0][1] in (sre.AT_BEGINNING, sre.AT_BEGINNING_STRING)
    ):
        body, start = body[1:], True
    while body and body[-1][0] is sre.AT and body[-1][1] in (sre.AT_END, sre.AT_END_STRING):
        body, end = body[:-1], True
    text = "".join(_item(op, argument, flags) for op, argument in body)
    return ("" if start else ".*") + text + ("" if end else ".*")


def _anchors(tree: Any) -> bool:
    for op, argument in tree:
        if op is sre.AT:
            return True
        if op is sre.SUBPATTERN and _anchors(argument[3]):
            return True
        if op is sre.BRANCH and any(_anchors(part) for part in argument[1]):
            return True
        if op in (sre.MAX_REPEAT, sre.MIN_REPEAT) and _anchors(argument[2]):
            return True
    return False


def _item(op: Any, argument: Any, flags: int) -> str:
    if op is sre.LITERAL:
        cases = _cases(chr(argument), flags)
        return escaped(cases) if len(cases) == 1 else f"[{_in_class(cases)}]"
    if op is sre.NOT_LITERAL:
        return f"[^{_in_class(_cases(chr(argument), flags))}]"
    if op is sre.ANY:
        return "." if flags & re.DOTALL else "[^\n]"
    if op is sre.IN:
        return _class(argument, flags)
    if op is sre.BRANCH:
        # Lucene has no empty alternative: `()` is its empty text.
        return "(" + "|".join(_sequence(part, flags) or "()" for part in argument[1]) + ")"
    if op is sre.SUBPATTERN:
        if argument[1] & ~flags or argument[2]:
            raise Inexact("Lucene cannot change flags inside an expression", "move the flags out")
        return f"({_sequence(argument[3], flags)})"
    if op in (sre.MAX_REPEAT, sre.MIN_REPEAT):
        return _repeat(argument, flags)
    if op is sre.AT:
        raise Inexact(
            "Lucene knows anchors and word boundaries only as the ends of an expression",
            "leave out the anchor or \\b inside the expression",
        )
    raise Inexact(f"Lucene cannot run {str(op).lower()}", "use the portable subset")


def _sequence(tree: Any, flags: int) -> str:
    return "".join(_item(op, argument, flags) for op, argument in tree)


def _repeat(argument: Any, flags: int) -> str:
    low, high, tree = argument
    text = _sequence(tree, flags)
    if len(tree) != 1 or tree[0][0] in (sre.MAX_REPEAT, sre.MIN_REPEAT):
        text = f"({text})"
    if (high is not sre.MAXREPEAT and high > MAX_REPEAT) or low > MAX_REPEAT:
        raise Inexact(f"a repeat of more than {MAX_REPEAT} costs Lucene too much", "lower it")
    if high is sre.MAXREPEAT:
        return text + {0: "*", 1: "+"}.get(low, f"{{{low},}}")
    if (low, high) == (0, 1):
        return text + "?"
    return text + (f"{{{low}}}" if low == high else f"{{{low},{high}}}")


def _in_class(text: str) -> str:
    return escaped(text)


def _cases(char: str, flags: int) -> str:
    """The character in every case that the expression means: `i` is about ASCII letters."""
    if not flags & re.IGNORECASE or not char.isascii():
        return char
    return "".join(cases_of(char))


def _range(first: int, last: int, flags: int) -> str:
    """A range of a class, with its letters of the other case where case is ignored."""
    text = f"{_in_class(chr(first))}-{_in_class(chr(last))}"
    if flags & re.IGNORECASE:
        for a, z, shift in ((65, 90, 32), (97, 122, -32)):
            low, high = max(first, a), min(last, z)
            if low <= high:
                text += f"{chr(low + shift)}-{chr(high + shift)}"
    return text


def _class(argument: Any, flags: int) -> str:
    negated = bool(argument) and argument[0][0] is sre.NEGATE
    parts: list[str] = []
    for op, value in argument[1:] if negated else argument:
        if op is sre.LITERAL:
            parts.append(_in_class(_cases(chr(value), flags)))
        elif op is sre.RANGE:
            parts.append(_range(value[0], value[1], flags))
        elif op is sre.CATEGORY and value in _CLASSES:
            parts.append(_CLASSES[value])
        elif op is sre.CATEGORY and value in _OPPOSITE and len(argument) == 1 + negated:
            inside = _CLASSES[_OPPOSITE[value]]
            return f"[{inside}]" if negated else f"[^{inside}]"
        else:
            parts.append(_complement(value))
    return f"[{'^' if negated else ''}{''.join(parts)}]"


def _complement(category: Any) -> str:
    """A negated category inside a larger class, as the ranges that it leaves."""
    members = _CLASSES[_OPPOSITE[category]]
    inside = re.compile(f"[{members}]")
    ranges, start = [], 0
    for code in [c for c in range(128) if inside.match(chr(c))] + [0x110000]:
        if start < code:
            ranges.append(f"{_in_class(chr(start))}-{_in_class(chr(code - 1))}")
        start = code + 1
    return "".join(ranges)

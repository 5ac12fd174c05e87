r"""Text matching as Lucene does it: wildcards, regular expressions, case.

Lucene folds ASCII letters only (``case_insensitive`` on term, prefix, wildcard and regexp
queries). Wildcards are ``*`` and ``?``; in EQL nothing escapes them. A regular expression must
match the whole value; ``^`` and ``$`` are plain characters, ``.`` is any character, and
``@ # & < > ~ "`` are operators. ``\d`` and the like changed between versions of Lucene: they
are refused, and so is whatever else would have to be guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from hafnium.errors import EngineError

Test = Callable[[str], bool]
MAX_REGEX = 1000
"""Elasticsearch's ``index.max_regex_length``."""

_UPPER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def fold(text: str) -> str:
    """ASCII letters in lower case, everything else as it is."""
    return text.lower() if text.isascii() else text.translate(_UPPER)


def wildcard(pattern: str) -> Test:
    """A test for values that match the pattern as a whole. Escapes do not exist."""
    return glob([None if char in "*?" else char for char in pattern], pattern)


def glob(literal: list[str | None], pattern: str) -> Test:
    """``literal[i]`` is the character at place i, None where ``pattern[i]`` is ``*`` or ``?``."""
    kinds = [pattern[i] for i, char in enumerate(literal) if char is None]
    if "?" not in kinds:
        parts: list[str] = [""]
        for char in literal:
            if char is None:
                parts.append("")
            else:
                parts[-1] += char
        simple = _simple(parts)
        if simple is not None:
            return simple
    source = "".join(
        re.escape(char) if char is not None else (".*" if pattern[i] == "*" else ".")
        for i, char in enumerate(literal)
    )
    match = re.compile(source, re.DOTALL).fullmatch
    return lambda value: match(value) is not None


def _simple(parts: list[str]) -> Test | None:
    """Plain string operations for the usual shapes; ``parts`` is what stands between stars."""
    if len(parts) == 1:
        return lambda value: value == parts[0]
    first, *middle, last = parts
    inner = [part for part in middle if part]
    if not inner and not last:
        return lambda value: value.startswith(first)
    if not inner and not first:
        return lambda value: value.endswith(last)
    if len(inner) == 1 and not first and not last:
        return lambda value: inner[0] in value
    return None


def regex(pattern: str, *, insensitive: bool, indexed: bool = True) -> Test:
    """A test for values that a Lucene regular expression matches as a whole. One that is put to
    the ``indexed`` values of a field must not be long."""
    if indexed and len(pattern) > MAX_REGEX:
        raise EngineError(
            f"the regular expression has {len(pattern)} characters; Elasticsearch takes {MAX_REGEX}"
        )
    flags = re.DOTALL | (re.IGNORECASE | re.ASCII if insensitive else 0)
    try:
        match = re.compile(_Translator(pattern).run(), flags).fullmatch
    except (re.error, RecursionError, OverflowError) as error:
        raise EngineError(f"no Lucene regular expression: {pattern!r}: {error}") from error
    return lambda value: match(value) is not None


class _Translator:
    """Recursive descent over a Lucene regular expression; makes one for Python."""

    def __init__(self, pattern: str) -> None:
        self._text = pattern
        self._at = 0

    def run(self) -> str:
        out = self._union()
        if self._at < len(self._text):
            self._fail("is not closed or not opened")
        return out

    def _fail(self, why: str) -> str:
        raise EngineError(
            f"Lucene regular expression {self._text!r}: at {self._at + 1}: {why}",
            mend="escape the character with a backslash",
        )

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self) -> str:
        char = self._peek()
        if not char:
            self._fail("it ends too early")
        self._at += 1
        return char

    def _union(self) -> str:
        branches = [self._concatenation()]
        while self._peek() == "|":
            self._at += 1
            branches.append(self._concatenation())
        if len(branches) > 1 and "" in branches:
            self._fail("Lucene has no empty alternative; () is its empty text")
        return "|".join(branches)

    def _concatenation(self) -> str:
        out = []
        while self._peek() and self._peek() not in "|)":
            out.append(self._repeated())
        return "".join(out)

    def _repeated(self) -> str:
        out = self._single()
        while self._peek() and self._peek() in "?*+{":
            out = f"(?:{out}){self._quantifier()}"
        return out

    def _quantifier(self) -> str:
        char = self._take()
        if char != "{":
            return char
        end = self._text.find("}", self._at)
        bounds = self._text[self._at : end] if end >= 0 else ""
        if not re.fullmatch(r"\d+(,\d*)?", bounds):
            self._fail("a repetition is {n}, {n,} or {n,m}")
        self._at = end + 1
        return "{" + bounds + "}"

    def _single(self) -> str:
        char = self._take()
        if char == "(":
            return self._group()
        if char == "[":
            return self._class()
        if char == "\\":
            return re.escape(self._escaped())
        if char == '"':
            end = self._text.find('"', self._at)
            if end < 0:
                self._fail("the quoted text has no end")
            quoted = self._text[self._at : end]
            self._at = end + 1
            return re.escape(quoted)
        if char == ".":
            return "."
        if char == "@":
            return ".*"
        if char == "#":
            return r"(?!)"
        if char in "?*+{}]<>&~":
            self._fail(f"{char} is an operator here")
        return re.escape(char)

    def _group(self) -> str:
        inner = self._union()
        if self._peek() != ")":
            self._fail("a group is not closed")
        self._at += 1
        return f"(?:{inner})"

    def _escaped(self) -> str:
        char = self._take()
        if char.isascii() and char.isalnum():
            self._fail(f"what \\{char} means depends on the version")
        return char

    def _class(self) -> str:
        negated = self._peek() == "^"
        if negated:
            self._at += 1
        items = []
        while True:
            char = self._take()
            if char == "]":
                break
            low = self._escaped() if char == "\\" else char
            high = low
            if self._peek() == "-" and self._text[self._at + 1 : self._at + 2] not in ("]", ""):
                self._at += 1
                char = self._take()
                high = self._escaped() if char == "\\" else char
            items.append(re.escape(low) if low == high else f"{re.escape(low)}-{re.escape(high)}")
        if not items:
            self._fail("a class is empty")
        return f"[{'^' if negated else ''}{''.join(items)}]"

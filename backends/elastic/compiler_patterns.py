"""Sigma string values as patterns: literal text and wildcards, free of any query language."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from sigma.types import SigmaCasedString, SigmaString, SpecialChars


class Wild(Enum):
    """Sigma's wildcards."""

    ANY = "*"
    ONE = "?"


Token = str | Wild


class Inexact(Exception):
    """Something that cannot be said exactly; the compiler turns it into `Refused`."""

    def __init__(self, reason: str, mend: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.mend = mend


@dataclass(frozen=True)
class Pattern:
    """A string value. No two literals stand side by side, nor two ``*``."""

    tokens: tuple[Token, ...]
    cased: bool = False

    @classmethod
    def of(cls, value: SigmaString) -> Pattern:
        """The pattern of a parsed Sigma string. Raises `Inexact` for a placeholder."""
        tokens: list[Token] = []
        for part in value.s:
            if isinstance(part, str):
                tokens.append(part)
            elif part is SpecialChars.WILDCARD_MULTI:
                tokens.append(Wild.ANY)
            elif part is SpecialChars.WILDCARD_SINGLE:
                tokens.append(Wild.ONE)
            else:
                raise Inexact(
                    f"the placeholder %{getattr(part, 'name', part)}% has no value",
                    "write the values in the rule or use a filter",
                )
        return cls(_joined(tokens), isinstance(value, SigmaCasedString))

    @classmethod
    def literal_of(cls, text: str) -> Pattern:
        return cls((text,) if text else ())

    def containing(self) -> Pattern:
        """The pattern, anywhere in a value."""
        return Pattern(_joined([Wild.ANY, *self.tokens, Wild.ANY]), self.cased)

    def with_tokens(self, tokens: Sequence[Token]) -> Pattern:
        return Pattern(_joined(tokens), self.cased)

    def mapped(self, change: Callable[[str], str]) -> Pattern:
        """The pattern with each literal part changed."""
        return self.with_tokens([change(t) if isinstance(t, str) else t for t in self.tokens])

    @property
    def literal(self) -> str | None:
        """The text, when there is no wildcard in the pattern."""
        if not self.tokens:
            return ""
        first = self.tokens[0]
        return first if len(self.tokens) == 1 and isinstance(first, str) else None

    @property
    def caseless(self) -> bool:
        """True when no literal part has a letter with two cases."""
        return all(t.lower() == t.upper() for t in self.tokens if isinstance(t, str))

    @property
    def anything(self) -> bool:
        """True for `*` and its like: any value that is not empty."""
        return (
            bool(self.tokens)
            and all(isinstance(t, Wild) for t in self.tokens)
            and self.tokens.count(Wild.ONE) <= 1
            and Wild.ANY in self.tokens
        )

    @property
    def starred(self) -> bool:
        """True when a literal part holds `*` or `?`, which EQL and LIKE would read as wildcards."""
        return self.has("*") or self.has("?")

    def has(self, char: str) -> bool:
        """Whether a literal part holds a character."""
        return any(isinstance(t, str) and char in t for t in self.tokens)

    @property
    def foreign(self) -> bool:
        """True when a letter outside of ASCII has two cases, of which Lucene knows nothing."""
        return any(
            not c.isascii() and c.lower() != c.upper()
            for t in self.tokens
            if isinstance(t, str)
            for c in t
        )

    def matches(self, text: str) -> bool:
        """Whether a text matches, for values that are known when the rule is compiled."""
        regex = "".join(
            re.escape(t) if isinstance(t, str) else (".*" if t is Wild.ANY else ".")
            for t in self.tokens
        )
        flags = re.DOTALL if self.cased else re.DOTALL | re.IGNORECASE
        return re.fullmatch(regex, text, flags) is not None


def _joined(tokens: Sequence[Token]) -> tuple[Token, ...]:
    out: list[Token] = []
    for token in tokens:
        if token == "":
            continue
        last = out[-1] if out else None
        if isinstance(token, str) and isinstance(last, str):
            out[-1] = last + token
        elif not (token is Wild.ANY and last is Wild.ANY):
            out.append(token)
    return tuple(out)


def split_at(pattern: Pattern, separator: str) -> list[tuple[Pattern, Pattern]]:
    """All ways to read ``pattern`` as one of two texts joined by a one-character separator.

    ``*`` may hide the separator, so it stands on both sides of it; ``?`` may be the separator.
    """
    ways: list[tuple[Pattern, Pattern]] = []
    for i, token in enumerate(pattern.tokens):
        before, after = pattern.tokens[:i], pattern.tokens[i + 1 :]
        if token is Wild.ANY:
            left, right = (*before, Wild.ANY), (Wild.ANY, *after)
            ways.append((pattern.with_tokens(left), pattern.with_tokens(right)))
        elif token is Wild.ONE:
            ways.append((pattern.with_tokens(before), pattern.with_tokens(after)))
        else:
            assert isinstance(token, str)
            for at in (m.start() for m in re.finditer(re.escape(separator), token)):
                ways.append(
                    (
                        pattern.with_tokens([*before, token[:at]]),
                        pattern.with_tokens([token[at + 1 :], *after]),
                    )
                )
    return ways

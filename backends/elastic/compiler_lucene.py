"""Sigma conditions as Lucene queries, for hunting in Kibana's Discover and for rules of its type
"custom query"; a site may choose them.

A comparison is about one field, and is false where the field is missing, under NOT, too. Wildcards
compare case, so a text with letters is a regular expression with both cases of each letter; each
value of a list is compared by itself. AND beside OR has no precedence, and a NOT beside OR takes
away from all: every group stands in parentheses, and a NOT takes away from `*:*`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sigma.backends.elasticsearch.elasticsearch_lucene import LuceneBackend
from sigma.types import SigmaFieldReference, SigmaRegularExpression

from hafnium.backends.elastic.compiler_alternatives import alternatives
from hafnium.backends.elastic.compiler_columns import Column
from hafnium.backends.elastic.compiler_items import Asked
from hafnium.backends.elastic.compiler_logic import Conversion
from hafnium.backends.elastic.compiler_networks import address_regex
from hafnium.backends.elastic.compiler_patterns import Inexact, Pattern
from hafnium.backends.elastic.compiler_regex import MAX_LENGTH, from_pattern, translate
from hafnium.backends.elastic.compiler_terms import Outcome, Term, Words

_SPECIAL = re.compile(r'([+\-!(){}\[\]^"~*?:\\/&|=<>\s])')
_RANGES = {"<": "[* TO {}}}", "<=": "[* TO {}]", ">": "{{{} TO *]", ">=": "[{} TO *]"}


class NotInLucene(Inexact):
    """A Lucene query cannot say it; ES|QL can."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, "leave `language: lucene` out of the site file")


def text(value: str) -> str:
    """A value as it stands. Nothing else has a meaning between quotes."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def field(name: str) -> str:
    """A field's name, with what has a meaning escaped."""
    if not name or re.search(r"[\r\n]", name):
        raise Inexact(f"Lucene cannot name the field {name!r}", "correct the field's name")
    return _SPECIAL.sub(r"\\\1", name)


def regex(expression: str) -> str:
    """A regular expression between slashes. The parser takes a backslash before a slash for its
    escape, also one that is itself escaped: an empty group keeps the last one apart."""
    if len(expression) > MAX_LENGTH:
        raise NotInLucene(f"an index takes no regular expression over {MAX_LENGTH} characters")
    return f"/{expression}{'()' if expression.endswith(chr(92)) else ''}/"


class Lucene(Conversion, LuceneBackend):  # type: ignore[misc]
    """Comparisons that mean what Sigma means, in the syntax of `query_string`."""

    words = Words("AND", "OR", "NOT", "*:*", apart=True)

    def present(self, column: Column) -> Outcome:
        return Term(f"_exists_:{text(column.name)}")

    def _guarded(
        self, column: Column, outcome: Outcome, asked: Asked, *, needed: bool = True
    ) -> Outcome:
        """A comparison is false where the field is missing, also inside NOT."""
        return outcome

    def absent(self, column: Column) -> Outcome:
        return self.words.not_(self.present(column))

    def match(self, column: Column, patterns: Sequence[Pattern]) -> Outcome:
        name = self._text(column)
        exact = [p for p in patterns if p.literal is not None and _as_it_stands(column, p)]
        cased = [p for p in patterns if p.cased and p not in exact]
        others = [p for p in patterns if p not in exact and p not in cased]
        values = [
            *(text(p.literal or "") for p in exact),
            *(regex(from_pattern(p)) for p in cased),
            *map(regex, alternatives(others, MAX_LENGTH)),
        ]
        return Term(_any(name, values)) if values else False

    def regex(self, column: Column, expression: SigmaRegularExpression) -> Outcome:
        """B30: Lucene's dialect, for the whole value, letters in both cases with `i`."""
        return Term(f"{self._text(column)}:{regex(translate(expression, spell_case=True)[0])}")

    def equal(self, column: Column, values: Sequence[int | bool | str]) -> Outcome:
        shown = (str(v).lower() if isinstance(v, int) else v for v in values)
        return Term(_any(field(column.name), [text(value) for value in shown]))

    def compare(self, column: Column, operator: str, number: int | float) -> Outcome:
        if column.type != "long":
            raise NotInLucene(f"{column.name} is not a number")
        return Term(f"{field(column.name)}:{_RANGES[operator].format(number)}")

    def within(self, column: Column, networks: Sequence[str]) -> Outcome:
        """A field of type ip knows networks; a text is compared by its digits."""
        if column.type == "ip":
            return Term(_any(field(column.name), list(map(text, networks))))
        if any(":" in network for network in networks):
            raise NotInLucene(f"{column.name} is a text, not an address")
        digits = [regex(address_regex(network)) for network in networks]
        return Term(_any(self._text(column), digits))

    def same(self, column: Column, other: Column, reference: SigmaFieldReference) -> Outcome:
        raise NotInLucene("Lucene cannot compare two fields")

    def _text(self, column: Column) -> str:
        """The name of a field that holds texts as they stand."""
        if column.type == "text":
            raise NotInLucene(f"{column.name} is analysed text")
        if column.type in ("long", "ip", "boolean"):
            raise NotInLucene(f"{column.name} is not a text")
        return field(column.name)


def _as_it_stands(column: Column, pattern: Pattern) -> bool:
    return pattern.cased or pattern.caseless or column.type == "name"


def _any(name: str, values: Sequence[str]) -> str:
    values = list(dict.fromkeys(values))
    return f"{name}:{values[0]}" if len(values) == 1 else f"{name}:({' OR '.join(values)})"

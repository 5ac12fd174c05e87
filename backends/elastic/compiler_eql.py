"""Sigma conditions as EQL, in the part of EQL that Elasticsearch and the `eql` package share.

Every comparison names its field with ``?``, so that an index without the field does not fail.
`:` ignores case and knows only wildcards, never escapes; so a value that holds a literal `*`
or `?` is compared by ``in~`` or a regular expression.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sigma.backends.elasticsearch.elasticsearch_eql import EqlBackend
from sigma.types import SigmaFieldReference, SigmaRegularExpression

from hafnium.backends.elastic.compiler_columns import Column
from hafnium.backends.elastic.compiler_logic import Conversion
from hafnium.backends.elastic.compiler_networks import address_regex
from hafnium.backends.elastic.compiler_patterns import Inexact, Pattern, Wild
from hafnium.backends.elastic.compiler_regex import from_pattern, translate
from hafnium.backends.elastic.compiler_terms import Outcome, Term, Words

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KEYWORDS = frozenset(
    {"and", "any", "as", "by", "const", "false", "fork", "in", "join", "like", "macro", "maxspan"}
    | {"not", "null", "of", "or", "regex", "runs", "sample", "sequence", "true", "until", "where"}
    | {"with"}
)
_ESCAPES = {
    "\\": "\\\\",
    '"': '\\"',
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\b": "\\b",
    "\f": "\\f",
}


class NotInEql(Inexact):
    """EQL cannot say it; ES|QL can."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, "leave it out of the correlation")


def text(value: str) -> str:
    """A string literal. All other characters stand for themselves (B28)."""
    return '"' + "".join(_ESCAPES.get(c, c) for c in value) + '"'


def field(name: str, *, optional: bool = True) -> str:
    """A field's name, quoted where it must be (B31). Raises `Inexact` for one that cannot be."""
    parts = name.split(".")
    if not all(parts) or re.search(r"[`\r\n]", name):
        raise Inexact(f"EQL cannot name the field {name!r}", "correct the field's name")
    quoted = [p if _PLAIN.fullmatch(p) and p not in _KEYWORDS else f"`{p}`" for p in parts]
    return ("?" if optional else "") + ".".join(quoted)


class Eql(Conversion, EqlBackend):  # type: ignore[misc]
    """B26 to B31 for EQL: comparisons that mean what Sigma means."""

    words = Words("and", "or", "not", "true")

    def present(self, column: Column) -> Outcome:
        return Term(f"{self._name(column)} != null")

    def absent(self, column: Column) -> Outcome:
        """B26, B33: `== null` is the only comparison that holds for a missing field."""
        return Term(f"{self._name(column)} == null")

    def match(self, column: Column, patterns: Sequence[Pattern]) -> Outcome:
        """B28, B29, B33: each pattern by an operator that reads it as it is meant."""
        left = self._text(column)
        groups: dict[str, list[str]] = {}
        for pattern in patterns:
            operator, right = _comparison(pattern, exact=column.type == "name")
            groups.setdefault(operator, []).append(text(right))
        return self.words.any_of(Term(_listed(left, op, vs)) for op, vs in groups.items())

    def regex(self, column: Column, expression: SigmaRegularExpression) -> Outcome:
        """B30: Lucene's dialect, for the whole value."""
        pattern, ignored = translate(expression, spell_case=False)
        operator = "regex~" if ignored else "regex"
        return Term(f"{self._text(column)} {operator} {text(pattern)}")

    def equal(self, column: Column, values: Sequence[int | bool | str]) -> Outcome:
        """B28: numbers and booleans without quotes; addresses one by one (`in` refuses them)."""
        left = self._name(column)
        if column.type == "long" and len(values) > 1:
            return Term(f"{left} in ({', '.join(map(str, dict.fromkeys(values)))})")
        return self.words.any_of(Term(f"{left} == {_literal(value)}") for value in values)

    def compare(self, column: Column, operator: str, number: int | float) -> Outcome:
        if column.type != "long":
            raise NotInEql(f"{column.name} is not a number")
        return Term(f"{self._name(column)} {operator} {number}")

    def within(self, column: Column, networks: Sequence[str]) -> Outcome:
        """`cidrMatch` asks for a field of type ip; a text is compared by its digits."""
        if column.type == "ip":
            return Term(f"cidrMatch({self._name(column)}, {', '.join(map(text, networks))})")
        if any(":" in network for network in networks):
            raise NotInEql(f"{column.name} is a text, not an address")
        left = self._text(column)
        return self.words.any_of(
            Term(f"{left} regex {text(address_regex(network))}") for network in networks
        )

    def same(self, column: Column, other: Column, reference: SigmaFieldReference) -> Outcome:
        raise NotInEql("EQL cannot compare two fields")

    def _name(self, column: Column) -> str:
        if column.type == "text":
            raise NotInEql(f"{column.name} is analysed text")
        return field(column.name)

    def _text(self, column: Column) -> str:
        """The value as text."""
        if column.type in ("long", "ip", "boolean"):
            return f"string({self._name(column)})"
        return self._name(column)


def _comparison(pattern: Pattern, *, exact: bool) -> tuple[str, str]:
    """The operator for a pattern, and its right side."""
    literal = pattern.literal
    if pattern.foreign and not pattern.cased:
        return "regex~", from_pattern(pattern)
    if literal is not None:
        if exact or pattern.cased:
            return "==", literal
        return ("in~" if pattern.starred else ":"), literal
    if pattern.starred:
        return ("regex" if pattern.cased else "regex~"), from_pattern(pattern)
    wild = "".join(t.value if isinstance(t, Wild) else t for t in pattern.tokens)
    if pattern.cased:
        return "like", wild
    return ("like~" if Wild.ONE in pattern.tokens else ":"), wild


def _listed(left: str, operator: str, values: Sequence[str]) -> str:
    values = list(dict.fromkeys(values))
    if operator == "==":
        return f"{left} == {values[0]}" if len(values) == 1 else f"{left} in ({', '.join(values)})"
    if len(values) == 1 and operator != "in~":
        return f"{left} {operator} {values[0]}"
    return f"{left} {operator} ({', '.join(values)})"


def _literal(value: int | bool | str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else text(value)

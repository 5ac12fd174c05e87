"""Sigma conditions as ES|QL, the language that the pack ships unless a site chooses EQL.

ES|QL compares case (B25), so both sides are lowered; LIKE reads `\\` as its own escape (B24);
a comparison with null is null, so inside NOT every comparison asks first whether its field is
there (B26); a list of values would make a comparison null, so fields that hold lists are joined
into one text first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sigma.backends.elasticsearch.elasticsearch_esql import ESQLBackend
from sigma.types import SigmaFieldReference, SigmaRegularExpression

from hafnium.backends.elastic.compiler_alternatives import alternatives
from hafnium.backends.elastic.compiler_columns import Column
from hafnium.backends.elastic.compiler_logic import Conversion
from hafnium.backends.elastic.compiler_patterns import Inexact, Pattern
from hafnium.backends.elastic.compiler_regex import MAX_LENGTH, translate
from hafnium.backends.elastic.compiler_terms import Outcome, Term, Words

_TEXTS = frozenset({"keyword", "text"})
_PLAIN = re.compile(r"[A-Za-z_@][A-Za-z0-9_]*")
_RESERVED = frozenset(
    {"and", "asc", "by", "desc", "false", "first", "in", "is", "last", "like", "not", "null"}
    | {"nulls", "on", "or", "rlike", "true", "where", "with"}
)
"""Words of expressions, in any case: Elasticsearch 8.19 takes none of them as part of a name."""
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_BETWEEN = "\x1f"
"""Joins the values of a list; no log holds this character."""


def text(value: str) -> str:
    """A string literal (B27)."""
    return '"' + "".join(_ESCAPES.get(c, c) for c in value) + '"'


def field(name: str) -> str:
    """A column's name, quoted where it must be."""
    parts = name.split(".")
    if not all(parts) or re.search(r"[\r\n]", name):
        raise Inexact(f"ES|QL cannot name the field {name!r}", "correct the field's name")
    return ".".join(part if _is_plain(part) else _quoted(part) for part in parts)


def _is_plain(part: str) -> bool:
    return bool(_PLAIN.fullmatch(part)) and part.lower() not in _RESERVED


def _quoted(part: str) -> str:
    return "`" + part.replace("`", "``") + "`"


class Esql(Conversion, ESQLBackend):  # type: ignore[misc]
    """B24 to B27 and B30 for ES|QL: comparisons that mean what Sigma means."""

    words = Words("AND", "OR", "NOT", "TRUE")

    def column(self, column: Column) -> str:
        """The column's name; remembered, because ES|QL fails on one that is not mapped."""
        self.named[column.name] = None
        return field(column.name)

    def present(self, column: Column) -> Outcome:
        return Term(f"{self.column(column)} IS NOT NULL")

    def absent(self, column: Column) -> Outcome:
        return Term(f"{self.column(column)} IS NULL")

    def match(self, column: Column, patterns: Sequence[Pattern]) -> Outcome:
        """B24, B25: equal or LIKE; without regard to case unless the rule is `cased`."""
        many = _is_many(column)
        equal: dict[bool, list[str]] = {}
        terms: list[Outcome] = []
        caseless = all(pattern.caseless for pattern in patterns)
        looked_up = [] if many or caseless or column.type not in _TEXTS else _looked_up(patterns)
        for pattern in patterns:
            if pattern in looked_up:
                continue
            cased = pattern.cased or column.type == "name" or pattern.caseless
            shown = pattern if cased else pattern.mapped(str.lower)
            if shown.literal is not None and not many:
                equal.setdefault(cased, []).append(text(shown.literal))
            else:
                terms.append(Term(f"{self._text(column, cased)} LIKE {text(_like(shown, many))}"))
        for cased, values in equal.items():
            terms.insert(0, Term(_listed(self._text(column, cased), list(dict.fromkeys(values)))))
        spelled = alternatives(looked_up, MAX_LENGTH)
        return self.words.any_of(
            [*(Term(f"{self.column(column)} RLIKE {text(each)}") for each in spelled), *terms]
        )

    def regex(self, column: Column, expression: SigmaRegularExpression) -> Outcome:
        """B30: Lucene's dialect, for the whole value, letters in both cases with `i`."""
        if _is_many(column):
            raise Inexact(f"{column.name} holds a list of values", "write `contains`")
        pattern, _ = translate(expression, spell_case=True)
        left = self._text(column, True)
        if len(pattern) > MAX_LENGTH:
            left = f"CONCAT({left}, {text('')})"
        return Term(f"{left} RLIKE {text(pattern)}")

    def equal(self, column: Column, values: Sequence[int | bool | str]) -> Outcome:
        if _is_many(column):
            return self.match(column, [Pattern.literal_of(str(value)) for value in values])
        shown = [str(v).lower() if isinstance(v, int) else text(v) for v in values]
        return Term(_listed(self.column(column), list(dict.fromkeys(shown))))

    def compare(self, column: Column, operator: str, number: int | float) -> Outcome:
        name = self.column(column)
        left = name if column.type == "long" else f"TO_DOUBLE({name})"
        return self._read(left, name, f"{left} {operator} {number}")

    def within(self, column: Column, networks: Sequence[str]) -> Outcome:
        if _is_many(column):
            raise Inexact(f"{column.name} holds a list of addresses", "write `startswith`")
        left = self.column(column)
        left = left if column.type == "ip" else f"TO_IP({left})"
        said = f"CIDR_MATCH({left}, {', '.join(map(text, networks))})"
        return self._read(left, self.column(column), said)

    def _read(self, left: str, name: str, said: str) -> Outcome:
        """A comparison of what a text reads as: null, not false, where it is no such thing."""
        asked = [Term(f"{left} IS NOT NULL")] if left != name else []
        return self.words.all_of([*asked, Term(said)])

    def same(self, column: Column, other: Column, reference: SigmaFieldReference) -> Outcome:
        if _is_many(column) or _is_many(other) or column.as_ or other.as_:
            raise Inexact("a field is stored in a form that cannot be compared", "name a value")
        left, right = self._text(column, False), self._text(other, False)
        if reference.starts_with and reference.ends_with:
            return Term(f"LOCATE({left}, {right}) > 0")
        if reference.starts_with:
            return Term(f"STARTS_WITH({left}, {right})")
        if reference.ends_with:
            return Term(f"ENDS_WITH({left}, {right})")
        return Term(f"{left} == {right}")

    def _text(self, column: Column, cased: bool) -> str:
        """The value as text; a list as one text with its separator around each value."""
        shown = self.column(column)
        if column.type in ("long", "ip", "boolean"):
            shown = f"TO_STRING({shown})"
        if _is_many(column):
            shown = (
                f"CONCAT({text(_BETWEEN)}, MV_CONCAT({shown}, {text(_BETWEEN)}), {text(_BETWEEN)})"
            )
        return shown if cased else f"TO_LOWER({shown})"


def _is_many(column: Column) -> bool:
    return column.type == "many" or column.as_ == "listed" or bool(column.said.get("many"))


def _like(pattern: Pattern, many: bool) -> str:
    """A LIKE pattern, before it is quoted; in a list it may be about any one value."""
    shown = "".join(
        re.sub(r"([\\*?])", r"\\\1", t) if isinstance(t, str) else t.value for t in pattern.tokens
    )
    return f"*{_BETWEEN}{shown}{_BETWEEN}*" if many else shown


def _listed(left: str, values: Sequence[str]) -> str:
    return f"{left} == {values[0]}" if len(values) == 1 else f"{left} IN ({', '.join(values)})"


def _looked_up(patterns: Sequence[Pattern]) -> list[Pattern]:
    """Those that are written with both cases of every letter spelled out. An index looks up the
    values as they stand: for `TO_LOWER(f) LIKE` Elasticsearch reads the field of every event.
    Where it must read it, this spares a lower-case copy of each value."""
    return [
        pattern
        for pattern in patterns
        if not pattern.cased
        and not (pattern.caseless and pattern.literal is not None)
        and all(len(each) <= MAX_LENGTH for each in alternatives([pattern], MAX_LENGTH))
    ]

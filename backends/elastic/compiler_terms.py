"""Boolean terms of a query: text with its binding strength, and constants folded away."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

ATOM, NOT, AND, OR = range(4)
MOST_IN_A_ROW = 100
"""Elasticsearch nests `a OR b OR c` one deeper for each word, and refuses ES|QL that is deeper
than 400: longer rows are cut by parentheses."""


@dataclass(frozen=True)
class Term:
    """A part of a query. ``binds`` is its outermost operator; a weaker one needs parentheses.
    ``needs`` are fields without which it cannot be true; ``parts`` are what it joins."""

    text: str
    binds: int = ATOM
    needs: frozenset[str] = field(default=frozenset(), compare=False)
    parts: tuple[Term, ...] = field(default=(), compare=False)

    @property
    def conjuncts(self) -> tuple[Term, ...]:
        """The terms that must all be true."""
        return self.parts if self.binds == AND and self.parts else (self,)

    def needing(self, name: str) -> Term:
        """The same, which is true only where a field is there."""
        return replace(self, needs=self.needs | {name})

    def inside(self, outer: int) -> str:
        """The text as an operand of ``outer``, in parentheses where they are needed."""
        return f"({self.text})" if self.binds > outer else self.text


Outcome = bool | Term
"""A term, or what it always is."""


@dataclass(frozen=True)
class Words:
    """How a language writes the three operators, and what is always true. ``apart``: groups stand
    in parentheses, and a NOT says what it takes away from."""

    both: str
    either: str
    none: str
    always: str
    apart: bool = False

    def all_of(self, parts: Iterable[Outcome]) -> Outcome:
        """True when all parts are."""
        terms: dict[Term, None] = {}
        for part in parts:
            if part is False:
                return False
            if isinstance(part, Term):
                terms.update(dict.fromkeys(part.conjuncts))
        return self._joined(list(terms), AND, True)

    def any_of(self, parts: Iterable[Outcome]) -> Outcome:
        """True when any part is. What all of them ask is asked once, before."""
        terms: dict[Term, None] = {}
        for part in parts:
            if part is True:
                return True
            if isinstance(part, Term):
                terms[part] = None
        shared = _shared(list(terms)) if len(terms) > 1 else []
        if not shared:
            return self._joined(list(terms), OR, False)
        rests = ([c for c in term.conjuncts if c not in shared] for term in terms)
        return self.all_of([*shared, self.any_of(self.all_of(rest) for rest in rests)])

    def not_(self, part: Outcome) -> Outcome:
        """The opposite; always with parentheses: languages differ in how `not` binds. Of an OR it
        is a NOT for each part: an engine may know some of them from its index."""
        if isinstance(part, bool):
            return not part
        if self.apart:
            return Term(f"({self.always} {self.both} {self.none} ({part.text}))")
        if part.binds == OR and part.parts:
            return self.all_of(map(self.not_, part.parts))
        return Term(f"{self.none} ({part.text})", NOT)

    def _joined(self, terms: list[Term], operator: int, empty: bool) -> Outcome:
        if not terms:
            return empty
        if len(terms) == 1:
            return terms[0]
        if len(terms) > MOST_IN_A_ROW:
            rows = range(0, len(terms), MOST_IN_A_ROW)
            cut = [self._joined(terms[n : n + MOST_IN_A_ROW], operator, empty) for n in rows]
            terms = [Term(f"({t.text})", ATOM, t.needs) for t in cut if isinstance(t, Term)]
        word = self.both if operator == AND else self.either
        gather = frozenset.union if operator == AND else frozenset.intersection
        needs = gather(*(term.needs for term in terms))
        outer = ATOM if self.apart else operator - 1
        text = f" {word} ".join(t.inside(outer) for t in terms)
        return Term(text, operator, needs, tuple(terms))


def _shared(terms: Sequence[Term]) -> list[Term]:
    """What every term asks."""
    first, *others = terms
    return [part for part in first.conjuncts if all(part in other.conjuncts for other in others)]

"""The meaning of a Sigma condition over Elastic's fields, whatever the query language.

`Conversion` is mixed into a pySigma backend and replaces its conversion of conditions. It
resolves fields, undoes what Elastic's ingest pipelines do to values, folds what is constant,
and leaves to the language only how a single comparison is written.
"""

from __future__ import annotations

import ipaddress
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionItem,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.conversion.base import Backend
from sigma.conversion.state import ConversionState
from sigma.types import (
    SigmaBool,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaFieldReference,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaString,
    SigmaTimestampPart,
    SigmaType,
)

from hafnium.backends.elastic import compiler_stored as stored
from hafnium.backends.elastic.compiler_columns import Column, Columns
from hafnium.backends.elastic.compiler_items import Asked, expanded, means_absent, runs
from hafnium.backends.elastic.compiler_patterns import Inexact, Pattern, Wild
from hafnium.backends.elastic.compiler_terms import Outcome, Term, Words
from hafnium.sources import Feed

Parsed = ConditionItem | ConditionFieldEqualsValueExpression | ConditionValueExpression


class Conversion(Backend):
    """Conversion of conditions for one feed; an object serves one rule and keeps no class state."""

    words: ClassVar[Words]

    def __init__(self, feed: Feed, *, lacking_is_false: bool = False) -> None:
        super().__init__()
        self.columns = Columns(feed)
        self.lacking_is_false = lacking_is_false
        self.notes: dict[str, None] = {}
        self.named: dict[str, None] = {}

    def condition(self, parsed: Sequence[Parsed]) -> Outcome:
        """A rule's parsed conditions. Raises `Inexact` for what cannot be said."""
        return self.words.any_of(self.convert_condition(p, ConversionState()) for p in parsed)

    # What a language says -----------------------------------------------------------------

    @abstractmethod
    def present(self, column: Column) -> Outcome:
        """The field has a value."""

    @abstractmethod
    def absent(self, column: Column) -> Outcome:
        """The field has no value."""

    @abstractmethod
    def match(self, column: Column, patterns: Sequence[Pattern]) -> Outcome:
        """Any pattern matches the value, read as text."""

    @abstractmethod
    def regex(self, column: Column, expression: SigmaRegularExpression) -> Outcome:
        """A regular expression is found in the value, read as text."""

    @abstractmethod
    def equal(self, column: Column, values: Sequence[int | bool | str]) -> Outcome:
        """A number, boolean or IP address equals any of the values."""

    @abstractmethod
    def compare(self, column: Column, operator: str, number: int | float) -> Outcome:
        """The value, read as a decimal number, is smaller or greater than a number."""

    @abstractmethod
    def within(self, column: Column, networks: Sequence[str]) -> Outcome:
        """The value is an address in any of the networks."""

    @abstractmethod
    def same(self, column: Column, other: Column, reference: SigmaFieldReference) -> Outcome:
        """Two fields hold the same text, or one starts, ends with or contains the other."""

    # Structure ----------------------------------------------------------------------------

    def decide_convert_condition_as_in_expression(
        self, cond: ConditionOR | ConditionAND, state: ConversionState
    ) -> bool:
        """B25, B28, B29: values are grouped by what they are, in `_values`."""
        return False

    def convert_condition_and(self, cond: ConditionAND, state: ConversionState) -> Outcome:
        """What the other parts need to be there, the parts with `not` need not ask for."""
        outcomes = {
            n: self.convert_condition(arg, state)
            for n, arg in enumerate(cond.args)
            if not isinstance(arg, ConditionNOT)
        }
        inner = Asked.of(state).beside(
            outcome.needs for outcome in outcomes.values() if isinstance(outcome, Term)
        )
        return self.words.all_of(
            outcomes[n] if n in outcomes else self.convert_condition(arg, inner)
            for n, arg in enumerate(cond.args)
        )

    def convert_condition_or(self, cond: ConditionOR, state: ConversionState) -> Outcome:
        """Values of one field side by side become one comparison: long lists stay flat."""
        return self.words.any_of(
            self.convert_condition(arg, state)
            if field is None
            else self.field_is(field, values, state)
            for field, arg, values in runs(cond)
        )

    def convert_condition_not(self, cond: ConditionNOT, state: ConversionState) -> Outcome:
        """B26: inside `not`, every comparison says itself that its field is there."""
        inner = Asked.of(state).negated()
        return self.words.not_(self.convert_condition(cond.args[0], inner))

    def convert_condition_field_eq_val(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> Outcome:
        return self.field_is(cond.field, [cond.value], state)

    def convert_condition_val(
        self, cond: ConditionValueExpression, state: ConversionState
    ) -> Outcome:
        """B28: a value without a field is looked for in the fields that the catalogue lists."""
        columns = self.columns.keywords()
        if columns is None:
            raise Inexact(
                f"data source {self.columns.feed.source.id} has no field that holds a whole entry,"
                " so a keyword cannot be searched",
                "name the field",
            )
        value = cond.value
        if isinstance(value, SigmaNumber):
            value = SigmaString(str(value.number))
        asked = Asked.of(state)
        if isinstance(value, SigmaRegularExpression):
            return self.words.any_of(self._guarded(c, self.regex(c, value), asked) for c in columns)
        if not isinstance(value, SigmaString):
            raise Inexact("a keyword must be a text or a number", "name the field")
        pattern = Pattern.of(value).containing()
        return self.words.any_of(self.patterns(c, [pattern], asked) for c in columns)

    # Fields -------------------------------------------------------------------------------

    def field_is(self, name: str, values: Sequence[SigmaType], state: ConversionState) -> Outcome:
        """Any of the values, in any of the columns of a field."""
        if self.lacking_is_false and name in self.columns.feed.lacks:
            return any(means_absent(value) for value in values)
        asked = Asked.of(state)
        columns = self.columns.of(name)
        outcomes: list[Outcome] = []
        plain: list[SigmaType] = []
        for value in expanded(values):
            if means_absent(value):
                outcomes.append(
                    self.words.not_(self._any_present(columns))
                    if columns[0].codes
                    else self.words.all_of(self._absent(c) for c in columns)
                )
            elif isinstance(value, SigmaExists):
                outcomes.append(self._any_present(columns))
            else:
                plain.append(value)
        for column in columns:
            if plain:
                outcome = self._values(column, plain, asked)
                outcomes.append(self.words.all_of([self._in_events(column), outcome]))
        return self.words.any_of(outcomes)

    def _in_events(self, column: Column) -> Outcome:
        if not column.codes:
            return True
        codes = [Pattern.literal_of(code) for code in column.codes]
        return self.match(Column("event.code", "name"), codes)

    def _absent(self, column: Column) -> Outcome:
        columns = stored.parts(column)
        return self.words.all_of(self.absent(c) for c in columns)

    def _any_present(self, columns: Sequence[Column]) -> Outcome:
        return self.words.any_of(
            self.words.all_of([self._in_events(c), self.present(part)])
            for c in columns
            for part in stored.parts(c)
        )

    def _guarded(
        self, column: Column, outcome: Outcome, asked: Asked, *, needed: bool = True
    ) -> Outcome:
        """A comparison, with the question whether its field is there. ``needed``: without that
        very field it cannot be true."""
        if isinstance(outcome, bool):
            return outcome
        if asked.about(column.name):
            return self.words.all_of([self.present(column), outcome])
        return outcome.needing(column.name) if needed else outcome

    def _values(self, column: Column, values: Sequence[SigmaType], asked: Asked) -> Outcome:
        patterns: list[Pattern] = []
        outcomes: list[Outcome] = []
        networks: list[str] = []
        for value in values:
            if isinstance(value, SigmaTimestampPart):
                raise Inexact("a part of a time cannot be compared", "compare the whole time")
            if isinstance(value, SigmaString):
                patterns.append(Pattern.of(value))
            elif isinstance(value, SigmaNumber):
                patterns.append(Pattern.literal_of(str(value.number)))
            elif isinstance(value, SigmaBool):
                patterns.append(Pattern.literal_of("true" if value.boolean else "false"))
            elif isinstance(value, SigmaCIDRExpression):
                networks.append(str(ipaddress.ip_network(value.cidr, strict=False)))
            else:
                outcomes.append(self._guarded(column, self._special(column, value), asked))
        if networks:
            outcomes.append(self._guarded(column, self.within(column, networks), asked))
        if patterns:
            outcomes.insert(0, self.patterns(column, patterns, asked))
        return self.words.any_of(outcomes)

    def _special(self, column: Column, value: SigmaType) -> Outcome:
        """The values that are neither a text nor a number."""
        if isinstance(value, SigmaRegularExpression):
            return self._regex(column, value)
        if isinstance(value, SigmaCompareExpression):
            return self._compare(column, value)
        if isinstance(value, SigmaFieldReference):
            if {column.as_, *(c.as_ for c in self.columns.of(value.field))} & {"account", "user"}:
                raise Inexact(
                    "a reference to a name that is kept apart from its domain",
                    "write the names in the rule",
                )
            return self.words.any_of(
                self.words.all_of([self.present(other), self.same(column, other, value)])
                for other in self.columns.of(value.field)
            )
        raise Inexact(f"{type(value).__name__} cannot be compared", "write the values in the rule")

    def patterns(self, column: Column, patterns: Sequence[Pattern], asked: Asked) -> Outcome:
        """Any of the patterns, in the form that the column keeps values in."""
        outcomes: list[Outcome] = []
        if any(p.anything for p in patterns):
            return self.words.any_of(self.present(c) for c in stored.parts(column))
        for target, outcome in self._converted(column, patterns):
            whole = column.as_ not in ("account", "user")
            outcomes.append(self._guarded(target, outcome, asked, needed=whole))
        return self.words.any_of(outcomes)

    def _converted(
        self, column: Column, patterns: Sequence[Pattern]
    ) -> Iterator[tuple[Column, Outcome]]:
        if column.as_ == "account":
            domain = column.to(column.said["domain"])
            name = column.to(column.name)
            yield name, self._account(domain, name, patterns)
            return
        if column.as_ == "user":
            yield column.to(column.name), self._user(column, patterns)
            return
        for target, wanted in stored.patterns(column, patterns, self.notes):
            if target.type in ("long", "boolean", "ip"):
                yield target, self._typed(target, wanted)
            elif wanted:
                yield target, self.match(target, wanted)

    def _user(self, column: Column, patterns: Sequence[Pattern]) -> Outcome:
        """`DOMAIN\\name`, `name@domain` or `name`: the first two are kept alike. Of
        `DOMAIN\\name@domain` the first half is not kept at all, so nothing can search it."""
        domain, name = column.to(column.said["domain"]), column.to(column.name)
        ends = [p for p in patterns if p.tokens[:1] == (Wild.ANY,) and not p.has("\\")]
        others = [p for p in patterns if p not in ends]
        alone = self.words.all_of([self.match(name, others), self.absent(domain)])
        halves = [
            self._account(domain, name, patterns, known=ends),
            self._account(name, domain, patterns, "@"),
        ]
        both = self.words.any_of(halves)
        if both is not False:
            self.notes[
                f"{name.name} is stored without its domain: DOMAIN\\x and x@DOMAIN match alike, "
                "and the DOMAIN of DOMAIN\\x@domain is not stored"
            ] = None
        both = self.words.all_of([self.present(domain), both])
        return self.words.any_of([self.match(name, ends), alone, both])

    def _account(
        self,
        first: Column,
        second: Column,
        patterns: Sequence[Pattern],
        sign: str = "\\",
        known: Sequence[Pattern] = (),
    ) -> Outcome:
        """Two fields that were one text around a sign, which neither half holds. ``known``: what
        the second field is compared with, whatever the first is."""
        outcomes: list[Outcome] = []
        for pattern in patterns:
            for left, right in stored.split_at(pattern, sign):
                if not left.tokens or not right.tokens or left.has(sign) or right.has(sign):
                    continue
                if left.anything and right in known:
                    continue
                halves = [(first, left), (second, right)]
                said = [self.match(c, [p]) for c, p in halves if not p.anything]
                outcomes.append(self.words.all_of(said or [self.present(second)]))
        return self.words.any_of(outcomes)

    def _typed(self, column: Column, patterns: Sequence[Pattern]) -> Outcome:
        """Texts compared with a number, a boolean or an address (B28)."""
        exact, networks, rest = stored.typed(column, patterns, self.notes)
        outcomes: list[Outcome] = []
        if exact:
            outcomes.append(self.equal(column, exact))
        if networks:
            outcomes.append(self.within(column, networks))
        if rest:
            outcomes.append(self.match(column, rest))
        return self.words.any_of(outcomes)

    def _regex(self, column: Column, expression: SigmaRegularExpression) -> Outcome:
        return self.words.any_of(
            self.regex(target, expression)
            for target in stored.for_regex(column, str(expression.regexp), self.notes)
        )

    def _compare(self, column: Column, expression: SigmaCompareExpression) -> Outcome:
        if column.as_ not in ("", "address"):
            raise Inexact(
                f"Elastic keeps {column.name} in a form that cannot be compared with a number",
                "compare with a text",
            )
        return self.compare(column, stored.OPERATORS[expression.op], expression.number.number)

"""Small questions about the values and items of a parsed Sigma condition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sigma.conditions import ConditionFieldEqualsValueExpression, ConditionOR
from sigma.conversion.state import ConversionState
from sigma.types import SigmaExists, SigmaExpansion, SigmaNull, SigmaString, SigmaType


@dataclass(frozen=True)
class Asked:
    """Which comparisons must ask whether their field is there: those inside `not` (B26), unless
    the condition cannot be true without the field."""

    inside_not: bool
    sure: frozenset[str]

    @classmethod
    def of(cls, state: ConversionState) -> Asked:
        said = state.processing_state
        return cls(bool(said.get("inside_not")), said.get("sure", frozenset()))

    def about(self, name: str) -> bool:
        return self.inside_not and name not in self.sure

    def negated(self) -> ConversionState:
        """What holds inside `not`."""
        return ConversionState(processing_state={"inside_not": True, "sure": self.sure})

    def beside(self, needs: Iterable[frozenset[str]]) -> ConversionState:
        """What holds beside conditions that need fields."""
        sure = self.sure.union(*needs)
        return ConversionState(processing_state={"inside_not": self.inside_not, "sure": sure})


def means_absent(value: SigmaType) -> bool:
    """True for null, an empty text and `exists: false`, which Elastic cannot tell apart."""
    if isinstance(value, SigmaExists):
        return not value
    return isinstance(value, SigmaNull) or (isinstance(value, SigmaString) and not value.s)


def expanded(values: Sequence[SigmaType]) -> Iterator[SigmaType]:
    """The values, with those that a modifier made of one value in its place."""
    for value in values:
        if isinstance(value, SigmaExpansion):
            yield from expanded(value.values)
        else:
            yield value


def runs(cond: ConditionOR) -> Iterator[tuple[str | None, Any, list[SigmaType]]]:
    """The parts of an OR: values of one field gathered where the first of them stands."""
    gathered: dict[str, list[SigmaType]] = {}
    for arg in cond.args:
        if isinstance(arg, ConditionFieldEqualsValueExpression):
            gathered.setdefault(arg.field, []).append(arg.value)
    for arg in cond.args:
        if not isinstance(arg, ConditionFieldEqualsValueExpression):
            yield None, arg, []
        elif arg.field in gathered:
            yield arg.field, arg, gathered.pop(arg.field)

"""What EQL conditions compile to, how they combine, and the fields that they may name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hafnium.backends.elastic.engine_documents import Doc, Target
from hafnium.backends.elastic.engine_eql_tree import Field
from hafnium.errors import EngineError

Predicate = Callable[[Doc], bool]
Script = Callable[[Doc], bool | None]


@dataclass(frozen=True)
class Condition:
    """A compiled condition: a constant, a query (two values) or a script (three values)."""

    constant: bool | None = None
    query: Predicate | None = None
    script: Script | None = None

    @property
    def is_constant(self) -> bool:
        return self.query is None and self.script is None

    def predicate(self) -> Predicate:
        """As a filter: null is false."""
        if self.query is not None:
            return self.query
        if self.script is not None:
            script = self.script
            return lambda doc: script(doc) is True
        answer = self.constant is True
        return lambda doc: answer


TRUE, FALSE, NULL = Condition(True), Condition(False), Condition(None)


def negation(inner: Condition) -> Condition:
    if inner.is_constant:
        return NULL if inner.constant is None else Condition(not inner.constant)
    if inner.script is not None:
        script = inner.script
        return Condition(script=lambda doc: _not(script(doc)))
    query = inner.predicate()
    return Condition(query=lambda doc: not query(doc))


def _not(value: bool | None) -> bool | None:
    return None if value is None else not value


def conjunction(parts: list[Condition]) -> Condition:
    """False beats null, null beats everything else."""
    constants = [part.constant for part in parts if part.is_constant]
    if False in constants:
        return FALSE
    if None in constants:
        return NULL
    tests = [part.predicate() for part in parts if not part.is_constant]
    if not tests:
        return TRUE
    return Condition(query=_all(tests))


def disjunction(parts: list[Condition]) -> Condition:
    """True beats everything; null disappears beside a condition."""
    constants = [part.constant for part in parts if part.is_constant]
    if True in constants:
        return TRUE
    tests = [part.predicate() for part in parts if not part.is_constant]
    if not tests:
        return NULL if None in constants else FALSE
    return Condition(query=_any(tests))


def _all(tests: list[Predicate]) -> Predicate:
    def holds(doc: Doc) -> bool:
        for test in tests:  # noqa: SIM110 - a generator costs twice as much here
            if not test(doc):
                return False
        return True

    return tests[0] if len(tests) == 1 else holds


def _any(tests: list[Predicate]) -> Predicate:
    def holds(doc: Doc) -> bool:
        for test in tests:  # noqa: SIM110 - a generator costs twice as much here
            if test(doc):
                return True
        return False

    return tests[0] if len(tests) == 1 else holds


class Scope:
    """The fields of the documents that a query searches."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def is_null(self, field: Field) -> bool:
        """Is it an optional field that nothing maps? Raises for a plain one."""
        if self._target.has(field.name):
            return False
        if field.optional:
            return True
        raise EngineError(
            f"EQL: unknown column [{field.name}]",
            mend="no index has the field; mark it as optional: ?" + field.name,
        )

    def kind(self, field: Field) -> str:
        """The field's type. Raises for text: EQL cannot search it."""
        kind = self._target.type_of(field.name)
        if kind == "text":
            raise EngineError(
                f"EQL: [{field.name}] is a text field without an exact sub-field; EQL cannot"
                " search it",
                mend="use ES|QL for it",
            )
        return kind

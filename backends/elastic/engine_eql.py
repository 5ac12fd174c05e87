"""EQL with Elasticsearch's meaning, on the parser of Elastic's own ``eql`` package.

The package's grammar and its checks decide what is EQL. Its evaluator is not used: it is the
older Endgame dialect (case is ignored everywhere, ``:`` knows no ``?``, regular expressions are
Python's, ``not`` of a missing field is null). Elasticsearch turns a condition into Lucene
queries, and so does this module:

* A comparison of a field with a literal is a query: true if any value of the field satisfies
  it, false if there is none; so ``not`` of it is true for a missing field.
* A comparison of a function's result runs as a script on the first value; for a missing field
  it is null, and null stays null under ``not`` and counts as false.
* An optional field (``?name``) that no index maps is the constant null: what depends on it is
  folded away with three-valued logic, and a condition that is null finds nothing.
* Types are checked first: see `hafnium.backends.elastic.engine_types`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hafnium.backends.elastic.engine_documents import Doc, Target
from hafnium.backends.elastic.engine_eql_tree import Field, Node, field_of, literal_of
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


class EqlCondition:
    """Compiles the condition of an event query for one target."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def event(self, node: Node) -> Predicate | None:
        """``category where condition`` as a filter; None when it can find nothing."""
        *category, condition = node.children
        found = self.condition(condition)
        if category:
            name = str(category[0].children[0])
            if name != "any":
                found = conjunction([found, _category(name)])
        if found.is_constant and found.constant is not True:
            return None
        return found.predicate()

    def condition(self, node: Node) -> Condition:
        compile_ = getattr(self, f"_{node.data}", None)
        if compile_ is None:
            return self._bare(node)
        compiled: Condition = compile_(node)
        return compiled

    def _or_expr(self, node: Node) -> Condition:
        return disjunction([self.condition(child) for child in node.children])

    def _and_expr(self, node: Node) -> Condition:
        return conjunction([self.condition(child) for child in node.children])

    def _not_expr(self, node: Node) -> Condition:
        *nots, inner = node.children
        found = self.condition(inner)
        return negation(found) if len(nots) % 2 else found

    def _comparison(self, node: Node) -> Condition:
        from hafnium.backends.elastic.engine_eql_compare import comparison

        return comparison(self, node)

    def _in_set(self, node: Node) -> Condition:
        from hafnium.backends.elastic.engine_eql_compare import in_set

        return in_set(self, node)

    def _not_in_set(self, node: Node) -> Condition:
        return negation(self._in_set(node))

    def _string_predicate(self, node: Node) -> Condition:
        from hafnium.backends.elastic.engine_eql_compare import string_predicate

        return string_predicate(self, node)

    def _function_call(self, node: Node) -> Condition:
        from hafnium.backends.elastic.engine_eql_functions import boolean_function

        return boolean_function(self, node)

    def _bare(self, node: Node) -> Condition:
        """A literal or a field where a condition is wanted."""
        field = field_of(node)
        if field is not None:
            if self.is_null(field):
                return NULL
            if self.kind(field) != "boolean":
                raise EngineError(f"EQL: {field.name} is no boolean, so it is no condition")
            return Condition(query=lambda doc: True in doc.values(field.name))
        value = literal_of(node)
        if isinstance(value, bool) or value is None:
            return Condition(value)
        raise EngineError(f"EQL: {value!r} is no condition")

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


def _category(name: str) -> Condition:
    return Condition(query=lambda doc: name in doc.values("event.category"))


def texts(values: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple(str(value) for value in values)

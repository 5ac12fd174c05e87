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

from hafnium.backends.elastic.engine_documents import Target
from hafnium.backends.elastic.engine_eql_compare import comparison, in_set, string_predicate
from hafnium.backends.elastic.engine_eql_conditions import (
    NULL,
    Condition,
    Predicate,
    Scope,
    conjunction,
    disjunction,
    negation,
)
from hafnium.backends.elastic.engine_eql_functions import boolean_function
from hafnium.backends.elastic.engine_eql_tree import Node, field_of, literal_of
from hafnium.errors import EngineError


class EqlCondition:
    """Compiles the condition of an event query for one target."""

    def __init__(self, target: Target) -> None:
        self.scope = Scope(target)

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
        return comparison(self.scope, node)

    def _in_set(self, node: Node) -> Condition:
        return in_set(self.scope, node)

    def _not_in_set(self, node: Node) -> Condition:
        return negation(self._in_set(node))

    def _string_predicate(self, node: Node) -> Condition:
        return string_predicate(self.scope, node)

    def _function_call(self, node: Node) -> Condition:
        return boolean_function(self.scope, node)

    def _bare(self, node: Node) -> Condition:
        """A literal or a field where a condition is wanted."""
        field = field_of(node)
        if field is not None:
            if self.scope.is_null(field):
                return NULL
            if self.scope.kind(field) != "boolean":
                raise EngineError(f"EQL: {field.name} is no boolean, so it is no condition")
            return Condition(query=lambda doc: True in doc.values(field.name))
        value = literal_of(node)
        if isinstance(value, bool) or value is None:
            return Condition(value)
        raise EngineError(f"EQL: {value!r} is no condition")


def _category(name: str) -> Condition:
    return Condition(query=lambda doc: name in doc.values("event.category"))

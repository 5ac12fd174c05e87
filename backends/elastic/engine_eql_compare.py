"""EQL's comparisons: ``==``, ``<``, ``in``, ``:``, ``like``, ``regex`` and their kin.

A field against a literal is a Lucene query on all values of the field; anything else is a
script. What the field's type does not allow is refused, as Elasticsearch's verifier does.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

from hafnium.backends.elastic.engine_documents import Doc, address, inside, millis, network
from hafnium.backends.elastic.engine_eql_conditions import (
    NULL,
    Condition,
    Scope,
    disjunction,
    negation,
)
from hafnium.backends.elastic.engine_eql_functions import Value, value_of
from hafnium.backends.elastic.engine_eql_tree import (
    Field,
    Node,
    field_of,
    is_literal,
    literal_of,
)
from hafnium.backends.elastic.engine_text import Test, fold, regex, wildcard
from hafnium.errors import EngineError

_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_SWAPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
Literal = str | int | float | bool | None


def comparison(scope: Scope, node: Node) -> Condition:
    """``left op right`` with at most one side that is not a literal."""
    left, token, right = node.children
    op = str(token)
    if op == "=":
        raise EngineError("EQL: = is no operator in Elasticsearch; use == or :")
    if is_literal(left):
        if is_literal(right):
            return Condition(_ORDER[op](literal_of(left), literal_of(right)))
        left, right, op = right, left, _SWAPPED.get(op, op)
    if not is_literal(right):
        raise EngineError("EQL: comparisons against fields are not supported")
    wanted = literal_of(right)
    field = field_of(left)
    if wanted is None:
        return _null_check(scope, field, op)
    if field is None:
        return _scripted(scope, left, op, wanted)
    if scope.is_null(field):
        return NULL
    if op == "!=":
        return negation(Condition(query=_field_test(scope, field, "==", wanted)))
    return Condition(query=_field_test(scope, field, op, wanted))


def _null_check(scope: Scope, field: Field | None, op: str) -> Condition:
    if field is None or op not in ("==", "!="):
        raise EngineError("EQL: null can be compared by == and != with a field only")
    if scope.is_null(field):
        return Condition(op == "==")
    name = field.name
    if op == "==":
        return Condition(query=lambda doc: not doc.values(name))
    return Condition(query=lambda doc: bool(doc.values(name)))


def _field_test(scope: Scope, field: Field, op: str, wanted: Literal) -> Callable[[Doc], bool]:
    """True if any value of the field stands in the relation to the literal."""
    kind, name, holds = scope.kind(field), field.name, _ORDER[op]
    number = isinstance(wanted, int | float) and not isinstance(wanted, bool)
    if kind == "keyword" and isinstance(wanted, str):
        if op == "==":
            return _equals(name, wanted)
        return lambda doc: any(holds(str(value), wanted) for value in doc.values(name))
    if kind == "long" and number:
        return lambda doc: any(holds(value, wanted) for value in doc.values(name))
    if kind == "boolean" and isinstance(wanted, bool) and op == "==":
        return lambda doc: wanted in doc.values(name)
    if kind == "date" and isinstance(wanted, str):
        moment = millis(wanted)
        return lambda doc: any(holds(millis(value), moment) for value in doc.values(name))
    if kind == "ip" and isinstance(wanted, str) and op == "==":
        block = network(wanted)
        return lambda doc: any(inside(address(value), block) for value in doc.values(name))
    raise EngineError(f"EQL: [{name}] has type [{kind}]; {op} {wanted!r} does not fit it")


def _equals(name: str, wanted: str) -> Callable[[Doc], bool]:
    """The commonest comparison of all, without a detour."""

    def test(doc: Doc) -> bool:
        value = doc.fields.get(name)
        return wanted in value if isinstance(value, list) else value == wanted

    return test


def _scripted(scope: Scope, left: Node, op: str, wanted: Literal) -> Condition:
    """A function's result against a literal; null when the function says null."""
    value = value_of(scope, left)
    if value is None:
        return NULL
    if isinstance(wanted, str) != (value.kind == "keyword"):
        raise EngineError(f"EQL: a {value.kind} and {wanted!r} cannot be compared")
    holds = _ORDER[op]
    return Condition(script=_null_safe(value, lambda found: holds(found, wanted)))


def _null_safe(value: Value, test: Callable[[Any], bool]) -> Callable[[Doc], bool | None]:
    def script(doc: Doc) -> bool | None:
        found = value.get(doc)
        return None if found is None else test(found)

    return script


def in_set(scope: Scope, node: Node) -> Condition:
    """``left in (…)``; ``in~`` ignores the case of ASCII letters."""
    left, token, listed = node.children
    items = [literal_of(child) for child in listed.children]
    if str(token) == "in~":
        return _any_text(scope, left, _strings(items, "in~"), _equal_folded, True)
    field = field_of(left)
    if field is None:
        return disjunction([_scripted(scope, left, "==", item) for item in items])
    if scope.is_null(field):
        return NULL
    tests = [_field_test(scope, field, "==", item) for item in items if item is not None]
    if scope.kind(field) == "keyword":
        wanted = frozenset(str(item) for item in items if item is not None)
        return Condition(query=lambda doc: any(str(v) in wanted for v in doc.values(field.name)))
    return Condition(query=lambda doc: any(test(doc) for test in tests))


def _equal_folded(text: str) -> Test:
    wanted = fold(text)
    return lambda value: value == wanted


def string_predicate(scope: Scope, node: Node) -> Condition:
    """``:``, ``like``, ``like~``, ``regex`` and ``regex~`` with a text or a list of texts."""
    left, token, *listed = node.children
    op = str(token)
    patterns = _strings([literal_of(child) for child in listed], op)
    insensitive = op in (":", "like~", "regex~")
    if op.startswith("regex"):
        return _any_text(scope, left, patterns, lambda p: regex(p, insensitive=insensitive), False)
    if insensitive:
        return _any_text(scope, left, patterns, lambda p: wildcard(fold(p)), True)
    return _any_text(scope, left, patterns, wildcard, False)


def _strings(items: Sequence[Literal], op: str) -> list[str]:
    texts = [item for item in items if isinstance(item, str)]
    if len(texts) != len(items):
        raise EngineError(f"EQL: {op} compares with strings only; use == or in for others")
    return texts


def _any_text(
    scope: Scope,
    left: Node,
    patterns: Sequence[str],
    compile_: Callable[[str], Test],
    folded: bool,
) -> Condition:
    """True if any pattern matches any value of the left side."""
    tests = [compile_(pattern) for pattern in patterns]
    field = field_of(left)
    if field is None:
        value = value_of(scope, left)
        if value is None:
            return NULL
        if value.kind != "keyword":
            raise EngineError(f"EQL: a {value.kind} is no string")
        return Condition(
            script=_null_safe(
                value,
                lambda found: any(test(fold(found) if folded else found) for test in tests),
            )
        )
    if scope.is_null(field):
        return NULL
    if scope.kind(field) != "keyword":
        raise EngineError(
            f"EQL: [{field.name}] must be [string], found type [{scope.kind(field)}];"
            " consider using == instead"
        )
    name = field.name
    if len(tests) == 1:
        only = tests[0]
        if folded:
            return Condition(query=lambda doc: any(map(only, doc.folded(name))))
        return Condition(query=lambda doc: any(only(str(value)) for value in doc.values(name)))
    if folded:
        return Condition(query=lambda doc: any(t(v) for v in doc.folded(name) for t in tests))
    return Condition(query=lambda doc: any(t(str(v)) for v in doc.values(name) for t in tests))

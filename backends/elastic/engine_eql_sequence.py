"""EQL sequences as the state machine that Elasticsearch documents.

Each step is a state; for each set of join values one pending sequence may wait in each state,
and a newer one takes the place of an older. All events lie within ``maxspan`` of the first,
the border included; an ``until`` event ends what is pending.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from hafnium.backends.elastic.engine_documents import Doc, Target
from hafnium.backends.elastic.engine_eql import EqlCondition
from hafnium.backends.elastic.engine_eql_conditions import Predicate
from hafnium.backends.elastic.engine_eql_tree import Field, Node, field_of
from hafnium.errors import EngineError

_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


@dataclass(frozen=True)
class _Step:
    """One state; ``test`` is None when its condition can never be true."""

    test: Predicate | None
    key: Callable[[Doc], tuple[Hashable, ...] | None]


def run(node: Node, target: Target) -> list[tuple[int, ...]]:
    """The refs of the events of each complete sequence, in the order of completion."""
    compiled = _Sequence(node, target)
    if len(compiled.steps) < 2:
        raise EngineError("EQL: a sequence requires a minimum of 2 queries")
    if any(step.test is None for step in compiled.steps):
        return []
    return _Machine(compiled.steps, compiled.until, compiled.span).run(target.docs)


class _Sequence:
    def __init__(self, node: Node, target: Target) -> None:
        self._owner = EqlCondition(target)
        self.steps: list[_Step] = []
        self.until: _Step | None = None
        self.span: int | None = None
        shared: list[Field] = []
        for child in node.children:
            if child is None:
                continue
            if child.data == "join_values":
                shared = _fields(child)
            elif child.data == "with_params":
                self.span = _milliseconds(child.children[-1])
            elif child.data == "time_range":
                self.span = _milliseconds(child)
            elif child.data == "subquery_by":
                step, runs = self._step(child, shared)
                self.steps += [step] * runs
            elif child.data == "until_subquery_by":
                self.until, _ = self._step(child.children[-1], shared)
            else:
                raise EngineError(f"EQL: {child.data} in a sequence is not supported here")
        if node.data != "sequence":
            raise EngineError(f"EQL: {node.data} is not supported here")

    def _step(self, node: Node, shared: list[Field]) -> tuple[_Step, int]:
        keys, runs = list(shared), 1
        subquery, *rest = node.children
        for child in rest:
            if child is None:
                continue
            if child.data == "join_values":
                keys += _fields(child)
            elif child.data == "repeated_sequence":
                runs = int(child.children[-1])
            else:
                raise EngineError(f"EQL: {child.data} in a sequence is not supported here")
        if any(str(part).startswith("!") for part in subquery.children):
            raise EngineError("EQL: missing events (![…]) are not supported here")
        query = next(part for part in subquery.children if hasattr(part, "data"))
        return _Step(self._owner.event(query), self._key(keys)), runs

    def _key(self, fields: Sequence[Field]) -> Callable[[Doc], tuple[Hashable, ...] | None]:
        """The join values; None when one is missing that must not be."""
        parts = [(f.name, f.optional, self._owner.scope.is_null(f)) for f in fields]

        def key(doc: Doc) -> tuple[Hashable, ...] | None:
            out: list[Any] = []
            for name, optional, null in parts:
                values = () if null else doc.values(name)
                if len(values) > 1:
                    raise EngineError(f"EQL: join by {name}, which holds several values")
                if not values and not optional:
                    return None
                out.append(values[0] if values else None)
            return tuple(out)

        return key


def _fields(node: Node) -> list[Field]:
    (expressions,) = node.children
    fields = [field_of(child) for child in expressions.children]
    if None in fields:
        raise EngineError("EQL: a sequence joins by fields only")
    return [field for field in fields if field is not None]


def _milliseconds(node: Node) -> int:
    number, *unit = node.children
    name = str(unit[0].children[0]) if unit and unit[0] is not None else ""
    if name not in _UNITS:
        raise EngineError(f"EQL: maxspan needs a unit of {', '.join(_UNITS)}")
    return int(number.children[0]) * _UNITS[name]


Pending = tuple[Doc, ...]


class _Machine:
    def __init__(self, steps: Sequence[_Step], until: _Step | None, span: int | None) -> None:
        self._steps = steps
        self._until = until
        self._span = span
        self._waiting: dict[tuple[Hashable, ...], list[Pending | None]] = {}
        self._complete: list[tuple[int, ...]] = []

    def run(self, docs: Sequence[Doc]) -> list[tuple[int, ...]]:
        timed = [(moment, doc) for doc in docs if (moment := doc.millis()) is not None]
        timed.sort(key=lambda pair: pair[0])
        for moment, doc in timed:
            for state in reversed(range(len(self._steps))):
                self._advance(state, moment, doc)
            self._expire(doc)
        return self._complete

    def _advance(self, state: int, moment: int, doc: Doc) -> None:
        step = self._steps[state]
        if step.test is None or not step.test(doc):
            return
        key = step.key(doc)
        if key is None:
            return
        states = self._waiting.setdefault(key, [None] * len(self._steps))
        if state == 0:
            states[0] = (doc,)
            return
        before = states[state - 1]
        if before is None:
            return
        start = before[0].millis()
        if self._span is not None and start is not None and moment - start > self._span:
            return
        states[state - 1] = None
        grown = (*before, doc)
        if state == len(self._steps) - 1:
            self._complete.append(tuple(member.ref for member in grown))
        else:
            states[state] = grown

    def _expire(self, doc: Doc) -> None:
        """An until event ends the sequences that began before it."""
        if self._until is None or self._until.test is None or not self._until.test(doc):
            return
        key = self._until.key(doc)
        states = self._waiting.get(key, []) if key is not None else []
        for state, pending in enumerate(states):
            if pending is not None and pending[-1] is not doc:
                states[state] = None

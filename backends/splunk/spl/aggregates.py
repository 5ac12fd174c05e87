"""The functions of ``stats``, ``eventstats`` and ``streamstats``.

An `Accumulator` takes samples, one per event, and can forget the oldest: a sliding window.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from hafnium.backends.splunk.spl import values
from hafnium.backends.splunk.spl.expression import compile_expression, field_name
from hafnium.backends.splunk.spl.grammar import Node
from hafnium.backends.splunk.spl.values import Fields, Value, number
from hafnium.errors import EngineError

Sample = list[Value]
"""The values that one event contributes."""

_LIST_LIMIT = 100


class Accumulator:
    """Keeps the samples; the result is computed from them."""

    def __init__(self, compute: Callable[[Sequence[tuple[Sample, float]]], Value]) -> None:
        self.samples: deque[tuple[Sample, float]] = deque()
        self.compute = compute

    def add(self, sample: Sample, time: float) -> None:
        self.samples.append((sample, time))

    def forget(self) -> None:
        self.samples.popleft()

    def result(self) -> Value:
        return self.compute(self.samples)


class _Count(Accumulator):
    def __init__(self) -> None:
        super().__init__(len)
        self.total = 0

    def add(self, sample: Sample, time: float) -> None:
        super().add(sample, time)
        self.total += len(sample)

    def forget(self) -> None:
        self.total -= len(self.samples[0][0])
        super().forget()

    def result(self) -> Value:
        return self.total


class _Distinct(Accumulator):
    """dc() and values(): how often each text is in the window."""

    def __init__(self, show: Callable[[Counter[str]], Value]) -> None:
        super().__init__(len)
        self.counts: Counter[str] = Counter()
        self.show = show

    def add(self, sample: Sample, time: float) -> None:
        texts = [values.text(value) for value in sample]
        super().add(texts, time)
        self.counts.update(texts)

    def forget(self) -> None:
        for text in self.samples[0][0]:
            self.counts[text] -= 1
            if not self.counts[text]:
                del self.counts[text]
        super().forget()

    def result(self) -> Value:
        return self.show(self.counts)


def _flat(samples: Sequence[tuple[Sample, float]]) -> list[Value]:
    return [value for sample, _ in samples for value in sample]


def _numbers(samples: Sequence[tuple[Sample, float]]) -> list[float]:
    found = [number(value) for value in _flat(samples)]
    if None in found:
        raise EngineError("a sum or average of a text is not supported")
    return found  # type: ignore[return-value]


def _extreme(choose: Callable[..., Value]) -> Callable[..., Value]:
    def compute(samples: Sequence[tuple[Sample, float]]) -> Value:
        found = _flat(samples)
        numbers = [number(value) for value in found]
        if not found:
            return None
        if None not in numbers:
            return choose(numbers)
        if any(known is not None for known in numbers):
            raise EngineError("max() or min() of numbers mixed with texts is not supported")
        return choose(values.text(value) for value in found)

    return compute


def _chronological(choose: Callable[..., tuple[Sample, float]]) -> Callable[..., Value]:
    def compute(samples: Sequence[tuple[Sample, float]]) -> Value:
        seen = [pair for pair in samples if pair[0]]
        return choose(seen, key=lambda pair: pair[1])[0][0] if seen else None

    return compute


def _sum(samples: Sequence[tuple[Sample, float]]) -> Value:
    found = _numbers(samples)
    return sum(found) if found else None


def _average(samples: Sequence[tuple[Sample, float]]) -> Value:
    found = _numbers(samples)
    return sum(found) / len(found) if found else None


def _list(samples: Sequence[tuple[Sample, float]]) -> Value:
    return values.pack([values.text(value) for value in _flat(samples)[:_LIST_LIMIT]])


_FUNCTIONS: dict[str, Callable[[], Accumulator]] = {
    "count": _Count,
    "dc": lambda: _Distinct(len),
    "values": lambda: _Distinct(lambda counts: values.pack(sorted(counts))),
    "list": lambda: Accumulator(_list),
    "sum": lambda: Accumulator(_sum),
    "avg": lambda: Accumulator(_average),
    "min": lambda: Accumulator(_extreme(min)),
    "max": lambda: Accumulator(_extreme(max)),
    "first": lambda: Accumulator(lambda samples: next(iter(_flat(samples)), None)),
    "last": lambda: Accumulator(lambda samples: next(iter(_flat(samples)[::-1]), None)),
    "earliest": lambda: Accumulator(_chronological(min)),
    "latest": lambda: Accumulator(_chronological(max)),
}
_NAMES = {"c": "count", "distinct_count": "dc", "mean": "avg"}


class Aggregate(NamedTuple):
    """One term of a statistics command: what it counts, and the field it writes."""

    start: Callable[[], Accumulator]
    sample: Callable[[Fields], Sample]
    label: str


def compile_aggregate(node: Node) -> Aggregate:
    """Compile one term, such as ``dc(user) AS users``."""
    shown, rest = node.children[0].text, node.children[1:]
    name = _NAMES.get(shown, shown)
    if name not in _FUNCTIONS:
        raise EngineError(f"statistical function {shown}() is not supported")
    label = shown
    sample: Callable[[Fields], Sample] | None = None
    if rest and rest[0].children:
        sample, argument = _measured(rest[0])
        label = f"{shown}({argument})"
    elif name != "count":
        raise EngineError(f"{shown}() needs a field")
    if len(rest) > 1:
        label = field_name(rest[-1].text)
    return Aggregate(_FUNCTIONS[name], sample or (lambda fields: [True]), label)


def _measured(node: Node) -> tuple[Callable[[Fields], Sample], str]:
    if node.kind == "measured_eval":
        evaluate = compile_expression(node.children[-1])
        return lambda fields: _evaluated(evaluate(fields)), "eval"
    name = field_name(node.children[0].text)
    if "*" in name:
        raise EngineError(f"wildcard in the field name {name!r} is not supported")
    return lambda fields: _values(fields.get(name)), name


def _values(value: Value) -> Sample:
    if isinstance(value, list):
        return list(value)
    return [] if value is None else [value]


def _evaluated(value: Value) -> Sample:
    """An expression counts where it is true, or has a value that is no Boolean."""
    return [] if value is None or value is False else _values(value)


def grouping(named: Sequence[Node]) -> Callable[[Fields], tuple[str, ...] | None]:
    """The key of an event's group; None when it lacks one of the fields."""
    names = [field_name(node.text) for node in named]

    def key(fields: Fields) -> tuple[str, ...] | None:
        found = [fields.get(name) for name in names]
        if None in found:
            return None
        if any(isinstance(value, list) for value in found):
            raise EngineError(f"grouping by a multivalue ({', '.join(names)}) is not supported")
        return tuple(values.text(value) for value in found)

    return key

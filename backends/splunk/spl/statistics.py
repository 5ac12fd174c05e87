"""``stats``, ``eventstats`` and ``streamstats``.

``streamstats`` as documented: the window of ``time_window`` needs events in order of time;
``current=false`` leaves the event itself out; ``global=false`` gives each group its own window
of ``window`` events; a reset starts all groups anew. An event at exactly the window's length
from the current one is inside.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from hafnium.backends.splunk.spl import values
from hafnium.backends.splunk.spl.aggregates import (
    Accumulator,
    Aggregate,
    compile_aggregate,
    grouping,
)
from hafnium.backends.splunk.spl.expression import compile_condition, field_name
from hafnium.backends.splunk.spl.grammar import Node
from hafnium.backends.splunk.spl.rows import Row, Rows, Step, span
from hafnium.backends.splunk.spl.values import Fields
from hafnium.errors import EngineError

Key = tuple[str, ...]

_MAX_STREAM = 10_000
"""Splunk's limit for the window of ``streamstats`` (``max_stream_window``)."""


def _terms(node: Node) -> tuple[list[Aggregate], list[str], Callable[[Fields], Key | None]]:
    aggregates = [compile_aggregate(term) for term in node.find("aggregate")]
    groups = list(node.find("grouping"))
    named = groups[0].children[1:] if groups else ()
    return aggregates, [field_name(field.text) for field in named], grouping(named)


def _time(row: Row) -> float:
    known = values.number(row.fields.get("_time"))
    return 0.0 if known is None else known


def _accumulate(
    rows: Rows, aggregates: list[Aggregate], key: Callable[[Fields], Key | None]
) -> dict[Key, tuple[list[Accumulator], Rows]]:
    groups: dict[Key, tuple[list[Accumulator], Rows]] = {}
    for row in rows:
        group = key(row.fields)
        if group is None:
            continue
        if group not in groups:
            groups[group] = ([term.start() for term in aggregates], [])
        accumulators, members = groups[group]
        members.append(row)
        for accumulator, term in zip(accumulators, aggregates, strict=True):
            accumulator.add(term.sample(row.fields), _time(row))
    return groups


def _results(accumulators: list[Accumulator], aggregates: list[Aggregate]) -> dict[str, Any]:
    found = {
        term.label: accumulator.result()
        for term, accumulator in zip(aggregates, accumulators, strict=True)
    }
    return {label: value for label, value in found.items() if value is not None}


def stats(node: Node) -> Step:
    """One row per group, ordered by the group's values; without ``by`` always one."""
    aggregates, by, key = _terms(node)

    def step(rows: Rows) -> Rows:
        groups = _accumulate(rows, aggregates, key)
        if not by:
            groups = groups or {(): ([term.start() for term in aggregates], [])}
        out = []
        for group, (accumulators, members) in sorted(groups.items()):
            fields = dict(zip(by, group, strict=True)) | _results(accumulators, aggregates)
            events = dict.fromkeys(event for row in members for event in row.events)
            out.append(Row(fields, tuple(events)))
        return out

    return step


def eventstats(node: Node) -> Step:
    """Each row with the results of its group."""
    aggregates, _, key = _terms(node)

    def step(rows: Rows) -> Rows:
        groups = _accumulate(rows, aggregates, key)
        results = {group: _results(found[0], aggregates) for group, found in groups.items()}
        out = []
        for row in rows:
            group = key(row.fields)
            added = {} if group is None else results[group]
            out.append(Row(row.fields | added, row.events))
        return out

    return step


def streamstats(node: Node) -> Step:
    """Each row with the results over the rows before it, itself included by default."""
    aggregates, _, key = _terms(node)
    options = _Options(node)
    return lambda rows: _Stream(aggregates, key, options).run(rows)


class _Options:
    """The options of ``streamstats``."""

    def __init__(self, node: Node) -> None:
        self.current = True
        self.single = True
        self.on_change = False
        self.window = 0
        self.seconds: int | None = None
        self.before: Callable[[Fields], bool] | None = None
        self.after: Callable[[Fields], bool] | None = None
        for option in node.find("option"):
            name, _, value = option.children
            self._set(name.text, value)

    def _set(self, name: str, value: Node) -> None:
        if name in ("reset_before", "reset_after"):
            if value.kind == "FIELD":
                raise EngineError(f"{name}= wants an expression in parentheses")
            setattr(self, name.removeprefix("reset_"), compile_condition(value))
        elif name == "current":
            self.current = boolean(value.text)
        elif name == "global":
            self.single = boolean(value.text)
        elif name == "reset_on_change":
            self.on_change = boolean(value.text)
        elif name == "window":
            self.window = whole(value.text)
            if self.window > _MAX_STREAM:
                raise EngineError(f"streamstats window={self.window} is above {_MAX_STREAM}")
        elif name == "time_window":
            self.seconds = span(value.text)
        else:
            raise EngineError(f"option {name}= of streamstats is not supported")


def boolean(said: str) -> bool:
    """An option's Boolean."""
    known = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}
    if said.lower() not in known:
        raise EngineError(f"{said!r} is not true or false")
    return known[said.lower()]


def whole(said: str) -> int:
    """An option's whole number."""
    if not said.isascii() or not said.isdigit():
        raise EngineError(f"{said!r} is not a whole number")
    return int(said)


class _Stream:
    """One run of ``streamstats`` over rows."""

    def __init__(
        self,
        aggregates: list[Aggregate],
        key: Callable[[Fields], Key | None],
        options: _Options,
    ) -> None:
        self.aggregates = aggregates
        self.key = key
        self.options = options
        self.groups: dict[Key, list[Accumulator]] = {}
        self.queues: dict[Key, deque[tuple[Key, float]]] = {}
        self.last: Key | None = None
        self.seen = 0

    def run(self, rows: Rows) -> Rows:
        if self.options.seconds is not None:
            _check_order(rows)
        return [self._row(row) for row in rows]

    def _row(self, row: Row) -> Row:
        group = self.key(row.fields)
        if group is None:
            return row
        options = self.options
        changed = options.on_change and self.last not in (None, group)
        if changed or (options.before and options.before(row.fields)):
            self._reset()
        self.last = group
        queue = self.queues.setdefault(group if self._apart() else (), deque())
        if options.seconds is not None:
            self._expire(queue, _time(row), options.seconds)
        if not options.current:
            found = self._show(group)
        self._enter(queue, group, row)
        if options.current:
            found = self._show(group)
        if options.after and options.after(row.fields):
            self._reset()
        return Row(row.fields | found, row.events)

    def _apart(self) -> bool:
        """Whether each group has a queue of its own. With time alone that changes nothing."""
        return not self.options.single or not self.options.window

    def _enter(self, queue: deque[tuple[Key, float]], group: Key, row: Row) -> None:
        options = self.options
        # Without the current event, the window is that many events before it.
        if options.window and options.current and len(queue) >= options.window:
            self._forget(queue)
        queue.append((group, _time(row)))
        accumulators = self._of(group)
        for accumulator, term in zip(accumulators, self.aggregates, strict=True):
            accumulator.add(term.sample(row.fields), _time(row))
        if options.window and len(queue) > options.window:
            self._forget(queue)
        self.seen += 1
        if not options.window and options.seconds is None and self.seen > _MAX_STREAM:
            raise EngineError(f"streamstats without a window over more than {_MAX_STREAM} events")

    def _expire(self, queue: deque[tuple[Key, float]], now: float, seconds: int) -> None:
        while queue and round(abs(now - queue[0][1]), 6) > seconds:
            self._forget(queue)

    def _forget(self, queue: deque[tuple[Key, float]]) -> None:
        group, _ = queue.popleft()
        for accumulator in self._of(group):
            accumulator.forget()

    def _of(self, group: Key) -> list[Accumulator]:
        if group not in self.groups:
            self.groups[group] = [term.start() for term in self.aggregates]
        return self.groups[group]

    def _show(self, group: Key) -> dict[str, Any]:
        return _results(self._of(group), self.aggregates)

    def _reset(self) -> None:
        self.groups.clear()
        self.queues.clear()
        self.seen = 0


def _check_order(rows: Rows) -> None:
    times = [values.number(row.fields.get("_time")) for row in rows]
    if None in times:
        raise EngineError("time_window= needs _time in every event")
    if times not in (sorted(times), sorted(times, reverse=True)):  # type: ignore[type-var]
        raise EngineError("time_window= needs events in order of time", mend="sort 0 _time before")

"""A mutation, and a mutated entry: the same step of an intrusion, written another way.

A mutation says how a log entry would read if the intruder (or the server) had done the same
with another spelling. It changes only what costs nothing and leaves the attack working, and
only into what that log would really show: see ``fields.yml`` for what a field can hold.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Literal

from hafnium.entries import Entry, Value, WindowsEvent
from hafnium.fields import contents

Changes = Mapping[str, Value]
"""Field, under the entry's own name → its new value."""

By = Literal["intruder", "server"]


@dataclass(frozen=True)
class Mutation:
    """``why`` says why it is free. ``by`` says whose choice it is: the intruder's, or how the
    server happens to be set up. ``of`` gives the changes, one mapping for each variant."""

    name: str
    why: str
    by: By
    of: Callable[[Entry], Iterable[Changes]]


def mutation(
    by: By = "intruder",
) -> Callable[[Callable[[Entry], Iterable[Changes]]], Mutation]:
    """Make a mutation of a function from an entry to changes: its name and its docstring."""

    def make(of: Callable[[Entry], Iterable[Changes]]) -> Mutation:
        name = of.__name__.strip("_").replace("_", "-")
        assert of.__doc__, "a mutation says why it is free"
        return Mutation(name, " ".join(of.__doc__.split()), by, of)

    return make


Respell = Callable[[str, str], Iterable[str]]
"""From a text, and what its field holds, to other spellings of it."""


def respelling(*holds: str, by: By = "intruder") -> Callable[[Respell], Mutation]:
    """Make a mutation of a function that respells the fields that hold certain things.

    All such fields of an entry change together, the n-th spelling of each in the n-th variant.
    """

    def make(respell: Respell) -> Mutation:
        def of(entry: Entry) -> Iterator[Changes]:
            yield from together(entry, respell, *holds)

        of.__name__, of.__doc__ = respell.__name__, respell.__doc__
        return mutation(by)(of)

    return make


def together(entry: Entry, respell: Respell, *holds: str) -> Iterator[Changes]:
    """The changes when every field that holds one of ``holds`` is respelled."""
    columns = [
        [(name, new) for new in _spellings(value, held, respell) if new != value]
        for name, held in contents(entry).items()
        if held in holds and (value := entry.fields.get(name))
    ]
    for row in zip_longest(*columns):
        yield dict(cell for cell in row if cell)


def _spellings(value: Value, held: str, respell: Respell) -> Iterable[Value]:
    """The spellings of a field's only value, or of all of its values at once."""
    if isinstance(value, str):
        return dict.fromkeys(respell(value, held))
    columns = [list(dict.fromkeys(respell(one, held))) for one in value]
    return [
        tuple(new if new is not None else old for new, old in zip(row, value, strict=True))
        for row in zip_longest(*columns)
    ]


def put(pattern: re.Pattern[str], new: str, text: str, count: int = 0) -> str:
    """``text`` with what the pattern finds replaced by ``new`` as it stands."""
    return pattern.sub(lambda _: new, text, count)


def text_of(entry: Entry, name: str) -> str:
    """The single value of a field; empty when it has none or several."""
    value = entry.fields.get(name, "")
    return value if isinstance(value, str) else ""


@dataclass(frozen=True)
class Mutant:
    """``fields`` are the names, as the entry has them, of all that changed."""

    mutation: Mutation
    entry: Entry
    fields: frozenset[str]


def mutants(entry: Entry, mutations: Iterable[Mutation]) -> Iterator[Mutant]:
    """Every variant of an entry that differs from it."""
    for one in mutations:
        for changes in one.of(entry):
            said = {name: new for name, new in changes.items() if entry.fields.get(name) != new}
            if said:
                changed = _changed(entry, said)
                names = {n for n, v in changed.fields.items() if entry.fields.get(n) != v}
                yield Mutant(one, changed, frozenset(names))


def _changed(entry: Entry, said: Changes) -> Entry:
    """The entry with the changes, also where other fields repeat what was changed."""
    copies = [name for name, held in contents(entry).items() if held == "copy"]
    swaps = [
        (old, new)
        for name, new in said.items()
        if (old := text_of(entry, name)) and isinstance(new, str)
    ]
    repeated = {
        name: _swapped(value, swaps) for name in copies if (value := entry.fields.get(name))
    }
    fields: dict[str, Value] = {**entry.fields, **repeated, **said}
    if not isinstance(entry, WindowsEvent):
        return replace(entry, fields=fields)
    return replace(
        entry,
        fields=fields,
        system=_renewed(entry.system, said),
        data=_renewed(entry.data, said),
        unnamed=tuple(_text_swapped(v, swaps) for v in entry.unnamed),
        message=entry.message and _text_swapped(entry.message, swaps),
        host=text if isinstance(text := said.get("Computer"), str) else entry.host,
    )


def _renewed(part: Mapping[str, str], said: Changes) -> dict[str, str]:
    return {n: new if isinstance(new := said.get(n), str) else v for n, v in part.items()}


def _swapped(value: Value, swaps: list[tuple[str, str]]) -> Value:
    if isinstance(value, str):
        return _text_swapped(value, swaps)
    return tuple(_text_swapped(one, swaps) for one in value)


def _text_swapped(text: str, swaps: list[tuple[str, str]]) -> str:
    """``text`` with every old value in it renewed, also where single quotes are doubled."""
    for old, new in swaps:
        text = text.replace(old, new)
        text = text.replace(old.replace("'", "''"), new.replace("'", "''"))
    return text

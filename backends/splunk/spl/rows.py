"""What flows through a pipeline: rows that remember which events they came from."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from hafnium.backends.splunk.spl.values import Value
from hafnium.errors import EngineError


class EventAddress(str):
    """The value of ``_cd``, an event's address in its bucket; ``at`` is the event's index.

    Wherever such a value ends up in a result, the result is about that event too.
    """

    __slots__ = ("at",)
    at: int

    def __new__(cls, at: int) -> EventAddress:
        address = super().__new__(cls, f"0:{at}")
        address.at = at
        return address


class Row(NamedTuple):
    """Fields, and the indexes of the events behind them."""

    fields: dict[str, Value]
    events: tuple[int, ...]

    def about(self) -> tuple[int, ...]:
        """The events of the row, first its own, then those whose address a field holds."""
        found = dict.fromkeys(self.events)
        for value in self.fields.values():
            for one in value if isinstance(value, list) else (value,):
                if isinstance(one, EventAddress):
                    found.setdefault(one.at)
        return tuple(found)


Rows = list[Row]
Step = Callable[[Rows], Rows]

_UNITS = {
    1: ("s", "sec", "secs", "second", "seconds"),
    60: ("m", "min", "mins", "minute", "minutes"),
    3600: ("h", "hr", "hrs", "hour", "hours"),
    86400: ("d", "day", "days"),
}
_SECONDS = {name: seconds for seconds, names in _UNITS.items() for name in names}


def span(said: str) -> int:
    """A span such as ``5m`` in seconds."""
    found = re.fullmatch(r"(\d+)([a-z]+)", said)
    if found is None or found[2] not in _SECONDS or not int(found[1]):
        raise EngineError(f"span {said!r} is not supported")
    return int(found[1]) * _SECONDS[found[2]]

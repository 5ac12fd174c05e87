"""Hypothesis strategies for correlations, and for events around the edges of their windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from fuzzing.events import make_entry
from fuzzing.rules import GROUNDS
from hafnium.entries import Entry

Draw = Any
GROUND = "httpproxy"
STEMS = ["/a", "/b", "/c"]
GROUPS = ["ClientIpAddress", "AuthenticatedUser"]
VALUES = ["x", "X", "y", "z", ""]
GAPS = [0.001, 1, 20, 29, 30, 31, 59, 60, 61, 119, 120, 121]
"""Seconds between events. Never zero: Elastic takes events of one instant as they are stored."""


@dataclass
class Correlated:
    """Base rules and a correlation over them, as plain data."""

    documents: list[dict[str, Any]]


@st.composite
def correlations(draw: Draw) -> Correlated:
    """Any correlation type over one to three base rules."""
    kind = draw(
        st.sampled_from(["event_count", "value_count", "temporal", "temporal_ordered"]),
    )
    several = kind.startswith("temporal")
    names = [f"base{n}" for n in range(draw(st.integers(2 if several else 1, 3)))]
    groups = draw(st.lists(st.sampled_from(GROUPS), min_size=1, max_size=2, unique=True))
    aliases = {}
    if draw(st.booleans()):
        aliases["who"] = dict.fromkeys(names, groups[0])
        groups[0] = "who"
    said: dict[str, Any] = {
        "type": kind,
        "rules": names,
        "group-by": groups,
        "timespan": draw(st.sampled_from(["30s", "1m", "2m"])),
    }
    if aliases:
        said["aliases"] = aliases
    if not several:
        said["condition"] = {"gte": draw(st.integers(1, 4))}
    if kind == "value_count":
        said["condition"]["field"] = "UrlQuery"
    base = [
        {
            "title": f"Base {name}",
            "name": name,
            "logsource": GROUNDS[GROUND].logsource,
            "detection": {"s": {"UrlStem|startswith": stem}, "condition": "s"},
        }
        for name, stem in zip(names, draw(st.permutations(STEMS)), strict=False)
    ]
    return Correlated([*base, {"title": "Generated", "correlation": said}])


@st.composite
def streams(draw: Draw, count: int) -> Sequence[Entry]:
    """Events of a few clients in order of time; every field but the time may be absent."""
    entries, at = [], 0.0
    for position in range(1, count + 1):
        fields = {
            "UrlStem": draw(st.sampled_from([*STEMS, "/A", "/ab", "/d"])),
            "UrlQuery": draw(st.sampled_from(VALUES)),
            "ClientIpAddress": draw(st.sampled_from(["203.0.113.1", "203.0.113.2", ""])),
            "AuthenticatedUser": draw(st.sampled_from(["u", "U", ""])),
        }
        present = {name: value for name, value in fields.items() if value}
        entries.append(make_entry(GROUND, present, position, at))
        at += draw(st.sampled_from(GAPS))
    return entries

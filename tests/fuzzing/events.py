"""Hypothesis strategies for entries that match a generated rule, or almost do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from fuzzing.rules import GROUNDS, Generated, literals
from hafnium.entries import Entry, WindowsEvent

Draw = Any
TIME = datetime(2021, 3, 3, 6, 49, 58, tzinfo=UTC)
NUMBERS = ["1", "200", "241", "302", "01", "2000"]
ADDRESSES = ["10.1.2.3", "10.1.3.255", "11.0.0.1", "fe80::1", "fe80:0:0:0:0:0:0:1", "2001:db8::1"]


@st.composite
def near(draw: Draw, word: str) -> str:
    """The word, or the word with one thing changed."""
    change = draw(st.sampled_from(["same", "same", "case", "before", "after", "cut", "around"]))
    other = draw(literals)
    return {
        "same": word,
        "case": word.swapcase(),
        "before": other + word,
        "after": word + other,
        "cut": word[:-1],
        "around": other + word + other,
    }[change]


@st.composite
def values(draw: Draw, made: Generated, name: str) -> str:
    """A text for a field; empty stands for absent."""
    known = made.words.get(name, []) + made.words.get("", [])
    others = [word for words in made.words.values() for word in words]
    choices: list[Any] = [st.just(""), literals]
    if known:
        choices += [near(word) for word in known] * 2
    if others:
        choices.append(st.sampled_from(others))
    text = str(draw(st.one_of(choices)))
    return text.strip()


@st.composite
def entries(draw: Draw, made: Generated, position: int) -> Entry:
    """An entry of the rule's log source."""
    ground = GROUNDS[made.ground]
    fields = {name: draw(values(made, name)) for name in ground.text}
    fields |= {name: draw(st.sampled_from(["", *NUMBERS])) for name in ground.number}
    fields |= {name: draw(st.sampled_from(["", *ADDRESSES])) for name in ground.address}
    present: dict[str, Any] = {n: value for n, value in fields.items() if value and value != "-"}
    for name in ground.several:
        more = draw(st.lists(values(made, name).filter(bool), max_size=2))
        present[name] = tuple(filter(None, (present.get(name), *more)))
    return make_entry(made.ground, present, position)


def make_entry(ground: str, present: dict[str, Any], position: int, at: float = 0) -> Entry:
    """An entry of a ground with these fields, ``at`` seconds after `TIME`.

    Values are texts; those of the unnamed ``Data`` are tuples of texts.
    """
    return replace(_entry(ground, present, position), time=TIME + timedelta(seconds=at))


SYSMON = ("Microsoft-Windows-Sysmon/Operational", "Microsoft-Windows-Sysmon")
EVENTS = {
    "process": ("1", *SYSMON),
    "connection": ("3", *SYSMON),
    "file": ("11", *SYSMON),
    "registry": ("13", *SYSMON),
    "security": ("5145", "Security", "Microsoft-Windows-Security-Auditing"),
    "management": ("1", "MSExchange Management", "MSExchange CmdletLogs"),
    "application": ("4", "Application", "MSExchange Control Panel"),
}
"""Ground → event id, channel, provider."""


def _entry(ground: str, present: dict[str, Any], position: int) -> Entry:
    if ground in ("w3c", "httpproxy"):
        return Entry(ground, "a.log", position, TIME, "mail01", present)
    unnamed: tuple[str, ...] = ()
    if ground == "application":
        unnamed = present.pop("Data", ())
    if ground == "management":
        unnamed = (present.get("Cmdlet", ""), present.get("Parameters", ""), *[""] * 25)
    return _windows(EVENTS[ground], present, unnamed, position)


def _windows(
    event: tuple[str, str, str],
    present: dict[str, Any],
    unnamed: tuple[str, ...],
    position: int,
) -> WindowsEvent:
    event_id, channel, provider = event
    system = {
        "Provider_Name": provider,
        "EventID": event_id,
        "Level": "4",
        "Channel": channel,
        "Computer": "mail01",
    }
    filled = tuple(text for text in unnamed if text)
    fields: dict[str, Any] = {**system, **present}
    if filled:
        fields["Data"] = filled
    return WindowsEvent(
        "winevent",
        "a.evtx",
        position,
        TIME,
        "mail01",
        fields,
        system=system,
        data={} if unnamed else present,
        unnamed=unnamed,
    )

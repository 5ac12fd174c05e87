"""What the test modules share: rules from inline YAML, entries from inline fields."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hafnium.entries import Entry, Kind, Value, WindowsEvent
from hafnium.loading import Loaded, load_rules
from hafnium.rule import Rule

START = datetime(2021, 3, 3, 6, 49, tzinfo=UTC)


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str], Loaded]:
    """Load one file of rules from indented YAML."""
    count = 0

    def make(text: str) -> Loaded:
        nonlocal count
        count += 1
        file = tmp_path / f"rule_{count}.yml"
        file.write_text(textwrap.dedent(text), encoding="utf-8")
        return load_rules([file])

    return make


@pytest.fixture
def rule(load: Callable[[str], Loaded]) -> Callable[..., Rule]:
    """A rule from its detection alone (indented YAML), for a log source."""

    def make(detection: str, logsource: str = "{category: webserver}") -> Rule:
        body = textwrap.indent(textwrap.dedent(detection).strip("\n"), "  ")
        loaded = load(f"title: T\nlogsource: {logsource}\ndetection:\n{body}\n")
        assert not loaded.errors, loaded.errors
        return loaded.rules[0]

    return make


def entry(kind: Kind = "w3c", at: float = 0, position: int = 1, **fields: Value) -> Entry:
    """A text-log entry ``at`` seconds after `START`; ``_`` in names stands for ``-``."""
    named = {name.replace("_", "-"): value for name, value in fields.items()}
    time = START + timedelta(seconds=at)
    return Entry(kind, "a.log", position, time, "mail01", named)


def windows(
    channel: str, event_id: int, at: float = 0, position: int = 1, **data: str
) -> WindowsEvent:
    """A Windows event with named EventData."""
    system = {"Channel": channel, "EventID": str(event_id), "Computer": "MAIL01.corp.example"}
    return WindowsEvent(
        "winevent",
        "a.evtx",
        position,
        START + timedelta(seconds=at),
        "MAIL01.corp.example",
        {**system, **data},
        system=system,
        data=data,
    )

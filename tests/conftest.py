"""What the test modules share: rules from inline YAML."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from hafnium.loading import Loaded, load_rules
from hafnium.rule import Rule


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

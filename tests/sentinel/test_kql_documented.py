"""The replay's operators and functions do what Microsoft's reference says (``documented.yml``)."""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from hafnium.backends.sentinel.binder import KustoBinder
from hafnium.backends.sentinel.binder.process import Binder
from hafnium.backends.sentinel.compiler_text import literal
from hafnium.backends.sentinel.kql_functions import AGGREGATES, SCALARS, TEXT_OPERATORS
from hafnium.backends.sentinel.kql_text import plain
from hafnium.backends.sentinel.replay import SentinelReplay
from hafnium.cli.common import HOUSE
from hafnium.errors import Refused
from hafnium.installed import installed
from hafnium.loading import load_rules
from hafnium.siem import Record, backend
from hafnium.site import Site
from traps.load import traps

PAGES = yaml.safe_load(Path(__file__).with_name("documented.yml").read_text(encoding="utf-8"))
SAID = [(page, *pair) for page, pairs in PAGES.items() for pair in pairs]
STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


@functools.cache
def replay() -> SentinelReplay:
    return SentinelReplay([Record("path", "Event", {"Source": "one row"})])


@functools.cache
def binder() -> Binder:
    absent = KustoBinder().missing()
    if absent:
        pytest.skip(f"{KustoBinder.title}: {absent}")
    return Binder(installed(KustoBinder.name))


def condition(expression: str, value: Any) -> str:
    """What is true when the expression has the value."""
    if value is None:
        return f"isnull({expression})"
    if isinstance(value, bool):
        return expression if value else f"not({expression})"
    if isinstance(value, list | dict):
        return f"tostring({expression}) == {literal(json.dumps(value, separators=(',', ':')))}"
    return f"({expression}) == {literal(value) if isinstance(value, str) else value}"


@pytest.mark.parametrize(("page", "expression", "value"), SAID)
def test_the_replay_gives_the_documented_value(page: str, expression: str, value: Any) -> None:
    assert replay().run(f"Event | where {condition(expression, value)}") == [(0,)]


@pytest.mark.parametrize(("page", "expression", "value"), SAID)
def test_the_binder_accepts_it(page: str, expression: str, value: Any) -> None:
    assert binder().diagnostics(f"Event | where {condition(expression, value)}") == []


@functools.cache
def compiled() -> str:
    """All queries of the pack and of the traps, without what is in quotes."""
    rules = load_rules([HOUSE / "rules"]).rules + [r for trap in traps() for r in trap.rules]
    texts = []
    for rule in rules:
        try:
            texts.append(plain(backend("sentinel").compile(rule, Site()).text))
        except Refused:
            continue
    return STRING.sub("''", "\n".join(texts))


def documented() -> str:
    return STRING.sub("''", "\n".join(plain(expression) for _, expression, _ in SAID))


def test_every_function_that_is_compiled_to_is_documented_here() -> None:
    known = SCALARS.keys() | AGGREGATES.keys()
    used = set(re.findall(r"\b(\w+)\(", compiled())) & known
    assert len(used) > 15
    assert used <= set(re.findall(r"\b(\w+)\(", documented()))


def test_every_text_operator_that_is_compiled_to_is_documented_here() -> None:
    def operators(text: str) -> set[str]:
        return {op for op in TEXT_OPERATORS if re.search(rf"(?<![!\w]){re.escape(op)}(?!\w)", text)}

    assert len(operators(compiled())) > 5
    assert operators(compiled()) <= operators(documented())

"""The engine ``kusto``: Microsoft's binder on every query, and what it must not let through."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hafnium.backends.sentinel.binder import KustoBinder
from hafnium.backends.sentinel.binder.process import Binder
from hafnium.backends.sentinel.compiler import catalogue, compile_rule
from hafnium.backends.sentinel.tables import tables
from hafnium.engines import engine
from hafnium.errors import EngineError, Refused
from hafnium.installed import installed
from hafnium.rule import Rule
from hafnium.site import Site
from traps.load import traps

ABSENT = KustoBinder().missing()
needs_it = pytest.mark.skipif(ABSENT is not None, reason=f"{KustoBinder.title}: {ABSENT}")


@pytest.fixture(scope="module")
def binder() -> Binder:
    return Binder(installed(KustoBinder.name))


@needs_it
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Nowhere | count", "Nowhere"),
        ("Event | where Nowhere == 1", "Nowhere"),
        ("Event | where EventID =~ '1'", "=~"),
        ("Event | where Computer ==", "Error"),
        ("Event | where nowhere(Computer)", "nowhere"),
        ("Event | where coalesce(Computer, 1) == 1", "common type"),
        ("union Event, WindowsEvent | where EventData contains 'x'", "EventData"),
        ("Event | where Computer == 'a\nb'", "Error"),
    ],
)
def test_the_binder_says_what_kusto_would_not_take(binder: Binder, text: str, said: str) -> None:
    assert said in " ".join(binder.diagnostics(text))


@needs_it
def test_it_answers_after_an_error_and_takes_line_breaks(binder: Binder) -> None:
    assert binder.diagnostics("(((")
    assert binder.diagnostics("Event // \N{SNOWMAN}\n| where Computer == 'é'") == []


@needs_it
def test_every_trap_binds() -> None:
    refused: list[Refused] = []
    checked = engine("kusto", [rule for trap in traps() for rule in trap.rules], refused)
    checked.read()
    assert len(checked.queries) > 30
    assert checked.correlations
    assert {name: str(error) for name, error in checked.broken.items()} == {}


@needs_it
def test_a_rejected_query_names_its_rule(binder: Binder, rule: Callable[..., Rule]) -> None:
    made = compile_rule(rule("s: {cs-method: POST}\ncondition: s"), Site())
    assert binder.search(made) == ()
    broken = type(made)(made.rule, made.target, made.language, "Nowhere", made.sources)
    with pytest.raises(EngineError, match=f"{made.rule.path.name}.*Nowhere"):
        binder.search(broken)


@needs_it
def test_a_binder_that_does_not_start_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"broke: .*kusto"):
        Binder(tmp_path).diagnostics("Event")


def test_one_that_is_not_installed_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HAFNIUM_ENGINES", str(tmp_path))
    monkeypatch.setattr("shutil.which", lambda name: "/usr/bin/node")
    assert "make engines" in (KustoBinder().missing() or "")
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert KustoBinder().missing() == "Node is not installed"


def test_every_table_that_is_searched_has_a_schema() -> None:
    assert {source.extra["table"] for source in catalogue()} <= tables().keys()

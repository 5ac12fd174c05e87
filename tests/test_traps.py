"""Every known conversion trap, executed in every engine (``traps/traps.yml``)."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from hafnium.build import build
from hafnium.cli.common import HOUSE
from hafnium.engines import Engine, matches
from hafnium.errors import EngineError, Refused
from hafnium.loading import Loaded, load_rules
from hafnium.rule import Rule
from hafnium.siem import backends
from hafnium.site import Site
from traps.listing import FILE, TRAPPED, listing
from traps.load import Trap, traps


@pytest.mark.parametrize("engine", TRAPPED)
@pytest.mark.parametrize("trap", traps(), ids=lambda trap: trap.name)
def test_trap(trap: Trap, engine: str) -> None:
    refused: list[Refused] = []
    broken: list[EngineError] = []
    found = {
        frozenset(e.position for e in match.entries)
        for match in matches(engine, trap.rules, trap.entries, refused, broken)
    }
    reason = trap.refused.get(engine)
    if reason is not None:
        assert [reason in error.reason for error in refused] == [True]
        return
    assert not refused
    assert not broken
    assert found == trap.wanted


@pytest.mark.parametrize("target", backends())
def test_b9_a_regular_expression_beside_other_fields_keeps_them(
    rule: Callable[..., Rule], target: str
) -> None:
    made = rule("s: {cs-uri-stem|re: 'a+', cs-method: POST}\ncondition: s")
    text = backends()[target].compile(made, Site()).text
    assert "post" in text.lower() or "[pp][oo][ss][tt]" in text.lower()
    assert "a+" in text


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.usefixtures("no_network")
def test_b32_nothing_is_downloaded(tmp_path: Path) -> None:
    rules = load_rules([(HOUSE / "rules").resolve()]).rules[::8]
    built = build(rules, list(backends().values()), Site(), tmp_path)
    assert built.queries


@pytest.mark.parametrize("target", backends())
def test_b35_a_failed_rule_does_not_change_the_next_one(
    rule: Callable[..., Rule], target: str
) -> None:
    good = rule("a: {cs-uri-stem|re: 'a+'}\nb: {cs-uri-stem|re: 'b+'}\ncondition: a or b")
    bad = rule("a: {cs-uri-stem|re: '(?=a)'}\ncondition: a")
    backend = backends()[target]
    before = backend.compile(good, Site()).text
    with pytest.raises(Refused):
        backend.compile(bad, Site())
    assert backend.compile(good, Site()).text == before


@pytest.mark.parametrize("target", backends())
def test_b36_a_rule_compiles_to_the_same_text_again(rule: Callable[..., Rule], target: str) -> None:
    made = rule("s: {cs-uri-stem: a, cs-method: b}\ncondition: s")
    backend = backends()[target]
    texts = {backend.compile(made, Site()).text for _ in range(3)}
    assert len(texts) == 1
    assert len(Engine(backend, [made], []).queries) == 1


@pytest.mark.parametrize(
    ("detection", "reason"),
    [("s: {f|contains: 41}\n  condition: s", "contains"), ("s: {f: a}\n  condition: 2 of s*", "2")],
)
def test_b38_what_sigma_does_not_allow_is_named_early(
    load: Callable[[str], Loaded], detection: str, reason: str
) -> None:
    loaded = load(f"title: T\nlogsource: {{category: webserver}}\ndetection:\n  {detection}\n")
    (error,) = loaded.errors
    assert reason in str(error)
    assert error.line


def test_the_list_of_traps_is_current(request: pytest.FixtureRequest) -> None:
    root = request.config.rootpath
    assert listing(root / "tests") == (root / FILE).read_text(encoding="utf-8")


def test_the_list_names_tests_that_exist(request: pytest.FixtureRequest) -> None:
    named = re.findall(r"`(test_\w+)(?:\[(.*)-\*\])?`", listing(request.config.rootpath / "tests"))
    assert len(named) > 40
    for function, trap in named:
        assert function in globals()
        assert not trap or trap in {trap.name for trap in traps()}

"""Errors cross the border of a process with their place and their mend."""

from __future__ import annotations

import os
import pickle
import signal
from pathlib import Path

import pytest

from hafnium import errors, verify
from hafnium.cli.common import HOUSE
from hafnium.errors import EngineError, HafniumError
from hafnium.loading import load_rules
from hafnium.samples import scenarios

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, HafniumError)
]


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_is_the_same_in_another_process(kind: type[HafniumError]) -> None:
    error = kind("bad", file="a.yml", line=3, mend="mend it")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert str(again) == str(error) == "a.yml:3: bad; mend it"


@pytest.mark.skipif(os.name != "posix", reason="processes are forked on POSIX systems only")
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one processor runs the engines in turn")
def test_an_engine_that_dies_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def die(self: object, name: str, rules: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(verify._Bench, "one", die)
    rules = load_rules([Path(HOUSE / "rules").resolve()]).rules
    found = [s for s in scenarios(HOUSE / "samples", rules) if s.name == "twin-logs"]
    with pytest.raises(EngineError, match="died"):
        verify.verify(rules, found, ["sigma", "splunk"])


def test_shares_hold_every_rule_once_and_a_correlation_with_what_it_refers_to() -> None:
    rules = load_rules([Path(HOUSE / "rules").resolve()]).rules
    assert sum(bool(rule.references) for rule in rules) > 10
    for number in (1, 2, 3, 500):
        shares = verify._shares(rules, number)
        assert len(shares) <= number
        ids = sorted(rule.id for share in shares for rule in share)
        assert ids == sorted(rule.id for rule in rules)
        for share in shares:
            here = {rule.id for rule in share}
            assert all(reference.id in here for rule in share for reference in rule.references)

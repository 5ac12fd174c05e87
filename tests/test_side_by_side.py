"""The stock benchmark: its results are those of today's code, and ours is never wrong."""

from __future__ import annotations

import json

import pytest

from stock.__main__ import compare, pack_cases, trap_cases
from stock.report import RESULTS, summary
from traps.load import traps


def test_the_results_of_the_traps_are_current() -> None:
    said = json.loads(RESULTS.read_text(encoding="utf-8"))
    cases = [case for case in trap_cases() if "very long" not in case.name]  # that one is slow
    assert compare(cases) == {case.name: said["traps"][case.name] for case in cases}


def test_ours_is_right_or_refused_with_a_declared_reason() -> None:
    said = json.loads(RESULTS.read_text(encoding="utf-8"))
    assert set(said["traps"]) == {trap.name for trap in traps()}
    for trap in traps():
        for target, verdicts in said["traps"][trap.name].items():
            assert verdicts["ours"] == ("refused" if target in trap.refused else "right")
    assert set(said["pack"]) == {case.name for case in pack_cases()}, "run make side-by-side"
    for rule, targets in said["pack"].items():
        assert {v["ours"] for v in targets.values()} <= {"right", "refused"}, rule


def test_the_table_stands_in_the_readme(request: pytest.FixtureRequest) -> None:
    said = json.loads(RESULTS.read_text(encoding="utf-8"))
    assert summary(said) in (request.config.rootpath / "README.md").read_text(encoding="utf-8")

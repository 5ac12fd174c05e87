"""The pack's mutations, and the pages in ``docs/`` that rules, samples and mutations make."""

from __future__ import annotations

import pytest

from hafnium.cli.common import HOUSE
from hafnium.docs import checked_in
from hafnium.evasion import Trial, try_all
from hafnium.loading import load_rules
from hafnium.rule import Rule
from hafnium.samples import all_entries


@pytest.fixture(scope="module")
def rules() -> list[Rule]:
    return load_rules([HOUSE / "rules"]).rules


@pytest.fixture(scope="module")
def trial(rules: list[Rule]) -> Trial:
    """All mutations of what the rules match in the samples. It takes seconds."""
    return try_all(rules, all_entries(HOUSE / "samples", rules))


def test_the_pages_are_current(
    rules: list[Rule], trial: Trial, request: pytest.FixtureRequest
) -> None:
    docs = request.config.rootpath / "docs"
    for name, text in checked_in(rules, trial).items():
        assert (docs / name).read_text(encoding="utf-8") == text, f"{name}: run `make docs`"


def test_the_pack_survives_nine_in_ten_and_declares_the_rest(trial: Trial) -> None:
    assert list(trial.problems()) == []
    assert sum(outcome.survived for outcome in trial.outcomes) >= 0.9 * len(trial.outcomes)

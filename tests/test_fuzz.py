"""Generated rules: the engines say what the matcher says.

``make fuzz N=…`` runs this with N comparisons; the default run is short.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from fuzzing.compare import correlated, differences, seen
from fuzzing.correlations import Correlated, correlations, streams
from fuzzing.events import entries
from fuzzing.rules import rules
from hafnium.entries import Entry
from hafnium.siem import backends

EVENTS = 12

N = int(os.environ.get("HAFNIUM_FUZZ", "1500"))
TARGETS = os.environ.get("HAFNIUM_FUZZ_TARGETS", "").split() or [*backends(), "eql", "lucene"]
SINGLE = {"elasticsearch-lucene"}
"""Lucene finds single events; the engine `elasticsearch` has the correlations."""
SEED = int(os.environ.get("HAFNIUM_FUZZ_SEED", "20210303"))


LIMITS = settings(
    max_examples=max(1, N // (EVENTS * len(TARGETS))),
    deadline=None,
    database=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)


@seed(SEED)
@LIMITS
@given(st.data())
def _agree(data: Any) -> None:
    made = data.draw(rules(), label="rule")
    drawn = [data.draw(entries(made, n), label="event") for n in range(1, EVENTS + 1)]
    assert differences(made.document, drawn, TARGETS) == []


@seed(SEED)
@settings(LIMITS, max_examples=max(1, LIMITS.max_examples // 4))
@given(correlations(), streams(EVENTS))
def _correlations_agree(made: Correlated, stream: Sequence[Entry]) -> None:
    assert correlated(made.documents, stream, TARGETS) == []


def test_generated_rules_mean_the_same_in_every_engine() -> None:
    print(f"seed {SEED}, about {N} comparisons")
    _agree()
    print(dict(seen))
    assert seen["comparisons"] > N // 2, "the run compared too little to mean anything"
    assert seen["matches"] > seen["comparisons"] // 20, "hardly anything matched"
    for name in TARGETS:
        assert seen[f"refused by {name}"] < seen["rules"] / 2, f"{name} refuses too much"


def test_generated_correlations_mean_the_same_in_every_engine() -> None:
    print(f"seed {SEED}")
    _correlations_agree()
    print(dict(seen))
    assert seen["episodes"] > seen["correlations"] // 4, "hardly anything was found"
    for name in set(TARGETS) - SINGLE:
        assert seen[f"correlations refused by {name}"] < seen["correlations"] / 2

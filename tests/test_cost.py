"""The cost benchmark: both sides of a rule run on the same traffic, and the page says so."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from cost.__main__ import rows
from cost.engines import Kql
from cost.queries import pairs
from cost.report import RESULTS, page
from cost.timing import median, ratio
from cost.traffic_records import entries
from hafnium.loading import load_rules
from hafnium.rule import Rule
from hafnium.siem import backend

NAMES = ("web_exchange_rpc_discovery", "web_exchange_look_alike_page", "posh_ps_lsass_dump")


@pytest.fixture(scope="module")
def chosen(request: pytest.FixtureRequest) -> list[Rule]:
    rules = load_rules([request.config.rootpath / "rules"]).output
    return [rule for rule in rules if rule.name in NAMES]


def test_both_sides_run_and_the_table_comes_out(chosen: list[Rule]) -> None:
    found = {row["rule"]: row for row in rows(backend("sentinel"), Kql(), chosen, 3_000, 2)}
    assert set(found) == set(NAMES)
    for name in NAMES[:2]:
        assert ratio(found[name]) is not None
        assert not found[name]["why"]
    alone = found[NAMES[2]]
    assert ratio(alone) is None
    assert "no stock pipeline" in alone["why"]
    said = {"targets": {"KQL": list(found.values())}, "entries": 1, "runs": 2, "elasticsearch": ""}
    text = page(said)
    assert f"**{median(found.values()):.2f}** | 2 of 3" in text
    assert all(f"| {name} |" in text for name in NAMES[:2])


def test_no_entry_of_the_traffic_is_repeated() -> None:
    said = Counter((e.source, e.position, str(e.fields)) for e in entries(2_000))
    assert sum(said.values()) == 2_000
    assert set(said.values()) == {1}


def test_the_page_is_that_of_the_stored_results(request: pytest.FixtureRequest) -> None:
    said = json.loads(RESULTS.read_text(encoding="utf-8"))
    shown = Path(request.config.rootpath, "docs/cost.md").read_text(encoding="utf-8")
    assert page(said) == shown


def test_a_query_in_a_language_that_the_engine_does_not_run_is_not_measured(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    rules = load_rules([request.config.rootpath / "rules"]).output
    said = {pair.name: pair for pair in pairs(backend("elastic"), "esql", rules, {}, tmp_path)}
    ordered = said["win_exchange_httpproxy_probe_before_session"]
    assert (list(ordered.ours), ordered.why) == ([], "ours is eql, which the engine does not run")
    assert all(pair.ours for pair in said.values() if "eql, " not in pair.why)

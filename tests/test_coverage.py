"""What the coverage page claims is what the matcher finds in the samples."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import pytest

from hafnium.cli.common import HOUSE
from hafnium.coverage import log_of, logs_of, visible
from hafnium.loading import Loaded, load_rules
from hafnium.matcher import Match, Matcher
from hafnium.pages.coverage import COLLECTIONS, steps
from hafnium.pages.navigator import layer, tactics
from hafnium.rule import Rule
from hafnium.samples import scenarios
from hafnium.taxonomy import shape_of

CHAIN = "proxylogon-2016"


@pytest.fixture(scope="module")
def rules() -> list[Rule]:
    return load_rules([HOUSE / "rules"]).rules


@pytest.fixture(scope="module")
def found(rules: list[Rule]) -> Mapping[str, Sequence[Match]]:
    """Scenario → everything that the rules find in it."""
    matcher = Matcher(rules)
    return {
        scenario.name: list(matcher.scan(scenario.entries()))
        for scenario in scenarios(HOUSE / "samples", rules)
    }


def logs(match: Match) -> set[str]:
    return {log_of(shape_of(entry)) for entry in match.entries}


def test_a_rule_matches_in_the_logs_that_the_page_names_and_in_no_other(
    rules: list[Rule], found: Mapping[str, Sequence[Match]]
) -> None:
    seen: dict[str, set[str]] = defaultdict(set)
    for matches in found.values():
        for match in matches:
            seen[match.rule.id] |= logs(match)
    said = {rule.name: set(logs_of(rule)) for rule in rules if rule.output}
    assert said == {rule.name: seen[rule.id] for rule in rules if rule.output}


@pytest.mark.parametrize("collected", COLLECTIONS.values(), ids=COLLECTIONS)
def test_the_chain_shows_the_steps_that_the_page_names(
    rules: list[Rule], found: Mapping[str, Sequence[Match]], collected: set[str]
) -> None:
    """With the other logs thrown away, the rules that the page calls visible still match."""
    entries = [
        entry
        for scenario in scenarios(HOUSE / "samples", rules)
        if scenario.name == CHAIN
        for entry in scenario.entries()
        if log_of(shape_of(entry)) in collected
    ]
    left = {match.rule.id for match in Matcher(rules).scan(entries)}
    whole = {match.rule.id: match.rule for match in found[CHAIN]}
    expected = {
        match.rule.id
        for match in found[CHAIN]
        if match.rule.correlation is None and logs(match) <= set(collected)
    }
    assert {i for i in left if whole[i].correlation is None} == expected
    assert all(visible(whole[i], collected) for i in left)
    remaining = {tactic for i in left for tactic in tactics(whole[i])}
    assert remaining <= {t for t, (seen, _) in steps(rules, collected).items() if seen} | {
        tactic for i in left if whole[i].level == "low" for tactic in tactics(whole[i])
    }


def test_with_all_logs_everything_is_visible(rules: list[Rule]) -> None:
    assert all(seen == of for seen, of in steps(rules, COLLECTIONS["everything"]).values())


def test_a_rule_is_blind_where_its_field_is_missing(load: Callable[[str], Loaded]) -> None:
    (rule,) = load(
        """
        title: T
        logsource: {category: process_creation, product: windows}
        detection: {s: {OriginalFileName: x}, condition: s}
        """
    ).rules
    assert logs_of(rule) == {"sysmon": ("1",)}
    assert not visible(rule, {"security", "w3c"})


def test_the_layer_counts_every_rule_of_a_technique(rules: list[Rule]) -> None:
    said = json.loads(json.dumps(layer([rule for rule in rules if rule.output])))
    shell = next(t for t in said["techniques"] if t["techniqueID"] == "T1505.003")
    tagged = [r for r in rules if r.output and "attack.t1505.003" in map(str, r.sigma.tags)]
    assert shell["score"] == len(tagged) == len(shell["comment"].splitlines())
    assert said["versions"]["layer"] == "4.5"

"""A site that chooses EQL or Lucene has the pack in it; `make test-engines` runs it on samples."""

from __future__ import annotations

from collections import Counter

import pytest

from hafnium.cli.common import HOUSE
from hafnium.engines import engine
from hafnium.loading import load_rules
from hafnium.rule import Rule


@pytest.fixture(scope="module")
def rules() -> list[Rule]:
    return load_rules([(HOUSE / "rules").resolve()]).output


def languages(name: str, rules: list[Rule]) -> Counter[str]:
    """How many queries of an engine are in each language."""
    made = engine(name, rules, [])
    return Counter(query.language for query in (*made.queries, *made.correlations))


def ordered(rules: list[Rule]) -> int:
    return sum(
        rule.correlation is not None and "ORDERED" in rule.correlation.type.name for rule in rules
    )


def test_only_an_order_of_rules_is_eql_unless_a_site_chooses_it(rules: list[Rule]) -> None:
    assert languages("elastic", rules)["eql"] == ordered(rules)
    assert languages("eql", rules)["eql"] > 0.75 * len(rules)


def test_most_rules_are_lucene_for_a_site_that_chooses_it(rules: list[Rule]) -> None:
    """What Lucene cannot say stays what it is for other sites."""
    said = languages("lucene", rules)
    assert said["lucene"] > 0.7 * len(rules)
    assert said["eql"] == ordered(rules)

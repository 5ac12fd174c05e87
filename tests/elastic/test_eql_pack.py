"""A site that chooses EQL has the pack in EQL, and it finds the same."""

from __future__ import annotations

from collections import Counter

from hafnium.cli.common import HOUSE
from hafnium.engines import engine
from hafnium.loading import load_rules
from hafnium.samples import scenarios
from hafnium.verify import verify


def test_all_rules_find_the_same_in_eql() -> None:
    rules = load_rules([(HOUSE / "rules").resolve()]).rules
    report = verify(rules, list(scenarios((HOUSE / "samples").resolve(), rules)), ["eql"])
    assert report.differences == []
    assert sum(report.cell(rule.id, "eql").positives for rule in report.rules) > 1000


def test_most_rules_are_eql_for_a_site_that_chooses_it() -> None:
    rules = load_rules([(HOUSE / "rules").resolve()]).output
    said = {}
    for name in ("elastic", "eql"):
        made = engine(name, rules, [])
        said[name] = Counter(query.language for query in (*made.queries, *made.correlations))
    assert said["elastic"]["eql"] == sum(
        rule.correlation is not None and "ORDERED" in rule.correlation.type.name for rule in rules
    )
    assert said["eql"]["eql"] > 0.75 * len(rules)

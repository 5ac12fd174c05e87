"""A site that chooses EQL has the pack in EQL; `make test-engines` runs it on all samples."""

from __future__ import annotations

from collections import Counter

from hafnium.cli.common import HOUSE
from hafnium.engines import engine
from hafnium.loading import load_rules


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

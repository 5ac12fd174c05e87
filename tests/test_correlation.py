"""Correlations over sliding windows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from hafnium.entries import Entry
from hafnium.loading import Loaded
from hafnium.matcher import Matcher
from made import entry

BASE = """
title: A
name: a
logsource: {category: webserver}
detection:
  s: {cs-uri-stem: /a}
  condition: s
---
title: B
name: b
logsource: {category: webserver}
detection:
  s: {cs-uri-stem|contains: b}
  condition: s
---
title: C
name: c
correlation:
"""
Find = Callable[[str, Sequence[Entry]], list[tuple[int, ...]]]


@pytest.fixture
def find(load: Callable[[str], Loaded]) -> Find:
    """The episodes of a correlation, as tuples of positions."""

    def run(correlation: str, entries: Sequence[Entry]) -> list[tuple[int, ...]]:
        loaded = load(BASE + "\n".join(f"  {line}" for line in correlation.splitlines()))
        assert not loaded.errors, loaded.errors
        matcher = Matcher(loaded.rules)
        assert not matcher.refused
        found = [m for m in matcher.scan(entries) if m.rule.correlation]
        return [tuple(e.position for e in match.entries) for match in found]

    return run


def hits(*rows: tuple[float, str, str]) -> list[Entry]:
    """Requests: seconds, stem, client."""
    return [
        entry(at=at, position=n, cs_uri_stem=stem, c_ip=client)
        for n, (at, stem, client) in enumerate(rows, 1)
    ]


COUNT = "type: event_count\nrules: [a]\ngroup-by: [c-ip]\ntimespan: 1m\ncondition: {gte: 3}"


def test_event_count_slides(find: Find) -> None:
    across = hits((50, "/a", "x"), (70, "/a", "x"), (109, "/a", "x"))  # over a minute's edge
    assert find(COUNT, across) == [(1, 2, 3)]
    too_long = hits((0, "/a", "x"), (30, "/a", "x"), (61, "/a", "x"))
    assert find(COUNT, too_long) == []


def test_a_window_holds_both_its_ends(find: Find) -> None:
    assert find(COUNT, hits((0, "/a", "x"), (30, "/a", "x"), (60, "/a", "x"))) == [(1, 2, 3)]


def test_groups_are_apart_and_absent_group_fields_do_not_count(find: Find) -> None:
    rows = hits((0, "/a", "x"), (1, "/a", "y"), (2, "/a", "x"), (3, "/a", ""))
    assert find(COUNT, rows) == []
    assert find(COUNT.replace("group-by: [c-ip]\n", ""), rows) == [(1, 2, 3, 4)]


def test_overlapping_windows_are_one_finding_and_distant_ones_are_two(find: Find) -> None:
    near = hits(*[(at, "/a", "x") for at in (0, 20, 40, 60, 80)])
    assert find(COUNT, near) == [(1, 2, 3, 4, 5)]
    far = hits(*[(at, "/a", "x") for at in (0, 1, 2, 500, 501, 502)])
    assert find(COUNT, far) == [(1, 2, 3), (4, 5, 6)]


def test_the_order_of_the_log_does_not_matter(find: Find) -> None:
    rows = hits((40, "/a", "x"), (0, "/a", "x"), (20, "/a", "x"))
    assert find(COUNT, rows) == [(2, 3, 1)]


def test_value_count_counts_distinct_values(find: Find) -> None:
    said = (
        "type: value_count\nrules: [b]\ngroup-by: [c-ip]\ntimespan: 1m\n"
        "condition: {field: cs-uri-stem, gte: 2}"
    )
    assert find(said, hits((0, "/b", "x"), (1, "/b", "x"))) == []
    assert find(said, hits((0, "/b", "x"), (1, "/b1", "x"))) == [(1, 2)]


TEMPORAL = "type: temporal\nrules: [a, b]\ngroup-by: [c-ip]\ntimespan: 1m"
ORDERED = TEMPORAL.replace("temporal", "temporal_ordered")


def test_temporal_takes_any_order(find: Find) -> None:
    assert find(TEMPORAL, hits((0, "/b", "x"), (10, "/a", "x"))) == [(1, 2)]
    assert find(TEMPORAL, hits((0, "/a", "x"), (10, "/a", "x"))) == []
    assert find(TEMPORAL, hits((0, "/b", "x"), (70, "/a", "x"))) == []


def test_ordered_asks_for_the_order(find: Find) -> None:
    assert find(ORDERED, hits((0, "/a", "x"), (10, "/b", "x"))) == [(1, 2)]
    assert find(ORDERED, hits((0, "/b", "x"), (10, "/a", "x"))) == []
    assert find(ORDERED, hits((0, "/b", "x"), (5, "/a", "x"), (10, "/b", "x"))) == [(1, 2, 3)]


def test_events_of_one_instant_may_take_either_step(find: Find) -> None:
    swapped = [("/b", 1), ("/a", 2)]
    rows = [entry(at=0, position=n, cs_uri_stem=stem, c_ip="x") for stem, n in swapped]
    assert find(ORDERED, rows) == [(1, 2)]


def test_an_event_that_matches_two_rules_counts_for_both_in_temporal(
    load: Callable[[str], Loaded],
) -> None:
    loaded = load(BASE.replace("/a}", "/ab}") + "  type: temporal\n  rules: [a, b]\n  timespan: 1m")
    matcher = Matcher(loaded.rules)  # trap B21
    assert [len(m.entries) for m in matcher.scan(hits((0, "/ab", "x")))] == [1]


def test_aliases_join_fields_of_different_names(find: Find) -> None:
    said = (
        "type: temporal\nrules: [a, b]\ngroup-by: [who]\ntimespan: 1m\n"
        "aliases:\n  who:\n    a: c-ip\n    b: cs-username"
    )
    rows = [
        entry(at=0, position=1, cs_uri_stem="/a", c_ip="x"),
        entry(at=1, position=2, cs_uri_stem="/b", cs_username="x"),
        entry(at=2, position=3, cs_uri_stem="/b", cs_username="y", c_ip="x"),
    ]
    assert find(said, rows) == [(1, 2)]


def test_base_rules_stay_silent_unless_generate(load: Callable[[str], Loaded]) -> None:
    text = BASE + "  type: temporal\n  rules: [a, b]\n  timespan: 1m"
    rows = hits((0, "/a", "x"), (1, "/b", "x"))
    silent = Matcher(load(text).rules).scan(rows)
    assert [m.rule.name for m in silent] == ["c"]
    loud = Matcher(load(text + "\n  generate: true").rules).scan(rows)
    assert [m.rule.name for m in loud] == ["a", "b", "c"]


def test_a_scan_counts_nothing_of_the_scan_before(load: Callable[[str], Loaded]) -> None:
    matcher = Matcher(load(BASE + "\n".join(f"  {line}" for line in COUNT.splitlines())).rules)
    two = hits((0, "/a", "x"), (1, "/a", "x"))
    assert [list(matcher.scan(two)), list(matcher.scan(two))] == [[], []]
    assert len(list(matcher.scan([*two, *hits((2, "/a", "x"))]))) == 1

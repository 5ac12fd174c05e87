"""Correlations, run as searches on recorded entries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from hafnium.backends.splunk import BACKEND
from hafnium.entries import Entry
from hafnium.errors import Refused
from hafnium.loading import Loaded
from hafnium.site import Site
from made import entry, windows

Load = Callable[[str], Loaded]
BASE = """
title: A
name: a
logsource: {category: webserver}
detection: {s: {cs-uri-stem|contains: a}, condition: s}
---
title: B
name: b
logsource: {category: webserver}
detection: {s: {cs-uri-stem|contains: b}, condition: s}
---
title: C
name: c
logsource: {product: windows, category: process_creation}
detection: {s: {CommandLine|contains: a}, condition: s}
---
title: X
correlation: """


def found(load: Load, correlation: str, entries: Sequence[Entry]) -> list[int]:
    """The positions, from 1, of the events at which the correlation fires, in order."""
    rule = next(r for r in load(BASE + correlation).rules if r.correlation)
    query = BACKEND.compile(rule, Site())
    records = [BACKEND.record(one)[0] for one in entries]
    return sorted(entries[at].position for (at,) in BACKEND.replay(records).search(query))


def requests(*rows: tuple[float, str, str]) -> list[Entry]:
    """Requests: seconds, stem, client."""
    return [
        entry(at=at, position=n, cs_uri_stem=stem, c_ip=client)
        for n, (at, stem, client) in enumerate(rows, 1)
    ]


COUNT = "{type: event_count, rules: [a], group-by: [c-ip], timespan: 1m, condition: {gte: 3}}"


def test_a_count_slides_and_holds_both_ends_of_its_window(load: Load) -> None:
    assert found(load, COUNT, requests((50, "a", "x"), (70, "a", "x"), (110, "a", "x"))) == [3]
    assert found(load, COUNT, requests((50, "a", "x"), (70, "a", "x"), (111, "a", "x"))) == []
    apart = requests((0, "a", "x"), (1, "a", "y"), (2, "a", "x"), (3, "a", ""), (4, "a", ""))
    assert found(load, COUNT, apart) == []


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        ("gt: 2", [3]),
        ("lt: 2", [1, 4]),
        ("lte: 2", [1, 2, 4]),
        ("eq: 2", [2]),
        ("neq: 2", [1, 3, 4]),
        ("gte: 1", [1, 2, 3, 4]),
    ],
)
def test_every_comparison_of_a_count(load: Load, condition: str, wanted: list[int]) -> None:
    rows = requests((0, "a", "x"), (10, "a", "x"), (20, "a", "x"), (200, "a", "x"))
    assert found(load, COUNT.replace("gte: 3", condition), rows) == wanted


def test_an_event_of_two_rules_counts_once_in_a_count_and_for_both_in_time(load: Load) -> None:
    both = requests((0, "ab", "x"), (10, "b", "x"))
    count = "{type: event_count, rules: [a, b], timespan: 1m, condition: {gte: %d}}"
    assert found(load, count % 2, both) == [2]
    assert found(load, count % 3, both) == []
    temporal = "{type: temporal, rules: [a, b], timespan: 1m}"
    assert found(load, temporal, both[:1]) == [1]


def test_distinct_values_are_counted(load: Load) -> None:
    said = "{type: value_count, rules: [a], timespan: 10s, condition: {gte: 2, field: c-ip}}"
    rows = requests((0, "a", "x"), (5, "a", "x"), (10, "a", "y"), (30, "a", "x"), (31, "a", ""))
    assert found(load, said, rows) == [3]


def test_temporal_needs_all_rules_within_the_span(load: Load) -> None:
    said = "{type: temporal, rules: [a, b], timespan: 10s}"
    assert found(load, said, requests((0, "b", ""), (10, "a", ""))) == [2]
    assert found(load, said, requests((0, "b", ""), (11, "a", ""))) == []
    no = "{type: temporal, rules: [a, b], timespan: 10s, condition: a and not b}"
    assert found(load, no, requests((0, "b", ""), (5, "a", ""), (20, "a", ""))) == [3]


def test_order_matters_and_one_event_is_one_step(load: Load) -> None:
    said = "{type: temporal_ordered, rules: [a, b], timespan: 10s}"
    assert found(load, said, requests((0, "b", ""), (1, "a", ""), (9, "b", ""))) == [3]
    assert found(load, said, requests((0, "ab", ""))) == []
    assert found(load, said, requests((0, "ab", ""), (0, "ab", ""))) in ([1], [2])
    assert found(load, said, requests((0, "a", ""), (11, "b", ""))) == []


def test_aliases_join_logs_that_name_the_field_otherwise(load: Load) -> None:
    said = (
        "{type: temporal, rules: [a, c], timespan: 1m, group-by: [who],"
        " aliases: {who: {a: cs-username, c: User}}}"
    )
    web = entry(at=0, position=1, cs_uri_stem="a", cs_username="u")
    sysmon = windows("Microsoft-Windows-Sysmon/Operational", 1, 5, 2, CommandLine="a", User="u")
    security = windows("Security", 4688, 6, 3, CommandLine="a", SubjectUserName="u")
    other = replace(security, position=4, fields={**security.fields, "SubjectUserName": "v"})
    other = replace(other, data={**security.data, "SubjectUserName": "v"})
    assert found(load, said, [web, sysmon, security, other]) == [2, 3]


def test_an_event_in_two_groups_is_in_both(load: Load) -> None:
    said = (
        "{type: event_count, rules: [a, b], timespan: 1m, group-by: [who],"
        " aliases: {who: {a: c-ip, b: cs-username}}, condition: {gte: 2}}"
    )
    rows = [
        entry(at=0, position=1, cs_uri_stem="ab", c_ip="x", cs_username="y"),
        entry(at=1, position=2, cs_uri_stem="b", c_ip="q", cs_username="y"),
        entry(at=2, position=3, cs_uri_stem="a", c_ip="x", cs_username="q"),
    ]
    assert found(load, said, rows) == [2, 3]


def test_what_a_search_cannot_correlate_is_refused(load: Load) -> None:
    with pytest.raises(Refused, match="20000"):
        found(load, COUNT.replace("gte: 3", "gte: 20000"), [])
    with pytest.raises(Refused, match="value_sum"):
        found(load, COUNT.replace("event_count", "value_sum").replace("3}", "3, field: x}"), [])

"""Correlations in KQL: windows that slide, rows of the events at which they are full (B20)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hafnium.backends.sentinel.compiler import compile_rule
from hafnium.backends.sentinel.replay import SentinelReplay
from hafnium.errors import Refused
from hafnium.loading import Loaded
from hafnium.rule import Rule
from hafnium.siem import Record
from hafnium.site import Site

START = datetime(2021, 3, 3, 6, 0, tzinfo=UTC)
BASE = """\
title: A
name: ra
logsource: {category: webserver}
detection: {s: {cs-uri-stem|contains: a}, condition: s}
---
title: B
name: rb
logsource: {category: webserver}
detection: {s: {cs-uri-stem|contains: b}, condition: s}
---
title: C
name: rc
logsource: {product: windows, category: process_creation}
detection: {s: {CommandLine|contains: c}, condition: s}
---
title: T
correlation: """
Load = Callable[[str], Loaded]


@pytest.fixture
def correlation(load: Load) -> Callable[[str], Rule]:
    def make(said: str) -> Rule:
        loaded = load(BASE + "{timespan: 60s, " + said + "}\n")
        assert not loaded.errors, loaded.errors
        return loaded.rules[-1]

    return make


def web(at: float, stem: str, ip: str = "192.0.2.1", **others: Any) -> Record:
    time = START + timedelta(seconds=at)
    fields = {"TimeGenerated": time, "csUriStem": stem, "cIP": ip, "Computer": "h1", **others}
    return Record("iis", "W3CIISLog", fields)


def process(at: float, command: str, computer: str = "h1", user: str = "u") -> Record:
    data = f'<Data Name="CommandLine">{command}</Data><Data Name="User">{user}</Data>'
    fields = {
        "TimeGenerated": START + timedelta(seconds=at),
        "EventLog": "Microsoft-Windows-Sysmon/Operational",
        "EventID": 1,
        "EventData": data,
        "Computer": computer,
    }
    return Record("event", "Event", fields)


def found(rule: Rule, *records: Record) -> list[int]:
    hits = SentinelReplay(records).search(compile_rule(rule, Site()))
    return sorted({number for hit in hits for number in hit})


def test_count_slides(correlation: Callable[[str], Rule]) -> None:
    made = correlation("type: event_count, rules: [ra], group-by: [c-ip], condition: {gte: 3}")
    times = (0, 50, 70, 110, 200)
    assert found(made, *(web(at, "a") for at in times)) == [3]


def test_window_includes_both_ends(correlation: Callable[[str], Rule]) -> None:
    made = correlation("type: event_count, rules: [ra], condition: {gt: 1}")
    assert found(made, web(0, "a"), web(60, "a")) == [1]
    assert found(made, web(0, "a"), web(60.001, "a")) == []


def test_groups_do_not_mix_and_absent_ones_do_not_count(
    correlation: Callable[[str], Rule],
) -> None:
    made = correlation("type: event_count, rules: [ra], group-by: [c-ip], condition: {gte: 2}")
    assert found(made, web(0, "a", "1.1.1.1"), web(1, "a", "2.2.2.2")) == []
    assert found(made, web(0, "a", ""), web(1, "a", "")) == []


def test_event_found_by_two_rules_counts_once(correlation: Callable[[str], Rule]) -> None:
    made = correlation("type: event_count, rules: [ra, rb], condition: {gte: 2}")
    assert found(made, web(0, "ab")) == []
    assert found(made, web(0, "ab"), web(0, "ab")) == [0, 1]
    assert found(made, web(0, "a"), web(1, "b")) == [1]


def test_count_over_tables(correlation: Callable[[str], Rule]) -> None:
    made = correlation(
        "type: event_count, rules: [ra, rc], group-by: [Computer], condition: {gte: 2}"
    )
    assert found(made, web(0, "a"), process(5, "c"), process(6, "c", "h2")) == [1]


def test_distinct_values_count(correlation: Callable[[str], Rule]) -> None:
    made = correlation(
        "type: value_count, rules: [ra], group-by: [c-ip], condition: {field: cs-uri-query, gte: 2}"
    )
    records = [web(at, "a", csUriQuery=query) for at, query in enumerate(("x", "x", "", "X"))]
    assert found(made, *records) == [3]


def test_b21_event_that_matches_both_rules_fulfils_both(
    correlation: Callable[[str], Rule],
) -> None:
    made = correlation("type: temporal, rules: [ra, rb], group-by: [c-ip]")
    assert found(made, web(0, "ab")) == [0]
    assert found(made, web(0, "b"), web(9, "a"), web(99, "a")) == [1]


def test_temporal_over_aliases(correlation: Callable[[str], Rule]) -> None:
    made = correlation(
        "type: temporal, rules: [ra, rc], group-by: [who], "
        "aliases: {who: {ra: cs-username, rc: User}}"
    )
    records = (web(0, "a", csUserName="bob"), process(5, "c", user="bob"), process(6, "c"))
    assert found(made, *records) == [1]


def test_ordered_needs_the_order(correlation: Callable[[str], Rule]) -> None:
    made = correlation("type: temporal_ordered, rules: [ra, rb], group-by: [c-ip]")
    assert found(made, web(0, "a"), web(60, "b"), web(61, "b")) == [1]
    assert found(made, web(0, "b"), web(1, "a")) == []


def test_ordered_takes_an_event_for_one_step_only(correlation: Callable[[str], Rule]) -> None:
    made = correlation("type: temporal_ordered, rules: [ra, rb]")
    assert found(made, web(0, "ab")) == []
    assert found(made, web(0, "ab"), web(0, "ab")) == [0, 1]
    assert found(made, web(0, "ab"), web(0, "a")) == [0]


def test_ordered_chain_takes_the_latest_start(correlation: Callable[[str], Rule]) -> None:
    made = correlation("type: temporal_ordered, rules: [ra, rb, rc]")
    records = (web(0, "a"), web(40, "a"), web(50, "b"), process(100, "c"), process(101, "c"))
    assert found(made, *records) == [3]


@pytest.mark.parametrize("condition", ["{lt: 3}", "{eq: 3}"])
def test_count_that_has_no_order_is_refused(
    correlation: Callable[[str], Rule], condition: str
) -> None:
    made = correlation(f"type: event_count, rules: [ra], condition: {condition}")
    with pytest.raises(Refused, match="no order") as refused:
        compile_rule(made, Site())
    assert refused.value.line == made.line("correlation")


def test_window_reaches_the_packager(correlation: Callable[[str], Rule]) -> None:
    query = compile_rule(correlation("type: temporal, rules: [ra, rc]"), Site())
    assert query.context["seconds"] == 60
    assert query.context["entities"][0]["column"] == "Computer"
    assert query.sources[0] == "iis"

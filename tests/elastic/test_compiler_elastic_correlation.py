"""Compiled correlations, run on events that tell sliding windows from fixed ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import eql
import pytest
from eql.parser import allow_runs, elasticsearch_syntax

from hafnium.backends.elastic import BACKEND
from hafnium.engines import engine as engine_of
from hafnium.entries import Entry
from hafnium.errors import Refused
from hafnium.loading import Loaded
from hafnium.matcher import Matcher
from hafnium.siem import Query
from hafnium.site import Site
from made import entry

BASE = """
title: A
name: a
logsource: {category: webserver}
detection: {s: {cs-uri-stem|contains: /a}, condition: s}
---
title: B
name: b
logsource: {category: webserver}
detection: {s: {cs-uri-stem|contains: b}, condition: s}
---
title: C
name: c
correlation:
"""
Load = Callable[[str], Loaded]
Event = tuple[float, str, str, str]

EVENTS: list[Event] = [
    (0, "/a", "10.0.0.1", "GET"),
    (10, "/a", "10.0.0.1", "GET"),
    (50, "/b", "10.0.0.1", "GET"),
    (60, "/a", "10.0.0.1", "POST"),
    (61, "/ab", "10.0.0.2", "GET"),
    (200, "/b", "10.0.0.2", "GET"),
    (210, "/a", "10.0.0.2", "PUT"),
    (300, "/a", "10.0.0.3", "GET"),
    (361, "/b", "10.0.0.3", "GET"),
]


def entries(events: Sequence[Event]) -> list[Entry]:
    return [
        entry(at=t, position=n, cs_uri_stem=stem, c_ip=ip, cs_method=method)
        for n, (t, stem, ip, method) in enumerate(events)
    ]


def both(
    load: Load, correlation: str, name: str = "elastic"
) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]], Query]:
    """What the matcher finds, what Elastic finds, and the query."""
    body = "".join(f"  {line}\n" for line in correlation.splitlines())
    loaded = load(BASE + body)
    assert not loaded.errors, loaded.errors
    log = entries(EVENTS)
    said = [m for m in Matcher(loaded.rules).scan(log) if m.rule.correlation]
    refused: list[Refused] = []
    engine = engine_of(name, loaded.rules, refused)
    found = [m for m in engine.scan(log) if m.rule.correlation]
    assert not refused
    assert not engine.broken
    (query,) = engine.correlations
    return (
        [tuple(e.position for e in m.entries) for m in said],
        [tuple(e.position for e in m.entries) for m in found],
        query,
    )


@pytest.mark.parametrize(
    ("correlation", "chosen"),
    [
        ("type: event_count\nrules: [a]\ntimespan: 1m\ncondition: {gte: 3}", "eql"),
        ("type: event_count\nrules: [a, b]\ntimespan: 1m\ncondition: {gt: 2}", "eql"),
        ("type: event_count\nrules: [a, b]\ntimespan: 1m\ncondition: {eq: 2}", "esql"),
        ("type: event_count\nrules: [a]\ntimespan: 1m\ncondition: {gte: 1}", "esql"),
        ("type: temporal_ordered\nrules: [a, b]\ntimespan: 1m", "eql"),
        ("type: temporal_ordered\nrules: [b, a]\ntimespan: 10s", "eql"),
        ("type: temporal\nrules: [a, b]\ntimespan: 1m", "esql"),
        (
            "type: value_count\nrules: [a]\ntimespan: 1m\ncondition: {gte: 2, field: cs-method}",
            "esql",
        ),
        (
            "type: value_count\nrules: [a, b]\ntimespan: 10m\ncondition: {lt: 2, field: c-ip}",
            "esql",
        ),
    ],
)
@pytest.mark.parametrize("group", ["[c-ip]", "[Computer]", "[c-ip, cs-method]"])
def test_correlations_mean_what_the_matcher_says(
    load: Load, correlation: str, chosen: str, group: str
) -> None:
    """B20 to B23. ``chosen`` is the language of a site that chooses EQL; another has EQL for an
    order only."""
    ordered = "ordered" in correlation
    for name, language in (("elastic", "eql" if ordered else "esql"), ("eql", chosen)):
        said, found, query = both(load, f"{correlation}\ngroup-by: {group}", name)
        assert found == said
        assert query.language == language
        if language == "eql":
            with elasticsearch_syntax, allow_runs:
                eql.parse_query(query.text)


def test_the_examples_do_find_something(load: Load) -> None:
    said, found, _ = both(load, "type: temporal\nrules: [a, b]\ngroup-by: [c-ip]\ntimespan: 1m")
    assert found == said == [(0, 1, 2, 3), (4,), (5, 6)]


def test_an_alias_names_the_group_in_each_rule(load: Load) -> None:
    text = """
type: temporal_ordered
rules: [a, b]
aliases: {who: {a: c-ip, b: c-ip}}
group-by: [who]
timespan: 1m"""
    said, found, _ = both(load, text.strip())
    assert found == said == [(0, 1, 2, 3)]


def test_counting_runs_on_stacks_without_inline_stats(load: Load) -> None:
    """Elasticsearch 8.19 has no INLINE STATS in its release; the result names the events."""
    text = "type: value_count\nrules: [a]\ngroup-by: [c-ip]\ntimespan: 1m\n"
    _, found, query = both(load, text + "condition: {gte: 2, field: cs-method}")
    assert found
    assert "INLINE" not in query.text
    assert "events = VALUES(event)" in query.text


@pytest.mark.parametrize(
    "text",
    [
        "type: temporal\nrules: [a, b]\ntimespan: 1m\ngroup-by: [c-ip]\ncondition: a and not b",
        "type: value_sum\nrules: [a]\ntimespan: 1m\ncondition: {gte: 2, field: x}",
    ],
)
def test_what_cannot_be_counted_is_refused(load: Load, text: str) -> None:
    body = "".join(f"  {line}\n" for line in text.splitlines())
    rule = next(r for r in load(BASE + body).rules if r.correlation)
    with pytest.raises(Refused):
        BACKEND.compile(rule, Site())

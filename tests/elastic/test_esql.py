"""ES|QL as Elasticsearch runs it, case by case."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hafnium.backends.elastic.replay import ElasticReplay
from hafnium.errors import EngineError
from hafnium.rule import Rule
from hafnium.siem import Query, Record

STORE = "logs-test-default"
CMD = "process.command_line"


def search(text: str, *documents: dict[str, Any]) -> list[tuple[int, ...]]:
    records = [Record("test", d.pop("_store", STORE), d) for d in map(dict, documents)]
    rule = Rule(sigma=None, path=Path("rule.yml"), document={})  # type: ignore[arg-type]
    return ElasticReplay(records).search(Query(rule, "elastic", "esql", text, ()))


def where(condition: str, *documents: dict[str, Any]) -> list[int]:
    found = search(f"FROM logs-* METADATA _id, _index | WHERE {condition}", *documents)
    return [hit[0] for hit in found]


def matches(condition: str, value: Any, field: str = CMD) -> bool:
    return where(condition, {field: value}) == [0]


def quoted(text: str) -> str:
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
    return '"' + "".join(escapes.get(c, c) for c in text) + '"'


SPECIAL = [
    "plain",
    "back\\slash \"quote\" 'single'",
    "star* mark? per%cent _ $ | [x] {y} (z) ~ # @ & < >",
    "new\nline tab\t",
    "Ünïcode ß Ж",
]


@pytest.mark.parametrize("text", SPECIAL)
def test_a_literal_matches_itself_and_nothing_longer(text: str) -> None:
    escaped = "".join("\\" + c if c in "\\*?" else c for c in text)
    for condition in (f"{CMD} == {quoted(text)}", f"{CMD} LIKE {quoted(escaped)}"):
        assert matches(condition, text)
        assert not matches(condition, text + "x")
    assert matches(f"{CMD} LIKE {quoted(f'*{escaped}*')}", f"before{text}after")


def test_a_long_regex_is_for_computed_values_only() -> None:
    """Elasticsearch hands a field's expression to the index, which takes 1000 characters."""
    long = "|".join(f"a{n}" for n in range(300))
    assert matches(f'CONCAT({CMD}, "") RLIKE "{long}"', "a299")
    with pytest.raises(EngineError, match="1000"):
        matches(f'{CMD} RLIKE "{long}"', "a299")


def test_texts_compare_by_case_unless_lowered() -> None:
    assert not matches(f'{CMD} == "CMD"', "cmd")
    assert not matches(f'{CMD} LIKE "*CMD*"', "cmd")
    assert matches(f'TO_LOWER({CMD}) LIKE "*äb*"', "xÄBx")


def test_like_wildcards_and_their_escapes() -> None:
    assert matches(f'{CMD} LIKE "a?c*"', "abcdef")
    assert not matches(f'{CMD} LIKE "a?c"', "ac")
    assert matches(f'{CMD} LIKE """a\\*c"""', "a*c")
    assert not matches(f'{CMD} LIKE """a\\*c"""', "abc")
    with pytest.raises(EngineError, match="escapes"):
        matches(f'{CMD} LIKE """a\\b"""', "ab")


def test_like_takes_a_list() -> None:
    assert matches(f'{CMD} LIKE ("x*", "*c")', "abc")
    assert matches(f'{CMD} NOT LIKE ("x*", "*d")', "abc")


def test_rlike_is_a_lucene_regular_expression() -> None:
    assert matches(f'{CMD} RLIKE "a.+c"', "abbc")
    assert not matches(f'{CMD} RLIKE "b+"', "abbc")


def test_lucene_has_no_empty_alternative() -> None:
    """Elasticsearch finds nothing with `c(|d)`; `()` is the empty text."""
    with pytest.raises(EngineError):
        matches(f'{CMD} RLIKE "c(|d)"', "c")
    assert matches(f'{CMD} RLIKE "c(()|d)"', "c")
    assert matches(f'{CMD} RLIKE "c(()|d)"', "cd")


def test_null_stays_null_under_not() -> None:
    documents = [{CMD: "a"}, {CMD: "b"}, {"host.name": "h"}]
    assert where(f'NOT {CMD} == "a"', *documents) == [1]
    assert where(f'{CMD} != "a"', *documents) == [1]
    assert where(f'NOT ({CMD} IS NOT NULL AND {CMD} == "a")', *documents) == [1, 2]
    assert where(f"{CMD} IS NULL", *documents) == [2]
    assert where(f'{CMD} == "zz" OR {CMD} IS NULL', *documents) == [2]


def test_several_values_make_a_comparison_null() -> None:
    document = {CMD: ["b", "a", "b"]}
    assert where(f'{CMD} == "a" OR NOT {CMD} == "a"', document) == []
    assert where(f'MV_CONCAT({CMD}, "|") == "a|b"', document) == [0]
    assert where(f"MV_COUNT({CMD}) == 2", document) == [0]
    assert where(f'MV_CONTAINS({CMD}, "a")', document) == [0]


def test_in_lists() -> None:
    status = "http.response.status_code"
    assert matches(f"{status} IN (200, 241)", 241, status)
    assert matches(f'{CMD} NOT IN ("a", "b")', "c")
    assert not matches(f'TO_LOWER({CMD}) IN ("a", "b")', "C")


def test_types_are_verified() -> None:
    status = "http.response.status_code"
    for wrong in (f'{status} == "200"', f"{CMD} == 1", f'{status} LIKE "2*"', f"{CMD} AND true"):
        with pytest.raises(EngineError):
            where(wrong, {status: 200, CMD: "1"})


def test_an_unmapped_column_is_an_error() -> None:
    with pytest.raises(EngineError, match="unknown column"):
        where('winlog.event_data.Nowhere == "x"', {CMD: "a"})


def test_text_fields_can_be_searched() -> None:
    assert matches('message LIKE "*failed*"', "Download failed and more", "message")


def test_addresses() -> None:
    ip = "source.ip"
    assert matches(f'CIDR_MATCH({ip}, "10.0.0.0/8", "fe80::/10")', "fe80::1", ip)
    assert matches(f'{ip} == "::1"', "0:0:0:0:0:0:0:1", ip)
    assert matches(f'CIDR_MATCH(TO_IP({CMD}), "10.0.0.0/8")', "10.1.2.3")
    assert where(f'NOT CIDR_MATCH(TO_IP({CMD}), "10.0.0.0/8")', {CMD: "no address"}) == []


def test_conversions_that_fail_are_null() -> None:
    assert matches(f"TO_DOUBLE({CMD}) > 3.5", "4")
    assert where(f"TO_DOUBLE({CMD}) > 3.5 OR TO_DOUBLE({CMD}) <= 3.5", {CMD: "x"}) == []
    assert matches('TO_STRING(process.pid) LIKE "4?"', 41, "process.pid")


def test_functions_on_texts() -> None:
    document = {CMD: "cmd.exe /c", "process.name": "cmd.exe"}
    for condition in (
        f"STARTS_WITH({CMD}, process.name)",
        f'ENDS_WITH({CMD}, "/c")',
        f'LOCATE({CMD}, "exe") == 5',
        f"LENGTH({CMD}) == 10",
        'CONCAT("<", process.name, ">") == "<cmd.exe>"',
        f'SUBSTRING({CMD}, 5, 3) == "exe"',
        'CASE(process.name == "x", 1, process.name == "cmd.exe", 2, 3) == 2',
        'COALESCE(user.name, process.name, "none") == "cmd.exe"',
    ):
        assert where(condition, document) == [0], condition


def test_quoted_names_and_comments() -> None:
    field = "winlog.event_data.Threat Name"
    text = 'FROM logs-* // all\n| WHERE winlog.event_data.`Threat Name` == "x" /* end */'
    assert search(text, {field: "x"}) == [(0,)]


def test_precedence_of_not_and_or() -> None:
    document = {CMD: "a"}
    assert where("NOT false AND false OR true", document) == [0]
    assert where("NOT (false OR true)", document) == []


def event(second: float, **fields: Any) -> dict[str, Any]:
    minute, rest = divmod(second, 60)
    time = f"2021-03-03T06:{int(minute):02d}:{rest:06.3f}Z"
    return {"@timestamp": time, "host.name": "h", **fields}


def test_counts_group_by_values_and_carry_their_rows() -> None:
    documents = [event(i, **{"user.name": name}) for i, name in enumerate(["a", "b", "a", "a"])]
    text = "FROM logs-* | STATS n = COUNT(*) BY user.name | WHERE n >= 3"
    assert search(text, *documents) == [(0, 2, 3)]


def test_distinct_counts_and_filters_in_aggregates() -> None:
    documents = [event(i, **{"url.path": path}) for i, path in enumerate(["/a", "/b", "/a"])]
    text = 'FROM logs-* | STATS n = COUNT_DISTINCT(url.path), m = COUNT(*) WHERE url.path == "/b"'
    assert search(text + " BY host.name | WHERE n == 2 AND m == 1", *documents) == [(0, 1, 2)]
    assert search(text + " BY host.name | WHERE n == 3", *documents) == []


def test_a_null_group_is_a_group_and_several_values_are_several() -> None:
    documents = [{"user.name": ["a", "b"]}, {"user.name": "b"}, {"host.name": "h"}]
    text = "FROM logs-* | STATS n = COUNT(*) BY user.name | SORT user.name"
    assert search(text, *documents) == [(0,), (0, 1), (2,)]


def test_time_buckets_and_sliding_by_expansion() -> None:
    documents = [event(50), event(65), event(300)]
    fixed = "FROM logs-* | STATS n = COUNT(*) BY w = DATE_TRUNC(1 minute, @timestamp)"
    assert search(fixed + " | WHERE n >= 2", *documents) == []
    sliding = (
        "FROM logs-* | EVAL a = BUCKET(@timestamp, 1 minute), b = a - 1 minute,"
        " w = MV_APPEND(a, b) | MV_EXPAND w | STATS n = COUNT(*) BY w | WHERE n >= 2"
    )
    assert search(sliding, *documents) == [(0, 1)]


def test_dates_are_compared_and_subtracted() -> None:
    documents = [event(0), event(90)]
    text = (
        "FROM logs-* | STATS start = MIN(@timestamp), until = MAX(@timestamp) BY host.name"
        ' | WHERE DATE_DIFF("seconds", start, until) == 90 AND start < "2021-03-03T06:01:00Z"'
        " AND start + 2 minutes > until"
    )
    assert search(text, *documents) == [(0, 1)]


def test_keep_drop_rename_sort_and_limit() -> None:
    documents = [event(0, **{"process.pid": 5}), event(1, **{"process.pid": 7}), event(2)]
    text = "FROM logs-* | SORT process.pid DESC NULLS LAST | LIMIT 2 | KEEP process.pid"
    assert search(text, *documents) == [(1,), (0,)]
    with pytest.raises(EngineError, match="unknown column"):
        search(text + ' | WHERE host.name == "h"', *documents)
    renamed = "FROM logs-* | RENAME process.pid AS p | WHERE p == 5"
    assert search(renamed, *documents) == [(0,)]
    with pytest.raises(EngineError, match="unknown column"):
        search("FROM logs-* | DROP host.name | WHERE host.name IS NULL", *documents)


def test_index_patterns_come_from_the_query() -> None:
    documents = [{"_store": "winlogbeat-8.19.0", CMD: "a"}, {CMD: "a"}]
    assert search("FROM winlogbeat-*", *documents) == [(0,)]
    assert search('FROM winlogbeat-*, "logs-*"', *documents) == [(0,), (1,)]


@pytest.mark.parametrize("word", ["last", "first", "In", "WITH", "nulls", "by"])
def test_a_word_of_the_language_needs_quotes_as_a_name(word: str) -> None:
    """Elasticsearch: mismatched input 'last' expecting …"""
    with pytest.raises(EngineError):
        search(f"FROM logs-* | EVAL {word} = 1")
    with pytest.raises(EngineError):
        search(f'FROM logs-* | WHERE a.{word} == "x"', {f"a.{word}": "x"})
    assert search(f'FROM logs-* | WHERE a.`{word}` == "x"', {f"a.{word}": "x"}) == [(0,)]


def test_a_keyword_of_more_than_1024_characters_is_not_seen() -> None:
    """`ignore_above`, as Elastic's integrations set it; a wildcard has no limit."""
    keyword, wildcard = "url.query", "url.original"
    for length, found in ((1024, [0]), (1025, [])):
        assert where(f'{keyword} LIKE "*x"', {keyword: "x" * length}) == found
        assert where(f'{wildcard} LIKE "*x"', {wildcard: "x" * length}) == [0]
    assert where(f"{keyword} IS NULL", {keyword: "x" * 1025}) == [0]
    assert where(f'{keyword} == "a"', {keyword: ["a", "x" * 1025]}) == [0]


def test_a_long_row_of_or_is_too_deep_without_parentheses() -> None:
    """Elasticsearch: ESQL statement exceeded the maximum expression depth allowed (400)."""
    row = [f'message == "{n}"' for n in range(500)]
    with pytest.raises(EngineError):
        where(" OR ".join(row), {"message": "7"})
    halves = " OR ".join(f"({' OR '.join(row[n : n + 250])})" for n in (0, 250))
    assert where(halves, {"message": "499"}) == [0]


@pytest.mark.parametrize(
    "wrong",
    [
        "FROM logs-* | WHERE",
        "FROM logs-* | GROK message",
        "FROM logs-* | WHERE NOW() > @timestamp",
        'FROM logs-* | WHERE message == "a\\*b"',
        "FROM logs-* | WHERE message = 1",
        "FROM logs-* | STATS MEDIAN(process.pid)",
        "WHERE true",
    ],
)
def test_what_is_not_known_is_an_error(wrong: str) -> None:
    with pytest.raises(EngineError):
        search(wrong, {"message": "a", "process.pid": 1})

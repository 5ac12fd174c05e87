"""stats, eventstats and streamstats."""

from __future__ import annotations

from typing import Any

import pytest
from spl_running import hits, query, replay, table

from hafnium.errors import EngineError


def column(name: str, text: str, *events: dict[str, Any]) -> list[Any]:
    return [row.get(name) for row in table(text, *events)]


def test_stats_groups_and_drops_events_without_the_group():
    rows = [{"h": "a", "v": "1"}, {"h": "b"}, {"h": "a", "v": "2"}, {"v": "3"}]
    assert table("| stats count, count(v) AS n, sum(v) by h", *rows) == [
        {"h": "a", "count": 2, "n": 2, "sum(v)": 3},
        {"h": "b", "count": 1, "n": 0},
    ]


def test_functions_of_stats():
    rows = [{"v": "b"}, {"v": "a"}, {"v": "b"}, {"v": ["c", "a"]}, {}]
    (row,) = table("| stats dc(v) values(v) list(v) first(v) last(v) count(v) count", *rows)
    assert row["dc(v)"] == 3
    assert row["values(v)"] == ["a", "b", "c"]
    assert row["list(v)"] == ["b", "a", "b", "c", "a"]
    assert (row["first(v)"], row["last(v)"]) == ("b", "a")
    assert (row["count(v)"], row["count"]) == (5, 5)


def test_extremes_are_numeric_for_numbers():
    rows = [{"v": "9"}, {"v": "10"}]
    (row,) = table("| stats min(v) max(v) avg(v) earliest(v) latest(v)", *rows)
    assert list(row.values()) == [9, 10, 9.5, "9", "10"]
    assert table("| stats max(v) AS m", {"v": "a"}, {"v": "b"}) == [{"m": "b"}]


def test_earliest_and_latest_follow_time_not_order():
    rows = [{"v": "new", "_time": 9.0}, {"v": "old", "_time": 1.0}]
    assert table("| stats earliest(v) AS e latest(v) AS l", *rows) == [{"e": "old", "l": "new"}]


def test_list_keeps_a_hundred_values():
    rows = [{"v": str(n)} for n in range(150)]
    assert len(table("| stats list(v) AS l", *rows)[0]["l"]) == 100


def test_count_of_an_expression_counts_where_it_is_true():
    rows = [{"v": "1"}, {"v": "2"}, {}]
    assert table("| stats count(eval(v=1)) AS n dc(eval(lower(v))) AS d", *rows) == [
        {"n": 1, "d": 2}
    ]


def test_stats_rows_are_about_all_events_of_the_group():
    found = replay({"h": "a"}, {"h": "b"}, {"h": "a"}).search(
        query("h=* | stats count by h | where count>1")
    )
    assert found == [(2, 0)]


def test_eventstats_keeps_the_events():
    rows = [{"h": "a"}, {"h": "b"}, {"h": "a"}, {}]
    assert column("count", "| eventstats count by h", *rows) == [2, 1, 2, None]


def test_streamstats_runs_up_to_and_with_the_current_event():
    rows = [{"h": "a"}, {"h": "b"}, {"h": "a"}, {}]
    assert column("count", "| streamstats count", *rows) == [1, 2, 3, 4]
    assert column("count", "| streamstats count by h", *rows) == [1, 1, 2, None]
    assert column("c", "| streamstats current=f count AS c by h", *rows) == [0, 0, 1, None]


def test_streamstats_window_is_of_all_events_unless_global_is_false():
    rows = [{"h": h} for h in "ababa"]
    assert column("count", "| streamstats window=2 count by h", *rows) == [1, 1, 1, 1, 1]
    text = "| streamstats window=2 global=f count by h"
    assert column("count", text, *rows) == [1, 1, 2, 2, 2]
    text = "| streamstats window=1 current=f last(h) AS before"
    assert column("before", text, *rows) == [None, "a", "b", "a", "b"]


def test_streamstats_time_window_slides():
    rows = [{"_time": t} for t in (0.0, 30.0, 60.0, 61.0, 200.0)]
    assert column("count", "| streamstats time_window=60s count", *rows) == [1, 2, 3, 3, 1]
    down = rows[::-1]
    assert column("count", "| streamstats time_window=1m count", *down) == [1, 1, 2, 3, 3]


def test_streamstats_time_window_forgets_distinct_values_one_by_one():
    rows = [
        {"_time": 0.0, "v": "a"},
        {"_time": 1.0, "v": "a"},
        {"_time": 2.0, "v": "b"},
        {"_time": 11.0, "v": "b"},
        {"_time": 12.5, "v": "c"},
    ]
    text = "| streamstats time_window=10s dc(v) AS d values(v) AS all min(_time) AS start"
    assert column("d", text, *rows) == [1, 1, 2, 2, 2]
    assert column("all", text, *rows) == ["a", "a", ["a", "b"], ["a", "b"], ["b", "c"]]
    assert column("start", text, *rows) == [0, 0, 0, 1, 11]


def test_streamstats_time_window_by_group():
    rows = [{"_time": float(t), "h": h} for t, h in enumerate("aabba")]
    text = "| streamstats time_window=3s count AS n by h"
    assert column("n", text, *rows) == [1, 2, 1, 2, 2]


def test_time_window_wants_events_in_order_of_time():
    rows = [{"_time": 0.0}, {"_time": 2.0}, {"_time": 1.0}]
    with pytest.raises(EngineError, match="order of time"):
        table("| streamstats time_window=1m count", *rows)


# The table of the Search Reference, for resets before and after a condition.
SESSIONS = [
    {"host": "x", "bytes": "100", "action": "LOGON"},
    {"host": "y", "bytes": "200", "action": "APP_START"},
    {"host": "x", "bytes": "400", "action": "FILE_DOWNLOAD"},
    {"host": "x", "bytes": "50", "action": "REBOOT"},
    {"host": "y", "bytes": "150", "action": "LOGON"},
    {"host": "x", "bytes": "100", "action": "LOGON"},
]


def test_reset_after_starts_all_groups_anew_with_the_next_event():
    text = '| streamstats reset_after=(action="REBOOT") sum(bytes) AS total by host'
    assert column("total", text, *SESSIONS) == [100, 200, 500, 550, 150, 100]


def test_reset_before_starts_all_groups_anew_with_this_event():
    text = '| streamstats reset_before=(action="REBOOT") sum(bytes) AS total by host'
    assert column("total", text, *SESSIONS) == [100, 200, 500, 50, 150, 150]


def test_reset_on_change_starts_anew_when_the_group_changes():
    rows = [{"h": h} for h in "aabba"]
    text = "| streamstats reset_on_change=true count by h"
    assert column("count", text, *rows) == [1, 2, 1, 2, 1]


def test_streamstats_without_a_window_refuses_more_than_its_limit():
    rows = [{} for _ in range(10_001)]
    with pytest.raises(EngineError, match="10000"):
        table("| streamstats count", *rows)


def test_event_addresses_make_a_row_be_about_other_events():
    found = replay({"a": "1"}, {"a": "2"}, {"a": "3"}).search(
        query(
            "* | sort 0 _time | streamstats time_window=1s values(_cd) AS e count | where count>1"
        )
    )
    assert found == [(1, 0), (2, 1)]


def test_a_plain_row_is_about_itself():
    assert hits("* | streamstats count | where count=1", {}, {}) == [1]


@pytest.mark.parametrize(
    "text",
    [
        "stats foo(a)",
        "stats dc",
        "stats count by",
        "stats values(*)",
        "streamstats bogus=1 count",
        "streamstats current=maybe count",
        "streamstats time_window=5 count",
        "streamstats window=-1 count",
        "streamstats window=10001 count",
        "streamstats reset_after=x count",
        "stats sum(a)",
    ],
)
def test_what_is_not_known_is_refused(text: str):
    with pytest.raises(EngineError):
        table(f"| {text}", {"a": "x"})


def test_grouping_by_a_multivalue_is_refused():
    with pytest.raises(EngineError, match="multivalue"):
        table("| stats count by a", {"a": ["x", "y"]})

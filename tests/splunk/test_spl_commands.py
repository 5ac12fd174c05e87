"""The commands besides search, where and the statistics."""

from __future__ import annotations

import pytest
from spl_running import hits, replay, table
from spl_running import query as asked

from hafnium.errors import EngineError


def test_results_come_newest_first_until_sorted():
    events = [{"n": "1"}, {"n": "2"}, {"n": "3"}]
    assert hits("n=* | head 1", *events) == [2]
    assert hits("n=* | sort 0 _time | head 2", *events) == [0, 1]


def test_sort_is_numeric_for_numbers_and_by_text_otherwise():
    numbers = [{"n": "10"}, {"n": "9"}, {"n": "-1"}]
    assert [row["n"] for row in table("| sort 0 n", *numbers)] == ["-1", "9", "10"]
    assert [row["n"] for row in table("| sort 0 - n", *numbers)] == ["10", "9", "-1"]
    assert [row["n"] for row in table("| sort 0 str(n)", *numbers)] == ["-1", "10", "9"]
    texts = [{"n": "10"}, {"n": "9"}, {"n": "b"}]
    assert [row["n"] for row in table("| sort n", *texts)] == ["10", "9", "b"]


def test_sort_by_several_fields_keeps_the_order_of_equals():
    rows = [{"a": "1", "b": "x"}, {"a": "2", "b": "x"}, {"a": "1", "b": "y"}]
    found = table("| sort 0 -a, +b", *rows)
    assert [(row["a"], row["b"]) for row in found] == [("2", "x"), ("1", "x"), ("1", "y")]


def test_sort_without_zero_keeps_ten_thousand_results():
    rows = [{"a": str(n)} for n in range(10_001)]
    assert len(table("| sort a", *rows)) == 10_000
    assert len(table("| sort 0 a", *rows)) == 10_001


def test_sort_by_an_absent_field_is_refused():
    with pytest.raises(EngineError, match="not documented"):
        table("| sort 0 a", {"a": "1"}, {})


def test_dedup_keeps_the_first_and_drops_events_without_the_field():
    rows = [{"a": "1", "b": "x"}, {"a": "1", "b": "y"}, {"b": "z"}, {"a": "2"}]
    assert table("| dedup a", *rows) == [{"a": "1", "b": "x"}, {"a": "2"}]
    assert len(table("| dedup 2 a", *rows)) == 3
    assert len(table("| dedup a, b", *rows)) == 2


def test_fields_keeps_internal_fields_and_table_does_not():
    assert table("| fields a* | eval t=_time", {"a1": "x", "b": "y"}) == [{"a1": "x", "t": 0.0}]
    assert table("| fields - a*, b | eval c=1", {"a1": "x", "b": "y"}) == [{"c": 1}]
    assert table("| table a1 _time | eval c=_time", {"a1": "x", "b": "y"}) == [{"a1": "x", "c": 0}]
    assert table("| fields - _time | eval c=_time", {"a": "x"}) == [{"a": "x"}]


def test_rename():
    assert table('| rename a AS "b c", x as y', {"a": "1", "y": "2"}) == [{"b c": "1"}]
    with pytest.raises(EngineError, match="wildcards"):
        table("| rename a* AS b*", {"a": "1"})


def test_eval_sees_what_it_assigned_and_null_removes():
    assert table('| eval b=a."1", c=b."2", a=null()', {"a": "x"}) == [{"b": "x1", "c": "x12"}]
    assert table("| eval 'x-y'=1", {}) == [{"x-y": 1}]


def test_regex_filters_by_a_field_or_the_raw_text():
    events = {"a": "foo1", "_raw": "x"}, {"a": "FOO1", "_raw": "y"}, {"_raw": "y"}
    assert hits(r'| search * | regex a="^foo\d$"', *events) == [0]
    assert hits('* | regex "^y$"', *events) == [1, 2]
    assert hits('a=* | regex a!="^foo"', *events) == [1]
    with pytest.raises(EngineError, match="not documented"):
        hits('* | regex a!="^foo"', *events)


def test_rex_extracts_named_groups():
    row = {"a": "x=1;y=2", "_raw": "q=7"}
    assert table(r'| rex field=a "x=(?<x>\d)"', row)[0]["x"] == "1"
    assert table(r'| rex field=a max_match=0 "=(?<v>\d)"', row)[0]["v"] == ["1", "2"]
    assert table(r'| rex "q=(?<q>\d)"', row)[0]["q"] == "7"
    assert table(r'| rex field=a "z=(?<x>\d)"', {**row, "x": "old"})[0]["x"] == "old"
    assert "x" not in table(r'| rex field=gone "(?<x>.)"', row)[0]
    with pytest.raises(EngineError, match="mode"):
        table('| rex mode=sed "s/a/b/"', row)
    with pytest.raises(EngineError, match="named group"):
        table('| rex "a"', row)


def test_bin_counts_spans_from_the_epoch():
    rows = [{"_time": 299.0}, {"_time": 300.5}]
    assert table("| bin _time span=5m | eval t=_time", *rows) == [{"t": 0.0}, {"t": 300.0}]
    assert table("| bucket _time span=5m AS t", *rows) == [{"t": 0.0}, {"t": 300.0}]
    with pytest.raises(EngineError, match="span"):
        table("| bin _time span=1mon", *rows)


def test_multivalues_are_made_and_expanded():
    (row,) = table('| makemv delim="," a', {"a": "x,,y"})
    assert row["a"] == ["x", "y"]
    assert [row["a"] for row in table('| makemv delim="," a | mvexpand a', {"a": "x,y"})] == [
        "x",
        "y",
    ]
    assert table("| mvexpand a", {"b": "1"}) == [{"b": "1"}]


def test_fillnull_gives_a_value_to_what_is_absent():
    assert table('| fillnull value="-" a b', {"a": "x"}) == [{"a": "x", "b": "-"}]
    assert table("| fillnull a", {}) == [{"a": "0"}]


def test_search_in_the_middle_of_a_pipeline():
    assert hits("* | eval n=1+1 | search n=2 a=X", {"a": "x"}, {"a": "y"}) == [0]


@pytest.mark.parametrize(
    "command",
    [
        "lookup x a",
        "join a [search b]",
        "stats",
        "head",
        "head a",
        "dedup",
        "sort",
        "rename a b",
        "fields",
        "rex",
        "eval a",
        "regex a",
        "mvexpand a limit=1",
        "bin span=5m",
        "bin a b span=5m",
        "fields - _raw | search foo",
        "spath",
        "append x",
    ],
)
def test_other_commands_and_forms_are_refused(command: str):
    with pytest.raises(EngineError):
        hits(f"* | {command}", {"a": "1"})


def test_replay_gives_tuples_in_order_and_names_the_rule_in_errors():
    found = replay({"a": "1"}, {"a": "1"}, {"a": "2"})
    assert found.search(asked("a=1")) == [(0,), (1,)]
    assert found.search(asked("a=1 | stats count")) == [(1, 0)]
    with pytest.raises(EngineError, match=r"^rule.yml: .*where at position 12"):
        found.search(asked("a=1 | where nope(a)"))
    with pytest.raises(EngineError, match="no event stands behind"):
        found.search(asked("a=9 | stats count"))

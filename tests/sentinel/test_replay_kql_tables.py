"""The replay runs pipelines with Kusto's meaning, and knows the records of each row."""

from __future__ import annotations

from datetime import timedelta

import pytest
from kql_rows import START, computers, hits, rows, run

from hafnium.backends.sentinel.replay import SentinelReplay
from hafnium.errors import EngineError
from hafnium.siem import Record


def test_time_is_compared_and_added():
    records = computers("a", "b", "c")
    after = "TimeGenerated > datetime(2021-03-03T06:00:30Z)"
    assert hits(records, f"Event | where {after}") == [1, 2]
    assert hits(records, "Event | where TimeGenerated < ago(1d)") == [0, 1, 2]
    assert hits(records, 'Event | where TimeGenerated >= "2021-03-03 06:02"') == [2]
    span = "(TimeGenerated - datetime(2021-03-03 06:00)) / 1m == 2"
    assert hits(records, f"Event | where {span}") == [2]


def test_a_union_takes_columns_by_name_and_strings_are_empty_where_a_table_has_none():
    records = [
        *rows({"Source": "s"}),
        *rows({"Provider": "p"}, table="WindowsEvent"),
        *rows({"csMethod": "GET"}, table="W3CIISLog"),
    ]
    both = "union isfuzzy=true Event, Nope, (WindowsEvent | where true), W3CIISLog"
    assert hits(records, f'{both} | where Source == ""') == [1, 2]
    assert hits(records, f'{both} | where csMethod != "GET" and isempty(csMethod)') == [0, 1]
    assert hits(records, 'Nope2 | union isfuzzy=true W3CIISLog | where csMethod has "get"') == [2]
    assert hits(records, "union withsource=T Event, W3CIISLog | where T == 'W3CIISLog'") == [2]


def test_a_union_keeps_columns_of_two_types_apart():
    records = [*rows({"EventData": "x"}), *rows({"EventData": {"a": "1"}}, table="WindowsEvent")]
    both = "union Event, WindowsEvent"
    assert hits(records, f'{both} | where EventData_string == "x"') == [0]
    assert hits(records, f'{both} | where EventData_dynamic.a == "1"') == [1]
    with pytest.raises(EngineError, match="no column named 'EventData'"):
        run(records, f"{both} | where isnotempty(EventData)")


def test_columns_that_differ_in_case_only_stay_apart():
    records = [
        *rows({"LogonID": "0x3e7"}, table="SecurityEvent"),
        *rows({"LogonId": 999}, table="DeviceProcessEvents"),
    ]
    both = "union SecurityEvent, DeviceProcessEvents"
    assert hits(records, f'{both} | where LogonID == "0x3e7"') == [0]
    assert hits(records, f"{both} | where LogonId == 999") == [1]
    records = [
        *rows({"ProcessId": "0x4"}, table="SecurityEvent"),
        *rows({"ProcessId": 4}, table="DeviceProcessEvents"),
        *rows({"ProcessID": 4}, table="CommonSecurityLog"),
    ]
    both = f"{both}, (CommonSecurityLog | project ProcessID)"
    assert hits(records, f'{both} | where ProcessId_string == "0x4"') == [0]
    assert hits(records, f"{both} | where ProcessId_long == 4") == [1]
    assert hits(records, f"{both} | where ProcessID == 4") == [2]


def test_let_binds_values_tables_and_functions():
    records = rows({"Computer": "a", "EventID": 1}, {"Computer": "b", "EventID": 2})
    text = """
        let wanted = 2;
        let f = (x: string, y: string) { x =~ y };
        let t = Event | where EventID == wanted;
        t | where f(Computer, "B")
    """
    assert hits(records, text) == [1]


def test_a_parameter_hides_a_column_of_its_name():
    records = rows({"Computer": "a", "Source": "b"})
    assert hits(records, 'let f = (Source: string) { Source }; Event | where f("q") == "q"') == [0]


def test_a_group_is_of_all_its_records():
    records = computers("a", "b", "a")
    assert run(records, "Event | summarize n = count() by Computer") == [(0, 2), (1,)]
    assert run(records, "Event | summarize n = count() by Computer | where n > 1") == [(0, 2)]
    assert run(records, "Event | distinct Computer") == [(0, 2), (1,)]
    assert run(records, "Event | count") == [(0, 1, 2)]
    assert run(records, "Event | where false | count") == [()]
    assert run(records, "Event | summarize by bin(TimeGenerated, 2m)") == [(0, 1), (2,)]


@pytest.mark.parametrize(
    "aggregate",
    [
        "n = count() | where n == 3",
        "n = countif(EventID > 1) | where n == 2",
        "n = dcount(Computer) | where n == 2",
        "n = count_distinct(Computer) | where n == 2",
        "n = dcountif(Computer, EventID == 2) | where n == 1",
        "n = sum(EventID) | where n == 6",
        "n = max(EventID), m = min(EventID) | where n - m == 2",
        "s = make_set(Computer) | where array_length(s) == 2 and set_has_element(s, 'a')",
        "s = make_list(Computer) | where array_length(s) == 3",
        "s = make_list(Computer, 2) | where array_length(s) == 2",
        "s = make_set_if(Computer, EventID == 2) | where tostring(s[0]) == 'b'",
        "arg_max(TimeGenerated, *) | where EventID == 3 and Computer == 'a'",
        "arg_min(TimeGenerated, EventID) | where EventID == 1",
        "n = avg(EventID) | where n == 2.0",
        "Computer = take_any(Computer) | where isnotempty(Computer)",
        "first = min(TimeGenerated), last = max(TimeGenerated) | where last - first == 2m",
    ],
)
def test_aggregates(aggregate: str):
    records = rows(
        {"Computer": "a", "EventID": 1},
        {"Computer": "b", "EventID": 2},
        {"Computer": "a", "EventID": 3},
    )
    assert run(records, f"Event | summarize {aggregate}") == [(0, 1, 2)]


def test_a_joined_row_is_of_both_its_records():
    records = rows(
        {"Computer": "a", "EventID": 1},
        {"Computer": "a", "EventID": 2},
        {"Computer": "b", "EventID": 2},
        {"Computer": "", "EventID": 1},
    )
    one, two = "Event | where EventID == 1", "(Event | where EventID == 2)"
    assert run(records, f"{one} | join kind=inner {two} on Computer") == [(0, 1)]
    assert run(records, f"{one} | join kind=leftouter {two} on Computer") == [(0, 1), (3,)]
    assert run(records, f"{one} | join kind=leftanti {two} on Computer") == [(3,)]
    assert run(records, f"{one} | join kind=leftsemi {two} on Computer") == [(0,)]
    renamed = f"{one} | join kind=inner {two} on $left.Computer == $right.Computer"
    assert run(records, f"{renamed} | where TimeGenerated1 > TimeGenerated") == [(0, 1)]
    assert run(records, f"{renamed} | where TimeGenerated1 between (TimeGenerated .. 30s)") == []
    assert run(records, f"{renamed} | where TimeGenerated1 between (TimeGenerated .. 1m)") == [
        (0, 1)
    ]
    outer = f"{one} | join kind=leftouter {two} on Computer | where Computer1 == ''"
    assert run(records, outer) == [(3,)]
    found = f"{one} | lookup kind=leftouter ({two} | project Computer, N = 'n') on Computer"
    assert run(records, f"{found} | where N == 'n'") == [(0, 1)]


def test_a_window_that_slides_over_ordered_rows():
    times = [0, 1, 2, 30, 31, 60]
    records = [
        Record("p", "Event", {"TimeGenerated": START + timedelta(minutes=m), "Computer": "a"})
        for m in reversed(times)
    ]
    text = """
        Event
        | sort by Computer asc, TimeGenerated asc
        | extend First = prev(TimeGenerated, 2), Same = prev(Computer, 2)
        | where Same == Computer and TimeGenerated - First <= 5m
    """
    assert hits(records, text) == [3]


def test_functions_of_ordered_rows():
    records = computers("c", "a", "b")
    ordered = "Event | sort by Computer asc"
    assert hits(records, f"{ordered} | extend n = row_number() | where n == 1") == [1]
    assert hits(records, f"{ordered} | where prev(Computer) == 'a'") == [2]
    assert hits(records, f"{ordered} | where prev(Computer) == ''") == [1]
    assert hits(records, f"{ordered} | where next(Computer, 1, 'end') == 'end'") == [0]
    assert hits(records, "Event | serialize n = row_number() | where n == 2") == [1]
    assert hits(records, "Event | serialize | extend n = row_number(10) | where n == 12") == [2]
    assert hits(records, f"{ordered} | take 1") == [1]
    assert hits(records, "Event | top 1 by Computer") == [0]


def test_mv_expand_and_parse():
    records = rows(
        {"EventData": '<Data Name="Image">C:\\x.exe</Data>', "Source": "a,b"}, {"Source": "c"}
    )
    expanded = "Event | mv-expand part = split(Source, ',') to typeof(string)"
    assert hits(records, f"{expanded} | where part == 'b'") == [0]
    parsed = """Event | parse EventData with * 'Name="Image">' Image '<' *"""
    assert hits(records, f"{parsed} | where Image endswith '.exe'") == [0]
    assert hits(records, f"{parsed} | where Image == ''") == [1]


def test_project_away_rename_and_hidden_columns():
    records = computers("a", "b")
    text = "Event | project-rename Host = Computer | project-away Source | project Host"
    assert hits(records, f"{text} | where Host == 'b'") == [1]
    with pytest.raises(EngineError, match="no column"):
        run(records, "Event | where isnotnull(_hf_ref)")


def test_tables_are_all_there_and_empty_ones_match_nothing():
    replay = SentinelReplay([])
    for table in ("DeviceFileEvents", "ExchangeEcpServer_CL", "SecurityEvent", "W3CIISLog"):
        assert replay.run(f"{table} | where TimeGenerated < now()") == []


def test_a_record_of_an_unknown_table_or_type_is_an_error():
    with pytest.raises(EngineError, match="no schema of table Nope"):
        SentinelReplay([Record("p", "Nope", {})])
    with pytest.raises(EngineError, match="no column Nope"):
        SentinelReplay(rows({"Nope": "x"}))
    with pytest.raises(EngineError, match=r"Event\.EventID is of type int"):
        SentinelReplay(rows({"EventID": "1"}))
    with pytest.raises(EngineError, match="Event cannot hold a record"):
        SentinelReplay(computers("lone \ud800 surrogate"))


def test_many_records_are_loaded_in_order():
    records = rows(*({"Computer": f"h{i}", "EventID": i} for i in range(3000)))
    assert hits(records, 'Event | where Computer == "h2999" and EventID == 2999') == [2999]

"""The replay runs KQL with Kusto's meaning: operators, pipelines, and the records of each row."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hafnium.backends.sentinel.replay import SentinelReplay
from hafnium.errors import EngineError
from hafnium.siem import Record

START = datetime(2021, 3, 3, 6, 0, tzinfo=UTC)
SPECIAL = [
    "\\", '"', "'", "*", "?", "%", "_", "$", "|", "[x]", "{x}", "a\nb", "a\tb", "Zürich", "C:\\%a%",
    "''", '""', "//", "]]", "(", "\u2028", "x\x1fy", " ",
]  # fmt: skip


def rows(*fields: dict[str, Any], table: str = "Event") -> list[Record]:
    """Records of one table, a minute apart."""
    return [
        Record("path", table, {"TimeGenerated": START + timedelta(minutes=i), **given})
        for i, given in enumerate(fields)
    ]


def computers(*names: str) -> list[Record]:
    return rows(*({"Computer": name} if name else {} for name in names))


def run(records: Sequence[Record], text: str) -> list[tuple[int, ...]]:
    return SentinelReplay(records).run(text)


def hits(records: Sequence[Record], text: str) -> list[int]:
    found = run(records, text)
    assert all(len(hit) == 1 for hit in found)
    return [hit[0] for hit in found]


@functools.cache
def loaded(kind: str) -> SentinelReplay:
    """Replays that several tests share."""
    return SentinelReplay(
        {
            "strings": computers("Mail01", "mail box", "", "ärger"),
            "numbers": rows({"EventID": 1}, {"EventID": 11}, {}),
            "dynamic": rows(
                {"EventData": {"Image": "C:\\x.exe", "Threat Name": 'a"b'}},
                {"EventData": {"n": "5", "list": ["a", "b"]}},
                {},
                table="WindowsEvent",
            ),
            "one": rows({"Source": "src"}),
        }[kind]
    )


def found_in(kind: str, text: str) -> list[int]:
    return [index for (index,) in loaded(kind).run(text)]


def literal(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("\n", "\\n").replace("\t", "\\t") + '"'


@pytest.mark.parametrize(
    ("test", "found"),
    [
        ('Computer == "Mail01"', [0]),
        ('Computer == "mail01"', []),
        ('Computer != "Mail01"', [1, 2, 3]),
        ('Computer =~ "mail01"', [0]),
        ('Computer !~ "MAIL01"', [1, 2, 3]),
        ('Computer contains "IL0"', [0]),
        ('Computer contains_cs "IL0"', []),
        ('Computer !contains "IL0"', [1, 2, 3]),
        ('Computer startswith "mail"', [0, 1]),
        ('Computer startswith_cs "mail"', [1]),
        ('Computer endswith "01"', [0]),
        ('Computer !endswith "01"', [1, 2, 3]),
        ('Computer has "mail"', [1]),
        ('Computer has "box"', [1]),
        ('Computer in ("Mail01", "x")', [0]),
        ('Computer in~ ("MAIL01", "MAIL box")', [0, 1]),
        ('Computer !in~ ("MAIL01", "MAIL box")', [2, 3]),
        ('Computer has_any ("box", "y")', [1]),
        ('Computer matches regex "^mail"', [1]),
        ('Computer matches regex "(?i)^mail..$"', [0]),
        ('isempty(Computer)', [2]),
        ('isnotempty(Computer)', [0, 1, 3]),
        ('isnull(Computer)', []),
        ('isnotnull(Computer)', [0, 1, 2, 3]),
        ('Computer == ""', [2]),
        ('strlen(Computer) == 0', [2]),
        ('not(Computer == "Mail01") and not(Computer contains "zzz")', [1, 2, 3]),
        ('Computer contains ""', [0, 1, 2, 3]),
        ('Computer =~ "äRGER"', [3]),
        ('Computer =~ "ÄRGER"', []),
        ('Computer in~ ("äRGER", "ÄRGER")', [3]),
        ('Computer contains "ÄR"', []),
        ('tolower(Computer) contains "är"', [3]),
        ('Computer matches regex "(?i)ÄRGER"', [3]),
    ],
)  # fmt: skip
def test_strings_are_compared_as_in_kusto_and_never_null(test: str, found: list[int]):
    assert found_in("strings", f"Event | where {test}") == found


@pytest.mark.parametrize("value", SPECIAL)
def test_special_characters_are_themselves(value: str):
    records = computers("plain", f"a{value}z", value)
    written = literal(value)
    assert hits(records, f"Event | where Computer == {written}") == [2]
    assert hits(records, f"Event | where Computer contains {written}") == [1, 2]
    assert hits(records, f"Event | where Computer endswith {written}") == [2]
    assert hits(records, f"Event | where Computer in~ ({written})") == [2]
    joined = f'replace_string(Computer, {written}, "<>")'
    assert hits(records, f'Event | where {joined} == "a<>z"') == [1]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'"a\\b"', r"a\b"),
        (r'@"a\b"', r"a\b"),
        (r"@'it''s'", "it's"),
        (r'@"say ""x"""', 'say "x"'),
        (r"'\x41\u0042\U00000043\103'", "ABCC"),
        (r'h"secret"', "secret"),
        (r'H@"se\cret"', r"se\cret"),
        ('```a"b```', 'a"b'),
        (r'"a" "b"', "ab"),
        (r'"// no comment"', "// no comment"),
        (r'"a;|b"', "a;|b"),
    ],
)
def test_string_literals_are_decoded_as_kusto_decodes_them(text: str, value: str):
    assert hits(computers(value, "other"), f"Event | where Computer == {text} // comment") == [0]


@pytest.mark.parametrize(
    ("test", "found"),
    [
        ("EventID == 1", [0]),
        ("EventID != 1", [1, 2]),
        ("EventID in (1, 11)", [0, 1]),
        ("EventID !in (1)", [1, 2]),
        ("EventID in (dynamic([1, \"11\"]))", [0]),
        ("EventID > 5", [1]),
        ("not(EventID > 5)", [0]),
        ("isnull(EventID)", [2]),
        ("isnotnull(EventID) and EventID <= 11", [0, 1]),
        ("EventID between (2 .. 11)", [1]),
        ("EventID !between (2 .. 11)", [0]),
        ('tostring(EventID) == "1"', [0]),
        ('tostring(EventID) == ""', [2]),
        ("EventID + 10 == 11", [0]),
        ("EventID == 1.0", [0]),
        ("EventID == -1", []),
    ],
)  # fmt: skip
def test_numbers_may_be_null(test: str, found: list[int]):
    assert found_in("numbers", f"Event | where {test}") == found


@pytest.mark.parametrize(
    ("test", "found"),
    [
        ('EventData.Image =~ "c:\\\\x.exe"', [0]),
        ('tostring(EventData["Threat Name"]) == "a\\"b"', [0]),
        ('EventData.Nope == ""', [0, 1, 2]),
        ("isempty(EventData.Image)", [1, 2]),
        ("isnull(EventData.Image)", [1, 2]),
        ("isnotnull(EventData.Image)", [0]),
        ('EventData.image == "C:\\\\x.exe"', []),
        ('EventData contains "THREAT"', [0]),
        ('EventData.Image in~ ("C:\\\\X.EXE")', [0]),
        ('tostring(EventData.n) == "5" and tolong(EventData.n) > 4', [1]),
        ('todouble(EventData.n) > 4.5', [1]),
        ('bag_has_key(EventData, "n")', [1]),
        ('array_length(bag_keys(EventData)) == 2', [0, 1]),
        ('EventData.list[1] == "b"', [1]),
    ],
)  # fmt: skip
def test_dynamic_values(test: str, found: list[int]):
    assert found_in("dynamic", f"WindowsEvent | where {test}") == found


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("todouble(Computer)", "1_000"),
        ("todouble(Computer)", "inf"),
        ("todouble(Computer)", "nan"),
        ("todouble(Computer)", "0x10"),
        ("todouble(Computer)", ""),
        ("tolong(Computer)", "1.5"),
        ("toint(Computer)", "3000000000"),
        ("todatetime(Computer)", "soon"),
    ],
)
def test_what_is_no_number_converts_to_null(expression: str, value: str):
    records = computers(value)
    assert hits(records, f"Event | where isnull({expression})") == [0]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("tostring(todouble(' 1.5 '))", "1.5"),
        ("tostring(toint('0x1f'))", "31"),
        ("extract('b(.)', 1, 'abc')", "c"),
        ("extract('x(.)', 1, 'abc')", ""),
        ("extract('(x)?b', 1, 'abc')", ""),
        ("tostring(extract_all('([a-c])', 'abxc')[2])", "c"),
        ("replace_regex('abc', '(b)', '[\\\\1]')", "a[b]c"),
        ("replace_string('a.b', '.', '-')", "a-b"),
        ("tostring(split('a,b', ',')[1])", "b"),
        ("substring('abcdef', 1, 3)", "bcd"),
        ("trim(@'\\s+', '  a ')", "a"),
        ("strcat('a', 1, '', 'b')", "a1b"),
        ("strcat_delim('-', 'a', 'b')", "a-b"),
        ("tolower('ÄB')", "äb"),
        ("coalesce('', 'b', 'c')", "b"),
        ("coalesce('', '')", ""),
        ("iff(1 == 2, 'a', 'b')", "b"),
        ("case(1 == 2, 'a', 2 == 2, 'b', 'c')", "b"),
        ("url_decode('a%20b')", "a b"),
        ("base64_decode_tostring('YWI=')", "ab"),
        ("tostring(parse_json('{\"a\":[1]}').a)", "[1]"),
        ("tostring(parse_json('no json'))", "no json"),
        ("tostring(array_length(pack_array('a', 'b')))", "2"),
        ("column_ifexists('Nope', 'd')", "d"),
        ("column_ifexists('Source', 'd')", "src"),
        ("tostring(datetime_diff('minute', datetime(2021-03-03 06:10), TimeGenerated))", "10"),
        ("tostring(indexof('abc', 'c'))", "2"),
        ("parse_ipv6('fe80::1')", "fe80:0000:0000:0000:0000:0000:0000:0001"),
    ],
)
def test_functions(expression: str, value: str):
    text = f"Event | where {expression} == {literal(value)}"
    assert found_in("one", text) == [0]


@pytest.mark.parametrize(
    ("address", "network", "inside"),
    [
        ("10.1.2.3", "10.0.0.0/8", True),
        ("11.1.2.3", "10.0.0.0/8", False),
        ("10.0.0.1", "10.0.0.1", True),
        ("10.1.2.3", "0.0.0.0/0", True),
        ("10.1.0.0/16", "10.0.0.0/8", True),
        ("mail01", "10.0.0.0/8", None),
        ("10.1.2.256", "10.0.0.0/8", None),
        ("fe80::1", "10.0.0.0/8", None),
        ("", "10.0.0.0/8", None),
    ],
)
def test_ipv4_ranges(address: str, network: str, inside: bool | None):
    test = f'ipv4_is_in_range(Computer, "{network}")'
    assert three_valued(address, test) is inside


@pytest.mark.parametrize(
    ("address", "network", "inside"),
    [
        ("fe80::1", "fe80::/10", True),
        ("FE80:0:0:0:0:0:0:1", "fe80::/10", True),
        ("febf::1", "fe80::/10", True),
        ("fec0::1", "fe80::/10", False),
        ("2001:db8::1", "2001:db8::1/128", True),
        ("10.1.2.3", "::ffff:10.0.0.0/104", True),
        ("11.1.2.3", "::ffff:10.0.0.0/104", False),
        ("10.1.2.3", "::ffff:a00:0/104", True),
        ("mail01", "fe80::/10", None),
        ("", "fe80::/10", None),
    ],
)
def test_ipv6_ranges(address: str, network: str, inside: bool | None):
    assert three_valued(address, f'ipv6_is_in_range(Computer, "{network}")') is inside


def three_valued(address: str, test: str) -> bool | None:
    """What the test says of the address: null is neither true nor, by ``not``, false."""
    records = computers(address)
    if hits(records, f"Event | where {test}"):
        return True
    return False if hits(records, f"Event | where not({test})") else None


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

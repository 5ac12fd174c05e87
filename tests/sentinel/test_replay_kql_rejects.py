"""The replay rejects what Kusto would reject, and what it does not know."""

from __future__ import annotations

import pytest

from hafnium.backends.sentinel.replay import translated
from hafnium.errors import EngineError

WRONG_TYPES = [
    'Event | where EventID == "1"',
    'Event | where EventID in ("1", "2")',
    'Event | where EventID in~ ("1")',
    "Event | where Computer == 1",
    "Event | where Computer in (1)",
    'Event | where EventID contains "1"',
    'Event | where EventID =~ "1"',
    'Event | where EventID matches regex "1"',
    'Event | where Computer < "a"',
    "Event | where Computer > 1",
    "Event | where Computer",
    "Event | where EventID",
    'Event | where "a" or "b"',
    "Event | where not(EventID)",
    "Event | where Computer == true",
    "Event | where EventID == true",
    "Event | where TimeGenerated > 5",
    "Event | where TimeGenerated == Computer",
    "Event | where Computer + 'a' == 'b'",
    "Event | where strlen(EventID) > 1",
    "Event | where tolower(EventID) == 'a'",
    "Event | where datetime_diff('week', now(), TimeGenerated) == 1",
    "Event | where extract('a', '1', Computer) == 'a'",
    "Event | where replace_string(Computer, 'a', 1) == 'a'",
    "Event | where ipv4_is_in_range(EventID, '10.0.0.0/8')",
    "Event | where Computer.a == 'b'",
    "Event | extend x = iff(true, 'a', 1)",
    "Event | extend x = coalesce(Computer, EventID)",
    "Event | extend x = case(Computer, 'a', 'b')",
    "Event | summarize sum(Computer)",
    "Event | summarize countif(EventID)",
    "Event | join kind=inner (WindowsEvent) on $left.Computer == $right.EventID",
    "WindowsEvent | where EventData.a == 5",
    "WindowsEvent | where EventData == EventData",
    "WindowsEvent | summarize count() by tostring(EventData), EventData",
    "Event | mv-expand Computer",
    "let f = (x: string) { x == 1 }; Event | where f(Computer)",
    "Event | where EventID between ('a' .. 'b')",
]
UNKNOWN_NAMES = [
    "Nope | where true",
    "Event | where Nope == 'a'",
    "Event | where computer == 'a'",
    "Event | where ['a-b'] == 'a'",
    "Event | where nope(Computer)",
    "Event | where ISEMPTY(Computer)",
    "Event | extend a = 1, b = a",
    "Event | project Computer | where Source == 'a'",
    "Event | project-away Nope",
    "Event | project-rename A = Nope",
    "Event | summarize by Nope",
    "Event | summarize count() by Computer | where Source == 'a'",
    "Event | sort by Nope",
    "Event | join kind=inner (WindowsEvent) on Nope",
    "Event | join kind=inner (W3CIISLog) on EventID",
    "union Event, Nope",
    "union isfuzzy=true Nope1, Nope2",
    "Event | where Computer in (Nope)",
]
BROKEN_TEXT = [
    "",
    "Event |",
    "Event | where",
    "Event | where Computer ==",
    "Event | where Computer == 'a",
    'Event | where Computer == "a\nb"',
    'Event | where Computer == "C:\\Windows"',
    "Event | where (Computer == 'a'",
    "Event | where Computer == 'a' Computer == 'b'",
    "Event | wherex Computer == 'a'",
    "Event | where Computer = 'a'",
    "Event | where cs-uri-stem == 'a'",
    "let a = 1 Event",
    "Event; Event",
    "Event | where 'Computer' contains",
    ".show tables",
    ".drop table Event",
]
BROKEN_REGEXES = ["(", "a{2,1}", "(?=a)", "(?<!a)b", "[z-a]", "\\\\8"]
NOT_KNOWN = [
    "Event | where prev(EventID) == 1",
    "Event | summarize make_set(EventID) | where prev(set_EventID)",
    "Event | scan with (step s: true;)",
    "Event | evaluate bag_unpack(Computer)",
    "Event | extend x = parse_xml(EventData)",
    "Event | where strlen() == 1",
    "Event | where strlen(Computer, Computer) == 1",
    "Event | where Computer matches regex Source",
    "Event | sample 1",
    "externaldata(a:string)['http://x']",
    "cluster('x').database('y').Event",
    "search 'a'",
    "Event | where * has 'a'",
    "Event | summarize dcount(Computer) by bin(TimeGenerated, EventID)",
]


@pytest.mark.parametrize("text", WRONG_TYPES + UNKNOWN_NAMES + BROKEN_TEXT + NOT_KNOWN)
def test_rejected(text: str):
    with pytest.raises(EngineError):
        translated(text)


@pytest.mark.parametrize("regex", BROKEN_REGEXES)
def test_a_regex_that_re2_cannot_run_is_rejected(regex: str):
    from hafnium.backends.sentinel.replay import SentinelReplay

    with pytest.raises(EngineError):
        SentinelReplay([]).run(f'Event | where Computer matches regex "{regex}"')


def test_an_error_says_what_is_wrong():
    with pytest.raises(EngineError, match="== between values of types int and string"):
        translated('Event | where EventID == "1"')
    with pytest.raises(EngineError, match="no column named 'Nope'"):
        translated("Event | where Nope == 1")
    with pytest.raises(EngineError, match="is not an escape"):
        translated('Event | where Computer == "\\d"')
    with pytest.raises(EngineError, match="in line 2 of the query"):
        translated("Event\n| where Computer == 'a")

"""A query whose unread columns are left out finds the same records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from duckdb_kql import ir

from hafnium.backends.sentinel import kql_prune
from hafnium.backends.sentinel.replay import SentinelReplay, translated
from sentinel.kql_rows import rows

RECORDS = [
    *rows(
        {"Computer": "a", "EventID": 1, "Source": "s", "EventLog": "x"},
        {"Computer": "b", "EventID": 2, "Source": "t"},
        {"Computer": "A", "EventID": 1},
    ),
    *rows(
        {"Computer": "a", "EventID": 1, "ProcessId": "7", "Account": "x"},
        {"Computer": "c", "EventID": 3, "ProcessId": "8"},
        table="SecurityEvent",
    ),
    *rows({"DeviceName": "a", "ProcessId": 7}, {"DeviceName": "d"}, table="DeviceProcessEvents"),
]
QUERIES = (
    'Event | where Computer =~ "a"',
    "Event | extend x = strcat(Computer, Source), y = EventLog | where x == 'as'",
    "Event | extend Computer = Source | where Computer == 't'",
    "Event | extend Source = Computer | extend Computer = 'z' | where Source == 'b'",
    "Event | project Computer, n = EventID | where n == 1 and isnotempty(Computer)",
    "Event | project-away Source | where Computer == 'b'",
    "Event | project-rename Host = Computer | where Host == 'b'",
    "Event | project-rename Source = Computer, Computer = Source | where Computer == 't'",
    "Event | sort by Computer asc | take 1",
    "Event | top 1 by EventID desc",
    "Event | sort by Computer asc, EventID desc | extend n = row_number() | where n == 1",
    "Event | summarize n = count(), arg_max(EventID, Source) by lower = tolower(Computer)"
    " | where n == 2",
    "Event | summarize arg_max(EventID, *) by Computer | where Source == 't'",
    "Event | distinct Computer, EventID | where EventID == 1",
    "Event | count | where Count == 3",
    "union Event, SecurityEvent | where EventID == 1 and Computer == 'a'",
    "union Event, (SecurityEvent | extend Source = Account) | where Source in ('s', 'x')",
    "union Event, (SecurityEvent | project-away Computer) | where Computer == ''",
    "union Event, (SecurityEvent | project-rename Source = Account) | where Source == 'x'",
    "union SecurityEvent, DeviceProcessEvents | where ProcessId_string == '7'",
    "union SecurityEvent, DeviceProcessEvents | where ProcessId_long == 7",
    "union isfuzzy=true Event, Nope | where Source == 't'",
    "union isfuzzy=true (Event | extend x = 'y'), Nope | where x == 'y' and EventID == 2",
    "union kind=inner Event, SecurityEvent | where Computer == 'c'",
    "union withsource=T Event, SecurityEvent | where T == 'SecurityEvent'",
    "Event | join kind=inner (SecurityEvent) on Computer | where Account == 'x'",
    "Event | join kind=leftanti (SecurityEvent | where EventID == 1) on Computer",
    "Event | lookup (SecurityEvent | project Computer, Account) on Computer | where Account == 'x'",
    "let some = Event | where EventID == 1; some | where Source == 's'",
    "let Event = SecurityEvent | extend Source = 'own'; Event | where Source == 'own'",
    "Event | where Computer in ((SecurityEvent | where Account == 'x' | project Computer))",
    "Event | where EventID == toscalar(SecurityEvent | summarize max(EventID)) - 1",
    "Event | parse Computer with 'a' rest | where rest == '' and Source == 's'",
    "SecurityEvent | extend p = dynamic({'a': 1}) | mv-expand p | where Account == 'x'",
)


def _whole(query: ir.Query, tables: Mapping[str, Any]) -> ir.Query:
    return query


@pytest.mark.parametrize("text", QUERIES)
def test_the_same_records_are_found(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    translated.cache_clear()
    found = SentinelReplay(RECORDS).run(text)
    monkeypatch.setattr(kql_prune, "pruned", _whole)
    translated.cache_clear()
    assert SentinelReplay(RECORDS).run(text) == found
    translated.cache_clear()
    assert found


def test_columns_that_nothing_reads_are_not_planned() -> None:
    text = (
        "union isfuzzy=true (SecurityEvent | where EventID == 1 | extend x = Account, y = Task),"
        " (Event | extend x = Source) | where x == 'x'"
    )
    sql = translated(text)
    assert all(f'"{name}"' in sql for name in ("EventID", "Account", "Source"))
    assert all(f'"{name}"' not in sql for name in ("Computer", "Task", "y", "AccessMask"))

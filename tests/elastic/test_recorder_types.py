"""What the recorder stores fits the mapping that the engine verifies queries against."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import hafnium
from hafnium.backends.elastic.engine_documents import address, millis
from hafnium.backends.elastic.engine_types import type_of
from hafnium.backends.elastic.recorder import record
from hafnium.readers import read
from hafnium.siem import Record

SAMPLES = Path(hafnium.__file__).parent / "samples"
FITS = {
    "keyword": lambda value: isinstance(value, str),
    "text": lambda value: isinstance(value, str),
    "long": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "ip": lambda value: address(value) is not None,
    "date": lambda value: millis(value) > 0,
}


@pytest.fixture(scope="module")
def records() -> list[Record]:
    entries = read([SAMPLES], host="h", problem=lambda error: None, notice=lambda text: None)
    return [found for entry in entries for found in record(entry)]


def values(found: Record) -> Iterator[tuple[str, Any]]:
    for name, value in found.fields.items():
        for single in value if isinstance(value, list) else [value]:
            yield name, single


def test_every_stored_value_has_the_type_of_its_field(records: list[Record]) -> None:
    assert len(records) > 500
    wrong = {
        (name, type_of(name, found.store), value)
        for found in records
        for name, value in values(found)
        if not FITS[type_of(name, found.store)](value)
    }
    assert wrong == set()


def test_nothing_empty_is_stored(records: list[Record]) -> None:
    empty = [n for found in records for n, value in found.fields.items() if value in ("", [], None)]
    assert empty == []


def test_every_way_in_has_its_own_store(records: list[Record]) -> None:
    prefixes = {
        "iis": "logs-iis.access-",
        "httpproxy": "logs-microsoft_exchange_server.httpproxy-",
        "ecp": "logs-exchange.ecp-",
        "oabgenerator": "logs-exchange.oabgenerator-",
        "sysmon": "logs-windows.sysmon_operational-",
        "security": "logs-system.security-",
        "application": "logs-system.application-",
        "system": "logs-system.system-",
        "powershell": "logs-windows.powershell_operational-",
        "winlog": "logs-winlog.winlog-",
        "endpoint": "logs-endpoint.events.",
        "winlogbeat": "winlogbeat-",
    }
    assert all(found.store.startswith(prefixes[found.path]) for found in records)
    assert {found.path for found in records} <= prefixes.keys()

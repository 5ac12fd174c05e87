"""The light engine for Lucene: what it reads as Elasticsearch does, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from hafnium.backends.elastic.engine_documents import Index
from hafnium.backends.elastic.engine_lucene import lucene_hits
from hafnium.errors import EngineError
from hafnium.siem import Record

PORT, IP, NAME = "destination.port", "destination.ip", "process.executable"


def found(text: str, *documents: dict[str, Any]) -> list[int]:
    records = [Record("test", "logs-x", fields) for fields in documents]
    return [ref for (ref,) in lucene_hits(text, Index(records).search(["logs-x"]))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f'{NAME}:"a"', [0]),
        (f"{NAME}:/[aA]/", [0, 1]),
        (f'{NAME}:("a" OR /b.*/)', [0, 2]),
        (f"(*:* AND NOT ({NAME}:/[aA]/))", [2, 3]),
        (f'NOT _exists_:"{NAME}"', [3]),
        (f'{NAME}:"a" OR ({NAME}:/[aA]/ AND {PORT}:"443")', [0, 1]),
        (f"{PORT}:[443 TO *]", [1, 2]),
        (f"{PORT}:{{443 TO *]", [2]),
        (f"{PORT}:[* TO 443}}", [0, 2]),
        (f'{IP}:("10.0.0.0/8" OR "::1")', [0, 2]),
        ('process.name\\ x:"y"', [3]),
    ],
)
def test_what_a_query_finds(text: str, expected: list[int]) -> None:
    """Of several values of a field one is enough; a missing field matches nothing."""
    documents = [
        {NAME: "a", PORT: 80, IP: "10.1.2.3"},
        {NAME: "A", PORT: 443, IP: "192.0.2.1"},
        {NAME: ["x", "bc"], PORT: [1, 444], IP: "::1"},
        {"process.name x": "y"},
    ]
    assert found(text, *documents) == expected


@pytest.mark.parametrize(
    "text",
    [
        'a:"x" AND b:"y" OR c:"z"',
        'a:"x" OR NOT b:"y"',
        '"x"',
        "a:x",
        "a:x*",
        'a:("x" AND "y")',
        '(a:"x"',
        'a:"x")',
        'message:"x"',
        f"{PORT}:/1/",
        f'{PORT}:"x"',
        f"{NAME}:[1 TO 2]",
        "a:/(/",
        f"a:/{'x' * 1001}/",
        f'{IP}:"10.0.0.x"',
        "",
    ],
)
def test_what_depends_on_settings_or_types_is_refused(text: str) -> None:
    with pytest.raises(EngineError):
        found(text, {"a": "x"})

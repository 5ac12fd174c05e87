"""Records of tables, and KQL run on them."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hafnium.backends.sentinel.replay import SentinelReplay
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

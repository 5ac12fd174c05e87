from __future__ import annotations

import gzip
import zipfile
from datetime import UTC, datetime

import pytest
from evtxfile import CHUNK, HEADER, event, write

CHUNKS = (
    [event(1, [("Image", f"C:\\a{n}.exe"), ("RuleName", "")]) for n in range(3)],
    [event(11, [("TargetFilename", f"C:\\b{n}.aspx")]) for n in range(3)],
    [event(1, [("Image", f"C:\\c{n}.exe")]) for n in range(2)],
)
WHOLE = write(*CHUNKS)


def damaged(at: int, by: bytes) -> bytes:
    return WHOLE[:at] + by + WHOLE[at + len(by) :]


def record(chunk: int, number: int) -> int:
    at = len(HEADER) + CHUNK * chunk
    for _ in range(number + 1):
        at = WHOLE.index(b"**\0\0", at + 1)
    return at


def test_records_have_their_order_as_position(log_of):
    found = log_of(WHOLE)
    assert found.positions == list(range(1, 9))
    assert found.values("EventID") == ["1"] * 3 + ["11"] * 3 + ["1"] * 2
    assert found.entries[0].data == {"Image": "C:\\a0.exe"}
    assert found.entries[0].host == "mail01.corp.example"
    assert found.entries[0].time == datetime(2021, 3, 3, 6, 50, 1, 123456, tzinfo=UTC)
    assert not found.problems


def test_management_items_have_names(log_of):
    items = [(None, f"item{n}" if n != 7 else "") for n in range(27)]
    content = write([event(1, items, Provider="MSExchange CmdletLogs")])
    entry = log_of(content).only
    assert len(entry.unnamed) == 27
    assert entry.fields["Cmdlet"] == "item0"
    assert entry.fields["Culture"] == "item26"


def test_a_guid_gets_the_braces_that_windows_writes(log_of):
    guid = "365ABB72-3ECE-5D0B-0000-00107F7F1A00"
    entry = log_of(write([event(1, [("ProcessGuid", guid), ("Note", guid)])])).only
    assert entry.data == {"ProcessGuid": f"{{{guid}}}", "Note": guid}


def test_empty_chunks_are_passed_over(log_of):
    found = log_of(WHOLE[: len(HEADER) + CHUNK] + bytes(CHUNK) + WHOLE[len(HEADER) + CHUNK :])
    assert len(found.entries) == 8
    assert not found.problems


@pytest.mark.parametrize(
    ("content", "count"),
    [
        (WHOLE[:100], 0),
        (WHOLE[: len(HEADER) + 20], 0),
        (WHOLE[: record(1, 2) + 9], 5),
        (WHOLE[: record(2, 0) - 100], 6),
        (WHOLE[: record(2, 1)], 7),
    ],
    ids=["in the header", "in a chunk header", "in a record", "between", "after a record"],
)
def test_a_truncated_file_is_one_error_and_gives_what_it_has(log_of, content, count):
    found = log_of(content)
    assert found.positions == list(range(1, count + 1))
    (problem,) = found.problems
    assert "ends inside" in problem.reason


@pytest.mark.parametrize(
    ("at", "by", "left"),
    [
        (len(HEADER) + CHUNK, b"garbage!", {"a0", "a1", "a2", "c0", "c1"}),
        (record(1, 1), bytes(60), {"a0", "a1", "a2", "b0", "b2", "c0", "c1"}),
        (record(1, 1) + 24, b"\xff" * 9, {"a0", "a1", "a2", "b0", "b2", "c0", "c1"}),
        (record(0, 0), bytes(200), {"a1", "a2", "b0", "b1", "b2", "c0", "c1"}),
        (record(2, 1), bytes(200), {"a0", "a1", "a2", "b0", "b1", "b2", "c0"}),
    ],
    ids=["chunk header", "record header", "record body", "first record", "last record"],
)
def test_damage_is_one_error_and_the_records_around_it_are_read(log_of, at, by, left):
    found = log_of(damaged(at, by))
    names = {
        str(e.fields.get("Image") or e.fields.get("TargetFilename"))[3:5] for e in found.entries
    }
    assert names == left
    (problem,) = found.problems
    assert "records could be read" in problem.reason


def test_evtx_in_archives_is_read_in_place(tmp_path, reading):
    with zipfile.ZipFile(tmp_path / "logs.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("winevt/Sysmon.evtx", WHOLE)
    (tmp_path / "x.evtx.gz").write_bytes(gzip.compress(WHOLE))
    found = reading(tmp_path)
    assert found.positions == [*range(1, 9), *range(1, 9)]
    assert found.entries[0].source == f"{tmp_path}/logs.zip!winevt/Sysmon.evtx"
    assert found.entries[8].source == f"{tmp_path}/x.evtx.gz"


def test_the_filter_leaves_positions_as_they_are(log_of):
    found = log_of(WHOLE, wanted=lambda text: b"aspx" in text)
    assert found.positions == [4, 5, 6]
    assert not found.problems

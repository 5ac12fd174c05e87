"""Writes small EVTX files for tests: events as nested lists, no templates, 64 KB chunks."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

CHUNK = 65536
HEADER = b"ElfFile\0" + bytes(4088)


@dataclass
class Node:
    """An element: attributes, then text or child elements."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    text: str | None = None
    children: list[Node] = field(default_factory=list)


def event(event_id: int, items: list[tuple[str | None, str]], **system: str) -> Node:
    """An event with named and unnamed items; ``system`` may set Channel, Computer, Provider."""
    parts = {
        "Channel": "Microsoft-Windows-Sysmon/Operational",
        "Computer": "mail01.corp.example",
        **system,
    }
    provider = parts.pop("Provider", "Microsoft-Windows-Sysmon")
    time = parts.pop("SystemTime", "2021-03-03T06:50:01.123456Z")
    block = [
        Node("Provider", {"Name": provider}),
        Node("EventID", text=str(event_id)),
        Node("TimeCreated", {"SystemTime": time}),
        *(Node(name, text=text) for name, text in parts.items()),
    ]
    data = [Node("Data", {"Name": n} if n is not None else {}, text) for n, text in items]
    children = [Node("System", children=block), Node("EventData", children=data)]
    return Node("Event", children=children)


def write(*chunks: list[Node]) -> bytes:
    """An EVTX file with the given records in each chunk."""
    first, whole = 1, HEADER
    for records in chunks:
        whole += _chunk(records, first)
        first += len(records)
    return whole


def _chunk(records: list[Node], first: int) -> bytes:
    body = bytearray(512)
    for number, node in enumerate(records, first):
        start = len(body)
        body += struct.pack("<4sIQQ", b"**\0\0", 0, number, 0x01D70FF7_00000000)
        body += bytes((0x0F, 1, 1, 0))
        _element(body, node)
        body.append(0)
        size = len(body) + 4 - start
        body += struct.pack("<I", size)
        struct.pack_into("<I", body, start + 4, size)
    last = first + len(records) - 1
    struct.pack_into("<8sQQQQII", body, 0, b"ElfChnk\0", first, last, first, last, 128, 512)
    struct.pack_into("<I", body, 48, len(body))
    assert len(body) <= CHUNK
    return bytes(body.ljust(CHUNK, b"\0"))


def _element(body: bytearray, node: Node) -> None:
    body += struct.pack("<BI", 0x41 if node.attributes else 0x01, 0)
    start = len(body)
    _name(body, node.name)
    if node.attributes:
        body += bytes(4)
        listed = len(body)
        names = list(node.attributes)
        for name in names:
            body.append(0x06 if name == names[-1] else 0x46)
            _name(body, name)
            _text(body, node.attributes[name])
        struct.pack_into("<I", body, listed - 4, len(body) - listed)
    body.append(0x02)
    if node.text is not None:
        _text(body, node.text)
    for child in node.children:
        _element(body, child)
    body.append(0x04)
    struct.pack_into("<I", body, start - 4, len(body) - start)


def _name(body: bytearray, name: str) -> None:
    body += struct.pack("<I", len(body) + 4)
    body += struct.pack("<IHH", 0, 0, len(name)) + name.encode("utf-16-le") + b"\0\0"


def _text(body: bytearray, text: str) -> None:
    raw = text.encode("utf-16-le")
    body += struct.pack("<BBH", 0x05, 0x01, len(raw) // 2) + raw

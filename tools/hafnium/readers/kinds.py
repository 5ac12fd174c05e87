"""What a file is, told from its first bytes and never from its name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from hafnium.readers import csvrows
from hafnium.readers.columns import ECP_COLUMNS

Format = Literal[
    "w3c", "httpproxy", "ecp", "oabgenerator", "evtx", "xml", "json", "gzip", "zip", "empty"
]

_W3C_COLUMN = re.compile(rb"(?i)\b([cs]{1,2})[-(](ip|uri|method|status|user|reason)")
_ISO = re.compile(rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d")
_GUID = re.compile(r"[0-9A-Fa-f-]{32,36}")
_OAB = re.compile(rb"(?i),OABGenerator,|OABGeneratorLog|Download failed and temporary file")
_JSON_EVENT = re.compile(rb'"(EventID|event_id|winlog(\.[a-z_.]+)?|System)"\s*:')
_XML_EVENT = re.compile(rb"<Event[\s>]|<Events[\s>]")


@dataclass(frozen=True, slots=True)
class Guess:
    """``format`` is None for what no reader reads; ``name`` says what it is, if that is known."""

    format: Format | None
    name: str = "not a log that this tool knows"


def packed(head: bytes) -> Format | None:
    """The format of a file that is not text, None for text and what is not known."""
    if head.startswith(b"ElfFile\0"):
        return "evtx"
    if head.startswith(b"\x1f\x8b\x08"):
        return "gzip"
    if head.startswith((b"PK\3\4", b"PK\5\6")):
        return "zip"
    return None


def text(head: bytes) -> Guess:
    """The format of a text from its first bytes as UTF-8.

    The first line that says what the file is decides, so lines of something else above it
    (a torn line, a remark) do no harm.
    """
    if head[257:262] == b"ustar":
        return Guess(None, "tar archive: unpack it first")
    head = head.removeprefix(b"\xef\xbb\xbf").replace(b"\0", b"")
    if not head.strip():
        return Guess("empty")
    start = head.lstrip()
    if start.startswith((b"{", b"[", b"Record ")) and _JSON_EVENT.search(start):
        return Guess("json")
    if start.startswith((b"<", b"Record ")):
        return Guess("xml") if _XML_EVENT.search(start) else Guess(None)
    lines = [line.strip() for line in head.split(b"\n")]
    directives = {
        key.strip().lower(): value.strip()
        for key, _, value in (line.partition(b":") for line in lines if line.startswith(b"#"))
    }
    return _by_directives(directives) or _by_lines(lines, directives)


def _by_directives(directives: dict[bytes, bytes]) -> Guess | None:
    kind, fields = directives.get(b"#log-type", b""), directives.get(b"#fields", b"")
    software = directives.get(b"#software", b"").lower()
    if b"OABGenerator" in kind or b"oabgenerator" in software:
        return Guess("oabgenerator")
    if kind.startswith(b"HttpProxy") or fields.startswith(b"DateTime,RequestId,"):
        return Guess("httpproxy")
    if kind.startswith(b"ECP Server") or fields.startswith(",".join(ECP_COLUMNS).encode()):
        return Guess("ecp")
    if b"internet information services" in software or _W3C_COLUMN.search(fields):
        return Guess("w3c")
    return None


def _by_lines(lines: list[bytes], directives: dict[bytes, bytes]) -> Guess:
    for line in lines:
        if line.startswith(b"DateTime,RequestId,"):
            return Guess("httpproxy")
        if line.startswith(",".join(ECP_COLUMNS).encode()):
            return Guess("ecp")
        if _ISO.match(line) and (found := _by_row(line)):
            return Guess(found)
    if b"exchange" in directives.get(b"#software", b"").lower():
        kind = directives.get(b"#log-type", b"unnamed").decode("utf-8", "replace")
        return Guess(None, f"Exchange log of a type that no rule reads ({kind})")
    if any(_JSON_EVENT.search(line) for line in lines if line.startswith(b"{")):
        return Guess("json")
    return Guess(None)


def _by_row(line: bytes) -> Format | None:
    if _OAB.search(line):
        return "oabgenerator"
    values = csvrows.split(line.decode("utf-8", "replace"))
    if len(values) >= 34 and _GUID.fullmatch(values[1]) and values[2].isdigit():
        return "httpproxy"
    if len(values) >= len(ECP_COLUMNS) and values[2].startswith("ECP."):
        return "ecp"
    if re.match(rb"\S+ \S+ \S+ [A-Z]+ /", line):
        return "w3c"
    return None

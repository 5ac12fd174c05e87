"""Windows events as XML: ``wevtutil qe /f:xml`` and ``/f:RenderedXml``, Event Viewer's export.

``<Event>`` elements are cut out of the file and parsed one by one, whatever stands around
them: a root element, nothing, a line of an exporter. A document type declaration is outside
of them, so no entity that a file declares is ever expanded, and no external one is opened.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError, fromstring

from hafnium.entries import Entry
from hafnium.readers.log import Log, iso_time
from hafnium.readers.streams import BLOCK, MAX_LINE, TOO_LONG, TOO_LONG_MEND, Readable
from hafnium.readers.windows import Item, build

_START = re.compile(rb"<Event(?=[\s>])")
_END = re.compile(rb"</Event\s*>")
_DECLARES = re.compile(rb"<!(DOCTYPE|ENTITY)", re.IGNORECASE)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_REFERENCE = re.compile("&#(?:[xX]([0-9A-Fa-f]{1,8})|([0-9]{1,8}));")
_OVERLAP = 16
"""Bytes kept back while looking for a tag, as it may stand across two blocks."""


def read(stream: Readable, log: Log) -> Iterator[Entry]:
    """The entries of an XML export, in order; positions are the lines of ``<Event``."""
    for line, raw in _elements(stream, log):
        if log.wanted is not None and not log.wanted(raw):
            continue
        try:
            event = parse(raw)
        except ParseError as error:
            log.faults.add("event is no valid XML", line, "export it again", error.msg)
            continue
        yield entry(event, log, line)


def _elements(stream: Readable, log: Log) -> Iterator[tuple[int, bytes]]:
    """Each ``<Event>`` element with the line that it begins on."""
    buffer, line, declared = b"", 1, False
    inside, searched = False, 0
    while True:
        data = stream.read(BLOCK)
        buffer += data
        while True:
            if not inside:
                start = _START.search(buffer)
                before = buffer[: start.start()] if start else buffer[:-_OVERLAP]
                if not declared and _DECLARES.search(buffer, 0, len(before) + _OVERLAP):
                    declared = True
                    log.faults.add("document type declaration", line, "it is not followed")
                line += before.count(b"\n")
                buffer, searched = buffer[len(before) :], 0
                if start is None:
                    break
                inside = True
            end = _END.search(buffer, searched)
            if end is None:
                searched = max(0, len(buffer) - _OVERLAP)
                break
            yield line, buffer[: end.end()]
            line += buffer.count(b"\n", 0, end.end())
            buffer, inside = buffer[end.end() :], False
        if inside and len(buffer) > MAX_LINE:
            log.faults.add(f"event {TOO_LONG}", line, TOO_LONG_MEND)
            line += buffer.count(b"\n", 0, searched)
            buffer, inside = buffer[searched:], False
        if not data:
            break
    if inside:
        log.faults.add("the file ends inside an event", line, "export it again")


def parse(raw: bytes) -> Element:
    """The element; what XML forbids, and yet is in real events, becomes U+FFFD."""
    try:
        return fromstring(raw)
    except (ParseError, ValueError):
        text = _CONTROL.sub("\ufffd", raw.decode("utf-8", "replace"))
        return fromstring(_REFERENCE.sub(_valid, text))


def _valid(reference: re.Match[str]) -> str:
    number = int(reference[1], 16) if reference[1] else int(reference[2])
    if number > 0x10FFFF or 0xD800 <= number < 0xE000 or _CONTROL.match(chr(number)):
        return "\ufffd"
    return reference[0]


def _local(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def entry(event: Element, log: Log, position: int) -> Entry:
    """The entry of an ``<Event>`` element."""
    system: dict[str, str] = {}
    items: list[Item] = []
    time = message = None
    for part in event:
        match _local(part):
            case "System":
                system, time = _system(part)
            case "EventData":
                items += event_data(part)
            case "UserData" | "ProcessingErrorData" | "BinaryEventData" | "DebugData":
                items += _leaves(part)
            case "RenderingInfo":
                message = next((e.text for e in part if _local(e) == "Message"), None)
    return build(log, position, iso_time(time or ""), system, items, message)


def _system(part: Element) -> tuple[dict[str, str], str | None]:
    system: dict[str, str] = {}
    time = None
    for element in part:
        name = _local(element)
        text = (element.text or "").strip()
        if name == "TimeCreated":
            time = element.get("SystemTime")
        elif name == "EventID":
            system |= {"EventID": text, "Qualifiers": element.get("Qualifiers", "")}
        elif name == "Provider":
            named = element.get("Name") or element.get("EventSourceName")
            system["Provider_Name"] = named or ""
        elif name == "Execution":
            for key in ("ProcessID", "ThreadID"):
                system[f"Execution_{key}"] = element.get(key, "")
        elif name == "Security":
            system["Security_UserID"] = element.get("UserID", "")
        elif name != "Correlation":
            system[name] = text
    return system, time


def event_data(part: Element) -> list[Item]:
    """The items of an ``<EventData>`` element, in order."""
    items: list[Item] = []
    for element in part:
        name = _local(element)
        if name == "Data" and len(element):
            items += [(element.get("Name"), inner.text or "") for inner in element]
        elif name == "Data":
            items.append((element.get("Name"), _text(element)))
        elif len(element):
            items += _leaves(element)
        else:
            items.append((element.get("Name", name), _text(element)))
    return items


def _text(element: Element) -> str:
    text = element.text or ""
    # An empty item that a pretty printer has broken over two lines is still empty.
    return "" if text.isspace() and "\n" in text else text


def _leaves(part: Element) -> list[Item]:
    return [(_local(e), _text(e)) for e in part.iter() if e is not part and not len(e)]

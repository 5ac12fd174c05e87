"""JSON values out of a stream: one a line, pretty-printed over many, or items of an array.

Only the objects on the outermost level matter; what stands between them (brackets, commas,
the ``Record 1`` lines of an exporter) is left out. Numbers keep the text that they have.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from hafnium.readers.log import Log
from hafnium.readers.streams import MAX_LINE, TOO_LONG, TOO_LONG_MEND, Readable, lines

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|[{}]')
_BETWEEN = re.compile(r"[\[\],\s]*|Record \d+")
_LONE_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def decode(text: str) -> Any:
    """A JSON text's value: numbers as decimal text, no half characters.

    Control characters inside strings are let through: real events hold some.

    Raises ValueError (also for nesting that is too deep).
    """
    try:
        value = json.loads(
            text, strict=False, parse_int=str, parse_float=_decimal, parse_constant=str
        )
    except RecursionError:
        raise ValueError("nested too deep") from None
    return _whole(value) if _LONE_SURROGATE.search(text) else value


def _decimal(text: str) -> str:
    if "e" not in text and "E" not in text:
        return text
    number = Decimal(text)
    return f"{number:f}" if abs(number.adjusted()) < 40 else text


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_whole(key): _whole(item) for key, item in value.items()}
    return [_whole(item) for item in value] if isinstance(value, list) else value


def objects(stream: Readable, log: Log) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each outermost object with the line that it begins on."""
    frame = _Frame()
    for number, raw in lines(stream, log.faults):
        text = raw.decode("utf-8", "replace").strip("\ufeff\0 \t")
        if text.startswith("{") and text.endswith(("}", "},")):
            whole = _object(text.removesuffix(","))
            if whole is not None:
                if frame.depth:
                    log.faults.add("unfinished JSON object", frame.line)
                    frame = _Frame()
                if log.wanted is None or log.wanted(raw):
                    yield number, whole
                continue
        for line, found in frame.feed(number, text):
            value = _object(found)
            if value is None:
                log.faults.add("broken JSON object", line)
            elif log.wanted is None or log.wanted(found.encode()):
                yield line, value
        if frame.size > MAX_LINE:
            log.faults.add(f"JSON object {TOO_LONG}", frame.line, TOO_LONG_MEND)
            frame = _Frame(lost=True)
        if frame.stray:
            log.faults.add("no JSON object", number)
    if frame.depth:
        log.faults.add("unfinished JSON object", frame.line)


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = decode(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


class _Frame:
    """Finds where an object begins and ends by its braces; strings never span lines."""

    def __init__(self, lost: bool = False) -> None:
        """``lost``: inside an object that was given up; its lines are not strays."""
        self.depth = self.line = self.size = 0
        self._lost = lost
        self.stray = False
        self._parts: list[str] = []

    def feed(self, number: int, text: str) -> Iterator[tuple[int, str]]:
        """The objects that end on this line, with their first line and whole text."""
        start = 0
        self._lost = self._lost and "{" not in text
        self.stray = not (self.depth or self._lost or "{" in text or _BETWEEN.fullmatch(text))
        for token in _TOKEN.finditer(text):
            if token[0] == "{":
                if not self.depth:
                    self.line, start = number, token.start()
                self.depth += 1
            elif token[0] == "}" and self.depth:
                self.depth -= 1
                if not self.depth:
                    yield self.line, "\n".join([*self._parts, text[start : token.end()]])
                    self._parts, self.size = [], 0
        if self.depth:
            self._parts.append(text[start:])
            self.size += len(text) - start

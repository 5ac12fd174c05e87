"""PCRE2 as Python's ``re`` is used by the SPL evaluator: search, all matches, substitution.

Texts are matched as UTF-8, with classes such as ``\\d`` of ASCII only (no UCP), which is how the
library behaves when nobody asks for more. Bytes that are no UTF-8 match nothing. Its just-in-time
compiler is left out: with such bytes allowed, that of 10.42 does not find an ``é`` for ``\\S``.
"""

from __future__ import annotations

import ctypes
import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from hafnium.errors import EngineError

_FILES = ("libpcre2-8.so.0", "libpcre2-8.0.dylib", "libpcre2-8.dylib", "libpcre2-8-0.dll")
_UTF, _MATCH_INVALID_UTF = 0x00080000, 0x04000000
_NOTEMPTY_ATSTART, _ANCHORED = 0x00000008, 0x80000000
_CAPTURECOUNT = 4
_NAMECOUNT, _NAMEENTRYSIZE, _NAMETABLE = 17, 18, 19
_NO_MATCH = -1
_GROUP = re.compile(r"\\g<(\d+)>")
_UNSET = ctypes.c_size_t(-1).value


@functools.cache
def library() -> Any:
    """The loaded library; None when the system has none."""
    for file in _FILES:
        try:
            found = ctypes.CDLL(file)
        except OSError:
            continue
        pointer, size, number = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint32
        for name, result, arguments in (
            ("compile", pointer, [ctypes.c_char_p, size, number, pointer, pointer, pointer]),
            ("match_data_create_from_pattern", pointer, [pointer, pointer]),
            (
                "match",
                ctypes.c_int,
                [pointer, ctypes.c_char_p, size, size, number, pointer, pointer],
            ),
            ("get_ovector_pointer", ctypes.POINTER(size), [pointer]),
            ("get_error_message", ctypes.c_int, [ctypes.c_int, ctypes.c_char_p, size]),
            ("pattern_info", ctypes.c_int, [pointer, number, pointer]),
        ):
            function = getattr(found, f"pcre2_{name}_8")
            function.restype, function.argtypes = result, arguments
        return found
    return None


class Found:
    """One match: its groups by number or name."""

    def __init__(self, groups: tuple[str | None, ...], names: Mapping[str, int]) -> None:
        self._groups = groups
        self._names = names

    def __getitem__(self, group: int | str) -> str | None:
        return self._groups[self._names[group] if isinstance(group, str) else group]

    def expand(self, template: str) -> str:
        """The template with its groups filled in."""
        return _GROUP.sub(lambda reference: self[int(reference[1])] or "", template)


class Pattern:
    """A compiled pattern. Raises `EngineError` for one that PCRE2 rejects.

    ``utf`` says that pattern and texts are UTF-8 and not mere bytes.
    """

    def __init__(self, pattern: str, *, utf: bool = True) -> None:
        self.pattern = pattern
        self._pcre = library()
        error, offset = ctypes.c_int(), ctypes.c_size_t()
        written = _bytes(pattern)
        options = _UTF | _MATCH_INVALID_UTF if utf else 0
        code = self._pcre.pcre2_compile_8(
            written, len(written), options, ctypes.byref(error), ctypes.byref(offset), None
        )
        if not code:
            raise EngineError(f"PCRE2 rejects {pattern!r}: {self._message(error.value)}")
        self._code = ctypes.c_void_p(code)
        data = self._pcre.pcre2_match_data_create_from_pattern_8(self._code, None)
        self._data = ctypes.c_void_p(data)
        self._offsets = self._pcre.pcre2_get_ovector_pointer_8(self._data)
        groups = ctypes.c_uint32()
        self._pcre.pcre2_pattern_info_8(self._code, _CAPTURECOUNT, ctypes.byref(groups))
        self._groups = groups.value + 1
        self.groupindex = self._names()

    def search(self, text: str) -> Found | None:
        """The first match."""
        return next(self.finditer(text), None)

    def finditer(self, text: str) -> Iterator[Found]:
        """All matches that do not overlap, from left to right."""
        subject = _bytes(text)
        for spans in self._spans(subject):
            yield self._found(subject, spans)

    def sub(self, template: str, text: str) -> str:
        """The text with every match replaced; ``\\g<n>`` in the template is a group."""
        subject, rest, parts = _bytes(text), 0, []
        for spans in self._spans(subject):
            parts.append(_text(subject[rest : spans[0][0]]))
            parts.append(self._found(subject, spans).expand(template))
            rest = spans[0][1]
        return "".join([*parts, _text(subject[rest:])])

    def _found(self, subject: bytes, spans: list[tuple[int, int]]) -> Found:
        groups = (None if at == _UNSET else _text(subject[at:end]) for at, end in spans)
        return Found(tuple(groups), self.groupindex)

    def _spans(self, subject: bytes) -> Iterator[list[tuple[int, int]]]:
        """The spans of the groups of each match; after an empty one as Perl goes on."""
        at, options = 0, 0
        while at <= len(subject):
            spans = self._match(subject, at, options)
            if spans is not None:
                yield spans
                at = spans[0][1]
                options = _NOTEMPTY_ATSTART | _ANCHORED if spans[0][0] == at else 0
            elif options:
                at, options = _next(subject, at), 0
            else:
                return

    def _match(self, subject: bytes, at: int, options: int) -> list[tuple[int, int]] | None:
        count = self._pcre.pcre2_match_8(
            self._code, subject, len(subject), at, options, self._data, None
        )
        if count == _NO_MATCH:
            return None
        if count < 0:
            raise EngineError(f"PCRE2 on {self.pattern!r}: {self._message(count)}")
        set_ = [(self._offsets[2 * n], self._offsets[2 * n + 1]) for n in range(count)]
        return set_ + [(_UNSET, _UNSET)] * (self._groups - count)

    def _names(self) -> dict[str, int]:
        count, size, table = ctypes.c_uint32(), ctypes.c_uint32(), ctypes.c_void_p()
        for what, where in ((_NAMECOUNT, count), (_NAMEENTRYSIZE, size), (_NAMETABLE, table)):
            self._pcre.pcre2_pattern_info_8(self._code, what, ctypes.byref(where))
        if not count.value or table.value is None:
            return {}
        found = {}
        for entry in range(count.value):
            row = ctypes.string_at(table.value + entry * size.value, size.value)
            found[row[2:].split(b"\0")[0].decode()] = row[0] << 8 | row[1]
        return found

    def _message(self, number: int) -> str:
        buffer = ctypes.create_string_buffer(256)
        self._pcre.pcre2_get_error_message_8(number, buffer, len(buffer))
        return buffer.value.decode("utf-8", "replace")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _text(text: bytes) -> str:
    return text.decode("utf-8", "surrogatepass")


def _next(subject: bytes, at: int) -> int:
    """The place of the next character."""
    at += 1
    while at < len(subject) and subject[at] & 0xC0 == 0x80:
        at += 1
    return at

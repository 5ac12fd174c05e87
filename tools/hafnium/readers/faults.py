"""Where a reader says what it could not read: each thing named once, never a flood.

The first faults of a kind are reported with their line; of more of the same only the number,
when the file is done. So a log of a million broken lines gives a few error lines, and nothing
is lost silently.
"""

from __future__ import annotations

from collections.abc import Callable

from hafnium.errors import ReadError

NAMED = 5
"""So many faults of one kind are named by line in each file; the others are counted."""


NOT_UTF8 = "bytes that are not UTF-8"
READ_ON = "the entry was read with \N{REPLACEMENT CHARACTER} in their place"


class Faults:
    """The faults of one file (or member of an archive)."""

    def __init__(self, source: str, problem: Callable[[ReadError], None]) -> None:
        self.source = source
        self._problem = problem
        self._counts: dict[str, int] = {}
        self._last: dict[str, int | None] = {}

    def add(
        self, reason: str, line: int | None = None, mend: str | None = None, detail: str = ""
    ) -> None:
        """Report ``reason``; ``line`` is the 1-based line or record, None for the whole file.

        ``detail`` is what differs between faults of one reason: they are counted together.
        """
        count = self._counts.get(reason, 0) + 1
        self._counts[reason] = count
        self._last[reason] = line
        if count <= NAMED:
            whole = f"{reason}: {detail}" if detail else reason
            self._problem(ReadError(whole, file=self.source, line=line, mend=mend))

    def close(self) -> None:
        """Report how many faults were only counted."""
        for reason, count in self._counts.items():
            if count > NAMED:
                more = f"{reason} ({count - NAMED} more like this, the last here)"
                self._problem(ReadError(more, file=self.source, line=self._last[reason]))
        self._counts.clear()

"""The SPL evaluator with PCRE2 in the place of Python's regular expressions.

Splunk hands the patterns of ``match``, ``mvfind``, ``replace``, ``regex`` and ``rex`` to the PCRE
library. Here they go to that library, as they stand in the query; the rest of the language is the
evaluator's own. The library is a package of the system (``libpcre2-8``).
"""

from __future__ import annotations

from collections.abc import Sequence

from hafnium.siem import Query, Record, Replay
from hafnium.site import Site


class Pcre2Engine:
    """The engine ``pcre2``."""

    name = "pcre2"
    title = "The SPL evaluator with PCRE2, the library behind Splunk's regular expressions"
    executes = True
    site = Site()

    def missing(self) -> str | None:
        from .library import library

        return None if library() else "libpcre2-8 is not installed; it is a package of the system"

    def refuses(self, query: Query) -> str | None:
        return None

    def replay(self, records: Sequence[Record]) -> Replay:
        from hafnium.backends.splunk.replay import SplunkReplay

        from .library import Pattern

        return SplunkReplay(records, Pattern)

"""The raw log entry: what the server wrote, under the log's own names, with where it stood.

Readers make entries; recorders turn them into what a SIEM stores; `hafnium.taxonomy` turns
them into events under Sigma's names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Value = str | tuple[str, ...]
"""A field's value; a tuple where the entry holds several values under one name."""

Kind = Literal["w3c", "httpproxy", "ecp", "oabgenerator", "winevent"]
"""The format of the log: decides which recorder and which log sources apply."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One physical entry.

    ``source`` is the path as given (``archive.zip!member`` inside an archive), ``position``
    the 1-based line of a text file, headers counted, or the 1-based record order of an EVTX.
    ``time`` is aware UTC, None when the log does not say. A field without a value (empty,
    or ``-`` in W3C) is absent from ``fields``.
    """

    kind: Kind
    source: str
    position: int
    time: datetime | None
    host: str
    fields: Mapping[str, Value]

    def values(self) -> Iterator[str]:
        """Every single value of the entry, for keyword search."""
        for value in self.fields.values():
            if isinstance(value, str):
                yield value
            else:
                yield from value


@dataclass(frozen=True, slots=True)
class WindowsEvent(Entry):
    """A Windows event. ``fields`` holds, merged, what Sigma rules may name:

    * the System block: ``Provider_Name``, ``EventID``, ``Channel``, ``Computer``, ``Level``,
      ``Task``, ``Opcode``, ``Keywords``, ``EventRecordID``, ``Version``, ``Qualifiers``,
      ``Security_UserID``, ``Execution_ProcessID``, ``Execution_ThreadID`` (decimal text);
    * the named EventData or UserData items (they win over a System name,
      except over ``EventID`` and ``Channel``, which say what the event is);
    * ``Data``: the unnamed items, a tuple; MSExchange Management also under its names;
    * ``Message``: the rendered text, where the log carries it.

    ``system``, ``data`` and ``unnamed`` keep the parts apart, for recorders.
    """

    system: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, str] = field(default_factory=dict)
    unnamed: tuple[str, ...] = ()
    message: str | None = None

"""What the tool asks of a SIEM, and how it finds the SIEMs there are.

A SIEM is a package in ``backends/`` that exposes ``BACKEND``. Nothing else in the tool names one.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from hafnium.entries import Entry
from hafnium.errors import UsageError
from hafnium.rule import Rule
from hafnium.site import Site


@dataclass(frozen=True)
class Query:
    """A compiled rule.

    ``text`` is what the SIEM runs. ``sources`` are the ids of the data sources it searches,
    ``needs`` what must be switched on for them, ``notes`` where the query's meaning is wider
    than the rule's, and why. ``context`` is what the target keeps beside the text (index
    patterns, columns to show …).
    """

    rule: Rule
    target: str
    language: str
    text: str
    sources: tuple[str, ...]
    needs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    context: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Record:
    """An entry as the SIEM stores it.

    ``path`` names the way it came in (a data source id): one entry may be stored by several
    agents, each with its own names, and the first record of an entry is the usual way.
    ``store`` is the index, source or table. ``lost`` are the names, as `Entry.fields` has
    them, of what this path does not keep.
    """

    path: str
    store: str
    fields: Mapping[str, Any]
    lost: frozenset[str] = frozenset()


class Replay(Protocol):
    """An engine loaded with records."""

    def search(self, query: Query) -> Sequence[tuple[int, ...]]:
        """Run the shipped text. Each hit is a tuple of indexes into the records loaded.

        A hit of a detection rule has one index; a hit of a correlation has one or more of
        the events that it is about. Raises `EngineError` on text that the engine rejects.
        """
        ...


class RealEngine(Protocol):
    """A further engine for a SIEM's queries, beside the light one of `Backend.replay`: the
    product itself, or another program that speaks its language.

    It may have to be installed first, so every test run asks whether it is there. One that is
    missing is skipped by name; one that is there and breaks is a failure.
    """

    name: str
    title: str
    executes: bool
    """False for one that only says whether it accepts a query's text: `Replay.search` raises
    `EngineError` or finds nothing, and what it finds is not compared."""
    site: Site
    """The site whose queries it is given, for one that is about a site's choice."""

    def missing(self) -> str | None:
        """Why it cannot run here, and how to mend that; None when it is installed."""
        ...

    def refuses(self, query: Query) -> str | None:
        """Why it cannot take this query although the SIEM can; None when it can."""
        ...

    def replay(self, records: Sequence[Record]) -> Replay:
        """The engine loaded with the records. Raises `EngineError` when it breaks."""
        ...


@dataclass(frozen=True)
class Pack:
    """All that a packager needs: the version, the queries of its target, in rule order."""

    version: str
    queries: Sequence[Query]
    site: Site


class Backend(Protocol):
    """One SIEM: compiler, recorder, replay, packager."""

    name: str
    title: str
    extensions: Mapping[str, str]
    """Language → file ending of a query file, without the dot."""
    engines: Sequence[RealEngine]
    """Further engines for its queries, each with a name that no SIEM has."""

    def check_site(self, site: Site) -> None:
        """Raise `SiteError` if the site sets something that this SIEM does not have."""
        ...

    def compile(self, rule: Rule, site: Site) -> Query:
        """The rule as a query. Raises `Refused` for what cannot be said exactly."""
        ...

    def comment(self, language: str, lines: Sequence[str]) -> str:
        """The lines as a comment of the language, from which no line can break out."""
        ...

    def record(self, entry: Entry) -> Sequence[Record]:
        """What the SIEM stores of an entry, one record per way in; empty when it keeps none."""
        ...

    def replay(self, records: Sequence[Record]) -> Replay:
        """The engine for this SIEM's languages, loaded with the records."""
        ...

    def package(self, pack: Pack, folder: Path) -> None:
        """Write what the SIEM imports into ``folder`` (exists, may hold other files)."""
        ...


@functools.cache
def backends() -> Mapping[str, Backend]:
    """All SIEMs by name, in the order of their names."""
    import hafnium.backends as house

    found: dict[str, Backend] = {}
    for module in sorted(pkgutil.iter_modules(house.__path__), key=lambda m: m.name):
        if module.ispkg:
            package = importlib.import_module(f"{house.__name__}.{module.name}")
            found[package.BACKEND.name] = package.BACKEND
    return found


def backend(name: str) -> Backend:
    """The SIEM of that name. Raises `UsageError` when there is none."""
    try:
        return backends()[name]
    except KeyError:
        known = ", ".join(backends())
        raise UsageError(f"no target {name!r}", mend=f"known targets: {known}") from None

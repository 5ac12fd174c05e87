"""Where a query finds its data: the macros of the data sources, and what a site changes in them."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from hafnium.backends.splunk.compiler_text import eval_text
from hafnium.site import Site
from hafnium.sources import DataSource, load_catalogue

TARGET = "splunk"
FILTER = "search *"
"""What the filter macro of a rule says until someone tunes it."""

_TOKEN = re.compile(r"[\w.*-]+")


@functools.cache
def catalogue() -> tuple[DataSource, ...]:
    """The data sources of Splunk, in the order of the file."""
    return load_catalogue(Path(__file__).with_name("sources.yml"))


def check_site(site: Site) -> None:
    """Raise `SiteError` if the site sets what no data source has."""
    site.check(TARGET, {source.id: tuple(source.site) for source in catalogue()})


def macro(source: DataSource) -> str:
    """The name of the macro that searches the source."""
    return "hafnium_" + source.id.replace("-", "_")


def event_macro(source: DataSource) -> str:
    """The name of the macro that tells, in where, whether an event is of the source."""
    return macro(source) + "_event"


def filter_macro(name: str) -> str:
    """The name of the macro that a rule's users tune."""
    return "hafnium_" + re.sub(r"[^a-z0-9_]+", "_", name.lower()) + "_filter"


def macros(sources: Iterable[DataSource], site: Site) -> dict[str, str]:
    """Name → definition, for searching the sources and for telling their events apart."""
    out = {}
    for source in sources:
        settings = {**source.site, **site.source(TARGET, source.id)}
        out[macro(source)] = _search_definition(source, settings)
        out[event_macro(source)] = _event_definition(source, settings)
    return out


def _search_definition(source: DataSource, settings: Mapping[str, str]) -> str:
    fields = {"index": "index", **dict(_metadata(source))}
    terms = [f"{field}={_term(settings[name])}" for field, name in fields.items()]
    return f"({' '.join(terms)})"


def _event_definition(source: DataSource, settings: Mapping[str, str]) -> str:
    tests = []
    for field, name in _metadata(source):
        parts = [re.sub(r"([^\w :/-])", r"[\1]", part) for part in settings[name].split("*")]
        expression = "(?is)^" + ".*".join(parts) + r"\z"
        tests.append(f"isnotnull(mvfind({field}, {eval_text(expression)}))")
    return f"({' AND '.join(tests)})"


def _metadata(source: DataSource) -> list[tuple[str, str]]:
    return list(source.extra["where"].items())


def _term(value: str) -> str:
    return value if _TOKEN.fullmatch(value) else eval_text(value)

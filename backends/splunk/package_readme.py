"""The README of the Splunk app, from the pack itself."""

from __future__ import annotations

from collections.abc import Sequence

from hafnium.backends.splunk.compiler_sources import TARGET, macro
from hafnium.backends.splunk.package_conf import one_line
from hafnium.siem import Pack
from hafnium.sources import DataSource

_TEXT = """\
# Hafnium detections for Splunk, version {version}

## Install

1. Install the archive on the search heads. Install it on the forwarders of the Exchange servers,
   too, if they collect Exchange's own logs: `props.conf` reads their headers there.
2. Say where your data is: copy the macros that differ from `default/macros.conf` to
   `local/macros.conf`, or build the app with a site file. `hafnium_<source>` finds a source's
   events, `hafnium_<source>_event` tells them apart inside a search; change both alike.
3. Enable the searches you want. All are shipped disabled. Each runs every quarter of an hour over
   the quarter that ended ten minutes ago. In Enterprise Security set `action.notable = 1`.

## Tune

Every search ends with its own macro, `hafnium_<rule>_filter`, which lets everything pass. Put your
exceptions into `local/macros.conf`, where no update of the app touches them:

    [{filter}]
    definition = search NOT host="lab-*"

## Data sources

{sources}

Windows events are expected as XML (`renderXml = true`). The add-ons leave XML entities such as
`&lt;` in the fields; the searches match a value with and without them.

## Searches

{searches}
"""


def readme(pack: Pack, sources: Sequence[DataSource]) -> str:
    """Markdown: how to install and tune, the data sources used, the searches and their notes."""
    used = {source for query in pack.queries for source in query.sources}
    filters = [query.context["filter"] for query in pack.queries]
    lines = [
        f"- `{macro(source)}`: {source.title}. Needs {source.needs}. Default: "
        + ", ".join(
            f"{name}={value}"
            for name, value in {**source.site, **pack.site.source(TARGET, source.id)}.items()
        )
        for source in sources
        if source.id in used
    ]
    searches = []
    for query in pack.queries:
        rule = query.rule
        searches.append(f"- {_plain(rule.title)} ({rule.level}): {', '.join(query.sources)}")
        searches += [f"  - {_plain(note)}" for note in query.notes]
    return _TEXT.format(
        version=pack.version,
        filter=filters[0] if filters else "hafnium_<rule>_filter",
        sources="\n".join(_plain(line) for line in lines),
        searches="\n".join(searches),
    )


def _plain(text: str) -> str:
    return one_line(text) if not text.startswith("  ") else "  " + one_line(text)

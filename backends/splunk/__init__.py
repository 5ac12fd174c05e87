"""Splunk: SPL searches, an app to install, and an evaluator of the SPL that is shipped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from hafnium.backends.splunk.pcre2 import Pcre2Engine
from hafnium.entries import Entry
from hafnium.rule import Rule
from hafnium.siem import Pack, Query, RealEngine, Record, Replay
from hafnium.site import Site


class SplunkBackend:
    """See `hafnium.siem.Backend`. Parts are imported when they are first used."""

    name = "splunk"
    title = "Splunk"
    extensions: Mapping[str, str] = MappingProxyType({"spl": "spl"})
    engines: Sequence[RealEngine] = (Pcre2Engine(),)

    def check_site(self, site: Site) -> None:
        from hafnium.backends.splunk.compiler_sources import check_site

        check_site(site)

    def compile(self, rule: Rule, site: Site) -> Query:
        from hafnium.backends.splunk.compiler import compile_rule

        return compile_rule(rule, site)

    def comment(self, language: str, lines: Sequence[str]) -> str:
        from hafnium.backends.splunk.compiler import comment

        return comment(lines)

    def record(self, entry: Entry) -> Sequence[Record]:
        from hafnium.backends.splunk.recorder import record

        return record(entry)

    def replay(self, records: Sequence[Record]) -> Replay:
        from hafnium.backends.splunk.replay import SplunkReplay

        return SplunkReplay(records)

    def package(self, pack: Pack, folder: Path) -> None:
        from hafnium.backends.splunk.package import package

        package(pack, folder)


BACKEND = SplunkBackend()

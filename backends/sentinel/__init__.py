"""Microsoft Sentinel: KQL over Log Analytics tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from hafnium.backends.sentinel.binder import KustoBinder
from hafnium.entries import Entry
from hafnium.rule import Rule
from hafnium.siem import Pack, Query, RealEngine, Record, Replay
from hafnium.site import Site


class Sentinel:
    """The parts are imported when they are used: a command that needs one pays for one."""

    name = "sentinel"
    title = "Microsoft Sentinel"
    extensions: Mapping[str, str] = {"kql": "kql"}
    engines: Sequence[RealEngine] = (KustoBinder(),)

    def check_site(self, site: Site) -> None:
        from .compiler import catalogue, table_name

        site.check(self.name, {source.id: source.site for source in catalogue()})
        for source in catalogue():
            table_name(source, site)

    def compile(self, rule: Rule, site: Site) -> Query:
        from .compiler import compile_rule

        return compile_rule(rule, site)

    def comment(self, language: str, lines: Sequence[str]) -> str:
        from .compiler_text import comment

        return comment(lines)

    def record(self, entry: Entry) -> Sequence[Record]:
        from .recorder import record

        return record(entry)

    def replay(self, records: Sequence[Record]) -> Replay:
        from .replay import SentinelReplay

        return SentinelReplay(records)

    def package(self, pack: Pack, folder: Path) -> None:
        from .package import package

        package(pack, folder)


BACKEND = Sentinel()

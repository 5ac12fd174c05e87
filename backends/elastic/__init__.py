"""Elastic: ES|QL, EQL or Lucene queries, Kibana rules, ingest pipelines and templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from hafnium.backends.elastic.elasticsearch import Elasticsearch
from hafnium.backends.elastic.in_language import InLanguage
from hafnium.entries import Entry
from hafnium.rule import Rule
from hafnium.siem import Pack, Query, RealEngine, Record, Replay
from hafnium.site import Site


class Elastic:
    """See `hafnium.siem.Backend`. Compilers and engines are loaded when they are first used."""

    name = "elastic"
    title = "Elastic"
    extensions: Mapping[str, str] = {"eql": "eql", "esql": "esql", "lucene": "lucene"}
    engines: Sequence[RealEngine] = (
        Elasticsearch(),
        Elasticsearch("lucene"),
        InLanguage("eql", "EQL"),
        InLanguage("lucene", "Lucene"),
    )

    def check_site(self, site: Site) -> None:
        """Each source's ``index``: index patterns, separated by commas; the ``language``."""
        from hafnium.backends.elastic.compiler import LANGUAGES
        from hafnium.backends.elastic.compiler_columns import catalogue

        known = {source.id: list(source.site) for source in catalogue()}
        site.check(self.name, known, {"language": LANGUAGES})

    def compile(self, rule: Rule, site: Site) -> Query:
        from hafnium.backends.elastic.compiler import compile_rule

        return compile_rule(rule, site)

    def comment(self, language: str, lines: Sequence[str]) -> str:
        """Comments run to the end of the line; a Lucene query has none."""
        if language == "lucene":
            return ""
        parts = [part for line in lines for part in line.splitlines() or [""]]
        return "".join(f"// {part}".rstrip() + "\n" for part in parts)

    def record(self, entry: Entry) -> Sequence[Record]:
        from hafnium.backends.elastic.recorder import record

        return record(entry)

    def replay(self, records: Sequence[Record]) -> Replay:
        from hafnium.backends.elastic.replay import ElasticReplay

        return ElasticReplay(records)

    def package(self, pack: Pack, folder: Path) -> None:
        from hafnium.backends.elastic.package import write

        write(pack, folder)


BACKEND = Elastic()

"""The pack as a site has it that chooses another language, in the light engine, as an engine named
after the language: ``eql``, ``lucene``."""

from __future__ import annotations

from collections.abc import Sequence

from hafnium.siem import Query, Record, Replay
from hafnium.site import Site


class InLanguage:
    """See `hafnium.siem.RealEngine`. EQL is parsed by Elastic's own ``eql`` package."""

    executes = True

    def __init__(self, language: str, title: str) -> None:
        self.name = language
        self.title = f"{title}, an alternative of Elastic, in the light engine"
        self.site = Site(targets={"elastic": {"language": language}})

    def missing(self) -> str | None:
        return None

    def refuses(self, query: Query) -> str | None:
        return None

    def replay(self, records: Sequence[Record]) -> Replay:
        from hafnium.backends.elastic.replay import ElasticReplay

        return ElasticReplay(records)

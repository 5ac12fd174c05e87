"""The pack as a site has it that chooses EQL, in the light engine, as the engine ``eql``."""

from __future__ import annotations

from collections.abc import Sequence

from hafnium.siem import Query, Record, Replay
from hafnium.site import Site


class EqlEngine:
    """See `hafnium.siem.RealEngine`: EQL is parsed by Elastic's own ``eql`` package."""

    name = "eql"
    title = "EQL, the alternative of Elastic, in the light engine"
    executes = True
    site = Site(targets={"elastic": {"language": "eql"}})

    def missing(self) -> str | None:
        return None

    def refuses(self, query: Query) -> str | None:
        return None

    def replay(self, records: Sequence[Record]) -> Replay:
        from hafnium.backends.elastic.replay import ElasticReplay

        return ElasticReplay(records)

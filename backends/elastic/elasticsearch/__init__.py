"""Elasticsearch itself as an engine: the node of `make engines`, or one named by its URL.

The node runs ES|QL. EQL's plugin is not published outside Elastic's own distribution, so a rule
whose query is EQL is put to the node as ES|QL: that the two mean the same is what the light
engine and the matcher say. What only EQL can say, a sequence, is not run.
"""

from __future__ import annotations

from collections.abc import Sequence

from hafnium.siem import Query, Record, Replay


class Elasticsearch:
    """See `hafnium.siem.RealEngine`. The node is started when it is first needed."""

    name = "elasticsearch"
    title = "Elasticsearch"
    executes = True

    def missing(self) -> str | None:
        from hafnium.backends.elastic.elasticsearch.session import missing

        return missing()

    def refuses(self, query: Query) -> str | None:
        from hafnium.backends.elastic.elasticsearch.texts import refuses

        return refuses(query)

    def replay(self, records: Sequence[Record]) -> Replay:
        from hafnium.backends.elastic.elasticsearch.session import session

        return session().replay(records)

"""Elasticsearch itself as an engine: the node of `make engines`, or one named by its URL.

The node runs ES|QL, the language that the pack ships, and Lucene. EQL's plugin is not published
outside Elastic's own distribution: what only EQL can say, an order of rules, is not run.
"""

from __future__ import annotations

from collections.abc import Sequence

from hafnium.siem import Query, Record, Replay
from hafnium.site import Site


class Elasticsearch:
    """See `hafnium.siem.RealEngine`. The node is started when it is first needed. ``language``:
    the choice of a site that has another than ES|QL."""

    executes = True

    def __init__(self, language: str = "") -> None:
        self._language = language
        self.name = f"elasticsearch-{language}" if language else "elasticsearch"
        self.title = f"Elasticsearch, {language.capitalize()}" if language else "Elasticsearch"
        self.site = Site(targets={"elastic": {"language": language}} if language else {})

    def missing(self) -> str | None:
        from hafnium.backends.elastic.elasticsearch.session import missing

        return missing()

    def refuses(self, query: Query) -> str | None:
        if query.language == "eql":
            return "the plugin that runs EQL is not published"
        if self._language and query.language != self._language:
            return f"{self._language.capitalize()} cannot say it; the engine elasticsearch runs it"
        return None

    def replay(self, records: Sequence[Record]) -> Replay:
        from hafnium.backends.elastic.elasticsearch.session import session

        return session().replay(records)

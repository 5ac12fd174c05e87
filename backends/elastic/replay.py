"""The replay: the query text that is shipped, run on recorded documents.

``query.context["index"]`` limits the documents, as the rule's index patterns do in Kibana;
``query.context["mapped"]`` are fields that the shipped component templates map.
EQL runs on the parser of Elastic's ``eql`` package, ES|QL and Lucene on evaluators of what is
needed of them; all follow Elasticsearch's documentation and refuse what they do not
know.
"""

from __future__ import annotations

from collections.abc import Sequence

from hafnium.backends.elastic.engine_documents import Index, Target
from hafnium.errors import EngineError
from hafnium.siem import Query, Record


class ElasticReplay:
    """All records of a run, loaded once; each query is compiled once per search."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._index = Index(records)

    def search(self, query: Query) -> list[tuple[int, ...]]:
        """The hits, as indexes into the records; see `hafnium.siem.Replay`."""
        try:
            return self._search(query)
        except RecursionError:
            raise EngineError("the query is nested too deeply", file=query.rule.path) from None

    def _search(self, query: Query) -> list[tuple[int, ...]]:
        patterns = query.context.get("index", ("*",))
        if query.language == "eql":
            return eql_hits(query.text, self._index.search(patterns))
        if query.language == "lucene":
            from hafnium.backends.elastic.engine_lucene import lucene_hits

            return lucene_hits(query.text, self._index.search(patterns))
        if query.language == "esql":
            from hafnium.backends.elastic.engine_esql import esql_hits

            return esql_hits(query.text, self._index, query.context.get("mapped", ()))
        raise EngineError(f"no engine for the language {query.language!r}")


def eql_hits(text: str, target: Target) -> list[tuple[int, ...]]:
    """Run an EQL query: one-tuples for an event query, a tuple of events for a sequence."""
    from hafnium.backends.elastic.engine_eql import EqlCondition
    from hafnium.backends.elastic.engine_eql_sequence import run
    from hafnium.backends.elastic.engine_eql_tree import parse

    node = parse(text)
    if node.data != "event_query":
        return run(node, target)
    test = EqlCondition(target).event(node)
    if test is None:
        return []
    return [(doc.ref,) for doc in target.docs if test(doc)]

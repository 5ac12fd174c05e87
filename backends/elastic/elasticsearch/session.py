"""Records put into a node's indexes, and queries run on them.

The indexes have the names of the real data streams, because the queries name those. They are
made once; each set of records has a routing value of its own, and a query sees one set through
the request's filter, which Kibana uses in the same way for a rule's time range.
"""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Mapping, Sequence
from typing import Any

from hafnium.backends.elastic.correlation_esql import EVENTS
from hafnium.backends.elastic.elasticsearch import node
from hafnium.backends.elastic.elasticsearch.client import Client, Rejected
from hafnium.backends.elastic.elasticsearch.indices import LIKE, MARK, definition, stores_of
from hafnium.backends.elastic.engine_types import MAPPED
from hafnium.backends.elastic.package_ingest import component_templates
from hafnium.errors import EngineError
from hafnium.siem import Query, Record

URL = "HAFNIUM_ELASTICSEARCH_URL"
KEY = "HAFNIUM_ELASTICSEARCH_API_KEY"
MOST_ROWS = 10_000
"""Elasticsearch returns no more rows, whatever a query asks for."""
_CHUNK = 2_000


def missing() -> str | None:
    """Why there is no node; None when one is named or installed."""
    return None if os.environ.get(URL) else node.missing()


@functools.cache
def session() -> Session:
    """The one session of this process. Raises `EngineError` when there is no node to be had."""
    return Session(Client(os.environ.get(URL) or node.start(), os.environ.get(KEY)))


class Session:
    """A node with our indexes."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.lacking = [kind for kind in LIKE if not self._knows(kind)]
        self._made: set[str] = set()
        self._mapped: set[tuple[str, str]] = set()
        self._runs = itertools.count(1)

    def _knows(self, kind: str) -> bool:
        """Does the node have the module of a field type?"""
        probe = f"/hafnium-probe-{kind.replace('_', '-')}"
        self.client.call("DELETE", probe + "?ignore_unavailable=true")
        try:
            said = {"mappings": {"_meta": MARK, "properties": {"f": {"type": kind}}}}
            self.client.call("PUT", probe, said)
        except Rejected:
            return False
        self.client.call("DELETE", probe)
        return True

    def make(self, store: str) -> None:
        """Make an index, unless this session has. One that somebody else made is left alone."""
        if store in self._made:
            return
        try:
            found = self.client.call("GET", f"/{store}/_mapping")
        except Rejected:
            found = {}
        for name, said in found.items():
            if said["mappings"].get("_meta") != MARK:
                raise EngineError(f"the node has an index {name} of its own", mend="name another")
            self.client.call("DELETE", f"/{name}")
        template = {"index_patterns": [store], "priority": 9000, "_meta": MARK}
        self.client.call("PUT", f"/_index_template/hafnium-{store}", template)
        self.client.call("PUT", f"/{store}", definition(store, self.lacking))
        self._made.add(store)

    def map(self, context: Mapping[str, Any]) -> None:
        """Install the component templates that this pack ships for a query's fields, but for
        those that `definition` has mapped."""
        lacking = [name for name in context.get("mapped", ()) if name not in MAPPED]
        for stream, body in component_templates({**context, "mapped": lacking}).items():
            if (stream, str(body)) not in self._mapped:
                self.client.call("PUT", f"/{stream}-default/_mapping", body)
                self._mapped.add((stream, str(body)))

    def replay(self, records: Sequence[Record]) -> Loaded:
        """Index the records. Raises `EngineError` for one that the mapping rejects."""
        run = f"run{next(self._runs)}"
        for store in dict.fromkeys(record.store for record in records):
            self.make(store)
        numbered = iter(enumerate(records))
        while chunk := list(itertools.islice(numbered, _CHUNK)):
            lines: list[Any] = []
            for ref, record in chunk:
                action = {"_index": record.store, "_id": f"{run}.{ref}", "routing": run}
                lines += [{"create": action}, dict(record.fields)]
            check(self.client.bulk(lines))
        return Loaded(self, run)


def check(answer: Any) -> None:
    """Raises `EngineError` when a bulk request's answer rejects a document."""
    if answer["errors"]:
        (first, *_) = (i["create"] for i in answer["items"] if "error" in i["create"])
        cause = first["error"].get("caused_by", {}).get("reason", "")
        reason = f"{first['error']['reason'][:300]} {cause[:300]}".strip()
        raise EngineError(f"Elasticsearch rejects a record of {first['_index']}: {reason}")


class Loaded:
    """One set of records in the node. See `hafnium.siem.Replay`."""

    def __init__(self, session: Session, run: str) -> None:
        self._session = session
        self._run = run

    def search(self, query: Query) -> list[tuple[int, ...]]:
        """A detection's rows are events; a correlation's name theirs (`EVENTS`)."""
        for store in stores_of(query.context["index"]):
            self._session.make(store)
        self._session.map(query.context)
        ids = self._ids_of_hits(query) if query.language == "lucene" else self._ids_of_rows(query)
        if len(ids) >= MOST_ROWS:
            raise EngineError(f"more than {MOST_ROWS} rows: Elasticsearch cuts them off")
        return [_refs(each) for each in ids]

    def _ids_of_rows(self, query: Query) -> list[str | list[str]]:
        said = {
            "query": f"{query.text}\n| LIMIT {MOST_ROWS}",
            "filter": {"term": {"_routing": self._run}},
        }
        answer = self._session.client.call("POST", "/_query", said)
        names = [column["name"] for column in answer["columns"]]
        at = names.index(EVENTS if query.rule.correlation else "_id")
        return [row[at] for row in answer["values"]]

    def _ids_of_hits(self, query: Query) -> list[str | list[str]]:
        """As Kibana puts a Lucene query: beside its filters, with its usual options."""
        searched = {"query_string": {"query": query.text, "analyze_wildcard": True}}
        filters = [searched, {"term": {"_routing": self._run}}]
        said = {"query": {"bool": {"filter": filters}}, "size": MOST_ROWS, "_source": False}
        indexes = ",".join(query.context["index"])
        path = f"/{indexes}/_search?ignore_unavailable=true&allow_no_indices=true"
        answer = self._session.client.call("POST", path, said)
        return [hit["_id"] for hit in answer["hits"]["hits"]]


def _refs(ids: str | list[str]) -> tuple[int, ...]:
    """The numbers at the end of our ids."""
    several = [ids] if isinstance(ids, str) else ids
    return tuple(sorted(int(each.rpartition(".")[2]) for each in several))

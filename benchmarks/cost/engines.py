"""The two engines that are measured, loaded with records: Elasticsearch, and DuckDB for KQL.

Neither may remember a query's answer: Elasticsearch's caches are cleared before each run, DuckDB
has none. Both hold what records fill and no empty index or table beside, like the site of somebody
who collects these logs in this way; a query that names more of them finds only these.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from hafnium.siem import Record

from .queries import Text

JAVA = ("-Xms1g", "-Xmx3g", "-XX:+UseSerialGC", "-Xshare:auto")
"""For a node with a million documents."""
ROWS = 1_000
"""Most rows that a query returns, as Kibana's rules limit them, too."""
_CHUNK = 4_000


class Measured(Protocol):
    """An engine that runs queries over what was loaded."""

    language: str
    """Of the queries that it runs."""
    clock: Callable[[], float]
    """Seconds that a query is measured by."""

    def load(self, batches: Iterable[Sequence[Record]]) -> None:
        """Put the records in."""
        ...

    def prepare(self, text: Text) -> None:
        """What is not part of a query's cost; before every run."""
        ...

    def run(self, text: Text) -> int:
        """Run it and say how many rows it found. Raises `EngineError`."""
        ...


class Elasticsearch:
    """ES|QL in a node of its own."""

    language = "esql"
    clock = staticmethod(time.perf_counter)

    def __init__(self) -> None:
        from hafnium.backends.elastic.elasticsearch import node
        from hafnium.backends.elastic.elasticsearch.client import Client
        from hafnium.backends.elastic.elasticsearch.session import Session

        self._session = Session(Client(node.start(JAVA)))
        self._filled: set[str] = set()

    def load(self, batches: Iterable[Sequence[Record]]) -> None:
        from hafnium.backends.elastic.elasticsearch.session import check

        for records in batches:
            for store in sorted({record.store for record in records}):
                self._session.make(store)
                self._filled.add(store)
            for start in range(0, len(records), _CHUNK):
                lines = [
                    line
                    for record in records[start : start + _CHUNK]
                    for line in ({"create": {"_index": record.store}}, dict(record.fields))
                ]
                check(self._session.client.bulk(lines, refresh=False))
        self._session.client.call("POST", "/_refresh")

    def prepare(self, text: Text) -> None:
        from hafnium.backends.elastic.elasticsearch.indices import stores_of

        if text.context:
            stores = set(stores_of(text.context["index"]))
            if not stores & self._filled:
                for store in stores:
                    self._session.make(store)
            self._session.map(text.context)
        self._session.client.call("POST", "/_cache/clear")

    def run(self, text: Text) -> int:
        said = {"query": f"{text.text}\n| LIMIT {ROWS}"}
        return len(self._session.client.call("POST", "/_query", said)["values"])


class Kql:
    """KQL by way of DuckDB, which runs in this process with one thread: its processor time is
    what a query takes, whatever else the machine does."""

    language = "kql"
    clock = staticmethod(time.process_time)

    def __init__(self) -> None:
        from hafnium.backends.sentinel.replay import SentinelReplay

        self._replay = SentinelReplay((), filled_only=True)

    def load(self, batches: Iterable[Sequence[Record]]) -> None:
        for records in batches:
            self._replay.add(records)

    def prepare(self, text: Text) -> None:
        """The translation to SQL is remembered by the replay; it is no part of the cost."""
        self._replay.sql(text.text)

    def run(self, text: Text) -> int:
        return len(self._replay.run(text.text))

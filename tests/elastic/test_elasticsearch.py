"""Elasticsearch as an engine: what it is asked, what its answers mean, how it fails.

A canned node stands in for it here; `make test-engines` asks the real one.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from hafnium.backends.elastic import BACKEND
from hafnium.backends.elastic.elasticsearch import Elasticsearch, node, session
from hafnium.backends.elastic.elasticsearch.client import Client, Rejected
from hafnium.backends.elastic.elasticsearch.indices import LIKE, definition, stores_of
from hafnium.backends.elastic.elasticsearch.session import KEY, URL, Session
from hafnium.errors import EngineError
from hafnium.rule import Rule
from hafnium.siem import Record
from hafnium.site import Site

IIS = "logs-iis.access-default"
Answer = tuple[int, Any]
Answers = Callable[[str, str, Any], Answer]


class Canned(BaseHTTPRequestHandler):
    """Answers by the function that the test sets, and remembers what it was asked."""

    answers: Answers
    asked: list[tuple[str, str, Any]]
    keys: list[str | None]

    def handle_any(self) -> None:
        size = int(self.headers.get("Content-Length", 0))
        text = self.rfile.read(size).decode()
        lines = [json.loads(line) for line in text.splitlines()]
        body = lines if self.path.startswith("/_bulk") else (lines or [None])[0]
        type(self).asked.append((self.command, self.path, body))
        type(self).keys.append(self.headers.get("Authorization"))
        status, said = type(self).answers(self.command, self.path, body)
        data = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_PUT = do_POST = do_DELETE = handle_any  # noqa: N815

    def log_message(self, *args: object) -> None:
        """Nothing on standard error."""


@pytest.fixture
def canned() -> Iterator[tuple[str, type[Canned]]]:
    """A node on the loopback address, and the handler whose ``answers`` a test may replace."""

    class Handler(Canned):
        answers = staticmethod(agreeable)
        asked: list[tuple[str, str, Any]] = []  # noqa: RUF012
        keys: list[str | None] = []  # noqa: RUF012

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", Handler
    server.shutdown()
    thread.join()
    server.server_close()


def agreeable(method: str, path: str, body: Any) -> Answer:
    """A node that has no index yet and finds the first record of a set."""
    if path.endswith("/_mapping") and method == "GET":
        return 404, {"error": {"reason": "no such index"}}
    if path.startswith("/_bulk"):
        return 200, {"errors": False, "items": []}
    if path == "/_query":
        run = body["filter"]["term"]["_routing"]
        columns = [{"name": "_index"}, {"name": "_id"}]
        return 200, {"columns": columns, "values": [[IIS, f"{run}.0"]]}
    return 200, {"acknowledged": True}


def iis(**fields: Any) -> Record:
    return Record("iis", IIS, fields)


def test_records_are_indexed_apart_and_hits_are_their_numbers(
    canned: tuple[str, type[Canned]], rule: Callable[..., Rule]
) -> None:
    url, handler = canned
    here = Session(Client(url))
    query = BACKEND.compile(rule("s: {cs-method: POST}\ncondition: s"), Site())
    first = here.replay([iis(a="1"), iis(a="2")])
    second = here.replay([iis(a="3")])
    assert first.search(query) == second.search(query) == [(0,)]
    bulks = [body for _, path, body in handler.asked if path.startswith("/_bulk")]
    assert bulks[0][0]["create"] == {"_index": IIS, "_id": "run1.0", "routing": "run1"}
    assert bulks[0][3] == {"a": "2"}
    filters = [body["filter"] for _, path, body in handler.asked if path == "/_query"]
    assert filters == [{"term": {"_routing": "run1"}}, {"term": {"_routing": "run2"}}]
    made = [path for method, path, _ in handler.asked if method == "PUT" and path == f"/{IIS}"]
    assert made == [f"/{IIS}"], "an index is made once"


def test_what_is_shipped_is_put_to_the_node(
    canned: tuple[str, type[Canned]], rule: Callable[..., Rule]
) -> None:
    url, handler = canned
    made = rule("s: {cs-method: POST}\ncondition: s")
    query = BACKEND.compile(made, Site())
    assert Elasticsearch().refuses(query) is None
    Session(Client(url)).replay([iis(a="1")]).search(query)
    ((_, _, body),) = [asked for asked in handler.asked if asked[1] == "/_query"]
    assert body["query"].startswith(query.text)
    in_eql = BACKEND.compile(made, Site(targets={"elastic": {"language": "eql"}}))
    assert "not published" in (Elasticsearch().refuses(in_eql) or "")


def test_lucene_is_put_to_the_search_as_kibana_does(
    canned: tuple[str, type[Canned]], rule: Callable[..., Rule]
) -> None:
    """What the language cannot say is left to the engine of the other."""
    url, handler = canned
    engine = Elasticsearch("lucene")
    query = BACKEND.compile(rule("s: {cs-method: POST}\ncondition: s"), engine.site)
    assert (query.language, engine.refuses(query)) == ("lucene", None)
    loaded = Session(Client(url)).replay([iis(a="1")])
    with pytest.raises(KeyError):
        loaded.search(query)  # the canned node answers no search
    ((_, path, body),) = [asked for asked in handler.asked if "/_search" in asked[1]]
    assert path.startswith("/logs-iis.access-*/_search?")
    searched, run = body["query"]["bool"]["filter"]
    assert searched["query_string"]["query"] == query.text
    assert run == {"term": {"_routing": "run1"}}
    counted = BACKEND.compile(rule("s: {cs-method|fieldref: cs-host}\ncondition: s"), engine.site)
    assert counted.language == "esql"
    assert "elasticsearch runs it" in (engine.refuses(counted) or "")


def test_a_rejected_query_is_an_error_with_the_nodes_reason(
    canned: tuple[str, type[Canned]], rule: Callable[..., Rule]
) -> None:
    url, handler = canned

    def strict(method: str, path: str, body: Any) -> Answer:
        if path == "/_query":
            return 400, {"error": {"reason": "line 1:2: mismatched input"}}
        return agreeable(method, path, body)

    handler.answers = staticmethod(strict)
    query = BACKEND.compile(rule("s: {cs-method: POST}\ncondition: s"), Site())
    with pytest.raises(EngineError, match="mismatched input"):
        Session(Client(url)).replay([iis(a="1")]).search(query)


def test_a_record_that_the_mapping_rejects_is_an_error(canned: tuple[str, type[Canned]]) -> None:
    url, handler = canned
    error = {"reason": "failed to parse field [x]", "caused_by": {"reason": "no number"}}

    def strict(method: str, path: str, body: Any) -> Answer:
        if path.startswith("/_bulk"):
            return 200, {"errors": True, "items": [{"create": {"_index": IIS, "error": error}}]}
        return agreeable(method, path, body)

    handler.answers = staticmethod(strict)
    with pytest.raises(EngineError, match=r"failed to parse field \[x\] no number"):
        Session(Client(url)).replay([iis(x="1")])


def test_rows_that_may_be_cut_off_are_an_error(
    canned: tuple[str, type[Canned]], rule: Callable[..., Rule]
) -> None:
    url, handler = canned

    def many(method: str, path: str, body: Any) -> Answer:
        if path == "/_query":
            return 200, {"columns": [{"name": "_id"}], "values": [["run1.0"]] * 10_000}
        return agreeable(method, path, body)

    handler.answers = staticmethod(many)
    query = BACKEND.compile(rule("s: {cs-method: POST}\ncondition: s"), Site())
    with pytest.raises(EngineError, match="cuts them off"):
        Session(Client(url)).replay([iis(a="1")]).search(query)


def test_an_index_of_somebody_else_is_left_alone(canned: tuple[str, type[Canned]]) -> None:
    url, handler = canned

    def inhabited(method: str, path: str, body: Any) -> Answer:
        if path == f"/{IIS}/_mapping":
            return 200, {IIS: {"mappings": {"properties": {}}}}
        return agreeable(method, path, body)

    handler.answers = staticmethod(inhabited)
    with pytest.raises(EngineError, match="of its own"):
        Session(Client(url)).replay([iis(a="1")])
    assert ("DELETE", f"/{IIS}") not in [(method, path) for method, path, _ in handler.asked]


def test_a_node_that_does_not_answer_is_an_error(canned: tuple[str, type[Canned]]) -> None:
    url, handler = canned
    assert Client(url, "key").call("GET", "/x") == {"acknowledged": True}
    assert handler.keys == ["ApiKey key"]
    handler.answers = staticmethod(lambda *asked: (503, {}))
    with pytest.raises(Rejected):
        Client(url).call("GET", "/x")
    with pytest.raises(EngineError, match="does not answer"):
        Client("http://127.0.0.1:9").call("GET", "/x")


def test_fields_are_mapped_as_the_integrations_map_them() -> None:
    properties = definition(IIS, ())["mappings"]["properties"]
    assert properties["http"]["properties"]["request"]["properties"]["method"] == {
        "type": "keyword",
        "ignore_above": 1024,
    }
    assert properties["url"]["properties"]["original"] == {"type": "wildcard"}
    assert properties["source"]["properties"]["ip"] == {"type": "ip"}
    assert properties["message"] == {"type": "match_only_text"}
    own = definition("logs-exchange.oabgenerator-default", ())["mappings"]["properties"]
    assert own["message"]["type"] == "wildcard", "this pack's own template says so"
    bare = json.dumps(definition("logs-exchange.ecp-default", LIKE))
    assert not any(f'"{kind}"' in bare for kind in LIKE)


def test_every_pattern_has_an_index() -> None:
    assert stores_of(["logs-iis.access-*", "winlogbeat-*"]) == [IIS, "winlogbeat-8.19.0"]


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("HAFNIUM_ENGINES", str(tmp_path))
    monkeypatch.delenv(URL, raising=False)
    assert "make engines" in (Elasticsearch().missing() or "")
    monkeypatch.setenv(URL, "http://127.0.0.1:9")
    monkeypatch.setenv(KEY, "key")
    assert Elasticsearch().missing() is None
    assert session.missing() is None
    monkeypatch.delenv(URL)
    (tmp_path / "elasticsearch").mkdir()
    (tmp_path / "elasticsearch/installed").write_text("x")
    monkeypatch.setattr(node.shutil, "which", lambda tool: None)
    assert "java" in (Elasticsearch().missing() or "")


def test_a_node_that_does_not_start_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\necho 'no such class' >&2\nexit 1\n")
    java.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(EngineError, match="no such class"):
        node.start()

"""Requests to an Elasticsearch node: JSON in and out, errors with the node's own reason."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterable
from typing import Any

from hafnium.errors import EngineError

SECONDS = 300
"""How long a request may take. A query of a test takes a fraction of a second, but on a machine
that is short of processors a node may get no turn for a minute."""


class Rejected(EngineError):
    """The node understood the request and says no."""


class Client:
    """One node. No proxy is asked, whatever the environment says."""

    def __init__(self, url: str, api_key: str | None = None) -> None:
        self.url = url.rstrip("/")
        self._headers = {"Authorization": f"ApiKey {api_key}"} if api_key else {}
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Raises `Rejected` for a request that is refused, `EngineError` when nobody answers."""
        data = None if body is None else json.dumps(body).encode()
        return self._send(method, path, data, "application/json")

    def bulk(self, lines: Iterable[Any], *, refresh: bool = True) -> Any:
        """Index documents: a line that says what to do, then the document. They are not found
        before a refresh."""
        data = "".join(json.dumps(line) + "\n" for line in lines).encode()
        path = f"/_bulk?refresh={str(refresh).lower()}"
        return self._send("POST", path, data, "application/x-ndjson")

    def _send(self, method: str, path: str, data: bytes | None, kind: str) -> Any:
        request = urllib.request.Request(self.url + path, data, method=method)
        for name, value in {"Content-Type": kind, **self._headers}.items():
            request.add_header(name, value)
        try:
            with self._opener.open(request, timeout=SECONDS) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            raise Rejected(_reason(error.read()) or f"status {error.code}") from error
        except (OSError, ValueError) as error:
            raise EngineError(f"Elasticsearch at {self.url} does not answer: {error}") from error


def _reason(answer: bytes) -> str:
    """The reason in an error body; the body itself when it has none."""
    try:
        said = json.loads(answer)["error"]
        return str(said if isinstance(said, str) else said["reason"])
    except (ValueError, KeyError, TypeError):
        return answer.decode("utf-8", "replace")[:500]

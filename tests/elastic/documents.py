"""Documents as the integrations store them, and what compiled rules find among them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import eql
from eql.parser import elasticsearch_syntax

from hafnium.backends.elastic import BACKEND
from hafnium.rule import Rule
from hafnium.siem import Query, Record
from hafnium.site import Site

IIS = {"_store": "logs-iis.access-default", "data_stream.dataset": "iis.access"}
PROXY = {
    "_store": "logs-microsoft_exchange_server.httpproxy-default",
    "data_stream.dataset": "microsoft_exchange_server.httpproxy",
}
HTTPPROXY = "{product: windows, service: msexchange-httpproxy}"
MANAGEMENT = "{product: windows, service: msexchange-management}"
PROCESS = "{product: windows, category: process_creation}"
SECURITY = "{product: windows, service: security}"
ANCHOR = "microsoft.exchange.anchormailbox"
HINT = "microsoft.exchange.routinghint"

Rules = Callable[..., Rule]

IN_EQL, IN_LUCENE = (
    Site(targets={"elastic": {"language": language}}) for language in ("eql", "lucene")
)


def sysmon(code: str, **fields: Any) -> dict[str, Any]:
    return {
        "_store": "logs-windows.sysmon_operational-default",
        "winlog.channel": "Microsoft-Windows-Sysmon/Operational",
        "event.code": code,
        **{name.replace("__", "."): value for name, value in fields.items()},
    }


def security(code: str, **fields: Any) -> dict[str, Any]:
    store = "logs-system.security-default"
    return {**sysmon(code, **fields), "_store": store, "winlog.channel": "Security"}


def anchor(value: Any, **more: Any) -> dict[str, Any]:
    return {**PROXY, **({} if value is None else {ANCHOR: value}), **more}


def search(query: Query, documents: list[dict[str, Any]]) -> list[int]:
    """The numbers of the documents found. EQL must please the `eql` package too."""
    if query.language == "eql":
        with elasticsearch_syntax:
            eql.parse_query(query.text)
    records = [
        Record("test", d["_store"], {k: v for k, v in d.items() if k != "_store"})
        for d in documents
    ]
    return sorted(hit[0] for hit in BACKEND.replay(records).search(query))


def found(rule: Rule, *documents: dict[str, Any]) -> list[int]:
    """What the rule finds, which is the same in each language that can say it."""
    sites = (Site(), IN_EQL, IN_LUCENE)
    said, *alike = (search(BACKEND.compile(rule, site), list(documents)) for site in sites)
    assert alike == [said, said]
    return said

"""Text logs as documents: IIS, Exchange HttpProxy, ECP Server and the OAB generator.

IIS and HttpProxy pass the pipelines of Elastic's integrations (``iis.access``,
``microsoft_exchange_server.httpproxy``); their enrichment by databases (geography, user agent
families) is left out. Columns are placed by name: the integrations know them by position only,
in the layouts that they support.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from hafnium.backends.elastic.recorder_document import (
    Document,
    is_address,
    present,
    url_decoded,
    whole,
)
from hafnium.entries import Entry
from hafnium.siem import Record

_IIS_TEXT = {
    "s-sitename": "iis.access.site_name",
    "s-computername": "iis.access.server_name",
    "s-ip": "destination.address",
    "cs-method": "http.request.method",
    "cs-username": "user.name",
    "c-ip": "source.address",
    "cs-user-agent": "user_agent.original",
    "cs-cookie": "iis.access.cookie",
    "cs-referer": "http.request.referrer",
    "cs-host": "destination.domain",
}
_IIS_NUMBERS = {
    "s-port": "destination.port",
    "sc-status": "http.response.status_code",
    "sc-substatus": "iis.access.sub_status",
    "sc-win32-status": "iis.access.win32_status",
    "sc-bytes": "http.response.body.bytes",
    "cs-bytes": "http.request.body.bytes",
}
_IIS_ELSEWHERE = {"cs-uri-stem", "cs-uri-query", "cs-version", "time-taken", "x-forwarded-for"}


def iis(entry: Entry) -> Record:
    """One line of an IIS access log."""
    document = Document(entry, "iis.access")
    fields = {name: present(entry.fields, name) for name in entry.fields}
    known = _IIS_TEXT.keys() | _IIS_NUMBERS.keys() | _IIS_ELSEWHERE
    document.lost.update(fields.keys() - known)
    for name, target in _IIS_TEXT.items():
        document.put(target, fields.get(name))
    for name, target in _IIS_NUMBERS.items():
        document.put(target, _number(document, name, fields.get(name)))
    _version_and_origin(document, fields)
    if (stem := fields.get("cs-uri-stem")) is not None:
        _path(document, stem)
    if (query := fields.get("cs-uri-query")) is not None:
        decoded = url_decoded(query)
        document.put("url.query", decoded)
        if decoded is None:
            document.lost.add("cs-uri-query")
    document.put("url.domain", fields.get("cs-host"))
    taken = _number(document, "time-taken", fields.get("time-taken"))
    document.put("event.duration", None if taken is None else taken * 1_000_000)
    _after_user_agent(document)
    return document.record("iis", "logs-iis.access-default")


def _number(document: Document, name: str, text: str | None) -> int | None:
    if text is None:
        return None
    value = whole(text)
    if value is None:
        document.lost.add(name)
    return value


def _version_and_origin(document: Document, fields: dict[str, str | None]) -> None:
    version = fields.get("cs-version")
    if version is not None:
        document.put("http.version", version.removeprefix("HTTP/"))
    origin = fields.get("x-forwarded-for")
    if origin is not None and is_address(origin):
        document.put("network.forwarded_ip", origin)
    elif origin is not None:
        document.lost.add("x-forwarded-for")


def _path(document: Document, stem: str) -> None:
    """The ``uri_parts`` processor: java.net.URI takes the stem apart, or nothing is set but
    ``url.original``."""
    document.put("url.original", stem)
    rest, _, fragment = stem.partition("#")
    legal = re.fullmatch(r"(?:[^\x00-\x20\x7f\"<>\\^`{|}%\[\]]|%[0-9A-Fa-f]{2})*", rest)
    if not legal or "#" in fragment:
        return
    if rest.startswith("//"):
        host, slash, path = rest[2:].partition("/")
        document.put("url.domain", host)
        rest = slash + path
    path = unquote(rest)
    document.put("url.path", path)
    document.put("url.fragment", fragment)
    name = path.rpartition("/")[2]
    if "." in name:
        document.put("url.extension", name.rpartition(".")[2])


def _after_user_agent(document: Document) -> None:
    """The steps from the user agent on: a user agent that cannot be decoded ends the pipeline."""
    fields = document.fields
    agent = fields.get("user_agent.original")
    if agent is not None:
        decoded = url_decoded(agent)
        if decoded is None:
            fields["error.message"] = "user_agent.original cannot be decoded"
            return
        fields["user_agent.original"] = decoded
    for side in ("destination", "source"):
        address = fields.get(f"{side}.address", "").partition("%")[0]
        if is_address(address):
            fields[f"{side}.ip"] = address
    fields["event.kind"] = "event"
    both = "source.ip" in fields and "destination.ip" in fields
    fields["event.category"] = ["web", "network"] if both else ["web"]
    if both:
        fields["event.type"] = ["connection"]
    _user(document)
    document.put("host.name", fields.get("iis.access.server_name", "").lower())
    status = fields.get("http.response.status_code")
    if status is not None:
        fields["event.outcome"] = "success" if status < 400 else "failure"


def _user(document: Document) -> None:
    r"""``DOMAIN\name``, ``name@domain`` and ``DOMAIN\name@domain`` cut into their parts."""
    user = document.fields.get("user.name")
    if user is None:
        return
    before, slash, after = user.partition("\\")
    if slash and "@" in after:
        name, _, domain = after.partition("@")
    elif "@" in user:
        name, _, domain = user.partition("@")
    elif slash:
        domain, name = before, after
    else:
        return
    document.put("user.name", name)
    document.put("user.domain", domain)


_PROXY_ELSEWHERE = {
    "UserAgent": "user_agent.original",
    "ServerHostName": "observer.hostname",
    "HttpStatus": "http.response.status_code",
    "Method": "http.request.method",
    "RequestBytes": "http.request.bytes",
    "ResponseBytes": "http.response.bytes",
    "UrlQuery": "url.query",
}
_PROXY_NUMBERS = frozenset(
    [
        "HttpStatus",
        "BackEndStatus",
        "RequestBytes",
        "ResponseBytes",
        "MajorVersion",
        "MinorVersion",
        "BuildVersion",
        "RevisionVersion",
        "ServerLocatorLatency",
        "HttpPipelineLatency",
        "CalculateTargetBackEndLatency",
        "TotalGlsLatency",
        "TotalAccountForestLatency",
        "TotalResourceForestLatency",
        "ADLatency",
        "TotalSharedCacheLatency",
        "ActivityContextLifeTime",
        "ModuleToHandlerSwitchingLatency",
        "ClientReqStreamLatency",
        "BackendReqInitLatency",
        "BackendReqStreamLatency",
        "BackendProcessingLatency",
        "BackendRespInitLatency",
        "BackendRespStreamLatency",
        "ClientRespStreamLatency",
        "KerberosAuthHeaderLatency",
        "HandlerCompletionLatency",
        "RequestHandlerLatency",
        "HandlerToModuleSwitchingLatency",
        "ProxyTime",
        "CoreLatency",
        "RoutingLatency",
        "HttpProxyOverhead",
        "TotalRequestTime",
        "RouteRefresherLatency",
        "PartitionEndpointLookupLatency",
    ]
)


def httpproxy(entry: Entry) -> Record:
    """One row of an Exchange HttpProxy log."""
    document = Document(entry, "microsoft_exchange_server.httpproxy")
    for name in entry.fields:
        text = present(entry.fields, name)
        if name == "DateTime" or text is None:
            document.lost.add(name)
            continue
        target = _PROXY_ELSEWHERE.get(name, f"microsoft.exchange.{name.lower()}")
        document.put(target, _number(document, name, text) if name in _PROXY_NUMBERS else text)
    user = re.fullmatch(
        r".*?\\(\S+).*", document.fields.get("microsoft.exchange.authenticateduser", ""), re.DOTALL
    )
    if user:
        document.put("user.name", user.group(1))
    _client_addresses(document)
    document.fields["microsoft.exchange.logtype"] = "httpproxy"
    return document.record("httpproxy", "logs-microsoft_exchange_server.httpproxy-default")


def _client_addresses(document: Document) -> None:
    """Behind a load balancer the column holds two addresses; it becomes a list of addresses."""
    field = "microsoft.exchange.clientipaddress"
    text = document.fields.get(field)
    if text is None:
        return
    parts = text.split()
    if len(parts) == 2 and all(is_address(part) for part in parts):
        document.put(f"{field}_external", parts[0])
        document.put(f"{field}_internal", parts[1])
    values = text.split("  ")
    if all(is_address(value) for value in values):
        document.fields[field] = values
    else:
        del document.fields[field]
        document.lost.add("ClientIpAddress")


def ecp(entry: Entry) -> Record:
    """One row of the ECP Server log, in the data stream that comes with this pack."""
    document = Document(entry, "exchange.ecp")
    columns = {
        "TimeStamp": "timestamp",
        "ServerName": "server_name",
        "EventId": "event_id",
        "EventData": "event_data",
    }
    for column, name in columns.items():
        document.put(f"exchange.ecp.{name}", present(entry.fields, column))
    for key, value in _ecp_items(present(entry.fields, "EventData") or ""):
        document.default(f"exchange.ecp.{key.lower()}", value)
    return document.record("ecp", "logs-exchange.ecp-default")


_ECP_ITEM = re.compile(
    r"'S:(?P<qkey>[^=']*)=(?P<quoted>(?:[^']|'')*)'(?:;|$)"
    r"|S:(?P<key>[^=;]*)=(?P<plain>.*?)(?:;(?='?S:)|;?$)",
    re.DOTALL,
)


def _ecp_items(text: str) -> list[tuple[str, str]]:
    """``S:KEY=value`` items parted by ``;``; an item in single quotes may hold anything."""
    return [
        (m["qkey"], m["quoted"].replace("''", "'"))
        if m["qkey"] is not None
        else (m["key"], m["plain"])
        for m in _ECP_ITEM.finditer(text)
    ]


def oabgenerator(entry: Entry) -> Record:
    """One line of the OAB generator log: text without a pipeline."""
    document = Document(entry, "exchange.oabgenerator")
    document.put("message", present(entry.fields, "Message"))
    return document.record("oabgenerator", "logs-exchange.oabgenerator-default")

"""Lines of IIS W3C, Exchange HttpProxy, ECP Server and OABGenerator logs, with their headers.

`request` writes one client request to every log that it leaves: the front end's W3C log, the
HttpProxy log of its protocol, and, when it was proxied, the back end's W3C log.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from traffic.log import Day, after
from traffic.site import Site

_W3C = (
    "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) "
    "cs(Referer) sc-status sc-substatus sc-win32-status time-taken"
)
_SINCE_2016 = frozenset(
    """SharedCacheLatencyBreakup TotalSharedCacheLatency KerberosAuthHeaderLatency
    HandlerCompletionLatency RouteRefresherLatency EdgeTraceId DatabaseGuid UserADObjectGuid
    PartitionEndpointLookupLatency RoutingStatus""".split()
)
_COLUMNS = tuple(
    """DateTime,RequestId,MajorVersion,MinorVersion,BuildVersion,RevisionVersion,ClientRequestId,
Protocol,UrlHost,UrlStem,ProtocolAction,AuthenticationType,IsAuthenticated,AuthenticatedUser,
Organization,AnchorMailbox,UserAgent,ClientIpAddress,ServerHostName,HttpStatus,BackEndStatus,
ErrorCode,Method,ProxyAction,TargetServer,TargetServerVersion,RoutingType,RoutingHint,
BackEndCookie,ServerLocatorHost,ServerLocatorLatency,RequestBytes,ResponseBytes,
TargetOutstandingRequests,AuthModulePerfContext,HttpPipelineLatency,CalculateTargetBackEndLatency,
GlsLatencyBreakup,TotalGlsLatency,AccountForestLatencyBreakup,TotalAccountForestLatency,
ResourceForestLatencyBreakup,TotalResourceForestLatency,ADLatency,SharedCacheLatencyBreakup,
TotalSharedCacheLatency,ActivityContextLifeTime,ModuleToHandlerSwitchingLatency,
ClientReqStreamLatency,BackendReqInitLatency,BackendReqStreamLatency,BackendProcessingLatency,
BackendRespInitLatency,BackendRespStreamLatency,ClientRespStreamLatency,KerberosAuthHeaderLatency,
HandlerCompletionLatency,RequestHandlerLatency,HandlerToModuleSwitchingLatency,ProxyTime,
CoreLatency,RoutingLatency,HttpProxyOverhead,TotalRequestTime,RouteRefresherLatency,UrlQuery,
BackEndGenericInfo,GenericInfo,GenericErrors,EdgeTraceId,DatabaseGuid,UserADObjectGuid,
PartitionEndpointLookupLatency,RoutingStatus""".replace("\n", "").split(",")
)


def columns(site: Site) -> tuple[str, ...]:
    """The columns of the site's HttpProxy logs: 64 in Exchange 2013, 74 later."""
    if site.version != "2013":
        return _COLUMNS
    return tuple(name for name in _COLUMNS if name not in _SINCE_2016)


@dataclass(frozen=True)
class Request:
    """One HTTP request. ``protocol`` names the HttpProxy log that it is in, if any."""

    method: str
    stem: str
    ip: str
    agent: str
    query: str = ""
    user: str = ""
    """``DOMAIN\\account`` when the request was authenticated."""
    status: int = 200
    sub: int = 0
    win32: int = 0
    took: int = 31
    referer: str = "-"
    protocol: str = ""
    anchor: str = ""
    hint: str = ""
    auth: str = "Negotiate"
    cookie: str = ""
    host: str = ""
    error: str = ""
    proxied: bool = True
    """False: the front end answered by itself."""
    port: int = 443


def request(day: Day, when: datetime, said: Request) -> None:
    """Log a request wherever it leaves a line."""
    site = day.site
    local = said.ip in ("::1", "127.0.0.1")
    client = said.ip if local or not site.balancer else site.balancer
    cafe = day.guid()
    extra = f"&CorrelationID=<empty>;&cafeReqId={cafe};" if said.protocol else ""
    if said.protocol in ("Owa", "Ecp"):
        extra += "&encoding=;"
    query = (said.query + extra).replace(" ", "+") or "-"
    _w3c(day, when, 1, said, client if local else site.ip, query, client)
    if said.protocol:
        _httpproxy(day, when, said, cafe, client)
    if said.protocol and said.proxied and said.user:
        inner = f"fe80::5efe:{site.ip}%6" if day.rng.random() < 0.7 else site.ip
        _w3c(day, when, 2, said, inner, said.query.replace(" ", "+") or "-", inner)


def ask(day: Day, when: datetime, base: Request, method: str, stem: str, **more: Any) -> None:
    """Log a request that differs from ``base`` in what is named."""
    request(day, when, replace(base, method=method, stem=stem, **more))


def back_end(day: Day, when: datetime, said: Request) -> None:
    """Log a request that came straight to the back end (other servers, probes)."""
    _w3c(day, when, 2, said, day.site.ip, said.query.replace(" ", "+") or "-", said.ip)


def _w3c(
    day: Day, when: datetime, number: int, said: Request, own: str, query: str, client: str
) -> None:
    port = 444 if number == 2 else said.port
    agent = said.agent.replace(" ", "+") or "-"
    cut = "" if not day.site.balancer or number == 2 else f" {said.ip}"
    day.line(
        f"W3SVC{number}/u_ex{when:%y%m%d}.log",
        when.replace(microsecond=0),
        f"{when:%Y-%m-%d %H:%M:%S} {own} {said.method} {said.stem} {query} {port} "
        f"{said.user or '-'} {client} {agent} {said.referer} {said.status} {said.sub} "
        f"{said.win32} {said.took}{cut}",
        _w3c_back if number == 2 else _w3c_front,
    )


def _w3c_front(site: Site, when: datetime) -> Sequence[str]:
    more = " X-Forwarded-For" if site.balancer else ""
    return _w3c_header(site, when, _W3C + more)


def _w3c_back(site: Site, when: datetime) -> Sequence[str]:
    return _w3c_header(site, when, _W3C)


def _w3c_header(site: Site, when: datetime, fields: str) -> Sequence[str]:
    release = "8.5" if site.version == "2013" else "10.0"
    return (
        f"#Software: Microsoft Internet Information Services {release}",
        "#Version: 1.0",
        f"#Date: {when:%Y-%m-%d %H:%M:%S}",
        f"#Fields: {fields}",
    )


def _httpproxy(day: Day, when: datetime, said: Request, cafe: str, client: str) -> None:
    site, ended = day.site, after(when, said.took / 1000)
    proxied = said.proxied and bool(said.anchor or said.user)
    yes = str(bool(said.user))
    row = {
        "DateTime": stamp(ended),
        "RequestId": cafe,
        "MajorVersion": "15",
        "MinorVersion": str(site.build[0]),
        "BuildVersion": str(site.build[1]),
        "RevisionVersion": str(site.build[2]),
        "Protocol": said.protocol,
        "UrlHost": said.host or site.url,
        "UrlStem": said.stem,
        "AuthenticationType": said.auth,
        "IsAuthenticated": yes if site.version == "2013" else yes.lower(),
        "AuthenticatedUser": said.user,
        "AnchorMailbox": said.anchor,
        "UserAgent": said.agent.replace(",", " "),
        "ClientIpAddress": client,
        "ServerHostName": site.host,
        "HttpStatus": str(said.status),
        "BackEndStatus": str(said.status) if proxied else "",
        "ErrorCode": said.error,
        "Method": said.method,
        "ProxyAction": "Proxy" if proxied else "",
        "TargetServer": site.fqdn.lower() if proxied else "",
        "TargetServerVersion": f"15.{site.build[0]:02}.{site.build[1]:04}.000" if proxied else "",
        "RoutingType": "IntraForest" if proxied else "",
        "RoutingHint": said.hint,
        "BackEndCookie": said.cookie,
        "RequestBytes": str(day.rng.randrange(0, 4000)),
        "ResponseBytes": str(day.rng.randrange(120, 90_000)),
        "TotalRequestTime": str(said.took),
        "UrlQuery": f"?{said.query}" if said.query else "",
        "GenericInfo": f"BeginRequest={stamp(when)};CorrelationID=<empty>;"
        f"ProxyState-Run=None;EndRequest={stamp(ended)};",
        "RoutingStatus": "CafeV1" if proxied else "",
    }
    day.line(
        f"HttpProxy/{said.protocol}/HttpProxy_{when:%Y%m%d%H}-1.LOG",
        ended,
        ",".join(_quoted(row.get(name, "")) for name in columns(site)),
        _httpproxy_header,
    )


def _quoted(value: str) -> str:
    if "," in value or '"' in value:
        return '"' + value.replace('"', '""') + '"'
    return value


def _httpproxy_header(site: Site, when: datetime) -> Sequence[str]:
    names = ",".join(columns(site))
    return (names, *_exchange_header(site.padded, "HttpProxy Logs", when), f"#Fields: {names}")


def _exchange_header(version: str, kind: str, when: datetime) -> Sequence[str]:
    return (
        "#Software: Microsoft Exchange Server",
        f"#Version: {version}",
        f"#Log-type: {kind}",
        f"#Date: {stamp(when)}",
    )


def stamp(when: datetime) -> str:
    """A time as Exchange's logs write it."""
    return f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03}Z"


def ecp(day: Day, when: datetime, command: str, url: str, failed: str = "") -> None:
    """A request in the log of the control panel. ``command`` as the log has it."""
    shown = f"S:CMD={command}"
    if "'" in command:
        shown = "'" + shown.replace("'", "''") + "'"
    data = (
        f"S:TIME={day.rng.randrange(3, 900)};S:SID={day.guid()};{shown};S:REQID=;S:URL={url};"
        f"S:REFERRER=;S:EX={failed};S:ACTID={day.guid()};S:RS=0;S:BLD={day.site.dotted};"
        f"S:TNAME=<null>;S:TID=;S:USID={day.guid()};S:EDOID=;S:ACID="
    )
    day.line(
        f"ECP/Server/ECPServer{when:%Y%m%d}-1.LOG",
        when,
        f"{stamp(when)},{day.site.host},ECP.Request,{_quoted(data)}",
        lambda site, first: (
            *_exchange_header("15.0.0.0", "ECP Server Log", first),
            "#Fields: TimeStamp,ServerName,EventId,EventData",
        ),
    )


def oab_generator(day: Day, when: datetime, text: str) -> None:
    """A line of the log of the address book generator."""
    day.line(
        f"OABGeneratorLog/OABGeneratorLog{when:%Y%m%d}-1.LOG",
        when,
        f"{stamp(when)},{day.site.host},OABGenerator,{text}",
        lambda site, first: _exchange_header(site.padded, "OABGenerator Log", first),
    )

"""The column names of Exchange's HttpProxy and ECP Server logs, for files without a header."""

from __future__ import annotations

from collections.abc import Mapping


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


HTTPPROXY_FIRST = _names(
    """DateTime RequestId MajorVersion MinorVersion BuildVersion RevisionVersion ClientRequestId
    Protocol UrlHost UrlStem ProtocolAction AuthenticationType IsAuthenticated AuthenticatedUser
    Organization AnchorMailbox UserAgent ClientIpAddress ServerHostName HttpStatus BackEndStatus
    ErrorCode Method ProxyAction TargetServer TargetServerVersion RoutingType RoutingHint
    BackEndCookie ServerLocatorHost ServerLocatorLatency RequestBytes ResponseBytes
    TargetOutstandingRequests"""
)
"""The first columns of every known version: all that detections use."""

_LOOKUPS = _names(
    """AuthModulePerfContext HttpPipelineLatency CalculateTargetBackEndLatency
    GlsLatencyBreakup TotalGlsLatency AccountForestLatencyBreakup TotalAccountForestLatency
    ResourceForestLatencyBreakup TotalResourceForestLatency ADLatency"""
)
_BACKEND = _names(
    """ActivityContextLifeTime ModuleToHandlerSwitchingLatency ClientReqStreamLatency
    BackendReqInitLatency BackendReqStreamLatency BackendProcessingLatency
    BackendRespInitLatency BackendRespStreamLatency ClientRespStreamLatency"""
)
_TOTALS = _names(
    """RequestHandlerLatency HandlerToModuleSwitchingLatency ProxyTime CoreLatency
    RoutingLatency HttpProxyOverhead TotalRequestTime"""
)
_INFO = _names("UrlQuery BackEndGenericInfo GenericInfo GenericErrors")
_SHARED_CACHE = _names("SharedCacheLatencyBreakup TotalSharedCacheLatency")
_HANDLER = _names("KerberosAuthHeaderLatency HandlerCompletionLatency")
_ROUTING = _names("DatabaseGuid UserADObjectGuid PartitionEndpointLookupLatency RoutingStatus")

# Exchange 2013 CU, 2016 and 2019: 70 columns, later 74.
_70 = (
    *(HTTPPROXY_FIRST + _LOOKUPS + _SHARED_CACHE + _BACKEND + _HANDLER + _TOTALS),
    *("RouteRefresherLatency", *_INFO, "EdgeTraceId"),
)
# Exchange 2013 SP1. Its header is not published: the names after ADLatency follow from the
# order of the later ones and from which values of a real row can be the sums of others.
_64 = HTTPPROXY_FIRST + _LOOKUPS + _BACKEND + _TOTALS + _INFO

HTTPPROXY_LAYOUTS: Mapping[int, tuple[str, ...]] = {64: _64, 70: _70, 74: _70 + _ROUTING}
"""Column names by their number."""

ECP_COLUMNS = _names("TimeStamp ServerName EventId EventData")

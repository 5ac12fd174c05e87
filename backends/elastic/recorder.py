"""The recorder: a raw log entry as Elastic's agents and ingest pipelines store it.

Written from the public definitions of Elastic's integrations (IIS, Microsoft Exchange Server,
Windows, System, Custom Windows event logs, Elastic Defend) and of Winlogbeat's modules. It
knows nothing of Sigma and shares nothing with the compiler, so that a wrong field name on one
side shows up as a difference and does not cancel itself out.

A record's ``fields`` are flat: dotted names, values of type str, int, bool or list of these,
as they stand in ``_source``. ``@timestamp`` is ISO 8601 in UTC with milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hafnium.backends.elastic.recorder_document import Document
from hafnium.backends.elastic.recorder_endpoint import endpoint
from hafnium.backends.elastic.recorder_powershell import classic, operational
from hafnium.backends.elastic.recorder_security import security
from hafnium.backends.elastic.recorder_sysmon import sysmon
from hafnium.backends.elastic.recorder_web import ecp, httpproxy, iis, oabgenerator
from hafnium.backends.elastic.recorder_windows import channel_of, document_of, plain
from hafnium.entries import Entry, WindowsEvent
from hafnium.siem import Record

WINLOGBEAT = "winlogbeat-8.19.0"
_TEXT: dict[str, Callable[[Entry], Record]] = {
    "w3c": iis,
    "httpproxy": httpproxy,
    "ecp": ecp,
    "oabgenerator": oabgenerator,
}
_Pipeline = Callable[[WindowsEvent, str | None], Document]
_PIPELINES: dict[str, _Pipeline] = {
    "microsoft-windows-sysmon/operational": sysmon,
    "security": security,
    "microsoft-windows-powershell/operational": operational,
    "windows powershell": classic,
}
_STREAMS = {
    "microsoft-windows-sysmon/operational": ("sysmon", "windows.sysmon_operational"),
    "security": ("security", "system.security"),
    "microsoft-windows-powershell/operational": ("powershell", "windows.powershell_operational"),
    "application": ("application", "system.application"),
    "system": ("system", "system.system"),
}


def record(entry: Entry) -> Sequence[Record]:
    """What Elasticsearch holds of an entry, one record per way in, the usual way first."""
    if isinstance(entry, WindowsEvent):
        return _windows(entry)
    return [_TEXT[entry.kind](entry)]


def _windows(entry: WindowsEvent) -> list[Record]:
    channel = channel_of(entry).lower()
    pipeline = _PIPELINES.get(channel, document_of)
    if channel in _STREAMS:
        path, dataset = _STREAMS[channel]
        records = [pipeline(entry, dataset).record(path, f"logs-{dataset}-default")]
    else:
        records = [plain(entry, "winlog", "winlog.winlog")]
    records.append(pipeline(entry, None).record("winlogbeat", WINLOGBEAT))
    if channel == "microsoft-windows-sysmon/operational":
        seen = endpoint(entry)
        if seen is not None:
            records.append(seen)
    return records

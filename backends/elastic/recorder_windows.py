"""Windows events as Elastic's agents store them, before and without a channel's own pipeline.

What Winlogbeat (alone or inside Elastic Agent) makes of an event: the System block under
``winlog``, named items under ``winlog.event_data`` (``winlog.user_data`` where the provider
writes UserData), unnamed items as ``param1`` … by their position. Empty items are left out.
Task, opcode and keywords are stored as display names, which the log does not carry: the raw
numbers are lost.
"""

from __future__ import annotations

from hafnium.backends.elastic.recorder_document import Document
from hafnium.entries import WindowsEvent
from hafnium.siem import Record

_LEVELS = {
    "0": "information",
    "1": "critical",
    "2": "error",
    "3": "warning",
    "4": "information",
    "5": "verbose",
}
_NOT_KEPT = ("Level", "Task", "Opcode", "Keywords", "Qualifiers")
_USER_DATA_PROVIDERS = (
    "Microsoft-Windows-AppLocker",
    "Microsoft-Windows-CAPI2",
    "Microsoft-Windows-DriverFrameworks-UserMode",
    "Microsoft-Windows-Eventlog",
    "Microsoft-Windows-PrintService",
    "Microsoft-Windows-TerminalServices-",
    "Microsoft-Windows-WMI-Activity",
)
_CHANNELS = {
    name.lower(): name
    for name in (
        "Application",
        "MSExchange Management",
        "Microsoft-Windows-PowerShell/Operational",
        "Microsoft-Windows-Sysmon/Operational",
        "Microsoft-Windows-Windows Defender/Operational",
        "Security",
        "System",
        "Windows PowerShell",
    )
}
"""Some exporters write channels in lower case; the agents read them from Windows."""
_AUDIT_SUCCESS, _AUDIT_FAILURE = 1 << 53, 1 << 52


def document_of(entry: WindowsEvent, dataset: str | None) -> Document:
    """The event before any channel's pipeline; ``dataset`` None is Winlogbeat."""
    document = Document(entry, dataset)
    for name, text in entry.data.items():
        values = entry.fields.get(name)
        # Of items with one name the agents keep the first.
        document.data[name] = values[0] if isinstance(values, tuple) else text
    document.data = {k: v for k, v in document.data.items() if v != ""}
    for position, text in enumerate(entry.unnamed, start=1):
        if text != "":
            document.data.setdefault(f"param{position}", text)
    _system(document, entry)
    document.put("message", entry.message)
    document.fields["host.os.type"] = "windows"
    document.fields["event.kind"] = "event"
    document.lost.update(n for n in _NOT_KEPT if n in entry.system and n not in entry.data)
    return document


def _system(document: Document, entry: WindowsEvent) -> None:
    system = entry.system
    event_id = system.get("EventID") or str(entry.fields.get("EventID", ""))
    provider = system.get("Provider_Name") or str(entry.fields.get("Provider_Name", ""))
    document.put("event.code", event_id)
    document.put("event.provider", provider)
    document.put("winlog.event_id", event_id)
    document.put("winlog.provider_name", provider)
    document.put("winlog.channel", channel_of(entry))
    document.put("winlog.computer_name", system.get("Computer"))
    document.put("winlog.record_id", system.get("EventRecordID"))
    document.put("winlog.user.identifier", system.get("Security_UserID"))
    document.put("log.level", _LEVELS.get(system.get("Level", "")))
    for name, target in (
        ("Version", "winlog.version"),
        ("Execution_ProcessID", "winlog.process.pid"),
        ("Execution_ThreadID", "winlog.process.thread.id"),
    ):
        text = system.get(name, "")
        if text.isdecimal():
            document.fields[target] = int(text)
    if provider.startswith(_USER_DATA_PROVIDERS):
        document.section = "winlog.user_data."
    _outcome(document, system.get("Keywords", ""))


def _outcome(document: Document, keywords: str) -> None:
    try:
        bits = int(keywords, 0)
    except ValueError:
        return
    if bits & _AUDIT_SUCCESS:
        document.fields["event.outcome"] = "success"
    elif bits & _AUDIT_FAILURE:
        document.fields["event.outcome"] = "failure"


def channel_of(entry: WindowsEvent) -> str:
    """The channel as Windows spells it; empty when the event does not say."""
    said = entry.system.get("Channel") or str(entry.fields.get("Channel", ""))
    return _CHANNELS.get(said.lower(), said)


def plain(entry: WindowsEvent, path: str, dataset: str) -> Record:
    """An event whose data stream has no pipeline of its own for the event data."""
    return document_of(entry, dataset).record(path, f"logs-{dataset}-default")

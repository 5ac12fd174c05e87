"""What Elastic Defend records of a process start or a new file that Sysmon saw too.

Defend has its own sensor: it knows the same processes and files, but nothing of the Windows
event around them, and identifies processes by ids of its own.
"""

from __future__ import annotations

from hafnium.backends.elastic.recorder_document import (
    Document,
    arguments,
    split_user,
    whole,
)
from hafnium.entries import WindowsEvent
from hafnium.siem import Record

_PROCESS = {
    "Image": "process.executable",
    "CommandLine": "process.command_line",
    "CurrentDirectory": "process.working_directory",
    "OriginalFileName": "process.pe.original_file_name",
    "ParentImage": "process.parent.executable",
    "ParentCommandLine": "process.parent.command_line",
    "LogonId": "process.Ext.authentication_id",
    "IntegrityLevel": "process.Ext.token.integrity_level_name",
}
_FILE = {"Image": "process.executable", "TargetFilename": "file.path"}
_HASHES = ("md5", "sha1", "sha256")


def endpoint(entry: WindowsEvent) -> Record | None:
    """The record of Sysmon 1 (process) or 11 (file); None for any other event."""
    event_id = entry.fields.get("EventID")
    if event_id == "1":
        return _record(entry, "process", "start", _PROCESS)
    if event_id == "11":
        return _record(entry, "file", "creation", _FILE)
    return None


def _record(entry: WindowsEvent, kind: str, action: str, moved: dict[str, str]) -> Record:
    dataset = f"endpoint.events.{kind}"
    document = Document(entry, dataset)
    data = {k: v for k, v in entry.data.items() if v not in ("", "-")}
    document.fields |= {
        "event.kind": "event",
        "event.module": "endpoint",
        "event.category": [kind],
        "event.type": [action],
        "event.action": action,
        "host.os.type": "windows",
        "message": f"Endpoint {kind} event",
    }
    for key, target in moved.items():
        document.put(target, data.get(key))
    kept = {*moved, "ProcessId", "ParentProcessId", "User"} & data.keys()
    document.put("process.pid", whole(data.get("ProcessId", "")))
    document.put("process.parent.pid", whole(data.get("ParentProcessId", "")))
    level = document.fields.get("process.Ext.token.integrity_level_name")
    if level:
        document.fields["process.Ext.token.integrity_level_name"] = level.lower()
    _names(document)
    _user(document, data.get("User", ""))
    if kind == "process":
        kept |= _hashes(document, data.get("Hashes", ""))
    else:
        _file_parts(document)
    document.lost.update(entry.fields.keys() - kept)
    return document.record("endpoint", f"logs-{dataset}-default")


def _names(document: Document) -> None:
    for owner in ("process", "process.parent"):
        executable = document.fields.get(f"{owner}.executable")
        if executable:
            document.put(f"{owner}.name", executable.rpartition("\\")[2])
        command = document.fields.get(f"{owner}.command_line")
        if command:
            args = arguments(command)
            document.put(f"{owner}.args", args)
            document.fields[f"{owner}.args_count"] = len(args)


def _user(document: Document, user: str) -> None:
    parts = split_user(user)
    if parts is not None:
        document.put("user.domain", parts[0])
        document.put("user.name", parts[1])


def _hashes(document: Document, text: str) -> set[str]:
    """Defend keeps MD5, SHA-1 and SHA-256; the text is kept when it holds nothing else."""
    found = dict(item.lower().split("=", 1) for item in text.split(",") if "=" in item)
    for algorithm in _HASHES:
        document.put(f"process.hash.{algorithm}", found.get(algorithm))
    return {"Hashes"} if found and found.keys() <= set(_HASHES) else set()


def _file_parts(document: Document) -> None:
    path = document.fields.get("file.path", "")
    name = path.rpartition("\\")[2]
    document.put("file.name", name)
    if "." in name:
        document.put("file.extension", name.rpartition(".")[2])

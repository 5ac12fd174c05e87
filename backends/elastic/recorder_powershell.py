"""PowerShell events as the two pipelines of Elastic's Windows integration store them.

``PowerShell/Operational``: script block text and command details move to ``powershell.*``;
``ContextInfo`` is cut into ``key = value`` lines, ``Payload`` into detail lines. The classic
channel ``Windows PowerShell`` keeps its unnamed items in the same way. The originals are
removed: only the pieces can be searched.
"""

from __future__ import annotations

import re

from hafnium.backends.elastic.recorder_document import Document, arguments, split_user
from hafnium.backends.elastic.recorder_windows import document_of
from hafnium.entries import WindowsEvent

_MOVED = {
    "HostID": "process.entity_id",
    "HostId": "process.entity_id",
    "HostApplication": "process.command_line",
    "HostName": "process.title",
    "ShellID": "powershell.id",
    "EngineVersion": "powershell.engine.version",
    "NewEngineState": "powershell.engine.new_state",
    "PreviousEngineState": "powershell.engine.previous_state",
    "NewProviderState": "powershell.provider.new_state",
    "ProviderName": "powershell.provider.name",
    "PipelineID": "powershell.pipeline_id",
    "PipelineId": "powershell.pipeline_id",
    "RunspaceID": "powershell.runspace_id",
    "RunspaceId": "powershell.runspace_id",
    "HostVersion": "powershell.process.executable_version",
    "CommandLine": "powershell.command.value",
    "CommandPath": "powershell.command.path",
    "CommandName": "powershell.command.name",
    "CommandType": "powershell.command.type",
    "ScriptBlockId": "powershell.file.script_block_id",
    "ScriptBlockText": "powershell.file.script_block_text",
}


def operational(entry: WindowsEvent, dataset: str | None) -> Document:
    """One event of ``Microsoft-Windows-PowerShell/Operational`` after the pipeline."""
    document = document_of(entry, dataset)
    code = str(document.fields.get("event.code", ""))
    if code == "4103":
        _pairs(document, document.data.get("ContextInfo", ""))
    document.data = {re.sub(r"\s", "", key): value for key, value in document.data.items()}
    kinds = {"4105": "start", "4106": "end"}
    document.fields["event.category"] = ["process"]
    document.fields["event.type"] = [kinds.get(code, "info")]
    document.number("SequenceNumber", "event.sequence")
    document.number("MessageNumber", "powershell.sequence")
    document.number("MessageTotal", "powershell.total")
    document.put("user.id", document.fields.get("winlog.user.identifier"))
    _user(document, "User")
    _move(document)
    if code == "4103":
        _details(document, document.data.get("Payload", ""))
    document.rename("Path", "file.path")
    document.rename("ScriptName", "file.path")
    document.file(document.fields.get("file.path", ""))
    document.drop(["User", "ConnectedUser", "ContextInfo", "Severity", "Payload"])
    return document


def classic(entry: WindowsEvent, dataset: str | None) -> Document:
    """One event of ``Windows PowerShell`` after the pipeline."""
    document = document_of(entry, dataset)
    code = str(document.fields.get("event.code", ""))
    _pairs(document, document.data.get("param2" if code == "800" else "param3", ""))
    kinds = {"400": "start", "403": "end"}
    document.fields["event.category"] = ["process"]
    document.fields["event.type"] = [kinds.get(code, "info")]
    document.number("SequenceNumber", "event.sequence")
    document.number("DetailTotal", "powershell.total")
    document.number("DetailSequence", "powershell.sequence")
    _user(document, "UserId")
    _move(document)
    if code == "800":
        _details(document, document.data.get("param3", ""))
    document.rename("ScriptName", "file.path")
    document.file(document.fields.get("file.path", ""))
    for key in ("param1", "param2", "param3", "UserId"):
        document.data.pop(key, None)
    if "Data" in entry.fields:
        document.lost.add("Data")
    return document


def _pairs(document: Document, text: str) -> None:
    """Lines ``key = value`` as event data of their own; the pipeline removes empty ones."""
    for line in text.replace("\r", "").split("\n"):
        key, sign, value = line.partition("=")
        if sign and key.strip() and value.strip():
            document.data.setdefault(key.strip(" \t").replace(" ", ""), value.strip(" \t"))


def _user(document: Document, key: str) -> None:
    parts = split_user(document.data.get(key, ""))
    if parts is not None:
        document.put("user.domain", parts[0])
        document.put("user.name", parts[1])


def _move(document: Document) -> None:
    for key, target in _MOVED.items():
        document.rename(key, target)
    command = document.fields.get("process.command_line")
    if command:
        args = arguments(command)
        document.fields["process.args"] = args
        document.fields["process.args_count"] = len(args)


def _details(document: Document, text: str) -> None:
    """Detail lines such as ``ParameterBinding(Get-Item): name="Path"; value="C:\\"``."""
    parts: dict[str, list[str]] = {}
    for line in filter(None, text.replace("\r", "").split("\n")):
        match = re.fullmatch(r"(.+)\((.+)\):\s*(.+)?", line)
        binding = match and re.search(r"name=(.+);\s*value=(.+)$", match[3] or "")
        said = {"value": line}
        if match:
            said = {"type": match[1], "related_command": match[2], "value": match[3] or ""}
        if match and binding and match[1] == "ParameterBinding":
            said |= {"name": binding[1], "value": binding[2]}
        for name, value in said.items():
            parts.setdefault(name, []).append(value)
    for name, values in parts.items():
        document.put(f"powershell.command.invocation_details.{name}", values)

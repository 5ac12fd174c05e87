"""Sysmon events as the Sysmon pipeline of Elastic's Windows integration stores them.

The pipeline moves event data to ECS fields (nothing stays behind under ``winlog.event_data``
for what was moved), drops empty values, ``-`` and null GUIDs, and takes the time from
``UtcTime``. Winlogbeat's Sysmon module is the same pipeline.
"""

from __future__ import annotations

import contextlib
import re
from datetime import datetime

from hafnium.backends.elastic.recorder_document import (
    Document,
    arguments,
    is_address,
    last_part,
    split_user,
    stamp,
)
from hafnium.backends.elastic.recorder_windows import document_of
from hafnium.entries import WindowsEvent

# Event id -> event.category, event.type, event.action.
_MEANING = {
    "1": ("process", "start", "Process creation"),
    "2": ("file", "change", "A process changed a file creation time"),
    "3": ("network", "start connection protocol", "Network connection"),
    "4": ("process", "change", "Sysmon service state changed"),
    "5": ("process", "end", "Process terminated"),
    "6": ("driver", "start", "Driver loaded"),
    "7": ("process", "change", "Image loaded"),
    "8": ("process", "change", "CreateRemoteThread"),
    "9": ("process", "access", "RawAccessRead"),
    "10": ("process", "access", "ProcessAccess"),
    "11": ("file", "creation", "FileCreate"),
    "12": ("configuration registry", "change", "RegistryEvent (Object create and delete)"),
    "13": ("configuration registry", "change", "RegistryEvent (Value Set)"),
    "14": ("configuration registry", "change", "RegistryEvent (Key and Value Rename)"),
    "15": ("file", "access", "FileCreateStreamHash"),
    "16": ("configuration", "change", "ServiceConfigurationChange"),
    "17": ("file", "creation", "PipeEvent (Pipe Created)"),
    "18": ("file", "access", "PipeEvent (Pipe Connected)"),
    "19": ("process", "info", "WmiEvent (WmiEventFilter activity detected)"),
    "20": ("process", "change", "WmiEvent (WmiEventConsumer activity detected)"),
    "21": ("process", "access", "WmiEvent (WmiEventConsumerToFilter activity detected)"),
    "22": ("network", "connection protocol info", "DNSEvent (DNS query)"),
    "23": ("file", "deletion", "FileDelete (File Delete archived)"),
    "24": ("", "change", "ClipboardChange (New content in the clipboard)"),
    "25": ("process", "change", "ProcessTampering (Process image change)"),
    "26": ("file", "deletion", "FileDeleteDetected (File Delete logged)"),
    "27": ("file", "creation", "FileBlockExecutable"),
    "28": ("file", "deletion", "FileBlockShredding"),
    "29": ("file", "creation", "FileExecutableDetected"),
    "255": ("process", "", "Error"),
}
_NO_VALUE = ("", "-", "{00000000-0000-0000-0000-000000000000}")
_HASH_OF_PROCESS = ("1", "23", "24", "25")
_HASH_OF_FILE = ("6", "7", "15", "26", "29")
_PE_FIELDS = {
    "Company": "company",
    "Description": "description",
    "FileVersion": "file_version",
    "Product": "product",
}
_HIVES = {
    "HKEY_CLASSES_ROOT": "HKCR",
    "HKEY_CURRENT_CONFIG": "HKCC",
    "HKEY_CURRENT_USER": "HKCU",
    "HKEY_DYN_DATA": "HKDD",
    "HKEY_LOCAL_MACHINE": "HKLM",
    "HKEY_PERFORMANCE_DATA": "HKPD",
    "HKEY_USERS": "HKU",
}
_DNS_TYPES = {
    "1": "A", "2": "NS", "5": "CNAME", "6": "SOA", "12": "PTR", "13": "HINFO", "15": "MX",
    "16": "TXT", "28": "AAAA", "33": "SRV", "43": "DS", "46": "RRSIG", "48": "DNSKEY",
    "255": "ANY",
}  # fmt: skip
_DNS_STATUS = {
    "0": "SUCCESS", "5": "ERROR_ACCESS_DENIED", "8": "ERROR_NOT_ENOUGH_MEMORY",
    "13": "ERROR_INVALID_DATA", "123": "ERROR_INVALID_NAME", "1214": "ERROR_INVALID_NETNAME",
    "1223": "ERROR_CANCELLED", "1460": "ERROR_TIMEOUT", "9001": "DNS_ERROR_RCODE_FORMAT_ERROR",
    "9002": "DNS_ERROR_RCODE_SERVER_FAILURE", "9003": "DNS_ERROR_RCODE_NAME_ERROR",
    "9004": "DNS_ERROR_RCODE_NOT_IMPLEMENTED", "9005": "DNS_ERROR_RCODE_REFUSED",
    "9501": "DNS_INFO_NO_RECORDS", "9502": "DNS_ERROR_BAD_PACKET", "9503": "DNS_ERROR_NO_PACKET",
    "9506": "DNS_REQUEST_PENDING", "9551": "DNS_ERROR_INVALID_TYPE",
    "9560": "DNS_ERROR_INVALID_NAME_CHAR", "9701": "DNS_ERROR_RECORD_DOES_NOT_EXIST",
    "9714": "DNS_ERROR_NAME_DOES_NOT_EXIST", "9852": "DNS_ERROR_NO_DNS_SERVERS",
    "10054": "WSAECONNRESET", "10055": "WSAENOBUFS", "10060": "WSAETIMEDOUT",
}  # fmt: skip


def sysmon(entry: WindowsEvent, dataset: str | None) -> Document:
    """One Sysmon event after the pipeline."""
    document = document_of(entry, dataset)
    data = document.data
    document.drop([key for key, value in data.items() if value in _NO_VALUE])
    code = str(document.fields.get("event.code", ""))
    _time(document)
    _meaning(document, code)
    document.rename("RuleName", "rule.name")
    if code == "255":
        document.rename("ID", "error.code")
    if code == "25":
        document.rename("Type", "message")
    if "Hash" in data:
        data["Hashes"] = data.pop("Hash")
    _process(document, code)
    _hashes(document, code)
    _file(document, code)
    _network(document, code)
    _dns(document, code)
    _user(document)
    _registry(document, code)
    _booleans(document)
    if "TargetProcessGuid" in data:
        data["TargetProcessGUID"] = data.pop("TargetProcessGuid")
    return document


def _time(document: Document) -> None:
    text = document.data.get("UtcTime", "")
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}", text):
        with contextlib.suppress(ValueError):
            moment = datetime.fromisoformat(text + "Z")
            document.put("event.created", document.fields.get("@timestamp"))
            document.fields["@timestamp"] = stamp(moment)
    document.drop(["UtcTime"])


def _meaning(document: Document, code: str) -> None:
    if code not in _MEANING:
        return
    category, kind, action = _MEANING[code]
    document.put("event.category", category.split())
    document.put("event.type", kind.split())
    document.put("event.action", action)
    if code in ("27", "255"):
        document.put("event.outcome", ["failure"])


def _process(document: Document, code: str) -> None:
    document.rename("ProcessGuid", "process.entity_id")
    document.number("ProcessId", "process.pid")
    document.rename("Image", "process.executable")
    document.rename("SourceProcessGuid", "process.entity_id")
    document.rename("SourceProcessGUID", "process.entity_id")
    document.number("SourceProcessId", "process.pid")
    document.number("SourceThreadId", "process.thread.id")
    document.rename("SourceImage", "process.executable")
    document.rename("Destination", "process.executable")
    document.rename("CommandLine", "process.command_line")
    document.rename("CurrentDirectory", "process.working_directory")
    document.rename("ParentProcessGuid", "process.parent.entity_id")
    document.number("ParentProcessId", "process.parent.pid")
    document.rename("ParentImage", "process.parent.executable")
    document.rename("ParentCommandLine", "process.parent.command_line")
    if code != "7":
        document.rename("OriginalFileName", "process.pe.original_file_name")
        for key, name in _PE_FIELDS.items():
            document.copy(key, f"process.pe.{name}")
    for owner in ("process", "process.parent"):
        command = document.fields.get(f"{owner}.command_line")
        if command:
            args = arguments(command)
            document.put(f"{owner}.args", args)
            document.fields[f"{owner}.args_count"] = len(args)
        document.put(f"{owner}.name", last_part(document.fields.get(f"{owner}.executable", "")))


def _hashes(document: Document, code: str) -> None:
    text = document.data.pop("Hashes", None)
    if text is None:
        return
    found = {
        algorithm.lower(): value.lower()
        for algorithm, _, value in (item.partition("=") for item in text.split(","))
        if value.strip("0")
    }
    document.put("related.hash", list(found.values()))
    owner = "process" if code in _HASH_OF_PROCESS else "file" if code in _HASH_OF_FILE else None
    if owner is None:
        document.lost.add("Hashes")
        return
    for algorithm, value in found.items():
        part = "pe.imphash" if algorithm == "imphash" else f"hash.{algorithm}"
        document.put(f"{owner}.{part}", value)


def _file(document: Document, code: str) -> None:
    document.rename("TargetFilename", "file.path")
    document.rename("Device", "file.path")
    document.rename("PipeName", "file.name")
    document.rename("ImageLoaded", "file.path")
    document.copy("Signature", "file.code_signature.subject_name")
    document.copy("SignatureStatus", "file.code_signature.status")
    if code == "7":
        document.rename("OriginalFileName", "file.pe.original_file_name")
        for key, name in _PE_FIELDS.items():
            document.copy(key, f"file.pe.{name}")
    if document.data.get("SignatureStatus") == "Valid":
        document.fields["file.code_signature.valid"] = True
    document.file(document.fields.get("file.path", ""))


def _network(document: Document, code: str) -> None:
    document.rename("Protocol", "network.transport")
    if code != "22":
        document.rename("DestinationPortName", "network.protocol")
        document.rename("SourcePortName", "network.protocol")
    else:
        document.fields["network.protocol"] = "dns"
    for side in ("Source", "Destination"):
        document.address(f"{side}Ip", f"{side.lower()}.ip")
        document.rename(f"{side}Hostname", f"{side.lower()}.domain")
        document.number(f"{side}Port", f"{side.lower()}.port")
    # Windows writes these booleans in lower case; other collectors' exports do not.
    initiated = document.data.pop("Initiated", "").lower()
    if initiated in ("true", "false"):
        document.fields["network.direction"] = "egress" if initiated == "true" else "ingress"
    version = document.data.get("SourceIsIpv6", "").lower()
    if version in ("true", "false"):
        document.fields["network.type"] = "ipv6" if version == "true" else "ipv4"
    document.drop(["SourcePortName", "DestinationPortName", "SourceIsIpv6", "DestinationIsIpv6"])


def _dns(document: Document, code: str) -> None:
    document.rename("QueryName", "dns.question.name")
    status = document.data.get("QueryStatus")
    document.put("sysmon.dns.status", _DNS_STATUS.get(status or "", status))
    results = document.data.get("QueryResults", "")
    document.drop(["QueryStatus", "QueryResults"])
    answers: list[tuple[str | None, str | None]] = []
    addresses: list[str] = []
    for item in filter(None, results.split(";")):
        if item.startswith("type:"):
            parts = item.split()
            answers.append((_DNS_TYPES.get(parts[1]), parts[2] if len(parts) == 3 else None))
        else:
            addresses.append(re.sub(r"^\[?::ffff:([0-9.]+)(?:\](?::[0-9]+)?)?$", r"\1", item))
    addresses = [address for address in addresses if is_address(address)]
    document.put("dns.resolved_ip", addresses)
    answers += [("AAAA" if ":" in address else "A", address) for address in addresses]
    document.put("dns.answers.type", [kind for kind, _ in answers if kind])
    document.put("dns.answers.data", [text for _, text in answers if text])


def _user(document: Document) -> None:
    document.put("user.id", document.fields.get("winlog.user.identifier"))
    user = document.data.pop("User", None)
    if user is None:
        return
    parts = split_user(user)
    if parts is None:
        document.lost.add("User")
        return
    document.put("user.domain", parts[0])
    document.put("user.name", parts[1])


def _registry(document: Document, code: str) -> None:
    path = document.data.pop("TargetObject", None)
    if path is None:
        return
    if code not in ("12", "13", "14"):
        document.lost.add("TargetObject")
        return
    parts = path.split("\\")
    document.put("registry.path", path)
    hive = parts[0] if parts[0] in _HIVES.values() else _HIVES.get(parts[0])
    if hive is not None:
        document.put("registry.hive", hive)
        document.put("registry.key", "\\".join(parts[1:]))
    document.put("registry.value", parts[-1])
    details = document.data.get("Details")
    if details:
        kind, text = _registry_data(details)
        document.fields["registry.data.type"] = kind
        document.fields["registry.data.strings"] = [text]


def _registry_data(details: str) -> tuple[str, str]:
    if match := re.fullmatch(r"(?i)QWORD \((0x[0-9A-F]{8})-(0x[0-9A-F]{8})\)", details):
        # The pipeline shifts the high part by 8 bits, not by 32; that is what gets stored.
        return "SZ_QWORD", str((int(match[1], 16) << 8) + int(match[2], 16))
    if match := re.fullmatch(r"(?i)DWORD \((0x[0-9A-F]{8})\)", details):
        return "SZ_DWORD", str(int(match[1], 16))
    return ("REG_BINARY" if details == "Binary Data" else "REG_SZ"), details


def _booleans(document: Document) -> None:
    for key, target in (
        ("Archived", "sysmon.file.archived"),
        ("IsExecutable", "sysmon.file.is_executable"),
    ):
        text = document.data.pop(key, "").lower()
        if text in ("true", "false"):
            document.fields[target] = text == "true"
        elif text:
            document.lost.add(key)

"""Security events as the pipeline of Elastic's System integration stores them.

Only events of the two Windows audit providers pass it. It copies the acting and the target
user to ECS, moves process, address and port fields of some event ids, and turns a few lists
into arrays. ``-`` stays a value here. Texts that the pipeline derives from codes (descriptions
of access rights, audit categories …) are left out.
"""

from __future__ import annotations

import re

from hafnium.backends.elastic.recorder_document import (
    Document,
    is_address,
    whole,
)
from hafnium.backends.elastic.recorder_windows import document_of
from hafnium.entries import WindowsEvent

_PROVIDERS = ("Microsoft-Windows-Eventlog", "Microsoft-Windows-Security-Auditing")

# event.category, event.type, event.action of the ids that the pipeline knows, by group.
_MEANING = {
    "1102": ("iam", "admin change", "audit-log-cleared"),
    "4624": ("authentication", "start", "logged-in"),
    "4625": ("authentication", "start", "logon-failed"),
    "4634": ("authentication", "end", "logged-out"),
    "4648": ("authentication", "start", "logged-in-explicit"),
    "4657": ("registry configuration", "change", "registry-value-modified"),
    "4670": ("iam configuration", "admin change", "permissions-changed"),
    "4672": ("iam", "admin", "logged-in-special"),
    "4673": ("iam", "admin", "privileged-service-called"),
    "4674": ("iam", "admin", "privileged-operation"),
    "4688": ("process", "start", "created-process"),
    "4689": ("process", "end", "exited-process"),
    "4697": ("iam configuration", "admin change", "service-installed"),
    "4698": ("iam configuration", "creation admin", "scheduled-task-created"),
    "4699": ("iam configuration", "deletion admin", "scheduled-task-deleted"),
    "4700": ("iam configuration", "change admin", "scheduled-task-enabled"),
    "4701": ("iam configuration", "change admin", "scheduled-task-disabled"),
    "4702": ("iam configuration", "change admin", "scheduled-task-updated"),
    "4719": ("iam configuration", "admin change", "changed-audit-config"),
    "4720": ("iam", "user creation", "added-user-account"),
    "4726": ("iam", "user deletion", "deleted-user-account"),
    "4728": ("iam", "group change", "added-member-to-group"),
    "4732": ("iam", "group change", "added-member-to-group"),
    "4738": ("iam", "user change", "modified-user-account"),
    "4756": ("iam", "group change", "added-member-to-group"),
    "4757": ("iam", "group change", "removed-member-from-group"),
    "4768": ("authentication", "start", "kerberos-authentication-ticket-requested"),
    "4769": ("authentication", "start", "kerberos-service-ticket-requested"),
    "4771": ("authentication", "start", "kerberos-preauth-failed"),
    "4776": ("authentication", "start", "credential-validated"),
    "4799": ("iam", "group info", "user-member-enumerated"),
    "4907": ("iam configuration", "admin change", "audit-setting-changed"),
    "5140": ("network file", "info access", "network-share-object-accessed"),
    "5145": ("network file", "info access", "network-share-object-access-checked"),
}


def _ids(text: str) -> frozenset[str]:
    """Event ids from ``4624 4720-4735``."""
    out: set[str] = set()
    for part in text.split():
        first, _, last = part.partition("-")
        out.update(str(n) for n in range(int(first), int(last or first) + 1))
    return frozenset(out)


_GROUPS = _ids("4727-4735 4737 4744-4764 4799")
_SUBJECT = _GROUPS | _ids(
    "4648 4657 4670 4672-4674 4688 4689 4697-4702 4706 4707 4713 4716-4720 4722-4726 4738-4743"
    " 4767 4781 4798 4817 4904 4905 4907 4912 5140 5145"
)
_TARGET = _ids("4624 4625 4634 4647 4648 4768-4771 4776 4964")
_TARGET_OF = _ids("4670 4720 4722-4726 4738 4740 4767 4798 4817 4907")
_EFFECTIVE = _ids("4648 4688")
_MOVED = _GROUPS | _ids(
    "1100 1102 1104 1105 1108 4624 4625 4648 4670 4673 4674 4689 4697 4719 4720 4722-4726 4738"
    " 4740-4743 4767-4771 4798 4817 4904 4905 4907 4912 5140 5145"
)
_PRIVILEGES = _ids("4672-4674 4741-4743")
_LOGON_TYPES = {
    "2": "Interactive", "3": "Network", "4": "Batch", "5": "Service", "7": "Unlock",
    "8": "NetworkCleartext", "9": "NewCredentials", "10": "RemoteInteractive",
    "11": "CachedInteractive",
}  # fmt: skip


def security(entry: WindowsEvent, dataset: str | None) -> Document:
    """One event of the Security channel after the pipeline."""
    document = document_of(entry, dataset)
    if document.fields.get("event.provider") not in _PROVIDERS:
        return document
    code = str(document.fields.get("event.code", ""))
    if code in _MEANING:
        category, kind, action = _MEANING[code]
        document.put("event.category", category.split())
        document.put("event.type", kind.split())
        document.put("event.action", action)
    document.put("winlog.logon.type", _LOGON_TYPES.get(document.data.get("LogonType", "")))
    document.copy("ServiceName", "service.name")
    _lists(document, code)
    _users(document, code)
    if code in _MOVED:
        _moved(document)
    if code == "4688":
        _created(document)
    if code in _PRIVILEGES and "PrivilegeList" in document.data:
        document.data["PrivilegeList"] = re.split(r"\s+", document.data["PrivilegeList"].strip())
    if code in ("5140", "5145"):
        _share(document)
    return document


def _lists(document: Document, code: str) -> None:
    """Codes written as ``%%1234`` lists become arrays of the bare numbers."""
    data = document.data
    for name in ("AccessList", "UserAccountControl"):
        text = data.get(name)
        if text is None or (name == "UserAccountControl" and "%%" not in text):
            continue
        codes = [part for part in re.split(r"[\s%]+", text) if part]
        if codes:
            data[name] = codes
    mask = data.get("AccessMask")
    if mask is not None:
        data["AccessMask"] = mask.split()
        if "%%" in mask:
            document.drop(["AccessMask"])


def _user(document: Document, owner: str, prefix: str, *, sid: tuple[str, ...]) -> None:
    """Copy ``<prefix>UserName`` and the like to ``<owner>.name``, ``.domain`` and ``.id``."""
    data = document.data
    for key in sid:
        if key in data:
            document.put(f"{owner}.id", data[key])
            break
    document.copy(f"{prefix}UserName", f"{owner}.name")
    document.copy(f"{prefix}DomainName", f"{owner}.domain")


def _users(document: Document, code: str) -> None:
    data = document.data
    if code in ("4778", "4779"):
        document.copy("AccountName", "user.name")
        document.copy("AccountDomain", "user.domain")
        document.copy("ClientName", "source.domain")
    if code in _TARGET:
        _user(document, "user", "Target", sid=("TargetUserSid", "TargetSid"))
        if "user.name" in document.fields:
            document.fields["user.name"] = document.fields["user.name"].partition("@")[0]
    if code in _GROUPS:
        _user(document, "group", "Target", sid=("TargetSid", "TargetUserSid"))
        member = data.get("MemberName")
        if member:
            document.put("user.target.name", re.sub(r"(?:CN|cn)=", "", member.split(",")[0]))
    if code in _SUBJECT:
        _user(document, "user", "Subject", sid=("SubjectUserSid",))
    for codes, owner, sid in (
        (_TARGET_OF, "user.target", "TargetSid"),
        (_EFFECTIVE, "user.effective", "TargetUserSid"),
    ):
        if code in codes:
            _other_user(document, owner, sid)
    document.copy("SubjectLogonId", "winlog.logon.id")


def _other_user(document: Document, owner: str, sid: str) -> None:
    said = {"id": sid, "name": "TargetUserName", "domain": "TargetDomainName"}
    for part, key in said.items():
        value = document.data.get(key, "-")
        if value != "-":
            document.put(f"{owner}.{part}", value.partition("@")[0] if part == "name" else value)


def _moved(document: Document) -> None:
    """What the pipeline takes out of the event data for a fixed list of event ids."""
    data = document.data
    document.number("ProcessId", "process.pid")
    if "ProcessName" in data:
        document.fields["process.executable"] = data.pop("ProcessName")
    if data.get("IpAddress", "-") != "-":
        address = data.pop("IpAddress").replace("::ffff:", "")
        if is_address(address):
            document.fields["source.ip"] = address
        else:
            document.lost.add("IpAddress")
    if data.get("IpPort", "-") != "-":
        document.number("IpPort", "source.port")
    if "WorkstationName" in data:
        document.fields["source.domain"] = data.pop("WorkstationName")
    _names(document)


def _names(document: Document) -> None:
    for owner in ("process", "process.parent"):
        executable = document.fields.get(f"{owner}.executable")
        if executable is not None:
            document.default(f"{owner}.name", executable.rpartition("\\")[2])


def _created(document: Document) -> None:
    """4688: the new process, its parent, its command line."""
    data = document.data
    document.number("NewProcessId", "process.pid")
    for key, target in (
        ("NewProcessName", "process.executable"),
        ("ParentProcessName", "process.parent.executable"),
    ):
        if key in data:
            document.fields[target] = data.pop(key)
    _names(document)
    document.put("process.parent.pid", whole(data.get("ProcessId", "")))
    command = data.get("CommandLine")
    if command:
        document.fields["process.command_line"] = command
        document.fields["process.args"] = re.findall(r'(?:"[^"]*"?|\S)+', command)


def _share(document: Document) -> None:
    """5140 and 5145: the file as a path on the server and on the share."""
    document.copy("RelativeTargetName", "file.name")
    document.copy("ShareLocalPath", "file.directory")
    name, folder = document.fields.get("file.name"), document.fields.get("file.directory")
    if name is None:
        return
    if folder is not None:
        document.fields["file.path"] = f"{folder}\\{name}"
    share = document.data.get("ShareName")
    if share:
        document.fields["file.target_path"] = f"{share}\\{name}"
    if "." in name:
        document.put("file.extension", name.rpartition(".")[2])

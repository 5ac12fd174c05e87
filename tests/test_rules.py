"""Every rule file: valid Sigma, complete, written for the technique, and found by its own name."""

from __future__ import annotations

import datetime
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sigma.rule import SigmaRule

from hafnium.loading import load_rules
from hafnium.rule import LEVELS, Rule

RULES = Path(__file__).parent.parent / "rules"
LOADED = load_rules([RULES])
DETECTIONS = [rule for rule in LOADED.rules if rule.correlation is None]

TACTICS = {
    *("reconnaissance", "resource-development", "initial-access", "execution", "persistence"),
    *("privilege-escalation", "defense-evasion", "credential-access", "discovery"),
    *("lateral-movement", "collection", "command-and-control", "exfiltration", "impact"),
}
TAG = re.compile(
    r"attack\.(t\d{4}(\.\d{3})?|g\d{4}|s\d{4})|cve\.\d{4}-\d{4,}|detection\.emerging-threats"
)
FIELDS = {
    "webserver": {
        *("cs-method", "cs-uri-stem", "cs-uri-query", "cs-user-agent", "cs-username"),
        *("c-ip", "s-port", "sc-status"),
    },
    "file_event": {"Image", "TargetFilename"},
    "process_creation": {
        *("Image", "OriginalFileName", "CommandLine", "CurrentDirectory", "User"),
        *("ParentImage", "ParentCommandLine", "SubjectDomainName", "TerminalSessionId"),
        *("ParentUser", "IntegrityLevel", "TargetLogonId"),
    },
    "network_connection": {"Image", "User", "Initiated", "DestinationIp", "DestinationPort"},
    "dns_query": {"Image", "User", "QueryName"},
    "image_load": {"Image", "ImageLoaded", "User"},
    "registry_delete": {"EventType", "Image", "TargetObject", "User"},
    "registry_set": {"EventType", "Image", "TargetObject", "Details", "User"},
    "registry_event": {"EventType", "Image", "TargetObject", "User"},
    "file_delete": {"Image", "TargetFilename", "User"},
    "file_change": {"Image", "TargetFilename", "User"},
    "wmi_event": {"EventType", "Operation", "User", "Name", "Type", "Destination", "Query"},
    "ps_script": {"ScriptBlockText", "Path"},
    "pipe_created": {"Image", "PipeName"},
    "process_access": {"SourceImage", "TargetImage", "GrantedAccess", "CallTrace"},
    "antivirus": {"Signature", "Filename"},
    "windefend": {"EventID", "New Value", "Old Value", "Threat Name", "Path", "Process Name"},
    "taskscheduler": {"EventID", "TaskName", "ActionName", "Path", "UserContext"},
    "iis-configuration": {"EventID", "Configuration", "NewValue", "OldValue"},
    "system": {"Provider_Name", "EventID", "ServiceName", "ImagePath", "AccountName"},
    "msexchange-httpproxy": {
        *("AnchorMailbox", "BackEndCookie", "BackEndStatus", "HttpStatus", "RoutingHint"),
        *("Method", "UrlStem", "UrlQuery", "UserAgent", "AuthenticatedUser"),
    },
    "msexchange-ecp": {"CMD", "URL"},
    "msexchange-management": {"EventID", "Cmdlet", "Parameters", "Process", "Message"},
    "security": {
        *("SubjectUserSid", "TargetSid", "TargetUserName"),
        *("EventID", "SubjectUserName", "ShareName", "RelativeTargetName", "AccessMask"),
        *("ObjectName", "ObjectValueName", "OperationType", "ProcessName"),
        *("AttributeLDAPDisplayName", "AttributeValue", "SubjectDomainName"),
        *("TaskName", "TaskContent", "TaskContentNew", "ObjectType", "NewValue"),
        *("ServiceName", "ServiceFileName", "AuditPolicyChanges", "SubcategoryGuid"),
    },
    "msexchange-oabgenerator": {"Message"},
    "application": {"Provider_Name", "EventID", "Data", "Message"},
}
"""Fields that the log source has: Sysmon 11, for one, has no CommandLine."""


def _id(rule: Rule) -> str:
    return rule.path.stem


def _values(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for value in node.values():
            yield from _values(value)
    elif isinstance(node, list):
        for value in node:
            yield from _values(value)
    else:
        yield str(node)


def _items(node: Any) -> Iterator[tuple[str, list[str]]]:
    """Field names with their modifiers, of all searches of a detection section."""
    for name, search in node.items():
        if name == "condition":
            continue
        for part in search if isinstance(search, list) else [search]:
            for key in part:
                field, *modifiers = key.split("|")
                yield field, modifiers


def test_all_rule_files_load() -> None:
    assert [str(error) for error in LOADED.errors] == []
    assert len(DETECTIONS) >= 12


def test_ids_and_titles_are_unique() -> None:
    assert len({rule.id for rule in LOADED.rules}) == len(LOADED.rules)
    assert len({rule.title for rule in LOADED.rules}) == len(LOADED.rules)
    assert len({rule.path.stem for rule in LOADED.rules}) == len(LOADED.rules)


@pytest.mark.parametrize("rule", DETECTIONS, ids=_id)
def test_pysigma_collects_no_error(rule: Rule) -> None:
    parsed = SigmaRule.from_yaml(rule.path.read_text(encoding="utf-8"), collect_errors=True)
    assert parsed.errors == []


@pytest.mark.parametrize("rule", DETECTIONS, ids=_id)
def test_rule_says_all_that_a_reader_needs(rule: Rule) -> None:
    said = rule.document
    for key in ("description", "author", "references", "falsepositives", "triage", "status"):
        assert said.get(key), key
    assert len(said["description"]) > 100
    assert isinstance(said["date"], datetime.date)
    assert isinstance(said["version"], int)
    assert said["level"] in LEVELS
    assert all(reference.startswith("https://") for reference in said["references"])
    assert 10 <= len(rule.title) <= 110
    assert not rule.title.endswith(".")


@pytest.mark.parametrize("rule", DETECTIONS, ids=_id)
def test_triage_says_what_to_look_at_how_to_judge_and_how_to_contain(rule: Rule) -> None:
    steps = rule.document["triage"]
    assert [step.split(":")[0] for step in steps] == ["Next", "Attempt or break-in", "Contain"]


@pytest.mark.parametrize("rule", DETECTIONS, ids=_id)
def test_id_is_a_random_uuid(rule: Rule) -> None:
    assert uuid.UUID(rule.document["id"]).version == 4


@pytest.mark.parametrize("rule", DETECTIONS, ids=_id)
def test_tags_name_a_tactic_and_a_technique(rule: Rule) -> None:
    tags = rule.document["tags"]
    tactics = [tag for tag in tags if tag.removeprefix("attack.") in TACTICS]
    assert tactics
    assert any(tag.startswith("attack.t") for tag in tags)
    assert [tag for tag in tags if tag not in tactics and not TAG.fullmatch(tag)] == []
    assert len(set(tags)) == len(tags)


@pytest.mark.parametrize("rule", DETECTIONS, ids=_id)
def test_no_path_is_tied_to_a_drive(rule: Rule) -> None:
    # Written out, not by a character class, so that "ServerInfo~a:/" would not count.
    tied = [
        v for v in _values(rule.document["detection"]) if re.search(r"(?<!\w)[A-Za-z]:[\\/]", v)
    ]
    assert tied == []


@pytest.mark.parametrize("rule", DETECTIONS, ids=_id)
def test_no_regular_expression_does_the_work_of_contains(rule: Rule) -> None:
    for search in rule.document["detection"].values():
        for key, value in search.items() if isinstance(search, dict) else ():
            if "re" in key.split("|"):
                assert any(re.search(r"[*+?\]|]", one) for one in _values(value)), key


@pytest.mark.parametrize("rule", DETECTIONS, ids=_id)
def test_fields_are_those_of_the_log_source(rule: Rule) -> None:
    source = rule.logsource.category or rule.logsource.service
    used = {field for field, _ in _items(rule.document["detection"])}
    assert used <= FIELDS[str(source)]


@pytest.mark.parametrize("rule", DETECTIONS, ids=_id)
def test_file_name_begins_with_the_log_source(rule: Rule) -> None:
    category = rule.logsource.category
    begins = {
        "webserver": "web_",
        "process_creation": "proc_creation_win_",
        "network_connection": "net_connection_win_",
        "process_access": "proc_access_win_",
        "ps_script": "posh_ps_",
        "antivirus": "antivirus_",
        None: "win_",
    }
    assert rule.path.stem.startswith(begins.get(category, f"{category}_win_"))
    assert re.fullmatch(r"[a-z0-9_]{10,75}", rule.path.stem)

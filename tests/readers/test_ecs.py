"""Documents that Elastic's pipelines made are read as the events that they were made of."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hafnium.cli.common import HOUSE
from hafnium.entries import WindowsEvent
from hafnium.loading import load_rules
from hafnium.matcher import Matcher
from hafnium.readers import read
from hafnium.samples import scenarios
from hafnium.siem import backends


def test_every_sample_is_found_in_the_document_that_elastic_keeps_of_it(tmp_path: Path) -> None:
    rules = load_rules([HOUSE / "rules"]).rules
    matcher = Matcher(rules)
    backend = backends()["elastic"]
    wanted: list[set[str]] = []
    documents = tmp_path / "documents.ndjson"
    with documents.open("w", encoding="utf-8") as out:
        for scenario in scenarios(HOUSE / "samples", rules):
            for entry in scenario.entries():
                if not isinstance(entry, WindowsEvent):
                    continue
                record = backend.record(entry)[0]
                out.write(json.dumps(dict(record.fields), default=str) + "\n")
                wanted.append({match.rule.id for match in matcher.detect(entry, record.lost)})
    problems: list[str] = []
    found = [
        {match.rule.id for match in matcher.detect(entry)}
        for entry in read([documents], problem=lambda error: problems.append(str(error)))
    ]
    assert problems == []
    assert len(found) == len(wanted) > 1000
    wrong = [
        (number, sorted(want - got))
        for number, (want, got) in enumerate(zip(wanted, found, strict=True), 1)
        if want - got
    ]
    assert wrong == []
    assert sum(map(len, wanted)) > 500


def test_an_item_that_is_still_there_wins(tmp_path: Path) -> None:
    document = {
        "winlog": {
            "channel": "Microsoft-Windows-Sysmon/Operational",
            "provider_name": "Microsoft-Windows-Sysmon",
            "event_id": 3,
            "event_data": {"Image": "C:\\a.exe"},
        },
        "process": {"executable": "C:\\b.exe", "pid": 7},
        "network": {"direction": "ingress"},
        "user": {"domain": "CORP", "name": "a.berg"},
    }
    path = tmp_path / "one.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    (entry,) = read([path], problem=lambda error: None)
    assert entry.fields["Image"] == "C:\\a.exe"
    assert entry.fields["ProcessId"] == "7"
    assert entry.fields["Initiated"] == "false"
    assert entry.fields["User"] == "CORP\\a.berg"


SYSMON = ("Microsoft-Windows-Sysmon/Operational", "Microsoft-Windows-Sysmon")
POWERSHELL = ("Microsoft-Windows-PowerShell/Operational", "Microsoft-Windows-PowerShell")
SECURITY = ("Security", "Microsoft-Windows-Security-Auditing")


@pytest.mark.parametrize(
    ("source", "event_id", "fields", "wanted"),
    [
        (SYSMON, "1", {"process.pe.original_file_name": "Cmd.Exe"}, ("OriginalFileName",)),
        (SYSMON, "1", {"process.parent.executable": "C:\\w3wp.exe"}, ("ParentImage",)),
        (SYSMON, "10", {"process.executable": "C:\\r.exe"}, ("SourceImage",)),
        (SYSMON, "11", {"file.path": "C:\\a.aspx"}, ("TargetFilename",)),
        (SYSMON, "7", {"file.path": "C:\\a.dll"}, ("ImageLoaded",)),
        (SYSMON, "17", {"file.name": "\\PSEXESVC"}, ("PipeName",)),
        (SYSMON, "13", {"registry.path": "HKLM\\x"}, ("TargetObject",)),
        (SYSMON, "22", {"dns.question.name": "a.example"}, ("QueryName",)),
        (SYSMON, "3", {"destination.ip": "203.0.113.9"}, ("DestinationIp",)),
        (POWERSHELL, "4104", {"powershell.file.script_block_text": "iex"}, ("ScriptBlockText",)),
        (SECURITY, "4688", {"process.executable": "C:\\c.exe"}, ("Image", "NewProcessName")),
        (SECURITY, "4624", {"source.ip": "203.0.113.9"}, ("IpAddress",)),
    ],
)
def test_items_stand_where_the_integrations_field_lists_say(
    tmp_path: Path,
    source: tuple[str, str],
    event_id: str,
    fields: dict[str, str],
    wanted: tuple[str, ...],
) -> None:
    """By the published lists, and not by what our recorder writes."""
    channel, provider = source
    document = {
        "winlog.channel": channel,
        "winlog.provider_name": provider,
        "winlog.event_id": event_id,
        **fields,
    }
    path = tmp_path / "one.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    (entry,) = read([path], problem=lambda error: None)
    (text,) = fields.values()
    assert text in {entry.fields.get(name) for name in wanted}

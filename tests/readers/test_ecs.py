"""Documents that Elastic's pipelines made are read as the events that they were made of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hafnium.cli.common import HOUSE
from hafnium.entries import WindowsEvent
from hafnium.loading import load_rules
from hafnium.matcher import Matcher
from hafnium.readers import read
from hafnium.samples import scenarios
from hafnium.siem import backends

_MODULES = ("Microsoft-Windows-Sysmon/Operational", "Microsoft-Windows-PowerShell/Operational")
_SECURITY_MOVED = ("4688", "4624", "4625")


def _nested(fields: dict[str, Any]) -> dict[str, Any]:
    whole: dict[str, Any] = {}
    for name, value in fields.items():
        *path, last = name.split(".")
        place = whole
        for part in path:
            place = place.setdefault(part, {})
        place[last] = value
    return whole


def test_every_sample_is_found_in_the_document_that_elastic_keeps_of_it(tmp_path: Path) -> None:
    rules = load_rules([HOUSE / "rules"]).rules
    matcher = Matcher(rules)
    backend = backends()["elastic"]
    wanted: list[set[str]] = []
    documents = tmp_path / "documents.ndjson"
    with documents.open("w", encoding="utf-8") as out:
        for scenario in scenarios(HOUSE / "samples", rules):
            for entry in scenario.entries():
                if not isinstance(entry, WindowsEvent) or not _is_moved(entry):
                    continue
                record = backend.record(entry)[0]
                out.write(json.dumps(_nested(dict(record.fields)), default=str) + "\n")
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


def _is_moved(entry: WindowsEvent) -> bool:
    channel, code = entry.system.get("Channel", ""), entry.system.get("EventID", "")
    if channel == "Security":
        return code in _SECURITY_MOVED
    return channel in _MODULES and code != "4103"


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

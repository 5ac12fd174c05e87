"""What is written for Elastic: importable, complete, the same each time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from click.testing import CliRunner

from hafnium.backends.elastic import BACKEND
from hafnium.backends.elastic.compiler_columns import SPARSE, catalogue
from hafnium.backends.elastic.engine_types import MAPPED
from hafnium.backends.elastic.package_ingest import objects
from hafnium.build import build
from hafnium.loading import Loaded
from hafnium.rule import Rule
from hafnium.siem import Pack
from hafnium.site import Site

_NAMED = {"type": "string", "minLength": 1}
_ATTACK = {
    "type": "object",
    "required": ["id", "name", "reference"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "string", "pattern": r"^TA?[0-9]{4}(\.[0-9]{3})?$"},
        "name": _NAMED,
        "reference": {
            "type": "string",
            "pattern": r"^https://attack\.mitre\.org/(tactics/TA[0-9]{4}|techniques/T[0-9]{4}(/[0-9]{3})?)/$",
        },
        "subtechnique": {"type": "array", "items": {"$ref": "#/$defs/attack"}},
    },
}
_TEXTS = {"type": "array", "items": {"type": "string"}}
SCHEMA: dict[str, Any] = {
    "$defs": {"attack": _ATTACK},
    "type": "object",
    "additionalProperties": False,
    "required": [
        "author",
        "description",
        "false_positives",
        "from",
        "interval",
        "language",
        "name",
        "query",
        "references",
        "risk_score",
        "rule_id",
        "severity",
        "tags",
        "threat",
        "type",
        "version",
    ],
    "properties": {
        "author": _TEXTS,
        "description": _NAMED,
        "enabled": {"type": "boolean"},
        "false_positives": _TEXTS,
        "from": {"type": "string", "pattern": r"^now-[0-9]+m$"},
        "index": {**_TEXTS, "minItems": 1},
        "interval": {"type": "string", "pattern": r"^[0-9]+[mshd]$"},
        "language": {"enum": ["eql", "esql", "lucene"]},
        "license": {"type": "string"},
        "max_signals": {"type": "integer", "minimum": 1},
        "name": _NAMED,
        "note": {"type": "string"},
        "query": _NAMED,
        "references": _TEXTS,
        "risk_score": {"type": "integer", "minimum": 0, "maximum": 100},
        "rule_id": _NAMED,
        "setup": {"type": "string"},
        "severity": {"enum": ["low", "medium", "high", "critical"]},
        "tags": _TEXTS,
        "threat": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["framework", "tactic", "technique"],
                "additionalProperties": False,
                "properties": {
                    "framework": {"const": "MITRE ATT&CK"},
                    "tactic": {"$ref": "#/$defs/attack"},
                    "technique": {"type": "array", "items": {"$ref": "#/$defs/attack"}},
                },
            },
        },
        "timestamp_override": {"const": "event.ingested"},
        "to": {"const": "now"},
        "type": {"enum": ["eql", "esql", "query"]},
        "version": {"type": "integer", "minimum": 1},
    },
    "allOf": [
        {
            "if": {"properties": {"type": {"const": "esql"}}},
            "then": {"not": {"required": ["index"]}},
            "else": {"required": ["index"]},
        }
    ],
}

RULES = """
title: Evil "page" \\ written
id: 11111111-2222-3333-4444-555555555555
description: |
  Two lines,
  "quoted".
author: us
level: critical
version: 4
references: [https://example.test/a]
tags: [attack.persistence, attack.t1505.003, attack.g0125, cve.2021-26855]
triage: [Look at the parent]
falsepositives: [None known]
logsource: {product: windows, category: process_creation}
detection: {s: {Image|endswith: '\\evil".exe'}, condition: s}
---
title: Script block
name: block
level: informational
logsource: {product: windows, category: ps_script}
detection: {s: {ScriptBlockText|contains: evil, Other: x}, condition: s}
---
title: Many
name: many
correlation:
  type: event_count
  rules: [block]
  group-by: [Computer]
  timespan: 1h
  condition: {gte: 5}
"""


@pytest.fixture
def pack(load: Callable[[str], Loaded]) -> Pack:
    loaded = load(RULES)
    assert not loaded.errors, loaded.errors
    return Pack("1.0", [BACKEND.compile(rule, Site()) for rule in loaded.rules], Site())


def test_a_site_with_lucene_gets_rules_of_the_type_query(
    load: Callable[[str], Loaded], tmp_path: Path
) -> None:
    """A Lucene query has no comments: the file holds nothing but what is pasted into Discover."""
    rules = load(RULES).rules
    site = Site(targets={"elastic": {"language": "lucene"}})
    build(rules, [BACKEND], site, tmp_path / "out")
    said = {one["name"]: one for one in kibana(tmp_path / "out/elastic")}
    for one in said.values():
        jsonschema.validate(one, SCHEMA)
    in_lucene = {name: one for name, one in said.items() if one["language"] == "lucene"}
    assert in_lucene
    assert {one["type"] for one in in_lucene.values()} == {"query"}
    assert all(one["index"] for one in in_lucene.values())
    files = list((tmp_path / "out/elastic/queries").glob("*.lucene"))
    texts = sorted(file.read_text(encoding="utf-8").strip() for file in files)
    assert texts == sorted(one["query"] for one in in_lucene.values())
    assert said["Many"]["language"] == "esql"


@pytest.fixture
def folder(pack: Pack, tmp_path: Path) -> Path:
    out = tmp_path / "out"
    out.mkdir()
    BACKEND.package(pack, out)
    return out


def kibana(folder: Path) -> list[dict[str, Any]]:
    text = (folder / "kibana_rules.ndjson").read_text(encoding="utf-8")
    assert text.endswith("\n")
    return [json.loads(line) for line in text.split("\n")[:-1]]


def test_kibana_rules_fit_the_schema(folder: Path) -> None:
    rules = kibana(folder)
    assert len(rules) == 3
    for rule in rules:
        jsonschema.validate(rule, SCHEMA)
        assert list(rule) == sorted(rule)


def test_kibana_rules_carry_what_the_rule_says(folder: Path, pack: Pack) -> None:
    first, second, third = kibana(folder)
    assert first["rule_id"] == "11111111-2222-3333-4444-555555555555"
    assert (first["severity"], first["risk_score"], first["version"]) == ("critical", 99, 4)
    assert first["name"] == 'Evil "page" \\ written'
    assert first["query"] == pack.queries[0].text
    assert first["false_positives"] == ["None known"]
    assert first["note"] == "- Look at the parent\n"
    (threat,) = first["threat"]
    assert threat["tactic"]["id"] == "TA0003"
    assert threat["technique"][0]["subtechnique"][0]["name"] == "Web Shell"
    assert (second["severity"], second["false_positives"]) == ("low", [])
    assert third["from"] == "now-69m"


def test_fields_that_esql_names_are_mapped(folder: Path) -> None:
    file = folder / "component_templates" / "logs-windows.powershell_operational@custom.json"
    said = json.loads(file.read_text(encoding="utf-8"))
    data = said["template"]["mappings"]["properties"]["winlog"]["properties"]["event_data"]
    assert data["properties"] == {"Other": {"type": "keyword"}}


def test_a_field_that_one_of_two_logs_has_is_mapped_for_both(rule: Callable[..., Rule]) -> None:
    """A site with one of the two would get no answer from ES|QL, but an error."""
    made = rule(
        "s: {OriginalFileName: a, CurrentDirectory: b}\ncondition: s",
        "{product: windows, category: process_creation}",
    )
    query = BACKEND.compile(made, Site())
    assert any("component templates" in need for need in query.needs)
    for stream in ("logs-windows.sysmon_operational", "logs-system.security"):
        said = objects([query])[f"component_templates/{stream}@custom.json"]
        process = said["template"]["mappings"]["properties"]["process"]["properties"]
        assert process["pe"]["properties"]["original_file_name"] == {"type": "keyword"}
        assert process["working_directory"] == {
            "type": "keyword",
            "fields": {"text": {"type": "match_only_text"}},
        }


def test_component_templates_map_fields_as_the_integrations_do() -> None:
    assert {name: MAPPED[name] for name in SPARSE} == SPARSE


def test_our_data_streams_map_every_field_that_queries_name(folder: Path) -> None:
    for source in catalogue():
        if source.id not in ("ecp", "oabgenerator"):
            continue
        stream = source.site["index"].removesuffix("-*")
        file = folder / "index_templates" / f"{stream}.json"
        template = json.loads(file.read_text(encoding="utf-8"))
        mapped = set(_leaves(template["template"]["mappings"]["properties"]))
        assert {str(name) for feed in source.feeds for name in feed.fields.values()} <= mapped
        pipeline = template["template"]["settings"]["index"]["default_pipeline"]
        assert (folder / "ingest_pipelines" / f"{pipeline}.json").is_file()


def _leaves(properties: dict[str, Any], before: str = "") -> Iterator[str]:
    for name, said in properties.items():
        if "properties" in said:
            yield from _leaves(said["properties"], f"{before}{name}.")
        else:
            yield before + name


def test_two_packages_are_the_same_bytes(pack: Pack, folder: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    again.mkdir()
    BACKEND.package(pack, again)
    files = sorted(f.relative_to(folder) for f in folder.rglob("*") if f.is_file())
    assert files == sorted(f.relative_to(again) for f in again.rglob("*") if f.is_file())
    assert all((folder / f).read_bytes() == (again / f).read_bytes() for f in files)


@pytest.mark.parametrize(
    ("pipeline", "logsource", "detection", "wanted"),
    [
        ("iis", "{category: webserver}", "{cs-uri-stem: x}", "url.original"),
        (
            "winlogbeat-sysmon",
            "{product: windows, category: process_creation}",
            "{Image: x}",
            "process.executable",
        ),
        (
            "winlog",
            "{product: windows, service: msexchange-management}",
            "{Cmdlet: x, Other: y}",
            "winlog.event_data.param1",
        ),
    ],
)
def test_sigma_convert_takes_the_pipelines(
    folder: Path, tmp_path: Path, pipeline: str, logsource: str, detection: str, wanted: str
) -> None:
    from sigma.cli.convert import convert

    rule = tmp_path / "plain.yml"
    rule.write_text(
        "title: T\nid: 11111111-2222-3333-4444-555555555555\nstatus: test\n"
        f"logsource: {logsource}\ndetection: {{s: {detection}, condition: s}}\n",
        encoding="utf-8",
    )
    arguments = ["-t", "eql", "-p", str(folder / "pipelines" / f"{pipeline}.yml"), str(rule)]
    result = CliRunner().invoke(convert, arguments)
    assert result.exit_code == 0, result.output
    assert wanted in result.output


def test_pipelines_serve_each_log_source_once(folder: Path) -> None:
    for file in sorted((folder / "pipelines").glob("*.yml")):
        items = yaml.safe_load(file.read_text(encoding="utf-8"))["transformations"]
        mappings = [i["rule_conditions"] for i in items if i["type"] == "field_name_mapping"]
        assert len(mappings) == len({json.dumps(m, sort_keys=True) for m in mappings}), file.name


def test_rules_without_attack_tags_have_no_threat(load: Callable[[str], Loaded]) -> None:
    from hafnium.backends.elastic.package_threat import threat

    assert threat(_tagged(load, "[]")) == []
    assert threat(_tagged(load, "[attack.t9999, cve.2021-1]")) == []


def test_a_technique_stands_under_the_tactics_of_the_rule(load: Callable[[str], Loaded]) -> None:
    from hafnium.backends.elastic.package_threat import threat

    said = threat(_tagged(load, "[attack.execution, attack.defense_evasion, attack.t1053.005]"))
    assert [(t["tactic"]["id"], len(t["technique"])) for t in said] == [
        ("TA0002", 1),
        ("TA0005", 0),
    ]
    (alone,) = threat(_tagged(load, "[attack.t1190]"))
    assert alone["tactic"]["id"] == "TA0001"


def _tagged(load: Callable[[str], Loaded], tags: str) -> Rule:
    (rule,) = load(
        f"title: T\ntags: {tags}\nlogsource: {{category: webserver}}\n"
        "detection: {s: {a: b}, condition: s}\n"
    ).rules
    return rule


def test_every_technique_of_the_pack_stands_in_its_kibana_rule() -> None:
    from hafnium.backends.elastic.package_threat import threat
    from hafnium.cli.common import HOUSE
    from hafnium.loading import load_rules
    from hafnium.pages.navigator import techniques

    for rule in load_rules([(HOUSE / "rules").resolve()]).output:
        said = [technique for tactic in threat(rule) for technique in tactic["technique"]]
        ids = {t["id"] for t in said} | {sub["id"] for t in said for sub in t["subtechnique"]}
        assert set(techniques(rule)) <= ids, rule.name


def test_a_newer_tactic_stands_for_the_bundled_one(load: Callable[[str], Loaded]) -> None:
    from hafnium.backends.elastic.package_threat import threat

    (said,) = threat(_tagged(load, "[attack.stealth, attack.t1070.004]"))
    assert said["tactic"]["id"] == "TA0005"
    assert said["tactic"]["name"] == "Defense Evasion"

"""Every rule file: valid Sigma, complete, found by its own name; the rest is ``hafnium check``."""

from __future__ import annotations

import datetime
import re
import uuid
from pathlib import Path

import pytest
from sigma.rule import SigmaRule

from hafnium.loading import load_rules
from hafnium.rule import LEVELS, Rule

RULES = Path(__file__).parent.parent / "rules"
LOADED = load_rules([RULES])
DETECTIONS = [rule for rule in LOADED.rules if rule.correlation is None]
TAG = re.compile(r"cve\.\d{4}-\d{4,}|detection\.emerging-threats")


def _id(rule: Rule) -> str:
    return rule.path.stem


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
def test_id_is_a_random_uuid(rule: Rule) -> None:
    assert uuid.UUID(rule.document["id"]).version == 4


@pytest.mark.parametrize("rule", DETECTIONS, ids=_id)
def test_tags_name_a_technique(rule: Rule) -> None:
    tags = rule.document["tags"]
    assert any(tag.startswith("attack.t") for tag in tags)
    assert all(TAG.fullmatch(tag) for tag in tags if not tag.startswith("attack."))


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

"""A build: complete, reproducible, and careful with what it overwrites."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import yaml

from hafnium.build import Built, build
from hafnium.cli.common import HOUSE
from hafnium.errors import SiteError
from hafnium.loading import load_rules
from hafnium.rule import Rule
from hafnium.siem import backends
from hafnium.site import Site, load_site


@pytest.fixture(scope="module")
def rules() -> list[Rule]:
    return load_rules([(HOUSE / "rules").resolve()]).rules


def tree(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


@pytest.fixture(scope="module")
def whole(rules: list[Rule], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Built]:
    """A build of the whole pack for all targets."""
    folder = tmp_path_factory.mktemp("whole")
    return folder, build(rules, list(backends().values()), Site(), folder)


def test_two_builds_are_byte_identical(
    rules: list[Rule], whole: tuple[Path, Built], tmp_path: Path
) -> None:
    folder, _ = whole
    build(list(rules), list(backends().values()), Site(), tmp_path)
    first, second = tree(folder), tree(tmp_path)
    assert first == second
    assert not any(str(folder).encode() in content for content in first.values())


def test_the_manifest_lists_every_query_with_its_checksum(
    rules: list[Rule], whole: tuple[Path, Built]
) -> None:
    folder, built = whole
    manifest = json.loads((folder / "manifest.json").read_text())
    assert not built.refused
    assert manifest["refused"] == []
    assert len(manifest["queries"]) == len(backends()) * sum(r.output for r in rules)
    for row in manifest["queries"]:
        content = (folder / row["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == row["sha256"]
        assert row["rule"].encode() in content
        assert row["data_sources"]
    written = set(tree(folder)) - {"manifest.json"}
    assert written == set(manifest["files"])


def test_a_later_build_removes_what_an_earlier_one_wrote_and_nothing_else(
    rules: list[Rule], tmp_path: Path
) -> None:
    targets, rules = list(backends().values()), rules[:12]
    build(rules, targets, Site(), tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    old = json.loads((tmp_path / "manifest.json").read_text())["queries"][0]["file"]
    gone = next(r for r in rules if Path(old).stem == r.path.stem)
    build([r for r in rules if r is not gone], targets, Site(), tmp_path)
    assert not (tmp_path / old).exists()
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_manifest_cannot_make_a_build_delete_files_elsewhere(
    rules: list[Rule], tmp_path: Path
) -> None:
    outside = tmp_path / "precious.txt"
    outside.write_text("x")
    out = tmp_path / "out"
    out.mkdir()
    (out / "manifest.json").write_text(json.dumps({"files": {"../precious.txt": ""}}))
    build(rules[:1], list(backends().values())[:1], Site(), out)
    assert outside.exists()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("splunk: [", "YAML"),
        ("- a", "mapping"),
        ("arcsight: {}", "no target 'arcsight'"),
        ("splunk: x", "not a mapping"),
        ("splunk: {isi: {index: web}}", "no data source 'isi'"),
        ("splunk: {iis: {inndex: web}}", "cannot be set"),
        ("splunk: {iis: {index: [web]}}", "cannot be set"),
        ("elastic: {language: kql}", "elastic.language cannot be 'kql'.*esql, eql, lucene"),
        ("elastic: {language: {a: b}}", "elastic.language cannot be"),
        ("splunk: {language: eql}", "no data source 'language'"),
    ],
)
def test_a_wrong_site_file_is_named_with_its_mend(tmp_path: Path, text: str, reason: str) -> None:
    file = tmp_path / "site.yml"
    file.write_text(text)
    with pytest.raises(SiteError, match=reason) as caught:
        checked(file)
    assert str(file) in str(caught.value)


def checked(file: Path) -> None:
    site = load_site(file, backends())
    for backend in backends().values():
        backend.check_site(site)


def test_the_triage_reaches_every_artefact(rules: list[Rule], tmp_path: Path) -> None:
    rule = next(rule for rule in rules if rule.name == "web_exchange_unknown_page_answered")
    build([rule], list(backends().values()), Site(), tmp_path)
    searches = (tmp_path / "splunk/hafnium_detections/default/savedsearches.conf").read_text()
    kibana = json.loads((tmp_path / "elastic/kibana_rules.ndjson").read_text())
    (analytic,) = (tmp_path / "sentinel/analytic-rules").glob("*.yaml")
    template = json.loads((tmp_path / "sentinel/azuredeploy.json").read_text())
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert len(rule.triage) == 3
    for step in rule.triage:
        assert step in searches
        assert step in kibana["note"]
        assert step in yaml.safe_load(analytic.read_text())["description"]
        assert step in template["resources"][0]["properties"]["description"]
        assert all(step in row["triage"] for row in manifest["queries"])
        assert step in (tmp_path / f"docs/rules/{rule.path.stem}.md").read_text()

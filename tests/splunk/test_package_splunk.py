"""The Splunk app, read back as Splunk reads it."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from hafnium.backends.splunk import BACKEND
from hafnium.backends.splunk.package_conf import conf, one_line, stanza_name
from hafnium.loading import Loaded
from hafnium.rule import Rule
from hafnium.siem import Pack
from hafnium.site import Site

Load = Callable[[str], Loaded]
HOSTILE = 'T ]\n[default]\ndisabled = 0\n# "x" \\'


def read(text: str) -> dict[str, dict[str, str]]:
    """A .conf file by Splunk's rules: comments, stanzas, and lines that a backslash joins."""
    stanzas: dict[str, dict[str, str]] = {}
    lines = iter(text.split("\n"))
    current: dict[str, str] = {}
    for line in lines:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line.startswith("["):
            assert line.endswith("]"), line
            assert line[1:-1] not in stanzas, line
            current = stanzas.setdefault(line[1:-1], {})
            continue
        key, equals, value = line.partition("=")
        assert equals, line
        parts = [value.strip()]
        while parts[-1].endswith("\\"):
            parts[-1] = parts[-1][:-1].rstrip()
            parts.append(next(lines))
        assert key.strip() not in current
        current[key.strip()] = "\n".join(parts)
    return stanzas


def rules(load: Load, *, title: str = "Plain", value: str = "/x", count: int = 1) -> list[Rule]:
    documents = [
        {
            "title": title,
            "id": f"00000000-0000-4000-8000-{n:012}",
            "description": f"{title}\ntwo",
            "level": "critical",
            "tags": ["attack.initial-access", "attack.t1190", "cve.2021-26855"],
            "logsource": {"category": "webserver"},
            "detection": {"s": {"cs-uri-stem|contains": value}, "condition": "s"},
        }
        for n in range(count)
    ]
    loaded = load(yaml.safe_dump_all(documents))
    assert not loaded.errors
    return loaded.rules


def app(made: list[Rule], folder: Path, site: Site | None = None) -> Path:
    site = site or Site()
    queries = [BACKEND.compile(rule, site) for rule in made]
    BACKEND.package(Pack("1.2.3", queries, site), folder)
    return folder / "hafnium_detections"


def searches(folder: Path) -> dict[str, dict[str, str]]:
    return read((folder / "default/savedsearches.conf").read_text(encoding="utf-8"))


def test_a_search_reads_back_as_it_was_compiled(load: Load, tmp_path: Path) -> None:
    made = rules(load, value="a?\\b\"c'")
    ((name, settings),) = searches(app(made, tmp_path)).items()
    assert name == "Hafnium - Plain - Rule"
    assert settings["search"] == BACKEND.compile(made[0], Site()).text
    assert "\n| where" in settings["search"]
    assert settings["disabled"] == "1"
    assert settings["alert.severity"] == "6"
    annotations = json.loads(settings["action.correlationsearch.annotations"])
    assert annotations["mitre_attack"] == ["T1190"]
    assert annotations["cve"] == ["CVE-2021-26855"]
    assert annotations["sigma"] == [made[0].id]
    assert list(settings)[-1] == "search"


@pytest.mark.parametrize("value", ["]\n[default]\n", "x\\", "`", '"', "```", "\r\n# x"])
def test_no_text_of_a_rule_leaves_its_setting(load: Load, tmp_path: Path, value: str) -> None:
    made = rules(load, title=HOSTILE, value=value)
    folder = app(made, tmp_path)
    ((name, settings),) = searches(folder).items()
    assert name == one_line(name)
    assert "[" not in name
    assert settings["disabled"] == "1"
    assert settings["search"] == BACKEND.compile(made[0], Site()).text
    for file in folder.rglob("*.conf"):
        assert "default" not in read(file.read_text(encoding="utf-8"))


def test_long_and_equal_titles_get_names_of_their_own(load: Load, tmp_path: Path) -> None:
    names = list(searches(app(rules(load, title="é" * 150, count=3), tmp_path)))
    assert len(set(names)) == 3
    assert all(len(name) <= 99 and name.endswith(" - Rule") for name in names)


def test_every_macro_that_a_search_names_is_defined(load: Load, tmp_path: Path) -> None:
    folder = app(rules(load), tmp_path)
    macros = read((folder / "default/macros.conf").read_text(encoding="utf-8"))
    for settings in searches(folder).values():
        for name in settings["search"].split("`")[1::2]:
            assert macros[name]["definition"]
    assert macros["hafnium_iis"]["definition"] == '(index=* sourcetype="ms:iis:auto")'


def test_a_changed_sourcetype_is_extracted_as_well(load: Load, tmp_path: Path) -> None:
    site = Site(targets={"splunk": {"ecp": {"sourcetype": "our:ecp"}}})
    folder = app(rules(load), tmp_path, site)
    props = read((folder / "default/props.conf").read_text(encoding="utf-8"))
    assert "REPORT-hafnium_keys" in props["our:ecp"]
    assert not [name for name in props if "@" in name]
    transforms = read((folder / "default/transforms.conf").read_text(encoding="utf-8"))
    named = [
        name.strip()
        for settings in props.values()
        for key, value in settings.items()
        if key.startswith(("REPORT-", "TRANSFORMS-"))
        for name in value.split(",")
    ]
    assert set(named) == set(transforms)


def test_the_archive_is_the_folder_and_the_same_every_time(load: Load, tmp_path: Path) -> None:
    made = rules(load, count=2)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        app(made, tmp_path / name)
    one, two = (tmp_path / name / "hafnium_detections-1.2.3.tar.gz" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    with tarfile.open(one) as tar:
        members = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
        assert all(member.mtime == 0 and member.uid == 0 for member in tar)
    folder = tmp_path / "one/hafnium_detections"
    files = {p.relative_to(folder.parent).as_posix(): p.read_bytes() for p in folder.rglob("*.*")}
    assert members == files


def test_a_correlation_looks_back_by_its_span(load: Load, tmp_path: Path) -> None:
    loaded = load(
        "title: A\nname: a\nlogsource: {category: webserver}\n"
        "detection: {s: {cs-method: GET}, condition: s}\n---\n"
        "title: X\nid: 00000000-0000-4000-8000-000000000001\nlevel: low\n"
        "correlation: {type: event_count, rules: [a], timespan: 90s, condition: {gte: 2}}\n"
    )
    found = searches(app([rule for rule in loaded.rules if rule.correlation], tmp_path))
    (settings,) = found.values()
    assert settings["dispatch.earliest_time"] == "-27m@m"
    assert settings["dispatch.latest_time"] == "-10m@m"


def test_a_value_that_a_conf_file_cannot_hold_is_an_error() -> None:
    for value in ("a\\", "a\\\nb", "a\rb", "a\n\nb"):
        with pytest.raises(ValueError, match="conf file"):
            conf("x", [("s", {"k": value})])
    with pytest.raises(ValueError, match="stanza"):
        conf("x", [("a]\n[b", {})])
    assert stanza_name("a]\n[b\\") == "a) (b"


def test_sigma_convert_takes_the_pipelines(load: Load, tmp_path: Path) -> None:
    made = rules(load)
    app(made, tmp_path)
    pipeline = tmp_path / "pipelines/iis.yml"
    command = [sys.executable, "-m", "sigma.cli.main", "convert", "-t", "splunk"]
    done = subprocess.run(
        [*command, "-p", str(pipeline), str(made[0].path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == 'cs_uri_stem="*/x*"', done.stderr

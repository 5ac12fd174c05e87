"""The command line: what it prints, and its exit status."""

from __future__ import annotations

import csv
import io
import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from hafnium.cli import main
from hafnium.engines import engine_names

RULE = """\
title: POST to a Script
id: 0b5e3a57-6f0a-4f56-9a0e-4c2d9f6b8a11
status: test
description: Something is posted to a script.
author: tests
tags: [attack.initial-access, attack.t1190]
references: [https://example.org/]
logsource: {category: webserver}
detection:
  s: {cs-method: POST, cs-uri-stem|endswith: .js}
  condition: s
falsepositives: [Unknown]
level: high
"""
LOG = """\
#Software: Microsoft Internet Information Services 10.0
#Version: 1.0
#Date: 2021-03-03 06:00:00
#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip \
cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken
2021-03-03 06:49:57 10.0.0.1 GET /ecp/q.js - 443 - 203.0.113.77 x - 200 0 0 9
2021-03-03 06:49:58 10.0.0.1 POST /ecp/Q.JS - 443 - 203.0.113.77 x - 200 0 0 9
2021-03-03 06:49:59 10.0.0.1 POST /ecp/default.aspx - 443 - 203.0.113.77 x - 200 0 0 9
"""


class Ran(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> Callable[..., Ran]:
    def call(*words: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["hafnium", *map(str, words)])
        with pytest.raises(SystemExit) as stopped:
            main()
        out, err = capfdbinary.readouterr()
        return Ran(int(stopped.value.code or 0), out.decode(), err.decode())

    return call


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with ``rules/post.yml``, ``logs/u_ex.log`` and a scenario."""
    for folder in ("rules", "logs", "samples/one"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "rules/post.yml").write_text(RULE)
    (tmp_path / "logs/u_ex.log").write_text(LOG)
    (tmp_path / "samples/one/u_ex.log").write_text(LOG)
    (tmp_path / "samples/one/expected.yml").write_text(
        "title: One\nhost: mail01\n"
        "expect:\n  - {source: u_ex.log, line: 6, rules: [post]}\n"
        "near:\n  - {source: u_ex.log, line: 5, rules: [post], why: GET}\n"
    )
    return tmp_path


@pytest.mark.parametrize("engine", engine_names())
def test_hunt_prints_one_object_per_match(
    run: Callable[..., Ran], place: Path, engine: str
) -> None:
    ran = run(
        "hunt", place / "logs", "--rules", place / "rules", "--format", "jsonl", "--engine", engine
    )
    assert ran.code == 0, ran.err
    (line,) = ran.out.splitlines()
    row = json.loads(line)
    assert row["source"] == f"{place}/logs/u_ex.log"
    assert (row["position"], row["level"], row["rule_title"]) == (6, "high", "POST to a Script")
    assert row["time"] == "2021-03-03T06:49:58Z"
    assert row["event"]["cs-uri-stem"] == "/ecp/Q.JS"
    assert list(row)[:5] == ["rule_id", "rule_title", "level", "time", "source"]


def test_hunt_reads_archives_and_writes_files(run: Callable[..., Ran], place: Path) -> None:
    archive = place / "case.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("W3SVC1/u_ex.log", LOG)
    out = place / "found.csv"
    ran = run("hunt", archive, "--rules", place / "rules", "--format", "csv", "--out", out)
    assert (ran.code, ran.out) == (0, "")
    (row,) = csv.DictReader(io.StringIO(out.read_text()))
    assert row["source"] == f"{archive}!W3SVC1/u_ex.log"
    assert row["position"] == "6"


def test_hunt_says_when_nothing_was_found(run: Callable[..., Ran], place: Path) -> None:
    ran = run("hunt", place / "logs", "--rules", place / "rules", "--level", "critical")
    assert (ran.code, ran.out) == (0, "no match\n")
    assert "3 entries" in ran.err


def test_a_table_is_a_timeline(run: Callable[..., Ran], place: Path) -> None:
    ran = run("hunt", place / "logs", "--rules", place / "rules", "--host", "mail09")
    head, row = ran.out.splitlines()
    assert head.split()[0] == "TIME"
    assert "2021-03-03 06:49:58  high   mail09" in row


def test_what_cannot_be_read_is_named_and_the_rest_is_done(
    run: Callable[..., Ran], place: Path
) -> None:
    ran = run(
        "hunt", place / "missing", place / "logs", "--rules", place / "rules", "--format", "jsonl"
    )
    assert ran.code == 3
    assert len(ran.out.splitlines()) == 1
    assert sum("missing" in line for line in ran.err.splitlines()) == 1


def test_a_broken_rule_is_named_and_the_rest_is_done(run: Callable[..., Ran], place: Path) -> None:
    (place / "rules/bad.yml").write_text(RULE.replace("endswith", "endwith"))
    ran = run("hunt", place / "logs", "--rules", place / "rules", "--format", "jsonl")
    assert ran.code == 2
    assert len(ran.out.splitlines()) == 1
    assert "bad.yml:10:" in ran.err
    assert "did you mean |endswith?" in ran.err
    assert run("check", "--rules", place / "rules").code == 1


@pytest.mark.parametrize(
    "words",
    [
        ("hunt", ".", "--engine", "arcsight"),
        ("build", "--target", "arcsight"),
        ("test", "--engine", "arcsight"),
        ("show", "no such rule"),
        ("hunt",),
        ("fly",),
    ],
)
def test_wrong_use_is_one_line_and_status_2(
    run: Callable[..., Ran], words: tuple[str, ...]
) -> None:
    ran = run(*words)
    assert ran.code == 2
    assert ran.out == ""
    assert "Traceback" not in ran.err


def test_test_agrees_and_counts(run: Callable[..., Ran], place: Path) -> None:
    report = place / "junit.xml"
    ran = run("test", "--rules", place / "rules", "--samples", place / "samples", "--junit", report)
    assert ran.code == 0, ran.out + ran.err
    assert ran.out.splitlines()[1].split() == ["post", *["1/1/1"] * len(engine_names())]
    assert ran.out.splitlines()[-1].endswith("0 missing, 0 unexpected")
    assert report.read_text().count("<testcase") == len(engine_names())


def test_a_match_that_is_not_expected_fails_and_so_does_a_missing_one(
    run: Callable[..., Ran], place: Path
) -> None:
    expected = place / "samples/one/expected.yml"
    expected.write_text(expected.read_text().replace("line: 6", "line: 7"))
    ran = run("test", "--rules", place / "rules", "--samples", place / "samples")
    assert ran.code == 1
    assert "difference: sigma: post: missing one/u_ex.log:7" in ran.out
    assert "difference: sigma: post: unexpected one/u_ex.log:6" in ran.out


def test_an_unknown_rule_in_expected_is_an_error(run: Callable[..., Ran], place: Path) -> None:
    expected = place / "samples/one/expected.yml"
    expected.write_text(expected.read_text().replace("[post]", "[posst]"))
    ran = run("test", "--rules", place / "rules", "--samples", place / "samples")
    assert ran.code == 3
    assert "posst" in ran.err


def test_a_key_of_expected_that_nothing_reads_is_an_error(
    run: Callable[..., Ran], place: Path
) -> None:
    """Near misses under another name would be no near misses."""
    expected = place / "samples/one/expected.yml"
    expected.write_text(expected.read_text() + "near_misses:\n")
    ran = run("test", "--rules", place / "rules", "--samples", place / "samples")
    assert ran.code == 3
    assert "near_misses" in ran.err
    assert "expected.yml" in ran.err


def test_show_prints_each_targets_query(run: Callable[..., Ran], place: Path) -> None:
    ran = run("show", "post", "--rules", place / "rules")
    assert ran.code == 0
    assert ran.out.count("id 0b5e3a57") == len(engine_names()) - 1


def test_check_finds_what_no_parser_does(run: Callable[..., Ran], place: Path) -> None:
    (place / "rules/post.yml").write_text(
        RULE.replace("  condition: s", "  filtre: {c-ip: x}\n  condition: s").replace(
            "level: high", "level: urgent"
        )
    )
    ran = run("check", "--rules", place / "rules")
    assert ran.code == 1
    (place / "rules/post.yml").write_text(
        RULE.replace("  condition: s", "  filtre: {c-ip: x}\n  condition: s")
    )
    ran = run("check", "--rules", place / "rules")
    assert ran.code == 1
    assert "post.yml:11: error: the detection 'filtre' is not used" in ran.out

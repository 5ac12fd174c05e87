"""What ``hafnium check`` asks beyond the specification: each gate refuses a rule that breaks it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from hafnium import gates, validators
from hafnium.attack import table, wrong_tags
from hafnium.cli.common import HOUSE
from hafnium.fields import known_fields
from hafnium.lint import Finding, lint
from hafnium.loading import Loaded, load_rules
from hafnium.logsource import LogSource
from hafnium.regex import plain_words
from hafnium.samples import Scenario, scenarios
from hafnium.siem import backends

GOOD = """
    title: {title}
    id: 6cf6f5e8-6a0d-4a0c-9d65-6c7b4a0c8a51
    status: experimental
    version: 1
    description: {description}
    references:
      - https://www.example.org/a
    author: somebody
    date: 2026-11-24
    tags:
      - {tag}
      - attack.t1505.003
    logsource: {source}
    detection:
      selection:
        {test}
      condition: selection
    falsepositives:
      - {doubt}
    level: high
    {kin}
    triage:
      - "{first}: look"
      - "Attempt or break-in: tell"
      - "Contain: stop"
    {more}
"""
USUAL = {
    "title": "Page Written to a Web Folder",
    "description": "Somebody wrote a page.",
    "tag": "attack.persistence",
    "source": "{product: windows, category: file_event}",
    "test": "TargetFilename|endswith: '.aspx'",
    "doubt": "Unlikely",
    "first": "Next",
    "kin": "novel: nobody looks at it",
    "more": "",
}
Load = Callable[[str], Loaded]


def findings(load: Load, ours: bool = True, **other: str) -> list[Finding]:
    return lint(load(GOOD.format(**{**USUAL, **other})), [], ours)


def texts(load: Load, **other: str) -> list[str]:
    return [finding.text for finding in findings(load, **other)]


def test_a_rule_that_keeps_every_gate_has_no_finding(load: Load) -> None:
    assert findings(load) == []


@pytest.mark.parametrize(
    ("other", "text"),
    [
        ({"test": "CommandLine|contains: 'x'"}, "has no field CommandLine"),
        ({"test": "targetfilename: 'x'"}, "it is written TargetFilename"),
        ({"test": "TargetFilename|contains: 'C:\\Program Files\\Microsoft'"}, "to one drive"),
        ({"test": "TargetFilename|contains: '\"d:/exchange'"}, "to one drive"),
        ({"test": "TargetFilename|re|i: '.*\\\\owa\\\\.*\\.aspx$'"}, "use contains, startswith"),
        ({"test": "TargetFilename|re: '(cmd|powershell)\\.exe'"}, "use contains, startswith"),
        ({"tag": "attack.defence-evasion"}, "no tactic 'defence-evasion'"),
        ({"tag": "attack.execution"}, "t1505.003 serves persistence, of which the rule has no tag"),
        ({"tag": "attack.t9999"}, "has no t9999"),
        (
            {"tag": "cve.2021-26855\n      - attack.persistence"},
            "does not say what CVE-2021-26855 has to do",
        ),
        ({"first": "Look"}, "triage must be a list of three items"),
        ({"more": "triag: []"}, "no rule has the key 'triag'"),
        (
            {"more": "evaded_by: [{mutation: magic, why: it is stronger than we are}]"},
            "there is no mutation 'magic'",
        ),
        ({"more": "evaded_by: [{mutation: carets}]"}, "'why' is a required property"),
        ({"title": "Detects a Page"}, "starts with the word 'Detect'"),
        ({"title": "Page written to a Web Folder"}, "invalid casing: word written"),
        ({"title": "Page Written to a Web Folder."}, "ends with a dot"),
        ({"doubt": "none"}, "(SigmahqFalsepositivesCapital)"),
        ({"description": "Too short."}, "overly brief description"),
        ({"more": "fields: [Image]"}, "deprecated field fields"),
    ],
)
def test_each_gate_refuses_a_rule_that_breaks_it(
    load: Load, other: dict[str, str], text: str
) -> None:
    found = findings(load, **other)
    assert any(text in finding.text for finding in found), found
    assert {finding.severity for finding in found} == {"error"}


SIMILAR = "related: [{id: 550d3350-bb8a-4ff3-9533-2ba533f4a1c0, type: similar}]"


@pytest.mark.parametrize(
    ("kin", "severities"),
    [
        (SIMILAR, []),
        ("novel: nobody looks at it", []),
        ("novel: ''", ["warning"]),
        (SIMILAR.replace("similar", "obsolete"), ["warning"]),
        (f"{SIMILAR}\n    novel: nobody looks at it", ["warning"]),
    ],
)
def test_a_rule_names_a_public_rule_that_is_alike_or_says_why_there_is_none(
    load: Load, kin: str, severities: list[str]
) -> None:
    found = findings(load, kin=kin)
    assert [one.severity for one in found if "public rule that is alike" in one.text] == severities
    assert [one for one in found if "public rule" not in one.text] == []
    assert findings(load, ours=False, kin=kin) == []


def test_a_finding_names_the_line_that_it_is_about(load: Load) -> None:
    (found,) = findings(load, test="CommandLine: 'x'")
    text = Path(found.file).read_text(encoding="utf-8").splitlines()
    assert text[found.line - 1].strip() == "selection:"


def test_other_peoples_rules_get_warnings_and_none_for_the_ways_of_this_house(load: Load) -> None:
    broken = {"test": "CommandLine|contains: 'C:\\Program Files'", "first": "Look"}
    found = findings(load, ours=False, tag="attack.stealth", more="evaded_by: []", **broken)
    assert [(f.severity, "no field CommandLine" in f.text) for f in found] == [("warning", True)]


def test_sysmon_11_has_no_command_line_but_4663_and_5145_have_their_own_fields() -> None:
    file_event = known_fields(LogSource("file_event", "windows"))
    assert file_event is not None
    assert {"Image", "TargetFilename", "Computer"} <= file_event
    assert "CommandLine" not in file_event
    security = LogSource(product="windows", service="security")
    assert "RelativeTargetName" in (known_fields(security, {"5145"}) or ())
    assert "RelativeTargetName" not in (known_fields(security, {"4663"}) or ())
    assert known_fields(security, {"5145", "9999"}) is None
    assert known_fields(security) is None


def test_process_creation_has_the_names_of_both_logs() -> None:
    names = known_fields(LogSource("process_creation", "windows")) or frozenset()
    assert {"Image", "ParentImage", "OriginalFileName", "SubjectDomainName"} <= names
    assert "NewProcessName" not in names


def test_fields_that_no_listed_log_source_serves_are_not_judged() -> None:
    assert known_fields(LogSource("process_creation", "linux")) is None
    assert known_fields(LogSource(product="aws", service="cloudtrail")) is None
    assert known_fields(LogSource()) is None


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("abc", "'abc'"),
        (r"^.*\\w3wp\.exe$", r"'\\w3wp.exe'"),
        ("(ab|cd)e", "'abe' or 'cde'"),
        ("a.*b", "'a*b'"),
        ("a.b", None),
        ("a+", None),
        ("[ab]", None),
        (r"\s", None),
        ("a|b+", None),
        ("(?=a)", None),
    ],
)
def test_regular_expressions_that_say_no_more_than_words(pattern: str, words: str | None) -> None:
    assert plain_words(pattern) == words


def test_too_few_samples_are_an_error(load: Load, tmp_path: Path) -> None:
    loaded = load(GOOD.format(**USUAL))
    place = [(f"a/{n}", n) for n in range(4)]
    scenario = Scenario(tmp_path, "a", None)
    scenario.expect[loaded.rules[0].id] = set(place[:2])
    scenario.near[loaded.rules[0].id] = set(place[:3])
    assert [f.text for f in lint(loaded, [], True, [scenario])] == [
        "the samples have 2 positives for it; 3 are needed"
    ]
    scenario.expect[loaded.rules[0].id] = set(place)
    assert lint(loaded, [], True, [scenario]) == []


def test_correlations_need_positives_and_near_misses_like_every_rule() -> None:
    rules = load_rules([HOUSE / "rules"]).rules
    correlations = [rule for rule in rules if rule.correlation is not None]
    assert len(correlations) >= 15
    for rule in correlations:
        assert len(list(gates.proven(rule, []))) == 2
    steps = [rule for rule in rules if not rule.output]
    assert steps
    assert [list(gates.proven(rule, [])) for rule in steps] == [[]] * len(steps)


def test_every_validator_that_is_installed_is_used_or_left_out_for_a_reason() -> None:
    there = {name for names in validators.installed().values() for name in names}
    used = [name for names in validators.listed()["use"].values() for name in names]
    left_out = validators.listed()["leave_out"]
    assert sorted([*used, *left_out]) == sorted(there)
    assert all(len(reason) > 5 for reason in left_out.values())


def test_attack_knows_tactics_by_technique_and_the_group() -> None:
    assert table()["version"] == "17.0"
    assert len(table()["techniques"]) > 600
    good = ["attack.persistence", "attack.t1505.003", "attack.g0125", "cve.2021-26855"]
    assert list(wrong_tags(good)) == []


def test_the_pack_keeps_every_gate_offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setenv("HOME", str(tmp_path))
    loaded = load_rules([HOUSE / "rules"])
    proof = list(scenarios((HOUSE / "samples").resolve(), loaded.rules))
    found = lint(loaded, list(backends().values()), True, proof)
    assert [str(finding) for finding in found if finding.severity == "error"] == []
    assert list(tmp_path.iterdir()) == []


def test_the_gates_of_the_house_are_asked_of_its_rules() -> None:
    rule = load_rules([HOUSE / "rules"]).rules[0]
    assert list(gates.house(rule)) == []
    assert list(gates.proven(rule, [])) != []

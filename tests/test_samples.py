"""The sample corpus: every place that expected.yml names exists, and every rule is tried."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from hafnium.data import load_data
from hafnium.loading import load_rules
from hafnium.matcher import Matcher
from hafnium.samples import Scenario, scenarios

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "samples"
FOLDERS = sorted(file.parent for file in SAMPLES.glob("*/expected.yml"))
RULES = load_rules([ROOT / "rules"]).rules
MATCHER = Matcher(RULES)
LOGS = sorted(p for f in FOLDERS for p in f.rglob("*") if p.is_file() and p.name != "expected.yml")

DOCUMENTATION = [
    ip_network(net)
    for net in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "0.0.0.0/32"),
        *("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"),
        *("::1/128", "fe80::/10", "2001:db8::/32"),
    )
]
IPV4 = re.compile(r"(?<![\d.\w/-])\d{1,3}(?:\.\d{1,3}){3}(?![\d.\w])")
KNOWN_HOSTS = re.compile(
    r"(^|\.)corp\.example$|\.example$|(^|\.)(baidu|bing|chocolatey|facebook|github|google|microsoft|nmap|paessler|uptimerobot)\.(com|org)$",
    re.IGNORECASE,
)
URL_HOST = re.compile(r"https?://([a-z0-9.-]+\.[a-z]{2,})", re.IGNORECASE)
# The words that antivirus looks for beside each other, cut so that this file holds none.
BAIT = re.compile(r"ev" + r"al\s*\(|Req" + r"uest\s*[\[(]|FromBase" + r"64String", re.IGNORECASE)


def _name(path: Path) -> str:
    return path.relative_to(SAMPLES).as_posix()


@cache
def _said(folder: Path) -> dict[str, Any]:
    said = load_data(folder / "expected.yml")
    assert isinstance(said, dict)
    return said


def _rows() -> Iterator[tuple[Path, str, dict[str, Any]]]:
    for folder in FOLDERS:
        for part in ("expect", "near"):
            for row in _said(folder).get(part) or ():
                yield folder, part, row


@cache
def _read() -> dict[str, Scenario]:
    return {scenario.name: scenario for scenario in scenarios(SAMPLES, RULES)}


@cache
def _places(name: str) -> frozenset[tuple[str, int]]:
    scenario = _read()[name]
    return frozenset(scenario.place(entry) for entry in scenario.entries())


@pytest.mark.parametrize("folder", FOLDERS, ids=_name)
def test_expected_has_its_keys(folder: Path) -> None:
    said = _said(folder)
    assert set(said) <= {"title", "host", "expect", "near"}
    assert said["title"]
    assert said["host"]
    for part in ("expect", "near"):
        for row in said.get(part) or ():
            if "correlation" not in row:
                wanted = {"source", "line", "rules"} | ({"why"} if part == "near" else set())
                assert set(row) == wanted, row
                assert row["rules"], row


@pytest.mark.parametrize("folder", FOLDERS, ids=_name)
def test_every_place_that_is_named_is_where_an_entry_begins(folder: Path) -> None:
    named = {
        (f"{of.name}/{row['source']}", row["line"])
        for of, _, row in _rows()
        if of == folder and "correlation" not in row
    }
    assert named - _places(folder.name) == set()


def test_no_place_is_named_twice() -> None:
    rows = [
        (f.name, part, r["source"], r["line"], r.get("why"))
        for f, part, r in _rows()
        if "correlation" not in r
    ]
    assert [row for row, count in Counter(rows).items() if count > 1] == []


def test_no_entry_is_both_a_match_and_a_near_miss_of_a_rule() -> None:
    for scenario in _read().values():
        for rule, near in scenario.near.items():
            assert near & scenario.expect.get(rule, set()) == set()


# A base rule that stays silent is tried through its correlation.
TRIED = [rule for rule in RULES if rule.output and not rule.correlation]


@pytest.mark.parametrize("rule", TRIED, ids=lambda r: r.name)
def test_every_rule_has_three_positives_and_three_near_misses(rule: Any) -> None:
    positives = sum(len(s.expect.get(rule.id, ())) for s in _read().values())
    near = sum(len(s.near.get(rule.id, ())) for s in _read().values())
    assert positives >= 3
    assert near >= 3


@pytest.mark.parametrize("folder", FOLDERS, ids=_name)
def test_the_matcher_finds_what_is_expected_and_nothing_else(folder: Path) -> None:
    scenario = _read()[folder.name]
    found: dict[str, set[tuple[str, int]]] = {}
    for match in MATCHER.scan(scenario.entries()):
        if len(match.entries) == 1 and not match.rule.correlation:
            found.setdefault(match.rule.id, set()).add(scenario.place(match.entries[0]))
    assert found == scenario.expect


def test_near_misses_are_read_by_the_rule_that_they_almost_match() -> None:
    """A near miss of another log source would prove nothing."""
    from hafnium.taxonomy import shape_of, views

    by_id = {rule.id: rule for rule in RULES}
    for scenario in _read().values():
        entries = {scenario.place(e): e for e in scenario.entries()}
        for rule, places in scenario.near.items():
            for place in places:
                entry = entries[place]
                serving = [
                    view
                    for view in views(shape_of(entry))
                    if by_id[rule].logsource.covers(view.logsource) and view.of(entry)
                ]
                assert serving, (by_id[rule].name, scenario.name, place)


@pytest.mark.parametrize("log", [p for p in LOGS if "HttpProxy_" in p.name], ids=_name)
def test_httpproxy_rows_have_the_columns_of_their_header(log: Path) -> None:
    lines = log.read_text(encoding="utf-8").splitlines()
    header = next(line for line in lines if line.startswith("#Fields: "))
    names = header.removeprefix("#Fields: ").split(",")
    assert len(names) in (64, 74)
    assert len(set(names)) == len(names)
    rows = [line for line in lines if line[0] not in "#D"]
    assert rows
    for row in csv.reader(rows):
        assert len(row) == len(names)


@pytest.mark.parametrize("log", [p for p in LOGS if p.name.startswith("u_ex")], ids=_name)
def test_w3c_rows_have_the_columns_of_their_header(log: Path) -> None:
    columns = 0
    for line in log.read_text(encoding="utf-8").splitlines():
        if line.startswith("#Fields: "):
            columns = len(line.split()) - 1
        elif not line.startswith("#"):
            assert len(line.split(" ")) == columns


@pytest.mark.parametrize("log", LOGS, ids=_name)
def test_logs_are_in_order_of_time(log: Path) -> None:
    scenario = _read()[log.relative_to(SAMPLES).parts[0]]
    times = [e.time for e in scenario.entries() if e.source == str(log) and e.time]
    assert times
    assert times == sorted(times)


@pytest.mark.parametrize("log", LOGS, ids=_name)
def test_only_documentation_addresses_and_hosts_stand_in_the_logs(log: Path) -> None:
    lines = log.read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.startswith("#"))  # headers hold versions
    text = text.replace("2.5.5.12", "")  # the syntax of a directory attribute
    addresses = {ip for ip in IPV4.findall(text) if all(int(n) < 256 for n in ip.split("."))}
    strange = {ip for ip in addresses if not any(ip_address(ip) in net for net in DOCUMENTATION)}
    assert strange == set()
    hosts = {host for host in URL_HOST.findall(text) if not KNOWN_HOSTS.search(host)}
    assert hosts == set()


@pytest.mark.parametrize("log", LOGS, ids=_name)
def test_no_line_is_bait_for_antivirus(log: Path) -> None:
    assert BAIT.search(log.read_text(encoding="utf-8")) is None


@pytest.mark.parametrize("log", [p for p in LOGS if "json" in p.suffix], ids=_name)
def test_json_logs_hold_one_object_a_line(log: Path) -> None:
    for line in log.read_text(encoding="utf-8").splitlines():
        assert isinstance(json.loads(line), dict)

"""Ordinary days of six servers: no rule may cry at medium or above, in no engine.

The days come from the seeded generator in ``benchmarks/traffic``. ``HAFNIUM_DAYS`` (entries
for each day) and ``HAFNIUM_DAYS_SEED`` make them longer or others: ``make days N=100000``.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from hafnium.engines import REFERENCE, engine_names
from hafnium.entries import Entry
from hafnium.errors import ReadError
from hafnium.loading import load_rules
from hafnium.matcher import Match, Matcher
from hafnium.readers import read
from hafnium.rule import LEVELS
from hafnium.samples import scenarios
from hafnium.taxonomy import Shape, shape_of, views
from hafnium.verify import verify
from traffic import KINDS, SITES, day, write

RULES = load_rules([Path(__file__).parent.parent / "rules"]).rules
SIZE = int(os.environ.get("HAFNIUM_DAYS", "2500"))
SEED = int(os.environ.get("HAFNIUM_DAYS_SEED", "1"))
MEDIUM = LEVELS.index("medium")
DAYS = [(kind, site) for kind in KINDS for site in SITES]


@dataclass(frozen=True)
class Declared:
    """A hit that an ordinary day may bring, because nothing in the log tells it from an attack."""

    rule: str
    has: str
    """Stands in one of the event's fields; empty for a correlation."""
    why: str


DECLARED = (
    Declared(
        "proc_creation_win_psexec_started",
        "psexec",
        "an administrator runs a command on a member server, from the mail server",
    ),
    Declared(
        "win_exchange_virtual_directory_removed_and_recreated",
        "MSExchangeECPAppPool",
        "an administrator resets the directory in the control panel, as the exploit does",
    ),
    Declared(
        "file_delete_win_exchange_iis_logs",
        "u_ex2103",
        "a job deletes old logs through cmd.exe; the event knows neither the job nor the age",
    ),
    Declared(
        "proc_creation_win_exchange_iis_logs_deleted",
        "u_ex2103",
        "a job deletes old logs through cmd.exe, and the event has no parent",
    ),
)


def _problem(error: ReadError) -> None:
    raise AssertionError(str(error))


def _entries(kind: str, site: str, folder: Path, size: int = SIZE) -> Iterator[Entry]:
    write(day(kind, SITES[site], SEED, size), folder / SITES[site].host)
    yield from read([folder], problem=_problem, notice=pytest.fail)


def _declared(match: Match) -> Declared | None:
    values = [str(value) for entry in match.entries for value in entry.fields.values()]
    for one in DECLARED:
        if one.rule == match.rule.path.stem and any(one.has in value for value in values):
            return one
    return None


@pytest.mark.parametrize(("kind", "site"), DAYS)
def test_no_rule_cries_on_an_ordinary_day(kind: str, site: str, tmp_path: Path) -> None:
    entries = list(_entries(kind, site, tmp_path))
    assert len(entries) >= SIZE
    cries, allowed = [], 0
    for match in Matcher(RULES).scan(entries):
        if LEVELS.index(match.rule.level) < MEDIUM:
            continue
        if _declared(match):
            allowed += 1
            continue
        where = [f"{Path(e.source).relative_to(tmp_path)}:{e.position}" for e in match.entries]
        cries.append((match.rule.path.stem, where, [dict(e.fields) for e in match.entries]))
    assert cries == []
    assert allowed * 300 <= len(entries), "a declared hit must stay rare"


@cache
def _day(kind: str, site: str, seed: int) -> dict[str, str]:
    return dict(day(kind, SITES[site], seed, 600))


@pytest.mark.parametrize(("kind", "site"), DAYS)
def test_a_seed_makes_the_same_day_again_and_another_seed_another(kind: str, site: str) -> None:
    assert _day(kind, site, 5) == dict(day(kind, SITES[site], 5, 600))
    assert _day(kind, site, 5) != dict(day(kind, SITES[site], 6, 600))


def test_every_rule_had_something_to_be_silent_about(tmp_path: Path) -> None:
    """For each log source that rules read, the days hold entries, so silence says something."""
    shapes: Counter[Shape] = Counter()
    for kind in KINDS:
        shapes.update(map(shape_of, _entries(kind, "small", tmp_path / kind, 2000)))
    offered: Counter[str] = Counter()
    for shape, count in shapes.items():
        for view in views(shape):
            for rule in RULES:
                offered[rule.id] += count * rule.logsource.covers(view.logsource)
    silent = [rule.path.stem for rule in RULES if not rule.correlation and offered[rule.id] < 3]
    assert silent == []


def test_all_engines_say_the_same_of_a_slice_of_every_day(tmp_path: Path) -> None:
    sites = dict(zip(KINDS, ("balanced", "german", "old", "french"), strict=True))
    for kind, site in sites.items():
        folder = tmp_path / kind
        write(day(kind, SITES[site], SEED, 2000), folder)
        for file in folder.rglob("*.*"):
            _thin(file, 14)
        said = f"title: {kind}\nhost: {SITES[site].host}\n"
        (folder / "expected.yml").write_text(said, encoding="utf-8")
    report = verify(RULES, list(scenarios(tmp_path, RULES)), engine_names())
    assert [str(d) for d in report.differences if d.engine != REFERENCE] == []
    counts = {cell.positives + cell.near + cell.others for cell in report.cells.values()}
    assert min(counts) > 500


def _thin(file: Path, keep: int) -> None:
    """Keep the header of a log and each ``keep``-th entry; an event may go over lines."""
    head, *entries = re.split(r"^(?=<Event |{|20\d\d-)", file.read_text("utf-8"), flags=re.M)
    file.write_text("".join((head, *entries[::keep])), encoding="utf-8")

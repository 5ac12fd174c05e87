"""Ordinary days of six servers: no rule may cry at medium or above.

The days come from the seeded generator in ``benchmarks/traffic``. ``HAFNIUM_DAYS`` (entries
for each day) and ``HAFNIUM_DAYS_SEED`` make them longer or others: ``make days N=100000``.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from hafnium.entries import Entry
from hafnium.errors import ReadError
from hafnium.loading import load_rules
from hafnium.matcher import Match, Matcher
from hafnium.readers import read
from hafnium.rule import LEVELS
from hafnium.samples import scenarios
from hafnium.taxonomy import Shape, shape_of, views
from traffic import KINDS, SITES, day, write
from traffic.slices import slices

ROOT = Path(__file__).parent.parent
RULES = load_rules([ROOT / "rules"]).rules
MATCHER = Matcher(RULES)
SAMPLES = ROOT / "samples"
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
        "win_exchange_virtual_directory_removed_and_recreated",
        "MSExchangeECPAppPool",
        "an administrator resets the directory in the control panel, as the exploit does",
    ),
    *(
        Declared(
            rule, "PSEXESVC", "an administrator runs PsExec against the server, as intruders do"
        )
        for rule in (
            "file_event_win_psexec_service_program",
            "proc_creation_win_psexec_service",
            "win_security_admin_share_remote_execution",
            "win_system_remote_execution_service",
        )
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
    for match in MATCHER.scan(entries):
        if LEVELS.index(match.rule.level) < MEDIUM:
            continue
        if _declared(match):
            allowed += 1
            continue
        where = [f"{Path(e.source).relative_to(tmp_path)}:{e.position}" for e in match.entries]
        cries.append((match.rule.path.stem, where, [dict(e.fields) for e in match.entries]))
    assert cries == []
    assert allowed <= max(12, len(entries) // 1000), "a declared hit must stay rare"


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


def test_the_slices_in_the_samples_are_what_the_generator_writes() -> None:
    """All engines run over them in ``hafnium test``; renewed by ``python -m traffic.slices``."""
    for name, text in slices().items():
        assert (SAMPLES / name).read_bytes() == text.encode(), name
    there = [p for p in SAMPLES.glob("ordinary-*/*/**/*") if p.is_file()]
    made = {SAMPLES / name for name in slices()}
    assert [p for p in there if p not in made and "ordinary-day" not in p.parts] == []


def test_the_slices_bring_nothing_above_low_that_is_not_declared() -> None:
    for scenario in scenarios(SAMPLES, RULES):
        if scenario.name in {f"ordinary-{kind}" for kind in KINDS}:
            found = [rule for rule in RULES if rule.id in scenario.expect]
            cries = {r.path.stem for r in found if LEVELS.index(r.level) >= MEDIUM}
            assert cries <= {one.rule for one in DECLARED}, scenario.name

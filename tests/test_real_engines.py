"""Real engines behind the interface: run like the others, skipped by name, never silent."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from hafnium import engines, verify
from hafnium.cli.test import matrix, not_run
from hafnium.errors import EngineError, Refused, UsageError
from hafnium.junit import junit
from hafnium.rule import Rule
from hafnium.samples import Scenario, scenarios
from hafnium.siem import Backend, Query, RealEngine, Record, Replay, backends
from hafnium.site import Site
from hafnium.verify import Report

LOG = """\
#Software: Microsoft Internet Information Services 10.0
#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port sc-status
2021-03-03 06:49:57 198.51.100.5 GET /a - 443 200
2021-03-03 06:49:58 198.51.100.5 POST /a - 443 200
"""


@dataclasses.dataclass
class Pretended:
    """A real engine that hands on to the light one, and misbehaves as it is told."""

    siem: Backend
    name: str = "pretended"
    title: str = "Pretended"
    executes: bool = True
    absent: str | None = None
    declines: str | None = None
    rejects: str | None = None
    blind: bool = False
    site: Site = dataclasses.field(default_factory=Site)

    def missing(self) -> str | None:
        return self.absent

    def refuses(self, query: Query) -> str | None:
        return self.declines

    def replay(self, records: Sequence[Record]) -> Replay:
        light = self.siem.replay(records)
        outer = self

        class Loaded:
            def search(self, query: Query) -> Sequence[tuple[int, ...]]:
                if outer.rejects:
                    raise EngineError(outer.rejects)
                return () if outer.blind else light.search(query)

        return Loaded()


Pretend = Callable[..., Report]


@pytest.fixture
def pretend(rule: Callable[..., Rule], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pretend:
    """Verify one rule on one scenario in a real engine that behaves as told."""
    folder = tmp_path / "samples" / "one"
    folder.mkdir(parents=True)
    (folder / "u_ex.log").write_text(LOG)
    made = rule("s: {cs-method: POST}\ncondition: s")
    expected = f"expect:\n  - {{source: u_ex.log, line: 4, rules: [{made.id}]}}\n"
    (folder / "expected.yml").write_text(f"title: One\nhost: mail01\n{expected}")
    found: list[Scenario] = list(scenarios(folder.parent, [made]))

    def run(**behaviour: Any) -> Report:
        siem = next(iter(backends().values()))
        engine: RealEngine = Pretended(siem, **behaviour)
        monkeypatch.setattr(engines, "real_engines", lambda: {engine.name: (siem, engine)})
        return verify.verify([made], found, ["sigma", engine.name])

    return run


def test_a_real_engine_is_held_against_the_matcher(pretend: Pretend) -> None:
    assert pretend().differences == []
    (difference,) = pretend(blind=True).differences
    assert (difference.engine, difference.kind) == ("pretended", "missing")


def test_one_that_is_missing_is_skipped_by_name(pretend: Pretend) -> None:
    report = pretend(absent="is not there", rejects="is never asked")
    assert report.differences == []
    assert report.engines == ["sigma"]
    assert report.skipped == {"pretended": "is not there"}
    assert 'skipped message="is not there"' in junit(report)


def test_one_that_rejects_a_query_fails(pretend: Pretend) -> None:
    (missing, broken) = sorted(pretend(rejects="no such word").differences, key=lambda d: d.kind)[
        ::-1
    ]
    assert (missing.kind, broken.kind, broken.detail) == ("missing", "broken", "no such word")


def test_what_it_cannot_take_is_named_and_is_no_difference(pretend: Pretend) -> None:
    report = pretend(declines="has no word for it")
    assert report.differences == []
    (line,) = not_run(report)
    assert line.startswith("pretended: ")
    assert line.endswith("has no word for it")
    assert matrix(report).splitlines()[1].endswith("not run")


def test_one_that_only_reads_queries_is_not_compared(pretend: Pretend) -> None:
    report = pretend(executes=False, blind=True)
    assert report.differences == []
    assert matrix(report).splitlines()[1].endswith("read")
    (broken,) = pretend(executes=False, rejects="no such word").differences
    assert (broken.kind, broken.detail) == ("broken", "no such word")


def test_hunting_names_what_cannot_be_run(
    rule: Callable[..., Rule], monkeypatch: pytest.MonkeyPatch
) -> None:
    siem = next(iter(backends().values()))
    reader = Pretended(siem, executes=False)
    monkeypatch.setattr(engines, "real_engines", lambda: {reader.name: (siem, reader)})
    made = rule("s: {cs-method: POST}\ncondition: s")
    with pytest.raises(UsageError, match="does not run them"):
        list(engines.matches(reader.name, [made], [], [], []))
    reader.executes, reader.declines = True, "has no word for it"
    refused: list[Refused] = []
    assert list(engines.matches(reader.name, [made], [], refused, [])) == []
    assert [error.reason for error in refused] == ["has no word for it"]
    with pytest.raises(UsageError, match=r"known: sigma, .*pretended"):
        engines.missing("arcsight")


def test_every_engine_has_a_name_of_its_own() -> None:
    names = [
        *engines.engine_names(),
        *(real.name for s in backends().values() for real in s.engines),
    ]
    assert len(names) == len(set(names))

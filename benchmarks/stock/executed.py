"""Stock queries and ours, executed on the same records in the same engines.

A case is a rule with entries and what the rule finds among them. For every way in that the
entries are recorded by, the stock backend converts the rule with our pipeline for that way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hafnium.engines import Engine
from hafnium.entries import Entry
from hafnium.errors import EngineError, Refused
from hafnium.matcher import Matcher
from hafnium.rule import Rule
from hafnium.siem import Backend, Query, Record
from hafnium.site import Site

from .converter import convert_with

VERDICTS = ("right", "not run", "refused", "rejected", "wrong")
"""``rejected``: the language does not accept the text. ``not run``: it may, but the engine at hand
does not know how to run it. A rule has the worst of its ways."""

_UNKNOWN = ("not supported", "nested too deeply", "lone backslash")
"""What an engine says of text that it does not know and does not hold against the language."""


@dataclass(frozen=True)
class Case:
    """``rules``: one detection rule, or base rules and their correlation."""

    name: str
    rules: Sequence[Rule]
    entries: Sequence[Entry]

    @property
    def rule(self) -> Rule:
        return self.rules[-1]


def ours(backend: Backend, case: Case) -> str:
    """The verdict on our query, by the usual way in."""
    refused: list[Refused] = []
    engine = Engine(backend, case.rules, refused)
    if refused:
        return "refused"
    matcher = Matcher(case.rules)
    wanted = {_places(m.entries) for m in matcher.scan(case.entries) if m.rule is case.rule}
    found = {_places(m.entries) for m in engine.scan(case.entries) if m.rule is case.rule}
    return "rejected" if engine.broken else "right" if found == wanted else "wrong"


def stock(backend: Backend, case: Case, pipelines: Path) -> str:
    """The verdict on the stock backend's query; ways in that no pipeline reaches do not count,
    unless there is no other."""
    try:
        sources = backend.compile(case.rule, Site()).sources
    except Refused:
        sources = ()
    said = [
        _stock(backend, case, pipelines, recorded)
        for path, recorded in _ways(backend, case.entries).items()
        if (path in sources or not sources) and (pipelines / f"{path}.yml").exists()
    ]
    return max(said or ["refused"], key=VERDICTS.index)


def _stock(
    backend: Backend, case: Case, pipelines: Path, recorded: Sequence[tuple[Record, Entry]]
) -> str:
    record = recorded[0][0]
    files = sorted(pipelines.glob(f"{record.path}.yml")) + sorted(
        pipelines.glob(f"{record.path}-[0-9].yml")
    )
    replay = backend.replay([record for record, _ in recorded])
    hits: set[tuple[int, ...]] = set()
    for file in files:
        try:
            language, text = convert_with(backend.name, case.rules, file)
        except Exception:  # whatever it raises, the rule was refused
            return "refused"
        if language == "kql":
            text = f"{record.store}\n| where {text}"
        try:
            hits |= set(
                replay.search(Query(case.rule, backend.name, language, text, (record.path,)))
            )
        except EngineError as error:
            return "not run" if any(u in error.reason for u in _UNKNOWN) else "rejected"
    if case.rule.correlation:
        return _correlated(case, recorded, sorted(hits))
    wanted = {
        index
        for index, (record, entry) in enumerate(recorded)
        if any(True for _ in Matcher(case.rules).detect(entry, record.lost))
    }
    return "right" if {index for hit in hits for index in hit} == wanted else "wrong"


def _correlated(
    case: Case, recorded: Sequence[tuple[Record, Entry]], hits: Sequence[tuple[int, ...]]
) -> str:
    """Right when a hit lies in every finding of the matcher, and none outside."""
    episodes = [
        {entry.position for entry in match.entries}
        for match in Matcher(case.rules).scan([entry for _, entry in recorded])
        if match.rule.correlation
    ]
    found = [{recorded[index][1].position for index in hit} for hit in hits]
    inside = all(any(hit <= episode for episode in episodes) for hit in found)
    return "right" if inside and all(any(h <= e for h in found) for e in episodes) else "wrong"


def _ways(
    backend: Backend, entries: Sequence[Entry]
) -> Mapping[str, Sequence[tuple[Record, Entry]]]:
    """The records by the way they came in, with the entries that they are of."""
    by_path: dict[str, list[tuple[Record, Entry]]] = {}
    for entry in entries:
        for record in backend.record(entry):
            by_path.setdefault(record.path, []).append((record, entry))
    return by_path


def _places(entries: Sequence[Entry]) -> frozenset[tuple[str, int]]:
    return frozenset((entry.source, entry.position) for entry in entries)

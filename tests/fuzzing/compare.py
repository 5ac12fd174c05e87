"""One generated rule over its entries in every engine, held against the matcher."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from hafnium.engines import Engine, ways
from hafnium.engines import engine as engine_of
from hafnium.entries import Entry
from hafnium.errors import Refused
from hafnium.loading import load_rules
from hafnium.matcher import Match, Matcher
from hafnium.rule import Rule

seen: Counter[str] = Counter()
"""How many comparisons were made, and how many rules each target refused, so that a run can
show that it was not empty."""


def load(documents: Sequence[dict[str, Any]]) -> Sequence[Rule]:
    """The rules, or none when Sigma itself does not allow one of them."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "rule.yml")
        file.write_text("\n---\n".join(map(json.dumps, documents)), encoding="utf-8")
        loaded = load_rules([file])
    return () if loaded.errors else loaded.rules


def differences(
    document: dict[str, Any], entries: Sequence[Entry], targets: Sequence[str]
) -> list[str]:
    """What differs between the targets' engines and the matcher; empty when all agree."""
    rules = load([document])
    if not rules:
        seen["invalid"] += 1
        return []
    (rule,) = rules
    matcher = Matcher([rule])
    if matcher.refused:
        return []
    seen["rules"] += 1
    found: list[str] = []
    for name in targets:
        refused: list[Refused] = []
        engine = engine_of(name, [rule], refused)
        if refused or engine.declined:
            seen[f"refused by {name}"] += 1
            continue
        for way in range(ways(engine.backend, entries)):
            found += _way(matcher, engine, entries, way)
    return found


def correlated(
    documents: Sequence[dict[str, Any]], entries: Sequence[Entry], targets: Sequence[str]
) -> list[str]:
    """What differs between the targets' findings of a correlation and the matcher's."""
    rules = load(documents)
    assert rules, documents
    seen["correlations"] += 1
    wanted = _episodes(Matcher(rules).scan(entries))
    seen["episodes"] += len(wanted)
    found = []
    for name in targets:
        refused: list[Refused] = []
        engine = engine_of(name, rules, refused)
        if refused or engine.declined:
            seen[f"correlations refused by {name}"] += 1
            continue
        got = _episodes(engine.scan(entries))
        found += [f"{name}: {error}" for error in engine.broken.values()]
        if got != wanted and not engine.broken:
            text = engine.correlations[0].text
            found.append(f"{name}: {sorted(got)} instead of {sorted(wanted)}\n{text}")
    return found


def _episodes(matches: Iterable[Match]) -> set[tuple[int, ...]]:
    return {
        tuple(entry.position for entry in match.entries)
        for match in matches
        if match.rule.correlation
    }


def _way(matcher: Matcher, engine: Engine, entries: Sequence[Entry], way: int) -> list[str]:
    (query,) = engine.queries
    wanted: set[int] = set()
    for entry in entries:
        recorded = engine.backend.record(entry)
        if way >= len(recorded) or (way and recorded[way].path not in query.sources):
            continue
        seen["comparisons"] += 1
        if list(matcher.detect(entry, recorded[way].lost)):
            seen["matches"] += 1
            wanted.add(entry.position)
    got = {match.entries[0].position for match in engine.detect(entries, way)}
    label = f"{engine.name}/{way}"
    lines = [f"{label}: {error}" for error in engine.broken.values()]
    for kind, positions in (("missing", wanted - got), ("unexpected", got - wanted)):
        for entry in entries:
            if entry.position in positions and not lines:
                lines.append(f"{label}: {kind}: {dict(entry.fields)}\n{query.text}")
    return lines

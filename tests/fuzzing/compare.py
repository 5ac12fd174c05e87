"""One generated rule over its entries in every engine, held against the matcher."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hafnium.engines import Engine, ways
from hafnium.entries import Entry
from hafnium.errors import Refused
from hafnium.loading import load_rules
from hafnium.matcher import Matcher
from hafnium.rule import Rule
from hafnium.siem import backends

seen: Counter[str] = Counter()
"""How many comparisons were made, and how many rules each target refused, so that a run can
show that it was not empty."""


def load(document: dict[str, Any]) -> Rule | None:
    """The rule, or None when Sigma itself does not allow it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "rule.yml")
        file.write_text(json.dumps(document), encoding="utf-8")
        loaded = load_rules([file])
    return loaded.rules[0] if loaded.rules else None


def differences(
    document: dict[str, Any], entries: Sequence[Entry], targets: Sequence[str]
) -> list[str]:
    """What differs between the targets' engines and the matcher; empty when all agree."""
    rule = load(document)
    if rule is None:
        seen["invalid"] += 1
        return []
    matcher = Matcher([rule])
    if matcher.refused:
        return []
    seen["rules"] += 1
    found: list[str] = []
    for name in targets:
        backend = backends()[name]
        refused: list[Refused] = []
        engine = Engine(backend, [rule], refused)
        if refused:
            seen[f"refused by {name}"] += 1
            continue
        for way in range(ways(backend, entries)):
            found += _way(matcher, engine, entries, way)
    return found


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
    label = f"{engine.backend.name}/{way}"
    lines = [f"{label}: {error}" for error in engine.broken.values()]
    for kind, positions in (("missing", wanted - got), ("unexpected", got - wanted)):
        for entry in entries:
            if entry.position in positions and not lines:
                lines.append(f"{label}: {kind}: {dict(entry.fields)}\n{query.text}")
    return lines

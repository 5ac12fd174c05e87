"""Traps as rules and entries."""

from __future__ import annotations

import functools
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from fuzzing.events import make_entry
from fuzzing.rules import GROUNDS
from hafnium.entries import Entry
from hafnium.loading import load_rules
from hafnium.rule import Rule


@dataclass(frozen=True)
class Trap:
    """``wanted`` are the sets of positions that the rule finds. ``refused``: target → reason."""

    id: str
    title: str
    rules: Sequence[Rule]
    entries: Sequence[Entry]
    wanted: frozenset[frozenset[int]]
    refused: Mapping[str, str]

    @property
    def name(self) -> str:
        return f"{self.id} {self.title}"


@functools.cache
def traps() -> list[Trap]:
    """All traps, in the order of their numbers."""
    said = yaml.safe_load(Path(__file__).with_name("traps.yml").read_text(encoding="utf-8"))
    return [_trap(row) for row in said]


def _trap(said: Mapping[str, Any]) -> Trap:
    documents = list(_documents(said))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "trap.yml")
        file.write_text("\n---\n".join(map(json.dumps, documents)), encoding="utf-8")
        loaded = load_rules([file])
    assert not loaded.errors, (said["id"], loaded.errors)
    entries, wanted = [], set()
    for position, event in enumerate(said["events"], 1):
        fields = {k: v for k, v in event.items() if k not in ("match", "at")}
        entries.append(make_entry(said["ground"], fields, position, event.get("at", 0)))
        if event.get("match"):
            wanted.add(frozenset((position,)))
    wanted |= {frozenset(episode) for episode in said.get("episodes", ())}
    return Trap(
        said["id"],
        said["title"],
        loaded.rules,
        entries,
        frozenset(wanted),
        said.get("refused", {}),
    )


def _documents(said: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
    common = {"logsource": GROUNDS[said["ground"]].logsource}
    if "correlation" in said:
        base = [
            {**common, "title": f"Base {name}", "name": name, "detection": detection}
            for name, detection in said["rules"].items()
        ]
        return [*base, {"title": said["title"], "correlation": said["correlation"]}]
    if "long" in said:
        values = [f"word-{n}-x" for n in range(said["long"]["count"])]
        detection = {"s": {said["long"]["field"]: values}, "condition": "s"}
    else:
        detection = said["detection"]
    return [{**common, "title": said["title"], "detection": detection}]

"""Hunting in raw logs: read, match, put in order, print.

Matches are sorted by source and position, so that two engines that find the same print the
same, byte for byte.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hafnium import __version__
from hafnium.engines import event_of, matches
from hafnium.entries import Entry
from hafnium.errors import EngineError, ReadError, Refused
from hafnium.matcher import Match
from hafnium.readers import read
from hafnium.rule import LEVELS, Rule

FORMATS = ("table", "jsonl", "csv")


@dataclass
class Hunt:
    """What a hunt found, what it could not read, what it could not run."""

    matches: list[Match] = field(default_factory=list)
    unread: list[ReadError] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    broken: list[EngineError] = field(default_factory=list)
    entries: int = 0


def hunt(
    paths: Sequence[Path],
    rules: Sequence[Rule],
    *,
    engine: str = "sigma",
    level: str = LEVELS[0],
    host: str | None = None,
    notice: Callable[[str], None] = lambda text: None,
    step: Callable[[Entry], None] = lambda entry: None,
) -> Hunt:
    """Run the rules of at least ``level`` over the logs. ``step`` sees every entry read."""
    least = LEVELS.index(level)
    wanted = {rule.id for rule in rules if LEVELS.index(rule.level) >= least}
    needed = [r for r in rules if r.id in wanted or not r.output or _serves(r, rules, wanted)]
    result = Hunt()

    def counted() -> Iterable[Entry]:
        for entry in read(paths, host=host, problem=result.unread.append, notice=notice):
            result.entries += 1
            step(entry)
            yield entry

    found = matches(engine, needed, counted(), result.refused, result.broken)
    result.matches = sorted((m for m in found if m.rule.id in wanted), key=_order)
    return result


def _serves(rule: Rule, rules: Sequence[Rule], wanted: set[str]) -> bool:
    """Is the rule counted by a correlation that is wanted?"""
    return any(rule.id == ref.id for r in rules if r.id in wanted for ref in r.references)


def _order(match: Match) -> tuple[str, int, bool, str, int]:
    first = min(match.entries, key=lambda e: (e.source, e.position))
    correlated = match.event is None
    return first.source, first.position, correlated, match.rule.id, len(match.entries)


def as_object(match: Match) -> dict[str, Any]:
    """The match as ``--format jsonl`` prints it."""
    rule, entry = match.rule, match.entries[0]
    common: dict[str, Any] = {
        "rule_id": rule.id,
        "rule_title": rule.title,
        "level": rule.level,
        "time": entry.time.isoformat().replace("+00:00", "Z") if entry.time else None,
        "source": entry.source,
    }
    if rule.correlation:
        places = [{"source": e.source, "position": e.position} for e in match.entries]
        return {**common, "positions": places, "event": {}}
    event = match.event or event_of(rule, entry)
    fields = event.fields if event else entry.fields
    shown = {k: v if isinstance(v, str) else list(v) for k, v in fields.items()}
    return {**common, "position": entry.position, "event": shown}


def render(found: Sequence[Match], form: str) -> str:
    """The matches as text in one of `FORMATS`."""
    if form == "jsonl":
        lines = (json.dumps(as_object(m), ensure_ascii=False) for m in found)
        return "".join(f"{line}\n" for line in lines)
    if form == "csv":
        return _csv(found)
    return _table(found)


def _csv(found: Sequence[Match]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["time", "level", "rule_title", "rule_id", "host", "source", "position"])
    for match in found:
        row, entry = as_object(match), match.entries[0]
        positions = row.get("position") or " ".join(
            f"{p['source']}:{p['position']}" for p in row["positions"]
        )
        cells = [row["time"] or "", row["level"], row["rule_title"], row["rule_id"]]
        writer.writerow([_inert(str(c)) for c in (*cells, entry.host, entry.source, positions)])
    return out.getvalue()


def _inert(cell: str) -> str:
    """A spreadsheet runs a cell that begins like a formula; a log's words must not run."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def _table(found: Sequence[Match]) -> str:
    """The timeline: by time, one line a match."""
    rows = [("TIME (UTC)", "LEVEL", "HOST", "RULE", "WHERE")]
    timed = sorted(found, key=lambda m: (m.entries[0].time is None, m.entries[0].time or 0, 0))
    for match in timed:
        entry = match.entries[0]
        time = entry.time.strftime("%Y-%m-%d %H:%M:%S") if entry.time else "?"
        where = f"{entry.source}:{entry.position}"
        if len(match.entries) > 1:
            where += f" and {len(match.entries) - 1} more"
        rows.append((time, match.rule.level, entry.host, match.rule.title, where))
    rows = [tuple(_printable(cell) for cell in row) for row in rows]  # type: ignore[misc]
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    lines = [
        "  ".join([*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[4]])
        for row in rows
    ]
    return "\n".join(lines) + "\n" if found else "no match\n"


def _printable(cell: str) -> str:
    """No control character of a log reaches the terminal."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in cell)


def summary(result: Hunt, rules: Sequence[Rule]) -> str:
    """One line for standard error."""
    hits = len(result.matches)
    return (
        f"hafnium {__version__}: {result.entries} entries, {len(rules)} rules, "
        f"{hits} match{'' if hits == 1 else 'es'}"
    )

"""Timing of pairs: both sides in turn, again and again, the best time of each.

The best of several runs is what the query needs; the rest of a time is what else the machine did.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from typing import Any

from hafnium.errors import EngineError

from .engines import Measured
from .queries import Pair, Text

MOST_SECONDS = 2.5
"""For a rule, after two runs of each side."""
Row = dict[str, Any]
"""``rule``; ``ours``, ``stock``: milliseconds; ``found``: rows of each; ``why``: what lacks."""


def measured(engine: Measured, pairs: Iterable[Pair], runs: int) -> list[Row]:
    """A row for each pair."""
    return [_row(engine, pair, runs) for pair in pairs]


def _row(engine: Measured, pair: Pair, runs: int) -> Row:
    row: Row = {"rule": pair.name, "why": pair.why, "found": {}}
    best: dict[str, float] = {}
    spent, sides = 0.0, {"ours": pair.ours, "stock": pair.stock}
    for turn in range(runs if pair.stock else 2):
        for side in ("ours", "stock") if turn % 2 else ("stock", "ours"):
            if not sides[side]:
                continue
            try:
                seconds, row["found"][side] = _once(engine, sides[side])
            except EngineError as error:
                if side == "ours":
                    raise
                row["why"] = f"the engine rejects the stock query: {error.reason[:200]}"
                sides[side] = ()
                continue
            spent += seconds
            best[side] = min(best.get(side, seconds), seconds)
        if turn and spent > MOST_SECONDS:
            break
    return {**row, **{side: round(seconds * 1000, 2) for side, seconds in best.items()}}


def _once(engine: Measured, texts: Sequence[Text]) -> tuple[float, int]:
    """Seconds and rows of queries that belong together, without what prepares them."""
    seconds, rows = 0.0, 0
    for text in texts:
        engine.prepare(text)
        begun = engine.clock()
        rows += engine.run(text)
        seconds += engine.clock() - begun
    return seconds, rows


def ratio(row: Row) -> float | None:
    """Ours by stock's; None when one is lacking."""
    return row["ours"] / row["stock"] if "ours" in row and row.get("stock") else None


def median(rows: Iterable[Row]) -> float | None:
    """The median ratio; None when nothing could be compared."""
    found = [r for row in rows if (r := ratio(row)) is not None]
    return statistics.median(found) if found else None

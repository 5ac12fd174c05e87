"""Runs a search over events given as plain fields, and tells which events it returns."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from hafnium.backends.splunk.replay import SplunkReplay
from hafnium.siem import Query, Record

RULE: Any = SimpleNamespace(path=Path("rule.yml"))


def query(text: str, **macros: str) -> Query:
    return Query(RULE, "splunk", "spl", text, ("test",), context={"macros": macros})


def replay(*events: dict[str, Any]) -> SplunkReplay:
    """Events a second apart; each says so itself when it needs another ``_time``."""
    return SplunkReplay(
        [
            Record("test", "main", {"_time": float(at), "sourcetype": "t", **event})
            for at, event in enumerate(events)
        ]
    )


def hits(text: str, *events: dict[str, Any], **macros: str) -> list[int]:
    """The indexes of the events that a search returns."""
    return [event for (event,) in replay(*events).search(query(text, **macros))]


def values(expression: str, **fields: Any) -> bool | None:
    """Whether ``where`` finds an expression true, false or null."""
    if hits(f"* | where {expression}", fields):
        return True
    return False if hits(f"* | where NOT ({expression})", fields) else None


def result(expression: str, **fields: Any) -> Any:
    """What ``eval`` makes of an expression; None when the field is not set."""
    from hafnium.backends.splunk.spl.commands import compile_program
    from hafnium.backends.splunk.spl.rows import Row

    program = compile_program(f"* | eval result={expression}", {})
    (row,) = program.run([Row(fields, (0,))])
    return row.fields.get("result")


def table(text: str, *events: dict[str, Any]) -> list[dict[str, Any]]:
    """The fields of the rows that a search ends with, without the internal ones."""
    from hafnium.backends.splunk.spl.commands import compile_program
    from hafnium.backends.splunk.spl.rows import Row

    rows = [Row({"_time": float(at), **event}, (at,)) for at, event in enumerate(events)]
    found = compile_program(f"* {text}", {}).run(rows)
    return [{k: v for k, v in row.fields.items() if not k.startswith("_")} for row in found]

"""The documentation of a pack, made from the rules alone: ``hafnium build`` writes it.

* ``docs/index.md``: every rule, the gravest first, with the logs that it needs
* ``docs/rules/<rule>.md``: one page per rule, its queries included
* ``docs/coverage.md``: rule × log × SIEM, and what remains visible with some logs only
* ``docs/navigator.json``: a layer for the ATT&CK Navigator
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from hafnium.errors import Refused
from hafnium.pages.coverage import coverage_page
from hafnium.pages.index import index_page
from hafnium.pages.navigator import layer
from hafnium.pages.rulepage import rule_page
from hafnium.rule import Rule
from hafnium.siem import Query

Results = Mapping[str, Query | Refused]
"""Target → what it made of a rule."""


def pages(
    rules: Sequence[Rule], results: Mapping[str, Results], stems: Mapping[str, str]
) -> dict[str, str]:
    """All pages by their path. ``results`` and ``stems`` (file names) are by rule id."""
    shown = [rule for rule in rules if rule.output]
    out = {f"rules/{stems[rule.id]}.md": rule_page(rule, results[rule.id], stems) for rule in shown}
    out["index.md"] = index_page(shown, stems)
    out["coverage.md"] = coverage_page(shown, results)
    out["navigator.json"] = json.dumps(layer(shown), indent=2, sort_keys=True) + "\n"
    return out


def write(files: Mapping[str, str], folder: Path) -> None:
    """Write the pages below a folder."""
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="\n")

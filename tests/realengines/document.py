"""The part of docs/engines.md that one engine's run writes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hafnium.siem import Backend, RealEngine
from hafnium.verify import Report


def section(
    siem: Backend, real: RealEngine, report: Report, trapped: Sequence[tuple[str, str]]
) -> str:
    """The matrix of an engine, as Markdown. The same run gives the same text."""
    rows = [(r, report.cell(r.id, real.name)) for r in report.rules if r.output]
    run = [cell for _, cell in rows if not cell.declined]
    positives = sum(cell.positives for cell in run)
    others = sum(cell.near + cell.others for cell in run)
    wrong = sum(cell.wrong for cell in run)
    did = "executed" if real.executes else "read"
    lines = [
        f"{len(run)} of {len(rows)} {siem.title} queries {did}, {wrong} differences.",
        "",
    ]
    if real.executes:
        right = sum(said == "right" or said.startswith("refused") for _, said in trapped)
        lines[0] += f" {positives} matches, {others} times no match."
        lines += [f"Traps: {right} of {len(trapped)} right.", ""]
    lines += ["| rule | matches | near misses | other entries |", "|---|---|---|---|"]
    for rule, cell in rows:
        if cell.declined:
            lines.append(f"| {rule.name} | not run | | |")
        elif real.executes:
            lines.append(f"| {rule.name} | {cell.positives} | {cell.near} | {cell.others} |")
        else:
            lines.append(f"| {rule.name} | accepted | | |")
    notes = [f"- {rule.name}: {cell.declined}" for rule, cell in rows if cell.declined]
    notes += [f"- trap {name}: {said}" for name, said in trapped if said != "right"]
    return "\n".join([*lines, *(["", "Not run, refused, or wrong:", "", *notes] if notes else [])])


def with_section(text: str, real: RealEngine, new: str) -> str:
    """The document with the part between an engine's two marks renewed, or added at the end."""
    begin, end = f"<!-- {real.name}: begin -->", f"<!-- {real.name}: end -->"
    if begin not in text:
        text = f"{text.rstrip()}\n\n## {real.title}\n\n{begin}\n{end}\n"
    marks = f"{re.escape(begin)}.*{re.escape(end)}"
    return re.sub(marks, lambda _: f"{begin}\n{new}\n{end}", text, flags=re.DOTALL)

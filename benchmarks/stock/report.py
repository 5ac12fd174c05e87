"""The results of the side-by-side run as ``docs/stock.md`` and the table in README.md."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hafnium.siem import backends

RESULTS = Path(__file__).with_name("results.json")
BEGIN, END = "<!-- stock: begin -->", "<!-- stock: end -->"
Results = Mapping[str, Mapping[str, Mapping[str, str]]]

_HEAD = """\
# Stock conversion beside ours

The same rules, converted by the published pySigma backends and by this project, and executed in
the same engines on the same records. The stock backends get the field names from our pipelines
(`dist/<target>/pipelines`), so that only what a backend makes of a rule is measured. *Refused*: no
query comes out. *Rejected*: the language does not accept the text. *Wrong*: it finds something
else than the rule says. *Not run*: the engine at hand cannot tell. `make side-by-side` renews this
page.
"""


def write(said: Mapping[str, Any]) -> None:
    """Write both files below the current folder."""
    table = summary(said)
    page = [_HEAD, table, "\n## Trap by trap\n", *_traps(said["traps"])]
    file = Path("docs/stock.md")
    file.parent.mkdir(exist_ok=True)
    file.write_text("\n".join(page) + "\n", encoding="utf-8")
    readme = Path("README.md")
    text = readme.read_text(encoding="utf-8")
    marks = f"{re.escape(BEGIN)}.*{re.escape(END)}"
    text = re.sub(marks, lambda _: f"{BEGIN}\n{table}\n{END}", text, flags=re.DOTALL)
    readme.write_text(text, encoding="utf-8")


def summary(said: Mapping[str, Any]) -> str:
    """The Markdown table of all counts, a line per target and set of rules."""
    rows = [
        "| target | rules | ours: refused | rejected | wrong "
        "| stock: refused | rejected | wrong | not run |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    titles = {"traps": "the traps, executed", "pack": "this pack on its samples, executed"}
    for name, backend in backends().items():
        for part, title in titles.items():
            verdicts = [targets[name] for targets in said[part].values()]
            counts = [Counter(v[side] for v in verdicts) for side in ("ours", "stock")]
            cells = [c[kind] for c in counts for kind in ("refused", "rejected", "wrong")]
            cells.append(counts[1]["not run"])
            rows.append(_row(backend.title, f"{len(verdicts)}: {title}", cells))
        if corpus := said.get("corpus", {}).get(name):
            cells = [corpus[side][kind] for side in ("ours", "stock") for kind in _PARSED]
            total = sum(corpus["ours"].values())
            title = f"{total}: public rules, parsed only"
            rows.append(_row(backend.title, title, [*cells[:2], "", *cells[2:], "", ""]))
    return "\n".join(rows)


_PARSED = ("refused", "rejected")


def _row(target: str, rules: str, cells: list[Any]) -> str:
    return f"| {target} | {rules} | " + " | ".join(str(cell) for cell in cells) + " |"


def _traps(results: Results) -> Iterator[str]:
    names = list(backends())
    yield "| trap | " + " | ".join(f"{backends()[n].title}: ours, stock" for n in names) + " |"
    yield "|---|" + "---|" * len(names)
    for trap, targets in results.items():
        cells = [f"{targets[name]['ours']}, {targets[name]['stock']}" for name in names]
        yield f"| {trap} | " + " | ".join(cells) + " |"

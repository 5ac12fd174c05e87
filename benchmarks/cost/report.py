"""The results as ``docs/cost.md``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .timing import Row, median, ratio

RESULTS = Path(__file__).with_name("results.json")

_HEAD = """\
# What a query costs

`make cost` loads ordinary traffic of the seeded generator ({entries} entries: IIS, HttpProxy,
Sysmon, Security and the other logs of six servers; none is repeated) into an engine for each
language, and runs every query of the pack beside the stock conversion of the same rule. Both query
the same records with the same field names (our pipelines). The stock backend makes one query for
each way in where ours is one over all of them: its times are added up. Runs of both sides take
turns; the best of {runs} counts (fewer where a query takes seconds), without caches. Milliseconds
are those of one small machine; the ratio is what to compare. A stock query that means something
else than the rule is listed all the same, for it is what people pay.

- **Elasticsearch {elasticsearch}**, ES|QL on both sides (EQL cannot run there, see
  [engines.md](engines.md)), over all records, with no time range, at most 1000 rows.
- **KQL in DuckDB**: Microsoft's engine cannot be run locally. DuckDB reads columns as Kusto does
  but has no term index: what `has` saves in Kusto does not show. Each entry is stored in one table
  that stock pipelines reach, where there is one. Times are of the processor, for DuckDB runs in
  one thread of the benchmark itself.
- **Splunk** is not measured: no engine with Splunk's indexes can be run here, and a time of the
  light engine would say nothing about them.

The table is of {entries} entries; `make cost` takes a million unless told otherwise.

There is no index or table in the engines that no record fills: a query that names more of them
than a site has finds only those that it has.

What makes the difference:

- **ES|QL.** For `TO_LOWER(f) LIKE` Elasticsearch 8.19 reads the field of every event that the
  other conditions leave; `f RLIKE` with both cases of each letter spelled out is looked up in the
  index (on a million entries a query of the web rules takes 25 to 150 ms so, and 1 to 6 s with
  `TO_LOWER`). Its price is the automaton, which Elasticsearch builds twice or more for an
  expression: in the profiles of six queries a third of the time or more.
  So what several texts share is written once, an expression is cut at 250 characters (at 100
  where it begins with letters, which lead straight to the values), values without letters are
  compared as they stand, and what all alternatives ask is asked once. A NOT of alternatives is a
  NOT of each, for the index knows some of them even where another must be read from the event. A
  filter asks whether its field is there only where the condition can be true without the field.
- **KQL.** Ours is one query over all tables that may hold the event, with an expression for each
  field that a table keeps inside another column; stock conversion names one table and one column.
  Few comparisons stand before many and what is ruled out last; a text that a regular expression
  cannot match without is looked for first (`contains` is far cheaper, in Kusto, too); texts
  without letters are compared with case; and where items must be read out of XML, rows of other
  event numbers are cut before. DuckDB plans only the columns that a query reads, on both sides:
  Kusto does so itself, and the planning of all the others took most of the time before. What is
  left above 1 are mostly rules of the Security log that take a few milliseconds on either side:
  there ours plans the reading of items that a table keeps in XML when it has no column for them.
"""


def page(said: Mapping[str, Any]) -> str:
    """The whole page."""
    head = _HEAD.format(**said)
    parts = [head, *_summary(said["targets"])]
    for title, rows in said["targets"].items():
        parts += [f"\n## {title}\n", *_table(rows), *_lacking(rows)]
    return "\n".join(parts) + "\n"


def _summary(targets: Mapping[str, Sequence[Row]]) -> Iterator[str]:
    yield "| engine | median ratio ours/stock | compared | ours costs less | ours, median ms |"
    yield "|---|---|---|---|---|"
    for title, rows in targets.items():
        ratios = [r for row in rows if (r := ratio(row)) is not None]
        ours = sorted(row["ours"] for row in rows if "ours" in row)
        middle = median(rows)
        shown = "–" if middle is None else f"**{middle:.2f}**"
        less = sum(r <= 1 for r in ratios)
        ms = f"{ours[len(ours) // 2]:.0f}" if ours else "–"
        cell = title.replace("|", "\\|")
        yield f"| {cell} | {shown} | {len(ratios)} of {len(rows)} | {less} | {ms} |"


def _table(rows: Sequence[Row]) -> Iterator[str]:
    yield "| rule | ratio | ours ms | stock ms | rows ours | rows stock |"
    yield "|---|---|---|---|---|---|"
    compared = [(r, row) for row in rows if (r := ratio(row)) is not None]
    for value, row in sorted(compared, key=lambda pair: (pair[0], pair[1]["rule"])):
        found = row["found"]
        cells = [f"{value:.2f}", f"{row['ours']:.1f}", f"{row['stock']:.1f}"]
        cells += [str(found["ours"]), str(found["stock"])]
        yield f"| {row['rule']} | {' | '.join(cells)} |"


def _lacking(rows: Sequence[Row]) -> Iterator[str]:
    reasons = Counter(_kind(row["why"]) for row in rows if row["why"])
    if reasons:
        yield "\nNot compared:\n"
        yield "| rules | why |"
        yield "|---|---|"
    for why, count in sorted(reasons.items(), key=lambda item: (-item[1], item[0])):
        yield f"| {count} | {why.replace('|', chr(92) + '|')} |"


def _kind(why: str) -> str:
    """A reason without what is only this rule's."""
    said = re.sub(r"Found \d+ problems?|line -?\d+:-?\d+: ?", "", why)
    said = re.sub(r"\[[^\]]*\]?|'[^']*'", "…", said)
    return " ".join(said.split())

"""The rules as one table, the gravest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hafnium.coverage import LOGS, logs_of
from hafnium.pages.markdown import table, text
from hafnium.rule import LEVELS, Rule


def index_page(rules: Sequence[Rule], stems: Mapping[str, str]) -> str:
    """The page, with a link to each rule's own."""
    return f"# The rules\n\n{rule_table(rules, stems)}\n"


def rule_table(rules: Sequence[Rule], stems: Mapping[str, str] | None = None) -> str:
    """The table; with ``stems`` (rule id → file name), titles are links."""
    rows = []
    for rule in sorted(rules, key=lambda r: (-LEVELS.index(r.level), r.title)):
        title = text(rule.title)
        linked = f"[{title}](rules/{stems[rule.id]}.md)" if stems else title
        rows.append((linked, rule.level, logs(rule)))
    return table(("rule", "level", "logs, any of"), rows)


def logs(rule: Rule) -> str:
    """The logs in which the rule can match, with event ids where only some serve."""
    parts = []
    for log, event_ids in logs_of(rule).items():
        numbers = f" {', '.join(event_ids)}" if event_ids else ""
        parts.append(f"{text(LOGS.get(log, log))}{numbers}")
    return "; ".join(parts)

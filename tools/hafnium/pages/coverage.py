"""What is seen with which logs: rule × log × SIEM, and the steps that remain with some logs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from hafnium import attack
from hafnium.coverage import LOGS, logs_of, visible
from hafnium.errors import Refused
from hafnium.pages.markdown import table, text
from hafnium.pages.navigator import tactics
from hafnium.rule import LEVELS, Rule
from hafnium.siem import Query, backends

ALARMS = LEVELS[LEVELS.index("medium") :]
COLLECTIONS: Mapping[str, Collection[str]] = {
    "IIS only": {"w3c"},
    "IIS and HttpProxy": {"w3c", "httpproxy"},
    "Security only": {"security"},
    "IIS and Security": {"w3c", "security"},
    "IIS, HttpProxy, Security, Application, System": {
        *("w3c", "httpproxy", "security", "application", "system")
    },
    "everything but Sysmon": set(LOGS) - {"sysmon"},
    "Sysmon only": {"sysmon"},
    "Sysmon and IIS": {"sysmon", "w3c"},
    "everything": set(LOGS),
}
"""What people collect, from least to most."""


def steps(rules: Sequence[Rule], collected: Collection[str]) -> dict[str, tuple[int, int]]:
    """Tactic → rules that can match when these logs are collected, of all its rules. Rules
    below medium only help to look around, and do not count."""
    found: dict[str, tuple[int, int]] = {}
    for rule in rules:
        if rule.level not in ALARMS:
            continue
        for tactic in tactics(rule):
            seen, of = found.get(tactic, (0, 0))
            found[tactic] = (seen + visible(rule, collected), of + 1)
    order = list(attack.table()["tactics"])
    return dict(sorted(found.items(), key=lambda item: order.index(item[0])))


def coverage_page(
    rules: Sequence[Rule], results: Mapping[str, Mapping[str, Query | Refused]]
) -> str:
    """The page. ``results``: rule id → target → query or refusal."""
    parts = [
        "# Coverage",
        "## If you collect only …",
        "Rules of level medium and above that can match with these logs, of all rules of the step.",
        _collections(rules),
        "## Rule by rule",
        "Numbers are the event ids in which a rule can match, ● stands for any entry of the log.",
        _matrix(rules, results),
    ]
    refused = list(_refused(rules, results))
    if refused:
        parts += ["## Not for every SIEM", "\n".join(refused)]
    return "\n\n".join(parts) + "\n"


def _collections(rules: Sequence[Rule]) -> str:
    columns = {name: steps(rules, logs) for name, logs in COLLECTIONS.items()}
    every = columns["everything"]
    rows = [
        (text(name), *(f"{said[tactic][0]} of {said[tactic][1]}" for tactic in every))
        for name, said in columns.items()
    ]
    return table(("logs", *every), rows)


def _matrix(rules: Sequence[Rule], results: Mapping[str, Mapping[str, Query | Refused]]) -> str:
    seen = {rule.id: logs_of(rule) for rule in rules}
    used = {log for logs in seen.values() for log in logs}
    logs = [log for log in LOGS if log in used] + sorted(used - set(LOGS))
    targets = [name for name in backends() if any(name in said for said in results.values())]
    rows = []
    for rule in sorted(rules, key=lambda r: (tactics(r)[:1], r.title)):
        cells = ["●" if not ids else ", ".join(ids) for ids in seen[rule.id].values()]
        by_log = dict(zip(seen[rule.id], cells, strict=True))
        languages = [_language(results[rule.id].get(name)) for name in targets]
        first = (text(rule.title), rule.level, ", ".join(tactics(rule)))
        rows.append((*first, *(by_log.get(log, "") for log in logs), *languages))
    head = ("rule", "level", "steps", *(LOGS.get(log, log) for log in logs))
    return table((*head, *(backends()[name].title for name in targets)), rows)


def _language(said: Query | Refused | None) -> str:
    return "" if said is None else said.language if isinstance(said, Query) else "refused"


def _refused(
    rules: Sequence[Rule], results: Mapping[str, Mapping[str, Query | Refused]]
) -> Iterator[str]:
    for rule in rules:
        for target, said in results[rule.id].items():
            if isinstance(said, Refused):
                title = backends()[target].title
                yield f"- {text(rule.title)}: {title}: {text(said.reason)}"

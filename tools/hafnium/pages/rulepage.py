"""The page of one rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hafnium import attack
from hafnium.errors import Refused
from hafnium.pages.index import logs
from hafnium.pages.markdown import bullets, fenced, links, table, text
from hafnium.pages.navigator import tactics, techniques
from hafnium.rule import Rule
from hafnium.siem import Query, backends


def rule_page(rule: Rule, results: Mapping[str, Query | Refused], stems: Mapping[str, str]) -> str:
    """What an analyst wants to know of an alert, then the queries."""
    parts = [f"# {text(rule.title)}", text(rule.sigma.description or ""), _facts(rule)]
    if rule.triage:
        parts += ["## Triage", bullets(rule.triage)]
    for title, said in _lists(rule.document):
        parts += [f"## {title}", said]
    if rule.references:
        bases = [f"- {_base(base, stems)}: {logs(base)}" for base in rule.references]
        parts += ["## Made of", "\n".join(bases)]
    for name, result in results.items():
        parts += [f"## {backends()[name].title}", *_result(result)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _facts(rule: Rule) -> str:
    named = attack.table()["techniques"]
    rows = [
        ("id", f"`{text(rule.id)}`, version {text(rule.version)}"),
        ("level", rule.level),
        ("logs, any of", logs(rule)),
        ("steps", ", ".join(tactics(rule))),
        ("ATT&CK", ", ".join(f"{one} {text(named[one][0])}" for one in techniques(rule))),
        ("status", text(rule.document.get("status", ""))),
    ]
    definition = rule.document.get("logsource", {}).get("definition")
    if definition:
        rows.append(("must be switched on", text(definition)))
    return table(("", ""), [row for row in rows if row[1]])


def _lists(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if document.get("falsepositives"):
        yield "False positives", bullets(document["falsepositives"])
    evasions = document.get("evaded_by") or ()
    if evasions:
        yield "Evaded by", bullets(f"{one['mutation']}: {one['why']}" for one in evasions)
    alike = [f"`{one['id']}`" for one in document.get("related") or ()]
    if alike or document.get("novel"):
        yield "Public rules alike", bullets(alike or [f"none: {document['novel']}"])
    references = document.get("references") or ()
    if references:
        yield "References", links(references)


def _base(base: Rule, stems: Mapping[str, str]) -> str:
    title = text(base.title)
    return f"[{title}]({stems[base.id]}.md)" if base.output and base.id in stems else title


def _result(result: Query | Refused) -> Iterator[str]:
    if isinstance(result, Refused):
        yield f"Refused: {text(result.reason)}"
        return
    yield fenced(result.language, result.text)
    if result.needs:
        yield "Needs, for each of its data sources:\n\n" + bullets(result.needs)
    if result.notes:
        yield "Differs from the rule:\n\n" + bullets(result.notes)

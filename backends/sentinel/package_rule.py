"""One analytic rule: Sentinel's keys and limits, from a query and its Sigma rule."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, cast

from hafnium.data import load_data
from hafnium.siem import Query

AnalyticRule = Mapping[str, Any]
"""The keys of a scheduled rule in Microsoft's rule repository, in their usual order."""

SEVERITIES = {
    "informational": "Informational",
    "low": "Low",
    "medium": "Medium",
    "high": "High",
    "critical": "High",
}
_NAMESPACE = uuid.UUID("6f2f2f0e-5a3c-5c0b-9a38-3f6c5b6f7a11")
_LONGEST_NAME, _LONGEST_DESCRIPTION = 256, 5000
_HOUR, _DAY = 3600, 86_400
_LONGEST_PERIOD = 14 * _DAY


def analytic_rule(query: Query) -> AnalyticRule:
    """The rule as plain data. Every value of it is inside Sentinel's limits."""
    rule = query.rule
    tags = [str(tag) for tag in rule.sigma.tags]
    tactics, techniques = attack(tags)
    said: dict[str, Any] = {
        "id": _guid(rule.id),
        "name": _cut(rule.title, _LONGEST_NAME),
        "description": _cut(_description(query), _LONGEST_DESCRIPTION),
        "severity": SEVERITIES[rule.level],
        "status": "Available",
        "requiredDataConnectors": [
            {"connectorId": connector, "dataTypes": list(types)}
            for connector, types in query.context["connectors"].items()
        ],
        "queryFrequency": "1h",
        "queryPeriod": _period(int(query.context.get("seconds", 0))),
        "triggerOperator": "gt",
        "triggerThreshold": 0,
        "tactics": tactics,
        "relevantTechniques": techniques,
        "query": query.text,
    }
    entities = _entities(query.context["entities"])
    if entities:
        said["entityMappings"] = entities
    if tags:
        said["tags"] = tags
    return {**said, "version": _version(rule.version), "kind": "Scheduled"}


def attack(tags: Iterable[str]) -> tuple[list[str], list[str]]:
    """Sentinel's tactics and techniques for Sigma's tags: each technique serves a listed tactic;
    where no tag says which, all that it serves are listed."""
    table = _attack()
    words = [tag.removeprefix("attack.") for tag in tags if tag.startswith("attack.")]
    tactics = [table["tactics"][word] for word in words if word in table["tactics"]]
    techniques: list[str] = []
    for word in words:
        serves = [t for t, known in table["techniques"].items() if word.upper()[:5] in known]
        if not re.fullmatch(r"t\d{4}(\.\d{3})?", word) or not serves:
            continue
        techniques.append(word.upper())
        if not set(serves) & set(tactics):
            tactics += serves
    return list(dict.fromkeys(tactics)), list(dict.fromkeys(techniques))


@cache
def _attack() -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", load_data(Path(__file__).with_name("attack.yml")))


def _guid(rule_id: str) -> str:
    """Sigma's id; for a rule without one, an id made of its name, always the same."""
    try:
        return str(uuid.UUID(rule_id))
    except ValueError:
        return str(uuid.uuid5(_NAMESPACE, rule_id))


def _description(query: Query) -> str:
    rule = query.rule
    paragraphs = [str(rule.sigma.description or rule.title).strip()]
    paragraphs += rule.triage
    known = [str(said) for said in getattr(rule.sigma, "falsepositives", None) or ()]
    if known:
        paragraphs.append("False positives: " + "; ".join(known))
    paragraphs += [f"Needs: {need}." for need in query.needs]
    paragraphs += [f"Note: {note}." for note in query.notes]
    if _too_long(query):
        paragraphs.append(
            "Note: Sentinel looks back 14 days at most, so the whole window is only seen then."
        )
    return "\n\n".join(paragraphs)


def _too_long(query: Query) -> bool:
    return int(query.context.get("seconds", 0)) + _HOUR > _LONGEST_PERIOD


def _period(seconds: int) -> str:
    """How far back a run looks: its own hour and the window before it, in whole hours or days."""
    period = min(seconds + _HOUR, _LONGEST_PERIOD)
    if period <= _DAY:
        return f"{-(-period // _HOUR)}h"
    return f"{-(-period // _DAY)}d"


def _version(version: str) -> str:
    """Three numbers, as Sentinel wants them."""
    numbers = re.findall(r"\d+", version)[:3]
    return ".".join([str(int(n[:6])) for n in numbers] + ["0"] * (3 - len(numbers)))


def _entities(said: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    return [
        {
            "entityType": entity["type"],
            "fieldMappings": [{"identifier": entity["identifier"], "columnName": entity["column"]}],
        }
        for entity in said[:5]
    ]


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"

"""Which logs a rule can see its technique in: what remains visible when only some are collected.

Worked out from the rule's condition and the fields that each kind of log has (``fields.yml``):
a rule that asks for ``OriginalFileName`` and nothing else is blind in Security 4688.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping, Set

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionNOT,
    ConditionOR,
)
from sigma.correlations import SigmaCorrelationType
from sigma.rule import SigmaDetection, SigmaRule
from sigma.types import SigmaExists, SigmaNull, SigmaNumber, SigmaString

from hafnium.fields import contents_of, shapes
from hafnium.rule import Rule
from hafnium.taxonomy import Shape, views

LOGS: Mapping[str, str] = {
    "w3c": "IIS",
    "httpproxy": "HttpProxy",
    "ecp": "ECP Server",
    "oabgenerator": "OABGenerator",
    "msexchange-management": "MSExchange Management",
    "application": "Application",
    "security": "Security",
    "sysmon": "Sysmon",
    "powershell": "PowerShell",
    "powershell-classic": "Windows PowerShell",
    "windefend": "Defender",
    "taskscheduler": "TaskScheduler",
    "system": "System",
    "iis-configuration": "IIS Configuration",
    "wmi": "WMI",
    "bits-client": "BITS",
}
"""Kinds of log, as an administrator names them, in the order of the tables. Another Windows
channel stands under its Sigma service."""

OTHER = "other"
"""Stands for an event id that a rule does not name."""

Seen = Mapping[str, tuple[str, ...]]
"""Log → the event ids in which a rule can match there; none for a text log."""


def logs_of(rule: Rule) -> Seen:
    """The logs in which a rule can match; for a correlation, those of its base rules that have
    the fields it groups by."""
    found: dict[str, dict[str, None]] = {}
    grouped = rule.correlation.group_by or () if rule.correlation else ()
    for index, base in enumerate(rule.references or (rule,)):
        needed = {rule.field_behind(name, index) for name in grouped}
        for log, event_ids in _logs_of_detection(base, needed).items():
            found.setdefault(log, {}).update(dict.fromkeys(event_ids))
    order = {log: number for number, log in enumerate(LOGS)}
    return {
        log: tuple(sorted(found[log], key=lambda n: (len(n), n)))
        for log in sorted(found, key=lambda log: (order.get(log, len(order)), log))
    }


def visible(rule: Rule, collected: Collection[str]) -> bool:
    """Can the rule match when only these logs are collected? A count needs one of its base
    rules, any other correlation all of them."""
    if rule.correlation is None:
        return not set(collected).isdisjoint(logs_of(rule))
    counts = (SigmaCorrelationType.EVENT_COUNT, SigmaCorrelationType.VALUE_COUNT)
    enough = any if rule.correlation.type in counts else all
    return enough(visible(base, collected) for base in rule.references)


@functools.lru_cache(maxsize=4096)
def log_of(shape: Shape) -> str:
    """The log that entries of a shape stand in."""
    kind = shape[0]
    return kind if kind != "winevent" else str(views(shape)[0].logsource.service)


def _logs_of_detection(rule: Rule, needed: Set[str]) -> dict[str, list[str]]:
    assert isinstance(rule.sigma, SigmaRule)
    trees = [condition.parsed for condition in rule.sigma.detection.parsed_condition]
    found: dict[str, list[str]] = {}
    known = shapes(rule.logsource, event_ids(rule.sigma))
    others = [(kind, log, OTHER) for kind, log, event_id in known if event_id.isdigit()]
    if rule.logsource.category:
        others = []  # a category is served by certain events only
    for shape in dict.fromkeys([*known, *others]):
        names = _names(rule, shape)
        if names is not None and needed - names:
            continue
        if any(_possible(tree, names, shape[2])[0] for tree in trees):
            found.setdefault(log_of(shape), []).append(shape[2])
    return {log: [] if not all(map(str.isdigit, ids)) else ids for log, ids in found.items()}


def _names(rule: Rule, shape: Shape) -> frozenset[str] | None:
    """The fields of such an entry, as the rule names them; None when they are not listed."""
    listed = contents_of(shape)
    if listed is None:
        return None
    names = {"Computer"}
    for view in views(shape):
        if rule.logsource.covers(view.logsource):
            names |= {view.rename.get(name, name) for name in listed}
    return frozenset(names)


def event_ids(sigma: SigmaRule) -> set[str]:
    """The event ids that a rule compares."""
    found = set()
    nodes = list(sigma.detection.detections.values())
    while nodes:
        for item in nodes.pop().detection_items:
            if isinstance(item, SigmaDetection):
                nodes.append(item)
            elif item.field == "EventID":
                found |= {str(v) for v in item.value if isinstance(v, SigmaNumber | SigmaString)}
    return found


def _possible(node: object, names: frozenset[str] | None, event_id: str) -> tuple[bool, bool]:
    """Can the node be true, and can it be false, of an entry with these fields?"""
    if isinstance(node, ConditionNOT):
        true, false = _possible(node.args[0], names, event_id)
        return false, true
    if isinstance(node, ConditionAND | ConditionOR):
        parts = [_possible(arg, names, event_id) for arg in node.args]
        trues, falses = [part[0] for part in parts], [part[1] for part in parts]
        if isinstance(node, ConditionAND):
            return all(trues), any(falses)
        return any(trues), all(falses)
    if not isinstance(node, ConditionFieldEqualsValueExpression):
        return True, True
    if node.field == "EventID" and event_id and isinstance(node.value, SigmaNumber):
        same = str(node.value) == event_id
        return same, not same
    if names is None or node.field in names:
        return True, True
    absence = isinstance(node.value, SigmaNull) or (
        isinstance(node.value, SigmaExists) and not node.value.exists
    )
    return absence, not absence

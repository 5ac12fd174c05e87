"""A layer for MITRE's ATT&CK Navigator: techniques with the number of rules that see them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hafnium import attack
from hafnium.rule import Rule

LAYER_FORMAT = "4.5"


def layer(rules: Sequence[Rule]) -> dict[str, Any]:
    """The layer, in the Navigator's format 4.5."""
    seen: dict[str, list[str]] = {}
    for rule in rules:
        for technique in techniques(rule):
            seen.setdefault(technique, []).append(f"{rule.title} ({rule.level})")
    most = max((len(titles) for titles in seen.values()), default=1)
    return {
        "name": "hafnium-detections",
        "description": "Techniques that the rules of this pack see, scored by their number",
        "domain": "enterprise-attack",
        "versions": {
            "attack": str(attack.table()["version"]).split(".", maxsplit=1)[0],
            "navigator": "5.1.0",
            "layer": LAYER_FORMAT,
        },
        "gradient": {"colors": ["#fee8c8", "#e34a33"], "minValue": 1, "maxValue": most},
        "techniques": [
            {"techniqueID": technique, "score": len(titles), "comment": "\n".join(sorted(titles))}
            for technique, titles in sorted(seen.items())
        ],
    }


def techniques(rule: Rule) -> list[str]:
    """The ids of the techniques in a rule's tags."""
    names = [str(tag).removeprefix("attack.").upper() for tag in rule.sigma.tags]
    return [name for name in names if name in attack.table()["techniques"]]


def tactics(rule: Rule) -> list[str]:
    """The tactics in a rule's tags, in ATT&CK's order."""
    names = {str(tag).removeprefix("attack.") for tag in rule.sigma.tags}
    return [name for name in attack.table()["tactics"] if name in names]

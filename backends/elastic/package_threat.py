"""Sigma's ATT&CK tags as the threat part of a Kibana rule, from the bundled table (B32)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hafnium.attack import table
from hafnium.rule import Rule

_SITE = "https://attack.mitre.org"
_NEWER = {"stealth": "defense-evasion", "defense-impairment": "defense-evasion"}
"""Tactics of ATT&CK v19 that took the place of one of the bundled version."""


def threat(rule: Rule) -> list[dict[str, Any]]:
    """One entry per tactic that the rule is tagged with, with its techniques.

    A technique stands under each tagged tactic that it serves; under its first one if the rule
    names none of them.
    """
    names = [
        tag.name.lower().replace("_", "-") for tag in rule.sigma.tags if tag.namespace == "attack"
    ]
    names = [_NEWER.get(name, name) for name in names]
    tactics = [name for name in names if name in table()["tactics"]]
    placed: dict[str, list[str]] = {_tactic_id(name): [] for name in tactics}
    for technique in (name.upper() for name in names):
        if technique not in table()["techniques"]:
            continue
        serves = [_tactic_id(name) for name in table()["techniques"][technique][1]]
        for tactic in [t for t in serves if t in placed] or serves[:1]:
            placed.setdefault(tactic, []).append(technique)
    return [
        {"framework": "MITRE ATT&CK", "tactic": _tactic(tactic), "technique": _techniques(ids)}
        for tactic, ids in placed.items()
    ]


def _tactic_id(name: str) -> str:
    return str(table()["tactics"][name])


def _tactic(tactic: str) -> dict[str, str]:
    name = next(name for name, id_ in table()["tactics"].items() if id_ == tactic)
    title = name.replace("-", " ").title().replace(" And ", " and ")
    return {"id": tactic, "name": title, "reference": f"{_SITE}/tactics/{tactic}/"}


def _techniques(ids: Sequence[str]) -> list[dict[str, Any]]:
    """Techniques with their sub-techniques inside."""
    parents = dict.fromkeys(id_.split(".")[0] for id_ in ids)
    return [
        {
            **_technique(parent),
            "subtechnique": [_technique(i) for i in ids if i.startswith(f"{parent}.")],
        }
        for parent in parents
    ]


def _technique(id_: str) -> dict[str, str]:
    name = table()["techniques"][id_][0]
    return {"id": id_, "name": name, "reference": f"{_SITE}/techniques/{id_.replace('.', '/')}/"}

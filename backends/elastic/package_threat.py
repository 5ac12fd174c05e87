"""Sigma's ATT&CK tags as the threat part of a Kibana rule, from a table in the package (B32)."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from hafnium.rule import Rule

_SITE = "https://attack.mitre.org"


@functools.cache
def _table() -> Mapping[str, Any]:
    said = yaml.safe_load(Path(__file__).with_name("attack.yml").read_text(encoding="utf-8"))
    assert isinstance(said, dict)
    return said


def threat(rule: Rule) -> list[dict[str, Any]]:
    """One entry per tactic that the rule is tagged with, with its techniques.

    A technique stands under each tagged tactic that it serves; under its first one if the rule
    names none of them.
    """
    names = [
        tag.name.lower().replace("_", "-") for tag in rule.sigma.tags if tag.namespace == "attack"
    ]
    tactics = [name for name in names if name in _table()["tactics"]]
    placed: dict[str, list[str]] = {_tactic_id(name): [] for name in tactics}
    for technique in (name.upper() for name in names):
        if technique not in _table()["techniques"]:
            continue
        serves = [_tactic_id(name) for name in _table()["techniques"][technique][1]]
        for tactic in [t for t in serves if t in placed] or serves[:1]:
            placed.setdefault(tactic, []).append(technique)
    return [
        {"framework": "MITRE ATT&CK", "tactic": _tactic(tactic), "technique": _techniques(ids)}
        for tactic, ids in placed.items()
    ]


def _tactic_id(name: str) -> str:
    return str(_table()["tactics"][name][0])


def _tactic(tactic: str) -> dict[str, str]:
    name = next(name for id_, name in _table()["tactics"].values() if id_ == tactic)
    return {"id": tactic, "name": name, "reference": f"{_SITE}/tactics/{tactic}/"}


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
    name = _table()["techniques"][id_][0]
    return {"id": id_, "name": name, "reference": f"{_SITE}/techniques/{id_.replace('.', '/')}/"}

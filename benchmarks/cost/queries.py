"""Each rule's query, ours and the stock backend's for the same records.

A rule is served by several ways in; ours is one query over all of them, the stock backend makes
one for each, so its queries together are set against ours. Both get the same field names, and the
stock ES|QL query the index of its way instead of every index there is.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hafnium.errors import Refused
from hafnium.rule import Rule
from hafnium.siem import Backend
from hafnium.site import Site
from stock.converter import convert_with

from .traffic_records import Way


@dataclass(frozen=True)
class Text:
    """A query as an engine runs it. ``context``: what the target keeps beside it."""

    text: str
    context: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Pair:
    """A rule's queries. ``why`` says why one side has none."""

    name: str
    ours: Sequence[Text]
    stock: Sequence[Text]
    why: str = ""


def pairs(
    backend: Backend,
    language: str,
    rules: Sequence[Rule],
    ways: Collection[Way],
    pipelines: Path,
) -> list[Pair]:
    """A pair for each rule. ``language``: the one that is measured."""
    return [_pair(backend, language, rule, ways, pipelines) for rule in rules]


def _pair(
    backend: Backend, language: str, rule: Rule, ways: Collection[Way], pipelines: Path
) -> Pair:
    try:
        query = backend.compile(rule, Site())
    except Refused as refused:
        return Pair(rule.name, [], [], f"ours is refused: {refused.reason}")
    if query.language != language:
        return Pair(rule.name, [], [], f"ours is {query.language}, which the engine does not run")
    ours = [Text(query.text, query.context)]
    used = [way for way in ways if way[0] in query.sources]
    if not used:
        return Pair(rule.name, ours, [], "no stock pipeline reaches the logs that it searches")
    stock: list[Text] = []
    for path, store in sorted(used):
        files = [*pipelines.glob(f"{path}.yml"), *pipelines.glob(f"{path}-[0-9].yml")]
        if not files:
            return Pair(rule.name, ours, [], f"no stock pipeline reaches `{store}`")
        for file in sorted(files):
            try:
                stock.append(_stock(backend, [*rule.references, rule], file, store))
            except Exception as error:  # whatever it raises, the rule was refused
                return Pair(rule.name, ours, [], f"the stock backend refuses it: {_short(error)}")
    return Pair(rule.name, ours, stock)


def _stock(backend: Backend, rules: Sequence[Rule], pipeline: Path, store: str) -> Text:
    language, text = convert_with(backend.name, rules, pipeline, esql=True)
    if language == "kql":
        return Text(f"{store}\n| where {text}")
    return Text(re.sub(r"\Afrom \*", f"from {store}", text))


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:160]

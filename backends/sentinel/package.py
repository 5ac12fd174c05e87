"""What Sentinel imports: an analytic rule per query as YAML, one ARM template that deploys them
all, and pySigma pipelines for ``sigma convert``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from hafnium.build import file_stems
from hafnium.siem import Pack
from hafnium.sources import DataSource, write_pipelines

from .compiler import catalogue
from .package_arm import template
from .package_rule import AnalyticRule, analytic_rule


def package(pack: Pack, folder: Path) -> None:
    """Write ``analytic-rules/<rule>.yaml``, ``azuredeploy.json`` and ``pipelines/``."""
    stems = file_stems([query.rule for query in pack.queries])
    rules = [analytic_rule(query) for query in pack.queries]
    target = folder / "analytic-rules"
    target.mkdir(parents=True, exist_ok=True)
    for query, rule in zip(pack.queries, rules, strict=True):
        file = target / f"{stems[query.rule.id]}.yaml"
        file.write_text(as_yaml(rule), encoding="utf-8", newline="\n")
    text = json.dumps(template(rules), indent=2, ensure_ascii=False)
    (folder / "azuredeploy.json").write_text(text + "\n", encoding="utf-8", newline="\n")
    write_pipelines(pipeline_sources(), folder / "pipelines")


class _Dumper(yaml.SafeDumper):
    """Long texts as blocks, so that a query can be read."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # PyYAML falls back to quotes by itself where a block cannot hold the text.
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def as_yaml(rule: AnalyticRule) -> str:
    """The rule in the form of Microsoft's rule repository."""
    return yaml.dump(dict(rule), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=4096)


def pipeline_sources() -> list[DataSource]:
    """The catalogue as far as a pipeline reaches, which can rename columns and no more: where the
    fields lie inside one column (``Event``, ``WindowsEvent``, the ECP log), there is none."""
    return [
        _real_columns(source)
        for source in catalogue()
        if "items" not in source.extra or "prefer" in source.extra
    ]


def _real_columns(source: DataSource) -> DataSource:
    """The source with, for a computed column, the real one that comes nearest: a pipeline can
    rename fields and no more."""
    computed: Mapping[str, Mapping[str, Any]] = source.extra.get("computed", {})
    if not computed:
        return source
    nearest = {name: said["nearest"] for name, said in computed.items()}
    return replace(
        source,
        feeds=tuple(
            replace(feed, fields={k: nearest.get(str(v), v) for k, v in feed.fields.items()})
            for feed in source.feeds
        ),
    )

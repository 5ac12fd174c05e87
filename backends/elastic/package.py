"""What Elastic imports: Kibana rules, ingest pipelines and templates, pySigma pipelines.

* ``kibana_rules.ndjson``: one detection rule per line, for the rule import of Kibana Security
* ``ingest_pipelines/``, ``index_templates/``, ``component_templates/``: for our own data
  streams and for fields that ES|QL needs mapped; a file's name is the object's name
* ``pipelines/``: pySigma processing pipelines, one per data source, for ``sigma convert -p``
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hafnium.backends.elastic.compiler_columns import catalogue
from hafnium.backends.elastic.package_ingest import objects
from hafnium.backends.elastic.package_threat import threat
from hafnium.rule import Rule
from hafnium.siem import Pack, Query
from hafnium.sources import DataSource, Feed, write_pipelines

SEVERITY: Mapping[str, tuple[str, int]] = {
    "informational": ("low", 1),
    "low": ("low", 21),
    "medium": ("medium", 47),
    "high": ("high", 73),
    "critical": ("critical", 99),
}
"""Sigma level → Kibana's severity and risk score."""
INTERVAL = 5
LOOKBACK = 9
"""Minutes between runs, and how far a run looks back; a correlation also looks its span back."""


def write(pack: Pack, folder: Path) -> None:
    """Write everything into ``folder``. The same pack gives the same bytes."""
    lines = [_line(kibana_rule(query)) for query in pack.queries]
    _text(folder / "kibana_rules.ndjson", "".join(line + "\n" for line in lines))
    for path, said in objects(pack.queries).items():
        _text(folder / path, json.dumps(said, indent=2, sort_keys=True, ensure_ascii=False) + "\n")
    write_pipelines(pipeline_sources(), folder / "pipelines")


def pipeline_sources() -> list[DataSource]:
    """The data sources as `sigma convert -p` can use them: one log source is served once.

    pySigma applies every item whose log source holds the rule's, so a source that serves what
    several others serve becomes one pipeline for each, and the widest of like feeds stays.
    """
    sources: list[DataSource] = []
    for source in catalogue():
        kinds = list(dict.fromkeys(id(feed.source.extra) for feed in source.feeds))
        for number, kind in enumerate(kinds):
            feeds = [feed for feed in source.feeds if id(feed.source.extra) == kind]
            origin = (source.extra.get("like") or [""])[number if len(kinds) > 1 else 0]
            sources.append(
                dataclasses.replace(
                    source,
                    id=f"{source.id}-{origin}" if origin else source.id,
                    feeds=tuple(feed for feed in feeds if not _wider(feed, feeds)),
                )
            )
    return sources


def _wider(feed: Feed, feeds: Sequence[Feed]) -> bool:
    """Whether another feed serves the same records for a wider log source."""
    return any(
        other.logsource != feed.logsource
        and other.logsource.covers(feed.logsource)
        and other.when == feed.when
        for other in feeds
    )


def kibana_rule(query: Query) -> dict[str, Any]:
    """A query as a detection rule, as Kibana's import reads it."""
    rule = query.rule
    severity, risk = SEVERITY[rule.level]
    said: dict[str, Any] = {
        "author": [rule.sigma.author] if rule.sigma.author else [],
        "description": str(rule.sigma.description or rule.title),
        "enabled": False,
        "false_positives": [str(each) for each in rule.sigma.falsepositives or []],
        "from": f"now-{LOOKBACK + _span_minutes(rule)}m",
        "interval": f"{INTERVAL}m",
        "language": query.language,
        "license": str(rule.sigma.license or "Apache-2.0"),
        "max_signals": 100,
        "name": rule.title,
        "note": _note(rule),
        "query": query.text,
        "references": [str(each) for each in rule.sigma.references or []],
        "risk_score": risk,
        "rule_id": rule.id,
        "setup": _setup(query),
        "severity": severity,
        "tags": [f"{tag.namespace}.{tag.name}" for tag in rule.sigma.tags],
        "threat": threat(rule),
        "to": "now",
        "type": "query" if query.language == "lucene" else query.language,
        "version": int(rule.version) if rule.version.isdecimal() and int(rule.version) else 1,
    }
    if query.language != "esql":
        said["index"] = list(query.context["index"])
    if rule.correlation is None:
        said["timestamp_override"] = "event.ingested"
    return said


def _span_minutes(rule: Rule) -> int:
    return 0 if rule.correlation is None else -(-int(rule.correlation.timespan.seconds) // 60)


def _note(rule: Rule) -> str:
    """The investigation guide, from the rule's `triage`."""
    return "".join(f"- {step}\n" for step in rule.triage)


def _setup(query: Query) -> str:
    lines = ["Needed:", *(f"- {need}" for need in query.needs)]
    if query.notes:
        lines += ["", "Where this query differs from the rule:", *(f"- {n}" for n in query.notes)]
    return "\n".join(lines) + "\n"


def _line(said: Mapping[str, Any]) -> str:
    return json.dumps(said, sort_keys=True)


def _text(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8", newline="\n")

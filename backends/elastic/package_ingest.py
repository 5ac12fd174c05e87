"""Ingest pipelines and templates: our own data streams, and fields that must be mapped.

The Exchange ECP and OABGenerator logs have no integration: they are collected as custom logs,
one line per event in ``message``. The definitions are JSON files in ``ingest/``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hafnium.backends.elastic.compiler_columns import SPARSE
from hafnium.siem import Query

_ALSO_TEXT = ("command_line", "working_directory")
"""What ECS keeps as analysed text, too: the pack's mapping must not take that away."""


def objects(queries: Sequence[Query]) -> dict[str, Mapping[str, Any]]:
    """Path below the package → the object's body, as its API takes it."""
    found: dict[str, Mapping[str, Any]] = {}
    for file in sorted((Path(__file__).parent / "ingest").glob("*/*.json")):
        found[f"{file.parent.name}/{file.name}"] = json.loads(file.read_text(encoding="utf-8"))
    for stream, names in _mapped(query.context for query in queries).items():
        template = {"template": {"mappings": _mappings(names)}}
        found[f"component_templates/{stream}@custom.json"] = template
    return found


def component_templates(context: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Data stream → the mappings that its component template brings for one query."""
    return {stream: _mappings(names) for stream, names in _mapped([context]).items()}


def _mapped(contexts: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, None]]:
    """Data stream → the fields that the ES|QL queries on it name. ES|QL fails on a field that
    no event has had yet; integrations look for a component template ``<stream>@custom``."""
    found: dict[str, dict[str, None]] = {}
    for context in contexts:
        for name in context.get("mapped", ()):
            for pattern in context["index"]:
                stream = re.fullmatch(r"(logs-[a-z0-9_.]+)-\*", pattern)
                if stream:
                    found.setdefault(stream[1], {})[name] = None
    return found


def _mappings(names: Iterable[str]) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for name in sorted(names):
        *parents, last = name.split(".")
        inner = properties
        for parent in parents:
            inner = inner.setdefault(parent, {"properties": {}})["properties"]
        inner[last] = {"type": SPARSE.get(name, "keyword")}
        if last in _ALSO_TEXT:
            inner[last]["fields"] = {"text": {"type": "match_only_text"}}
    return {"properties": properties}

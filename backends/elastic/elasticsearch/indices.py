"""The indexes that records are put into, mapped as Elastic's integrations map them.

The types come from ``mappings.yml`` and from this pack's own index templates in ``ingest/``. A
node without the module of a type gets the type that is its like for queries: the node of
`make engines` keeps a wildcard as a keyword without a limit, for its module is not published.
"""

from __future__ import annotations

import fnmatch
import functools
import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from hafnium.backends.elastic.engine_types import MAPPED
from hafnium.backends.elastic.recorder import WINLOGBEAT

LIKE: Mapping[str, str] = {
    "wildcard": "keyword",
    "constant_keyword": "keyword",
    "match_only_text": "text",
}
"""Types of modules, each with the type of the server that queries see as the same."""
IGNORE_ABOVE = 1024
MARK = {"made_by": "hafnium-detections"}
"""Stands in every index that is made here, so that no other is ever touched."""
_SETTINGS = {
    "number_of_shards": 1,
    "number_of_replicas": 0,
    "refresh_interval": "-1",
    "mapping": {"ignore_malformed": True, "total_fields": {"limit": 10000}},
}
_DYNAMIC = [
    {
        "strings_as_keyword": {
            "match_mapping_type": "string",
            "mapping": {"type": "keyword", "ignore_above": IGNORE_ABOVE},
        }
    }
]


def definition(store: str, lacking: Collection[str]) -> dict[str, Any]:
    """The body that makes an index. ``lacking`` are types that the node does not know."""
    fields = {name: _field(kind) for name, kind in MAPPED.items()} | _own(store)
    mappings = {
        "_meta": MARK,
        "date_detection": False,
        "dynamic_templates": _DYNAMIC,
        "properties": _tree({name: _known(said, lacking) for name, said in fields.items()}),
    }
    return {"settings": _SETTINGS, "mappings": mappings}


def stores_of(patterns: Iterable[str]) -> list[str]:
    """The indexes that patterns are about: a query fails when a pattern finds none at all."""
    return [
        f"{pattern[:-2]}-default" if pattern.startswith("logs-") else WINLOGBEAT
        for pattern in patterns
        if pattern.endswith("-*")
    ]


def _field(kind: str) -> dict[str, Any]:
    limit = {"ignore_above": IGNORE_ABOVE} if kind == "keyword" else {}
    return {"type": kind, **limit}


def _known(said: Mapping[str, Any], lacking: Collection[str]) -> dict[str, Any]:
    if said["type"] not in lacking:
        return dict(said)
    return {"type": LIKE[said["type"]]}


def _own(store: str) -> dict[str, dict[str, Any]]:
    """The fields of a stream that this pack brings."""
    found: dict[str, dict[str, Any]] = {}
    for patterns, fields in _templates():
        if any(fnmatch.fnmatchcase(store, pattern) for pattern in patterns):
            found |= fields
    return found


@functools.cache
def _templates() -> list[tuple[list[str], dict[str, dict[str, Any]]]]:
    folder = Path(__file__).parents[1] / "ingest" / "index_templates"
    found = []
    for file in sorted(folder.glob("*.json")):
        said = json.loads(file.read_text(encoding="utf-8"))
        fields = dict(_flat(said["template"]["mappings"]["properties"]))
        found.append((said["index_patterns"], fields))
    return found


def _flat(properties: Mapping[str, Any], prefix: str = "") -> Any:
    for name, said in properties.items():
        if "properties" in said:
            yield from _flat(said["properties"], f"{prefix}{name}.")
        else:
            yield prefix + name, said


def _tree(fields: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Dotted names as nested objects."""
    root: dict[str, Any] = {}
    for name, said in fields.items():
        *parents, last = name.split(".")
        inner = root
        for parent in parents:
            inner = inner.setdefault(parent, {"properties": {}})["properties"]
        inner[last] = said
    return root

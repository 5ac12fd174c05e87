"""Ingest pipelines and templates: our own data streams, and fields that must be mapped.

The Exchange ECP and OABGenerator logs have no integration: they are collected as custom logs,
one line per event in ``message``. The definitions are JSON files beside this module.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_PARAMS = 27
"""The number of unnamed items of an MSExchange Management event."""
_CUSTOM = (
    "logs-winlog.winlog@custom",
    "logs-system.application@custom",
    "logs-system.system@custom",
)


def objects() -> dict[str, Mapping[str, Any]]:
    """Path below the package → the object's body, as its API takes it."""
    found: dict[str, Mapping[str, Any]] = {}
    for file in sorted((Path(__file__).parent / "ingest").glob("*/*.json")):
        found[f"{file.parent.name}/{file.name}"] = json.loads(file.read_text(encoding="utf-8"))
    for name in _CUSTOM:
        found[f"component_templates/{name}.json"] = _mapped_params()
    return found


def _mapped_params() -> dict[str, Any]:
    """ES|QL fails on a field that no event has had yet; the integrations map eight of them."""
    return {
        "template": {
            "mappings": {
                "properties": {
                    "winlog": {
                        "properties": {
                            "event_data": {
                                "properties": {
                                    f"param{n}": {"type": "keyword"} for n in range(1, _PARAMS + 1)
                                }
                            }
                        }
                    }
                }
            }
        }
    }

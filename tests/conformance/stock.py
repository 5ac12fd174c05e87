"""What the published backends make of the same rules, with the pipelines that fit best."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from hafnium.rule import Rule


@functools.cache
def _converters() -> dict[str, tuple[str, Callable[[], Any]]]:
    from sigma.backends.elasticsearch import EqlBackend
    from sigma.backends.kusto import KustoBackend
    from sigma.backends.splunk import SplunkBackend
    from sigma.pipelines.azuremonitor import azure_monitor_pipeline
    from sigma.pipelines.elasticsearch.windows import ecs_windows
    from sigma.pipelines.splunk import splunk_windows_pipeline

    return {
        "splunk": ("spl", lambda: SplunkBackend(splunk_windows_pipeline())),
        "elastic": ("eql", lambda: EqlBackend(ecs_windows())),
        "sentinel": ("kql", lambda: KustoBackend(azure_monitor_pipeline())),
    }


def convert(target: str, rule: Rule) -> tuple[str, str]:
    """Language and text. Raises whatever the backend raises, and `ValueError` when the rule
    vanishes without a word."""
    from sigma.collection import SigmaCollection

    language, make = _converters()[target]
    queries = make().convert(SigmaCollection([rule.fresh()]))
    if not queries:
        raise ValueError("nothing came out")
    return language, str(queries[0])

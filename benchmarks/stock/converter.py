"""What the published pySigma backends make of a rule.

With the published pipelines, as most people convert; or with the ones that ``hafnium build``
writes, so that field names are right and only the backend's own meaning is measured.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hafnium.rule import Rule

Converted = tuple[str, str]
"""Language and text."""


def convert(target: str, rule: Rule) -> Converted:
    """With the published pipeline that fits best. Raises whatever the backend raises, and
    `ValueError` when the rule vanishes without a word."""
    return _run(target, [rule], _published()[target]())


def convert_with(
    target: str, rules: Sequence[Rule], pipeline: Path, *, esql: bool = False
) -> Converted:
    """With a pipeline file. The last rule may be a correlation over the others. ``esql``: for
    Elastic in ES|QL in any case."""
    from sigma.processing.pipeline import ProcessingPipeline

    made = ProcessingPipeline.from_yaml(pipeline.read_text(encoding="utf-8"))
    return _run(target, rules, made, esql)


def _run(target: str, rules: Sequence[Rule], pipeline: Any, esql: bool = False) -> Converted:
    from sigma.collection import SigmaCollection

    language, make = _backend(target, esql or rules[-1].correlation is not None)
    collection = SigmaCollection.from_dicts([dict(rule.document) for rule in rules])
    queries = make(pipeline).convert(collection)
    if not queries:
        raise ValueError("nothing came out")
    return language, str(queries[-1])


def _backend(target: str, esql: bool) -> tuple[str, Callable[[Any], Any]]:
    """Elastic's EQL backend has no correlations, its ES|QL backend has."""
    from sigma.backends.elasticsearch import EqlBackend, ESQLBackend
    from sigma.backends.kusto import KustoBackend
    from sigma.backends.splunk import SplunkBackend

    if target == "elastic" and esql:
        return "esql", ESQLBackend
    return {
        "splunk": ("spl", SplunkBackend),
        "elastic": ("eql", EqlBackend),
        "sentinel": ("kql", KustoBackend),
    }[target]


@functools.cache
def _published() -> dict[str, Callable[[], Any]]:
    from sigma.pipelines.azuremonitor import azure_monitor_pipeline
    from sigma.pipelines.elasticsearch.windows import ecs_windows
    from sigma.pipelines.splunk import splunk_windows_pipeline

    return {
        "splunk": splunk_windows_pipeline,
        "elastic": ecs_windows,
        "sentinel": azure_monitor_pipeline,
    }

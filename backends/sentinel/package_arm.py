"""The ARM template that deploys all analytic rules into a workspace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .package_rule import AnalyticRule

_SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
_API = "2024-03-01"
_OPERATORS = {"gt": "GreaterThan"}


def template(rules: Sequence[AnalyticRule]) -> dict[str, Any]:
    """The template. No text of a rule can become an expression of it."""
    return {
        "$schema": _SCHEMA,
        "contentVersion": "1.0.0.0",
        "parameters": {
            "workspace": {
                "type": "string",
                "metadata": {"description": "Name of the Log Analytics workspace of Sentinel"},
            },
            "enabled": {
                "type": "bool",
                "defaultValue": True,
                "metadata": {"description": "Whether the rules run once they are deployed"},
            },
        },
        "resources": [_resource(rule) for rule in rules],
    }


def _resource(rule: AnalyticRule) -> dict[str, Any]:
    techniques = rule["relevantTechniques"]
    properties = {
        "displayName": rule["name"],
        "description": rule["description"],
        "severity": rule["severity"],
        "query": rule["query"],
        "queryFrequency": _iso(rule["queryFrequency"]),
        "queryPeriod": _iso(rule["queryPeriod"]),
        "triggerOperator": _OPERATORS[rule["triggerOperator"]],
        "triggerThreshold": rule["triggerThreshold"],
        "suppressionDuration": "PT5H",
        "suppressionEnabled": False,
        "tactics": rule["tactics"],
        "techniques": list(dict.fromkeys(t.partition(".")[0] for t in techniques)),
        "subTechniques": [t for t in techniques if "." in t],
        "eventGroupingSettings": {"aggregationKind": "SingleAlert"},
        "entityMappings": rule.get("entityMappings", []),
        "templateVersion": rule["version"],
    }
    place = f"concat(parameters('workspace'), '/Microsoft.SecurityInsights/{rule['id']}')"
    return {
        "type": "Microsoft.OperationalInsights/workspaces/providers/alertRules",
        "apiVersion": _API,
        "name": f"[{place}]",
        "kind": rule["kind"],
        "properties": {**literal(properties), "enabled": "[parameters('enabled')]"},
    }


def _iso(duration: str) -> str:
    """``1h`` → ``PT1H``, ``8d`` → ``P8D``."""
    number, unit = duration[:-1], duration[-1].upper()
    return f"P{number}D" if unit == "D" else f"PT{number}{unit}"


def literal(value: Any) -> Any:
    """The value with every text protected: ARM reads a text between ``[`` and ``]`` as an
    expression, unless its first bracket is doubled."""
    if isinstance(value, str):
        return f"[{value}" if value.startswith("[") and value.endswith("]") else value
    if isinstance(value, dict):
        return {key: literal(one) for key, one in value.items()}
    if isinstance(value, list):
        return [literal(one) for one in value]
    return value

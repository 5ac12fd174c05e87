"""What ``hafnium check`` finds: each finding with file, line, rule id and how to mend it.

An error makes a rule wrong everywhere; a warning says what a target or the taxonomy cannot do.
The gates that this pack sets for itself (`hafnium.gates`) and the validators of others
(`hafnium.validators`) are errors for its own rules; other people's rules get warnings, and only
for what makes a rule blind or wrong, or breaks a Sigma convention.
"""

from __future__ import annotations

import fnmatch
import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hafnium import gates, validators
from hafnium.data import load_data
from hafnium.errors import HafniumError, Refused
from hafnium.loading import Loaded
from hafnium.matcher import Matcher
from hafnium.rule import Rule
from hafnium.samples import Scenario
from hafnium.siem import Backend
from hafnium.site import Site
from hafnium.taxonomy import known_services


@dataclass(frozen=True, order=True)
class Finding:
    """One finding. ``severity`` is ``error`` or ``warning``."""

    file: str
    line: int
    severity: str
    rule: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.severity}: {self.text} [{self.rule}]"


def lint(
    loaded: Loaded,
    targets: Sequence[Backend],
    ours: bool = False,
    scenarios: Sequence[Scenario] = (),
) -> list[Finding]:
    """All findings, by file and line. ``ours`` says that the rules are the pack's own;
    ``scenarios`` are the samples that prove them, if there are any."""
    findings = [_of_error(error, "error", "") for error in loaded.errors]
    by_place = {str(rule.path): rule for rule in loaded.rules}
    for refused in Matcher(loaded.rules).refused:
        findings.append(_of_error(refused, "error", by_place[refused.file or ""].id))
    refused_everywhere = {finding.rule for finding in findings}
    for rule in loaded.rules:
        findings += _schema(rule)
        findings += _detections(rule)
        findings += _logsource(rule)
        if rule.id not in refused_everywhere and rule.output:
            findings += _targets(rule, targets)
        findings += _gates(rule, ours, scenarios)
    findings += (
        _finding(rule, "title", text, "error" if ours else "warning")
        for rule, text in validators.issues(loaded.rules)
    )
    return sorted(set(findings))


def _gates(rule: Rule, ours: bool, scenarios: Sequence[Scenario]) -> Iterator[Finding]:
    problems = list(gates.sound(rule))
    if ours:
        problems += gates.house(rule)
    if scenarios:
        problems += gates.proven(rule, scenarios)
    for key, text in problems:
        yield _finding(rule, key, text, "error" if ours else "warning")
    for key, text in gates.placed(rule) if ours else ():
        yield _finding(rule, key, text, "warning")


def _of_error(error: HafniumError, severity: str, rule: str) -> Finding:
    text = error.reason + (f"; {error.mend}" if error.mend else "")
    return Finding(error.file or "", error.line or 1, severity, rule, " ".join(text.split()))


def _finding(rule: Rule, key: str, text: str, severity: str = "error") -> Finding:
    return Finding(str(rule.path), rule.line(key) or 1, severity, rule.id, text)


@functools.cache
def _validator() -> Any:
    import jsonschema

    schema = load_data(Path(__file__).with_name("sigma.schema.yml"))
    return jsonschema.Draft202012Validator(schema)


def _schema(rule: Rule) -> Iterator[Finding]:
    document = {k: str(v) if k in ("date", "modified") else v for k, v in rule.document.items()}
    for error in _validator().iter_errors(document):
        key = str(error.path[0]) if error.path else "title"
        place = ".".join(str(part) for part in error.path)
        yield _finding(rule, key, f"{place}: {error.message}" if place else error.message)
    for key in ("falsepositives", "tags", "references"):
        if key not in rule.document:
            yield _finding(rule, key, f"{key} is missing; an analyst needs it", "warning")


_TOKEN = re.compile(r"[A-Za-z_*][\w*-]*")
_WORDS = frozenset({"and", "or", "not", "of", "all", "any"})


def _detections(rule: Rule) -> Iterator[Finding]:
    """Detections that no condition uses: mostly a misspelled filter."""
    detection = rule.document.get("detection")
    if not isinstance(detection, dict):
        return
    condition = detection.get("condition", "")
    text = " ".join(condition) if isinstance(condition, list) else str(condition)
    patterns = [t for t in _TOKEN.findall(text) if t.lower() not in _WORDS]
    if "them" in patterns:
        patterns.append("[!_]*")
    for name in detection:
        if name in ("condition", "timeframe"):
            continue
        if not any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns):
            yield _finding(
                rule,
                f"detection.{name}",
                f"the detection {name!r} is not used by the condition; use it or remove it",
            )


def _logsource(rule: Rule) -> Iterator[Finding]:
    said = rule.logsource
    ours = {"msexchange-httpproxy", "msexchange-ecp", "msexchange-oabgenerator", "iis"}
    if said.product == "windows" and said.service and said.service not in known_services() | ours:
        text = f"no Windows channel is known for service {said.service!r}"
        yield _finding(rule, "logsource", f"{text}; see taxonomy.yml", "warning")


def _targets(rule: Rule, targets: Sequence[Backend]) -> Iterator[Finding]:
    for backend in targets:
        try:
            backend.compile(rule, Site())
        except Refused as refused:
            finding = _of_error(refused, "warning", rule.id)
            yield Finding(
                finding.file or str(rule.path),
                finding.line,
                "warning",
                rule.id,
                f"not for {backend.name}: {finding.text}",
            )

"""Rule files in, rules out: YAML, pySigma's parsing, filters applied, correlations resolved.

A file that is wrong does not stop the others: its errors, each with file, line and mend, are
returned beside the rules.
"""

from __future__ import annotations

import copy
import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml
from sigma.collection import SigmaCollection
from sigma.correlations import SigmaCorrelationRule
from sigma.exceptions import (
    SigmaConditionError,
    SigmaCorrelationRuleError,
    SigmaDetectionError,
    SigmaError,
    SigmaLogsourceError,
    SigmaModifierError,
    SigmaRegularExpressionError,
    SigmaRuleLocation,
    SigmaTypeError,
    SigmaValueError,
)
from sigma.filters import SigmaFilter
from sigma.modifiers import modifier_mapping, reverse_modifier_mapping
from sigma.rule import SigmaRule

from hafnium.errors import RuleError
from hafnium.rule import Rule

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass
class Loaded:
    """The rules in the order of their files, and what could not be loaded."""

    rules: list[Rule] = field(default_factory=list)
    errors: list[RuleError] = field(default_factory=list)

    @property
    def output(self) -> list[Rule]:
        """The rules that raise alerts of their own (not only for a correlation)."""
        return [rule for rule in self.rules if rule.output]


@dataclass
class _Document:
    path: Path
    data: dict[str, Any]
    lines: dict[str, int]


def load_rules(paths: Iterable[Path]) -> Loaded:
    """Load rule files; a folder stands for all ``*.yml`` and ``*.yaml`` below it, sorted."""
    loaded = Loaded()
    rules: list[Rule] = []
    filters: list[SigmaFilter] = []
    for path in _files(paths, loaded.errors):
        for document in _documents(path, loaded.errors):
            try:
                _parse(document, rules, filters)
            except RuleError as error:
                loaded.errors.append(error)
    _refuse_doubles(rules, loaded.errors)
    for rule in rules:
        _filter(rule, filters, loaded.errors)
    loaded.rules = _resolve(rules, loaded.errors)
    return loaded


def _files(paths: Iterable[Path], errors: list[RuleError]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            found = {f for ending in ("*.yml", "*.yaml") for f in path.rglob(ending)}
            yield from sorted(f for f in found if f.is_file())
        elif path.exists():
            yield path
        else:
            errors.append(RuleError("does not exist", file=path))


def _documents(path: Path, errors: list[RuleError]) -> Iterator[_Document]:
    try:
        text = path.read_text(encoding="utf-8")
        loader = _Loader(text)
        while loader.check_node():
            node = loader.get_node()
            lines = _key_lines(node, path)
            data = loader.construct_document(node)
            if not isinstance(data, dict):
                raise RuleError("is not a mapping with title, logsource and detection", file=path)
            yield _Document(path, data, lines)
    except RuleError as error:
        errors.append(error)
    except (OSError, UnicodeDecodeError) as error:
        errors.append(RuleError(f"cannot be read: {error}", file=path))
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or str(error)
        line = mark.line + 1 if mark else None
        errors.append(RuleError(f"is not valid YAML: {reason}", file=path, line=line))
    except RecursionError:
        errors.append(RuleError("is nested too deeply", file=path))


def _key_lines(node: yaml.Node, path: Path) -> dict[str, int]:
    """Lines of the top-level keys and, as ``detection.name``, of what stands below them."""
    lines: dict[str, int] = {}

    def walk(mapping: yaml.Node, prefix: str, depth: int) -> None:
        if not isinstance(mapping, yaml.MappingNode):
            return
        seen: set[str] = set()
        for key, value in mapping.value:
            name = str(key.value)
            line = key.start_mark.line + 1
            if name in seen:
                raise RuleError(
                    f"the key {name!r} stands twice in one mapping",
                    file=path,
                    line=line,
                    mend="rename one or join them; YAML keeps only the last",
                )
            seen.add(name)
            lines[prefix + name] = line
            if depth:
                walk(value, f"{prefix}{name}.", depth - 1)

    walk(node, "", 3)
    return lines


def _parse(document: _Document, rules: list[Rule], filters: list[SigmaFilter]) -> None:
    data = copy.deepcopy(document.data)
    source = SigmaRuleLocation(document.path)
    try:
        if "filter" in data:
            filters.append(SigmaFilter.from_dict(data, source=source))
            return
        if "action" in data:
            raise _error(document, "rule collections (action: …) are not part of Sigma 2", "action")
        if "correlation" in data:
            correlation = SigmaCorrelationRule.from_dict(data, source=source)
            rules.append(Rule(correlation, document.path, document.data, document.lines))
            return
        rule = SigmaRule.from_dict(data, source=source)
        for condition in rule.detection.parsed_condition:
            condition.parse()
    except SigmaError as error:
        raise _sigma_error(document, error) from error
    except (AttributeError, TypeError, KeyError, ValueError) as error:  # pySigma on odd shapes
        raise _error(document, f"is not a Sigma rule: {error}", "title") from error
    rules.append(Rule(rule, document.path, document.data, document.lines))


_PLACES = (
    (SigmaConditionError, "detection.condition"),
    (SigmaLogsourceError, "logsource"),
    (SigmaDetectionError, "detection"),
    (SigmaModifierError, "detection"),
    (SigmaRegularExpressionError, "detection"),
    (SigmaTypeError, "detection"),
    (SigmaValueError, "detection"),
    (SigmaCorrelationRuleError, "correlation"),
)


def _sigma_error(document: _Document, error: SigmaError) -> RuleError:
    """pySigma's error with the line that it is about and, where there is one, a near word."""
    reason = str(error).split("\n")[0]
    cut = reason.find(" in " + str(document.path))
    reason = reason[:cut] if cut > 0 else reason
    place = next((key for kind, key in _PLACES if isinstance(error, kind)), "title")
    unknown = _unknown_modifier(document)
    if isinstance(error, SigmaModifierError) and unknown:
        line, word = unknown
        near = difflib.get_close_matches(word, modifier_mapping, 1)
        mend = f"did you mean |{near[0]}?" if near else None
        return RuleError(reason, file=document.path, line=line, mend=mend)
    misused = _MISUSED.match(reason)
    if misused:
        name = reverse_modifier_mapping.get(misused["modifier"], misused["modifier"])
        reason = f"the modifier |{name} cannot be used with the value {misused['value']}"
        return _error(document, reason, place, "write a text in quotes, or use another modifier")
    return _error(document, reason, place)


_MISUSED = re.compile(r"Modifier (?P<modifier>\w+) incompatible to value type of (?P<value>.*)")


def _unknown_modifier(document: _Document) -> tuple[int, str] | None:
    """Line and word of the first modifier that Sigma does not have."""
    for name, line in document.lines.items():
        if name.startswith("detection."):
            for word in name.split("|")[1:]:
                if word.split(".")[0] not in modifier_mapping:
                    return line, word
    return None


def _error(document: _Document, reason: str, key: str, mend: str | None = None) -> RuleError:
    line = document.lines.get(key, min(document.lines.values(), default=1))
    return RuleError(reason, file=document.path, line=line, mend=mend)


def _refuse_doubles(rules: list[Rule], errors: list[RuleError]) -> None:
    """Drop a rule whose id another has: every artefact is keyed by it."""
    first: dict[str, Rule] = {}
    for rule in list(rules):
        known = first.setdefault(rule.id, rule)
        if known is not rule:
            rules.remove(rule)
            errors.append(
                RuleError(
                    f"has the id of {known.path}",
                    file=rule.path,
                    line=rule.line("id"),
                    mend="give it a new UUID",
                )
            )


def _filter(rule: Rule, filters: Sequence[SigmaFilter], errors: list[RuleError]) -> None:
    for one in filters:
        try:
            copy.deepcopy(one).apply_on_rule(rule.sigma)
        except SigmaError as error:
            errors.append(RuleError(f"a filter cannot be applied: {error}", file=rule.path))


def _resolve(rules: Sequence[Rule], errors: list[RuleError]) -> list[Rule]:
    """Give correlations the rules that they name; mark rules that only serve them."""
    correlations = [rule for rule in rules if rule.correlation]
    if not correlations:
        return list(rules)
    collection = SigmaCollection([rule.sigma for rule in rules], resolve_references=False)
    by_sigma = {id(rule.sigma): rule for rule in rules}
    resolved: dict[int, Rule] = {}
    silent: set[int] = set()
    for rule in correlations:
        assert rule.correlation is not None
        try:
            rule.correlation.resolve_rule_references(collection)
        except SigmaError as error:
            errors.append(
                RuleError(str(error), file=rule.path, line=rule.lines.get("correlation.rules"))
            )
            resolved[id(rule.sigma)] = rule
            continue
        named = [r.rule for r in rule.correlation.rules or rule.correlation.referenced_rules]
        resolved[id(rule.sigma)] = replace(
            rule, references=tuple(by_sigma[id(sigma)] for sigma in named)
        )
        if not rule.correlation.generate:
            silent.update(id(sigma) for sigma in named)
    failed = {key for key, rule in resolved.items() if not rule.references}
    return [
        replace(resolved.get(id(rule.sigma), rule), output=id(rule.sigma) not in silent)
        for rule in rules
        if id(rule.sigma) not in failed
    ]

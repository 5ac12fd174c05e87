"""The validators of pySigma and of SigmaHQ that are listed in ``validators.yml``, as questions.

None of them uses the network: those that load data are left out by the list.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sigma.validation import SigmaValidator
from sigma.validators.base import SigmaValidationIssue

from hafnium.data import load_data
from hafnium.rule import Rule


@functools.cache
def listed() -> Mapping[str, Any]:
    """``validators.yml``."""
    said = load_data(Path(__file__).with_name("validators.yml"))
    assert isinstance(said, dict)
    return said


def installed() -> Mapping[str, Mapping[str, type]]:
    """All validators that there are, by package and name."""
    from sigma.validators.core import validators as core
    from sigma.validators.sigmahq import validators as sigmahq

    return {"core": core, "sigmahq": sigmahq}


def issues(rules: Sequence[Rule]) -> Iterator[tuple[Rule, str]]:
    """What the validators say of rules: the rule, and the text of the issue."""
    there = installed()
    chosen = [there[package][name] for package, names in listed()["use"].items() for name in names]
    by_sigma = {id(rule.sigma): rule for rule in rules}
    every: list[Any] = [rule.sigma for rule in rules]  # typed for detections, takes any rule
    for issue in SigmaValidator(chosen).validate_rules(iter(every)):
        for sigma in issue.rules:
            if id(sigma) in by_sigma:
                yield by_sigma[id(sigma)], _text(issue)


def _text(issue: SigmaValidationIssue) -> str:
    """The issue's description with what it is about, and the validator's name."""
    values = {f.name: getattr(issue, f.name) for f in dataclasses.fields(issue)}
    about = [
        f"{name} {value}"
        for name, value in values.items()
        if name not in ("rules", "severity", "description") and isinstance(value, str | int)
    ]
    said = " ".join(str(issue.description).split()).rstrip(".")
    name = type(issue).__name__.removesuffix("Issue")
    return f"{said}{': ' if about else ''}{', '.join(about)} ({name})"

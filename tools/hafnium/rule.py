"""A loaded Sigma rule: pySigma's parsed form, with the file it came from."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sigma.correlations import SigmaCorrelationRule
from sigma.rule import SigmaRule

from hafnium.logsource import LogSource

LEVELS = ("informational", "low", "medium", "high", "critical")


@dataclass(frozen=True)
class Rule:
    """One rule, filters already applied.

    ``sigma`` must not be changed: pipelines mutate what they convert (trap B36), so a
    conversion starts from `fresh`. ``document`` is the rule's YAML as plain data.
    ``references`` are the rules that a correlation counts, in its order. ``output`` is False
    for a rule that only serves a correlation (Sigma's ``generate: false``).
    """

    sigma: SigmaRule | SigmaCorrelationRule
    path: Path
    document: Mapping[str, Any]
    lines: Mapping[str, int] = field(default_factory=dict)
    references: tuple[Rule, ...] = ()
    output: bool = True

    @property
    def id(self) -> str:
        return str(self.sigma.id) if self.sigma.id else self.name

    @property
    def name(self) -> str:
        """The file name without its ending; with several rules in a file, Sigma's ``name``."""
        return self.sigma.name or self.path.stem

    @property
    def title(self) -> str:
        return str(self.sigma.title)

    @property
    def level(self) -> str:
        return self.sigma.level.name.lower() if self.sigma.level else "medium"

    @property
    def version(self) -> str:
        """The rule's own ``version`` key; ``1`` when it has none."""
        return str(self.document.get("version", 1))

    @property
    def triage(self) -> tuple[str, ...]:
        """What an analyst does with a match, step by step, each on one line."""
        said = self.document.get("triage") or ()
        return tuple(
            " ".join(str(step).split()) for step in ([said] if isinstance(said, str) else said)
        )

    @property
    def correlation(self) -> SigmaCorrelationRule | None:
        return self.sigma if isinstance(self.sigma, SigmaCorrelationRule) else None

    @property
    def logsource(self) -> LogSource:
        """The rule's log source; an empty one for a correlation."""
        if isinstance(self.sigma, SigmaCorrelationRule):
            return LogSource()
        said = self.sigma.logsource
        return LogSource.from_map(
            {"category": said.category, "product": said.product, "service": said.service}
        )

    def fresh(self) -> SigmaRule:
        """A copy of a detection rule that a pipeline may change."""
        assert isinstance(self.sigma, SigmaRule), "a correlation is compiled from its references"
        return copy.deepcopy(self.sigma)

    def field_behind(self, name: str, index: int) -> str:
        """The field of base rule ``index`` that a correlation's group-by or counted ``name``
        stands for: what an alias says, else the name itself."""
        assert self.correlation is not None, "only a correlation has aliases"
        reference = self.references[index]
        for alias in self.correlation.aliases:
            if alias.alias == name:
                for base, field_name in alias.mapping.items():
                    if base.reference in (reference.name, reference.id):
                        return str(field_name)
        return name

    def line(self, key: str = "title") -> int | None:
        """The line of a top-level key (``detection``, ``logsource`` …) in the rule's file."""
        return self.lines.get(key, self.lines.get("title"))

"""Sigma's log source triple and when a rule's log source covers what an entry offers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LogSource:
    """Category, product and service, lower case; None is "not said"."""

    category: str | None = None
    product: str | None = None
    service: str | None = None

    def covers(self, other: LogSource) -> bool:
        """True when everything that this log source says holds for ``other``."""
        return (
            self.category in (None, other.category)
            and self.product in (None, other.product)
            and self.service in (None, other.service)
        )

    def __str__(self) -> str:
        said = {"product": self.product, "category": self.category, "service": self.service}
        return ", ".join(f"{k}: {v}" for k, v in said.items() if v) or "any"

    @classmethod
    def from_map(cls, said: Mapping[str, str | None]) -> LogSource:
        """From a mapping with the keys category, product, service; others are ignored."""
        parts = {k: said.get(k) for k in ("category", "product", "service")}
        return cls(**{k: v.lower() if isinstance(v, str) else None for k, v in parts.items()})

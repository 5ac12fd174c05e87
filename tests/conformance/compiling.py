"""Every rule of a corpus compiled for every target, ours and stock, and read by the parsers."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from conformance import corpus
from conformance.parsers import check
from hafnium.errors import Refused
from hafnium.rule import Rule
from hafnium.siem import Backend, Query, backends
from hafnium.site import Site
from stock.converter import convert

Counts = Counter[str]


@dataclass
class Table:
    """Queries by language, and what became of the rules: ``compiled``, ``refused``, and of the
    compiled ones ``rejected``."""

    counts: Counts = field(default_factory=Counter)
    texts: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    macros: dict[str, str] = field(default_factory=dict)

    def add(self, rule: Rule, language: str, text: str) -> None:
        self.counts["compiled"] += 1
        self.texts.setdefault(language, []).append((rule.path.name, text))

    def parse(self) -> list[tuple[str, str]]:
        """Names of the rules whose query a parser rejects, with its reason."""
        rejected = []
        for language, pairs in sorted(self.texts.items()):
            reasons = check(language, [text for _, text in pairs], self.macros)
            rejected += [
                (name, reason) for (name, _), reason in zip(pairs, reasons, strict=True) if reason
            ]
        self.counts["rejected"] = len(rejected)
        self.counts["compiled"] -= len(rejected)
        return rejected

    def row(self) -> str:
        return " | ".join(str(self.counts[kind]) for kind in ("compiled", "refused", "rejected"))


@dataclass
class Compiled:
    """A target's tables. ``near`` counts the Windows and web rules only."""

    ours: Table = field(default_factory=Table)
    stock: Table = field(default_factory=Table)
    near: Counts = field(default_factory=Counter)
    reasons: Counts = field(default_factory=Counter)
    rejected: list[tuple[str, str]] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def share(self) -> float:
        """Per cent of the Windows and web rules that compiled."""
        return 100 * self.near["compiled"] / max(1, self.near.total())


def compiled(backend: Backend, rules: Sequence[Rule]) -> Compiled:
    """Compile every rule both ways and parse every query."""
    said = Compiled()
    begin = time.perf_counter()
    queries = [_ours(said, rule, lambda r: backend.compile(r, Site())) for rule in rules]
    said.seconds = time.perf_counter() - begin
    for query in queries:
        if query:
            said.ours.add(query.rule, query.language, query.text)
            said.ours.macros.update(query.context.get("macros", {}))
    said.rejected = said.ours.parse()
    for rule in rules:
        try:
            said.stock.add(rule, *convert(backend.name, rule))
        except Exception:  # whatever it raises, the rule was refused
            said.stock.counts["refused"] += 1
    said.stock.parse()
    return said


def _ours(said: Compiled, rule: Rule, compile_rule: Callable[[Rule], Query]) -> Query | None:
    near = _is_windows_or_web(rule)
    try:
        query = compile_rule(rule)
    except Refused as refused:
        said.ours.counts["refused"] += 1
        said.near["refused"] += near
        said.reasons[refused.reason] += 1
        return None
    said.near["compiled"] += near
    return query


def _is_windows_or_web(rule: Rule) -> bool:
    said = rule.logsource
    return said.product == "windows" or said.category in ("webserver", "proxy", "antivirus")


def corpus_counts(data: Path) -> dict[str, dict[str, dict[str, int]]]:
    """Target → ``ours`` and ``stock`` → counts, for the rules below ``data``."""
    with tempfile.TemporaryDirectory() as scratch:
        rules = corpus.rules(data, Path(scratch)).rules
        tables = {name: compiled(backend, rules) for name, backend in backends().items()}
    return {
        name: {"ours": dict(said.ours.counts), "stock": dict(said.stock.counts)}
        for name, said in tables.items()
    }

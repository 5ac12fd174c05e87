"""From rules to what SIEMs import: ``<out>/<target>/…``, ``docs/`` and ``manifest.json`` beside.

Two builds of the same rules are byte-identical: no clock, no machine, one order.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hafnium import __version__
from hafnium.errors import Refused, UsageError
from hafnium.pages import pages, write
from hafnium.rule import Rule
from hafnium.siem import Backend, Pack, Query
from hafnium.site import Site

MANIFEST = "manifest.json"
DOCS = "docs"


@dataclass
class Built:
    """What a build made; ``refused`` by target."""

    queries: list[Query] = field(default_factory=list)
    refused: dict[str, list[tuple[Rule, Refused]]] = field(default_factory=dict)

    def results(self, rules: Sequence[Rule]) -> dict[str, dict[str, Query | Refused]]:
        """Rule id → target → what became of the rule there."""
        found: dict[str, dict[str, Query | Refused]] = {rule.id: {} for rule in rules}
        for query in self.queries:
            found[query.rule.id][query.target] = query
        for target, rows in self.refused.items():
            for rule, refused in rows:
                found[rule.id][target] = refused
        return found


def compile_all(rules: Sequence[Rule], backend: Backend, site: Site, built: Built) -> list[Query]:
    """Compile every rule for one target; what is refused is kept with its reason."""
    queries = []
    for rule in rules:
        if not rule.output:
            continue
        try:
            queries.append(backend.compile(rule, site))
        except Refused as refused:
            built.refused.setdefault(backend.name, []).append((rule, refused))
    built.queries += queries
    return queries


def build(rules: Sequence[Rule], targets: Sequence[Backend], site: Site, out: Path) -> Built:
    """Compile and package for the targets. Files of an earlier build in ``out`` are removed;
    nothing else there is touched. Raises `UsageError` when ``out`` cannot be written."""
    built = Built()
    try:
        _clear(out)
        for backend in targets:
            backend.check_site(site)
            folder = out / backend.name
            folder.mkdir(parents=True, exist_ok=True)
            queries = compile_all(rules, backend, site, built)
            _write_queries(backend, queries, folder / "queries")
            backend.package(Pack(__version__, queries, site), folder)
        write(pages(rules, built.results(rules), file_stems(rules)), out / DOCS)
        _write_manifest(built, targets, out)
    except OSError as error:
        raise UsageError(f"cannot be written: {error}", file=out) from error
    return built


def query_text(backend: Backend, query: Query) -> str:
    """A query file: who it is, then the text that the SIEM runs."""
    rule = query.rule
    head = [f"{rule.title}", f"id {rule.id}, version {rule.version}, level {rule.level}"]
    head += [f"note: {note}" for note in query.notes]
    return f"{backend.comment(query.language, head)}\n{query.text}\n"


def file_stems(rules: Sequence[Rule]) -> dict[str, str]:
    """Rule id → the stem of its query files: the rule's file name, made unique."""
    stems: dict[str, str] = {}
    taken: set[str] = set()
    for rule in rules:
        stem = rule.path.stem
        if stem in taken:
            stem = f"{stem}_{rule.id}"
        taken.add(stem)
        stems[rule.id] = stem
    return stems


def _write_queries(backend: Backend, queries: Sequence[Query], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    stems = file_stems([query.rule for query in queries])
    for query in queries:
        file = folder / f"{stems[query.rule.id]}.{backend.extensions[query.language]}"
        file.write_text(query_text(backend, query), encoding="utf-8", newline="\n")


def _write_manifest(built: Built, targets: Sequence[Backend], out: Path) -> None:
    manifest = {
        "name": "hafnium-detections",
        "version": __version__,
        "queries": [row for backend in targets for row in _query_rows(built, backend, out)],
        "refused": [
            {"rule": rule.id, "title": rule.title, "target": target, "reason": refused.reason}
            for target, rows in sorted(built.refused.items())
            for rule, refused in rows
        ],
        "files": {
            file.relative_to(out).as_posix(): _sha256(file)
            for folder in (DOCS, *(backend.name for backend in targets))
            for file in sorted((out / folder).rglob("*"))
            if file.is_file()
        },
    }
    text = json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False)
    (out / MANIFEST).write_text(text + "\n", encoding="utf-8", newline="\n")


def _query_rows(built: Built, backend: Backend, out: Path) -> list[dict[str, Any]]:
    queries = [query for query in built.queries if query.target == backend.name]
    stems = file_stems([query.rule for query in queries])
    rows = []
    for query in queries:
        name = f"{stems[query.rule.id]}.{backend.extensions[query.language]}"
        file = out / backend.name / "queries" / name
        rows.append(
            {
                "rule": query.rule.id,
                "title": query.rule.title,
                "version": query.rule.version,
                "level": query.rule.level,
                "target": query.target,
                "language": query.language,
                "data_sources": list(query.sources),
                "needs": list(query.needs),
                "notes": list(query.notes),
                "triage": list(query.rule.triage),
                "file": file.relative_to(out).as_posix(),
                "sha256": _sha256(file),
            }
        )
    return rows


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _clear(out: Path) -> None:
    """Remove the files that the manifest of an earlier build lists, and nothing else."""
    try:
        listed = json.loads((out / MANIFEST).read_text(encoding="utf-8"))["files"]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return
    root = out.resolve()
    for name in listed:
        file = (out / str(name)).resolve()
        if root in file.parents and file.is_file():
            file.unlink()

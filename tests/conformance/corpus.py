"""The corpus: an archive of public rules, and recorded cases for some of them."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from hafnium.entries import Entry
from hafnium.loading import Loaded, load_rules
from hafnium.readers import read


@dataclass(frozen=True)
class Case:
    """A recorded case: the rule's id, its events, and how many of them must match."""

    name: str
    rule_id: str
    count: int
    entries: tuple[Entry, ...]


def rules(data: Path, scratch: Path) -> Loaded:
    """All rules of ``rules.tar.gz``, unpacked into ``scratch``."""
    with tarfile.open(data / "rules.tar.gz") as archive:
        archive.extractall(scratch, filter="data")
    return load_rules([scratch])


def cases(data: Path) -> Iterator[Case]:
    """The recorded cases, with stale counts put right by ``exceptions.yml``."""
    exceptions = yaml.safe_load(Path(__file__).with_name("exceptions.yml").read_text())
    for info in sorted((data / "regression").glob("*/info.yml")):
        said = yaml.safe_load(info.read_text(encoding="utf-8"))
        for rule, test in zip(said["rule_metadata"], said["regression_tests_info"], strict=True):
            log = info.parent / Path(test["path"]).name
            entries = tuple(read([log], problem=_raise, notice=_refuse))
            count = exceptions.get(rule["id"], {}).get("count", test.get("match_count", 1))
            yield Case(info.parent.name, rule["id"], count, entries)


def _raise(error: Exception) -> None:
    raise error


def _refuse(text: str) -> None:
    raise AssertionError(text)

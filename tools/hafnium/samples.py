"""Sample scenarios: raw logs with what every rule must say of them (``expected.yml``).

    title: ProxyLogon chain on an Exchange 2016 server, Sysmon installed
    host: mail01                      # for text logs that do not name their host
    expect:
      - {source: W3SVC1/u_ex210303.log, line: 9, rules: [web_exchange_ecp_static_post]}
      - {correlation: exchange_proxylogon_chain, sources: [{source: ..., line: 3}, ...]}
    near:
      - {source: W3SVC1/u_ex210303.log, line: 10, rules: [...], why: the same with GET}

A rule is named by its id, its file name without the ending, or its Sigma ``name``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from hafnium.data import load_data
from hafnium.entries import Entry
from hafnium.errors import ReadError
from hafnium.readers import read
from hafnium.rule import Rule

Place = tuple[str, int]
"""Source, as ``scenario/path in its folder``, and line."""


@dataclass
class Scenario:
    """``expect`` and ``near``: rule id → places. ``episodes``: rule id → sets of places."""

    folder: Path
    title: str
    host: str | None
    expect: dict[str, set[Place]] = field(default_factory=dict)
    near: dict[str, set[Place]] = field(default_factory=dict)
    episodes: dict[str, list[frozenset[Place]]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.folder.name

    def entries(self) -> list[Entry]:
        """All entries of the scenario. Raises `ReadError` for a log that cannot be read: a
        sample that is not read proves nothing."""
        logs = sorted(p for p in self.folder.rglob("*") if p.is_file())
        return list(
            read(
                [p for p in logs if p.name not in ("expected.yml", "README.md")],
                host=self.host,
                problem=_raise,
                notice=lambda text: _raise(ReadError(text)),
            )
        )

    def place(self, entry: Entry) -> Place:
        source = Path(entry.source).relative_to(self.folder).as_posix()
        return f"{self.name}/{source}", entry.position


def all_entries(folder: Path, rules: Sequence[Rule]) -> list[Entry]:
    """The entries of all scenarios below a folder. Raises `ReadError`."""
    return [entry for one in scenarios(folder.resolve(), rules) for entry in one.entries()]


def _raise(error: ReadError) -> None:
    raise error


def scenarios(folder: Path, rules: Sequence[Rule]) -> Iterator[Scenario]:
    """All scenarios below a folder, in the order of their names. Raises `ReadError`."""
    names = {key: rule.id for rule in rules for key in (rule.id, rule.path.stem, rule.name)}
    files = sorted(folder.glob("*/expected.yml")) or sorted(folder.glob("expected.yml"))
    if not files:
        raise ReadError("holds no scenario (a folder with expected.yml)", file=folder)
    for file in files:
        yield _scenario(file, names)


_KEYS = {"title", "host", "expect", "near"}
_MEND = "write title, host, expect and near"


def _scenario(file: Path, names: Mapping[str, str]) -> Scenario:
    try:
        said = load_data(file)
        if unknown := sorted(set(said) - _KEYS):
            raise ReadError(f"has {', '.join(unknown)}, which nothing reads", file=file, mend=_MEND)
        scenario = Scenario(file.parent, said["title"], said.get("host"))
        for row in said.get("expect") or ():
            if "correlation" in row:
                places = frozenset(_place(file, source) for source in row["sources"])
                rule = _rule(file, names, row["correlation"])
                scenario.episodes.setdefault(rule, []).append(places)
            else:
                _add(scenario.expect, file, names, row)
        for row in said.get("near") or ():
            _add(scenario.near, file, names, row)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ReadError(f"cannot be read: {' '.join(str(error).split())}", file=file) from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ReadError(
            f"is not of the form of expected.yml: {error!r}", file=file, mend="see the README"
        ) from error
    return scenario


def _add(
    into: dict[str, set[Place]], file: Path, names: Mapping[str, str], row: Mapping[str, Any]
) -> None:
    for rule in row["rules"]:
        into.setdefault(_rule(file, names, rule), set()).add(_place(file, row))


def _place(file: Path, row: Mapping[str, Any]) -> Place:
    return f"{file.parent.name}/{row['source']}", int(row["line"])


def _rule(file: Path, names: Mapping[str, str], said: str) -> str:
    """The id of a rule. A name that the pack does not have is an error in the sample."""
    if said not in names:
        raise ReadError(f"names the rule {said!r}, which does not exist", file=file)
    return names[said]

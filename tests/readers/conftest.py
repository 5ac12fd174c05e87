"""`reading` runs the readers and keeps everything that they said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hafnium.entries import Entry
from hafnium.errors import ReadError
from hafnium.readers import read


@dataclass
class Reading:
    entries: list[Entry] = field(default_factory=list)
    problems: list[ReadError] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    @property
    def positions(self) -> list[int]:
        return [entry.position for entry in self.entries]

    def values(self, name: str) -> list[object]:
        return [entry.fields.get(name) for entry in self.entries]

    @property
    def only(self) -> Entry:
        (entry,) = self.entries
        assert not self.problems
        return entry


@pytest.fixture
def reading() -> Callable[..., Reading]:
    def run(*paths: Path | str, **options: object) -> Reading:
        found = Reading()
        entries = read(
            paths,
            problem=found.problems.append,
            notice=found.notices.append,
            **options,  # type: ignore[arg-type]
        )
        found.entries.extend(entries)
        return found

    return run


@pytest.fixture
def log_of(tmp_path: Path, reading: Callable[..., Reading]) -> Callable[..., Reading]:
    """Reads one file with the given content; text is written as UTF-8."""

    def run(content: str | bytes, name: str = "some.file", **options: object) -> Reading:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return reading(file, **options)

    return run

"""The binder as a process of Node that answers one query after the other."""

from __future__ import annotations

import contextlib
import json
import subprocess
import weakref
from collections.abc import Sequence
from pathlib import Path

from hafnium.backends.sentinel.tables import columns, tables
from hafnium.errors import EngineError
from hafnium.siem import Query


class Binder:
    """A process of the binder, with the schemas of all tables."""

    def __init__(self, folder: Path) -> None:
        script = Path(__file__).with_name("check.cjs")
        self._process = subprocess.Popen(
            ["node", str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        weakref.finalize(self, _end, self._process)
        self._say({"folder": str(folder), "tables": {name: _schema(name) for name in tables()}})

    def search(self, query: Query) -> Sequence[tuple[int, ...]]:
        """Nothing, when the query is accepted. Raises `EngineError` when it is not."""
        found = self.diagnostics(query.text)
        if found:
            raise EngineError(f"the KQL binder: {'; '.join(found)}", file=query.rule.path)
        return ()

    def diagnostics(self, text: str) -> list[str]:
        """The errors and warnings for a query. Raises `EngineError` when the binder breaks."""
        self._say(text)
        assert self._process.stdout is not None
        answer = self._process.stdout.readline()
        if not answer:
            assert self._process.stderr is not None
            said = self._process.stderr.read().strip() or "it ended"
            raise EngineError(f"the KQL binder broke: {said}")
        found: list[str] = json.loads(answer)
        return found

    def _say(self, value: object) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # it has ended: the missing answer tells why
            self._process.stdin.write(json.dumps(value) + "\n")
            self._process.stdin.flush()


def _schema(table: str) -> str:
    return "(" + ", ".join(f"['{name}']:{kind}" for name, kind in columns(table).items()) + ")"


def _end(process: subprocess.Popen[str]) -> None:
    """Without input the process ends by itself."""
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
    process.wait()

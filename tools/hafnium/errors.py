"""Every error a user can meet: what is wrong, in which file and line, and how to mend it."""

from __future__ import annotations

from pathlib import Path


class HafniumError(Exception):
    """Base of all errors. ``str()`` is one line: ``file:line: reason; mend``."""

    def __init__(
        self,
        reason: str,
        *,
        file: str | Path | None = None,
        line: int | None = None,
        mend: str | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.file = None if file is None else str(file)
        self.line = line
        self.mend = mend

    def __str__(self) -> str:
        place = self.file or ""
        if place and self.line is not None:
            place += f":{self.line}"
        text = f"{place}: {self.reason}" if place else self.reason
        if self.mend:
            text += f"; {self.mend}"
        return " ".join(text.split())


class UsageError(HafniumError):
    """The command was called in a way that cannot work (exit status 2)."""


class RuleError(HafniumError):
    """A rule file that is not valid Sigma or says something that cannot be meant."""


class ReadError(HafniumError):
    """Some input that could not be read; the rest of the work goes on (exit status 3)."""


class SiteError(UsageError):
    """A site file that names something that does not exist."""


class Refused(HafniumError):
    """A rule that a target cannot express exactly. Never dropped silently: always reported."""


class EngineError(HafniumError):
    """An engine met query text or a record that it does not understand; it never guesses."""

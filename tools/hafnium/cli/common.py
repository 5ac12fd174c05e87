"""What the verbs share: options, the pack's own folders, messages on standard error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

import hafnium
from hafnium.errors import HafniumError, Refused
from hafnium.loading import Loaded, load_rules
from hafnium.siem import Backend, backend, backends

HOUSE = Path(hafnium.__file__).parent
"""Where the pack's own rules and samples are, in a checkout and in an installed wheel."""

Option = Callable[[Callable[..., Any]], Callable[..., Any]]

rules_option: Option = click.option(
    "--rules",
    "rules_path",
    type=click.Path(path_type=Path),
    default=None,
    metavar="DIR",
    help="Sigma rules, a file or a folder.  [default: the pack's own]",
)


def load(rules_path: Path | None) -> Loaded:
    """The rules; each broken rule is named on standard error."""
    loaded = load_rules([rules_path or (HOUSE / "rules").resolve()])
    for error in loaded.errors:
        complain(error)
    return loaded


def complain(error: HafniumError) -> None:
    """One line on standard error."""
    click.echo(f"hafnium: {error}", err=True)


def chosen(targets: Sequence[str]) -> list[Backend]:
    """The targets asked for, each once; all when none is asked for."""
    return [backend(name) for name in dict.fromkeys(targets)] or list(backends().values())


def by_reason(refused: Sequence[Refused]) -> list[str]:
    """``count  reason`` lines, the most frequent first; a single one keeps its place."""
    reasons: dict[str, list[Refused]] = {}
    for error in refused:
        reasons.setdefault(error.reason, []).append(error)
    ordered = sorted(reasons.items(), key=lambda item: (-len(item[1]), item[0]))
    return [
        f"  {errors[0]}" if len(errors) == 1 else f"  {len(errors)} rules: {reason}"
        for reason, errors in ordered
    ]

"""``hafnium check``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from hafnium.cli.common import HOUSE, rules_option
from hafnium.lint import lint
from hafnium.loading import load_rules
from hafnium.samples import scenarios
from hafnium.siem import backends


@click.command(name="check")
@rules_option
@click.option(
    "--samples",
    type=click.Path(path_type=Path),
    default=None,
    metavar="DIR",
    help="Scenarios that must prove each rule.  [default: the pack's own, for its own rules]",
)
def command(rules_path: Path | None, samples: Path | None) -> None:
    """Lint rules; exit with 1 when a rule has an error."""
    loaded = load_rules([rules_path or (HOUSE / "rules").resolve()])
    ours = rules_path is None
    folder = samples or (HOUSE / "samples" if ours else None)
    proof = list(scenarios(folder.resolve(), loaded.rules)) if folder else []
    findings = lint(loaded, list(backends().values()), ours, proof)
    for finding in findings:
        click.echo(finding)
    errors = sum(finding.severity == "error" for finding in findings)
    click.echo(
        f"{len(loaded.rules)} rules: {errors} errors, {len(findings) - errors} warnings", err=True
    )
    if errors:
        sys.exit(1)

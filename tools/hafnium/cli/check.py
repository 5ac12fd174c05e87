"""``hafnium check``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from hafnium.cli.common import HOUSE, rules_option
from hafnium.lint import lint
from hafnium.loading import load_rules
from hafnium.siem import backends


@click.command(name="check")
@rules_option
def command(rules_path: Path | None) -> None:
    """Lint rules; exit with 1 when a rule has an error."""
    loaded = load_rules([rules_path or (HOUSE / "rules").resolve()])
    findings = lint(loaded, list(backends().values()))
    for finding in findings:
        click.echo(finding)
    errors = sum(finding.severity == "error" for finding in findings)
    click.echo(
        f"{len(loaded.rules)} rules: {errors} errors, {len(findings) - errors} warnings", err=True
    )
    if errors:
        sys.exit(1)

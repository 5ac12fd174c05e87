"""``hafnium build``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from hafnium.build import build
from hafnium.cli.common import by_reason, chosen, load, rules_option
from hafnium.siem import backends
from hafnium.site import Site, load_site


@click.command(name="build")
@rules_option
@click.option("--target", "targets", multiple=True, metavar="T", help="A SIEM.  [default: all]")
@click.option("--site", "site_file", type=click.Path(path_type=Path), metavar="FILE")
@click.option("--out", type=click.Path(path_type=Path), default=Path("dist"), show_default=True)
def command(
    rules_path: Path | None, targets: tuple[str, ...], site_file: Path | None, out: Path
) -> None:
    """Compile and package the rules for the SIEMs."""
    chosen_targets = chosen(targets)
    site = load_site(site_file, backends()) if site_file else Site()
    for backend in chosen_targets:
        backend.check_site(site)
    loaded = load(rules_path)
    built = build(loaded.rules, chosen_targets, site, out)
    for backend in chosen_targets:
        count = sum(query.target == backend.name for query in built.queries)
        refused = [error for _, error in built.refused.get(backend.name, [])]
        click.echo(f"{backend.name}: {count} queries in {out / backend.name}")
        if refused:
            click.echo(f"{backend.name}: {len(refused)} rules refused", err=True)
            for line in by_reason(refused):
                click.echo(line, err=True)
    if loaded.errors:
        sys.exit(2)

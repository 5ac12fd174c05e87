"""``hafnium show``."""

from __future__ import annotations

from pathlib import Path

import click

from hafnium.build import query_text
from hafnium.cli.common import chosen, complain, load, rules_option
from hafnium.errors import Refused, UsageError
from hafnium.rule import Rule
from hafnium.siem import backends
from hafnium.site import Site, load_site


@click.command(name="show")
@click.argument("rule_name", metavar="RULE")
@rules_option
@click.option("--target", "targets", multiple=True, metavar="T", help="A SIEM.  [default: all]")
@click.option("--site", "site_file", type=click.Path(path_type=Path), metavar="FILE")
def command(
    rule_name: str, rules_path: Path | None, targets: tuple[str, ...], site_file: Path | None
) -> None:
    """Print the compiled queries of RULE: an id, a file name or a title."""
    site = load_site(site_file, backends()) if site_file else Site()
    rule = _find(load(rules_path).rules, rule_name)
    for backend in chosen(targets):
        backend.check_site(site)
        try:
            query = backend.compile(rule, site)
        except Refused as refused:
            complain(refused)
            continue
        click.echo(query_text(backend, query))


def _find(rules: list[Rule], name: str) -> Rule:
    stem = Path(name).stem if name.endswith((".yml", ".yaml")) else name
    for rule in rules:
        if name in (rule.id, rule.name, rule.title) or stem == rule.path.stem:
            return rule
    raise UsageError(f"no rule {name!r}", mend="name it by its id, file name or title")

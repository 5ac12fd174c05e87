"""``hafnium hunt``."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from hafnium.cli.common import by_reason, complain, load, rules_option
from hafnium.engines import missing
from hafnium.entries import Entry
from hafnium.errors import UsageError
from hafnium.hunt import FORMATS, Hunt, hunt, render, summary
from hafnium.rule import LEVELS, Rule


@click.command(name="hunt")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH…")
@rules_option
@click.option("--engine", default="sigma", show_default=True, metavar="E")
@click.option(
    "--level", type=click.Choice(LEVELS), default=LEVELS[0], show_default=True, help="The least."
)
@click.option("--format", "form", type=click.Choice(FORMATS), default="table", show_default=True)
@click.option("--host", help="Host name for logs that do not name theirs.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE")
def command(
    paths: tuple[Path, ...],
    rules_path: Path | None,
    engine: str,
    level: str,
    form: str,
    host: str | None,
    out: Path | None,
) -> None:
    """Find matches in raw logs: files, folders, .gz and .zip."""
    absent = missing(engine)
    if absent is not None:
        raise UsageError(f"the engine {engine} cannot run here: {absent}")
    loaded = load(rules_path)
    result = _run(paths, loaded.rules, engine=engine, level=level, host=host)
    text = render(result.matches, form)
    if out:
        try:
            out.write_text(text, encoding="utf-8", newline="\n")
        except OSError as error:
            raise UsageError(f"cannot be written: {error}", file=out) from error
    else:
        sys.stdout.buffer.write(text.encode("utf-8", "replace"))
        sys.stdout.flush()
    for problem in (*result.unread, *result.broken):
        complain(problem)
    if result.refused:
        click.echo(f"hafnium: {len(result.refused)} rules cannot run in {engine}:", err=True)
        for line in by_reason(result.refused):
            click.echo(line, err=True)
    click.echo(summary(result, loaded.rules), err=True)
    if loaded.errors:
        sys.exit(2)
    if result.unread:
        sys.exit(3)
    if result.broken:
        sys.exit(1)


def _run(
    paths: tuple[Path, ...], rules: list[Rule], *, engine: str, level: str, host: str | None
) -> Hunt:
    """Hunt, with a progress line when standard error is a terminal."""

    def notice(text: str) -> None:
        click.echo(f"hafnium: {text}", err=True)

    console = Console(stderr=True)
    if not console.is_terminal:
        return hunt(paths, rules, engine=engine, level=level, host=host, notice=notice)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("reading")
        seen = 0

        def step(entry: Entry) -> None:
            nonlocal seen
            seen += 1
            if seen % 5000 == 0:
                progress.update(task, description=f"{seen:,} entries, {entry.source}")

        return hunt(paths, rules, engine=engine, level=level, host=host, notice=notice, step=step)

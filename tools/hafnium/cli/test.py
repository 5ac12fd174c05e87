"""``hafnium test``."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from hafnium.cli.common import HOUSE, complain, load, rules_option
from hafnium.engines import check_name, engine_names
from hafnium.errors import ReadError
from hafnium.junit import junit
from hafnium.rule import Rule
from hafnium.samples import Scenario, scenarios
from hafnium.verify import Report, verify


@click.command(name="test")
@rules_option
@click.option(
    "--samples",
    type=click.Path(path_type=Path),
    default=None,
    metavar="DIR",
    help="Scenarios.  [default: the pack's own]",
)
@click.option(
    "--engine",
    "engines",
    multiple=True,
    metavar="E",
    help="An engine.  [default: all that need not be installed]",
)
@click.option("--mutations", is_flag=True, help="Also mutate what the rules match; see docs.")
@click.option("--junit", "junit_file", type=click.Path(path_type=Path), metavar="FILE")
def command(
    rules_path: Path | None,
    samples: Path | None,
    engines: tuple[str, ...],
    mutations: bool,
    junit_file: Path | None,
) -> None:
    """Run all rules over all samples in all engines; any difference fails.

    An engine that is not installed is skipped, by name.
    """
    names = list(dict.fromkeys(engines)) or engine_names()
    for name in names:
        check_name(name)
    loaded = load(rules_path)
    found: list[Scenario] = list(scenarios((samples or HOUSE / "samples").resolve(), loaded.rules))
    report = _run(loaded.rules, found, names)
    click.echo(matrix(report), nl=False)
    for line in not_run(report):
        click.echo(f"not run: {line}")
    for name, reason in report.skipped.items():
        click.echo(f"skipped: {name}: {reason}")
    for difference in report.differences:
        click.echo(f"difference: {difference}")
    click.echo(totals(report))
    problems = _mutate(loaded.rules, found) if mutations else 0
    if junit_file:
        try:
            junit_file.write_text(junit(report), encoding="utf-8")
        except OSError as error:
            complain(ReadError(f"cannot be written: {error}", file=junit_file))
            sys.exit(2)
    if loaded.errors:
        sys.exit(2)
    if report.differences or problems:
        sys.exit(1)


def _mutate(rules: list[Rule], found: list[Scenario]) -> int:
    """Print what the rules say of mutated entries; the number of problems."""
    from hafnium.evasion import try_all
    from hafnium.evasionpage import score

    trial = try_all(rules, (entry for scenario in found for entry in scenario.entries()))
    for rule in trial.rules:
        outcomes = trial.of(rule)
        lost = [outcome.mutation for outcome in outcomes if outcome.escaped]
        click.echo(f"{rule.name}: {score(outcomes)} {', '.join(lost)}".rstrip())
    problems = list(trial.problems())
    for problem in problems:
        click.echo(f"mutation: {problem}")
    click.echo(f"mutations survived: {score(trial.outcomes)}, {len(problems)} problems")
    return len(problems)


def _run(rules: list[Rule], found: list[Scenario], names: list[str]) -> Report:
    """Verify, with a progress bar when standard error is a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        return verify(rules, found, names)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=len(names) + 1)

        def step(what: str) -> None:
            progress.update(task, advance=1, description=what)

        return verify(rules, found, names, step)


def matrix(report: Report) -> str:
    """Rule × engine; a cell is ``positives/near misses/others``, with ``!n`` differences, or
    ``read`` for an engine that accepts the query and runs none."""
    rows = [["rule", *report.engines]]
    for rule in report.rules:
        if not rule.output:
            continue
        row = [rule.name]
        for engine in report.engines:
            cell = report.cell(rule.id, engine)
            text = "read" if cell.read else f"{cell.positives}/{cell.near}/{cell.others}"
            text = "refused" if cell.refused else "not run" if cell.declined else text
            row.append(text + (f" !{cell.wrong}" if cell.wrong else ""))
        rows.append(row)
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ("  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in rows)
    return "\n".join(lines) + "\n"


def not_run(report: Report) -> list[str]:
    """What a real engine cannot take at all, with its reason."""
    cells = ((rule, engine) for engine in report.engines for rule in report.rules)
    return [
        f"{engine}: {rule.name}: {report.cell(rule.id, engine).declined}"
        for rule, engine in cells
        if report.cell(rule.id, engine).declined
    ]


def totals(report: Report) -> str:
    """The last line: what was run and what differs."""
    kinds = {"missing": 0, "unexpected": 0, "refused": 0, "broken": 0}
    expected = dict(kinds)
    for difference in report.differences:
        (expected if difference.engine == "sigma" else kinds)[difference.kind] += 1
    rules = sum(rule.output for rule in report.rules)
    return (
        f"{rules} rules in {len(report.engines)} engines: "
        f"{sum(kinds.values())} differences between an engine and the matcher, "
        f"{expected['missing']} missing, {expected['unexpected']} unexpected"
    )

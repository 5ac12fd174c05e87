"""The command ``hafnium``: one module per verb, loaded when the verb is called.

Exit status: 0 done, 1 check or test found something wrong, 2 wrong use or a broken rule or
site file, 3 some input could not be read.
"""

from __future__ import annotations

import importlib
import sys

import click

from hafnium import __version__
from hafnium.errors import HafniumError, ReadError

VERBS = {
    "check": "Lint rules: every finding with file, line and how to mend it.",
    "build": "Compile and package the rules for the SIEMs.",
    "show": "Print the compiled queries of a rule.",
    "test": "Run all rules over all samples in all engines and compare.",
    "hunt": "Find matches in raw logs.",
}


class _Verbs(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        command = importlib.import_module(f"hafnium.cli.{name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="hafnium")
def group() -> None:
    """Proven detections for the Hafnium / ProxyLogon intrusions."""


def main() -> None:
    """Entry point of the command: errors become one line and an exit status."""
    try:
        code = group.main(standalone_mode=False)
    except HafniumError as error:
        click.echo(f"hafnium: {error}", err=True)
        code = 3 if isinstance(error, ReadError) else 2
    except click.ClickException as error:
        error.show()
        code = 2
    except (click.Abort, KeyboardInterrupt):
        click.echo("hafnium: interrupted", err=True)
        code = 130
    except BrokenPipeError:
        sys.stderr.close()
        code = 0
    sys.exit(code if isinstance(code, int) else 0)

"""Mutations of the paths that stand in command lines.

Programs hand a path to Windows, which takes ``/`` for ``\\``, several separators for one, dots,
8.3 names and ``\\\\?\\``. Only the log of a command line shows what was typed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from hafnium.mutations.commandline import Command, rewriting
from hafnium.mutations.mutant import Mutation
from hafnium.mutations.paths import SCRIPTS, shortened

_PATH = re.compile(r"(?<![\w\\/])[A-Za-z]:[\\/][^\"'&|<>,;\s]*|\"[A-Za-z]:[\\/][^\"]*\"")
_OWN_SWITCHES = frozenset(
    {
        *("attrib", "expand", "findstr", "makecab", "net", "net1", "robocopy", "xcopy"),
        *("msiexec", "regsvr32", "rundll32"),
    }
)
"""Programs that read ``/`` inside a word as a switch, or load what they are given as a library."""


def _paths(command: Command, change: Callable[[str], str]) -> str:
    """The command line with every path in it changed, but for the program's own."""
    start = re.match(r'\s*(?:"[^"]*"|\S+)', command.text)
    head = start.end() if start else 0
    return command.text[:head] + _PATH.sub(lambda m: change(m[0]), command.text[head:])


@rewriting
def slashes_in_paths(command: Command) -> Iterator[str]:
    """Windows takes / for \\ in a path; cmd.exe's own commands take it inside quotes."""
    if command.program in _OWN_SWITCHES:
        return
    if command.shell:
        yield _paths(command, lambda p: p.replace("\\", "/") if p[0] == '"' else p)
    else:
        yield _paths(command, lambda p: p.replace("\\", "/"))


@rewriting
def doubled_separators(command: Command) -> Iterator[str]:
    """Windows takes several backslashes in a path for one."""
    yield _paths(command, lambda p: re.sub(r"\\+", r"\\\\", p))


@rewriting
def dot_segments(command: Command) -> Iterator[str]:
    """Windows resolves dots in a path."""
    yield _paths(command, lambda p: re.sub(r"(?<=\w)\\(?=[^\\.])", r"\\.\\", p))
    yield _paths(command, lambda p: re.sub(r"^(\"?[A-Za-z]:\\)", r"\1PerfLogs\\..\\", p))


@rewriting
def short_names_in_paths(command: Command) -> Iterator[str]:
    """Windows keeps an 8.3 name for every long folder name on the system volume."""
    yield _paths(command, shortened)


@rewriting
def extended_paths(command: Command) -> Iterator[str]:
    """Windows opens \\\\?\\C:\\x, \\\\.\\C:\\x and \\\\localhost\\C$\\x like C:\\x; cd does not."""
    if command.program in ("rundll32", "net", "net1", "attrib"):
        return
    for head in ("\\\\?\\", "\\\\.\\", "\\\\localhost\\"):

        def other(path: str, h: str = head) -> str:
            quote = path[0] == '"'
            plain = path.strip('"').replace("/", "\\")
            plain = f"{plain[0]}${plain[2:]}" if "localhost" in h else plain
            return f'"{h}{plain}"' if quote else h + plain

        if not re.search(r"\b(cd|chdir|pushd)\b", command.text, re.IGNORECASE):
            yield _paths(command, other)


_GIVEN = re.compile(
    rf"\.(?:exe|dll|log|evtx|dit|{'|'.join(SCRIPTS)})\"?$|\*|[\\/](?:logs?|logging|config)[\\/]",
    re.IGNORECASE,
)


def _is_given(path: str) -> bool:
    """Programs, pages, and what is there before the intruder: not his to name."""
    return bool(_GIVEN.search(path))


@rewriting
def other_drive_in_command(command: Command) -> Iterator[str]:
    """Files may lie on any volume."""
    yield _paths(command, lambda p: re.sub(r"^(\"?)[A-Za-z](?=:[\\/](?!Windows))", r"\1E", p))


@rewriting
def other_file_in_command(command: Command) -> Iterator[str]:
    """The intruder names the files that he makes, and puts them where he likes."""

    def named(path: str) -> str:
        if _is_given(path):
            return path
        return re.sub(r"([\\/])[^\\/\"]+\.(\w{2,5})(\"?)$", r"\1k3f8.\2\3", path)

    def moved(path: str) -> str:
        if _is_given(path):
            return path
        return re.sub(r"^(\"?).*[\\/]([^\\/\"]+\.\w{2,5})(\"?)$", r"\1D:\\x\\\2\3", path)

    yield _paths(command, named)
    yield _paths(command, moved)


PATHS: tuple[Mutation, ...] = (
    slashes_in_paths,
    doubled_separators,
    dot_segments,
    short_names_in_paths,
    extended_paths,
    other_drive_in_command,
    other_file_in_command,
)

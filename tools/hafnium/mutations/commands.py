"""Mutations of command lines: of their words, their program and their switches.

What the log shows is the line as the new process got it: cmd.exe has by then taken carets and
variables out of the lines of its children, but not out of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from hafnium.mutations.commandline import ANY_CASE, EITHER_MARK, Command, rewriting
from hafnium.mutations.mutant import Mutation, put

_CMD_START = re.compile(
    r'^\s*"?(?:[^"\s]*\\)?cmd(?:\.exe)?"?\s*(?P<switches>(?:/[a-z](?::\w+)?\s*)*)', re.IGNORECASE
)


@rewriting
def extra_blanks(command: Command) -> Iterator[str]:
    """Programs take any number of blanks and tabs between two words."""
    for blanks in ("  ", "\t", " \t "):
        yield "".join(blanks if piece.isspace() else piece for piece in command.pieces)


@rewriting
def quoted_words(command: Command) -> Iterator[str]:
    """The C runtime takes the quotes round an argument away before the program sees it."""
    if command.argv:
        yield command.words(lambda w: w if '"' in w else f'"{w}"')
        yield command.words(lambda w: w if '"' in w or w[0] in "/-+" else f'"{w}"', 1)


@rewriting
def quotes_inside_words(command: Command) -> Iterator[str]:
    """Quotes in the middle of a word vanish in the same way, and cmd.exe passes over them in
    the name of a command."""
    if command.argv:
        yield command.words(lambda w: w if '"' in w or len(w) < 3 else f'{w[:2]}""{w[2:]}', 1)
    elif command.shell:
        yield _called(command.text, '""', 2)


@rewriting
def carets(command: Command) -> Iterator[str]:
    """cmd.exe drops a caret outside quotes; its own command line shows it."""
    if command.shell:
        yield command.words(_careted, 1)
        yield _called(command.text, "^", 1)


def _careted(word: str) -> str:
    if '"' in word or word[0] in "/-" or len(word) < 3:
        return word
    return re.sub(r"([A-Za-z])(?=[A-Za-z]{2})", r"\1^", word, count=1)


_CALL = re.compile(r"((?:/[cCkK]\s*\"?|&+\s*))((?!echo)[A-Za-z][A-Za-z0-9]{2,})(?![:\\])")


def _called(text: str, mark: str, place: int) -> str:
    """The text with a mark put into the name of each command that cmd.exe calls."""
    return _CALL.sub(lambda m: f"{m[1]}{m[2][:place]}{mark}{m[2][place:]}", text)


@rewriting
def cmd_switches(command: Command) -> Iterator[str]:
    """cmd.exe runs a line by /c, /k and /r, with other switches before it, with or without a
    blank, by any of its names, and by way of a second cmd.exe."""
    start = _CMD_START.match(command.text)
    if not command.shell or not start:
        return
    rest = command.text[start.end() :]
    for opening in (
        "cmd /c ",
        "cmd.exe /C ",
        '"cmd" /c ',
        "cmd /c",
        "cmd /r ",
        "cmd /q /d /c ",
        "C:\\Windows\\System32\\cmd.exe  /s /v:on /c ",
        "cmd /c %comspec% /c ",
        "cmd /c cmd/c ",
        '"C:\\Windows\\SysWOW64\\cmd.exe" /c ',
    ):
        yield opening + rest


_VARIABLES = (
    (r"C:\\Windows\\Temp\\", "%windir%\\Temp\\"),
    (r"C:\\Windows\\", "%SystemRoot%\\"),
    (r"C:\\ProgramData\\", "%ALLUSERSPROFILE%\\"),
    (r"C:\\Program Files\\Microsoft\\Exchange Server\\V15\\", "%ExchangeInstallPath%"),
    (r"C:\\inetpub\\", "%SystemDrive%\\inetpub\\"),
)


@rewriting
def environment_variables(command: Command) -> Iterator[str]:
    """cmd.exe puts in the values of variables itself; its own command line shows the names."""
    if command.shell:
        for path, variable in _VARIABLES:
            yield put(re.compile(path, re.IGNORECASE), variable, command.text)


@rewriting
def program_spelling(command: Command) -> Iterator[str]:
    """A program is called by its bare name, with its ending, by its path, quoted or not."""
    found = re.match(r'\s*(?:"([^"]+)"|(\S+))', command.text)
    if not found or command.shell:
        return
    path, rest = (found[1] or found[2]), command.text[found.end() :]
    if re.search(r"[\\/]", path) and command.program not in ANY_CASE:
        return  # Found by its path only, for all that we know.
    name = re.split(r"[\\/]", path)[-1]
    stem = re.sub(r"\.exe$", "", name, flags=re.IGNORECASE)
    for spelled in (stem, f"{stem}.exe", f'"{stem}"', f'"{stem}.exe" '):
        yield spelled + rest
    if command.program in ANY_CASE and not command.powershell:
        yield f"C:\\Windows\\System32\\{stem}.exe{rest}"
        yield f'"C:\\Windows\\system32\\{stem}.EXE"{rest}'


@rewriting
def switch_marks(command: Command) -> Iterator[str]:
    """Many programs take ``-`` and ``/`` alike; PowerShell takes three kinds of dash, too."""
    if not (command.powershell or command.program in EITHER_MARK):
        return
    for mark in "-/\u2013\u2014\u2015" if command.powershell else "-/":
        yield command.words(partial(_marked, command, mark), 1)


def _marked(command: Command, mark: str, word: str) -> str:
    """The word with another mark if it is a switch. A slash does only for the switches of
    PowerShell itself, the dashes for those of cmdlets, too."""
    known = not command.powershell or word.lower().replace("/", "-") in _SHORTER["powershell"]
    switch = re.match(r"[-/][A-Za-z]", word) if known else re.match(r"-[A-Za-z]", word)
    return mark + word[1:] if switch and (known or mark != "/") else word


_SHORTER: dict[str, dict[str, tuple[str, ...]]] = {
    "net": {"/delete": ("/del", "/de"), "/del": ("/delete", "/de"), "/domain": ("/dom", "/do")},
    "powershell": {
        "-encodedcommand": ("-e", "-ec", "-enc", "-encodedc"),
        "-enc": ("-e", "-EncodedCommand", "-encod"),
        "-e": ("-enc", "-EncodedCommand"),
        "-executionpolicy": ("-ep", "-exec", "-ex"),
        "-ep": ("-ExecutionPolicy", "-exec"),
        "-command": ("-c", "-comm"),
        "-c": ("-Command", "-com"),
        "-noprofile": ("-nop", "-noprof"),
        "-nop": ("-NoProfile",),
        "-windowstyle": ("-w", "-win"),
        "-w": ("-WindowStyle",),
    },
    "wevtutil": {"cl": ("clear-log",), "clear-log": ("cl",)},
}
_SHORTER["net1"] = _SHORTER["net"]
_SHORTER["pwsh"] = _SHORTER["powershell"]


@rewriting
def abbreviated_switches(command: Command) -> Iterator[str]:
    """A switch may be cut as short as it stays clear, or written out."""
    for number in range(4):
        yield command.words(partial(_shorter, command.program, number), 1)


def _shorter(program: str, number: int, word: str) -> str:
    forms = _SHORTER.get(program, {}).get(word.lower(), ())
    return forms[min(number, len(forms) - 1)] if forms else word


@rewriting
def reordered_arguments(command: Command) -> Iterator[str]:
    """Programs take their switches in any order."""
    if command.program in ("net", "net1", "attrib"):
        switch = re.compile(r"[/+-]\w+$")
        words = [p for p in command.pieces if not p.isspace()]
        switches = [w for w in words[1:] if switch.match(w)]
        others = [w for w in words[1:] if not switch.match(w)]
        if switches and "&" not in command.text:
            yield " ".join([words[0], *reversed(switches), *others])
            if command.program != "attrib":
                yield " ".join([words[0], *others[:1], *switches, *others[1:]])
    if command.program == "schtasks":
        pairs = re.findall(r'\s(/\w+(?:\s+(?:"[^"]*"|[^/\s]\S*))?)', command.text)
        if pairs and not re.search(r"[&|]", command.text):
            yield " ".join([command.pieces[0], *reversed(pairs)])
    if command.program in ("procdump", "procdump64"):
        yield re.sub(r"\s([-/]m\w)\s+(\S+)", r" \2 \1", command.text, count=1)


@rewriting
def registry_root(command: Command) -> Iterator[str]:
    """reg.exe takes the short and the long name of a root key."""
    if command.program == "reg":
        yield re.sub(r"\bhklm\\", r"HKEY_LOCAL_MACHINE\\", command.text, flags=re.IGNORECASE)
        yield re.sub(r"\bhkey_local_machine\\", r"HKLM\\", command.text, flags=re.IGNORECASE)


@rewriting
def process_by_number(command: Command) -> Iterator[str]:
    """Dump tools take the number of a process as well as its name."""
    if command.program in ("procdump", "procdump64"):
        yield re.sub(r"(?<=\s)lsass(\.exe)?(?=\s|$)", "632", command.text, flags=re.IGNORECASE)


WORDS: tuple[Mutation, ...] = (
    extra_blanks,
    quoted_words,
    quotes_inside_words,
    carets,
    cmd_switches,
    environment_variables,
    program_spelling,
    switch_marks,
    abbreviated_switches,
    reordered_arguments,
    registry_root,
    process_by_number,
)

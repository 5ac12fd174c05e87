"""Mutations of what is written in languages: cmdlets, markup, PowerShell, registry and tasks."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator

from hafnium.entries import Entry
from hafnium.mutations.commandline import ANY_CASE, Command, rewriting, rewritten
from hafnium.mutations.mutant import Changes, Mutation, mutation, put, respelling, text_of, together
from hafnium.mutations.paths import of_paths

_KEEP = re.compile(r"minidumpw?\b|[A-Za-z0-9+/=]{40,}|[A-Fa-f0-9]{8}-[A-Fa-f0-9-]{27}", re.I)


def cases(text: str) -> Iterator[str]:
    """Upper, lower and mixed case, but for what means something else then."""
    for change in (str.upper, str.lower, _mixed):
        place, made = 0, []
        for kept in _KEEP.finditer(text):
            made += [change(text[place : kept.start()]), kept[0]]
            place = kept.end()
        yield "".join([*made, change(text[place:])])


def _mixed(text: str) -> str:
    return "".join(c.upper() if i % 2 else c.lower() for i, c in enumerate(text))


_QUOTED = re.compile(r'"[^"]*"?')


def _case(text: str, held: str) -> Iterator[str]:
    if held == "image" and "\\" not in text:
        return  # System: no program file that somebody called
    if held in ("anchor", "ecp"):
        cut = text.find("~" if held == "anchor" else "=") + 1
        yield from (text[:cut] + rest for rest in cases(text[cut:]))
    elif held == "log":
        yield from _log_case(text, "log")
    elif held == "parameters":
        yield _QUOTED.sub(lambda m: m[0].upper(), text)
        yield _QUOTED.sub(lambda m: m[0].lower(), text)
    else:
        yield from cases(text)


@of_paths
def _log_case(path: str, held: str) -> Iterator[str]:
    yield from cases(path)


@mutation()
def letter_case(entry: Entry) -> Iterator[Changes]:
    """Windows, IIS, Exchange and PowerShell compare names without regard to case; logs keep
    what was written."""
    held = ("image", "file", "folder", "registry", "task", "stem", "query", "anchor", "parameters")
    yield from together(entry, _case, *held, "ecp", "script", "address", "log")
    yield from rewritten(entry, lambda c: cases(c.text) if c.program in ANY_CASE else ())


_URL = re.compile(r"\b(External|Internal)Url\b", re.IGNORECASE)
_MARKUP = re.compile(r"<script.*?>|<%@.*?%>|<%", re.IGNORECASE | re.DOTALL)
_CODE = re.compile(r"(?<=>)[^<]*(?=</script>)", re.IGNORECASE)
_BEFORE = re.compile(r"https?://[^<#\s\"']{0,60}?[/#?]+(?=<)", re.IGNORECASE)
_SCRIPTS = (
    '<SCRIPT  RUNAT=server  LANGUAGE="C#">',
    "<script\trunat='server' language='vb'>",
    '<%@ Page Language="Jscript"%><%',
    "<%@\tWebHandler language=C# class=A %>",
    '<object id=s runat="server" progid="WScript.Shell">',
)


@respelling("parameters", "ecp")
def other_url_setting(text: str, held: str) -> Iterator[str]:
    """Each of the two addresses of a virtual directory is written to the file."""
    yield _URL.sub("InternalUrl", text)
    yield _URL.sub("ExternalUrl", text)


@respelling("parameters", "ecp", "address")
def other_markup(text: str, held: str) -> Iterator[str]:
    """A page runs code in a script block, between percent signs or in a server object, in
    any language of ASP.NET, with any blanks and quotes."""
    for markup in _SCRIPTS:
        yield put(_MARKUP, markup, text, 1)


@respelling("parameters", "ecp", "address")
def other_shell_code(text: str, held: str) -> Iterator[str]:
    """The code of a web shell has countless forms: other names, other ways to run a text."""
    code = "var _0x3f=['\\x72'];function Page_Init(){new Function(Context.Items['q'])()}"
    yield put(_CODE, code, text)


@respelling("parameters", "ecp", "address")
def other_url_host(text: str, held: str) -> Iterator[str]:
    """Before the markup stands any address; only Exchange's form check sees it."""
    for address in ("https://mail.corp.example/OAB/#", "http://ffff/", "https://o?"):
        yield put(_BEFORE, address, text)


_NAMES = {
    "Add-PSSnapin": ("asnp", "Microsoft.PowerShell.Core\\Add-PSSnapin"),
    "asnp": ("Add-PSSnapin",),
    "Remove-Item": ("ri", "del", "rm", "Microsoft.PowerShell.Management\\Remove-Item"),
    "Invoke-Expression": ("iex", "Microsoft.PowerShell.Utility\\Invoke-Expression"),
    "IEX": ("Invoke-Expression", "icm -ScriptBlock"),
    "Compress-Archive": ("Microsoft.PowerShell.Archive\\Compress-Archive",),
    "Get-Content": ("gc", "cat", "type"),
    "Invoke-WebRequest": ("iwr", "wget", "curl"),
    "New-Object": ("Microsoft.PowerShell.Utility\\New-Object",),
}


def _renamed(text: str) -> Iterator[str]:
    for name, others in _NAMES.items():
        called = re.compile(rf"(?<![\w\\-]){re.escape(name)}(?![\w-])", re.IGNORECASE)
        yield from (put(called, other, text) for other in others)


def _ticked(text: str) -> Iterator[str]:
    # `n, `t, `r, `a, `b, `f, `v, `e, `u and `0 mean characters: a tick goes before others only.
    yield re.sub(r"(?<![\w`\\.$-])([A-Z][a-z]+-\w)((?:(?![ntrabfveu0])\w))", r"\1`\2", text)


@mutation()
def powershell_aliases(entry: Entry) -> Iterator[Changes]:
    """A cmdlet has aliases and may be called with the name of its module."""
    yield from _powershell(entry, _renamed)


@mutation()
def powershell_backticks(entry: Entry) -> Iterator[Changes]:
    """PowerShell passes over a backtick in the middle of a name."""
    yield from _powershell(entry, _ticked)


def _powershell(entry: Entry, spell: Callable[[str], Iterator[str]]) -> Iterator[Changes]:
    yield from together(entry, lambda text, _: spell(text), "script")
    yield from rewritten(entry, lambda c: spell(c.text) if c.powershell else ())


@respelling("script")
def blanks_in_script(text: str, held: str) -> Iterator[str]:
    """PowerShell takes any number of blanks, tabs and, after a backtick, lines."""
    yield re.sub(r"(?<=\w) (?=-)", "  ", text)
    yield re.sub(r"(?<=\w) (?=-)", "\t", text)


@rewriting
def encoded_command(command: Command) -> Iterator[str]:
    """PowerShell takes its command in base64."""
    found = re.match(
        r"(?P<program>\s*(?:\"[^\"]*\"|\S+))\s+(?:[-/\u2013]c\w*\s+)?(?P<rest>[^-/].*)",
        command.text,
        re.IGNORECASE | re.DOTALL,
    )
    if command.powershell and found and not re.search(r"\s[-/\u2013]e", command.text, re.I):
        code = base64.b64encode(found["rest"].strip('"').encode("utf-16-le")).decode()
        yield f"{found['program']} -enc {code}"
        yield f"{found['program']} -nop -w hidden -e {code}"


_TASK = re.compile(r"(?<=\\TaskCache\\Tree\\).+?(?=(?:\\(?:SD|Index|Id))?$)", re.IGNORECASE)


@respelling("registry")
def other_task_in_registry(path: str, held: str) -> Iterator[str]:
    """A scheduled task has any name and lies in any folder of tasks."""
    for task in ("Sync", r"Microsoft\Windows\Maintenance\WinSAT2"):
        yield put(_TASK, task, path)


@respelling("task")
def other_task_name(name: str, held: str) -> Iterator[str]:
    """A scheduled task has any name and lies in any folder of tasks."""
    yield "\\Sync"
    yield "\\Microsoft\\Windows\\Maintenance\\WinSAT2"


@respelling("service")
def other_service_name(name: str, held: str) -> Iterator[str]:
    """The tool that installs a service lets its user choose the name."""
    yield "WinMgmtHelper"


@mutation(by="server")
def other_host(entry: Entry) -> Iterator[Changes]:
    """Every server has a name of its own."""
    short = entry.host.split(".")[0]
    if len(short) > 2:
        pattern = re.compile(rf"(?<!\w){re.escape(short)}(?!\w)", re.IGNORECASE)
        yield {
            name: pattern.sub("EX7-B", text)
            for name in entry.fields
            if (text := text_of(entry, name))
        }


@mutation(by="server")
def localised_account(entry: Entry) -> Iterator[Changes]:
    """Windows in another language names its built-in accounts in it."""
    for authority in ("NT-AUTORIT\u00c4T", "AUTORITE NT"):
        yield {
            name: re.sub(r"^NT AUTHORITY", authority, text)
            for name in ("User", "ParentUser", "SubjectDomainName")
            if (text := text_of(entry, name))
        }


@respelling("worker")
def other_application_pool(text: str, held: str) -> Iterator[str]:
    """The folder of the web shell decides in which application pool it runs."""
    for pool in ("DefaultAppPool", "MSExchangeECPAppPool", "MSExchangeOABAppPool"):
        yield re.sub(r"(?<=-ap \")[^\"]+", pool, text)


TEXTS: tuple[Mutation, ...] = (
    letter_case,
    other_url_setting,
    other_markup,
    other_shell_code,
    other_url_host,
    powershell_aliases,
    powershell_backticks,
    blanks_in_script,
    encoded_command,
    other_task_in_registry,
    other_task_name,
    other_service_name,
    other_host,
    localised_account,
    other_application_pool,
)

"""Mutations of paths: programs and files as the kernel, the file system or SMB name them, and
files as Exchange's own log messages name them.

Such names come with single backslashes and without ``\\\\?\\``, whatever was typed; letter case
and 8.3 names stay as they were used, which recorded Sysmon 1 and 11 and Security 4663 show.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hafnium.entries import Entry
from hafnium.mutations.mutant import Changes, Mutation, Respell, mutation, put, respelling, text_of

SCRIPTS = ("asa", "asax", "ascx", "ashx", "asmx", "asp", "aspx", "cshtml", "php", "soap", "svc")
_PAGE = re.compile(rf"([^\\/]+)\.({'|'.join(SCRIPTS)})$", re.IGNORECASE)
_COMPILED = re.compile(r"\\([^\\/.]+)(\.as[hmp]x\.[0-9a-f]+\.compiled)$", re.IGNORECASE)
_EXCHANGE = re.compile(
    r"(?:[A-Z]:\\)?Program Files\\Microsoft\\Exchange Server\\V15\\", re.IGNORECASE
)
_WEB_FOLDER = re.compile(
    r"(?P<exchange>.*\\HttpProxy\\)(?:owa\\auth|ecp\\auth|oab|owa|ecp)\\.*"
    r"|(?P<root>.*\\inetpub\\wwwroot\\).*",
    re.IGNORECASE,
)
SHORT = {
    "aspnet_client": "ASPNET~1",
    "Exchange Server": "EXCHAN~1",
    "HttpProxy": "HTTPPR~1",
    "Program Files": "PROGRA~1",
    "Microsoft.NET": "MICROS~1.NET",
    "system_web": "SYSTEM~1",
    "WindowsPowerShell": "WINDOW~1",
}
"""Folder → the 8.3 name that it gets when nothing of that beginning is there before it."""

NOT_THEIRS = frozenset(
    {
        *("w3wp.exe", "umworkerprocess.exe", "umservice.exe", "services.exe", "svchost.exe"),
        *("lsass.exe", "system", "wmiprvse.exe", "exsetup.exe", "msiexec.exe", "werfault.exe"),
        *("explorer.exe", "csc.exe", "cvtres.exe"),
    }
)
"""Programs that Windows or Exchange started: the intruder has no choice in their names."""


def base(path: str) -> str:
    """The last component of a path, in lower case."""
    return path.rsplit("\\", 1)[-1].lower()


def shortened(path: str) -> str:
    """A path with 8.3 names for its folders."""
    for name, short in SHORT.items():
        folder = re.compile(rf"(?:(?<=\\)|^){re.escape(name)}(?=\\)", re.IGNORECASE)
        path = put(folder, short, path)
    return path


_LOGGED = re.compile(r"(?<=['\"])(?:[A-Za-z]:\\|\\\\)[^'\"]+(?=['\"])")


def of_paths(respell: Respell) -> Respell:
    """The same for a log message: with the quoted paths in it respelled."""

    def inside(text: str, held: str) -> Iterator[str]:
        if held != "log":
            yield from respell(text, held)
        elif found := _LOGGED.search(text):
            for path in respell(found[0], "file"):
                yield text[: found.start()] + path + text[found.end() :]

    inside.__name__, inside.__doc__ = respell.__name__, respell.__doc__
    return inside


@respelling("image", "file", "folder", "log")
@of_paths
def short_names(path: str, held: str) -> Iterator[str]:
    """Windows keeps an 8.3 name for every long folder name on the system volume and takes
    either; kernel and SMB log the name that was used."""
    if held != "image" or base(path) not in NOT_THEIRS:
        yield shortened(path)


@respelling("image", "file", "folder", "log", by="server")
@of_paths
def other_drive(path: str, held: str) -> Iterator[str]:
    """Exchange, its web folders and an intruder's tools may lie on any volume. Windows itself
    stays where it is."""
    if re.match(r"[A-Za-z]:\\(?!Windows\\)", path, re.IGNORECASE):
        yield "D" + path[1:]
        yield "F" + path[1:]


@respelling("image", "file", "folder", "log", by="server")
@of_paths
def other_install_path(path: str, held: str) -> Iterator[str]:
    """Exchange's set-up asks for the folder."""
    for folder in ("D:\\Exchange\\", "E:\\Apps\\ExchSrv\\V15\\"):
        drive = folder if path[1:2] == ":" else folder[3:]
        yield put(_EXCHANGE, drive, path)


@respelling("file", "log")
@of_paths
def other_page_name(path: str, held: str) -> Iterator[str]:
    """A web shell may have any name: no two intrusions used the same list."""
    for name in ("b4d7x0qz", "logon2"):
        yield _PAGE.sub(rf"{name}.\2", path)
        yield _COMPILED.sub(rf"\\{name}\2", path)


@respelling("file", "log")
@of_paths
def other_script_extension(path: str, held: str) -> Iterator[str]:
    """IIS on an Exchange server runs more than .aspx: a shell is as easily a handler, a web
    service or, where classic ASP is installed, an .asp page."""
    for ending in ("aspx", "ashx", "asmx", "asp", "soap"):
        yield _PAGE.sub(rf"\1.{ending}", path)


@respelling("file", "log")
@of_paths
def other_web_folder(path: str, held: str) -> Iterator[str]:
    """Any folder that IIS serves will do, and the write runs as SYSTEM."""
    found, page = _WEB_FOLDER.match(path), _PAGE.search(path)
    if not found or not page:
        return
    if exchange := found["exchange"]:
        for folder in ("owa\\auth", "owa\\auth\\Current", "ecp\\auth", "ecp", "oab", "rpc"):
            yield f"{exchange}{folder}\\{page[0]}"
    if root := found["root"]:
        for folder in ("", "aspnet_client\\", "aspnet_client\\system_web\\4_0_30319\\"):
            yield f"{root}{folder}{page[0]}"


@respelling("file")
def other_language(path: str, held: str) -> Iterator[str]:
    """The public shells are JScript; the same shell in C# or Visual Basic does the same, and
    ASP.NET's compiler names its source file after the language."""
    for ending in ("cs", "vb"):
        yield re.sub(r"(\\App_\w+\.[0-9]+)\.js$", rf"\1.{ending}", path, flags=re.IGNORECASE)


_MADE = re.compile(r"([^\\]+)\.(dmp|mdmp|zip|7z|rar|cab|pst|hiv|gif|hive|save|sav)$", re.I)


@respelling("file")
def other_file_name(path: str, held: str) -> Iterator[str]:
    """The intruder names the dumps and archives that he makes."""
    yield _MADE.sub(r"k3f8.\2", path)


@respelling("file")
def other_file_extension(path: str, held: str) -> Iterator[str]:
    """Dump and archive tools write to a file of any extension."""
    for ending in ("tmp", "jpg"):
        yield _MADE.sub(rf"\1.{ending}", path)


def _own_image(entry: Entry) -> str | None:
    """The field with the program that acts in the entry, if the intruder chose it."""
    for name in ("NewProcessName", "Image", "SourceImage", "ProcessName"):
        path = text_of(entry, name)
        if "\\" in path and base(path) not in NOT_THEIRS:
            return name
    return None


def _moved(entry: Entry, field: str, path: str) -> Changes:
    """The program under another path, in the command line, too."""
    command = text_of(entry, "CommandLine")
    if not command:
        return {field: path}
    old = text_of(entry, field)
    full = re.compile(rf'"?{re.escape(old)}"?', re.IGNORECASE)
    bare = re.compile(r'"?[^\s"/\\]+"?(?=[\s/]|$)')
    if full.match(command):
        command = put(full, path, command, 1)
    else:
        name = path.rsplit("\\", 1)[-1].removesuffix(".exe")
        command = put(bare, name, command, 1)
    return {field: path, "CommandLine": command}


def _renamed(entry: Entry) -> Iterator[Changes]:
    field = _own_image(entry)
    if field:
        folder = text_of(entry, field).rsplit("\\", 1)[0]
        for path in (
            f"{folder}\\wmisvc.exe",
            "C:\\ProgramData\\wmisvc.exe",
            "C:\\Windows\\Temp\\wmisvc.exe",
            "C:\\ProgramData\\System32\\WerFault.exe",
        ):
            yield _moved(entry, field, path)


@mutation()
def renamed_binary(entry: Entry) -> Iterator[Changes]:
    """A program runs under any name. Its version resource keeps the original name, which
    Sysmon 10 and later log."""
    if "OriginalFileName" in entry.fields:
        yield from _renamed(entry)


@mutation()
def renamed_binary_unseen(entry: Entry) -> Iterator[Changes]:
    """A program runs under any name. Only Sysmon 1 and 7 log the name that its version
    resource keeps, since Sysmon 10; Security 4688 and other events never do."""
    if "OriginalFileName" not in entry.fields:
        yield from _renamed(entry)


@mutation()
def other_program_folder(entry: Entry) -> Iterator[Changes]:
    """Windows has most of its tools twice, in System32 and SysWOW64, and a copy runs from
    anywhere."""
    field = _own_image(entry)
    if field:
        name = text_of(entry, field).rsplit("\\", 1)[-1]
        for folder in ("C:\\Windows\\SysWOW64", "C:\\Users\\Public", "D:\\tools"):
            yield _moved(entry, field, f"{folder}\\{name}")


_TRUSTED = (
    *("C:\\ProgramData\\bin\\ExSetup.exe", "C:\\ProgramData\\ExchangeSetup\\ExSetup.exe"),
    *("C:\\ProgramData\\msiexec.exe", "C:\\ProgramData\\TiWorker.exe"),
    *("C:\\ProgramData\\MsMpEng.exe", "C:\\ProgramData\\MSExchangeHMWorker.exe"),
    *("C:\\ProgramData\\robocopy.exe", "C:\\ProgramData\\WerFault.exe"),
)


@mutation()
def trusted_program_name(entry: Entry) -> Iterator[Changes]:
    """A copy of a tool that writes a file may have the name of a program that rules leave
    out."""
    field = _own_image(entry)
    if field and "CommandLine" not in entry.fields:
        for path in _TRUSTED:
            yield _moved(entry, field, path)


_WRITES = ("0x2", "0x6", "0x120116", "0x12019f", "0x13019f", "0x1f01ff")
_READS_MEMORY = ("0x1010", "0x1410", "0x1438", "0x1fffff", "0x1FFFFF")


@mutation()
def other_access_mask(entry: Entry) -> Iterator[Changes]:
    """A program may ask for more rights than it needs: any mask with the right to write to a
    file, or to read a process's memory, does."""
    mask, access = text_of(entry, "AccessMask"), text_of(entry, "GrantedAccess")
    if re.fullmatch(r"0x[0-9a-f]*[2367abef]", mask, re.IGNORECASE):
        for other in _WRITES:
            yield {"AccessMask": other}
    if access and base(text_of(entry, "TargetImage")) == "lsass.exe":
        for other in _READS_MEMORY:
            yield {"GrantedAccess": other}


@mutation()
def other_current_folder(entry: Entry) -> Iterator[Changes]:
    """A web shell may change its folder before it starts a program."""
    if "CurrentDirectory" in entry.fields:
        for folder in ("C:\\", "C:\\Windows\\Temp\\"):
            yield {"CurrentDirectory": folder}


PATHS: tuple[Mutation, ...] = (
    short_names,
    other_drive,
    other_install_path,
    other_page_name,
    other_script_extension,
    other_web_folder,
    other_language,
    other_file_name,
    other_file_extension,
    renamed_binary,
    renamed_binary_unseen,
    other_program_folder,
    trusted_program_name,
    other_access_mask,
    other_current_folder,
)

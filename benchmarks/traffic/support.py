"""Support cases and changes by hand: dumps, packed logs, the look of the logon page."""

from __future__ import annotations

from datetime import datetime

from traffic import events as ev
from traffic.log import Day, after
from traffic.site import Person
from traffic.update import task_registered
from traffic.upkeep import object_access

_SYSTEM = "C:\\Windows\\System32\\"
_EXPLORER = "C:\\Windows\\explorer.exe"


def _run(day: Day, when: datetime, who: Person, image: str, command: str, original: str) -> None:
    parent = f"{_SYSTEM}cmd.exe"
    said = ev.Process(image, command, parent, "cmd", who, original=original, company="Vendor")
    ev.process(day, when, said)


def support_case(day: Day, when: datetime) -> None:
    """A support case: dumps of a worker that hangs, logs packed and copied, a trace."""
    rng, site, who = day.rng, day.site, day.rng.choice(day.site.admins)
    tools = rng.choice(("C:\\Tools", f"C:\\Users\\{who.account}\\Downloads", "D:\\Support"))
    dump = f"{tools}\\procdump64.exe"
    command = rng.choice(
        (
            "procdump64 -ma w3wp.exe -accepteula",
            f"procdump64.exe -accepteula -ma 7120 {tools}\\w3wp_OWA.dmp",
            "procdump -ma -h w3wp.exe D:\\Dumps",
            "procdump64 -mp Microsoft.Exchange.Store.Worker.exe",
        )
    )
    _run(day, when, who, dump, command, "procdump")
    path = f"{tools}\\w3wp.exe_210414_101112.dmp"
    ev.file_created(day, after(when, 6), dump, path)
    crash = "C:\\ProgramData\\Microsoft\\Windows\\WER\\ReportQueue\\App_w3wp\\memory.hdmp"
    ev.file_created(day, after(when, 7), f"{_SYSTEM}WerFault.exe", crash)
    packer = "C:\\Program Files\\7-Zip\\7z.exe"
    folder = rng.choice((tools, "C:\\ProgramData\\Support"))
    for n, line in enumerate(
        (
            f'7z a -t7z "{folder}\\httpproxy.7z" "{site.root}\\Logging\\HttpProxy\\*"',
            f"7z.exe a {tools}\\iis.zip C:\\inetpub\\logs\\LogFiles\\W3SVC1\\*.log",
            f"7z a -v500m {tools}\\dump.7z {path}",
        )
    ):
        _run(day, after(when, 60 + n * 30), who, packer, line, "7z.exe")
        ev.file_created(day, after(when, 61 + n * 30), packer, line.split()[3].strip('"'))
    task_registered(day, after(when, 300), "\\Support trace", "C:\\Tools\\trace.cmd", who.account)
    task = "powershell.exe -NoProfile -ExecutionPolicy Bypass -File C:\\Scripts\\Report.ps1"
    task_registered(day, after(when, 310), "\\Reports\\Mailbox size", task)
    hidden = task.replace("-NoProfile", "-NoProfile -WindowStyle Hidden")
    task_registered(day, after(when, 312), "\\Reports\\Queues", hidden)
    access = f"{_SYSTEM}wbem\\WmiPrvSE.exe"
    ev.access(day, after(when, 320), access, "C:\\Windows\\System32\\lsass.exe", "0x1410")
    ev.access(day, after(when, 330), dump, ev.W3WP, "0x1fffff")


def branding(day: Day, when: datetime) -> None:
    """An administrator changes the look of the logon page and redirects, by the book."""
    site, who = day.site, day.rng.choice(day.site.admins)
    notepad = f"{_SYSTEM}notepad.exe"
    themes = f"{site.root}\\FrontEnd\\HttpProxy\\owa\\auth\\{site.dotted}\\themes\\resources"
    command = f"notepad.exe {themes}\\logon.css"
    ev.process(day, when, ev.Process(notepad, command, _EXPLORER, _EXPLORER, who))
    for n, name in enumerate(("logon.css", "olk_logo_white.png", "logo_firma.svg", "bg.jpg")):
        ev.file_created(day, after(when, n * 20), _EXPLORER, f"{themes}\\{name}")
    for path in ("C:\\inetpub\\wwwroot\\web.config", "C:\\inetpub\\wwwroot\\index.htm"):
        ev.file_created(day, after(when, 99), notepad, path)
    themed = f"{themes}\\logon.css"
    object_access(day, after(when, 100), themed, notepad, "0x2", who.account)
    page = f"{site.root}\\FrontEnd\\HttpProxy\\owa\\auth\\logon.aspx"
    object_access(day, after(when, 105), page, notepad, "0x1", who.account)

"""Ordinary work that looks like the intrusion most: add-ons with pages, branding, PsExec.

Nothing but names and accounts tells it from an attack, so each is here at the rate at which it
happens: an add-on's page is asked for all day, and PsExec reaches a mail server now and then.
"""

from __future__ import annotations

from datetime import datetime

from traffic import events as ev
from traffic.accounts import service_installed
from traffic.log import Day, after
from traffic.people import BROWSERS
from traffic.text import Request, ask
from traffic.upkeep import object_access, share

_EXPLORER = "C:\\Windows\\explorer.exe"
_NOTEPAD = "C:\\Windows\\System32\\notepad.exe"
_ADD_ONS = (
    ("C:\\Users\\{who}\\Downloads\\DuoOwaSetup.exe", ("DuoOwa.aspx", "duo\\DuoFrame.aspx")),
    ("C:\\Program Files\\RSA\\RSA Authentication Agent\\Config.exe", ("RSAWebAuth.aspx",)),
    ("C:\\Program Files (x86)\\Swivel\\OWA Filter\\Configure.exe", ("SwivelImage.aspx",)),
    ("C:\\Temp\\AdfsProxyInstaller.exe", ("adfs.aspx",)),
    ("C:\\Windows\\System32\\msiexec.exe", ("mfa.aspx",)),
    (_EXPLORER, ("pinsafe.aspx",)),
)


def add_on_pages(day: Day, when: datetime) -> None:
    """A person meets the page of a sign-in add-on, and sends it a code."""
    rng, who = day.rng, day.rng.choice(day.site.people)
    base = Request("", "", who.ip, rng.choice(BROWSERS), protocol="Owa", proxied=False)
    seen = f"https://{day.site.url}/owa/auth/logon.aspx?replaceCurrent=1"
    page = rng.choice(rng.choice(_ADD_ONS)[1]).replace("\\", "/")
    ask(day, when, base, "GET", f"/owa/auth/{page}", referer=rng.choice(("-", seen)))
    status = rng.choice((200, 302))
    ask(day, after(when, 9), base, "POST", f"/owa/auth/{page}", status=status, referer=seen)
    if rng.random() < 0.3:
        ask(day, after(when, 11), base, "GET", "/owa/auth/welcome.aspx", referer=seen, protocol="")


def add_on_set_up(day: Day, when: datetime) -> None:
    """An add-on is set up: its program, not Exchange's, writes pages beside the logon page."""
    folder, who = (
        f"{day.site.root}\\FrontEnd\\HttpProxy\\owa\\auth",
        day.rng.choice(day.site.admins),
    )
    program, pages = day.rng.choice(_ADD_ONS)
    image = program.format(who=who.account)
    if image != _EXPLORER:
        ev.process(day, when, ev.Process(image, f'"{image}"', _EXPLORER, _EXPLORER, who))
    for n, page in enumerate(pages):
        ev.file_created(day, after(when, 5 + n), image, f"{folder}\\{page}")
        object_access(day, after(when, 5 + n), f"{folder}\\{page}", image, "0x2", who.account)
    made = "C:\\Windows\\Microsoft.NET\\Framework64\\v4.0.30319\\Temporary ASP.NET Files\\owa"
    name = pages[0].rsplit("\\", 1)[-1].lower()
    compiled = f"{made}\\8e05b027\\e164d61b\\{name}.{day.rng.getrandbits(32):08x}.compiled"
    ev.file_created(day, after(when, 600), ev.W3WP_FILE, compiled)


def logon_page_edited(day: Day, when: datetime) -> None:
    """An administrator brands the logon page itself, after a copy, with some editor."""
    folder, who = (
        f"{day.site.root}\\FrontEnd\\HttpProxy\\owa\\auth",
        day.rng.choice(day.site.admins),
    )
    editor = day.rng.choice(
        (
            *(_NOTEPAD, _NOTEPAD, "C:\\Program Files\\Notepad++\\notepad++.exe"),
            "C:\\Program Files\\IDM Computer Solutions\\UltraEdit\\uedit64.exe",
        )
    )
    copy = day.rng.choice(("logon - Copy.aspx", "logon.aspx.bak", "logon_original.aspx"))
    ev.file_created(day, when, _EXPLORER, f"{folder}\\{copy}")
    page = f"{folder}\\logon.aspx"
    ev.process(day, after(when, 20), ev.Process(editor, f'"{editor}" "{page}"', _EXPLORER, "", who))
    ev.file_created(day, after(when, 200), editor, page)
    object_access(day, after(when, 200), page, editor, "0x2", who.account)
    ev.file_deleted(day, after(when, 900), _EXPLORER, f"{folder}\\{copy}")


def psexec_here(day: Day, when: datetime) -> None:
    """An administrator runs a command on the mail server from the desk, in one day of four."""
    rng, who = day.rng, day.rng.choice(day.site.admins)
    if rng.random() > 0.25:
        return
    service = "C:\\Windows\\PSEXESVC.exe"
    share(day, when, who.account, "ADMIN:\\PSEXESVC.exe", "0x2")
    ev.file_created(day, when, "System", service)
    service_installed(day, after(when, 0.5), "PSEXESVC", "%SystemRoot%\\PSEXESVC.exe")
    ev.process(day, after(when, 1), ev.Process(service, service, ev.SERVICES, ev.SERVICES))
    said = rng.choice(("gpupdate.exe", "ipconfig.exe", "cmd.exe"))
    image = f"C:\\Windows\\System32\\{said}"
    ev.process(day, after(when, 2), ev.Process(image, f'"{said}"', service, service, who))
    for n, ending in enumerate(("", "-ADM-PC7-4312-stdin", "-ADM-PC7-4312-stdout")):
        data: dict[str, str | int] = {"EventType": "CreatePipe"}
        data |= {"ProcessGuid": day.guid().upper(), "ProcessId": 4312}
        data |= {"PipeName": f"\\PSEXESVC{ending}", "Image": service}
        ev.sysmon(day, after(when, 1 + n * 0.1), 17, 1, data)
    key = f"HKU\\{who.sid}\\Software\\Sysinternals\\PsExec\\EulaAccepted"
    ev.registry(day, after(when, 60), "SetValue", "C:\\Tools\\PsExec64.exe", key)

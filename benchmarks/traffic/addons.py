"""Add-ons of other makers in Outlook on the web and on the server: sign-in, signatures, DLP."""

from __future__ import annotations

from datetime import datetime

from traffic import events as ev
from traffic.iis import worker_command
from traffic.log import Day, after
from traffic.people import BROWSERS
from traffic.text import Request, ask

_INSTALLER = "C:\\Windows\\System32\\msiexec.exe"
_PAGES = (
    "/owa/auth/duo/duo_frame.js",
    "/owa/auth/mfa/challenge.htm",
    "/ecp/signature/preview.png",
    "/owa/codetwo/signature.js",
    "/adselfservice/authorization.do",
    "/showLogin.cc",
    "/RDWeb/Pages/en-US/login.aspx",
    "/certsrv/certfnsh.asp",
    "/aspnet_client/system_web/4_0_30319/WebForms.js",
    "/aspnet_client/system_web/4_0_30319/crystalreportviewers13/js/crv.js",
    "/_wmcs/certification/ServerCertification.asmx",
    "/WSUS/ClientWebService/client.asmx",
    "/helpdesk/login.aspx",
)


def pages(day: Day, when: datetime) -> None:
    """People meet the add-ons' own resources on their way to the mail."""
    rng, who = day.rng, day.rng.choice(day.site.people)
    base = Request("", "", who.ip, rng.choice(BROWSERS))
    for n, stem in enumerate(rng.sample(_PAGES, 3)):
        method = "POST" if stem.endswith((".do", ".cc", "login.aspx")) else "GET"
        ask(day, after(when, n * 2), base, method, stem)


def installed(day: Day, when: datetime) -> None:
    """An add-on is installed: its own files and libraries beside those of Exchange."""
    site = day.site
    front = f"{site.root}\\FrontEnd\\HttpProxy"
    for n, path in enumerate(
        (
            *(f"{front}\\owa\\bin\\DuoOwa.dll", f"{front}\\owa\\auth\\duo\\duo_frame.js"),
            *(f"{front}\\owa\\auth\\mfa.aspx", f"{front}\\ecp\\bin\\CodeTwo.dll"),
            *(f"{front}\\owa\\web.config.bak", f"{site.root}\\ClientAccess\\owa\\dlp\\Policy.aspx"),
            "C:\\Program Files\\ADSelfService\\webapps\\adssp\\login.jsp",
            "C:\\inetpub\\wwwroot\\helpdesk\\login.aspx",
            "C:\\inetpub\\wwwroot\\aspnet_client\\system_web\\4_0_30319\\WebForms.js",
        )
    ):
        ev.file_created(day, after(when, n), _INSTALLER, path)
    command = f"{_INSTALLER} /i DuoOWA.msi"
    ev.process(day, when, ev.Process(_INSTALLER, command, "C:\\Windows\\explorer.exe", "explorer"))


def workers(day: Day, when: datetime) -> None:
    """Workers of add-ons and of other sites on the server have children of their own."""
    rng, site = day.rng, day.site
    pool = rng.choice(("SignaturePool", "WsusPool", "MSExchangeOWAAppPool"))
    parent = worker_command(site, pool)
    image = rng.choice(
        (
            "C:\\Program Files\\CodeTwo\\SignatureRender.exe",
            "C:\\Program Files\\Duo Security\\DuoHelper.exe",
            "C:\\Windows\\System32\\WerFault.exe",
            "C:\\Windows\\Microsoft.NET\\Framework64\\v4.0.30319\\csc.exe",
            "C:\\Windows\\System32\\conhost.exe",
        )
    )
    ev.process(day, when, ev.Process(image, f'"{image}"', ev.W3WP, parent))
    company = "CodeTwo"
    loaded = "C:\\Program Files\\CodeTwo\\Microsoft.Exchange.WebServices.dll"
    ev.image_loaded(day, after(when, 1), ev.W3WP_FILE, loaded, company)
    for to, port in ((f"{site.ip.rsplit('.', 1)[0]}.77", 443), (site.ip, 444)):
        ev.connection(day, after(when, 2), ev.W3WP_FILE, to, port)
    temporary = f"C:\\Windows\\Temp\\sig{rng.getrandbits(24):06x}.tmp"
    ev.file_created(day, after(when, 3), ev.W3WP_FILE, temporary)

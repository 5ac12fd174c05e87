"""Responders' tools on a server that was not hit: they carry the words of the attack."""

from __future__ import annotations

from datetime import datetime

from traffic import events as ev
from traffic import logged
from traffic.log import Day, after

_SYSTEM = "C:\\Windows\\System32\\"
_SHELL = f"{_SYSTEM}WindowsPowerShell\\v1.0\\powershell.exe"


def test_proxylogon(day: Day, when: datetime) -> None:
    """The script of Microsoft that looks for traces in logs."""
    who = day.rng.choice(day.site.admins)
    path = "C:\\Scripts\\Test-ProxyLogon.ps1"
    command = f"powershell -ExecutionPolicy Bypass -File {path} -OutPath C:\\Temp\\logs"
    shell = ev.Process(_SHELL, command, f"{_SYSTEM}cmd.exe", "cmd", who, folder="C:\\Scripts\\")
    ev.process(day, when, shell)
    for n, text in enumerate(
        (
            "$files | Import-Csv | Where-Object { $_.AnchorMailbox -like 'ServerInfo~*/*' }",
            "Select-String -Pattern 'Set-.+VirtualDirectory.+Url=' -Path $ecpLogs",
            "Select-String -Pattern 'Download failed and temporary file' -Path $oabLogs",
            "Get-WinEvent -FilterHashtable @{ProviderName='MSExchange Unified Messaging'}",
            "Get-ChildItem \\inetpub\\wwwroot\\aspnet_client -Filter *.aspx -Recurse",
            "$names = 'web.aspx','help.aspx','errorEE.aspx','shell.aspx','aspnet_client'",
        )
    ):
        logged.script(day, after(when, n + 1), text, path)
    ev.file_created(day, after(when, 20), _SHELL, "C:\\Temp\\logs\\mail-Cve-2021-26855.csv")
    archive = "C:\\Temp\\logs\\httpproxy.zip"
    ev.file_created(day, after(when, 25), _SHELL, archive)
    ev.lookup(day, after(when, 1), _SHELL, "raw.githubusercontent.com", "::ffff:198.51.100.7;")


def mitigation(day: Day, when: datetime) -> None:
    """Microsoft's mitigation tool: rewrite rule, safety scanner, services switched off."""
    site, who = day.site, day.rng.choice(day.site.admins)
    path = f"C:\\Users\\{who.account}\\Downloads\\EOMT.ps1"
    shell = ev.Process(_SHELL, f"powershell \"& '{path}'\"", f"{_SYSTEM}cmd.exe", "cmd", who)
    ev.process(day, when, shell)
    logged.script(day, after(when, 1), "$rule = 'X-AnonResource-Backend abort - inbound'", path)
    for n, (image, command) in enumerate(
        (
            ("C:\\Windows\\Temp\\msert.exe", "msert.exe /Q"),
            (f"{_SYSTEM}msiexec.exe", "msiexec /i C:\\Windows\\Temp\\rewrite_amd64.msi /quiet"),
            (f"{_SYSTEM}sc.exe", "sc.exe config MSExchangeUM start= disabled"),
            (f"{_SYSTEM}inetsrv\\appcmd.exe", "appcmd set config /section:rewrite/rules"),
        )
    ):
        ev.process(day, after(when, 5 + n), ev.Process(image, command, _SHELL, "powershell", who))
    installer = f"{_SYSTEM}msiexec.exe"
    ev.file_created(day, after(when, 30), installer, f"{_SYSTEM}inetsrv\\rewrite.dll")
    config = "C:\\inetpub\\wwwroot\\web.config"
    ev.file_created(day, after(when, 31), _SHELL, config)
    scan = {"Scan Type": "Customscan", "User": f"{site.netbios}\\{who.account}"}
    logged.defender(day, after(when, 60), 1001, dict(scan))


def search_by_hand(day: Day, when: datetime) -> None:
    """An administrator searches by hand, with names of shells in the commands."""
    rng, site, who = day.rng, day.site, day.rng.choice(day.site.admins)
    front = f"{site.root}\\FrontEnd\\HttpProxy"
    commands = (
        ("findstr.exe", f'findstr /s /i /m "JScript" "{front}\\owa\\auth\\*.aspx"'),
        ("findstr.exe", 'findstr /snip /c:"ResetOABVirtualDirectory" ECPServer*.LOG'),
        ("findstr.exe", "findstr /i ServerInfo~ C:\\Temp\\HttpProxy\\*.LOG"),
        ("where.exe", "where /r C:\\inetpub\\wwwroot\\aspnet_client *.aspx"),
        ("cmd.exe", "cmd /c dir /s /b /a:h C:\\inetpub\\wwwroot\\*.aspx"),
        ("certutil.exe", f'certutil -hashfile "{front}\\owa\\auth\\logon.aspx" SHA256'),
        ("attrib.exe", f'attrib "{front}\\owa\\auth\\*.aspx" /s'),
        ("tasklist.exe", 'tasklist /m "comsvcs.dll"'),
        ("fc.exe", f'fc /b "{front}\\owa\\auth\\logon.aspx" D:\\CU\\logon.aspx'),
        ("schtasks.exe", "schtasks /query /tn Winnet"),
        ("robocopy.exe", f'robocopy "{front}" E:\\Evidence\\HttpProxy /E /COPYALL'),
        ("reg.exe", 'reg query "HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\Schedule"'),
    )
    for n, (name, command) in enumerate(rng.sample(commands, 6)):
        parent = f"{_SYSTEM}cmd.exe"
        said = ev.Process(_SYSTEM + name, command, parent, "cmd", who, folder="C:\\Scripts\\")
        ev.process(day, after(when, n * 15), said)

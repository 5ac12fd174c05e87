"""Upkeep that touches web folders: certificates, compressed files, configuration, automation."""

from __future__ import annotations

from datetime import datetime

from traffic import events as ev
from traffic import logged
from traffic.log import Day, after
from traffic.text import Request, request
from traffic.update import task_registered
from traffic.upkeep import object_access

_SYSTEM = "C:\\Windows\\System32\\"
_SHELL = f"{_SYSTEM}WindowsPowerShell\\v1.0\\powershell.exe"
_SVCHOST = f"{_SYSTEM}svchost.exe"


def certificate(day: Day, when: datetime) -> None:
    """A certificate client renews: challenge files in the web root, a script of its own."""
    rng = day.rng
    folder = rng.choice(("C:\\Program Files\\win-acme", "C:\\Tools\\win-acme", "D:\\win-acme"))
    tool = f"{folder}\\wacs.exe"
    ev.process(
        day, when, ev.Process(tool, f'"{tool}" --renew', _SVCHOST, "svchost -k netsvcs -s Schedule")
    )
    name = f"{rng.getrandbits(120):x}"
    challenge = "C:\\inetpub\\wwwroot\\.well-known\\acme-challenge"
    for n, path in enumerate((f"{challenge}\\web.config", f"{challenge}\\{name}")):
        ev.file_created(day, after(when, 2 + n), tool, path)
        ev.file_deleted(day, after(when, 60 + n), tool, path)
    said = Request("GET", f"/.well-known/acme-challenge/{name}", "192.0.2.20", "ACME-CA/1.0")
    request(day, after(when, 9), said)
    script = f"{folder}\\Scripts\\ImportExchange.v2.ps1"
    line = (
        f"powershell.exe -noninteractive -executionpolicy bypass \"& '{script}' "
        "'5113AE02' 'IIS,SMTP,IMAP' 1 'C:\\ProgramData\\win-acme\\mail.pfx'\""
    )
    ev.process(day, after(when, 30), ev.Process(_SHELL, line, tool, f'"{tool}" --renew'))
    logged.script(
        day, after(when, 31), "Add-PSSnapin Microsoft.Exchange.Management.PowerShell.E2010", script
    )
    ev.connection(day, after(when, 3), tool, "203.0.113.44", 443)
    task_registered(day, after(when, 70), "\\win-acme renew", f"{tool} --renew --baseuri acme")


def web_files(day: Day, when: datetime) -> None:
    """IIS and Exchange write files below web folders: compressed, configured, downloaded."""
    rng, site = day.rng, day.site
    compressed = "C:\\inetpub\\temp\\IIS Temporary Compressed Files\\Default Web Site\\$^_gzip_"
    inner = site.root.replace(":", "^").upper()
    book = f"{site.root}\\ClientAccess\\OAB\\{day.guid()}"
    image, path = rng.choice(
        (
            (ev.W3WP_FILE, f"{compressed}{inner}\\CLIENTACCESS\\OWA\\PREM\\BOOT.DIST.JS"),
            (ev.W3WP_FILE, f"{compressed}{inner}\\FRONTEND\\HTTPPROXY\\OWA\\AUTH\\FLOGON.JS"),
            (ev.W3WP_FILE, f"{compressed}{inner}\\CLIENTACCESS\\ECP\\MAIN_DEFAULT.CSS"),
            (ev.W3WP_FILE, f"{book}\\oab.xml"),
            (ev.W3WP_FILE, f"{book}\\{day.guid()}-data-4.lzx"),
            (ev.W3WP_FILE, f"{site.root}\\ClientAccess\\OAB\\Temp\\{rng.getrandbits(32):x}.djs"),
            (_SVCHOST, "C:\\inetpub\\history\\CFGHISTORY_0000000123\\applicationHost.config"),
            (_SVCHOST, f"{_SYSTEM}inetsrv\\config\\applicationHost.config"),
            (ev.W3WP_FILE, f"{_SYSTEM}inetsrv\\config\\applicationHost.config"),
            (
                f"{_SYSTEM}inetsrv\\InetMgr.exe",
                f"{site.root}\\FrontEnd\\HttpProxy\\owa\\web.config",
            ),
            (f"{_SYSTEM}inetsrv\\appcmd.exe", "C:\\inetpub\\wwwroot\\web.config"),
            (ev.W3WP_FILE, f"C:\\Windows\\Temp\\__PSScriptPolicyTest_{rng.getrandbits(40):x}.ps1"),
            (_SHELL, f"C:\\Windows\\Temp\\__PSScriptPolicyTest_{rng.getrandbits(40):x}.psm1"),
            (ev.W3WP_FILE, f"{site.root}\\Logging\\HttpProxy\\Owa\\HttpProxy_2021041410-1.LOG"),
            (ev.W3WP_FILE, "C:\\inetpub\\logs\\FailedReqLogFiles\\W3SVC1\\fr000001.xml"),
            (
                f"{site.root}\\Bin\\EdgeTransport.exe",
                f"{site.data}\\Queue\\trn{rng.randrange(99)}.log",
            ),
        )
    )
    ev.file_created(day, when, image, path)
    page = f"{site.root}\\FrontEnd\\HttpProxy\\owa\\auth\\{rng.choice(('logon', 'errorFE'))}.aspx"
    for process, mask in (
        ("C:\\ProgramData\\Microsoft\\Windows Defender\\Platform\\4.18\\MsMpEng.exe", "0x1"),
        ("C:\\ProgramData\\Microsoft\\Windows Defender\\Platform\\4.18\\MsMpEng.exe", "0x80"),
        ("C:\\Windows\\System32\\inetsrv\\w3wp.exe", "0x1"),
        ("C:\\Program Files\\Tripwire\\TE\\Agent\\tw.exe", "0x20000"),
        ("C:\\Program Files\\Veeam\\VeeamAgent.exe", "0x100"),
    ):
        if rng.random() < 0.3:
            object_access(day, after(when, 1), page, process, mask)


def automation(day: Day, when: datetime) -> None:
    """Configuration management runs encoded commands through WinRM and its own agents."""
    rng, site = day.rng, day.site
    remote = f"{_SYSTEM}winrshost.exe"
    encoded = "UABvAHcAZQByAFMAaABlAGwAbAAgAC0ATgBvAFAAcgBvAGYAaQBsAGUAIAAtAE4AbwBuAEkA"
    account = f"{site.netbios}\\svc_ansible"
    home = "C:\\Users\\svc_ansible\\"
    line = f"PowerShell -NoProfile -NonInteractive -ExecutionPolicy Unrestricted -EncodedCommand {encoded}"
    shell = ev.Process(
        f"{_SYSTEM}cmd.exe",
        f"{_SYSTEM}cmd.exe /C {line}",
        remote,
        remote,
        None,
        account,
        folder=home,
    )
    ev.process(day, when, shell)
    inner = ev.Process(_SHELL, line, f"{_SYSTEM}cmd.exe", shell.command, None, account, folder=home)
    ev.process(day, after(when, 0.2), inner)
    module = f"{home}AppData\\Local\\Temp\\ansible-tmp-{rng.getrandbits(32)}\\AnsiballZ_setup.ps1"
    ev.file_created(day, after(when, 1), _SHELL, module)
    logged.script(
        day, after(when, 1), "$exec_wrapper_str = $input | Out-String; &$exec_wrapper", ""
    )
    for name, command in (
        ("whoami.exe", '"C:\\Windows\\system32\\whoami.exe"'),
        ("net.exe", "net.exe accounts"),
        ("sc.exe", "sc.exe qc W3SVC"),
    ):
        said = ev.Process(_SYSTEM + name, command, _SHELL, line, None, account, folder=home)
        ev.process(day, after(when, 2), said)
    csc = "C:\\Windows\\Microsoft.NET\\Framework64\\v4.0.30319\\csc.exe"
    command = f'"{csc}" /noconfig /fullpaths @"{home}AppData\\Local\\Temp\\x0.cmdline"'
    ev.process(day, after(when, 3), ev.Process(csc, command, _SHELL, line, None, account))


def health_checker(day: Day, when: datetime) -> None:
    """An administrator runs the product team's health script, which asks for its version."""
    who = day.rng.choice(day.site.admins)
    path = "C:\\Scripts\\HealthChecker.ps1"
    logged.script(
        day,
        when,
        "Invoke-WebRequest -Uri 'https://github.com/microsoft/CSS-Exchange/releases/latest/"
        "download/HealthChecker.ps1' -OutFile HealthChecker.ps1",
    )
    command = f"powershell -ExecutionPolicy Bypass -File {path} -BuildHtmlServersReport"
    said = ev.Process(_SHELL, command, "C:\\Windows\\explorer.exe", "explorer.exe", who)
    ev.process(day, after(when, 5), said)
    logged.script(
        day, after(when, 6), "Get-WmiObject -Class Win32_NetworkAdapter; Get-HotFix", path
    )
    ev.file_created(day, after(when, 60), _SHELL, "C:\\Scripts\\HealthChecker-MAIL-20210414.xml")
    ev.connection(day, after(when, 6), _SHELL, "203.0.113.50", 443)
    ev.lookup(day, after(when, 6), _SHELL, "github.com", "::ffff:203.0.113.50;")

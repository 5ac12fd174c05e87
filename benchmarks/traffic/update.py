"""The day of a cumulative update: setup, hundreds of pages, recompilation, services, tasks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from traffic import events as ev
from traffic import logged
from traffic.iis import compiled, worker_starts
from traffic.log import Day, after
from traffic.site import Site
from traffic.upkeep import object_access, share

_SYSTEM = "C:\\Windows\\System32\\"
_SHELL = f"{_SYSTEM}WindowsPowerShell\\v1.0\\powershell.exe"
_SETUP = "C:\\Windows\\Temp\\ExchangeSetup\\ExSetup.exe"
_MSI = f"{_SYSTEM}msiexec.exe"
_FRONT = (
    *("owa\\auth\\errorFE", "owa\\auth\\expiredpassword", "owa\\auth\\frowny"),
    *("owa\\auth\\logoff", "owa\\auth\\logon", "owa\\auth\\OutlookCN"),
    *("owa\\auth\\RedirSuiteServiceProxy", "owa\\auth\\signout", "ecp\\auth\\TimeoutLogout"),
)
_BACK = """owa\\auth\\error owa\\auth\\error2 owa\\auth\\logoff owa\\auth\\signout owa\\default
owa\\languageselection owa\\projection ecp\\default ecp\\error ecp\\about ecp\\VDirMgmt\\EditOabVDir
ecp\\VDirMgmt\\resetvirtualdirectory ecp\\VDirMgmt\\NewOabVDir ecp\\UsersGroups\\EditMailbox
ecp\\UsersGroups\\NewMailbox ecp\\Reporting\\SearchAllMailboxAuditLogs ecp\\Organize\\InboxRules
ecp\\PersonalSettings\\Password ecp\\Transport\\EditSendConnector ecp\\exporttool\\download""".split()
_WEB = ("ashx", "asmx", "svc", "ascx", "asax", "config", "js", "css", "png", "gif", "htm", "dll")


def pages(site: Site) -> Iterator[str]:
    """The pages that setup writes, as paths."""
    for name in _FRONT:
        yield f"{site.root}\\FrontEnd\\HttpProxy\\{name}.aspx"
    if site.version == "2013":
        yield f"{site.root}\\FrontEnd\\HttpProxy\\owa\\auth\\SvmFeedback.aspx"
    for (
        app
    ) in "autodiscover ecp ews mapi oab owa powershell rest rpc sync pushnotifications".split():
        yield f"{site.root}\\FrontEnd\\HttpProxy\\{app}\\global.asax"
        yield f"{site.root}\\FrontEnd\\HttpProxy\\{app}\\web.config"
    for name in _BACK:
        yield f"{site.root}\\ClientAccess\\{name}.aspx"
    for n in range(60):
        folder = ("ecp\\UsersGroups", "ecp\\Organize", "ecp\\Transport", "owa\\prem")[n % 4]
        yield f"{site.root}\\ClientAccess\\{folder}\\Page{n}.{_WEB[n % len(_WEB)]}"
    for app in (
        "ecp\\DDI\\DDIService.svc",
        "ecp\\RulesEditor\\InboxRules.svc",
        "owa\\ev.owa2.ashx",
    ):
        yield f"{site.root}\\ClientAccess\\{app}"


def writes_pages(day: Day, when: datetime) -> None:
    """Setup, Windows Installer or robocopy write the web files; audited, they are 4663, too."""
    rng, site = day.rng, day.site
    writer = rng.choice((_SETUP, _MSI, "c:\\windows\\system32\\msiexec.exe"))
    for n, path in enumerate(pages(site)):
        moment = after(when, n / 9)
        ev.file_created(day, moment, writer, path)
        if path.endswith((".aspx", ".asax")) and "HttpProxy" in path:
            object_access(day, after(moment, 0.01), path, writer, rng.choice(("0x2", "0x6")))
    for n, name in enumerate(("iisstart.htm", "iisstart.png", "web.config")):
        path = f"C:\\inetpub\\wwwroot\\{name}"
        image = "C:\\Windows\\winsxs\\amd64_x\\TiWorker.exe"
        ev.file_created(day, after(when, 40 + n), image, path)
    theme = f"{site.root}\\FrontEnd\\HttpProxy\\owa\\auth\\{site.dotted}\\themes\\resources"
    for n, name in enumerate(("logon.css", "favicon.ico", "lgnbotl.gif", "olk_logo.png", "x.zip")):
        ev.file_created(day, after(when, 50 + n), _SETUP, f"{theme}\\{name}")
    copy = f'robocopy.exe "D:\\CU\\Setup" "{site.root}" /E /NP'
    robocopy = ev.Process(f"{_SYSTEM}robocopy.exe", copy, _SETUP, _SETUP)
    ev.process(day, after(when, 60), robocopy)
    old = f"{site.root}\\FrontEnd\\HttpProxy\\owa\\auth\\logon.aspx"
    ev.file_deleted(day, after(when, 61), _MSI, old)
    share(day, after(when, 62), f"{site.host}$", "C:\\ExchangeSetupLogs\\ExchangeSetup.log")


def _step(day: Day, when: datetime, image: str, command: str, parent: str = _SETUP) -> None:
    name = image if "\\" in image else _SYSTEM + image
    ev.process(day, when, ev.Process(name, command, parent, f'"{parent}" /mode:Upgrade'))


def starts(day: Day, when: datetime) -> None:
    """Setup is started, checks, stops services, runs its scripts."""
    site, who = day.site, day.rng.choice(day.site.admins)
    command = '"D:\\Setup.EXE" /m:Upgrade /IAcceptExchangeServerLicenseTerms'
    cmd = ev.Process("D:\\Setup.EXE", command, f"{_SYSTEM}cmd.exe", "cmd.exe", who, folder="D:\\")
    ev.process(day, when, cmd)
    ev.process(day, after(when, 9), ev.Process(_SETUP, command, "D:\\Setup.EXE", command, who))
    steps = (
        ("net.exe", "net stop MSExchangeIS /y"),
        ("net1.exe", "net1 stop MSExchangeIS /y"),
        ("sc.exe", "sc config w3svc start= disabled"),
        ("iisreset.exe", "iisreset /stop"),
        ("taskkill.exe", "taskkill /F /IM UMWorkerProcess.exe"),
        ("msiexec.exe", f'msiexec.exe /i D:\\exchangeserver.msi /qn TARGETDIR="{site.root}"'),
        ("regsvr32.exe", f'regsvr32.exe /s "{site.root}\\bin\\ExSMIME.dll"'),
        ("netsh.exe", "netsh advfirewall firewall add rule name=MSExchangeOWA dir=in"),
        ("wevtutil.exe", f'wevtutil im "{site.root}\\bin\\Microsoft-Exchange.man"'),
        ("lodctr.exe", "lodctr /m:perf.xml"),
        ("reg.exe", "reg export HKLM\\SYSTEM\\CurrentControlSet\\Services C:\\ExSetup\\svc.reg"),
        ("attrib.exe", f'attrib -r "{site.root}\\FrontEnd\\HttpProxy\\owa\\auth\\*.aspx"'),
        ("icacls.exe", f'icacls "{site.root}" /grant *S-1-5-32-544:F'),
        ("schtasks.exe", 'schtasks /create /tn "ExchangeSetup" /ru SYSTEM /tr setup.exe /sc once'),
        ("inetsrv\\appcmd.exe", f"{_SYSTEM}inetsrv\\appcmd.exe set config /section:modules"),
        ("inetsrv\\appcmd.exe", "appcmd.exe stop apppool MSExchangeOWAAppPool"),
        (
            "WindowsPowerShell\\v1.0\\powershell.exe",
            f'powershell -ExecutionPolicy Bypass -File "{site.root}\\bin\\UpdateCas.ps1"',
        ),
        (
            "WindowsPowerShell\\v1.0\\powershell.exe",
            "powershell.exe -ep bypass -noprofile -command "
            '"& { Add-PSSnapin Microsoft.Exchange.Management.PowerShell.Setup }"',
        ),
    )
    for n, (image, line) in enumerate(steps):
        _step(day, after(when, 20 + n * 7), _SYSTEM + image, line)
    _step(day, after(when, 150), _SHELL, "powershell -Command Get-PSSnapin -Registered", _MSI)
    script = f"{site.root}\\bin\\UpdateCas.ps1"
    logged.script(day, after(when, 151), 'Copy-Item -Path "$owaPath\\auth\\*.aspx" -Force', script)
    logged.script(
        day, after(when, 152), "Add-PSSnapin -Name Microsoft.Exchange.*; ConfigureCas", script
    )


def directories(day: Day, when: datetime) -> None:
    """Setup makes the virtual directories anew: cmdlets of its own process, AD changes."""
    site = day.site
    name = "ExSetup"
    for n, (cmdlet, parameters) in enumerate(
        (
            ("Remove-OabVirtualDirectory", '-Identity "OAB (Default Web Site)" -Force "True"'),
            (
                "New-OabVirtualDirectory",
                f'-Role "ClientAccess" -Path "{site.root}\\FrontEnd\\HttpProxy\\OAB"',
            ),
            ("New-OwaVirtualDirectory", '-Role "Mailbox" -WebSiteName "Exchange Back End"'),
            ("New-EcpVirtualDirectory", f'-InternalUrl "https://{site.fqdn}/ecp"'),
            ("Set-OwaVirtualDirectory", f'-InternalUrl "https://{site.fqdn}/owa"'),
            ("New-WebServicesVirtualDirectory", f'-ExternalUrl "https://{site.url}/EWS/a.asmx"'),
            ("Set-PowerShellVirtualDirectory", '-RequireSSL "False" -ExternalUrl ""'),
            ("New-ActiveSyncVirtualDirectory", '-WebSiteName "Default Web Site"'),
            ("Remove-MapiVirtualDirectory", '-Identity "MAPI (Default Web Site)"'),
            ("Install-CannedRbacRoles", '-InvocationMode "BuildToBuildUpgrade"'),
            ("Set-ExchangeServer", '-Identity "x" -MonitoringGroup "1"'),
        )
    ):
        logged.cmdlet(
            *(day, after(when, n * 31), cmdlet, parameters, "exadmin"),
            process=name,
            application="",
        )
    directory_change(day, after(when, 99), "msExchInternalHostName", f"https://{site.fqdn}/owa")
    directory_change(day, after(when, 120), "msExchExternalHostName", f"https://{site.url}/OAB")
    text = "Application '/LM/W3SVC/1/ROOT/OAB' could not be initialised."
    for n in range(3):
        provider = "Microsoft-Windows-IIS-W3SVC-WP"
        logged.classic(day, after(when, 35 + n), "Application", provider, 2303, [text], 3)


def directory_change(day: Day, when: datetime, attribute: str, value: str) -> None:
    """An attribute of a directory object is changed (5136)."""
    site = day.site
    path = "DC=" + site.domain.replace(".", ",DC=")
    ev.security(
        *(day, when, 5136, 14081),
        {
            "OpCorrelationID": f"{{{day.guid()}}}",
            "AppCorrelationID": "-",
            "SubjectUserSid": "S-1-5-18",
            "SubjectUserName": f"{site.host}$",
            "SubjectDomainName": site.netbios,
            "SubjectLogonId": "0x9f1",
            "DSName": site.domain,
            "DSType": "%%14676",
            "ObjectDN": f"CN=OAB (Default Web Site),CN=HTTP,CN=Protocols,CN={site.host},{path}",
            "ObjectGUID": f"{{{day.guid()}}}",
            "ObjectClass": "msExchOABVirtualDirectory",
            "AttributeLDAPDisplayName": attribute,
            "AttributeSyntaxOID": "2.5.5.12",
            "AttributeValue": value,
            "OperationType": "%%14674",
        },
    )


def finishes(day: Day, when: datetime) -> None:
    """Services start again, tasks are registered and removed, pools recycle, pages compile."""
    site = day.site
    for n, (image, line) in enumerate(
        (
            ("iisreset.exe", "iisreset /start"),
            ("net.exe", "net start MSExchangeADTopology"),
            ("sc.exe", "sc config MSExchangeIS start= auto"),
            ("schtasks.exe", 'schtasks.exe /delete /tn "ExchangeSetup" /f'),
            ("inetsrv\\appcmd.exe", "appcmd.exe start apppool MSExchangeOWAAppPool"),
        )
    ):
        _step(day, after(when, n * 11), _SYSTEM + image, line)
    cache = "HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\Schedule\\TaskCache\\Tree"
    image = f"{_SYSTEM}svchost.exe"
    task_registered(
        day, after(when, 20), "\\ExchangeSetup", f"{site.root}\\bin\\ExSetup.exe /resume"
    )
    ev.registry(
        day, after(when, 20), "SetValue", image, f"{cache}\\ExchangeSetup\\SD", "Binary Data"
    )
    ev.registry(day, after(when, 60), "DeleteKey", image, f"{cache}\\ExchangeSetup")
    for n in range(12):
        worker_starts(day, after(when, 70 + n * 3))
    for n in range(25):
        compiled(day, after(when, 120 + n * 40))
    for text in ("Owa", "Ecp", "Oab", "Ews", "Mapi", "Autodiscover"):
        provider = "MSExchange Front End HTTP Proxy"
        said = [f"[{text}] Application starting."]
        logged.classic(day, after(when, 130), "Application", provider, 1001, said)
    logged.classic(day, after(when, 10), "System", "Service Control Manager", 7040, [site.host])


def task_registered(day: Day, when: datetime, name: str, command: str, run_as: str = "") -> None:
    """A scheduled task is registered (4698)."""
    site = day.site
    program, _, arguments = command.partition(" ")
    content = (
        '<?xml version="1.0" encoding="UTF-16"?>\r\n<Task version="1.2" xmlns="http://schemas'
        '.microsoft.com/windows/2004/02/mit/task">\r\n  <Principals><Principal id="Author">'
        f"<UserId>{run_as or 'S-1-5-18'}</UserId></Principal></Principals>\r\n"
        f"  <Actions><Exec><Command>{program}</Command><Arguments>{arguments}</Arguments></Exec>"
        "</Actions>\r\n</Task>"
    )
    ev.security(
        *(day, when, 4698, 12804),
        {
            "SubjectUserSid": "S-1-5-18",
            "SubjectUserName": f"{site.host}$",
            "SubjectDomainName": site.netbios,
            "SubjectLogonId": "0x3e7",
            "TaskName": name,
            "TaskContent": content,
        },
        version=1,
    )

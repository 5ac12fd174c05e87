"""What others run on the server: backup, antivirus, monitoring agents, scheduled scripts."""

from __future__ import annotations

from datetime import datetime

from traffic import events as ev
from traffic import logged
from traffic.log import Day, after

_SYSTEM = "C:\\Windows\\System32\\"
_SCRIPT = f"{_SYSTEM}WindowsPowerShell\\v1.0\\powershell.exe"
_SCOM = "C:\\Program Files\\Microsoft Monitoring Agent\\Agent\\MonitoringHost.exe"
_NSCP = "C:\\Program Files\\NSClient++\\nscp.exe"
_ZABBIX = "C:\\Program Files\\Zabbix Agent\\zabbix_agentd.exe"
_PRTG = "C:\\Program Files (x86)\\PRTG Network Monitor\\PRTG Probe.exe"
_WSMAN = f"{_SYSTEM}wsmprovhost.exe"

_AGENTS: tuple[tuple[str, str, str], ...] = (
    (_SCOM, "cscript.exe", '/nologo "GetOpsMgrInfo.vbs" {3B2D7E} mail'),
    (_SCOM, "cscript.exe", '/nologo "C:\\Program Files\\MMA\\Health\\IISDiscovery.vbs" inetpub'),
    (_SCOM, "powershell.exe", "-NoProfile -ExecutionPolicy Bypass -File C:\\MMA\\Exchange.ps1"),
    (_SCOM, "cmd.exe", '/c "sc query w3svc & tasklist /svc"'),
    (_NSCP, "cmd.exe", "/c echo scripts\\check_exchange.ps1; exit($lastexitcode) | powershell -"),
    (_NSCP, "powershell.exe", "-command - -ExecutionPolicy RemoteSigned"),
    (_NSCP, "ping.exe", "-n 2 dc01"),
    (
        *(_NSCP, "powershell.exe"),
        '-NonInteractive -Command "Add-PSSnapin Microsoft.Exchange.Management.PowerShell.E2010; '
        'C:\\scripts\\check_exchange_queue.ps1 -w 50 -c 100"',
    ),
    (_ZABBIX, "cmd.exe", '/C "powershell -ep bypass -nop -file C:\\zabbix\\queue.ps1"'),
    (_ZABBIX, "cmd.exe", '/C "netstat -an | find /c 443"'),
    (_ZABBIX, "wmic.exe", "cpu get loadpercentage /value"),
    (_ZABBIX, "systeminfo.exe", ""),
    (_PRTG, "powershell.exe", "-NonInteractive -File C:\\PRTG\\Exchange-Backup.ps1 MAIL -ma"),
    (_WSMAN, "whoami.exe", "/user"),
    (_WSMAN, "quser.exe", ""),
    ("C:\\Program Files\\Puppet\\bin\\ruby.exe", "net.exe", "localgroup Administrators"),
    ("C:\\Program Files\\SaltStack\\salt-minion.exe", "ipconfig.exe", "/all"),
    ("C:\\Program Files\\Qualys\\QualysAgent\\QualysAgent.exe", "reg.exe", "query HKLM\\SYSTEM"),
    ("C:\\Program Files\\Tenable\\Nessus Agent\\nessusd.exe", "netstat.exe", "-ano"),
    ("C:\\Windows\\CCM\\CcmExec.exe", "cscript.exe", "inventory.vbs"),
    ("C:\\Windows\\CCM\\CcmExec.exe", "powershell.exe", "-ExecutionPolicy Bypass -Command . x.ps1"),
)


def agent(day: Day, when: datetime) -> None:
    """A monitoring or inventory agent looks around: discovery commands, but not by the web."""
    rng = day.rng
    parent, name, arguments = rng.choice(_AGENTS)
    image = _SCRIPT if name == "powershell.exe" else _SYSTEM + name
    shown = image if rng.random() < 0.5 else name
    command = f"{shown} {arguments}".strip()
    ev.process(day, when, ev.Process(image, command, parent, f'"{parent}"'))
    if name == "cmd.exe" and rng.random() < 0.7:
        shell, inner = image, arguments.removeprefix("/c ").removeprefix("/C ").strip('"')
        tool = inner.split()[0].removesuffix(".exe")
        if tool in ("powershell", "netstat", "sc"):
            child = _SCRIPT if tool == "powershell" else f"{_SYSTEM}{tool}.exe"
            ev.process(day, after(when, 0.2), ev.Process(child, inner, shell, command))
    if image == _SCRIPT:
        logged.pipeline(
            day, after(when, 1), command, 'CommandInvocation(Get-Service): "Get-Service"', "SYSTEM"
        )
        logged.script(
            day, after(when, 1), "Get-WmiObject Win32_Service | ? {$_.Name -like 'MSEx*'}"
        )


def backup(day: Day, when: datetime) -> None:
    """A backup: snapshots, an agent over the administrative share, restored files, archives."""
    rng, site = day.rng, day.site
    agent_exe = "C:\\Program Files\\Veeam\\Endpoint\\VeeamDeploymentSvc.exe"
    host = f"{site.netbios}\\svc_backup"
    for image, command in (
        (f"{_SYSTEM}vssadmin.exe", "vssadmin list writers"),
        (f"{_SYSTEM}vssadmin.exe", "vssadmin create shadow /for=D: /autoretry=3"),
        (f"{_SYSTEM}diskshadow.exe", "diskshadow /s C:\\Scripts\\exchange.dsh"),
        (f"{_SYSTEM}cmd.exe", 'cmd.exe /c "net use \\\\nas\\backup"'),
        (f"{_SYSTEM}net.exe", "net use \\\\nas\\backup /persistent:no"),
        (
            f"{_SYSTEM}wbadmin.exe",
            "wbadmin start backup -backupTarget:\\\\nas\\b -include:D: -quiet",
        ),
        (
            "C:\\Program Files\\7-Zip\\7z.exe",
            "7z.exe a -t7z \\\\nas\\iis\\logs.7z C:\\inetpub\\logs",
        ),
        (f"{_SYSTEM}robocopy.exe", f'robocopy "{site.root}" \\\\nas\\exchange /MIR /R:1'),
        (f"{_SYSTEM}reg.exe", "reg save HKLM\\SYSTEM D:\\Backup\\system.hiv /y"),
        (f"{_SYSTEM}esentutl.exe", f"esentutl /mh {site.data}\\DB01\\DB01.edb"),
        (f"{_SYSTEM}inetsrv\\appcmd.exe", "appcmd add backup nightly"),
    ):
        ev.process(
            day, after(when, 5), ev.Process(image, command, agent_exe, agent_exe, None, host)
        )
        when = after(when, 20)
    for n in range(rng.randrange(3, 9)):
        path = rng.choice((f"{site.data}\\DB01\\E00{n:05X}.log", f"{site.data}\\DB01\\DB01.edb"))
        ev.file_created(day, after(when, n), "System", path)
        share(day, after(when, n), f"{site.host}$", path)
        share(day, after(when, n), "svc_backup", path, "0x1")
    web = f"{site.root}\\FrontEnd\\HttpProxy\\owa\\auth\\logon.aspx"
    share(day, after(when, 20), "svc_backup", web, "0x120089")
    share(day, after(when, 21), f"{site.host}$", "C:\\inetpub\\wwwroot\\web.config", "0x1")
    share(day, after(when, 22), f"{site.host}$", "C:\\inetpub\\wwwroot\\default.aspx", "0x120089")
    object_access(day, after(when, 23), web, agent_exe, "0x1", "svc_backup")


def share(day: Day, when: datetime, account: str, path: str, mask: str = "0x12019f") -> None:
    """A file is used over an administrative share (5145)."""
    site = day.site
    drive, _, inside = path.partition(":\\")
    own = account.endswith("$")
    ev.security(
        *(day, when, 5145, 12811),
        {
            "SubjectUserSid": "S-1-5-18" if own else site.people[0].sid,
            "SubjectUserName": account,
            "SubjectDomainName": site.netbios,
            "SubjectLogonId": "0x3e7" if own else "0x5a1b",
            "ObjectType": "File",
            "IpAddress": "127.0.0.1" if own else site.ip,
            "IpPort": "30065",
            "ShareName": f"\\\\*\\{drive}$",
            "ShareLocalPath": f"\\??\\{drive}:\\",
            "RelativeTargetName": inside,
            "AccessMask": mask,
            "AccessList": "%%4416",
            "AccessReason": "-",
        },
    )


def shares(day: Day, when: datetime) -> None:
    """Shares are connected, pipes opened, address book and tracking files read."""
    rng, site = day.rng, day.site
    for name, path, inside in rng.sample(
        (
            ("\\\\*\\IPC$", "-", "srvsvc"),
            ("\\\\*\\IPC$", "-", "winreg"),
            ("\\\\*\\address", f"\\??\\{site.root}\\ClientAccess\\Addresses", ""),
            ("\\\\*\\ExchangeOAB", f"\\??\\{site.root}\\ExchangeOAB", "oab.xml"),
            ("\\\\*\\SYSVOL", "\\??\\C:\\Windows\\SYSVOL\\sysvol", "Policies\\gpt.ini"),
            ("\\\\*\\ADMIN$", "\\??\\C:\\Windows", "CCM\\Logs\\ccmsetup.log"),
        ),
        2,
    ):
        account = rng.choice((f"{site.host[:-1]}9$", rng.choice(site.people).account))
        said: dict[str, str | int] = {"SubjectUserSid": "S-1-5-21-1", "SubjectUserName": account}
        said |= {"SubjectDomainName": site.netbios, "SubjectLogonId": "0x7f1"}
        said |= {"ObjectType": "File", "IpAddress": f"{site.ip.rsplit('.', 1)[0]}.17"}
        said |= {"IpPort": rng.randrange(30_000, 60_000), "ShareName": name, "ShareLocalPath": path}
        ev.security(day, when, 5140, 12808, {**said, "AccessMask": "0x1", "AccessList": "%%4416"})
        more: dict[str, str | int] = {"RelativeTargetName": inside, "AccessMask": "0x12019f"}
        ev.security(day, after(when, 0.1), 5145, 12811, {**said, **more, "AccessReason": "-"})


def object_access(
    day: Day, when: datetime, path: str, process: str, mask: str, account: str = ""
) -> None:
    """An audited file is used (4663)."""
    site = day.site
    ev.security(
        *(day, when, 4663, 12800),
        {
            "SubjectUserSid": "S-1-5-18",
            "SubjectUserName": account or f"{site.host}$",
            "SubjectDomainName": site.netbios,
            "SubjectLogonId": "0x3e7",
            "ObjectServer": "Security",
            "ObjectType": "File",
            "ObjectName": path,
            "HandleId": "0x1f07",
            "AccessList": "%%4416",
            "AccessMask": mask,
            "ProcessId": "0x2e4c",
            "ProcessName": process,
            "ResourceAttributes": "S:AI",
        },
        version=1,
    )


def antivirus(day: Day, when: datetime) -> None:
    """Defender and other products: signatures, scans, exclusions that Microsoft recommends."""
    rng, site = day.rng, day.site
    key = "HKLM\\SOFTWARE\\Microsoft\\Windows Defender\\Exclusions"
    engine = "C:\\ProgramData\\Microsoft\\Windows Defender\\Platform\\4.18.2103.7-0\\MsMpEng.exe"
    excluded = rng.choice(
        (
            f"{key}\\Paths\\{site.data}\\DB01",
            f"{key}\\Paths\\{site.root}\\Mailbox",
            f"{key}\\Paths\\{site.root}\\TransportRoles\\data\\Queue",
            f"{key}\\Extensions\\.edb",
            f"{key}\\Extensions\\.lzx",
            f"{key}\\Processes\\{site.root}\\Bin\\EdgeTransport.exe",
        )
    )
    value = f"{excluded} = 0x0"
    logged.defender(day, when, 5007, {"Old Value": "", "New Value": value})
    ev.registry(day, when, "SetValue", engine, excluded, "DWORD (0x00000000)")
    scan = {"Scan ID": f"{{{day.guid()}}}", "Scan Type": "Antimalware", "User": "SYSTEM"}
    logged.defender(day, after(when, 9), 1000, dict(scan))
    logged.defender(day, after(when, 900), 1001, dict(scan))
    logged.defender(day, after(when, 990), 2000, {"Current Signature Version": "1.335.129.0"})
    if rng.random() < 0.9:
        found: dict[str, str | int] = {"Threat ID": "2147519003", "Severity Name": "Severe"}
        found |= {"Threat Name": "Virus:DOS/EICAR_Test_File", "Category Name": "Virus"}
        found |= {
            "Path": "file:_C:\\Users\\petra\\Downloads\\eicar.com",
            "Process Name": "explorer",
        }
        logged.defender(day, after(when, 1000), 1116, found)
    for n in range(rng.randrange(2, 6)):
        name = f"{rng.getrandbits(64):016X}"
        path = f"C:\\ProgramData\\Microsoft\\Windows Defender\\Scans\\mpcache-{name}.bin"
        ev.file_created(day, after(when, n), engine, path)
    agent_file = f"C:\\ProgramData\\McAfee\\Agent\\Current\\{rng.randrange(9999)}\\avvdat.zip"
    ev.file_created(day, when, "C:\\Program Files\\McAfee\\Agent\\masvc.exe", agent_file)
    image = "C:\\Program Files\\McAfee\\Agent\\x86\\7z.exe"
    command = '7z.exe a -t7z "C:\\ProgramData\\McAfee\\Agent\\logs\\agent.7z" "*.log"'
    ev.process(day, when, ev.Process(image, command, "C:\\Program Files\\McAfee\\masvc.exe", "x"))


def trims_by_age(day: Day, when: datetime) -> None:
    """A job of the house deletes logs of IIS that are older than a month."""
    site = day.site
    parent = "C:\\Windows\\System32\\svchost.exe"
    forfiles = f"{_SYSTEM}forfiles.exe"
    logs = day.rng.choice(("C:\\inetpub\\logs\\LogFiles", f"{site.root}\\Logging\\HttpProxy"))
    line = f'forfiles /p "{logs}" /s /m *.log /d -30 /c "cmd /c del @path"'
    job = ev.Process(forfiles, line, parent, f"{parent} -k netsvcs -p -s Schedule")
    ev.process(day, when, job)
    for n in range(3):
        old = f"{logs}\\W3SVC1\\u_ex2103{n + 10}.log"
        shell = ev.Process(f"{_SYSTEM}cmd.exe", f'/c del "{old}"', forfiles, line)
        ev.process(day, after(when, n + 1), shell)
        ev.file_deleted(day, after(when, n + 1.1), f"{_SYSTEM}cmd.exe", old)


def scheduled_script(day: Day, when: datetime) -> None:
    """The house's own scripts, run by the task scheduler: reports, log trimming, snap-ins."""
    rng, site = day.rng, day.site
    scheduler = "C:\\Windows\\System32\\svchost.exe"
    shell = "Add-PSSnapin Microsoft.Exchange.Management.PowerShell.SnapIn"
    remote = f". '{site.root}\\bin\\RemoteExchange.ps1'; Connect-ExchangeServer -auto"
    command, body = rng.choice(
        (
            (
                "-File C:\\Scripts\\Report-Mailboxes.ps1",
                "Get-Mailbox | Export-Csv C:\\Reports\\m.csv",
            ),
            (f'-NonInteractive -WindowStyle Hidden -command ". {remote}"', remote),
            ("-ExecutionPolicy Bypass -File C:\\Scripts\\Trim-IisLogs.ps1", "$old | Remove-Item"),
            ("-NoProfile -File D:\\Scripts\\backup-check.ps1", "Get-MailboxDatabase -Status"),
            (f"-psconsolefile '{site.root}\\bin\\exshell.psc1' -File C:\\S\\q.ps1", "Get-Queue"),
            ("-file C:\\Scripts\\cert.ps1", "Get-ExchangeCertificate | ? NotAfter -lt (Get-Date)"),
        )
    )
    line = f"powershell.exe {command}"
    account = f"{site.netbios}\\svc_exchange" if rng.random() < 0.5 else ""
    parent = f"{scheduler} -k netsvcs -p -s Schedule"
    ev.process(day, when, ev.Process(_SCRIPT, line, scheduler, parent, None, account))
    logged.script(day, after(when, 1), body, "C:\\Scripts\\x.ps1" if "File" in command else "")
    logged.pipeline(day, after(when, 1), line, f'CommandInvocation(Get-Item): "{body}"', "svc")
    if "Trim" in command:
        folder = "C:\\inetpub\\logs\\LogFiles\\W3SVC1"
        for n in range(3):
            path = f"{folder}\\u_ex2103{n + 10}.log"
            ev.file_deleted(day, after(when, 2 + n), _SCRIPT, path, account)
    if rng.random() < 0.2:
        signature = "C:\\Program Files\\CodeTwo\\Exchange Rules Pro\\Service.exe"
        text = f"{shell}; Get-TransportAgent"
        ev.process(day, after(when, 9), ev.Process(_SCRIPT, f'powershell "{text}"', signature, "x"))

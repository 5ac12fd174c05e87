"""What administrators do: control panel, management shell, and the command line of the server."""

from __future__ import annotations

from datetime import datetime

from traffic import events as ev
from traffic import logged
from traffic.log import Day, after
from traffic.people import BROWSERS, sid
from traffic.text import Request, ask, ecp
from traffic.update import directory_change

_SYSTEM = "C:\\Windows\\System32\\"
_SHELL = f"{_SYSTEM}WindowsPowerShell\\v1.0\\powershell.exe"
_EXPLORER = "C:\\Windows\\explorer.exe"

_EAC = (
    ("GetList", "VirtualDirectory", "Get-OabVirtualDirectory.ADPropertiesOnly=$true"),
    ("GetObject", "OABVirtualDirectory", "Get-OabVirtualDirectory.Identity='{id}'"),
    (
        *("SetObject", "OABVirtualDirectory"),
        "Set-OabVirtualDirectory.ExternalUrl='https://{url}/OAB'.Identity='{id}'",
    ),
    (
        *("SetObject", "OwaVirtualDirectory"),
        "Set-OwaVirtualDirectory.ExternalUrl='https://{url}/owa'.InternalUrl='https://{url}/owa'",
    ),
    (
        *("SetObject", "EcpVirtualDirectory"),
        "Set-EcpVirtualDirectory.ExternalUrl='https://{url}/ecp'.Identity='{id}'",
    ),
    ("GetList", "TransportRule", "Get-TransportRule"),
    (
        *("SetObject", "TransportRule"),
        "Set-TransportRule.ApplyHtmlDisclaimerText='<p>Diese Nachricht … <a href=\"x\">mehr</a>'",
    ),
    ("NewObject", "Mailbox", "New-Mailbox.Name='Lin'.PrimarySmtpAddress='lin@{domain}'"),
    ("SetObject", "AdminRoleGroup", "Update-RoleGroupMember.Members='amira'"),
    ("NewObject", "SendConnector", "New-SendConnector.SmartHosts='[10.0.0.4]'"),
    ("GetList", "Certificate", "Get-ExchangeCertificate.Server='x'"),
    ("NewObject", "Certificate", "New-ExchangeCertificate.SubjectName='CN=<mail>'"),
    ("GetObject", "Mailbox", "Get-Mailbox.Identity='{id}'"),
)


def control_panel(day: Day, when: datetime) -> None:
    """An administrator works in the control panel: URL changes, resets, rules, mailboxes."""
    rng, site, who = day.rng, day.site, day.rng.choice(day.site.admins)
    base = Request(
        *("", "", who.ip, rng.choice(BROWSERS[:4])),
        user=f"{site.netbios}\\{who.account}",
        protocol="Ecp",
        anchor=sid(who),
        hint="WindowsIdentity",
        auth="FBA",
    )
    names = {"id": day.guid(), "url": site.url, "domain": site.domain}
    canary = f"msExchEcpCanary=a{rng.getrandbits(80):x}."
    ask(day, when, base, "GET", "/ecp/", query="ExchClientVer=15")
    ask(day, after(when, 2), base, "GET", "/ecp/VDirMgmt/EditOabVDir.aspx", query="pwmcid=1")
    ask(day, after(when, 3), base, "GET", f"/ecp/{site.dotted}/scripts/common.js")
    for n, (verb, schema, command) in enumerate(rng.sample(_EAC, 5)):
        moment = after(when, 10 + 25 * n)
        stem = f"/ecp/DDI/DDIService.svc/{verb}"
        query = f"schema={schema}&{canary}" if rng.random() < 0.5 else f"{canary}&schema={schema}"
        ask(day, moment, base, "POST", stem, query=query, took=rng.randrange(100, 4000))
        ordered = command.format(**names)
        ecp(day, moment, ordered, f"{stem}?{query}")
        cmdlet, _, parameters = ordered.partition(".")
        if verb != "GetList":
            logged.cmdlet(
                *(day, after(moment, 0.5), cmdlet, "-" + parameters.replace("=", " "), who.account),
                process="w3wp#MSExchangeECPAppPool",
            )
    if rng.random() < 0.3:
        stem = "/ecp/Migration/MigrationCsvUpload.ashx"
        ask(day, after(when, 300), base, "POST", stem, query=canary)
    if rng.random() < 0.03:
        stem, query = (
            "/ecp/DDI/DDIService.svc/SetObject",
            f"schema=ResetOABVirtualDirectory&{canary}",
        )
        ask(day, after(when, 400), base, "POST", stem, query=query, took=4100)
        for n, verb in enumerate(("Remove", "New")):
            pool, identity = "w3wp#MSExchangeECPAppPool", '-Identity "OAB (Default Web Site)"'
            name = f"{verb}-OabVirtualDirectory"
            moment = after(when, 400 + 2 * n)
            logged.cmdlet(day, moment, name, identity, who.account, process=pool)
    directory_change(day, after(when, 90), "msExchExternalHostName", f"https://{site.url}/OAB")


_CMDLETS = (
    ("Set-OabVirtualDirectory", '-ExternalUrl "https://{url}/OAB" -RequireSSL "True"'),
    ("Set-OwaVirtualDirectory", '-ExternalUrl "https://{url}/owa" -LogonFormat "UserName"'),
    ("Set-EcpVirtualDirectory", '-InternalUrl "https://{url}/ecp" -AdminEnabled "False"'),
    ("Set-ActiveSyncVirtualDirectory", '-ExtendedProtectionTokenChecking "Require"'),
    ("Set-WebServicesVirtualDirectory", '-ExternalUrl "https://{url}/EWS/Exchange.asmx"'),
    ("Set-MapiVirtualDirectory", '-IISAuthenticationMethods "NTLM, Negotiate"'),
    (
        "Set-ClientAccessService",
        '-AutoDiscoverServiceInternalUri "https://{url}/Autodiscover/a.xml"',
    ),
    ("Enable-ExchangeCertificate", '-Thumbprint "5113AE0233A72FCCB7" -Services "IIS, SMTP"'),
    ("Import-ExchangeCertificate", '-FileName "\\\\files\\certs\\mail.pfx"'),
    ("New-TransportRule", '-Name "Extern" -ApplyHtmlDisclaimerText "<p>[EXTERN]</p>"'),
    ("Set-TransportRule", '-Identity "Url filter" -ApplyHtmlDisclaimerText "<script>"'),
    ("New-ManagementRoleAssignment", '-Role "Mailbox Import Export" -User "exadmin"'),
    ("New-ManagementRoleAssignment", '-Role "View-Only Recipients" -User "svc_archive"'),
    ("Add-RoleGroupMember", '-Identity "Discovery Management" -Member "legal.team"'),
    ("Remove-RoleGroupMember", '-Identity "Organization Management" -Member "old.admin"'),
    ("Add-MailboxPermission", '-Identity "info" -User "lin" -AccessRights "FullAccess"'),
    ("New-MailboxExportRequest", '-Mailbox "noah" -FilePath "\\\\files\\ediscovery\\noah.pst"'),
    ("New-MailboxExportRequest", '-Mailbox "lin" -FilePath "\\\\fs01.{domain}\\pst$\\lin.pst"'),
    ("New-MailboxExportRequest", '-Mailbox "x" -FilePath "\\\\{host}\\pst$\\x.pst"'),
    ("New-MailboxImportRequest", '-Mailbox "lin" -FilePath "\\\\files\\pst\\alt.pst"'),
    ("Remove-MailboxExportRequest", '-Identity "noah\\MailboxExport" -Confirm "False"'),
    ("Get-MailboxExportRequest", '-Status "Completed"'),
    ("Remove-MailboxExportRequest", '-Identity "all completed"'),
    ("New-MailboxSearch", '-Name "Fall 12" -SourceMailboxes "noah" -TargetMailbox "Discovery"'),
    ("Search-Mailbox", '-Identity "lin" -SearchQuery "Subject:Phish" -DeleteContent "True"'),
    ("New-MoveRequest", '-Identity "petra" -TargetDatabase "DB02"'),
    ("New-InboxRule", '-Name "Url" -BodyContainsWords "<unsubscribe>"'),
    ("Set-MailboxAutoReplyConfiguration", '-InternalMessage "<html>Url: <b>x</b>"'),
    ("Set-SendConnector", '-Identity "Internet" -SmartHosts "relay.partner.example"'),
    ("Get-Mailbox", '-ResultSize "Unlimited"'),
    ("Get-MailboxStatistics", '-Server "x"'),
    ("Set-Mailbox", '-Identity "x" -ForwardingSmtpAddress "smtp:x@partner.example"'),
    ("Set-ServerComponentState", '-Component "HubTransport" -State "Draining"'),
    (
        "Install-TransportAgent",
        '-Name "Signature" -AssemblyPath "C:\\Program Files\\CodeTwo\\Agent.dll"',
    ),
    ("Set-OrganizationConfig", '-CustomerFeedbackEnabled "False"'),
    ("New-App", '-OrganizationApp -Url "https://addin.partner.example/manifest.xml"'),
    ("Set-CASMailbox", '-Identity "lin" -OWAEnabled "False"'),
    ("Update-OfflineAddressBook", '-Identity "\\Default Offline Address Book"'),
)


def management_shell(day: Day, when: datetime) -> None:
    """An administrator works in the Exchange Management Shell, from a desk."""
    rng, site, who = day.rng, day.site, day.rng.choice(day.site.admins)
    base = Request(
        *("", "", who.ip, "Microsoft WinRM Client"),
        query=f"serializationLevel=Full;ExchClientVer={site.dotted};clientApplication=EMC;PSVersion=5",
        user=f"{site.netbios}\\{who.account}",
        protocol="PowerShell",
        anchor=sid(who),
        hint="WindowsIdentity",
        auth="Kerberos",
    )
    names = {"url": site.url, "domain": site.domain, "host": site.host}
    for n, (name, parameters) in enumerate(rng.sample(_CMDLETS, 6)):
        ask(day, after(when, n * 20), base, "POST", "/powershell")
        failed = ""
        if rng.random() < 0.1:
            failed = (
                "Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException: '<x>'"
            )
        said = parameters.format(**names)
        logged.cmdlet(day, after(when, n * 20 + 1), name, said, who.account, failed=failed)
    if rng.random() < 0.4:
        repair = '-Identity "OAB (Default Web Site)" -Force "True"'
        logged.cmdlet(day, after(when, 300), "Remove-OabVirtualDirectory", repair, who.account)
        made = '-InternalUrl "https://{url}/OAB" -ExternalUrl "https://{url}/OAB"'.format(**names)
        logged.cmdlet(day, after(when, 700), "New-OabVirtualDirectory", made, who.account)


_COMMANDS = (
    ("whoami.exe", "whoami /groups"),
    ("whoami.exe", "whoami"),
    ("ipconfig.exe", "ipconfig /all"),
    ("hostname.exe", "hostname"),
    ("quser.exe", "quser"),
    ("tasklist.exe", 'tasklist /svc /fi "imagename eq w3wp.exe"'),
    ("netstat.exe", "netstat -ano"),
    ("systeminfo.exe", "systeminfo"),
    ("nltest.exe", "nltest /dsgetdc:"),
    ("nltest.exe", "nltest /sc_verify:corp"),
    ("ping.exe", "ping dc01"),
    ("nslookup.exe", "nslookup mail.partner.example"),
    ("net.exe", 'net group "Exchange Organization administrators" /domain'),
    ("net.exe", 'net group "Organization Management" t0-jonas /add /domain'),
    ("net.exe", "net user lin /domain"),
    ("net.exe", "net use X: \\\\files\\software"),
    ("net.exe", "net localgroup Administrators"),
    ("net.exe", 'net group "Domain Guests" alt.user /del /domain'),
    ("net.exe", "net share pst$=E:\\PST /grant:exadmin,full"),
    ("net.exe", "net use \\\\127.0.0.1\\C$"),
    ("sc.exe", "sc query w3svc"),
    ("schtasks.exe", "schtasks /query /fo list /v"),
    (
        "schtasks.exe",
        'schtasks /create /tn Trim /ru SYSTEM /sc daily /tr "powershell -ExecutionPolicy Bypass '
        '-WindowStyle Hidden -File C:\\Scripts\\Trim-IisLogs.ps1"',
    ),
    ("schtasks.exe", 'schtasks /create /tn Report /tr "powershell -File C:\\S\\r.ps1" /sc daily'),
    (
        "reg.exe",
        "reg query HKLM\\SOFTWARE\\Microsoft\\ExchangeServer\\v15\\Setup /v MsiInstallPath",
    ),
    ("reg.exe", "reg export HKLM\\SYSTEM\\CurrentControlSet\\Services\\W3SVC C:\\Temp\\w3svc.reg"),
    (
        "reg.exe",
        "reg export HKLM\\SYSTEM\\CurrentControlSet\\Services C:\\Users\\adm\\services.reg",
    ),
    ("certutil.exe", "certutil -hashfile ExchangeServer2016-x64-cu20.iso SHA256"),
    ("certutil.exe", "certutil -verify -urlfetch mail.cer"),
    ("certutil.exe", "certutil -importpfx mail.pfx"),
    ("wevtutil.exe", "wevtutil epl Application C:\\Temp\\app.evtx"),
    ("iisreset.exe", "iisreset /noforce"),
    ("inetsrv\\appcmd.exe", "appcmd list wp"),
    ("inetsrv\\appcmd.exe", "appcmd recycle apppool /apppool.name:MSExchangeOWAAppPool"),
    ("notepad.exe", "notepad C:\\inetpub\\wwwroot\\web.config"),
    ("esentutl.exe", "esentutl /g DB01.edb"),
    ("esentutl.exe", "esentutl /y E:\\MDB\\DB01.edb /d F:\\Copy\\DB01.edb"),
    ("cmd.exe", "cmd /c cd /d D:\\Build && echo done"),
    (
        "forfiles.exe",
        'forfiles /p C:\\inetpub\\logs\\LogFiles /s /m *.log /d -30 /c "cmd /c del @path"',
    ),
    ("attrib.exe", "attrib +h +s desktop.ini"),
    ("attrib.exe", "attrib -r C:\\inetpub\\wwwroot\\web.config"),
    ("vssadmin.exe", "vssadmin list shadows"),
    ("curl.exe", "curl https://localhost/owa/healthcheck.htm -k"),
    ("robocopy.exe", "robocopy C:\\inetpub\\logs \\\\files\\iis /S /MAXAGE:7"),
    ("makecab.exe", "makecab C:\\Temp\\ExchangeSetup.log C:\\Temp\\setup.cab"),
    ("wmic.exe", "wmic product get name,version"),
    ("dsquery.exe", "dsquery server -hasfsmo pdc"),
    ("auditpol.exe", "auditpol /get /category:*"),
    ("wevtutil.exe", "wevtutil sl Microsoft-Windows-CAPI2/Operational /e:false"),
    (
        "WindowsPowerShell\\v1.0\\powershell.exe",
        'powershell -Command "Add-PSSnapin Microsoft.Exchange.Management.PowerShell.SnapIn; '
        'Set-MailboxServer mail -DatabaseCopyAutoActivationPolicy Blocked"',
    ),
)


def command_line(day: Day, when: datetime) -> None:
    """An administrator at the server's console: cmd.exe or PowerShell and their children."""
    rng, who = day.rng, day.rng.choice(day.site.admins)
    shell, parent = rng.choice(((f"{_SYSTEM}cmd.exe", _EXPLORER), (_SHELL, _EXPLORER)))
    line = f'"{shell}"'
    home = f"C:\\Users\\{who.account}\\"
    ev.process(day, when, ev.Process(shell, line, parent, parent, who, folder=home))
    folder = _SYSTEM if rng.random() < 0.4 else home
    for n, (name, command) in enumerate(rng.sample(_COMMANDS, 6)):
        said = ev.Process(_SYSTEM + name, command, shell, line, who, folder=folder)
        ev.process(day, after(when, 5 + n * 9), said)
        if name == "net.exe":
            inner = ev.Process(
                f"{_SYSTEM}net1.exe",
                command.replace("net ", "net1 ", 1),
                f"{_SYSTEM}net.exe",
                command,
                who,
                folder=folder,
            )
            ev.process(day, after(when, 5 + n * 9 + 0.1), inner)
    if rng.random() < 0.2:
        tool = rng.choice(("C:\\Tools\\PsExec64.exe", "C:\\Sysinternals\\PsExec.exe"))
        other = rng.choice(("\\\\fs01 ipconfig", "\\\\app02 -s cmd", "\\\\print1 hostname"))
        said = ev.Process(tool, f"psexec {other}", shell, line, who, original="psexec.c")
        ev.process(day, after(when, 80), said)
    if rng.random() < 0.3:
        inetsrv = "C:\\Windows\\System32\\inetsrv\\"
        said = ev.Process(f"{_SYSTEM}mmc.exe", f"mmc {inetsrv}iis.msc", _EXPLORER, _EXPLORER, who)
        ev.process(day, after(when, 90), said)
        appcmd = f"{inetsrv}appcmd.exe"
        for n, (image, command) in enumerate(
            (
                (appcmd, "appcmd list site"),
                (f"{_SYSTEM}net.exe", "net stop w3svc"),
                (f"{_SYSTEM}ipconfig.exe", "ipconfig"),
                (f"{_SYSTEM}iisreset.exe", "iisreset"),
                (_SHELL, "powershell"),
            )
        ):
            said = ev.Process(image, command, shell, line, who, folder=inetsrv)
            ev.process(day, after(when, 95 + n), said)

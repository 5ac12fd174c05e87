"""What Windows and Exchange do all day by themselves: services, probes, logons, caches, tasks."""

from __future__ import annotations

from datetime import datetime

from traffic import events as ev
from traffic import logged
from traffic.iis import SVCHOST
from traffic.log import Day, after
from traffic.logons import logon

_TOOLS = "C:\\Windows\\Microsoft.NET\\Framework64\\v4.0.30319"


def worker_talks(day: Day, when: datetime) -> None:
    """Workers and services speak with the directory, the store and each other."""
    rng, site = day.rng, day.site
    net = site.ip.rsplit(".", 1)[0]
    image, user = rng.choice(
        (
            (ev.W3WP_FILE, site.words.system),
            (f"{site.root}\\Bin\\EdgeTransport.exe", site.words.network),
            (f"{site.root}\\Bin\\Microsoft.Exchange.Store.Worker.exe", site.words.system),
            (f"{site.root}\\Bin\\MSExchangeHMWorker.exe", site.words.system),
            (f"{site.root}\\Bin\\MSExchangeMailboxAssistants.exe", site.words.system),
            ("System", site.words.system),
        )
    )
    to, port = rng.choice(
        (
            *((f"{net}.5", 389), (f"{net}.5", 3268), (f"{net}.5", 88), (site.ip, 444)),
            *((site.ip, 890), (site.ip, 6001), (site.ip, 64_337), ("127.0.0.1", 443)),
            *(("0:0:0:0:0:0:0:1", 444), (f"{net}.17", 444), (f"{net}.17", 81)),
            *((f"{net}.17", 25), (f"{net}.6", 636), (f"{net}.60", 8080)),
            *(("203.0.113.20", 443), ("203.0.113.31", 80), ("198.51.100.80", 443)),
        )
    )
    ev.connection(day, when, image, to, port, user)


def lookups(day: Day, when: datetime) -> None:
    """Names that the server looks up."""
    rng, site = day.rng, day.site
    image, name = rng.choice(
        (
            (ev.W3WP_FILE, f"dc01.{site.domain}"),
            (ev.W3WP_FILE, site.fqdn.lower()),
            (SVCHOST, "_ldap._tcp.dc._msdcs." + site.domain),
            (f"{site.root}\\Bin\\EdgeTransport.exe", "partner.example"),
            (f"{site.root}\\Bin\\EdgeTransport.exe", "zen.rbl.example"),
            (SVCHOST, "ctldl.windowsupdate.com"),
            (SVCHOST, "crl.microsoft.com"),
            (f"{site.root}\\FIP-FS\\Bin\\fms.exe", "forefrontdl.microsoft.com"),
            (ev.W3WP_FILE, "officeclient.microsoft.com"),
            (ev.W3WP_FILE, "domains.live.com"),
        )
    )
    ev.lookup(day, when, image, name, f"::ffff:{site.ip};")


def health(day: Day, when: datetime) -> None:
    """Managed Availability runs its tools and logs its mailboxes on."""
    rng, site = day.rng, day.site
    worker = f"{site.root}\\Bin\\MSExchangeHMWorker.exe"
    appcmd = "C:\\Windows\\System32\\inetsrv\\appcmd.exe"
    system = "C:\\Windows\\System32\\"
    image, command = rng.choice(
        (
            (f"{system}netsh.exe", "netsh.exe http show sslcert"),
            (f"{system}netsh.exe", "netsh advfirewall show allprofiles"),
            (appcmd, f'"{appcmd}" list apppool /state:Stopped'),
            (appcmd, f'"{appcmd}" recycle apppool "MSExchangeOWAAppPool"'),
            (f"{system}powercfg.exe", "powercfg /getactivescheme"),
            (f"{system}ipconfig.exe", "ipconfig /all"),
            (f"{system}ping.exe", f"ping -n 1 dc01.{site.domain}"),
            (f"{system}sc.exe", "sc.exe query MSExchangeIS"),
            (f"{system}WerFault.exe", "WerFault.exe -u -p 7120 -s 1204"),
        )
    )
    if rng.random() < 0.3:
        ev.process(day, when, ev.Process(image, command, worker, f'"{worker}" -pipe:4812'))
    box = f"HealthMailbox{rng.getrandbits(28):07x}"
    kind = rng.choice((4624, 4624, 4648))
    logon(day, after(when, 0.2), box, rng.choice(("127.0.0.1", "::1", site.ip)), kind, worker)


_SERVICES = (
    ("TiWorker.exe", "C:\\Windows\\winsxs\\amd64_microsoft-windows-servicingstack_10\\", ""),
    ("taskhostw.exe", "C:\\Windows\\System32\\", ""),
    ("MpCmdRun.exe", "C:\\Program Files\\Windows Defender\\", " SignatureUpdate -ScheduleJob"),
    ("wuauclt.exe", "C:\\Windows\\System32\\", " /RunHandlerComServer"),
    (
        "dllhost.exe",
        "C:\\Windows\\System32\\",
        " /Processid:{AB8902B4-09CA-4BB6-B78D-A8F59079A8D5}",
    ),
    ("WmiPrvSE.exe", "C:\\Windows\\System32\\wbem\\", " -secured -Embedding"),
    ("vssvc.exe", "C:\\Windows\\System32\\", ""),
    ("ngen.exe", f"{_TOOLS}\\", " ExecuteQueuedItems /LegacyServiceBehavior"),
    ("CompatTelRunner.exe", "C:\\Windows\\System32\\", ""),
    ("rundll32.exe", "C:\\Windows\\System32\\", " Startupscan.dll,SusRunTask"),
    ("rundll32.exe", "C:\\Windows\\System32\\", " /d acproxy.dll,PerformAutochkOperations"),
    ("defrag.exe", "C:\\Windows\\System32\\", " -c -h -k -g -$"),
    ("sc.exe", "C:\\Windows\\System32\\", " start w32time task_started"),
    ("schtasks.exe", "C:\\Windows\\System32\\", " /change /tn \\Microsoft\\Windows\\X /enable"),
    ("cmd.exe", "C:\\Windows\\System32\\", " /c C:\\Scripts\\rotate-logs.cmd"),
    ("conhost.exe", "C:\\Windows\\System32\\", " 0xffffffff -ForceV1"),
    ("usoclient.exe", "C:\\Windows\\System32\\", " StartScan"),
    ("wevtutil.exe", "C:\\Windows\\System32\\", " gl Security"),
)


def housekeeping(day: Day, when: datetime) -> None:
    """Windows starts its own tasks."""
    name, folder, arguments = day.rng.choice(_SERVICES)
    scheduler = f"{SVCHOST} -k netsvcs -p -s Schedule"
    ev.process(day, when, ev.Process(folder + name, name + arguments, SVCHOST, scheduler))


def registry_noise(day: Day, when: datetime) -> None:
    """Registry changes by services, the task scheduler and Exchange."""
    rng, site = day.rng, day.site
    cache = "HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\Schedule\\TaskCache"
    task = rng.choice(("Microsoft\\Windows\\UpdateOrchestrator\\Reboot", "Backup\\SDK\\Id", "Trim"))
    kind, image, key, details = rng.choice(
        (
            ("SetValue", SVCHOST, f"{cache}\\Tree\\{task}\\SD", "Binary Data"),
            ("SetValue", SVCHOST, f"{cache}\\Tree\\{task}\\Index", "DWORD (0x00000003)"),
            ("SetValue", SVCHOST, f"{cache}\\Tasks\\{{{day.guid()}}}\\Actions", "Binary Data"),
            ("CreateKey", SVCHOST, f"{cache}\\Tree\\{task}", ""),
            ("DeleteKey", SVCHOST, f"{cache}\\Tree\\{task}", ""),
            ("DeleteValue", SVCHOST, f"{cache}\\Tree\\{task}\\Id", ""),
            (
                *("SetValue", ev.W3WP_FILE),
                *("HKLM\\SOFTWARE\\Microsoft\\ExchangeServer\\v15\\OAB\\Last", "DWORD (0x1)"),
            ),
            (
                *("SetValue", f"{site.root}\\Bin\\MSExchangeHMWorker.exe"),
                *("HKLM\\SOFTWARE\\Microsoft\\ExchangeServer\\v15\\ActiveMonitoring\\Time", "0"),
            ),
            (
                *("SetValue", "C:\\Windows\\System32\\services.exe"),
                *("HKLM\\System\\CurrentControlSet\\Services\\BITS\\Start", "DWORD (0x00000003)"),
            ),
        )
    )
    ev.registry(day, when, kind, image, key, details)


def opened(day: Day, when: datetime) -> None:
    """Processes open others, LSASS among them, as security products and WMI do."""
    rng = day.rng
    source, mask = rng.choice(
        (
            ("C:\\Windows\\System32\\wbem\\WmiPrvSE.exe", "0x1410"),
            ("C:\\Program Files\\Windows Defender\\MsMpEng.exe", "0x1000"),
            (
                "C:\\ProgramData\\Microsoft\\Windows Defender\\Platform\\4.18\\MsMpEng.exe",
                "0x1fffff",
            ),
            ("C:\\Windows\\System32\\svchost.exe", "0x1000"),
            ("C:\\Windows\\System32\\csrss.exe", "0x1fffff"),
            ("C:\\Windows\\System32\\wininit.exe", "0x1fffff"),
            ("C:\\Program Files\\Microsoft Monitoring Agent\\Agent\\MonitoringHost.exe", "0x1400"),
            ("C:\\Windows\\System32\\Taskmgr.exe", "0x1410"),
            ("C:\\Program Files\\SentinelOne\\Agent\\SentinelAgent.exe", "0x1010"),
        )
    )
    target = rng.choice(("lsass", "lsass", "svchost", "winlogon"))
    ev.access(day, when, source, f"C:\\Windows\\system32\\{target}.exe", mask)


def application_noise(day: Day, when: datetime) -> None:
    """Events of the Application and System logs."""
    rng, site = day.rng, day.site
    page = rng.choice(("default.aspx", "about.aspx", "PersonalSettings/Password.aspx", "x.aspx"))
    channel, provider, number, text, level = rng.choice(
        (
            ("Application", "MSExchange Mid-Tier Storage", 9000, "Connection closed.", 4),
            ("Application", "MSComplianceAudit", 4007, "Processed 12 audit records.", 4),
            ("Application", "MSExchange Front End HTTP Proxy", 1002, "[Oab] Application ended.", 4),
            (
                *("Application", "MSExchange Control Panel", 4),
                f"Current user: '{site.domain}/Users/lin'\r\nRequest for URL 'https://"
                f"{site.fqdn.lower()}:444/ecp/{page}?__VIEWSTATE=x' failed with the following "
                "error:\r\nSystem.Web.HttpException (0x80004005): The file does not exist.",
                2,
            ),
            (
                *("Application", "MSExchange Control Panel", 47),
                "Current User: 'S-1-5-21'\r\nstarted an Async web request in the thread 41.",
                4,
            ),
            (
                *("Application", "MSExchange Common", 4999),
                "Watson report about to be sent for process id: 6120, with parameters: E12, "
                f"c-RTL-AMD64, {site.padded}, {rng.choice(('w3wp#OWA', 'UMWorkerProcess'))}, "
                "M.E.Data.Storage, System.OutOfMemoryException, 8f01, " + site.padded,
                2,
            ),
            (
                *("Application", "MSExchange Unified Messaging", 1038),
                "The Unified Messaging server was unable to connect to the gateway.",
                2,
            ),
            ("System", "Service Control Manager", 7036, "Windows Update", 4),
            ("System", "Microsoft-Windows-WAS", 5186, "MSExchangeOWAAppPool", 4),
            ("System", "Microsoft-Windows-WAS", 5011, "MSExchangeSyncAppPool", 3),
            ("Application", "MSExchangeTransport", 16_028, "Certificate is about to expire.", 3),
            ("Application", "VSS", 8224, "The VSS service is shutting down.", 4),
        )
    )
    logged.classic(day, when, channel, provider, number, [text], level)


def trims_logs(day: Day, when: datetime) -> None:
    """Exchange deletes its own logs after their time."""
    rng, site = day.rng, day.site
    folder, image = rng.choice(
        (
            ("Logging\\HttpProxy\\Owa", "Bin\\Microsoft.Exchange.Diagnostics.Service.exe"),
            ("Logging\\ECP\\Server", "Bin\\MSExchangeHMWorker.exe"),
            ("Logging\\OABGeneratorLog", "Bin\\MSExchangeMailboxAssistants.exe"),
            ("Logging\\CmdletInfra\\Powershell-Proxy", "Bin\\MSExchangeHMWorker.exe"),
            ("Logging\\HttpProxy\\Ecp", "Bin\\Microsoft.Exchange.Diagnostics.Service.exe"),
            ("TransportRoles\\Logs\\Hub", "Bin\\EdgeTransport.exe"),
        )
    )
    name = f"HttpProxy_20210{rng.randrange(1, 9)}{rng.randrange(10, 28)}05-1.LOG"
    ev.file_deleted(day, when, f"{site.root}\\{image}", f"{site.root}\\{folder}\\{name}")


def voice_mail(day: Day, when: datetime) -> None:
    """Unified Messaging, where there is any: its own children and files, and its crashes."""
    site, rng = day.site, day.rng
    if site.version == "2019":
        return
    worker = f"{site.root}\\Bin\\UMWorkerProcess.exe"
    service = f"{site.root}\\Bin\\UMService.exe"
    ev.process(day, when, ev.Process(worker, f'"{worker}" -port:5065', service, f'"{service}"'))
    folder = f"{site.root}\\UnifiedMessaging"
    number = f"{rng.getrandbits(32):08x}"
    for n, path in enumerate(
        (
            *(f"voicemail\\{number}.wav", f"voicemail\\{number}.txt", f"log\\{number}.LOG"),
            *(f"temp\\UMTempFiles\\{number}.tmp", "CacheCleanup.bin", "grammars\\de\\x.cfg"),
        )
    ):
        ev.file_created(day, after(when, n), worker, f"{folder}\\{path}")
    if rng.random() < 0.5:
        for name in ("WerFault.exe", "wermgr.exe"):
            image = f"C:\\Windows\\System32\\{name}"
            ev.process(day, after(when, 9), ev.Process(image, f"{image} -u -p 9", worker, worker))

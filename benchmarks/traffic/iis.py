"""The IIS workers: their command lines, recycling, and the compilation of pages."""

from __future__ import annotations

from datetime import datetime

from traffic import events as ev
from traffic import logged
from traffic.log import Day, after
from traffic.site import Site

_POOLS = """MSExchangeOWAAppPool MSExchangeECPAppPool MSExchangeOABAppPool MSExchangeServicesAppPool
MSExchangeMapiFrontEndAppPool MSExchangeMapiMailboxAppPool MSExchangeAutodiscoverAppPool
MSExchangeSyncAppPool MSExchangePowerShellAppPool MSExchangePowerShellFrontEndAppPool
MSExchangeRpcProxyFrontEndAppPool MSExchangeRestAppPool MSExchangePushNotificationsAppPool
DefaultAppPool""".split()
_TOOLS = "C:\\Windows\\Microsoft.NET\\Framework64\\v4.0.30319"
SVCHOST = "C:\\Windows\\System32\\svchost.exe"


def worker_command(site: Site, pool: str) -> str:
    """The command line of the IIS worker of an application pool."""
    return (
        f'c:\\windows\\system32\\inetsrv\\w3wp.exe -ap "{pool}" -v "v4.0" -c '
        f'"{site.root}\\bin\\GenericAppPoolConfigWithGCServerEnabledFalse.config" '
        f"-a \\\\.\\pipe\\iisipm1b2c3d4e-7711 -h "
        f'"C:\\inetpub\\temp\\apppools\\{pool}\\{pool}.config" -w "" -m 0'
    )


def compiled(day: Day, when: datetime, page: str = "") -> None:
    """A shipped page is compiled on its first request: csc.exe, cvtres.exe, cache files."""
    rng, site = day.rng, day.site
    app, names = rng.choice(
        (
            ("owa", "logon logoff errorFE signout expiredpassword frowny languageselection"),
            ("owa", "error error2 OutlookCN RedirSuiteServiceProxy"),
            ("ecp", "default TimeoutLogout error resetvirtualdirectory EditOabVDir about"),
            ("ecp", "EditMailbox NewMailbox InboxRules personalsettings ErrorPage NewRoleGroup"),
            ("root", "default"),
            ("autodiscover", "autodiscover"),
            ("ews", "exchange"),
        )
    )
    page = page or rng.choice(names.split())
    folder = f"{rng.getrandbits(32):08x}\\{rng.getrandbits(32):08x}"
    cache = f"{_TOOLS}\\Temporary ASP.NET Files\\{app}\\{folder}"
    unit = f"App_Web_{rng.getrandbits(40):08x}"[:16]
    pool = "MSExchangeECPAppPool" if app == "ecp" else "MSExchangeOWAAppPool"
    for n, ending in enumerate((".0.cs", ".1.cs", ".cmdline", ".out", ".err", ".dll")):
        ev.file_created(day, after(when, n / 50), ev.W3WP_FILE, f"{cache}\\{unit}{ending}")
    parent = worker_command(site, pool)
    compiler = f'"{_TOOLS}\\csc.exe" /noconfig /fullpaths @"{cache}\\{unit}.cmdline"'
    csc = ev.Process(f"{_TOOLS}\\csc.exe", compiler, ev.W3WP, parent, folder="C:\\Windows\\Temp\\")
    ev.process(day, after(when, 0.1), csc)
    command = (
        f"{_TOOLS}\\cvtres.exe /NOLOGO /READONLY /MACHINE:IX86 "
        f'"/OUT:C:\\Windows\\TEMP\\RES{rng.getrandbits(16):04X}.tmp" "{cache}\\CSC1F0.TMP"'
    )
    tool = f"{_TOOLS}\\cvtres.exe"
    cvtres = ev.Process(tool, command, f"{_TOOLS}\\csc.exe", compiler, original="CVTRES.EXE")
    ev.process(day, after(when, 0.3), cvtres)
    ending = "asax" if rng.random() < 0.1 else "aspx"
    marker = f"{cache}\\{page}.{ending}.{rng.getrandbits(32):08x}.compiled"
    if ending == "asax":
        marker = f"{cache}\\App_global.asax.compiled"
    ev.file_created(day, after(when, 0.6), ev.W3WP_FILE, marker)


def worker_starts(day: Day, when: datetime) -> None:
    """An application pool is recycled: a new worker, its configuration, its caches."""
    rng, site = day.rng, day.site
    pool = rng.choice(_POOLS)
    host = "C:\\Windows\\System32\\svchost.exe"
    worker = ev.Process(
        *(ev.W3WP, worker_command(site, pool), host, f"{host} -k iissvcs"),
        folder="C:\\Windows\\system32\\inetsrv\\",
    )
    config = f"C:\\inetpub\\temp\\appPools\\{pool}\\{pool}.config"
    ev.file_created(day, when, SVCHOST, f"{config}.tmp")
    ev.process(day, after(when, 0.2), worker)
    ev.file_created(
        *(day, after(when, 1), ev.W3WP_FILE),
        f"C:\\Windows\\System32\\inetsrv\\profileoptimization{rng.randrange(9)}.prof",
    )
    queue = f"{site.root}\\Logging\\LocalQueue\\Exchange\\audit{rng.getrandbits(24):06x}.log"
    ev.file_created(day, after(when, 2), ev.W3WP_FILE, queue)
    application = pool.removeprefix("MSExchange").removesuffix("AppPool")
    provider = "MSExchange Front End HTTP Proxy"
    text = f"[{application}] Application {rng.choice(('starting', 'shutting down'))}."
    logged.classic(day, after(when, 3), "Application", provider, 1001, [text])

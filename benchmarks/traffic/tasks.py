"""Scheduled tasks that run, IIS configuration that changes, times of files that are set, pipes."""

from __future__ import annotations

from datetime import datetime

from traffic import events as ev
from traffic.iis import SVCHOST
from traffic.log import Day, WinEvent, after

_SYSTEM = "C:\\Windows\\System32\\"
_SCHEDULER = "DE7B24EA-73C8-4A09-985D-5BDADCFA9017"
_CONFIGURATION = "DC0B8E51-4863-407A-BC3C-1B479B2978AC"


def scheduler(day: Day, when: datetime) -> None:
    """The task scheduler starts a task and says how it ended."""
    rng, site = day.rng, day.site
    name, action = rng.choice(
        (
            ("\\Microsoft\\Windows\\UpdateOrchestrator\\Schedule Scan", "usoclient.exe"),
            ("\\Microsoft\\Windows\\.NET Framework\\.NET Framework NGEN v4.0", "NGenTask.exe"),
            ("\\Microsoft\\Windows\\Defrag\\ScheduledDefrag", "%windir%\\system32\\defrag.exe"),
            ("\\Microsoft\\Windows\\Windows Defender\\Windows Defender Cleanup", "MpCmdRun.exe"),
            ("\\Reports\\Mailbox size", f"{_SYSTEM}WindowsPowerShell\\v1.0\\powershell.exe"),
            ("\\Trim", "powershell.exe"),
            ("\\win-acme renew", "C:\\Program Files\\win-acme\\wacs.exe"),
            ("\\GoogleUpdateTaskMachineUA", "C:\\Program Files (x86)\\Google\\GoogleUpdate.exe"),
            ("\\Adobe\\Update", "C:\\ProgramData\\Adobe\\ARM\\AdobeARMHelper.exe"),
        )
    )
    instance = f"{{{day.guid().upper()}}}"
    common: dict[str, str | int] = {"TaskName": name, "UserContext": site.words.system}
    started: dict[str, str | int] = {**common, "InstanceId": instance}
    acted: dict[str, str | int] = {"TaskName": name, "TaskInstanceId": instance}
    acted["ActionName"] = action
    _operational(day, when, 100, started)
    _operational(day, after(when, 0.1), 200, {**acted, "EnginePID": 2204})
    _operational(day, after(when, 4), 201, {**acted, "ResultCode": 0, "EnginePID": 2204})
    if rng.random() < 0.1:
        _operational(day, after(when, 60), 140, {"TaskName": name, "UserName": site.words.system})
        _operational(day, after(when, 61), 106, {"TaskName": "\\Trim", "UserContext": "exadmin"})


def _operational(day: Day, when: datetime, event_id: int, data: dict[str, str | int]) -> None:
    channel = "Microsoft-Windows-TaskScheduler/Operational"
    provider = "Microsoft-Windows-TaskScheduler"
    event = WinEvent(channel, provider, event_id, data, _SCHEDULER, task=0, user="S-1-5-18")
    day.event(when, event)


def configuration(day: Day, when: datetime) -> None:
    """IIS configuration is changed: authentication, recycling, logging that goes on."""
    path, old, new = day.rng.choice(
        (
            ("/system.applicationHost/applicationPools/@startMode", "OnDemand", "AlwaysRunning"),
            (
                "/system.webServer/security/authentication/windowsAuthentication/@on",
                "false",
                "true",
            ),
            (
                "/system.applicationHost/sites/siteDefaults/logFile/@logExtFileFlags",
                "",
                "Date, Time",
            ),
            ("/system.applicationHost/sites/siteDefaults/logFile/@enabled", "false", "true"),
            ("/system.webServer/httpLogging/@dontLog", "true", "false"),
            ("/system.webServer/rewrite/globalRules", "", ""),
            ("/system.webServer/httpRedirect/@enabled", "false", "true"),
        )
    )
    data: dict[str, str | int] = {
        "PhysicalPath": "\\\\?\\C:\\Windows\\system32\\inetsrv\\config\\applicationHost.config",
        "ConfigPath": "MACHINE/WEBROOT/APPHOST",
        "Configuration": path,
        "EditOperationType": "4",
        "OldValue": old,
        "NewValue": new,
    }
    channel, provider = (
        "Microsoft-IIS-Configuration/Operational",
        "Microsoft-Windows-IIS-Configuration",
    )
    for event_id in (29, 50):
        event = WinEvent(channel, provider, event_id, data, _CONFIGURATION, task=0, user="S-1-5-18")
        day.event(after(when, event_id / 100), event)


def file_times(day: Day, when: datetime) -> None:
    """Installers, copies and archives set the times of the files that they write (Sysmon 2)."""
    rng, site = day.rng, day.site
    image, path = rng.choice(
        (
            (f"{_SYSTEM}msiexec.exe", f"{site.root}\\FrontEnd\\HttpProxy\\owa\\auth\\logon.aspx"),
            (f"{_SYSTEM}msiexec.exe", f"{site.root}\\ClientAccess\\ecp\\default.aspx"),
            (f"{_SYSTEM}robocopy.exe", f"{site.data}\\Export\\logon.aspx"),
            ("C:\\Windows\\explorer.exe", "C:\\inetpub\\wwwroot\\index.htm"),
            ("C:\\Program Files\\7-Zip\\7zG.exe", "D:\\Support\\HttpProxy\\x.LOG"),
            (SVCHOST, "C:\\Windows\\SoftwareDistribution\\Download\\a\\b.cab"),
            ("C:\\Windows\\winsxs\\amd64_x\\TiWorker.exe", "C:\\inetpub\\wwwroot\\iisstart.htm"),
            ("C:\\Users\\exadmin\\AppData\\Local\\Google\\chrome.exe", "C:\\Users\\exadmin\\a.tmp"),
        )
    )
    time = f"{when:%Y-%m-%d %H:%M:%S}.000"
    data: dict[str, str | int] = {"ProcessGuid": day.guid().upper(), "ProcessId": 8120}
    data |= {"Image": image, "TargetFilename": path, "CreationUtcTime": "2021-03-16 09:12:00.000"}
    ev.sysmon(day, when, 2, 4, {**data, "PreviousCreationUtcTime": time})


def pipes(day: Day, when: datetime) -> None:
    """Named pipes are made and connected (Sysmon 17, 18)."""
    image, pipe = day.rng.choice(
        (
            (SVCHOST, "\\iisipm1b2c3d4e-7711"),
            (ev.W3WP_FILE, "\\iislogpipe1b2c3d4e"),
            (f"{day.site.root}\\Bin\\MSExchangeHMHost.exe", "\\MSExchangeHM.Pipe"),
            (f"{_SYSTEM}wsmprovhost.exe", "\\PSHost.132.5120.DefaultAppDomain.wsmprovhost"),
            (f"{_SYSTEM}lsass.exe", "\\lsass"),
            ("System", "\\srvsvc"),
            (f"{_SYSTEM}svchost.exe", "\\wkssvc"),
            (f"{_SYSTEM}spoolsv.exe", "\\spoolss"),
        )
    )
    number = day.rng.choice((17, 18))
    data: dict[str, str | int] = {"EventType": "CreatePipe" if number == 17 else "ConnectPipe"}
    data |= {"ProcessGuid": day.guid().upper(), "ProcessId": 4120, "PipeName": pipe}
    ev.sysmon(day, when, number, 1, {**data, "Image": image})


def ended(day: Day, when: datetime) -> None:
    """A process ends (Sysmon 5)."""
    name = day.rng.choice(("conhost.exe", "powershell.exe", "csc.exe", "cmd.exe", "taskhostw.exe"))
    data: dict[str, str | int] = {"ProcessGuid": day.guid().upper(), "ProcessId": 5120}
    ev.sysmon(day, when, 5, 3, {**data, "Image": _SYSTEM + name})


def subscriptions(day: Day, when: datetime) -> None:
    """WMI subscriptions of Windows and of management agents (Sysmon 19, 20, 21)."""
    account = day.site.words.system
    common: dict[str, str | int] = {"Operation": "Created", "User": account}
    query = "select * from MSFT_SCMEventLogEvent"
    spaces: dict[str, str | int] = {"EventNamespace": '"root\\\\cimv2"', "Name": '"SCM Filter"'}
    kind = {"EventType": "WmiFilterEvent"}
    ev.sysmon(day, when, 19, 3, {**kind, **common, **spaces, "Query": f'"{query}"'})
    consumer: dict[str, str | int] = {"Name": '"SCM Event Log Consumer"'}
    consumer |= {"Type": "NT Event Log", "Destination": '"NTEventLogEventConsumer"'}
    kind = {"EventType": "WmiConsumerEvent"}
    ev.sysmon(day, after(when, 1), 20, 3, {**kind, **common, **consumer})
    bound: dict[str, str | int] = {"Consumer": '"NTEventLogEventConsumer.Name=\\"SCM\\""'}
    kind = {"EventType": "WmiBindingEvent"}
    more = {"Filter": '"__EventFilter.Name=\\"SCM Filter\\""'}
    ev.sysmon(day, after(when, 2), 21, 3, {**kind, **common, **bound, **more})

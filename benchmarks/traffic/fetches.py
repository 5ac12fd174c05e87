"""What the transfer service fetches and which scripts start PowerShell, in the logs of their own.

Each makes as many entries as a slice leaves out (``slices.EACH``), so that the slices of the logs
behind them in the order of names stay as they are.
"""

from __future__ import annotations

from datetime import timedelta

from traffic.log import Day, WinEvent

_BITS = "EF1CC15B-46C1-414E-BB95-E76B077BD51E"
_URLS = (
    "http://download.microsoft.com/v9/windowsupdate/a/redir.cab",
    "http://10.20.0.60:80/SMS_DP_SMSPKG$/PRI00042/sccm?/setup.exe",
    "http://192.168.10.9/wsus/Content/7A/41C9.cab",
    "https://edge.microsoft.com/extensionwebstorebase/v1/crx",
    "http://files.corp.example/agent/4.2/agent.msi",
)
_SHELL = "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe"
_HOSTS = (
    f"{_SHELL} -NoProfile -File C:\\Scripts\\queues.ps1",
    "powershell.exe -WindowStyle Hidden -File D:\\Scripts\\rotate-logs.ps1",
    f"{_SHELL} -NonInteractive -EncodedCommand RwBlAHQALQBTAGUAcgB2AGkAYwBlAA==",
    "powershell -ExecutionPolicy Bypass -Command Get-Queue",
    f"{_SHELL} -noexit -command . 'C:\\Program Files\\Microsoft\\Exchange Server\\V15\\bin\\x.ps1'",
    "C:\\Windows\\system32\\wsmprovhost.exe -Embedding",
)


def transfers(day: Day) -> None:
    """Updates, packages of the software distribution and extensions of the browser (BITS)."""
    for number in range(60):
        url = day.rng.choice(_URLS)
        event_id = (16403, 59, 60)[number % 3]
        data: dict[str, str | int]
        if event_id == 16403:
            data = {"jobTitle": "job", "jobId": f"{{{day.guid()}}}"}
            data |= {"jobOwner": day.site.words.system, "fileCount": 1, "RemoteName": url}
            data |= {"LocalName": "C:\\Windows\\SoftwareDistribution\\Download\\BIT1.tmp"}
        else:
            data = {"transferId": f"{{{day.guid()}}}", "name": "job", "Id": f"{{{day.guid()}}}"}
            data |= {"url": url, "peer": "", "bytesTransferred": 0}
        channel, provider = (
            "Microsoft-Windows-Bits-Client/Operational",
            "Microsoft-Windows-Bits-Client",
        )
        when = day.start + timedelta(seconds=600 + 1400 * number)
        day.event(when, WinEvent(channel, provider, event_id, data, _BITS, task=0, user="S-1-5-18"))


def engines(day: Day) -> None:
    """Scripts of the house and agents start PowerShell (the old log, 400, 600 and 800)."""
    for number in range(60):
        event_id = (400, 600, 800)[number % 3]
        state = "\tNewEngineState=Available\r\n\tPreviousEngineState=None\r\n"
        said = f"{state}\r\n\tHostName=ConsoleHost\r\n\tHostVersion=5.1.14393.4169\r\n"
        said += f"\tHostId={day.guid()}\r\n\tHostApplication={day.rng.choice(_HOSTS)}\r\n"
        data = ["Available", "None", f"{said}\tEngineVersion=5.1.14393.4169"]
        when = day.start + timedelta(seconds=900 + 1390 * number)
        day.event(when, WinEvent("Windows PowerShell", "PowerShell", event_id, data, qualifiers=0))

"""Windows events of other sources: cmdlets, Application and System, PowerShell, Defender."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from traffic.log import Day, WinEvent

_POWERSHELL = "A0C1853B-5C40-4B15-8766-3CF1C58F985A"
_DEFENDER = "11CD958A-C507-4EF3-B3F2-5FD9DFBD2C78"


def cmdlet(
    day: Day,
    when: datetime,
    name: str,
    parameters: str,
    who: str,
    *,
    process: str = "w3wp#MSExchangePowerShellAppPool",
    application: str = "ServerRemoteHost-EMC",
    failed: str = "",
) -> None:
    """A cmdlet in the log MSExchange Management."""
    site, words = day.site, day.site.words
    sid = f"S-1-5-21-1111111111-2222222222-3333333333-{1650 + len(who)}"
    data = [
        *(name, parameters, f"{site.domain}/Admins/{who}", sid, sid, application),
        *(f"{day.rng.randrange(900, 20_000)} {process}", "", str(day.rng.randrange(10, 300))),
        *("00:00:00.0930000", words.forest.format(f"dc01.{site.domain}"), failed, "", "", "", ""),
        *("", "False", "", "0 objects execution has been proxied to remote server.", "", ""),
        *("0", f"ActivityId: {day.guid()}", "ServicePlan:;IsAdmin:True;", "", words.culture),
    ]
    text = words.succeeded.format(name, parameters)
    day.event(
        when,
        WinEvent(
            *("MSExchange Management", "MSExchange CmdletLogs", 6 if failed else 1, data),
            qualifiers=49152 if failed else 16384,
            level=2 if failed else 4,
            message=None if failed else text,
        ),
    )


def classic(
    day: Day,
    when: datetime,
    channel: str,
    provider: str,
    event_id: int,
    data: Sequence[str],
    level: int = 4,
) -> None:
    """An event of a classic source: Application, System …"""
    day.event(
        when,
        WinEvent(
            *(channel, provider, event_id, list(data)),
            qualifiers=49152 if level == 2 else 16384,
            level=level,
            message="\n".join(data),
        ),
    )


def script(day: Day, when: datetime, text: str, path: str = "") -> None:
    """A script block (PowerShell 4104)."""
    named: dict[str, str | int] = {"MessageNumber": 1, "MessageTotal": 1}
    named |= {"ScriptBlockText": text, "ScriptBlockId": day.guid(), "Path": path}
    _powershell(day, when, 4104, 2, named)


def pipeline(day: Day, when: datetime, host: str, payload: str, user: str) -> None:
    """The execution of a pipeline (PowerShell 4103)."""
    context = (
        "        Severity = Informational\r\n        Host Name = ConsoleHost\r\n"
        f"        Host Application = {host}\r\n        User = {user}\r\n"
    )
    _powershell(day, when, 4103, 106, {"ContextInfo": context, "UserData": "", "Payload": payload})


def _powershell(
    day: Day, when: datetime, event_id: int, task: int, data: dict[str, str | int]
) -> None:
    channel = "Microsoft-Windows-PowerShell/Operational"
    day.event(
        when,
        WinEvent(
            *(channel, "Microsoft-Windows-PowerShell", event_id, data, _POWERSHELL),
            version=1,
            task=task,
            keywords="0x0",
            user="S-1-5-18",
        ),
    )


def defender(day: Day, when: datetime, event_id: int, data: dict[str, str | int]) -> None:
    """An event of Microsoft Defender."""
    product = "%%827" if day.site.version == "2013" else "Microsoft Defender Antivirus"
    day.event(
        when,
        WinEvent(
            "Microsoft-Windows-Windows Defender/Operational",
            *("Microsoft-Windows-Windows Defender", event_id),
            {"Product Name": product, "Product Version": "4.18.2103.7", **data},
            _DEFENDER,
            task=0,
            keywords="0x8000000000000000",
            user="S-1-5-18",
        ),
    )


def wmi(day: Day, when: datetime, event_filter: str, consumer: str | int) -> None:
    """A consumer is bound to a filter (WMI-Activity 5861)."""
    data: dict[str, str | int] = {"Namespace": "//./root/subscription", "ESS": event_filter}
    day.event(
        when,
        WinEvent(
            *("Microsoft-Windows-WMI-Activity/Operational", "Microsoft-Windows-WMI-Activity"),
            5861,
            {**data, "CONSUMER": consumer, "PossibleCause": f"Binding EventFilter: {event_filter}"},
            "1418EF04-B0B4-4623-BF7E-D74AB47BBDAA",
            task=0,
            keywords="0x4000000000000000",
            user="S-1-5-18",
        ),
    )

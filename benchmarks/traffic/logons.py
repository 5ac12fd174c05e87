"""Logons of people, machines and health mailboxes (4624, 4648)."""

from __future__ import annotations

from datetime import datetime

from traffic import events as ev
from traffic.log import Day


def logon(
    day: Day, when: datetime, account: str, ip: str, event_id: int = 4624, process: str = "-"
) -> None:
    """Somebody logs on over the network (4624), or a process does with a password (4648)."""
    rng, site = day.rng, day.site
    sid = f"S-1-5-21-1111111111-2222222222-3333333333-{rng.randrange(1100, 9000)}"
    target = {"TargetUserName": account, "TargetDomainName": site.netbios}
    machine = {"SubjectUserSid": "S-1-5-18", "SubjectUserName": f"{site.host}$"}
    machine |= {"SubjectDomainName": site.netbios, "SubjectLogonId": "0x3e7"}
    if event_id == 4648:
        none = "{00000000-0000-0000-0000-000000000000}"
        ev.security(
            *(day, when, 4648, 12544),
            {
                **machine,
                "LogonGuid": none,
                **target,
                "TargetLogonGuid": none,
                "TargetServerName": "localhost",
                "TargetInfo": "localhost",
                "ProcessId": hex(rng.randrange(900, 9000)),
                "ProcessName": process,
                "IpAddress": ip,
                "IpPort": "0",
            },
        )
        return
    nobody = {"SubjectUserSid": "S-1-0-0", "SubjectUserName": "-", "SubjectDomainName": "-"}
    package = rng.choice(("Kerberos", "Kerberos", "NTLM", "Negotiate"))
    ev.security(
        *(day, when, 4624, 12544),
        {
            **nobody,
            "SubjectLogonId": "0x0",
            "TargetUserSid": sid,
            **target,
            "TargetLogonId": hex(rng.getrandbits(27)),
            "LogonType": rng.choice((3, 3, 3, 8, 5)),
            "LogonProcessName": package,
            "AuthenticationPackageName": package,
            "WorkstationName": "-",
            "LogonGuid": f"{{{day.guid().upper()}}}",
            "TransmittedServices": "-",
            "LmPackageName": "-",
            "KeyLength": 0,
            "ProcessId": "0x0",
            "ProcessName": process,
            "IpAddress": ip,
            "IpPort": rng.randrange(1024, 65_000),
            "ImpersonationLevel": "%%1833",
            "RestrictedAdminMode": "-",
            "TargetOutboundUserName": "-",
            "TargetOutboundDomainName": "-",
            "VirtualAccount": "%%1843",
            "TargetLinkedLogonId": "0x0",
            "ElevatedToken": "%%1842",
        },
        version=2,
    )


def users_log_on(day: Day, when: datetime) -> None:
    """People and machines of the house log on."""
    who = day.rng.choice(day.site.people)
    machine = day.rng.random() < 0.3
    account = f"PC{day.rng.randrange(400):03}$" if machine else who.account
    logon(day, when, account, who.ip)

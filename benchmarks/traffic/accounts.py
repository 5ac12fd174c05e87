"""Accounts, groups and services as administrators and machines change them; failed logons."""

from __future__ import annotations

from datetime import datetime

from traffic import events as ev
from traffic import logged
from traffic.log import Day, WinEvent, after

_SID = "S-1-5-21-1111111111-2222222222-3333333333"
_MANAGER = "555908E1-A6D7-4695-8E1E-26931D2012F4"


def failed_logon(day: Day, when: datetime) -> None:
    """Somebody mistypes a password, or guesses (4625, 4776)."""
    rng, site = day.rng, day.site
    who, ip = rng.choice(site.people).account, f"192.0.2.{rng.randrange(1, 254)}"
    subject: dict[str, str | int] = {"SubjectUserSid": "S-1-5-18"}
    subject |= {"SubjectUserName": f"{site.host}$", "SubjectDomainName": site.netbios}
    subject |= {"SubjectLogonId": "0x3e7", "TargetUserSid": "S-1-0-0", "TargetUserName": who}
    subject |= {"TargetDomainName": site.netbios, "Status": "0xc000006d"}
    subject |= {"FailureReason": "%%2313", "SubStatus": "0xc000006a", "LogonType": 8}
    subject |= {"LogonProcessName": "Advapi", "AuthenticationPackageName": "Negotiate"}
    subject |= {"WorkstationName": site.host, "ProcessId": "0x17e8", "ProcessName": ev.W3WP}
    ev.security(day, when, 4625, 12544, {**subject, "IpAddress": ip, "IpPort": 51_100})
    checked = {"PackageName": "MICROSOFT_AUTHENTICATION_PACKAGE_V1_0", "TargetUserName": who}
    more = {"Workstation": site.host, "Status": "0xc000006a"}
    ev.security(day, after(when, 0.1), 4776, 14336, {**checked, **more})


def sessions(day: Day, when: datetime) -> None:
    """Rights of a new session, and the end of an old one (4672, 4634)."""
    rng, site = day.rng, day.site
    who = rng.choice((f"{site.host}$", "exadmin", "svc_exchange", "svc_backup"))
    data: dict[str, str | int] = {"SubjectUserSid": f"{_SID}-1650", "SubjectUserName": who}
    data |= {"SubjectDomainName": site.netbios, "SubjectLogonId": hex(rng.getrandbits(27))}
    privileges = "SeSecurityPrivilege\n\t\t\tSeBackupPrivilege\n\t\t\tSeDebugPrivilege"
    ev.security(day, when, 4672, 12548, {**data, "PrivilegeList": privileges})
    ended: dict[str, str | int] = {"TargetUserSid": f"{_SID}-1650", "TargetUserName": who}
    ended |= {"TargetDomainName": site.netbios, "TargetLogonId": "0x5a1b2c", "LogonType": 3}
    ev.security(day, after(when, 30), 4634, 12545, ended)


def help_desk(day: Day, when: datetime) -> None:
    """Accounts are made, groups changed and passwords reset by people whose work it is."""
    rng, site, who = day.rng, day.site, day.rng.choice(day.site.admins)
    subject: dict[str, str | int] = {"SubjectUserSid": who.sid, "SubjectUserName": who.account}
    subject |= {"SubjectDomainName": site.netbios, "SubjectLogonId": "0x5a1b2c"}
    new = f"azubi{rng.randrange(99)}"
    made = {"TargetUserName": new, "TargetDomainName": site.netbios, "TargetSid": f"{_SID}-7001"}
    names = {"SamAccountName": new, "DisplayName": new, "PrivilegeList": "-"}
    ev.security(day, when, 4720, 13824, {**made, **subject, **names})
    ev.security(day, after(when, 2), 4724, 13824, {**made, **subject})
    group = rng.choice(("Vertrieb", "Remote Users", "Domain Users", "Recipient Management"))
    member = {"MemberName": f"CN={new},OU=Staff", "MemberSid": f"{_SID}-7001"}
    target = {"TargetUserName": group, "TargetDomainName": site.netbios, "TargetSid": f"{_SID}-1"}
    ev.security(day, after(when, 5), 4728, 13826, {**member, **target, **subject})
    ev.security(day, after(when, 9), 4738, 13824, {**made, **subject})


def new_service(day: Day, when: datetime) -> None:
    """Services that agents, drivers and updates install (System 7045)."""
    name, path = day.rng.choice(
        (
            ("Microsoft Edge Elevation Service", '"C:\\Program Files (x86)\\Edge\\elevate.exe"'),
            (
                "MpKsl1a2b3c4d",
                "C:\\ProgramData\\Microsoft\\Windows Defender\\Definition\\MpKslDrv.sys",
            ),
            ("Veeam Guest Helper", '"C:\\Windows\\VeeamVssSupport\\VeeamGuestHelper.exe"'),
            ("CodeTwo Agent", '"C:\\Program Files\\CodeTwo\\Agent.exe"'),
            ("ccmsetup", '"C:\\Windows\\ccmsetup\\ccmsetup.exe" /runservice'),
            ("Sysmon64", "C:\\Windows\\Sysmon64.exe"),
            ("MSExchangeMitigation", f'"{day.site.root}\\Bin\\MSExchangeMitigation.exe"'),
        )
    )
    service_installed(day, when, name, path)
    text = ["Windows Update", "running", "7700"]
    logged.classic(day, after(when, 5), "System", "Service Control Manager", 7036, text)


def service_installed(day: Day, when: datetime, name: str, path: str) -> None:
    """A service is installed (System 7045)."""
    data: dict[str, str | int] = {"ServiceName": name, "ImagePath": path}
    data |= {"ServiceType": "user mode service", "StartType": "auto start"}
    data["AccountName"] = "LocalSystem"
    event = WinEvent(
        *("System", "Service Control Manager", 7045, data, _MANAGER),
        qualifiers=16384,
        task=0,
        keywords="0x8080000000000000",
    )
    day.event(when, event)

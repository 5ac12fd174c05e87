"""What people's programs ask of the server: Outlook, phones, browsers, EWS clients.

Each function is one visit of one person: the requests that the program really makes, in order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from traffic.log import Day, after
from traffic.site import Person
from traffic.text import Request, ecp, request

BROWSERS = tuple(
    """Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/90.0.4430.93 Safari/537.36 Edg/90.0.818.51
Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:87.0) Gecko/20100101 Firefox/87.0
Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/14.0.3 Safari/605.1.15
Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/51.0.2704.103 Safari/537.36
Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko
Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; WOW64; Trident/4.0)
Mozilla/5.0 (iPad; CPU OS 14_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/14.0 Mobile/15E148 Safari/604.1
Mozilla/5.0 (Linux; Android 11; SM-G991B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/89.0.4389.105 Mobile Safari/537.36
Mozilla/5.0 (X11; U; Linux i686; de; rv:1.9) Gecko/2008 Konqueror/4.14 KHTML/4.14.38""".splitlines()
)
_PHONES = (
    ("Apple-iPhone12C1/1807.86", "iPhone"),
    ("Apple-iPad8C3/1804.52", "iPad"),
    ("Android-SAMSUNG-SM-G991B/101.110000", "SAMSUNGSMG991B"),
    ("Outlook-iOS-Android/1.0", "Outlook"),
    ("Android-Mail/2021.03.07.36", "Android"),
    ("Nine-4a1b2c3d/4.8.3", "Android"),
    ("MSFT-WIN-4/10.0.19041", "WindowsMail"),
    ("MSFT-WP/8.10.14219", "WP8"),
    ("BlackBerry-BB10/10.3.3", "BlackBerry"),
    ("TouchDown(MSRPC)/8.5", "TouchDown"),
)
_EWS = (
    "MacOutlook/16.47.21031401 (Intelx64 Mac OS X 10.15.7 (Build 19H524))",
    "ExchangeServicesClient/15.00.0913.015",
    "ExchangeServicesClient/0.0.0.0",
    "AppleExchangeWebServices/818.120.2 exchangesyncd/113",
    "OC/16.0.5122.1000 (Skype for Business)",
    "exchangelib/3.3.2 (python-requests/2.25.1)",
    "python-requests/2.25.1",
    "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.5122; Pro)",
    "Evolution/3.38.3",
    "Thunderbird/78.9.0 Owl/0.9",
    "Apache-HttpClient/4.5.13 (Java/1.8.0_282)",
    "Mimecast-Sync/2.1",
    "Go-http-client/1.1",
)
_THEMES = (
    "logon.css favicon.ico owafont.css owafont_ja.css segoeui-regular.ttf segoeui-semilight.ttf "
    "SegoeUI-SemiBold.eot lgnbotl.gif olk_logo_white.png sign_in_arrow.png"
).split()
_SERVICE = (
    "FindItem GetItem GetConversationItems FindConversation CreateItem UpdateItem GetReminders "
    "SubscribeToNotification GetFolder LogDatapoint FindPeople GetUserConfiguration "
    "GetUserAvailabilityInternal SetUserConfiguration CreateAttachmentFromLocalFile DeleteItem"
).split()


def _account(day: Day, who: Person) -> str:
    return f"{day.site.netbios}\\{who.account}"


def sid(who: Person) -> str:
    return f"Sid~{who.sid}"


def _database(day: Day, when: datetime) -> str:
    if day.rng.random() < 0.2:
        return f"Server~{day.site.fqdn.lower()}~1942063431~{after(when, 864_000):%Y-%m-%dT%H:%M:%S}"
    return f"Database~{day.guid()}~~{after(when, 2_592_000):%Y-%m-%dT%H:%M:%S}~{day.site.domain}~1"


def _where(day: Day, who: Person) -> str:
    return who.away if day.rng.random() < 0.3 else who.ip


def outlook(day: Day, when: datetime, who: Person) -> None:
    """Outlook starts: autodiscover, MAPI over HTTP or RPC, free/busy, address book."""
    rng, site, ip = day.rng, day.site, _where(day, who)
    agent = rng.choice(
        (
            "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.5122; Pro)",
            "Microsoft Office/15.0 (Windows NT 6.1; Microsoft Outlook 15.0.5311; Pro)",
            "Microsoft Office/14.0 (Windows NT 6.1; Microsoft Outlook 14.0.7268; Pro)",
        )
    )
    user, mailbox = _account(day, who), f"{day.guid()}@{site.domain}"

    def ask(method: str, stem: str, wait: float, **more: Any) -> None:
        said: dict[str, Any] = {"agent": agent, "user": user, "anchor": sid(who)}
        said |= {"hint": "WindowsIdentity", "cookie": _database(day, when), **more}
        request(day, after(when, wait), Request(method, stem, ip, **said))

    auto = f"autodiscover.{site.domain}"
    ask("POST", "/autodiscover/autodiscover.xml", 0, user="", status=401, proxied=False)
    ask("POST", "/autodiscover/autodiscover.xml", 0.2, protocol="Autodiscover", host=auto)
    if rng.random() < 0.65:
        query = f"MailboxId={mailbox}"
        for n, stem in enumerate(("/mapi/emsmdb/", "/mapi/nspi/", "/mapi/emsmdb/")):
            anchor = f"MailboxGuid~{mailbox.split('@', maxsplit=1)[0]}"
            took = rng.choice((15, 31, 60_012))
            ask("POST", stem, 1 + n, query=query, protocol="Mapi", anchor=anchor, took=took)
    else:
        ask("GET", "/rpc/", 1, query="&RequestId=" + day.guid(), user="", status=401)
        for method in ("RPC_IN_DATA", "RPC_OUT_DATA"):
            ask(method, "/rpc/rpcproxy.dll", 1.5, query=f"{mailbox}:6001", protocol="RpcHttp")
    ask("POST", "/EWS/Exchange.asmx", 3, protocol="Ews", anchor=f"Smtp~{who.account}@{site.domain}")
    if rng.random() < 0.4:
        book, agent = day.guid(), "Microsoft BITS/7.8"
        ask("HEAD", f"/oab/{book}/oab.xml", 4, protocol="Oab")
        ask("GET", f"/OAB/{book}/{day.guid()}-data-{rng.randrange(9)}.lzx", 5, protocol="Oab")
    if rng.random() < 0.1:
        ask("GET", "/ecp/", 7, query="rfr=olk&p=PersonalSettings/EmailSubscriptions.slab")


def phone(day: Day, when: datetime, who: Person) -> None:
    """A phone or a mail app synchronises."""
    rng, ip, user = day.rng, _where(day, who), _account(day, who)
    agent, kind = rng.choice(_PHONES)
    device = f"{rng.getrandbits(64):016X}"
    if rng.random() < 0.2:
        stem = rng.choice(("/Microsoft-Server-ActiveSync", "/Microsoft-Server-ActiveSync/"))
        request(day, when, Request("OPTIONS", stem, ip, agent, status=401, proxied=False))
    for n in range(rng.randrange(1, 4)):
        command = rng.choice("Sync Ping FolderSync SendMail GetItemEstimate Provision".split())
        said = Request(
            *("POST", "/Microsoft-Server-ActiveSync/default.eas", ip, agent),
            query=f"User={who.account}&DeviceId={device}&DeviceType={kind}&Cmd={command}",
            user=user,
            status=449 if command == "Provision" else 200,
            took=540_012 if command == "Ping" else 46,
            protocol="Eas",
            anchor=sid(who),
            hint="WindowsIdentity",
            auth="Basic",
        )
        request(day, after(when, n * 2.5), said)


def ews(day: Day, when: datetime, who: Person) -> None:
    """A program speaks Exchange Web Services."""
    rng, ip = day.rng, _where(day, who)
    agent = rng.choice(_EWS)
    stem = rng.choice(("/EWS/Exchange.asmx", "/ews/exchange.asmx", "/EWS/Exchange.asmx/"))
    anchor = rng.choice((sid(who), f"Smtp~{who.account}@{day.site.domain}"))
    protocol: dict[str, Any] = {"protocol": "Ews", "anchor": anchor, "hint": "WindowsIdentity"}
    user = _account(day, who)
    request(day, when, Request("POST", stem, ip, agent, status=401, proxied=False))
    for n in range(rng.randrange(1, 4)):
        request(
            day,
            after(when, n + 0.3),
            Request("POST", stem, ip, agent, user=user, **protocol),
        )
    if rng.random() < 0.2:
        photo = f"email={who.account}@{day.site.domain}&size=HR64x64"
        photo_stem = "/EWS/Exchange.asmx/s/GetUserPhoto"
        said = Request("GET", photo_stem, ip, agent, photo, user, **protocol)
        request(day, after(when, 5), said)


def _theme_path(day: Day) -> str:
    return f"/owa/auth/{day.site.dotted}/themes/resources/"


def owa(day: Day, when: datetime, who: Person) -> None:
    """A person reads mail in a browser: logon form, themes, mail, settings, sign-out."""
    rng, site, ip = day.rng, day.site, _where(day, who)
    agent, user, clock = rng.choice(BROWSERS), _account(day, who), 0.0

    def ask(method: str, stem: str, query: str = "", **more: Any) -> None:
        nonlocal clock
        clock += rng.random() * 2
        said: dict[str, Any] = {"protocol": "Owa", "auth": "FBA", "query": query, **more}
        request(day, after(when, clock), Request(method, stem, ip, agent, **said))

    logon = f"url=https%3a%2f%2f{site.url}%2fowa%2f&reason=0"
    ask("GET", "/owa/", status=302, proxied=False)
    ask("GET", "/owa/auth/logon.aspx", "replaceCurrent=1&" + logon, proxied=False)
    for name in rng.sample(_THEMES, 4):
        ask("GET", _theme_path(day) + name, proxied=False, protocol="")
    ask("GET", "/owa/auth/15.1/scripts/premium/flogon.js", proxied=False, protocol="", status=304)
    if rng.random() < 0.1:
        ask("POST", "/owa/auth.owa", status=302, proxied=False)
        ask("GET", "/owa/auth/logon.aspx", logon.replace("reason=0", "reason=2"), proxied=False)
    if rng.random() < 0.05:
        ask("GET", "/owa/auth/expiredpassword.aspx", "url=/owa/auth.owa", proxied=False)
        ask("POST", "/owa/auth/expiredpassword.aspx", "url=/owa/auth.owa", proxied=False)
    ask("POST", "/owa/auth.owa", status=302, proxied=False)
    signed: dict[str, Any] = {"user": user, "anchor": sid(who), "hint": "WindowsIdentity"}
    signed["cookie"] = _database(day, when)
    ask("GET", "/owa/", **signed)
    ask("POST", "/owa/sessiondata.ashx", "appcacheclient=1&acver=15.1.2242.4", **signed)
    ask("GET", f"/owa/prem/{site.dotted}/scripts/boot.worldwide.0.mouse.js", **signed)
    ask("GET", "/owa/userspecificresourceinjector.ashx", "ver=" + site.dotted, **signed)
    ask("POST", "/owa/plt1.ashx", "cId=1&cvr=15", **signed)
    for _ in range(rng.randrange(2, 6)):
        action = rng.choice(_SERVICE)
        ask("POST", "/owa/service.svc", f"action={action}&EP=1&ID=-{rng.randrange(99)}", **signed)
    for method, stem, query in rng.sample(_OWA_MORE, 3):
        ask(method, stem, query, **signed)
    if rng.random() < 0.3:
        ask("GET", "/owa/auth/errorFE.aspx", "httpCode=500&msg=861904327", proxied=False)
    ask("GET", "/owa/logoff.owa", status=302, **signed)
    ask("GET", "/owa/auth/signout.aspx", proxied=False)


_OWA_MORE = (
    ("GET", "/owa/service.svc/s/GetFileAttachment", "id=AAMkAD&X-OWA-CANARY=x1Yz"),
    ("GET", "/owa/service.svc/s/GetPersonaPhoto", "email=lin@corp.example&size=HR48x48"),
    ("GET", "/owa/attachment.ashx", "id=AAMkAD&attach=1&name=backup.zip"),
    ("GET", "/owa/attachment.ashx", "id=AAMkAD&attach=1&name=Rechnung_2021.7z"),
    ("GET", "/owa/calendar/7c1e2d3f5a4b@corp.example/e4d0/calendar.html", ""),
    ("GET", "/owa/14.3.513.0/scripts/premium/uglobal.js", ""),
    ("POST", "/owa/ev.owa2", "ns=PendingRequest&ev=FinishNotificationRequest&UA=0"),
    ("POST", "/owa/ev.owa2", "ns=PendingRequest&ev=PendingNotificationRequest&UA=0"),
    ("GET", "/owa/manifests/appCacheManifestHandler.ashx", "owamanifest=1"),
    ("POST", "/owa/lang.owa", ""),
    ("GET", "/owa/languageselection.aspx", "url=/owa/"),
    ("POST", "/owa/UploadPhoto.ashx", "X-OWA-CANARY=x1Yz"),
    ("GET", "/owa/smime/owasmime.msi", ""),
    ("POST", "/owa/service.svc", "action=CreateAttachment&name=shell.aspx"),
    ("GET", "/owa/projection.aspx", ""),
    ("GET", "/owa/redir.aspx", "REF=c1%3aaspx&URL=https%3a%2f%2fwww.corp.example%2fcmd.aspx"),
    ("POST", "/owa/remotenotification.ashx", ""),
)
_ECP_OWN = (
    ("/ecp/RulesEditor/InboxRules.svc/GetList", "Get-InboxRule"),
    ("/ecp/RulesEditor/InboxRules.svc/NewObject", "New-InboxRule.Name='Rechnung <wichtig>'"),
    (
        "/ecp/Organize/AutomaticReplies.svc/SetObject",
        "Set-MailboxAutoReplyConfiguration.InternalMessage='<html><body><script>x</script>'",
    ),
    ("/ecp/PersonalSettings/Accounts.svc/SetObject", "Set-User.MobilePhone='+49 30 1234'"),
    ("/ecp/Customize/GeneralSettings.svc/SetObject", "Set-MailboxMessageConfiguration.Url='<b>'"),
    ("/ecp/DDI/DDIService.svc/GetList", "Get-MobileDeviceStatistics.ActiveSync=$true"),
    ("/ecp/MyGroups/OwnedDistributionGroups.svc/GetList", "Get-DistributionGroup"),
)


def options(day: Day, when: datetime, who: Person) -> None:
    """A person changes options in the control panel: every call leaves an ECP line, too."""
    rng, site, ip = day.rng, day.site, _where(day, who)
    agent, user = rng.choice(BROWSERS), _account(day, who)
    signed: dict[str, Any] = {"protocol": "Ecp", "user": user, "anchor": sid(who), "auth": "FBA"}
    signed["hint"] = "WindowsIdentity"
    asked: list[tuple[str, str, str]] = [
        ("GET", "/ecp/", "rfr=owa&owaparam=modurl%3d0&p=Organize/InboxRules.slab"),
        ("GET", f"/ecp/{site.dotted}/scripts/microsoftajax.js", ""),
        ("GET", f"/ecp/{site.dotted}/themes/default/main_default.css", ""),
        ("GET", "/ecp/ScriptResource.axd", f"d={rng.getrandbits(96):x}&t=5f11a909"),
        ("GET", "/ecp/WebResource.axd", f"d={rng.getrandbits(96):x}&t=6374"),
    ]
    canary = f"msExchEcpCanary=k{rng.getrandbits(60):x}."
    for stem, command in rng.sample(_ECP_OWN, 3):
        query = canary + ("&schema=MobileDevice" if "DDI" in stem else "")
        asked.append(("POST", stem, query))
        ecp(day, after(when, len(asked) * 1.5), command, f"{stem}?{query}")
    if rng.random() < 0.2:
        asked.append(("GET", "/ecp/auth/TimeoutLogout.aspx", ""))
    for n, (method, stem, query) in enumerate(asked):
        said = Request(method, stem, ip, agent, query, **signed)
        request(day, after(when, n * 1.5), said)


VISITS: Sequence[tuple[Callable[[Day, datetime, Person], None], int]] = (
    (outlook, 30),
    (phone, 40),
    (ews, 15),
    (owa, 10),
    (options, 3),
)

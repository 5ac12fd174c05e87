"""Requests that no person makes: health probes, balancers, monitors, other servers, scanners."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from traffic.log import Day, after
from traffic.people import BROWSERS
from traffic.text import Request, back_end, oab_generator, request

_PROBED = "owa ecp ews mapi oab rpc autodiscover Microsoft-Server-ActiveSync PowerShell".split()
_PROBES = (
    "AMProbe/Local/ClientAccess",
    "Mozilla/4.0 (compatible; MSIE 9.0; Windows NT 6.1; MSEXCHMON; ACTIVEMONITORING)",
    "MSEXCHMON/ActiveMonitoring",
    "Mozilla/4.0 (compatible; MSIE 9.0; Windows NT 6.1; MSEXCHMON; TESTCONN)",
)
_BALANCERS = ("-", "KEMP-LM/1.0", "F5-BIGIP", "HAProxy", "Citrix-NetScaler-Monitor", "A10-HM/1.0")
_MONITORS = (
    "check_http/v2.3.3 (nagios-plugins 2.3.3)",
    "Zabbix 5.0.9",
    "PRTG Network Monitor (www.paessler.com)",
    "Mozilla/5.0 (compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
    "System Center Operations Manager 2019 10.19.10050.0",
    "curl/7.68.0",
    "python-requests/2.25.1",
    "Mozilla/5.0 (Windows NT; Windows NT 10.0; de-DE) WindowsPowerShell/5.1.17763.1432",
)


def probe(day: Day, when: datetime) -> None:
    """Managed Availability asks its own front and back end, by the loopback address."""
    rng, site = day.rng, day.site
    ip, agent = rng.choice(("::1", "127.0.0.1")), rng.choice(_PROBES)
    box = f"HealthMailbox{rng.getrandbits(28):07x}"
    user, name = f"{site.netbios}\\{box}", rng.choice(_PROBED)
    request(day, when, Request("GET", f"/{name}/healthcheck.htm", ip, agent, took=2))
    kind = rng.randrange(5)
    if kind == 0:
        request(day, after(when, 0.1), Request("GET", "/owa/auth/logon.aspx", ip, agent, "url=x"))
        said = Request("POST", "/owa/auth.owa", ip, agent, status=302, protocol="Owa", auth="FBA")
        request(day, after(when, 0.3), said)
    elif kind == 1:
        stem = rng.choice(("/ecp/", "/ecp/default.aspx", "/ecp/exhealth.check"))
        query = "ActID=" + day.guid()
        said = Request("GET", stem, ip, agent, query, user, protocol="Ecp", hint="WindowsIdentity")
        request(day, after(when, 0.1), said)
    elif kind == 2:
        back_end(day, after(when, 0.1), Request("POST", "/ecp/exhealth.check", ip, agent, "", user))
        stem = "/ecp/DDI/DDIService.svc/GetList"
        query = "ActID=1&schema=VirtualDirectory&msExchEcpCanary=x"
        back_end(day, after(when, 0.4), Request("POST", stem, "127.0.0.1", agent, query, user))
    elif kind == 3:
        query = f"MailboxId={day.guid()}@{site.domain}"
        anchor = f"Smtp~{box}@{site.domain}"
        said = Request("POST", "/mapi/emsmdb/", ip, agent, query, user, protocol="Mapi")
        request(day, after(when, 0.2), said)
        stem = "/Microsoft-Server-ActiveSync/default.eas"
        said = Request("OPTIONS", stem, ip, agent, "", user, protocol="Eas", anchor=anchor)
        request(day, after(when, 0.4), said)
    else:
        for stem in ("/owa/auth/errorFE.aspx", "/owa/auth/logoff.aspx", "/owa/auth/error.aspx"):
            back_end(day, after(when, 0.2), Request("GET", stem, ip, agent, "", user))


def balancer(day: Day, when: datetime) -> None:
    """A load balancer asks for the health page of each service."""
    rng, site = day.rng, day.site
    ip = site.balancer or f"{site.ip.rsplit('.', 1)[0]}.5"
    method = rng.choice(("GET", "HEAD", "GET", "OPTIONS"))
    stem = f"/{rng.choice(_PROBED)}/healthcheck.htm"
    status = 405 if method == "OPTIONS" else 200
    request(day, when, Request(method, stem, ip, rng.choice(_BALANCERS), status=status, took=1))
    if rng.random() < 0.1:
        request(day, after(when, 1), Request("GET", "/", ip, rng.choice(_BALANCERS), status=302))


def monitor(day: Day, when: datetime) -> None:
    """A monitoring system looks whether the pages answer, and whether one can log on."""
    rng, site = day.rng, day.site
    ip, agent = f"{site.ip.rsplit('.', 1)[0]}.{rng.choice((40, 41, 42))}", rng.choice(_MONITORS)
    for n, (method, stem, status) in enumerate(
        rng.sample(
            (
                ("GET", "/owa/auth/logon.aspx", 200),
                ("HEAD", "/owa/auth/logon.aspx", 200),
                ("GET", "/owa/", 302),
                ("POST", "/owa/auth.owa", 302),
                ("GET", "/ecp/", 302),
                ("POST", "/autodiscover/autodiscover.xml", 401),
                ("POST", "/EWS/Exchange.asmx", 401),
                ("OPTIONS", "/Microsoft-Server-ActiveSync", 401),
                ("GET", "/owa/healthcheck.htm", 200),
                ("GET", "/rpc/rpcproxy.dll", 401),
            ),
            2,
        )
    ):
        said = Request(method, stem, ip, agent, status=status, proxied=False)
        request(day, after(when, n), said)


def servers(day: Day, when: datetime) -> None:
    """Other Exchange servers and services of the house ask."""
    rng, site = day.rng, day.site
    other = f"{site.ip.rsplit('.', 1)[0]}.17"
    machine = f"{site.netbios}\\{site.host[:-1]}9$"
    client = f"ExchangeInternalEwsClient-Client/{site.dotted}"
    anchor = f"ServerInfo~{site.fqdn.lower()}"
    named: dict[str, Any] = {"user": machine, "hint": "WindowsIdentity"}
    kind = rng.randrange(6)
    if kind == 0:
        said = Request("POST", "/EWS/mrsproxy.svc", other, "", protocol="Ews", **named)
        request(day, when, said)
    elif kind == 1:
        said = Request(
            *("POST", "/ecp/proxyLogon.ecp", other, "Mozilla/5.0 (compatible; ECP)", ""),
            user=machine,
            status=241,
        )
        back_end(day, when, said)
    elif kind == 2:
        said = Request(
            *("POST", "/ecp/DDI/DDIService.svc/GetObject", other, "Mozilla/5.0", "schema=Mailbox"),
            user=machine,
        )
        back_end(day, when, said)
    elif kind == 3:
        stem = "/EWS/Exchange.asmx"
        said = Request("POST", stem, other, client, protocol="Ews", anchor=anchor, **named)
        request(day, when, said)
    elif kind == 4:
        stem = "/ecp/Current/exporttool/microsoft.exchange.ediscovery.exporttool.manifest"
        hint = "EDiscoveryExportTool-ServerInfo"
        said = Request("GET", stem, other, BROWSERS[0], protocol="Ecp", anchor=anchor, hint=hint)
        request(day, when, said)
    else:
        stem, anchor = "/PushNotifications/service.svc/AppOnlyPublish", f"{anchor}"
        said = Request("POST", stem, other, "", protocol="PushNotifications", **named)
        request(day, when, said)


_MISSING = """/owa/auth/x.js /ecp/y.js /ecp/program.png
/owa/auth/help.aspx /owa/auth/web.aspx /owa/auth/shell.aspx
/owa/auth/8Lw7tAhF9i1pJnRo.aspx /owa/auth/OutlookEN.aspx /owa/auth/errorEE.aspx
/owa/auth/RedirSuiteServerProxy.aspx /owa/auth/Current/themes/errorFS.aspx /owa/auth/log.aspx
/aspnet_client/shell.aspx /aspnet_client/system_web/log.aspx /aspnet_client/supp0rt.aspx
/aspnet_client/discover.aspx /aspnet_client/aspnet_iisstart.aspx /aspnet_client/t.aspx
/ecp/auth/w.aspx /oab/log.aspx /wp-login.php /xmlrpc.php /phpmyadmin/index.php /.env /.git/config
/actuator/health /cgi-bin/test.cgi /solr/admin/info/system /boaform/admin/formLogin
/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php /shell.aspx /cmd.asp /admin.aspx /upload.ashx
/owa/auth/a.aspx /owa/auth/Err0r.aspx /aspnet_client/client.aspx /owa/auth/getpp.aspx""".split()
_THERE = (
    ("GET", "/owa/auth/logon.aspx", 200, "Owa"),
    ("GET", "/robots.txt", 404, ""),
    ("GET", "/", 302, ""),
    ("GET", "/owa/auth/15.1.2242/themes/resources/favicon.ico", 200, ""),
    (
        "GET",
        "/ecp/Current/exporttool/microsoft.exchange.ediscovery.exporttool.application",
        200,
        "",
    ),
    ("GET", "/owa/", 302, "Owa"),
    ("HEAD", "/ecp/", 302, "Ecp"),
    ("GET", "/autodiscover/autodiscover.json", 200, ""),
    ("GET", "/rpc/", 401, ""),
    ("GET", "/ews/exchange.asmx", 401, "Ews"),
    ("OPTIONS", "/", 200, ""),
    ("PROPFIND", "/exchange/", 405, ""),
    ("POST", "/owa/auth/logon.aspx", 302, "Owa"),
    ("POST", "/owa/auth/logon.aspx", 200, ""),
    ("GET", "/favicon.ico", 404, ""),
)
_SCANNERS = (
    "Mozilla/5.0 zgrab/0.x",
    "Mozilla/5.0 (compatible; Nmap Scripting Engine; https://nmap.org/book/nse.html)",
    "Mozilla/5.0 (compatible; ShadowServer)",
    "Expanse indexes the network perimeters of our customers",
    "masscan/1.3",
    "Mozilla/5.0 (compatible; CensysInspect/1.1; +https://about.censys.example/)",
    "Mozilla/5.0 (compatible; Nimbostratus-Bot/v1.3.2)",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "python-requests/2.25.1",
    "Go-http-client/1.1",
    "curl/7.54.0",
    "Wget/1.20.3",
    "antSword/v2.1",
    "-",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/88.0.4324.190 Safari/537.36",
)


def scanner(day: Day, when: datetime) -> None:
    """Somebody on the internet looks what there is: nothing that is asked for is there."""
    rng = day.rng
    ip, agent = f"192.0.2.{rng.randrange(1, 254)}", rng.choice(_SCANNERS)
    for n in range(rng.randrange(1, 4)):
        if rng.random() < 0.5:
            method, stem, status, protocol = rng.choice(_THERE)
        else:
            method = rng.choice(("GET", "GET", "GET", "HEAD", "POST"))
            stem, protocol = rng.choice(_MISSING), ""
            status = 404
            if stem.startswith(("/owa/", "/ecp/")):
                protocol = "Owa" if stem.startswith("/owa/") else "Ecp"
                status = rng.choice((302, 302, 404))
            if method == "POST" and stem.endswith((".js", ".css", ".png")):
                status = 404
        win32 = 2 if status == 404 else 0
        said = Request(method, stem, ip, agent, status=status, win32=win32, protocol=protocol)
        request(day, after(when, n * 0.4), said)


def researcher(day: Day, when: datetime) -> None:
    """Researchers ask whether the server is patched, without doing harm."""
    rng, site = day.rng, day.site
    ip, agent = f"192.0.2.{rng.randrange(1, 254)}", rng.choice(_SCANNERS[:4])
    anchor, status, hint = rng.choice(
        (
            ("ServerInfo~localhost/ecp/default.flt?", 500, "X-BEResource-Cookie"),
            ("ServerInfo~localhost/owa/auth/logon.aspx?", 500, "X-AnonResource-Backend-Cookie"),
            ("ServerInfo~localhost", 200, "X-BackEndOverrideCookie"),
            ("ServerVersion~Version 15.0 (Build 0.0)", 200, "EDiscoveryExportTool-ServerVersion"),
            (f"ServerVersion~Version {site.major} (Build {site.build[1]}.0)", 200, "ServerVersion"),
        )
    )
    protocol = "Owa" if "Anon" in hint else "Ecp"
    stem = "/owa/auth/x.js" if protocol == "Owa" else "/ecp/y.js"
    said = Request("GET", stem, ip, agent, status=status, protocol=protocol, anchor=anchor)
    request(day, when, said)


def guessing(day: Day, when: datetime) -> None:
    """Somebody tries passwords: many failed logons at the form and at autodiscover."""
    rng = day.rng
    ip, agent = f"192.0.2.{rng.randrange(1, 254)}", rng.choice(BROWSERS)
    for n in range(rng.randrange(3, 8)):
        stem, status = rng.choice(
            (
                ("/owa/auth.owa", 302),
                ("/autodiscover/autodiscover.xml", 401),
                ("/EWS/Exchange.asmx", 401),
                ("/Microsoft-Server-ActiveSync/default.eas", 401),
            )
        )
        said = Request("POST", stem, ip, agent, status=status, proxied=False)
        request(day, after(when, n * 3), said)
        if stem == "/owa/auth.owa":
            query = "url=https%3a%2f%2fmail%2fowa&reason=2"
            said = Request("GET", "/owa/auth/logon.aspx", ip, agent, query, proxied=False)
            request(day, after(when, n * 3 + 1), said)


def address_book(day: Day, when: datetime) -> None:
    """The address book is generated; now and then a temporary file is left over."""
    site, rng = day.site, day.rng
    name = '"\\Default Offline Address Book"'
    oab_generator(day, when, f"Starting generation of OAB {name}")
    for n in range(rng.randrange(2, 6)):
        oab_generator(day, after(when, n + 1), f"OAB file for {name}: {rng.randrange(9000)} bytes")
    if rng.random() < 0.5:
        left = f"{site.root}\\ClientAccess\\OAB\\Temp\\{rng.getrandbits(32):08x}.djs"
        text = f"Download failed and temporary file '{left}' needs to be removed"
        oab_generator(day, after(when, 8), text)
    oab_generator(day, after(when, 9), f"Generation of OAB {name} finished")

"""The organisations whose days are made: servers, versions, drives, languages, people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Person:
    """Who works there. ``ip`` is the client's, ``away`` the address when not in the house."""

    account: str
    sid: str
    ip: str
    away: str
    admin: bool


@dataclass(frozen=True)
class Words:
    """What Windows and Exchange call things in the language of the server."""

    system: str
    service: str
    network: str
    administrators: str
    org_group: str
    succeeded: str
    forest: str
    culture: str


@dataclass(frozen=True)
class Site:
    """One mail server. ``export`` is how its event logs were exported: json, xml, winlogbeat."""

    host: str
    domain: str
    netbios: str
    version: str
    """2013, 2016 or 2019."""
    build: tuple[int, int, int]
    root: str
    """Where Exchange is installed, without a backslash at the end."""
    data: str
    """Where databases lie."""
    ip: str
    words: Words
    export: str
    people: tuple[Person, ...]
    balancer: str | None = None
    """Its address is the c-ip of every request, when there is one."""
    sysmon: bool = True
    parent_in_4688: bool = True

    @property
    def fqdn(self) -> str:
        return f"{self.host}.{self.domain}"

    @property
    def url(self) -> str:
        return f"mail.{self.domain}"

    @property
    def major(self) -> str:
        """``15.1``, as paths and anchors have it."""
        return f"15.{self.build[0]}"

    @property
    def dotted(self) -> str:
        """``15.1.2242.4``, as URLs have it."""
        return f"15.{self.build[0]}.{self.build[1]}.{self.build[2]}"

    @property
    def padded(self) -> str:
        """``15.01.2242.004``, as logs have it."""
        return f"15.{self.build[0]:02}.{self.build[1]:04}.{self.build[2]:03}"

    @property
    def admins(self) -> tuple[Person, ...]:
        return tuple(p for p in self.people if p.admin)


ENGLISH = Words(
    *("NT AUTHORITY\\SYSTEM", "NT AUTHORITY\\LOCAL SERVICE", "NT AUTHORITY\\NETWORK SERVICE"),
    *("BUILTIN\\Administrators", "Organization Management"),
    "Cmdlet suceeded. Cmdlet {0}, parameters {1}.",
    "View Entire Forest: 'True', Configuration Domain Controller: '{0}'",
    "en-US",
)
GERMAN = Words(
    *("NT-AUTORITÄT\\SYSTEM", "NT-AUTORITÄT\\Lokaler Dienst", "NT-AUTORITÄT\\Netzwerkdienst"),
    *("VORDEFINIERT\\Administratoren", "Organization Management"),
    "Das Cmdlet war erfolgreich. Cmdlet {0}, Parameter {1}.",
    "Gesamte Gesamtstruktur anzeigen: 'True', Konfigurationsdomänencontroller: '{0}'",
    "de-DE",
)
FRENCH = Words(
    *("AUTORITE NT\\Système", "AUTORITE NT\\SERVICE LOCAL", "AUTORITE NT\\SERVICE RÉSEAU"),
    *("BUILTIN\\Administrateurs", "Organization Management"),
    "L'applet de commande a réussi. Applet de commande {0}, paramètres {1}.",
    "Afficher toute la forêt : 'True', Contrôleur de domaine de configuration : '{0}'",
    "fr-FR",
)

_NAMES = """amira jonas lin petra noah sofia emre mila o.brien jean-luc müller zoë s.van.dijk
k_nowak 李雷 anna.post web.team eval.board cmd.desk script.support shell.station aspen
del.rio net.ops power.plant reset.desk oab.user hafner""".split()
_ADMINS = "exadmin t0-jonas adm.petra svc_exchange Administrator".split()


def _people(seed: str, net: str, base: int) -> tuple[Person, ...]:
    rng = Random(seed)
    found = []
    for n, name in enumerate((*_NAMES, *_ADMINS)):
        rid = 500 if name == "Administrator" else base + n
        found.append(
            Person(
                name,
                f"S-1-5-21-1111111111-2222222222-3333333333-{rid}",
                f"{net}.{20 + n}",
                f"198.51.100.{rng.randrange(1, 254)}",
                name in _ADMINS,
            )
        )
    return tuple(found)


_P = "C:\\Program Files\\Microsoft\\Exchange Server\\V15"

SITES: Mapping[str, Site] = {
    "small": Site(
        host="MAIL02",
        domain="corp.example",
        netbios="CORP",
        version="2016",
        build=(1, 2242, 4),
        root=_P,
        data="D:\\Databases",
        ip="10.20.0.16",
        words=ENGLISH,
        export="json",
        people=_people("small", "10.20.31", 1700),
    ),
    "old": Site(
        host="EX13",
        domain="stadt.example",
        netbios="STADT",
        version="2013",
        build=(0, 1497, 12),
        root="D:\\Exchange",
        data="E:\\MDB",
        ip="172.16.4.13",
        words=ENGLISH,
        export="xml",
        parent_in_4688=False,
        people=_people("old", "172.16.8", 2200),
    ),
    "german": Site(
        host="SRV-EXCH01",
        domain="werk.example",
        netbios="WERK",
        version="2019",
        build=(2, 858, 10),
        root="E:\\Programme\\Exchange Server\\V15",
        data="F:\\Datenbanken",
        ip="192.168.10.25",
        words=GERMAN,
        export="json",
        people=_people("german", "192.168.11", 3100),
    ),
    "french": Site(
        host="MSG-PAR-01",
        domain="groupe.example",
        netbios="GROUPE",
        version="2016",
        build=(1, 2375, 7),
        root=_P,
        data="G:\\Bases",
        ip="10.44.2.9",
        words=FRENCH,
        export="winlogbeat",
        people=_people("french", "10.44.60", 4000),
    ),
    "balanced": Site(
        host="EX19-2",
        domain="uni.example",
        netbios="UNI",
        version="2019",
        build=(2, 922, 7),
        root="F:\\ExchangeServer\\V15",
        data="M:\\DAG1",
        ip="10.8.1.22",
        words=ENGLISH,
        export="winlogbeat",
        balancer="10.8.1.5",
        people=_people("balanced", "10.8.40", 5200),
    ),
    "bare": Site(
        host="MX1",
        domain="praxis.example",
        netbios="PRAXIS",
        version="2016",
        build=(1, 2106, 2),
        root="D:\\Exchange 2016",
        data="D:\\Store",
        ip="192.168.1.10",
        words=ENGLISH,
        export="json",
        sysmon=False,
        parent_in_4688=False,
        people=_people("bare", "192.168.1", 1100),
    ),
}

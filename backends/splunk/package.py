"""The Splunk app: a folder to look at and tune, the same as an archive to install, and pySigma
pipelines of the data sources for ``sigma convert``."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from itertools import chain, count
from pathlib import Path
from typing import Any

from hafnium.backends.splunk.compiler_sources import FILTER, TARGET, catalogue, macros
from hafnium.backends.splunk.package_conf import Stanza, conf, one_line, stanza_name
from hafnium.backends.splunk.package_readme import readme
from hafnium.rule import Rule
from hafnium.siem import Pack, Query
from hafnium.site import Site
from hafnium.sources import write_pipelines

APP = "hafnium_detections"
_LABEL = "Hafnium"
_NAME_AT_MOST = 99  # Enterprise Security takes no longer name of a correlation search
_SEVERITY = {"informational": "2", "low": "3", "medium": "4", "high": "5", "critical": "6"}
_EVERY = 15  # minutes between two runs of a search
_LATE = 10  # minutes that events may take until they are searchable
_SETTINGS = {
    "disabled": "1",
    "enableSched": "1",
    "cron_schedule": f"*/{_EVERY} * * * *",
    "schedule_window": "auto",
    "allow_skew": "100%",
    "realtime_schedule": "0",
    "counttype": "number of events",
    "relation": "greater than",
    "quantity": "0",
    "alert.digest_mode": "1",
    "alert.track": "1",
}


def package(pack: Pack, folder: Path) -> None:
    """Write the app's folder, its archive and the pipelines into ``folder``."""
    files = app_files(pack)
    for name, text in files.items():
        file = folder / APP / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="\n")
    (folder / f"{APP}-{pack.version}.tar.gz").write_bytes(_archive(files))
    write_pipelines(catalogue(), folder / "pipelines")


def app_files(pack: Pack) -> dict[str, str]:
    """The app's files by their path inside the app."""
    return {
        "README.md": readme(pack, catalogue()),
        "default/app.conf": conf("The app", _app(pack.version)),
        "default/macros.conf": conf(
            "Where data is, and one filter per rule: change them in local/macros.conf",
            _macros(pack),
        ),
        "default/props.conf": _template("props.conf", pack.site),
        "default/savedsearches.conf": conf(
            "One search per rule: enable them in local/savedsearches.conf or in Splunk",
            saved_searches(pack.queries),
        ),
        "default/transforms.conf": _template("transforms.conf", pack.site),
        "metadata/default.meta": conf(
            "Searches and macros are for all apps",
            [("", {"access": "read : [ * ], write : [ admin ]", "export": "system"})],
        ),
    }


def saved_searches(queries: Sequence[Query]) -> list[Stanza]:
    """One stanza per query; names that would be the same get the rule's id, and a number."""
    out: list[Stanza] = []
    taken: set[str] = set()
    for query in queries:
        marks = chain(("", query.rule.id), (f"{query.rule.id} {n}" for n in count(2)))
        names = (_search_name(query.rule.title, mark) for mark in marks)
        name = next(name for name in names if name not in taken)
        taken.add(name)
        out.append((name, _saved_search(name, query)))
    return out


def _search_name(title: str, mark: str = "") -> str:
    before, after = f"{_LABEL} - ", f"{' ' + mark if mark else ''} - Rule"
    room = _NAME_AT_MOST - len(before) - len(after)
    return stanza_name(before + stanza_name(title)[:room].strip() + after)


def _saved_search(name: str, query: Query) -> dict[str, str]:
    rule = query.rule
    severity = rule.level
    minutes = _EVERY + _LATE
    if rule.correlation is not None:  # the window of the first event reaches back by the time span
        minutes += -(-int(rule.correlation.timespan.seconds) // 60)
    description = one_line(rule.sigma.description or rule.title)
    triage = one_line(" ".join(rule.triage))
    return {
        "description": one_line(f"{description} {triage}"),
        **_SETTINGS,
        "dispatch.earliest_time": f"-{minutes}m@m",
        "dispatch.latest_time": f"-{_LATE}m@m",
        "alert.severity": _SEVERITY[severity],
        "action.correlationsearch.enabled": "1",
        "action.correlationsearch.label": name,
        "action.correlationsearch.annotations": _json(es_annotations(rule)),
        "action.correlationsearch.metadata": _json(
            {"detection_id": rule.id, "detection_version": rule.version}
        ),
        "action.notable": "0",
        "action.notable.param.rule_title": one_line(rule.title),
        "action.notable.param.rule_description": description,
        "action.notable.param.next_steps": _json({"version": 1, "data": triage}),
        "action.notable.param.security_domain": "endpoint",
        "action.notable.param.severity": severity,
        "search": query.text,
    }


def es_annotations(rule: Rule) -> dict[str, Any]:
    """The rule's tags in the form of Enterprise Security: techniques, tactics, CVEs."""
    tags = [str(tag) for tag in rule.sigma.tags]
    attack = [tag.removeprefix("attack.") for tag in tags if tag.startswith("attack.")]
    cves = [tag.removeprefix("cve.") for tag in tags if tag.startswith("cve.")]
    said = {
        "mitre_attack": [tag.upper() for tag in attack if tag[:1] == "t" and tag[1:5].isdigit()],
        "mitre_tactics": [tag for tag in attack if not any(c.isdigit() for c in tag)],
        "cve": ["CVE-" + cve.upper().removeprefix("CVE-") for cve in cves],
        "sigma": [rule.id],
        "level": [rule.level],
        "version": [rule.version],
    }
    return {name: values for name, values in said.items() if values}


def _json(said: Mapping[str, Any]) -> str:
    return json.dumps(said, sort_keys=True)  # ASCII: no line separator can hide in it


def _app(version: str) -> list[Stanza]:
    return [
        ("install", {"is_configured": "0"}),
        ("ui", {"is_visible": "0", "label": "Hafnium detections"}),
        (
            "launcher",
            {
                "author": "hafnium-detections",
                "description": "Detections for the Hafnium / ProxyLogon intrusions on Exchange",
                "version": version,
            },
        ),
        ("package", {"id": APP, "check_for_updates": "0"}),
        ("id", {"name": APP, "version": version}),
    ]


def _macros(pack: Pack) -> list[Stanza]:
    definitions = macros(catalogue(), pack.site)
    definitions |= {query.context["filter"]: FILTER for query in pack.queries}
    return [(name, {"definition": said, "iseval": "0"}) for name, said in definitions.items()]


def _template(name: str, site: Site) -> str:
    """A file of the app with the site's sourcetypes and sources in it."""
    text = (Path(__file__).parent / "app" / name).read_text(encoding="utf-8")
    for source in catalogue():
        settings = {**source.site, **site.source(TARGET, source.id)}
        said = settings.get("sourcetype") or settings.get("source") or ""
        text = text.replace(f"@{source.id}@", stanza_name(said))
    return text


def _archive(files: Mapping[str, str]) -> bytes:
    """A ``.tar.gz`` with one top folder; the same files give the same bytes."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in sorted(files):
            content = files[name].encode("utf-8")
            member = tarfile.TarInfo(f"{APP}/{name}")
            member.size, member.mode = len(content), 0o644
            tar.addfile(member, io.BytesIO(content))
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", fileobj=packed, mode="wb", mtime=0) as out:
        out.write(plain.getvalue())
    return packed.getvalue()

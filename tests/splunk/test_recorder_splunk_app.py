"""The recorder says of our own sourcetypes what the shipped app really extracts.

The extractions of the app's props.conf and transforms.conf are run on the recorded raw text, in
Splunk's order: EXTRACT, REPORT, then every EVAL on what those found.
"""

from __future__ import annotations

import configparser
from importlib import resources
from typing import Any

import pytest

from hafnium.backends.splunk.recorder import record
from hafnium.backends.splunk.spl.commands import compile_program
from hafnium.backends.splunk.spl.pcre import regex
from hafnium.backends.splunk.spl.rows import Row
from hafnium.entries import Entry, WindowsEvent

CANARY = "msExchEcpCanary=x1Yz.&schema=OABVirtualDirectory"
ECP_ROWS = [
    f"S:TIME=13;S:SID=9a7b;S:CMD=Get-InboxRule;S:REQID=;S:URL=/ecp/x.svc/GetList?{CANARY};S:EX=",
    "S:TIME=61;'S:CMD=Set-OabVirtualDirectory.ExternalUrl=''http://o/#<x a=\"b\">f(\"c\");''"
    f".Identity=''7c1e''';S:REQID=;S:URL=/ecp/DDI/DDIService.svc/SetObject?{CANARY};S:ACID=",
    "S:TIME=1;'S:EX=it''s \"a\"; b'",
    "no keys at all",
    'a "quoted" word',
]


def conf(name: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(delimiters=("=",), comment_prefixes=("#",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    app = resources.files("hafnium.backends.splunk") / "app" / name
    parser.read_string(app.read_text(encoding="utf-8"))
    return parser


def extracted(stanza: str, fields: dict[str, Any]) -> dict[str, Any]:
    """What a stanza of props.conf adds to the fields that are there."""
    props, transforms = conf("props.conf"), conf("transforms.conf")
    found: dict[str, Any] = {}
    for key, value in props.items(stanza):
        if key.startswith("EXTRACT-"):
            match = regex(value).search(fields["_raw"])
            found |= match.groupdict() if match else {}
    for key, value in props.items(stanza):
        if key.startswith("REPORT-"):
            for name in value.split(","):
                report(dict(transforms.items(name.strip())), fields, found)
    found = {name: value for name, value in found.items() if value}
    return found | evaluated(dict(props.items(stanza)), {**fields, **found})


def report(stanza: dict[str, str], fields: dict[str, Any], found: dict[str, Any]) -> None:
    source = {**fields, **found}.get(stanza.get("SOURCE_KEY", "_raw"), "")
    for match in regex(stanza["REGEX"]).finditer(source):
        if stanza.get("FORMAT", "").endswith("::$1"):
            found.setdefault(stanza["FORMAT"].partition("::")[0], []).append(match[1])
        elif "_KEY_1" in match.groupdict():
            pairs = [(match[f"_KEY_{n}"], match[f"_VAL_{n}"]) for n in (1, 2)]
            found.update({key: value for key, value in pairs if key})
        else:
            found.update({k: v for k, v in match.groupdict().items() if v is not None})


def evaluated(stanza: dict[str, str], fields: dict[str, Any]) -> dict[str, Any]:
    results = {}
    for key, expression in stanza.items():
        if key.startswith("EVAL-"):
            program = compile_program(f"* | eval result={expression}", {})
            (row,) = program.run([Row(fields, (0,))])
            if "result" in row.fields:
                results[key.removeprefix("EVAL-")] = row.fields["result"]
    return results


@pytest.mark.parametrize("data", ECP_ROWS)
def test_ecp_fields_are_what_the_app_extracts(data: str):
    columns = {"TimeStamp": "2021-03-03T06:49:57.960Z", "ServerName": "M", "EventId": "ECP.Request"}
    (found,) = record(Entry("ecp", "x", 1, None, "M", {**columns, "EventData": data}))
    recorded = {k: v for k, v in found.fields.items() if k not in DEFAULT}
    assert extracted("@ecp@", {"_raw": found.fields["_raw"]}) == recorded


DEFAULT = {"_raw", "_time", "host", "source", "sourcetype"}


def windows(channel: str, *items: str) -> dict[str, Any]:
    system = {"EventID": "1", "Qualifiers": "16384", "Channel": channel, "Computer": "m"}
    entry = WindowsEvent("winevent", "x", 1, None, "m", {}, system, {}, items)
    return dict(record(entry)[0].fields)


def test_unnamed_data_is_what_the_app_extracts():
    fields = windows("Application", "a & b", "", "c <d>", "line\r\nline")
    assert extracted("source::XmlWinEventLog:...", fields) == {"Data": fields["Data"]}


@pytest.mark.parametrize("count", [3, 12, 27])
def test_cmdlet_fields_are_what_the_app_extracts(count: int):
    items = [f"item {n} \"a\" 'b' <c> &amp; é" for n in range(count)]
    items[2] = ""
    items[3:5] = ["S-1-5-21"] * len(items[3:5])
    items[8:10] = ["54", "00:00:00.0080007"][: len(items[8:10])]
    if count > 26:
        items[26] = "en-US"
    fields = windows("MSExchange Management", *items)
    xml = {**fields, **extracted("source::XmlWinEventLog:...", fields)}
    read = {**xml, **extracted("source::@msexchange-management@", xml)}
    assert read == fields

"""What Splunk keeps of an entry: default fields, raw text and what its add-ons extract.

* IIS: Splunk Add-on for Microsoft IIS, sourcetype ``ms:iis:auto`` (W3C header at index time: a
  character that is neither letter nor digit becomes ``_``, ``-`` is no value), and the
  add-on's aliases for the CIM Web data model.
* HttpProxy, ECP, OABGenerator: the sourcetypes of our app, columns by header; the ECP
  ``EventData`` is taken apart into its ``S:`` keys.
* Windows events: `recorder_windows`.

All values are texts. An empty value makes no field. ``_raw`` is rebuilt from the entry's
values; of a column without a value it knows nothing.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hafnium.backends.splunk.recorder_windows import record_windows
from hafnium.entries import Entry, Value, WindowsEvent
from hafnium.siem import Record

INDEX = "main"
"""Where data goes when nobody says otherwise, and what a search without ``index=`` sees."""

_HEADERS = {"cs-user-agent": "cs_User_Agent", "cs-referer": "cs_Referer", "cs-cookie": "cs_Cookie"}
"""Columns written ``cs(…)`` in the log; every other name is cleaned as it stands."""

_WEB_ALIASES = {
    "cs_User_Agent": ("http_user_agent",),
    "cs_Referer": ("http_referrer", "http_referer"),
    "cs_Cookie": ("cookie",),
    "cs_username": ("user",),
    "cs_uri_stem": ("uri_path",),
    "cs_uri_query": ("uri_query",),
    "cs_method": ("http_method",),
    "sc_status": ("status",),
    "c_ip": ("src", "src_ip"),
    "s_ip": ("dest", "dest_ip", "dvc"),
    "s_port": ("dest_port", "port", "http_port"),
    "s_sitename": ("site",),
    "sc_bytes": ("bytes_out",),
    "cs_bytes": ("bytes_in",),
    "time_taken": ("duration", "response_time"),
}
_ECP_ITEM = re.compile(r"(?:^|;)(?:'S:(\w+)=((?:[^']|'')*)'(?=;|$)|S:(\w+)=([^;]*))", re.DOTALL)
_ECP_COLUMNS = ("TimeStamp", "ServerName", "EventId", "EventData")


def record(entry: Entry) -> Sequence[Record]:
    """The event that Splunk stores: one, by the usual way in."""
    if isinstance(entry, WindowsEvent):
        return [record_windows(entry, INDEX)]
    path, sourcetype, extract = _TEXT_LOGS[entry.kind]
    fields: dict[str, Any] = {
        "_time": 0.0 if entry.time is None else entry.time.timestamp(),
        "source": entry.source,
        "sourcetype": sourcetype,
        "host": entry.host,
    }
    fields.update(extract(entry.fields))
    return [Record(path, INDEX, {name: value for name, value in fields.items() if value != ""})]


def clean(name: str) -> str:
    """A column's name as a field name."""
    return re.sub(r"[^A-Za-z0-9_]", "_", name).lstrip("_")


def _stored(value: Value) -> str | list[str]:
    return value if isinstance(value, str) else list(value)


def _each(fields: Mapping[str, Value]) -> Iterable[str]:
    for value in fields.values():
        yield value if isinstance(value, str) else " ".join(value)


def _iis(fields: Mapping[str, Value]) -> dict[str, Any]:
    found: dict[str, Any] = {"_raw": " ".join(_each(fields))}
    for name, value in fields.items():
        stored = _HEADERS.get(name) or clean(name)
        for alias in (stored, *_WEB_ALIASES.get(stored, ())):
            found[alias] = _stored(value)
    return found


def _httpproxy(fields: Mapping[str, Value]) -> dict[str, Any]:
    columns = {clean(name): _stored(value) for name, value in fields.items()}
    return {**columns, "_raw": _csv(_each(fields))}


def _ecp(fields: Mapping[str, Value]) -> dict[str, Any]:
    columns = {name: fields[name] for name in _ECP_COLUMNS if name in fields}
    found: dict[str, Any] = {name: _stored(value) for name, value in columns.items()}
    found["_raw"] = _csv(_each(columns))
    for item in _ECP_ITEM.finditer(str(columns.get("EventData", ""))):
        quoted, inner, plain, value = item.groups()
        found.setdefault(plain or quoted, value if plain else inner.replace("''", "'"))
    return found


def _oab(fields: Mapping[str, Value]) -> dict[str, Any]:
    line = " ".join(_each({"Message": fields.get("Message", "")}))
    return {"_raw": line, "Message": line}


def _csv(columns: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(list(columns))
    return line.getvalue()


_TEXT_LOGS = {
    "w3c": ("iis", "ms:iis:auto", _iis),
    "httpproxy": ("httpproxy", "MSExchange:HttpProxy", _httpproxy),
    "ecp": ("ecp", "MSExchange:ECP:Server", _ecp),
    "oabgenerator": ("oabgenerator", "MSExchange:OABGenerator", _oab),
}

"""What Sentinel stores of text logs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from hafnium.backends.sentinel.recorder import record
from hafnium.backends.sentinel.tables import columns, tables
from hafnium.entries import Entry, Kind
from hafnium.errors import EngineError

START = datetime(2021, 3, 3, 6, 49, tzinfo=UTC)


def entry(kind: Kind = "w3c", **fields: str) -> Entry:
    """An entry of a text log; ``_`` in names stands for ``-``."""
    named = {name.replace("_", "-"): value for name, value in fields.items()}
    return Entry(kind, "a.log", 1, START, "mail01", named)


def test_every_table_has_a_time_and_its_type():
    for table in tables():
        assert columns(table)["TimeGenerated"] == "datetime"
        assert columns(table)["Type"] == "string"


def test_w3c_keeps_the_status_as_text_and_the_port_as_a_number():
    (found,) = record(
        entry(
            cs_method="POST", cs_uri_stem="/ecp/q.js", sc_status="200", s_port="443",
            time_taken="31", c_ip="203.0.113.77", cs_user_agent="Mozilla/5.0+(X)",
        )
    )  # fmt: skip
    assert found.path == "iis"
    assert found.store == "W3CIISLog"
    assert found.fields == {
        "TimeGenerated": START,
        "Type": "W3CIISLog",
        "Computer": "mail01",
        "csMethod": "POST",
        "csUriStem": "/ecp/q.js",
        "scStatus": "200",
        "sPort": 443,
        "TimeTaken": 31,
        "cIP": "203.0.113.77",
        "csUserAgent": "Mozilla/5.0+(X)",
    }
    assert found.lost == frozenset()


def test_w3c_loses_what_has_no_column_and_what_is_no_number():
    (found,) = record(entry(date="2021-03-03", x_forwarded_for="10.0.0.1", s_port="x"))
    assert found.lost == {"date", "x-forwarded-for", "s-port"}
    assert "sPort" not in found.fields


def test_w3c_computer_is_the_agents_host():
    (agreed,) = record(entry(s_computername="mail01"))
    (other,) = record(entry(s_computername="MAIL02"))
    assert agreed.lost == frozenset()
    assert other.fields["Computer"] == "mail01"
    assert other.lost == {"s-computername"}


def test_httpproxy_has_its_columns_but_no_datetime():
    (found,) = record(
        entry("httpproxy", DateTime="2021-03-03T06:49:58Z", HttpStatus="241", UrlStem="/ecp/x.js")
    )
    assert (found.path, found.store) == ("httpproxy", "ExchangeHttpProxy_CL")
    assert found.fields["HttpStatus"] == "241"
    assert found.fields["FilePath"] == "a.log"
    assert "Computer" not in found.fields
    assert found.lost == {"DateTime"}


def test_ecp_keeps_the_pairs_of_eventdata_inside_it():
    data = "S:TIME=1;'S:CMD=Set-OabVirtualDirectory.ExternalUrl=''http://o/''';S:REQID="
    (found,) = record(
        entry("ecp", TimeStamp="t", ServerName="MAIL01", EventId="ECP.Request", EventData=data,
              CMD="Set-OabVirtualDirectory.ExternalUrl='http://o/'")
    )  # fmt: skip
    assert (found.path, found.store) == ("ecp", "ExchangeEcpServer_CL")
    assert found.fields["EventData"] == data
    assert "CMD" not in found.fields
    assert found.lost == frozenset()


def test_oabgenerator_keeps_the_line():
    (found,) = record(entry("oabgenerator", Message='a,"b",c'))
    assert (found.path, found.fields["RawData"]) == ("oabgenerator", 'a,"b",c')
    assert found.lost == frozenset()


def test_every_filled_column_is_one_of_the_table():
    for kind in ("w3c", "httpproxy", "ecp", "oabgenerator"):
        for found in record(entry(kind, Message="m", TimeStamp="t", cs_host="h")):
            filled = set(found.fields) - {"Message", "TimeStamp", "cs-host"}
            assert filled <= set(columns(found.store)), kind


def test_a_kind_without_a_table_is_an_error():
    unknown = replace(entry(), kind="carrier pigeon")  # type: ignore[arg-type]
    with pytest.raises(EngineError, match="carrier pigeon"):
        record(unknown)

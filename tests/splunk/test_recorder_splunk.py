"""What Splunk stores of the text logs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hafnium.backends.splunk.recorder import record
from hafnium.entries import Entry
from hafnium.siem import Record

TIME = datetime(2021, 3, 3, 6, 49, 58, 132000, tzinfo=UTC)


def stored(kind: Any, **fields: Any) -> Record:
    named = {name.replace("__", "-"): value for name, value in fields.items()}
    (found,) = record(Entry(kind, "logs/x.log", 7, TIME, "MAIL01", named))
    return found


def test_default_fields():
    found = stored("w3c", cs__method="GET")
    assert (found.path, found.store, found.lost) == ("iis", "main", frozenset())
    assert found.fields["_time"] == 1614754198.132
    assert found.fields["host"] == "MAIL01"
    assert found.fields["source"] == "logs/x.log"
    assert found.fields["sourcetype"] == "ms:iis:auto"


def test_iis_header_names_are_cleaned_and_values_stay_as_logged():
    found = stored(
        "w3c",
        cs__uri__stem="/ecp/q.js",
        cs__user__agent="Mozilla/5.0+(x)",
        cs__referer="https://x/",
        sc__status="200",
        x__forwarded__for=("1.1.1.1", "2.2.2.2"),
    ).fields
    assert found["cs_uri_stem"] == "/ecp/q.js"
    assert found["cs_User_Agent"] == "Mozilla/5.0+(x)"
    assert found["cs_Referer"] == "https://x/"
    assert found["sc_status"] == "200"
    assert found["x_forwarded_for"] == ["1.1.1.1", "2.2.2.2"]
    assert "/ecp/q.js Mozilla/5.0+(x)" in found["_raw"]


def test_iis_has_the_names_of_the_web_data_model_too():
    found = stored("w3c", cs__user__agent="a", cs__uri__stem="/b", c__ip="::1").fields
    assert (found["http_user_agent"], found["uri_path"], found["src"]) == ("a", "/b", "::1")


def test_httpproxy_columns_keep_their_names_and_raw_is_csv():
    found = stored("httpproxy", DateTime="2021", AnchorMailbox='a,"b', HttpStatus="241")
    assert found.path == "httpproxy"
    assert found.fields["sourcetype"] == "MSExchange:HttpProxy"
    assert found.fields["AnchorMailbox"] == 'a,"b'
    assert found.fields["HttpStatus"] == "241"
    assert found.fields["_raw"] == '2021,"a,""b",241'


ATTACK = (
    "S:TIME=61;S:SID=3d0f;'S:CMD=Set-OabVirtualDirectory.ExternalUrl=''http://o/#<x a=\"b\">;"
    "f()''.Identity=''7c1e''';S:REQID=;S:URL=/ecp/DDI/DDIService.svc/SetObject?a=b&c=%5D:444;S:EX="
)


def test_ecp_event_data_is_taken_apart_and_decoded():
    found = stored(
        "ecp",
        TimeStamp="2021-03-03T06:49:57.960Z",
        ServerName="MAIL01",
        EventId="ECP.Request",
        EventData=ATTACK,
        CMD="from the reader: not looked at",
    ).fields
    assert found["CMD"] == (
        "Set-OabVirtualDirectory.ExternalUrl='http://o/#<x a=\"b\">;f()'.Identity='7c1e'"
    )
    assert found["URL"] == "/ecp/DDI/DDIService.svc/SetObject?a=b&c=%5D:444"
    assert (found["TIME"], found["SID"]) == ("61", "3d0f")
    assert "REQID" not in found
    assert "EX" not in found
    assert found["EventData"] == ATTACK
    assert found["_raw"].startswith('2021-03-03T06:49:57.960Z,MAIL01,ECP.Request,"S:TIME=61;')
    assert found["sourcetype"] == "MSExchange:ECP:Server"


def test_oabgenerator_is_its_line():
    line = "2021-03-03T06:49:58.000Z,x,Download failed and temporary file 'C:\\q.aspx'"
    found = stored("oabgenerator", Message=line)
    assert found.path == "oabgenerator"
    assert found.fields["_raw"] == found.fields["Message"] == line


def test_an_entry_without_time_is_at_the_epoch():
    (found,) = record(Entry("w3c", "x", 1, None, "", {"cs-method": "GET"}))
    assert found.fields["_time"] == 0.0
    assert "host" not in found.fields

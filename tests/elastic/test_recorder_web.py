"""Text logs as Elastic's integrations store them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from hafnium.backends.elastic.recorder import record
from hafnium.entries import Entry, Kind
from hafnium.siem import Record

TIME = datetime(2021, 3, 3, 6, 49, 58, 132999, tzinfo=UTC)


def stored(kind: Kind, **fields: str) -> Record:
    return stored_of(kind, {name.replace("_", "-"): value for name, value in fields.items()})


def stored_of(kind: Kind, fields: dict[str, str]) -> Record:
    (only,) = record(Entry(kind, "a.log", 5, TIME, "MAIL01", fields))
    return only


def has(record: Record, **wanted: Any) -> bool:
    return {k.replace("__", "."): v for k, v in wanted.items()}.items() <= record.fields.items()


def test_iis_fields_have_their_ecs_names_and_types() -> None:
    found = stored(
        "w3c",
        s_ip="10.20.0.15",
        cs_method="POST",
        cs_uri_stem="/owa/auth/ErrorQQ.aspx",
        cs_uri_query="&CorrelationID=<empty>;&x=%5D%2b1",
        s_port="443",
        c_ip="198.51.100.23",
        cs_user_agent="Mozilla/5.0+(compatible;+Baidu)",
        cs_referer="https://mail/owa/",
        sc_status="200",
        sc_substatus="0",
        sc_win32_status="64",
        time_taken="133",
    )
    assert found.path == "iis"
    assert found.store == "logs-iis.access-default"
    assert found.lost == frozenset()
    assert found.fields == {
        "@timestamp": "2021-03-03T06:49:58.132Z",
        "data_stream.dataset": "iis.access",
        "data_stream.namespace": "default",
        "data_stream.type": "logs",
        "destination.address": "10.20.0.15",
        "destination.ip": "10.20.0.15",
        "destination.port": 443,
        "event.category": ["web", "network"],
        "event.dataset": "iis.access",
        "event.duration": 133_000_000,
        "event.kind": "event",
        "event.outcome": "success",
        "event.type": ["connection"],
        "host.name": "MAIL01",
        "http.request.method": "POST",
        "http.request.referrer": "https://mail/owa/",
        "http.response.status_code": 200,
        "iis.access.sub_status": 0,
        "iis.access.win32_status": 64,
        "source.address": "198.51.100.23",
        "source.ip": "198.51.100.23",
        "url.extension": "aspx",
        "url.original": "/owa/auth/ErrorQQ.aspx",
        "url.path": "/owa/auth/ErrorQQ.aspx",
        "url.query": "&CorrelationID=<empty>;&x=]+1",
        "user_agent.original": "Mozilla/5.0 (compatible; Baidu)",
    }


def test_an_absent_column_is_an_absent_field() -> None:
    found = stored("w3c", cs_uri_stem="/x")
    assert not {"url.query", "user.name", "source.ip", "http.response.status_code"} & set(
        found.fields
    )


@pytest.mark.parametrize(
    ("user", "name", "domain"),
    [
        ("CORP\\MAIL01$", "MAIL01$", "CORP"),
        ("jdoe@corp.example", "jdoe", "corp.example"),
        ("CORP\\jdoe@corp.example", "jdoe", "corp.example"),
        ("jdoe", "jdoe", None),
    ],
)
def test_the_iis_user_is_cut_into_name_and_domain(user: str, name: str, domain: Any) -> None:
    found = stored("w3c", cs_username=user)
    assert found.fields["user.name"] == name
    assert found.fields.get("user.domain") == domain


def test_a_zone_is_not_part_of_the_address() -> None:
    found = stored("w3c", c_ip="fe80::1c2d%4")
    assert has(found, source__address="fe80::1c2d%4", source__ip="fe80::1c2d")


def test_what_is_no_uri_leaves_only_the_original() -> None:
    found = stored("w3c", cs_uri_stem="/a{b}\\c.aspx")
    assert found.fields["url.original"] == "/a{b}\\c.aspx"
    assert "url.path" not in found.fields


def test_a_query_that_cannot_be_decoded_is_lost() -> None:
    found = stored("w3c", cs_uri_query="a=%zz")
    assert "url.query" not in found.fields
    assert found.lost == {"cs-uri-query"}


def test_a_user_agent_that_cannot_be_decoded_ends_the_pipeline() -> None:
    found = stored("w3c", cs_user_agent="100%+real", c_ip="10.0.0.1", cs_uri_stem="/x")
    assert has(found, user_agent__original="100%+real", url__original="/x")
    assert not {"source.ip", "event.category"} & set(found.fields)


def test_non_ascii_and_broken_bytes_survive() -> None:
    found = stored("w3c", cs_uri_query="a=%C3%A4%FF", cs_uri_stem="/ä\udcff.aspx")
    assert found.fields["url.query"] == "a=ä\ufffd"
    assert found.fields["url.original"] == "/ä\udcff.aspx"


def test_unknown_columns_are_named_as_lost() -> None:
    assert stored("w3c", date="2021-03-03", x_own="1", cs_method="GET").lost == {"date", "x-own"}


def test_httpproxy_columns_are_lower_case_below_microsoft_exchange() -> None:
    found = stored_of(
        "httpproxy",
        {
            "DateTime": "2021-03-03T06:49:58.132Z",
            "RequestId": "5c1d",
            "UrlStem": "/ecp/q.js",
            "AnchorMailbox": "ServerInfo~a]@mail01:444/ecp/x#",
            "AuthenticatedUser": "CORP\\jdoe",
            "IsAuthenticated": "false",
            "UserAgent": "python-requests/2.25.1",
            "ServerHostName": "MAIL01",
            "HttpStatus": "241",
            "BackEndStatus": "200",
            "Method": "POST",
            "UrlQuery": "?a=%5D",
            "ClientIpAddress": "203.0.113.77",
        },
    )
    assert found.path == "httpproxy"
    assert found.store == "logs-microsoft_exchange_server.httpproxy-default"
    assert found.lost == {"DateTime"}
    assert has(
        found,
        microsoft__exchange__anchormailbox="ServerInfo~a]@mail01:444/ecp/x#",
        microsoft__exchange__urlstem="/ecp/q.js",
        microsoft__exchange__isauthenticated="false",
        microsoft__exchange__backendstatus=200,
        microsoft__exchange__clientipaddress=["203.0.113.77"],
        http__response__status_code=241,
        http__request__method="POST",
        url__query="?a=%5D",
        observer__hostname="MAIL01",
        event__dataset="microsoft_exchange_server.httpproxy",
    )
    assert has(found, user__name="jdoe")
    assert found.fields["user_agent.original"] == "python-requests/2.25.1"


def test_two_client_addresses_become_a_list() -> None:
    found = stored_of("httpproxy", {"ClientIpAddress": "203.0.113.7  10.0.0.5"})
    assert found.fields["microsoft.exchange.clientipaddress"] == ["203.0.113.7", "10.0.0.5"]
    assert found.fields["microsoft.exchange.clientipaddress_internal"] == "10.0.0.5"


def test_ecp_rows_keep_their_columns_and_every_item() -> None:
    data = (
        "S:TIME=61;S:SID=3d0f;'S:CMD=Set-X.Url=''http://o/#<a;S:b=1>''.Identity=''7c''';S:REQID=;"
        "S:URL=/ecp/a?b=c;d&e=f;S:EX=;S:TNAME=<null>;S:ACID="
    )
    found = stored_of(
        "ecp",
        {"TimeStamp": "t", "ServerName": "MAIL01", "EventId": "ECP.Request", "EventData": data},
    )
    assert (found.path, found.store) == ("ecp", "logs-exchange.ecp-default")
    items = {k.removeprefix("exchange.ecp."): v for k, v in found.fields.items() if "ecp." in k}
    assert items == {
        "timestamp": "t",
        "server_name": "MAIL01",
        "event_id": "ECP.Request",
        "event_data": data,
        "time": "61",
        "sid": "3d0f",
        "cmd": "Set-X.Url='http://o/#<a;S:b=1>'.Identity='7c'",
        "url": "/ecp/a?b=c;d&e=f",
        "tname": "<null>",
    }


def test_an_oab_line_is_the_message() -> None:
    found = stored_of("oabgenerator", {"Message": "a,OABGenerator,Download failed"})
    assert found.fields["message"] == "a,OABGenerator,Download failed"
    assert found.store == "logs-exchange.oabgenerator-default"

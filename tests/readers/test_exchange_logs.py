from __future__ import annotations

from datetime import UTC, datetime

import pytest

from hafnium.readers import columns
from hafnium.readers.exchange import event_data

NAMES = columns.HTTPPROXY_LAYOUTS[74]
PREAMBLE = """#Software: Microsoft Exchange Server
#Version: 15.01.2375.007
#Log-type: HttpProxy Logs
#Date: 2021-03-03T06:00:05.327Z
"""
FIELDS = "#Fields: " + ",".join(NAMES) + "\n"
BARE = ",".join(NAMES) + "\n"
ATTACK = {
    "DateTime": "2021-03-03T06:49:58.123Z",
    "RequestId": "29d1a846-41f6-4da6-9dbf-dd8a9151ce59",
    "MajorVersion": "15",
    "MinorVersion": "1",
    "BuildVersion": "2106",
    "RevisionVersion": "2",
    "Protocol": "Ecp",
    "UrlStem": "/ecp/y.js",
    "IsAuthenticated": "false",
    "AnchorMailbox": "ServerInfo~a]@mail01:444/autodiscover/autodiscover.xml?#",
    "UserAgent": "ExchangeServicesClient/0.0.0.0",
    "ClientIpAddress": "203.0.113.7",
    "ServerHostName": "MAIL01",
    "HttpStatus": "200",
    "Method": "POST",
    "TargetServerVersion": "15.01.2106.000",
    "BackEndCookie": "Server~mail01~1942062522",
}


def row(values=None, names=NAMES):
    values = ATTACK if values is None else values
    return ",".join(values.get(name, "") for name in names) + "\n"


MIXED = (NAMES[0], *NAMES[:0:-1])


@pytest.mark.parametrize(
    ("content", "position"),
    [
        (PREAMBLE + FIELDS + row(), 6),
        (BARE + PREAMBLE + FIELDS + row(), 7),
        (BARE + row(), 2),
        (row(), 1),
        ("#remark\n" + row(), 2),
        (PREAMBLE + "#Fields: " + ",".join(MIXED) + "\n" + row(names=MIXED), 6),
    ],
    ids=["fields", "bare and fields", "bare", "none", "remark", "other order"],
)
def test_columns_are_found_by_name_whatever_the_header(log_of, content, position):
    entry = log_of(content.replace("\n", "\r\n")).only
    assert entry.kind == "httpproxy"
    assert entry.fields == ATTACK
    assert entry.position == position
    assert entry.host == "MAIL01"
    assert entry.time == datetime(2021, 3, 3, 6, 49, 58, 123000, tzinfo=UTC)


@pytest.mark.parametrize("count", [64, 70, 74])
def test_known_layouts_need_no_header(log_of, count):
    names = columns.HTTPPROXY_LAYOUTS[count]
    assert len(names) == count == len(set(names))
    values = {**ATTACK, "GenericInfo": "CorrelationID=<empty>;"}
    entry = log_of(row(values, names)).only
    assert entry.fields == values


def test_unknown_count_without_header_is_read_as_far_as_all_versions_agree(log_of):
    found = log_of(row().rstrip("\n") + ",,,9\n")
    assert found.entries[0].fields == ATTACK
    assert "first 34" in found.problems[0].reason


def test_headers_and_remarks_in_the_middle_are_no_entries(log_of):
    found = log_of(BARE + row() + PREAMBLE + FIELDS + row() + BARE + "# note\n" + row())
    assert [entry.fields for entry in found.entries] == [ATTACK] * 3
    assert found.positions == [2, 8, 11]
    assert not found.problems


def test_layout_changes_with_its_header(log_of):
    old = columns.HTTPPROXY_LAYOUTS[64]
    values = {**ATTACK, "GenericInfo": "x"}
    found = log_of(BARE + row(values) + "#Fields: " + ",".join(old) + "\n" + row(values, old))
    assert found.values("GenericInfo") == ["x", "x"]


def test_quoted_values_keep_commas_quotes_and_line_breaks(log_of):
    quoted = '"a, ""b"" c\nat line two\nand three"'
    found = log_of(BARE + row({**ATTACK, "GenericErrors": quoted}) + row())
    assert found.values("GenericErrors") == ['a, "b" c\nat line two\nand three', None]
    assert found.positions == [2, 5]


def test_a_stray_quote_does_not_swallow_the_next_rows(log_of):
    found = log_of(BARE + row({**ATTACK, "RoutingStatus": '"cut off'}) + row() + row())
    assert found.positions == [2, 3, 4]
    assert found.values("RoutingStatus") == ["cut off", None, None]


def test_a_quote_inside_a_plain_value_stays(log_of):
    entry = log_of(BARE + row({**ATTACK, "UserAgent": 'a "b" c'})).only
    assert entry.fields["UserAgent"] == 'a "b" c'


@pytest.mark.parametrize("column", ["AnchorMailbox", "UrlStem", "GenericInfo"])
def test_unquoted_commas_stay_in_their_column(log_of, column):
    entry = log_of(BARE + row({**ATTACK, "GenericInfo": "i", column: "x,y,z"})).only
    assert entry.fields[column] == "x,y,z"
    assert entry.fields["HttpStatus"] == "200"


def test_a_row_cut_short_keeps_what_it_has(log_of):
    entry = log_of(BARE + row()[:200]).only
    assert entry.fields["UrlStem"] == "/ecp/y.js"


def test_text_between_rows_is_named(log_of):
    found = log_of(BARE + row() + "garbage, not a row\n" + row())
    assert found.positions == [2, 4]
    assert found.problems[0].line == 3


def test_a_row_that_fits_no_column_is_named(log_of):
    bad = row({**ATTACK, "HttpStatus": "none", "Method": "1 2"}).rstrip("\n") + ",x,y\n"
    found = log_of(BARE + bad + row())
    assert found.positions == [3]
    assert found.problems[0].line == 2


def test_host_of_a_row_without_server_name_is_the_folder(log_of):
    entry = log_of(BARE + row({**ATTACK, "ServerHostName": ""}), "mail07/HttpProxy/Ecp/x.LOG").only
    assert entry.host == "mail07"


def test_the_filter_sees_whole_rows(log_of):
    content = BARE + row({**ATTACK, "GenericErrors": '"a\nneedle"'}) + row() * 5000
    found = log_of(content, wanted=lambda text: b"needle" in text)
    assert found.positions == [2]
    assert found.values("GenericErrors") == ["a\nneedle"]
    assert not found.problems


ECP = """#Software: Microsoft Exchange Server
#Version: 15.0.0.0
#Log-type: ECP Server Log
#Date: 2021-03-03T00:02:33.938Z
#Fields: TimeStamp,ServerName,EventId,EventData
"""
BENIGN = (
    "2021-03-03T00:02:33.966Z,MAIL01,ECP.Request,S:TIME=13;S:SID=66-55;S:CMD=Get-InboxRule;"
    "S:REQID=;S:URL=/ecp/RulesEditor/InboxRules.svc/GetList?a=1;b=2;S:EX=;S:TNAME=<null>;S:ACID="
)
OAB = (
    '2021-03-03T06:51:38.677Z,MAIL01,ECP.Request,"S:TIME=4365;S:SID=3a;'
    '\'S:CMD=Set-OabVirtualDirectory.ExternalUrl=\'\'http://f/<script runat=""server"">'
    "function Page_Load(){x(Request[\"\"k\"\"],1);}</script>''.Identity=''87fc''';"
    'S:REQID=;S:URL=/ecp/DDI/DDIService.svc/SetObject?schema=OABVirtualDirectory;S:BLD=15.1"'
)
COMMAND = (
    'Set-OabVirtualDirectory.ExternalUrl=\'http://f/<script runat="server">'
    "function Page_Load(){x(Request[\"k\"],1);}</script>'.Identity='87fc'"
)


@pytest.mark.parametrize(
    ("header", "position"),
    [(ECP, 6), ("TimeStamp,ServerName,EventId,EventData\n" + ECP, 7), ("", 1)],
    ids=["fields", "bare", "none"],
)
def test_ecp_rows_and_their_items_become_fields(log_of, header, position):
    found = log_of(header + BENIGN + "\n" + OAB + "\n")
    benign, attack = found.entries
    assert benign.kind == "ecp"
    assert benign.position == position
    assert benign.host == "MAIL01"
    assert {k: v for k, v in benign.fields.items() if k != "EventData"} == {
        "TimeStamp": "2021-03-03T00:02:33.966Z",
        "ServerName": "MAIL01",
        "EventId": "ECP.Request",
        "TIME": "13",
        "SID": "66-55",
        "CMD": "Get-InboxRule",
        "URL": "/ecp/RulesEditor/InboxRules.svc/GetList?a=1;b=2",
        "TNAME": "<null>",
    }
    assert attack.fields["CMD"] == COMMAND
    assert attack.fields["BLD"] == "15.1"
    assert "ExternalUrl=''http" in str(attack.fields["EventData"])
    assert str(attack.fields["EventData"]).startswith("S:TIME=4365;")
    assert not found.problems


def test_ecp_event_data_with_unquoted_commas_is_kept_whole(log_of):
    entry = log_of(ECP + "2021-03-03T06:51:38Z,MAIL01,ECP.Request,S:CMD=a,b;S:URL=/x,y\n").only
    assert entry.fields["CMD"] == "a,b"
    assert entry.fields["EventData"] == "S:CMD=a,b;S:URL=/x,y"


def test_ecp_row_without_event_data_is_named(log_of):
    found = log_of(ECP + "2021-03-03T06:51:38Z,MAIL01\n" + BENIGN)
    assert found.positions == [7]
    assert found.problems[0].line == 6


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("S:A=1;S:B=2", {"A": "1", "B": "2"}),
        ("'S:A=x;S:B=y''z';S:C=3", {"A": "x;S:B=y'z", "C": "3"}),
        ("'S:A=never closed;S:B=2", {"B": "2"}),
        ("S:A=1;S:A=2", {"A": "1"}),
        ("S:A=;'S:B='", {}),
        ("junk;S:A=1", {"A": "1"}),
        ("", {}),
    ],
)
def test_event_data_items(text, items):
    assert event_data(text) == items


def test_hostile_event_data_comes_to_an_end():
    """Time that grows with the square of the length would be hours here."""
    assert event_data("'S:A=" + "''" * 300_000) == {}
    assert event_data("S:" + "A" * 300_000) == {}
    assert event_data("'S:A=x;" * 200_000) == {}


@pytest.mark.parametrize(
    "header",
    [
        "#Software: Microsoft Exchange Server\n#Log-type: OABGenerator Log\n",
        "#Software: Microsoft Exchange OABGenerator\n",
        "",
    ],
)
def test_oab_lines_are_messages_whatever_the_layout(log_of, header):
    line = (
        "2021-03-03T06:49:58.000Z,17,OABGenerator,Download failed and temporary file "
        "'C:\\inetpub\\wwwroot\\aspnet_client\\q.aspx' needs to be removed"
    )
    found = log_of(header + line + "\n\nno time here\n")
    assert [entry.kind for entry in found.entries] == ["oabgenerator"] * 2
    assert found.values("Message") == [line, "no time here"]
    assert found.entries[0].time == datetime(2021, 3, 3, 6, 49, 58, tzinfo=UTC)
    assert found.entries[1].time is None


def test_other_exchange_logs_are_named_by_their_type(log_of, reading, tmp_path):
    content = (
        "#Software: Microsoft Exchange Server\n#Version: 15\n#Log-type: Message Tracking Log\n"
        "#Fields: date-time,client-ip,client-hostname\n2021-03-03T06:49:58Z,192.0.2.1,MAIL01\n"
    )
    found = log_of(content)
    assert not found.entries
    assert "Message Tracking Log" in found.problems[0].reason
    found = reading(tmp_path)
    assert not found.problems
    assert "Message Tracking Log" in found.notices[0]

from __future__ import annotations

import re
import resource
import sys
from datetime import UTC, datetime

import pytest

from hafnium.readers import MAX_LINE

FIELDS = (
    "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip "
    "cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken"
)
HEADER = f"""#Software: Microsoft Internet Information Services 10.0
#Version: 1.0
#Date: 2021-03-03 06:00:00
{FIELDS}
"""
SHELL = (
    "2021-03-03 06:50:01 10.0.0.5 POST /aspnet_client/discover.aspx - 443 - 203.0.113.7 "
    "python-requests/2.25.1 - 200 0 0 187"
)
OWA = (
    "2021-03-03 06:50:02 10.0.0.5 GET /owa/ &CorrelationID=<empty>;&encoding=; 443 "
    "CORP\\ann 10.0.1.9 Mozilla/5.0+(X11) https://mail.corp.example/ 200 0 0 15"
)


def test_columns_have_sigma_names_and_dashes_are_absent(log_of):
    entry = log_of(HEADER + SHELL + "\r\n").only
    assert entry.kind == "w3c"
    assert entry.position == 5
    assert entry.time == datetime(2021, 3, 3, 6, 50, 1, tzinfo=UTC)
    assert entry.fields == {
        "date": "2021-03-03",
        "time": "06:50:01",
        "s-ip": "10.0.0.5",
        "cs-method": "POST",
        "cs-uri-stem": "/aspnet_client/discover.aspx",
        "s-port": "443",
        "c-ip": "203.0.113.7",
        "cs-user-agent": "python-requests/2.25.1",
        "sc-status": "200",
        "sc-substatus": "0",
        "sc-win32-status": "0",
        "time-taken": "187",
    }


def test_plus_and_query_stay_raw(log_of):
    entry = log_of(HEADER + OWA).only
    assert entry.fields["cs-user-agent"] == "Mozilla/5.0+(X11)"
    assert entry.fields["cs-uri-query"] == "&CorrelationID=<empty>;&encoding=;"
    assert entry.fields["cs-username"] == "CORP\\ann"


def test_each_header_holds_for_the_lines_after_it(log_of):
    found = log_of(
        "#Date: 2021-04-01 00:00:21\n#Fields: date time c-ip cs-method sc-status \n"
        "#Software: Microsoft Internet Information Services 6.0\n"
        "2021-04-01 00:00:21 192.0.2.1 GET 404\n"
        "#Fields: date time cs-method sc-status cs(Cookie) X-Forwarded-For s-computername\n"
        "2021-04-01 00:00:22 POST 200 a=b 198.51.100.4 MAIL02\n"
    )
    first, second = found.entries
    assert (first.fields["c-ip"], first.fields["cs-method"]) == ("192.0.2.1", "GET")
    assert second.fields["cs-cookie"] == "a=b"
    assert second.fields["x-forwarded-for"] == "198.51.100.4"
    assert second.host == "MAIL02"
    assert found.positions == [4, 6]


def test_repeated_header_changes_nothing(log_of):
    found = log_of((HEADER + SHELL + "\n") * 3)
    assert found.positions == [5, 10, 15]
    assert not found.problems


def test_missing_date_comes_from_the_date_line_and_passes_midnight(log_of):
    found = log_of(
        "#Software: Microsoft Internet Information Services 5.0\n#Date: 2001-05-01 23:59:58\n"
        "#Fields: time c-ip cs-method cs-uri-stem sc-status\n"
        "23:59:59 192.0.2.1 GET /a 200\n00:00:01 192.0.2.1 GET /b 200\n"
        "#Date: 2001-06-01 10:00:00\n10:00:00 192.0.2.1 GET /c 200\nnoon 192.0.2.1 GET /d 200\n"
    )
    assert [str(entry.time)[:19] for entry in found.entries] == [
        "2001-05-01 23:59:59",
        "2001-05-02 00:00:01",
        "2001-06-01 10:00:00",
        "None",
    ]


def test_entry_without_any_date_has_no_time(log_of):
    assert log_of("#Fields: time cs-method sc-status\n10:00:00 GET 200\n").only.time is None


def test_empty_user_name_between_two_spaces_keeps_the_columns(log_of):
    entry = log_of(HEADER + SHELL.replace(" 443 - ", " 443  ")).only
    assert "cs-username" not in entry.fields
    assert entry.fields["c-ip"] == "203.0.113.7"


def test_surplus_space_between_values_keeps_the_columns(log_of):
    entry = log_of(HEADER + SHELL.replace(" 443 - ", " 443  - ")).only
    assert entry.fields["c-ip"] == "203.0.113.7"


@pytest.mark.parametrize(
    ("column", "plain", "spaced"),
    [
        ("cs-user-agent", "python-requests/2.25.1", "Mozilla 5.0 (a b 9)"),
        ("cs-uri-query", "discover.aspx - 443", "discover.aspx q=a b  c 443"),
        ("cs-uri-stem", "/discover.aspx", "/my files/x y.aspx"),
        ("cs-username", "443 - ", "443 CORP\\ann lee "),
    ],
)
def test_spaces_in_a_value_go_to_the_column_that_makes_the_others_fit(
    log_of, column, plain, spaced
):
    entry = log_of(HEADER + SHELL.replace(plain, spaced)).only
    assert " " in entry.fields[column]
    assert entry.fields["c-ip"] == "203.0.113.7"
    assert entry.fields["sc-status"] == "200"
    assert entry.fields["time-taken"] == "187"


def test_spaces_in_two_values_are_told_apart(log_of):
    line = SHELL.replace("discover.aspx - ", "discover.aspx q=1 or 2 ").replace(
        "python-requests/2.25.1", "Mozilla 5.0"
    )
    entry = log_of(HEADER + line).only
    assert entry.fields["cs-uri-query"] == "q=1 or 2"
    assert entry.fields["cs-user-agent"] == "Mozilla 5.0"


def test_a_line_that_fits_in_no_way_is_named_and_the_rest_is_read(log_of):
    found = log_of(HEADER + SHELL + "\nthis is no entry of a log, of whatever length it may be\n")
    assert found.positions == [5]
    (problem,) = found.problems
    assert problem.line == 6
    assert "does not fit" in problem.reason


def test_a_hostile_line_of_many_pieces_is_refused_at_once(log_of):
    found = log_of(HEADER + "a " * 200_000 + "\n" + SHELL)
    assert found.positions == [6]
    assert found.problems[0].line == 5


def test_a_line_that_was_cut_short_keeps_what_it_has(log_of):
    found = log_of(HEADER + SHELL + "\n" + SHELL[:-40])
    assert found.entries[1].fields["cs-uri-stem"] == "/aspnet_client/discover.aspx"
    assert "time-taken" not in found.entries[1].fields
    assert not found.problems


def test_lines_before_any_header_are_named(log_of):
    found = log_of(SHELL + "\n" + HEADER + SHELL)
    assert found.positions == [6]
    assert (found.problems[0].line, "#Fields" in found.problems[0].reason) == (1, True)


def test_many_faults_of_one_kind_are_counted_not_listed(log_of):
    found = log_of(HEADER + "broken line\n" * 1000 + SHELL)
    assert found.positions == [1005]
    assert [p.line for p in found.problems] == [5, 6, 7, 8, 9, 1004]
    assert "995 more" in found.problems[-1].reason


def test_a_column_named_twice_keeps_both_values(log_of):
    entry = log_of("#Fields: cs-method sc-status x-note x-note\nGET 200 one two\n").only
    assert entry.fields["x-note"] == ("one", "two")
    assert entry.fields["cs-method"] == "GET"


def test_broken_bytes_are_named_and_the_entry_is_read(log_of):
    line = SHELL.encode().replace(b"discover", b"caf\xe9\xff").replace(b"python", "pythön".encode())
    found = log_of(HEADER.encode() + line)
    (entry,), (problem,) = found.entries, found.problems
    assert (problem.line, problem.reason) == (entry.position, "bytes that are not UTF-8")
    assert entry.fields["cs-uri-stem"] == "/aspnet_client/caf\ufffd\ufffd.aspx"
    assert entry.fields["cs-user-agent"] == "pythön-requests/2.25.1"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_other_encodings_are_read(log_of, encoding):
    entry = log_of((HEADER + SHELL.replace("python", "pythön")).encode(encoding)).only
    assert entry.fields["cs-user-agent"] == "pythön-requests/2.25.1"
    assert entry.position == 5


def test_zero_bytes_of_a_crashed_server_are_passed_over(log_of):
    content = (HEADER + SHELL + "\n").encode() + bytes(70_000) + b"\n" + HEADER.encode()
    found = log_of(content + SHELL.encode())
    assert len(found.entries) == 2
    assert not found.problems


def test_a_line_over_the_bound_is_one_error_and_memory_stays_flat(tmp_path, reading):
    file = tmp_path / "long.log"
    with file.open("wb") as log:
        log.write(HEADER.encode() + b"2021-03-03 ")
        for _ in range(6 * MAX_LINE >> 20):
            log.write(b"A" * (1 << 20))
        log.write(b"\n" + SHELL.encode())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = reading(file)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert found.positions == [6]
    (problem,) = found.problems
    assert (problem.file, problem.line) == (str(file), 5)
    assert sys.platform != "linux" or grown < 80_000  # KB


def test_the_filter_changes_only_what_is_left_out(log_of, tmp_path):
    content = (HEADER + OWA + "\n") * 3000 + SHELL + "\n" + FIELDS + "\n" + OWA + "\n" + SHELL
    wanted = re.compile(rb"aspnet_client").search
    everything = log_of(content)
    some = log_of(content, wanted=wanted)
    expected = [e for e in everything.entries if "aspnet_client" in str(e.fields["cs-uri-stem"])]
    assert some.entries == expected
    assert len(some.entries) == 2


def test_the_filter_keeps_headers_of_runs_without_a_wanted_line(log_of):
    content = "#Fields: cs-method sc-status\n" + "GET 200\n" * 50_000
    content += "#Fields: sc-status cs-method\n" + "200 GET\n" * 50_000 + "404 GET\n"
    entry = log_of(content, wanted=re.compile(rb"404").search).only
    assert entry.fields == {"sc-status": "404", "cs-method": "GET"}

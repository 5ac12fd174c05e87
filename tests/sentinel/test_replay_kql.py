"""The replay gives KQL expressions the meaning that they have in Kusto."""

from __future__ import annotations

import pytest
from kql_rows import SPECIAL, computers, found_in, hits, literal


@pytest.mark.parametrize(
    ("test", "found"),
    [
        ('Computer == "Mail01"', [0]),
        ('Computer == "mail01"', []),
        ('Computer != "Mail01"', [1, 2, 3]),
        ('Computer =~ "mail01"', [0]),
        ('Computer !~ "MAIL01"', [1, 2, 3]),
        ('Computer contains "IL0"', [0]),
        ('Computer contains_cs "IL0"', []),
        ('Computer !contains "IL0"', [1, 2, 3]),
        ('Computer startswith "mail"', [0, 1]),
        ('Computer startswith_cs "mail"', [1]),
        ('Computer endswith "01"', [0]),
        ('Computer !endswith "01"', [1, 2, 3]),
        ('Computer has "mail"', [1]),
        ('Computer has "box"', [1]),
        ('Computer in ("Mail01", "x")', [0]),
        ('Computer in~ ("MAIL01", "MAIL box")', [0, 1]),
        ('Computer !in~ ("MAIL01", "MAIL box")', [2, 3]),
        ('Computer has_any ("box", "y")', [1]),
        ('Computer matches regex "^mail"', [1]),
        ('Computer matches regex "(?i)^mail..$"', [0]),
        ('isempty(Computer)', [2]),
        ('isnotempty(Computer)', [0, 1, 3]),
        ('isnull(Computer)', []),
        ('isnotnull(Computer)', [0, 1, 2, 3]),
        ('Computer == ""', [2]),
        ('strlen(Computer) == 0', [2]),
        ('not(Computer == "Mail01") and not(Computer contains "zzz")', [1, 2, 3]),
        ('Computer contains ""', [0, 1, 2, 3]),
        ('Computer =~ "äRGER"', [3]),
        ('Computer =~ "ÄRGER"', []),
        ('Computer in~ ("äRGER", "ÄRGER")', [3]),
        ('Computer contains "ÄR"', []),
        ('tolower(Computer) contains "är"', [3]),
        ('Computer matches regex "(?i)ÄRGER"', [3]),
    ],
)  # fmt: skip
def test_strings_are_compared_as_in_kusto_and_never_null(test: str, found: list[int]):
    assert found_in("strings", f"Event | where {test}") == found


@pytest.mark.parametrize("value", SPECIAL)
def test_special_characters_are_themselves(value: str):
    records = computers("plain", f"a{value}z", value)
    written = literal(value)
    assert hits(records, f"Event | where Computer == {written}") == [2]
    assert hits(records, f"Event | where Computer contains {written}") == [1, 2]
    assert hits(records, f"Event | where Computer endswith {written}") == [2]
    assert hits(records, f"Event | where Computer in~ ({written})") == [2]
    joined = f'replace_string(Computer, {written}, "<>")'
    assert hits(records, f'Event | where {joined} == "a<>z"') == [1]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'"a\\b"', r"a\b"),
        (r'@"a\b"', r"a\b"),
        (r"@'it''s'", "it's"),
        (r'@"say ""x"""', 'say "x"'),
        (r"'\x41\u0042\U00000043\103'", "ABCC"),
        (r'h"secret"', "secret"),
        (r'H@"se\cret"', r"se\cret"),
        ('```a"b```', 'a"b'),
        (r'"a" "b"', "ab"),
        (r'"// no comment"', "// no comment"),
        (r'"a;|b"', "a;|b"),
    ],
)
def test_string_literals_are_decoded_as_kusto_decodes_them(text: str, value: str):
    assert hits(computers(value, "other"), f"Event | where Computer == {text} // comment") == [0]


@pytest.mark.parametrize(
    ("test", "found"),
    [
        ("EventID == 1", [0]),
        ("EventID != 1", [1, 2]),
        ("EventID in (1, 11)", [0, 1]),
        ("EventID !in (1)", [1, 2]),
        ("EventID in (dynamic([1, \"11\"]))", [0]),
        ("EventID > 5", [1]),
        ("not(EventID > 5)", [0]),
        ("isnull(EventID)", [2]),
        ("isnotnull(EventID) and EventID <= 11", [0, 1]),
        ("EventID between (2 .. 11)", [1]),
        ("EventID !between (2 .. 11)", [0]),
        ('tostring(EventID) == "1"', [0]),
        ('tostring(EventID) == ""', [2]),
        ("EventID + 10 == 11", [0]),
        ("EventID == 1.0", [0]),
        ("EventID == -1", []),
    ],
)  # fmt: skip
def test_numbers_may_be_null(test: str, found: list[int]):
    assert found_in("numbers", f"Event | where {test}") == found


@pytest.mark.parametrize(
    ("test", "found"),
    [
        ('EventData.Image =~ "c:\\\\x.exe"', [0]),
        ('tostring(EventData["Threat Name"]) == "a\\"b"', [0]),
        ('EventData.Nope == ""', [0, 1, 2]),
        ("isempty(EventData.Image)", [1, 2]),
        ("isnull(EventData.Image)", [1, 2]),
        ("isnotnull(EventData.Image)", [0]),
        ('EventData.image == "C:\\\\x.exe"', []),
        ('EventData contains "THREAT"', [0]),
        ('EventData.Image in~ ("C:\\\\X.EXE")', [0]),
        ('tostring(EventData.n) == "5" and tolong(EventData.n) > 4', [1]),
        ('todouble(EventData.n) > 4.5', [1]),
        ('bag_has_key(EventData, "n")', [1]),
        ('array_length(bag_keys(EventData)) == 2', [0, 1]),
        ('EventData.list[1] == "b"', [1]),
    ],
)  # fmt: skip
def test_dynamic_values(test: str, found: list[int]):
    assert found_in("dynamic", f"WindowsEvent | where {test}") == found


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("todouble(Computer)", "1_000"),
        ("todouble(Computer)", "inf"),
        ("todouble(Computer)", "nan"),
        ("todouble(Computer)", "0x10"),
        ("todouble(Computer)", ""),
        ("tolong(Computer)", "1.5"),
        ("toint(Computer)", "3000000000"),
        ("todatetime(Computer)", "soon"),
    ],
)
def test_what_is_no_number_converts_to_null(expression: str, value: str):
    records = computers(value)
    assert hits(records, f"Event | where isnull({expression})") == [0]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("tostring(todouble(' 1.5 '))", "1.5"),
        ("tostring(toint('0x1f'))", "31"),
        ("extract('b(.)', 1, 'abc')", "c"),
        ("extract('x(.)', 1, 'abc')", ""),
        ("extract('(x)?b', 1, 'abc')", ""),
        ("tostring(extract_all('([a-c])', 'abxc')[2])", "c"),
        ("replace_regex('abc', '(b)', '[\\\\1]')", "a[b]c"),
        ("replace_string('a.b', '.', '-')", "a-b"),
        ("tostring(split('a,b', ',')[1])", "b"),
        ("substring('abcdef', 1, 3)", "bcd"),
        ("trim(@'\\s+', '  a ')", "a"),
        ("strcat('a', 1, '', 'b')", "a1b"),
        ("strcat_delim('-', 'a', 'b')", "a-b"),
        ("tolower('ÄB')", "äb"),
        ("coalesce('', 'b', 'c')", "b"),
        ("coalesce('', '')", ""),
        ("iff(1 == 2, 'a', 'b')", "b"),
        ("case(1 == 2, 'a', 2 == 2, 'b', 'c')", "b"),
        ("url_decode('a%20b')", "a b"),
        ("base64_decode_tostring('YWI=')", "ab"),
        ("tostring(parse_json('{\"a\":[1]}').a)", "[1]"),
        ("tostring(parse_json('no json'))", "no json"),
        ("tostring(array_length(pack_array('a', 'b')))", "2"),
        ("column_ifexists('Nope', 'd')", "d"),
        ("column_ifexists('Source', 'd')", "src"),
        ("tostring(datetime_diff('minute', datetime(2021-03-03 06:10), TimeGenerated))", "10"),
        ("tostring(indexof('abc', 'c'))", "2"),
        ("parse_ipv6('fe80::1')", "fe80:0000:0000:0000:0000:0000:0000:0001"),
    ],
)
def test_functions(expression: str, value: str):
    text = f"Event | where {expression} == {literal(value)}"
    assert found_in("one", text) == [0]


@pytest.mark.parametrize(
    ("address", "network", "inside"),
    [
        ("10.1.2.3", "10.0.0.0/8", True),
        ("11.1.2.3", "10.0.0.0/8", False),
        ("10.0.0.1", "10.0.0.1", True),
        ("10.1.2.3", "0.0.0.0/0", True),
        ("10.1.0.0/16", "10.0.0.0/8", True),
        ("mail01", "10.0.0.0/8", None),
        ("10.1.2.256", "10.0.0.0/8", None),
        ("fe80::1", "10.0.0.0/8", None),
        ("", "10.0.0.0/8", None),
    ],
)
def test_ipv4_ranges(address: str, network: str, inside: bool | None):
    test = f'ipv4_is_in_range(Computer, "{network}")'
    assert three_valued(address, test) is inside


@pytest.mark.parametrize(
    ("address", "network", "inside"),
    [
        ("fe80::1", "fe80::/10", True),
        ("FE80:0:0:0:0:0:0:1", "fe80::/10", True),
        ("febf::1", "fe80::/10", True),
        ("fec0::1", "fe80::/10", False),
        ("2001:db8::1", "2001:db8::1/128", True),
        ("10.1.2.3", "::ffff:10.0.0.0/104", True),
        ("11.1.2.3", "::ffff:10.0.0.0/104", False),
        ("10.1.2.3", "::ffff:a00:0/104", True),
        ("mail01", "fe80::/10", None),
        ("", "fe80::/10", None),
    ],
)
def test_ipv6_ranges(address: str, network: str, inside: bool | None):
    assert three_valued(address, f'ipv6_is_in_range(Computer, "{network}")') is inside


def three_valued(address: str, test: str) -> bool | None:
    """What the test says of the address: null is neither true nor, by ``not``, false."""
    records = computers(address)
    if hits(records, f"Event | where {test}"):
        return True
    return False if hits(records, f"Event | where not({test})") else None

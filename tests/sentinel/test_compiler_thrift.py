"""A condition made cheap finds the same rows: its order, texts looked for first, early numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sigma.conditions import ConditionOR
from sigma.types import SigmaRegularExpression, SigmaString

from hafnium.backends.sentinel import compiler, compiler_backend
from hafnium.backends.sentinel.compiler import LONGEST, compile_rule
from hafnium.backends.sentinel.compiler_thrift import cost, required
from hafnium.backends.sentinel.replay import SentinelReplay
from hafnium.rule import Rule
from hafnium.siem import Record
from hafnium.site import Site
from sentinel.kql_rows import START

MakeRule = Callable[..., Rule]
SECURITY = "{product: windows, service: security}"


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"^HealthMailbox[0-9a-f]{7,32}$", "HealthMailbox"),
        (r"(^|\s)\"?delete\"?\s+\"?shadows\"?", "shadows"),
        (r"abcd|efgh", None),
        (r"(?:abc)?de", None),
        (r"(?:abcd)+x", "abcd"),
        (r"ab(cd)ef", "abcdef"),
        (r"a[bc]d.ef", None),
        (r"\.aspx\b|\.asmx", ".as"),
        (r"ábcd", "bcd"),
        (r"abc\x00defg\nhi", "defg"),
        (r"(?i:abcd)e", "abcde"),
        (r"xyz{0,2}ab", None),
        (r"(ab|cd)efgh(ij|kl)", "efgh"),
    ],
)
def test_what_a_regular_expression_needs(pattern: str, text: str | None) -> None:
    assert required(SigmaRegularExpression(pattern)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("", None),
        ("*abc*", None),
        ("abc*", None),
        ("*", None),
        ("*abc*defg*", "defg"),
        ("a?cdef", "cdef"),
        ("*aé*b*", None),
        ("ab*cd", None),
    ],
)
def test_what_a_text_with_wildcards_inside_needs(value: str, text: str | None) -> None:
    assert required(SigmaString(value)) == text


PATTERNS = (
    r"ab(cd|ef)+gh{2,3}i?jkl",
    r"^x(?:yz|zy)*abc[def]{2}ghi$",
    r"(?:(?:prog)ram)+files?(?: \(x86\))?",
    r"a.c\d+\.(?i:aspx)|zzz",
    r"\\temp\\[^\\]+\.dll",
)


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_no_match_is_without_it(data: st.DataObject) -> None:
    pattern = data.draw(st.sampled_from(PATTERNS))
    match = data.draw(st.from_regex(re.compile(pattern, re.ASCII), fullmatch=True))
    text = required(SigmaRegularExpression(pattern))
    assert text is None or text.lower() in match.lower()


VALUES = (
    None, "", "CMD.EXE /C DELETE SHADOWS", 'cmd.exe /c "delete" "shadows"', "shadows",
    "shadows delete", "delete  shadows", "recoveryenabled = no", "no recoveryenabled",
    "RECOVERYENABLED\nNO",
    "127.0.0.1", "0127.0.0.1", "1.2.3", "200", "Σ.aspx", "σ.ASPX", "\u212aelvin.aspx",
)  # fmt: skip
CONDITIONS = (
    r"s: {cs-uri-stem|re|i: '(^|\s)\"?delete\"?\s+\"?shadows\"?'}",
    r"s: {cs-uri-stem|re: 'delete\s+shadows'}",
    "s: {cs-uri-stem: '*recoveryenabled*no*'}",
    "s: {cs-uri-stem|cased: '*recoveryenabled*no*'}",
    "s: {cs-uri-stem: ['*recoveryenabled*no*', '*delete*shadows*', 'shadows', '?.aspx']}",
    "s: {cs-uri-stem: ['200', '127.0.0.1']}",
    "s: {cs-uri-stem: ['200', 'shadows']}",
    "s: {cs-uri-stem|startswith: '127.'}",
    "s: {cs-uri-stem|contains: '.2.'}",
    "s: {cs-uri-stem|endswith: ['3', '.1', 'o']}",
    "s: {cs-uri-stem: '1?7.*'}",
    "s: {cs-uri-stem|re: '.*'}",
)


@pytest.mark.parametrize("said", CONDITIONS)
@pytest.mark.parametrize("condition", ["s", "not s"])
def test_the_cheap_form_finds_what_the_plain_one_finds(
    rule: MakeRule, monkeypatch: pytest.MonkeyPatch, said: str, condition: str
) -> None:
    made = rule(f"{said}\ncondition: {condition}")
    rows = [
        Record("path", "W3CIISLog", {"TimeGenerated": START} | ({"csUriStem": v} if v else {}))
        for v in VALUES
    ]
    cheap = SentinelReplay(rows).run(compile_rule(made, Site()).text)
    monkeypatch.setattr(compiler_backend, "required", lambda value: None)
    monkeypatch.setattr(compiler_backend, "cost", lambda node: 0)
    assert cheap == SentinelReplay(rows).run(compile_rule(made, Site()).text)
    assert condition != "s" or 0 < len(cheap) < len(VALUES)


def test_the_cheap_comes_first_and_what_is_ruled_out_last(rule: MakeRule) -> None:
    made = rule(
        """
        pattern: {cs-uri-stem|re: '[ab][cd]'}
        many: {cs-uri-query|contains: [a, b, c]}
        one: {cs-user-agent|contains: x}
        number: {sc-status: [200, 500]}
        benign: {cs-method: GET}
        condition: not benign and pattern and many and one and number
        """
    )
    text = compile_rule(made, Site()).text
    columns = ["scStatus", "csUserAgent", "csUriQuery", "csUriStem", "csMethod"]
    places = [text.index(column) for column in columns]
    assert places == sorted(places)


def test_of_conditions_that_must_all_hold_the_cheapest_counts(rule: MakeRule) -> None:
    made = rule("s: {cs-uri-stem|re: '[ab]', sc-status: 200}\nt: {cs-method: GET}\ncondition: s")
    assert made.sigma is not None
    tree: Any = made.sigma.detection.parsed_condition[0].parsed  # type: ignore[union-attr]
    assert cost(tree) < cost(ConditionOR(tree.args))


def _event(number: int | None, table: str, **items: str) -> Record:
    fields: dict[str, Any] = {"TimeGenerated": START, "Channel": "Security"}
    if number is not None:
        fields["EventID"] = number
    if table == "WindowsEvent":
        return Record("path", table, {**fields, "EventData": items})
    data = "".join(f'<Data Name="{name}">{text}</Data>' for name, text in items.items())
    return Record("path", table, {**fields, "EventData": f"<EventData>{data}</EventData>"})


EVENTS = [
    _event(number, table, **items)
    for number, table, items in product(
        (4624, 4625, 4697, None),
        ("SecurityEvent", "WindowsEvent"),
        ({"ServiceName": "X"}, {"ServiceName": ""}, {}),
    )
]


@pytest.mark.parametrize(
    ("detection", "early"),
    [
        ("s: {EventID: 4624, ServiceName: x}\ncondition: s", "EventID == 4624"),
        ("s: {EventID: [4624, 4697], ServiceName: x}\ncondition: s", "EventID in (4624, 4697)"),
        (
            "s: {EventID: 4624}\nt: {EventID: 4697, ServiceName: x}\ncondition: s or t",
            "EventID in (4624, 4697)",
        ),
        (
            "s: {EventID: [4624, 4625]}\nt: {EventID: [4625, 4697], ServiceName: x}\n"
            "condition: s and t",
            "EventID == 4625",
        ),
        ("s: {EventID: 4624}\nt: {EventID: 4625, ServiceName: x}\ncondition: s and t", "false"),
        ("s: {EventID: 4624}\nt: {ServiceName: x}\ncondition: s or t", None),
        ("s: {EventID: 4624}\nt: {ServiceName: x}\ncondition: t and not s", None),
        ("s: {EventID|gt: 4624, ServiceName: x}\ncondition: s", None),
        ("s: {EventID: null, ServiceName: x}\ncondition: s", None),
        ("s: {EventID: '46*', ServiceName: x}\ncondition: s", None),
    ],
)
def test_rows_of_other_events_are_cut_before_their_items_are_read(
    rule: MakeRule, monkeypatch: pytest.MonkeyPatch, detection: str, early: str | None
) -> None:
    made = rule(detection, SECURITY)
    text = compile_rule(made, Site()).text
    for leg in text.split("\n")[2:4]:
        guard = leg.partition(" | extend ")[0].partition(" | where ")[2]
        assert guard == 'Channel == "Security"' + (f" and {early}" if early else "")
    cheap = SentinelReplay(EVENTS).run(text)
    monkeypatch.setattr(compiler, "early", lambda table, fields, trees: [])
    assert cheap == SentinelReplay(EVENTS).run(compile_rule(made, Site()).text)
    assert bool(cheap) is (early != "false")


def test_a_query_that_would_be_too_long_goes_without(rule: MakeRule) -> None:
    words = [f"word{number:04}" for number in range(130)]
    listed = "\n".join(f"  - cs-uri-stem|re: '{word}[0-9]x'" for word in words)
    query = compile_rule(rule(f"s:\n{listed}\ncondition: s"), Site())
    assert len(query.text) <= LONGEST
    assert "contains" not in query.text
    values = [f"/{words[7]}5x", f"/{words[7]}x", f"/{words[-1].upper()}5x", f"/{words[-1]}0x/"]
    rows = [Record("p", "W3CIISLog", {"TimeGenerated": START, "csUriStem": v}) for v in values]
    assert SentinelReplay(rows).run(query.text) == [(0,), (3,)]

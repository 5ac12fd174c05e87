"""The meaning of a rule, case by case (design: meaning)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hafnium.entries import Value
from hafnium.errors import Refused
from hafnium.matcher import Matcher, predicate
from hafnium.matcher.conditions import Fields
from hafnium.rule import Rule
from made import entry, windows

MakeRule = Callable[..., Rule]


@pytest.fixture
def holds(rule: MakeRule) -> Callable[..., bool]:
    """Does a detection hold for an event with these fields? ``s`` is the only selection."""

    def check(item: str, /, condition: str = "s", **fields: Value) -> bool:
        return predicate(rule(f"s:\n  {item}\ncondition: {condition}"))(Fields(fields))

    return check


@pytest.mark.parametrize(
    ("item", "value", "said"),
    [
        ("f: PowerShell.EXE", "powershell.exe", True),
        ("f: powershell", "powershell.exe", False),
        ("f: ÄÖÜ", "äöü", True),
        ("f|cased: Abc", "Abc", True),
        ("f|cased: Abc", "abc", False),
        ("f|contains|cased: bC", "abCd", True),
        ("f|contains|cased: bC", "abcd", False),
        ("f: 'prog?.exe'", "PROG1.EXE", True),
        ("f: 'prog?.exe'", "prog.exe", False),
        ("f: 'prog?.exe'", "xprog1.exe.bak", False),
        ("f: 'a*c'", "a\nb\nc", True),
        (r"f: 'what\?.exe'", "what?.exe", True),
        (r"f: 'what\?.exe'", "whatx.exe", False),
        (r"f|contains: '/tn \*'", "x /tn * y", True),
        (r"f|contains: '/tn \*'", "x /tn a y", False),
        (r"f: 'C:\\*\x'", "c:\\any\\X", True),
        (r"f|endswith: '\w3wp.exe'", "c:\\windows\\system32\\inetsrv\\W3WP.exe", True),
        ("f: 1", "1", True),
        ("f: 1", "01", False),
        ("f: '1'", "1", True),
        ("f: 1.5", "1.5", True),
        ("f: true", "True", True),
        ("f: true", "1", False),
        ("f|lt: 5", "4", True),
        ("f|lt: 5", "10", False),
        ("f|gte: 5", "5.0", True),
        ("f|gt: 5", "six", False),
        ("f|gt: -1", "0", True),
        ("f|re: 'fo+$'", "a foo", True),
        ("f|re: 'fo+$'", "foo\n", False),
        ("f|re: 'FOO'", "foo", False),
        ("f|re|i: 'FOO'", "foo", True),
        ("f|re: 'a.b'", "a\nb", False),
        ("f|re|s: 'a.b'", "a\nb", True),
        ("f|re|m: '^b$'", "a\nb\nc", True),
        ("f|re: '[$]'", "a$b", True),
        ("f|cidr: 10.0.0.0/8", "10.1.2.3", True),
        ("f|cidr: 10.0.0.0/8", "11.1.2.3", False),
        ("f|cidr: fe80::/10", "fe80::1%4", True),
        ("f|cidr: fe80::/10", "fe80:0:0:0:0:0:0:1", True),
        ("f|cidr: 10.0.0.0/8", "mail01", False),
        ("f|cidr: 10.0.0.0/8", "fe80::1", False),
        ("f|windash|contains: ' -enc '", "x /enc y", True),
        ("f|base64offset|contains: foobar", "xxZm9vYmFyxx", True),
        ("f|wide|base64offset|contains: foo", "xZgBvAG8Ax", True),
        ("f|contains: ''", "x", True),
        ("f: '*'", "x", True),
        ("f|exists: true", "x", True),
        ("f|exists: false", "x", False),
        ("f: null", "x", False),
        ("f|neq: a", "b", True),
        ("f|neq: a", "A", False),
        ("f|hour: 6", "2021-03-03T06:49:00Z", True),
    ],
)
def test_a_comparison(holds: Callable[..., bool], item: str, value: str, said: bool) -> None:
    assert holds(item, f=value) is said


@pytest.mark.parametrize(
    "item",
    ["f: x", "f: '*'", "f|re: .*", "f|lt: 5", "f|cidr: 10.0.0.0/8", "f|exists: true", "f: 1"],
)
def test_a_comparison_with_an_absent_field_is_false_and_its_not_is_true(
    holds: Callable[..., bool], item: str
) -> None:
    assert not holds(item)
    assert holds(item, condition="not s")
    assert not holds(item, f="")


@pytest.mark.parametrize("item", ["f: null", "f: ''", "f|exists: false", "f|neq: x"])
def test_absent_and_empty_are_the_same(holds: Callable[..., bool], item: str) -> None:
    assert holds(item)
    assert holds(item, f="")
    assert not holds(item, f="x")


def test_a_field_with_several_values_matches_if_any_does(holds: Callable[..., bool]) -> None:
    assert holds("f|startswith: b", f=("abc", "bcd"))
    assert not holds("f|startswith: b", condition="not s", f=("abc", "bcd"))
    assert holds("f|contains|all: [a, d]", f=("abc", "bcd"))


def test_lists_are_or_maps_are_and(holds: Callable[..., bool]) -> None:
    assert holds("{f: [x, y], g: z}", f="Y", g="Z")
    assert not holds("{f: [x, y], g: z}", f="y", g="a")
    assert holds("f|endswith: [a, b, 'c?']", f="xb")
    assert holds("f|endswith: [a, b, 'c?']", f="xcd")


def test_a_negation_reaches_the_whole_group(rule: MakeRule) -> None:
    test = predicate(
        rule("a: {a: x}\nb:\n  f|re: a+\n  g: z\ncondition: a and not b")  # trap B2
    )
    assert test(Fields({"a": "x", "f": "aa", "g": "y"}))
    assert test(Fields({"a": "x"}))
    assert not test(Fields({"a": "x", "f": "aa", "g": "z"}))


def test_fieldref_compares_two_fields_without_case(holds: Callable[..., bool]) -> None:
    assert holds("f|fieldref: g", f="Mail01", g="MAIL01")
    assert not holds("f|fieldref: g", f="a", g="b")
    assert not holds("f|fieldref: g", f="a")
    assert not holds("f|fieldref: g")
    assert holds("f|fieldref|startswith: g", f="abc", g="AB")
    assert not holds("f|fieldref|startswith: g", f="ab", g="abc")


def test_keywords_search_every_value(rule: MakeRule) -> None:
    test = predicate(rule("k: ['foo*baz', 42]\ncondition: k"))
    assert test(Fields({"a": "x", "b": "a FOO bar BAZ z"}))
    assert test(Fields({"a": ("1", "x42x")}))
    assert not test(Fields({"a": "foo", "b": "baz"}))


def test_selectors(rule: MakeRule) -> None:
    detection = "s1: {a: x}\ns2: {b: y}\nfilter_z: {c: z}\n"
    one = predicate(rule(detection + "condition: 1 of s* and not 1 of filter_*"))
    every = predicate(rule(detection + "condition: all of s*"))
    assert one(Fields({"b": "y"}))
    assert not one(Fields({"b": "y", "c": "z"}))
    assert not every(Fields({"b": "y"}))
    assert every(Fields({"a": "x", "b": "y"}))


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ("f|re: '(?=a)b'", "look-around"),
        ("f|re: '(?<!a)b'", "look-around"),
        (r"f|re: '(a)\1'", "back-reference"),
        ("f|re: '(?>a)'", "atomic"),
        ("f|re: 'a++'", "possessive"),
        ("f|expand: '%x%'", "placeholder"),
    ],
)
def test_what_not_every_target_can_run_is_refused(rule: MakeRule, item: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason) as caught:
        predicate(rule(f"s:\n  {item}\ncondition: s"))
    assert caught.value.file
    assert caught.value.line == 3


def test_security_4688_is_a_process_creation_under_sigmas_names(rule: MakeRule) -> None:
    matcher = Matcher(
        [
            rule(
                r"s: {Image|endswith: '\cmd.exe', ParentImage|endswith: '\w3wp.exe'}"
                "\ncondition: s",
                "{category: process_creation, product: windows}",
            )
        ]
    )
    names = {"NewProcessName": r"C:\Windows\cmd.exe", "ParentProcessName": r"C:\x\W3WP.EXE"}
    assert list(matcher.detect(windows("Security", 4688, **names)))
    sysmon = {"Image": r"C:\Windows\cmd.exe", "ParentImage": r"C:\x\w3wp.exe"}
    channel = "Microsoft-Windows-Sysmon/Operational"
    assert list(matcher.detect(windows(channel, 1, **sysmon)))
    assert not list(matcher.detect(windows(channel, 11, **sysmon)))
    assert not list(matcher.detect(windows("Security", 4689, **names)))


def test_registry_delete_is_event_12_of_the_right_type(rule: MakeRule) -> None:
    matcher = Matcher(
        [rule("s: {TargetObject|endswith: SD}\ncondition: s", "{category: registry_delete}")]
    )
    channel = "Microsoft-Windows-Sysmon/Operational"
    deleted = windows(channel, 12, EventType="DeleteValue", TargetObject=r"HKLM\a\SD")
    assert list(matcher.detect(deleted))
    created = windows(channel, 12, EventType="CreateKey", TargetObject=r"HKLM\a\SD")
    assert not list(matcher.detect(created))


def test_computer_of_a_text_log_is_its_host(rule: MakeRule) -> None:
    matcher = Matcher([rule("s: {Computer: MAIL01, cs-method: post}\ncondition: s")])
    assert list(matcher.detect(entry(cs_method="POST")))


def test_a_rule_is_found_once_though_several_views_serve_it(rule: MakeRule) -> None:
    matcher = Matcher([rule("s: {Image: a}\ncondition: s", "{product: windows}")])
    event = windows("Microsoft-Windows-Sysmon/Operational", 1, Image="a")
    assert len(list(matcher.detect(event))) == 1

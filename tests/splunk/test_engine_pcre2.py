"""The engine ``pcre2``: the library behind Splunk's regular expressions, against Python's."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

import pytest

from hafnium.backends.splunk.pcre2 import Pcre2Engine
from hafnium.backends.splunk.pcre2.library import Pattern
from hafnium.backends.splunk.replay import SplunkReplay
from hafnium.backends.splunk.spl.commands import compile_program
from hafnium.backends.splunk.spl.pcre import Library, Regex, regex
from hafnium.cli.common import HOUSE
from hafnium.engines import matches
from hafnium.errors import EngineError, Refused
from hafnium.loading import load_rules
from hafnium.rule import Rule
from hafnium.siem import Query, Record, backend
from hafnium.site import Site
from traps.load import Trap, traps

ABSENT = Pcre2Engine().missing()
pytestmark = pytest.mark.skipif(ABSENT is not None, reason=f"{Pcre2Engine.title}: {ABSENT}")

TEXTS = [
    *(
        "",
        "a",
        "A",
        "ab",
        "aab",
        "a.b",
        "a\nb",
        "a\n",
        "\n",
        "\r\n",
        "a\r",
        "a\tb",
        " ",
        "x y",
        "_",
        "-",
    ),
    *(
        "é",
        "É",
        "éa",
        "ß",
        "ẞ",
        "ſ",
        "s",
        "\u212a",
        "k",
        "i",
        "٣",
        "3",
        "𝒳",
        "\u2028",
        "\x85",
        "\x0b",
    ),
    *(
        "\\",
        "C:\\x\\y.aspx",
        "/owa/auth/x.js",
        "%5c",
        "\x00",
        "a\x00b",
        "{2}",
        "[x]",
        "x{2}",
        "&",
        "]",
    ),
]
PATTERNS = [
    *(r"", r"a", r"(?i)a", r"^a$", r"^a\z", r"a\Z", r"\Aa", r".", r"(?s).", r"^.$", r"(?s)^.\z"),
    *(r"\s", r"\S", r"\d", r"\D", r"\w", r"\W", r"\h", r"\bx", r"\B", r"[^a]", r"[\w.]", r"[\s-]"),
    *(
        r"(?i)[a-z]",
        r"(?i)k",
        r"(?i)s",
        r"(?i)ß",
        r"(?i)é",
        r"(?i)i",
        r"(?m)^b",
        r"(?m)a$",
        r"a|b|",
    ),
    *(r"(a)(b)?", r"a+?b", r"x{2}", r"a{1,2}", r"x{", r"x{,2}", r"\x41", r"\x{e9}", r"\\", r"[\\]"),
    *(
        r"\.",
        r"[.]",
        r"(?:a|b)+",
        r"(?<n>a)",
        r"(?=a)a",
        r"(?<!a)b",
        r"[][x]",
        r"[^]]",
        r"\n",
        r"\r",
    ),
    *(r"\t", r"[\n\r]", r"(?i)\\x\\", r"a\b", r"[&&x]", r"(?P<n>a)\1", r"[|~]", r"\{2\}"),
]


@functools.cache
def compiled() -> list[Query]:
    """The searches of the pack and of the traps."""
    found = []
    for rule in load_rules([HOUSE / "rules"]).rules + [r for t in traps() for r in t.rules]:
        try:
            found.append(backend("splunk").compile(rule, Site()))
        except Refused:
            continue
    return found


def patterns_of(query: Query) -> list[str]:
    """Every regular expression that a search holds."""
    heard: list[str] = []

    def listen(pattern: str) -> Regex:
        heard.append(pattern)
        return Pattern(pattern)

    compile_program(query.text, query.context.get("macros", {}), listen)
    return heard


def shipped() -> list[str]:
    return list(dict.fromkeys(p for query in compiled() for p in patterns_of(query)))


def spans(library: Library, pattern: str, text: str) -> list[str | None]:
    """What each match of the pattern takes of the text."""
    return [found[0] for found in library(pattern).finditer(text)]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_translation_for_python_means_what_pcre2_means(pattern: str) -> None:
    for text in TEXTS:
        assert spans(regex, pattern, text) == spans(Pattern, pattern, text), text


def test_where_python_and_pcre2_are_known_to_differ() -> None:
    """Python takes the dotless and the dotted i of Turkish for cases of i."""
    assert spans(regex, "(?i)i", "ıİ") == ["ı", "İ"]
    assert spans(Pattern, "(?i)i", "ıİ") == []


def test_so_do_all_patterns_that_are_shipped() -> None:
    patterns = shipped()
    assert len(patterns) > 200
    for pattern in patterns:
        words = re.sub(r"\(\?\w+\)|\\z|\^", "", pattern).split("|")
        plain = [re.sub(r"\[(.).*?\]|\\(.)|[()?*+]", r"\1\2", word) for word in words]
        for text in (*TEXTS[:20], *plain, "\n".join(plain).upper()):
            ours, theirs = regex(pattern).search(text), Pattern(pattern).search(text)
            assert (ours and ours[0]) == (theirs and theirs[0]), (pattern, text)


def test_case_beyond_ascii_does_not_hang_on_utf(rule: Callable[..., Rule]) -> None:
    made = rule("s: {cs-uri-stem|contains: [/höhe, 'l''événement*ß']}\ncondition: s")
    (pattern,) = patterns_of(backend("splunk").compile(made, Site()))
    for text in ("x/HÖHE", "/höhe", "/HöHe", "L'ÉVÉNEMENT x ß", "l'événementß"):
        assert Pattern(pattern).search(text), text
        assert Pattern(pattern, utf=False).search(text), text
    for text in ("/hohe", "/h\xc3he", "l'evenement ß"):
        assert not Pattern(pattern).search(text), text
        assert not Pattern(pattern, utf=False).search(text), text


@pytest.mark.parametrize("trap", traps(), ids=lambda trap: trap.name)
def test_every_trap_in_pcre2(trap: Trap) -> None:
    if "splunk" in trap.refused:
        return
    refused: list[Refused] = []
    broken: list[EngineError] = []
    found = {
        frozenset(e.position for e in match.entries)
        for match in matches("pcre2", trap.rules, trap.entries, refused, broken)
    }
    assert (refused, broken) == ([], [])
    assert found == trap.wanted


def test_the_searches_hand_their_patterns_to_the_library() -> None:
    heard: list[str] = []

    def listen(pattern: str) -> Regex:
        heard.append(pattern)
        return Pattern(pattern)

    query = next(q for q in compiled() if "mvfind(" in q.text)
    SplunkReplay([Record("p", "main", {"_raw": "x"})], listen).search(query)
    assert heard


@pytest.mark.parametrize(
    ("pattern", "template", "text", "value"),
    [
        ("a", "b", "aXa", "bXb"),
        ("(a)(b)?", r"<\g<2>\g<1>>", "ab a", "<ba> <a>"),
        ("x*", "-", "axb", "-a--b-"),
        ("é", "É", "éa", "Éa"),
        ("", ".", "é𝒳", ".é.𝒳."),
        (r"\\", "/", "a\\b\udcff", "a/b\udcff"),
    ],
)
def test_substitution(pattern: str, template: str, text: str, value: str) -> None:
    assert Pattern(pattern).sub(template, text) == value


def test_groups_have_names() -> None:
    found = Pattern(r"(?<first>a)(x)?(?<last>b)").search("zab")
    assert found is not None
    assert [found["first"], found[2], found["last"]] == ["a", None, "b"]


def test_a_pattern_that_pcre2_rejects_is_an_error() -> None:
    with pytest.raises(EngineError, match="PCRE2 rejects '\\('"):
        Pattern("(")


def test_one_that_takes_too_long_is_an_error() -> None:
    with pytest.raises(EngineError, match="limit"):
        Pattern(r"(?:a|a|b)*(?:a|a|b)*c\1?()").search("a" * 2000)

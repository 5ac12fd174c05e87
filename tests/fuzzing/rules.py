"""Hypothesis strategies for Sigma rules: every modifier, nesting, lists, maps, keywords.

A rule comes with the words it is about, from which `fuzzing.events` makes near matches.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

Draw = Any

LETTERS = "abAB01éÉ"
SPECIALS = "\\\"'*?%_$|[]{}()<>&;:/-+=,.#@!^~` \t\n"


@dataclass(frozen=True)
class Ground:
    """A log source that rules are generated for: its fields by what their values are."""

    logsource: dict[str, str]
    text: tuple[str, ...]
    number: tuple[str, ...] = ()
    address: tuple[str, ...] = ()
    several: tuple[str, ...] = ()
    """The text fields that may have several values."""


GROUNDS = {
    "w3c": Ground(
        {"category": "webserver"}, ("cs-method", "cs-uri-stem"), ("sc-status",), ("c-ip",)
    ),
    "httpproxy": Ground(
        {"product": "windows", "service": "msexchange-httpproxy"},
        ("AnchorMailbox", "RoutingHint", "BackEndCookie"),
        ("HttpStatus",),
    ),
    "process": Ground(
        {"product": "windows", "category": "process_creation"},
        ("Image", "CommandLine", "ParentImage"),
    ),
    "management": Ground(
        {"product": "windows", "service": "msexchange-management"}, ("Cmdlet", "Parameters")
    ),
    "application": Ground(
        {"product": "windows", "service": "application"}, ("Data",), several=("Data",)
    ),
    "connection": Ground(
        {"product": "windows", "category": "network_connection"},
        ("Image", "DestinationHostname"),
        ("DestinationPort",),
        ("DestinationIp",),
    ),
    "file": Ground({"product": "windows", "category": "file_event"}, ("Image", "TargetFilename")),
    "registry": Ground(
        {"product": "windows", "category": "registry_set"}, ("TargetObject", "Details")
    ),
    "security": Ground(
        {"product": "windows", "service": "security"},
        ("ShareName", "RelativeTargetName", "SubjectUserName"),
        (),
        ("IpAddress",),
    ),
}


@dataclass
class Generated:
    """A rule as plain data and the literals in it, by field (``""`` for keywords)."""

    ground: str
    document: dict[str, Any]
    words: dict[str, list[str]] = field(default_factory=dict)


words = st.text(LETTERS, min_size=1, max_size=4)
odd_words = st.lists(st.one_of(words, st.sampled_from(SPECIALS)), min_size=1, max_size=4).map(
    "".join
)
literals = st.one_of(words, odd_words).filter(lambda s: s.strip() == s)


def escaped(literal: str) -> str:
    """A literal as Sigma writes it, so that nothing in it is a wildcard."""
    return "".join("\\" + c if c in "*?\\" else c for c in literal)


@st.composite
def patterns(draw: Draw) -> tuple[str, str]:
    """A Sigma string, perhaps with wildcards, and a text that it matches."""
    said, example = [], []
    for _ in range(draw(st.integers(1, 3))):
        literal = draw(literals)
        said.append(escaped(literal))
        example.append(literal)
        wild = draw(st.sampled_from(["", "", "", "*", "?"]))
        said.append(wild)
        example.append({"": "", "*": "xX", "?": "x"}[wild])
    return "".join(said), "".join(example)


@st.composite
def regexes(draw: Draw) -> tuple[str, str]:
    """A portable regular expression and a text that it finds."""
    pieces = [
        ("a+b", "aab"),
        ("[ab]c?", "b"),
        (r"\d{2}", "10"),
        (r"\.", "."),
        ("(ab|1)", "ab"),
        (".", "x"),
        ("[^a]", "b"),
        (r"\\", "\\"),
        ("a*", "aa"),
        (r"\s", " "),
        (r"\w", "A"),
        ('"', '"'),
        ("/", "/"),
        ("&", "&"),
    ]
    chosen = draw(st.lists(st.sampled_from(pieces), min_size=1, max_size=3))
    said = "".join(p for p, _ in chosen)
    said = draw(st.sampled_from(["", "^"])) + said + draw(st.sampled_from(["", "$"]))
    return said, "".join(e for _, e in chosen)


_STRING_MODIFIERS = [
    "",
    "",
    "|contains",
    "|contains",
    "|startswith",
    "|endswith",
    "|cased",
    "|contains|cased",
    "|windash|contains",
    "|base64offset|contains",
    "|wide|base64offset|contains",
    "|neq",
]


@st.composite
def items(draw: Draw, made: Generated) -> tuple[str, Any]:
    """One ``field|modifiers: value(s)``."""
    ground = GROUNDS[made.ground]
    kinds = ["text"] * 6 + ["re", "null", "empty", "exists", "star", "ref"]
    kinds += ["number", "compare"] * bool(ground.number) + ["cidr"] * bool(ground.address)
    kind = draw(st.sampled_from(kinds))
    name = draw(st.sampled_from(ground.text))
    if kind == "text":
        modifiers = draw(st.sampled_from(_STRING_MODIFIERS))
        pairs = draw(st.lists(patterns(), min_size=1, max_size=3))
        made.words.setdefault(name, []).extend(example for _, example in pairs)
        if "base64" in modifiers:
            plain = draw(st.lists(words, min_size=1, max_size=2))
            return name + modifiers, plain
        if len(pairs) > 1 and modifiers == "|contains" and draw(st.booleans()):
            modifiers += "|all"
        said = [said for said, _ in pairs]
        return name + modifiers, said if len(said) > 1 else said[0]
    if kind == "re":
        said, example = draw(regexes())
        made.words.setdefault(name, []).append(example)
        return name + draw(st.sampled_from(["|re", "|re|i", "|re|s"])), said
    if kind == "ref":
        return f"{name}|fieldref", draw(st.sampled_from(ground.text))
    if kind == "number":
        number = draw(st.sampled_from([1, 200, 241]))
        name = draw(st.sampled_from(ground.number))
        return name, draw(st.sampled_from([number, str(number), [number, 302]]))
    if kind == "compare":
        name = draw(st.sampled_from(ground.number))
        operator = draw(st.sampled_from(["lt", "lte", "gt", "gte"]))
        return f"{name}|{operator}", draw(st.sampled_from([200, 241]))
    if kind == "cidr":
        name = draw(st.sampled_from(ground.address))
        return f"{name}|cidr", draw(st.sampled_from(["10.0.0.0/8", "fe80::/10", "10.1.2.0/23"]))
    return {
        "null": (name, None),
        "empty": (name, ""),
        "exists": (f"{name}|exists", draw(st.booleans())),
        "star": (name, "*"),
    }[kind]


@st.composite
def detections(draw: Draw, made: Generated) -> Any:
    """A map, a list of maps, or keywords."""
    kind = draw(st.sampled_from(["map"] * 6 + ["maps"] * 2 + ["keywords"]))
    if kind == "keywords" and made.ground != "w3c":
        said = draw(st.lists(patterns(), min_size=1, max_size=2))
        made.words.setdefault("", []).extend(example for _, example in said)
        return [text for text, _ in said]
    maps = draw(
        st.lists(
            st.lists(items(made), min_size=1, max_size=3).map(dict),
            min_size=1,
            max_size=1 if kind == "map" else 2,
        )
    )
    return maps[0] if len(maps) == 1 else maps


@st.composite
def conditions(draw: Draw, names: list[str], depth: int = 2) -> str:
    """A condition over the names, nested up to ``depth``."""
    kind = draw(st.sampled_from(["name", "name", "not", "and", "or", "of"]))
    if depth == 0 or kind == "name":
        return str(draw(st.sampled_from(names)))
    if kind == "of":
        return str(draw(st.sampled_from(["1 of s*", "all of s*", "1 of them", "not 1 of s*"])))
    inner = conditions(names, depth - 1)
    if kind == "not":
        return f"not ({draw(inner)})"
    return f"({draw(inner)}) {kind} ({draw(inner)})"


@st.composite
def rules(draw: Draw) -> Generated:
    """A whole rule."""
    ground = draw(st.sampled_from(sorted(GROUNDS)))
    made = Generated(ground, {})
    names = [f"s{i}" for i in range(draw(st.integers(1, 3)))]
    detection = {name: draw(detections(made)) for name in names}
    detection["condition"] = draw(conditions(names))
    made.document = {
        "title": "Generated",
        "logsource": GROUNDS[ground].logsource,
        "detection": detection,
    }
    return made

"""Hostile rules: no value, field name or text of a rule gets out of its literal, in any language
or artefact. Shown by executing the query, by lexing it, and by parsing every file of a build.
"""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from conformance.parsers import check
from fuzzing.events import make_entry
from fuzzing.rules import escaped
from hafnium.build import build
from hafnium.engines import engine
from hafnium.errors import Refused
from hafnium.loading import Loaded
from hafnium.rule import Rule
from hafnium.siem import Query, backends
from hafnium.site import Site
from splunk.test_package_splunk import read as read_conf

Load = Callable[[str], Loaded]
CANARY = "hfcanary"
HOSTILE = [
    '" or hfcanary == "1',
    "' or hfcanary == '1",
    '\\" or hfcanary //',
    '\\\\" or hfcanary //',
    '""" or hfcanary """',
    '"""" or hfcanary',
    '" | delete hfcanary',
    '") | union hfcanary //',
    '"] | append [search hfcanary] | eval x="',
    "/ OR hfcanary:/x",
    "\\/ OR hfcanary:*",
    "*) OR (hfcanary:[* TO *]",
    '" OR index=hfcanary OR x="',
    "`hfcanary`",
    "``` hfcanary ```",
    "$hfcanary$",
    "{{hfcanary}}",
    "${hfcanary}",
    "[parameters('hfcanary')]",
    "[[concat('hfcanary')]",
    "line\n| delete hfcanary",
    "line\r\n[hfcanary]\r\ndisabled = 0",
    "tail hfcanary \\",
    "// hfcanary",
    "/* hfcanary */",
    "# hfcanary",
    "]]></x><hfcanary>",
    "a: b\n- hfcanary: &x",
    "!!python/object/apply:hfcanary []",
    "%hfcanary% \u2028 \u0085 \u202e é",
    "tab\thfcanary",
    '@"hfcanary\\"',
    "(?i)hfcanary[",
    '{"hfcanary": 1}',
    "\\u0022 or hfcanary",
]
_LITERALS = {
    "spl": r'"(?:[^"\\]|\\.)*"|' + r"'(?:[^'\\]|\\.)*'|```.*?```",
    "eql": r'"""[^\r\n]*?""""?"?(?!")|"(?:[^"\\\r\n]|\\.)*"|`[^`\r\n]+`|//[^\n]*',
    "lucene": r'"(?:[^"\\]|\\.)*"|/(?:\\/|[^/])*/|(?:[^\s():"/\\]|\\.)+(?=:)',
    "esql": r'"""[^\r\n]*?""""?"?(?!")|"(?:[^"\\\r\n]|\\.)*"|`(?:[^`]|``)+`|//[^\n]*',
    "kql": r'@"(?:[^"]|"")*"|"(?:[^"\\\r\n]|\\.)*"|' + r"'(?:[^'\\\r\n]|\\.)*'|//[^\n]*",
}
"""Strings, quoted names and comments of each language, after its reference."""


TARGETS = [*backends(), "eql", "lucene"]
"""The engines of every test run, and the other languages that Elastic's queries can be had in."""


def code(language: str, text: str) -> str:
    """A query without its literals and comments."""
    return re.sub(_LITERALS[language], " ", text, flags=re.DOTALL)


PROCESS = {"category": "process_creation", "product": "windows"}
MANAGEMENT = {"service": "msexchange-management", "product": "windows"}


def hostile_rule(
    load: Load, text: str, detection: Mapping[str, Any], logsource: Mapping[str, str] = PROCESS
) -> Rule:
    """A rule with the text in every place that takes one."""
    document = {
        "title": text,
        "id": "00000000-0000-4000-8000-000000000001",
        "name": "hostile",
        "description": text,
        "author": text,
        "references": [text],
        "falsepositives": [text],
        "triage": [text, text],
        "tags": ["attack.t1190"],
        "fields": [text],
        "level": "high",
        "logsource": {**logsource, "definition": text},
        "detection": detection,
    }
    loaded = load(json.dumps(document))
    assert not loaded.errors, loaded.errors
    return loaded.rules[0]


def accepted(queries: Sequence[Query]) -> None:
    """Every query is accepted by its language's parser and holds the canary in literals only."""
    for language in {query.language for query in queries}:
        same = [query for query in queries if query.language == language]
        macros = {name: m for q in same for name, m in q.context.get("macros", {}).items()}
        assert not [q.text for q in same if CANARY in code(language, q.text)]
        assert not list(filter(None, check(language, [query.text for query in same], macros)))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("modifiers", ["", "|contains"])
def test_values_stay_in_their_literals(load: Load, target: str, modifiers: str) -> None:
    texts = [text for text in HOSTILE if text.strip() == text]
    rules = [
        hostile_rule(load, "t", {"s": {f"CommandLine{modifiers}": escaped(t)}, "condition": "s"})
        for t in texts
    ]
    made = engine(target, rules, [])
    accepted(made.queries)
    entries = [
        make_entry("process", {"CommandLine": value}, number)
        for number, value in enumerate((*texts, "other", CANARY, "1", "x"), 1)
    ]
    found = {(rules.index(m.rule) + 1, m.entries[0].position) for m in made.scan(entries)}
    assert not made.broken
    holds = str.__contains__ if modifiers else str.__eq__
    assert found >= {(number, number) for number in range(1, len(texts) + 1)}
    assert all(holds(entries[p - 1].fields["CommandLine"], texts[n - 1]) for n, p in found)


@pytest.mark.parametrize("target", TARGETS)
def test_other_modifiers_keep_values_in_their_literals(load: Load, target: str) -> None:
    others = ("startswith", "endswith", "cased")
    rules = [
        hostile_rule(
            load,
            "t",
            {other: {f"CommandLine|{other}": escaped(text)} for other in others}
            | {"condition": "1 of them"},
        )
        for text in HOSTILE
        if text.strip() == text
    ]
    accepted(engine(target, rules, []).queries)


@pytest.mark.parametrize("target", TARGETS)
def test_keywords_and_filters_stay_in_their_literals(load: Load, target: str) -> None:
    rules = [
        hostile_rule(
            load,
            "t",
            {"k": [escaped(t), "zz"], "f": {"Cmdlet": escaped(t)}, "condition": "k and not f"},
            MANAGEMENT,
        )
        for t in HOSTILE
    ]
    accepted(engine(target, rules, []).queries)


@pytest.mark.parametrize("target", TARGETS)
def test_field_names_stay_names_or_are_refused(load: Load, target: str) -> None:
    names = [*HOSTILE, "a b", "a-b(c)", "é", "a.b", "a'b", "a`b", 'a"b']
    rules = [
        # The bar is Sigma's own sign between a field and its modifiers.
        hostile_rule(load, "t", {"s": {name.replace("|", ";"): "x"}, "condition": "s"})
        for name in names
    ]
    refused: list[Refused] = []
    made = engine(target, rules, refused)
    assert made.queries
    assert all("name" in error.reason for error in refused)
    by_language: dict[str, list[Query]] = {}
    for query in made.queries:
        by_language.setdefault(query.language, []).append(query)
    macros = {k: v for q in made.queries for k, v in q.context.get("macros", {}).items()}
    for language, queries in by_language.items():
        for query, said in zip(
            queries, check(language, [q.text for q in queries], macros), strict=True
        ):
            assert said is None or "name" in said, query.text
    for query in made.queries:
        outside = code(query.language, query.text)
        assert not re.search(rf"{CANARY}\s*(==|=|:)\s*1|delete {CANARY}|union {CANARY}", outside)
    # Fields that no entry has: whatever was smuggled in would find one of these.
    entries = [make_entry("process", {"CommandLine": v}, n) for n, v in enumerate("1x", 1)]
    assert list(made.scan(entries)) == []
    assert not made.broken


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Sequence[Rule]]:
    """A build of one hostile rule per text."""
    from hafnium.loading import load_rules

    folder = tmp_path_factory.mktemp("hostile")
    rules = []
    for number, text in enumerate(HOSTILE, 1):

        def load(document: str, number: int = number) -> Loaded:
            said = json.loads(document)
            said["id"] = f"00000000-0000-4000-8000-{number:012}"
            said["name"] = f"../evil/{number}\n/etc"
            file = folder / f"rule{number}.yml"
            file.write_text(json.dumps(said), encoding="utf-8")
            return load_rules([file])

        detection = {"s": {"CommandLine|contains": escaped(text)}, "condition": "s"}
        rules.append(hostile_rule(load, text, detection))
    out = folder / "dist"
    report = build(rules, list(backends().values()), Site(), out)
    assert len(report.queries) == len(rules) * len(backends())
    return out, rules


def test_every_file_stays_in_the_build_folder(built: tuple[Path, Sequence[Rule]]) -> None:
    out, _ = built
    assert sorted(p.name for p in out.parent.iterdir() if p.suffix != ".yml") == ["dist"]
    for file in out.rglob("*"):
        assert re.fullmatch(r"[\w. -]+", file.name), file


def test_query_files_hold_nothing_but_the_query(built: tuple[Path, Sequence[Rule]]) -> None:
    out, rules = built
    files = [p for p in out.glob("*/queries/*") if p.is_file()]
    assert len(files) == len(rules) * len(backends())
    for file in files:
        language = file.suffix[1:]
        assert CANARY not in code(language, file.read_text(encoding="utf-8")), file


def test_conf_files_have_only_their_own_stanzas(built: tuple[Path, Sequence[Rule]]) -> None:
    out, rules = built
    wanted = {backends()["splunk"].compile(rule, Site()).text for rule in rules}
    (archive,) = (out / "splunk").glob("*.tar.gz")
    with tarfile.open(archive) as app:
        confs = {
            m.name: read_conf(app.extractfile(m).read().decode())  # type: ignore[union-attr]
            for m in app.getmembers()
            if m.name.endswith(".conf")
        }
    (searches,) = [said for name, said in confs.items() if name.endswith("savedsearches.conf")]
    assert {said["search"] for said in searches.values()} == wanted
    assert {said["disabled"] for said in searches.values()} == {"1"}
    keys = {frozenset(said) for said in searches.values()}
    assert len(keys) == 1, "a rule's text became a setting"
    assert all(name.startswith("Hafnium - ") for name in searches)
    others = {stanza for name, said in confs.items() if said is not searches for stanza in said}
    assert not [stanza for stanza in others if CANARY in stanza]


def test_ndjson_has_one_object_a_rule(built: tuple[Path, Sequence[Rule]]) -> None:
    out, rules = built
    (file,) = (out / "elastic").glob("*.ndjson")
    lines = file.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    said = [json.loads(line) for line in lines]
    found = [one for one in said if "query" in one]
    assert len(found) == len(rules)
    wanted = {rule.id: backends()["elastic"].compile(rule, Site()).text for rule in rules}
    assert {one["rule_id"]: one["query"] for one in found} == wanted
    assert len({frozenset(one) for one in found}) == 1, "a rule's text became a key"


def test_analytic_rules_and_arm_keep_texts_as_texts(built: tuple[Path, Sequence[Rule]]) -> None:
    out, rules = built
    wanted = {rule.id: backends()["sentinel"].compile(rule, Site()).text for rule in rules}
    files = sorted((out / "sentinel/analytic-rules").glob("*.yaml"))
    said = [yaml.safe_load(file.read_text(encoding="utf-8")) for file in files]
    assert {one["id"]: one["query"] for one in said} == wanted
    assert len({frozenset(one) for one in said}) == 1, "a rule's text became a key"
    template = json.loads((out / "sentinel/azuredeploy.json").read_text(encoding="utf-8"))
    expressions = {text for text in _strings(template) if re.match(r"\[(?!\[)", text)}
    assert not [text for text in expressions if text.endswith("]") and CANARY in text]
    assert len(template["resources"]) == len(rules)


def _strings(node: Any) -> Iterator[str]:
    """All texts of plain data, keys included."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, Mapping):
        for key, value in node.items():
            yield key
            yield from _strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from _strings(value)


def test_the_manifest_names_the_files_that_there_are(built: tuple[Path, Sequence[Rule]]) -> None:
    out, rules = built
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    named = {text for text in _strings(manifest) if (out / text).is_file()}
    there = {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()}
    assert there - named <= {"manifest.json"}
    assert set(_strings(manifest)) >= {rule.id for rule in rules}

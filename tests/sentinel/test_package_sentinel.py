"""What Sentinel imports: read back, held against a schema, with values that want to get out."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from hafnium.backends.sentinel import BACKEND
from hafnium.backends.sentinel.compiler import compile_rule
from hafnium.backends.sentinel.package_rule import attack
from hafnium.backends.sentinel.replay import SentinelReplay
from hafnium.loading import Loaded, load_rules
from hafnium.rule import Rule
from hafnium.siem import Pack, Record
from hafnium.site import Site

HERE = Path(__file__).parent
RULES = HERE.parents[1] / "rules"
HOSTILE = [
    "[concat('a', 'b')]",
    "[[x]",
    "a: b # c",
    '"} evil: true',
    "'\n- kind: NRT",
    "${x} {{y}} %z%",
    "`| take 1 //`",
    "\N{SNOWMAN} é",
]
Packed = Callable[[Sequence[Rule]], Path]


def validator(name: str) -> Draft202012Validator:
    schema = json.loads((HERE / f"{name}.schema.json").read_text(encoding="utf-8"))
    return Draft202012Validator(schema)


@pytest.fixture
def packed(tmp_path: Path) -> Packed:
    def make(rules: Sequence[Rule]) -> Path:
        queries = [compile_rule(rule, Site()) for rule in rules]
        BACKEND.package(Pack("1.0.0", queries, Site()), tmp_path)
        return tmp_path

    return make


def analytic_rules(folder: Path) -> list[dict[str, Any]]:
    files = sorted((folder / "analytic-rules").glob("*.yaml"))
    return [yaml.safe_load(file.read_text(encoding="utf-8")) for file in files]


def deployed(folder: Path) -> list[dict[str, Any]]:
    template = json.loads((folder / "azuredeploy.json").read_text(encoding="utf-8"))
    validator("arm").validate(template)
    return [resource["properties"] for resource in template["resources"]]


def resolved(text: str) -> str:
    """A literal as Azure Resource Manager reads it."""
    if text.startswith("[") and text.endswith("]"):
        assert text.startswith("[["), "this would be run as an expression"
        return text[1:]
    return text


def test_pack_fits_the_schemas(packed: Packed) -> None:
    rules = load_rules([RULES]).output
    folder = packed(rules)
    said = analytic_rules(folder)
    assert len(said) == len(rules) == len(deployed(folder))
    for one in said:
        validator("analytic_rule").validate(one)
    assert {one["id"] for one in said} == {rule.id for rule in rules}


def test_columns_of_entities_are_columns_of_the_result(packed: Packed) -> None:
    rules = load_rules([RULES]).output
    # One rule for each set of tables and entities: the rest could say nothing new.
    kinds = {str(compile_rule(rule, Site()).context): rule for rule in rules}
    said = analytic_rules(packed(list(kinds.values())))
    assert all("entityMappings" in one for one in said)
    replay = SentinelReplay([])
    for one in said:
        columns = [
            mapping["columnName"]
            for entity in one["entityMappings"]
            for mapping in entity["fieldMappings"]
        ]
        replay.run(f"{one['query']}\n| project {', '.join(columns)}")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_stay_texts(load: Callable[[str], Loaded], packed: Packed, text: str) -> None:
    document = {
        "title": text,
        "description": text,
        "falsepositives": [text],
        "logsource": {"category": "webserver"},
        "detection": {"s": {"cs-uri-stem": text.replace("*", "")}, "condition": "s"},
    }
    rule = load(json.dumps(document)).rules[0]
    folder = packed([rule])
    (said,), (properties,) = analytic_rules(folder), deployed(folder)
    validator("analytic_rule").validate(said)
    assert said["kind"] == "Scheduled"
    assert said["name"] == resolved(properties["displayName"]) == text
    assert said["description"] == resolved(properties["description"])
    assert said["description"].startswith(text.strip())
    assert said["query"] == resolved(properties["query"]) == compile_rule(rule, Site()).text
    records = [Record("iis", "W3CIISLog", {"csUriStem": stem}) for stem in (text, "other", "")]
    query = compile_rule(rule, Site())
    assert SentinelReplay(records).search(query) == [(0,)]


@pytest.mark.parametrize(
    ("tags", "tactics", "techniques"),
    [
        (["attack.persistence", "attack.t1505.003"], ["Persistence"], ["T1505.003"]),
        (["attack.stealth", "attack.t1036"], ["DefenseEvasion"], ["T1036"]),
        (["attack.t1190"], ["InitialAccess"], ["T1190"]),
        (["attack.execution", "attack.t1190"], ["Execution", "InitialAccess"], ["T1190"]),
        (["attack.impact", "attack.t9999", "attack.g0125", "cve.2021-1"], ["Impact"], []),
        ([], [], []),
    ],
)
def test_techniques_serve_a_listed_tactic(
    tags: list[str], tactics: list[str], techniques: list[str]
) -> None:
    assert attack(tags) == (tactics, techniques)


def test_period_covers_the_window_of_a_correlation(
    load: Callable[[str], Loaded], packed: Packed
) -> None:
    loaded = load(
        """
        title: A
        name: ra
        logsource: {category: webserver}
        detection: {s: {cs-uri-stem: a}, condition: s}
        ---
        title: T
        correlation: {type: event_count, rules: [ra], timespan: 7d, condition: {gte: 2}}
        """
    )
    (said,) = analytic_rules(packed([loaded.rules[-1]]))
    assert (said["queryFrequency"], said["queryPeriod"]) == ("1h", "8d")


def test_rule_without_an_id_keeps_its_made_up_one(
    rule: Callable[..., Rule], packed: Packed
) -> None:
    made = rule("s: {cs-uri-stem: a}\ncondition: s")
    first = analytic_rules(packed([made]))[0]["id"]
    assert analytic_rules(packed([made]))[0]["id"] == first
    validator("analytic_rule").validate(analytic_rules(packed([made]))[0])


def test_two_packages_are_the_same(tmp_path: Path) -> None:
    queries = [compile_rule(rule, Site()) for rule in load_rules([RULES]).output]
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        BACKEND.package(Pack("1.0.0", queries, Site()), tmp_path / name)
    one, two = (
        {f.relative_to(root): f.read_bytes() for f in sorted(root.rglob("*")) if f.is_file()}
        for root in (tmp_path / "one", tmp_path / "two")
    )
    assert one == two


def test_pipeline_serves_sigma_convert(packed: Packed) -> None:
    from sigma.cli.convert import convert

    rule = next(r for r in load_rules([RULES]).output if r.logsource.category == "webserver")
    pipeline = packed([rule]) / "pipelines" / "iis.yml"
    command = ["-t", "kusto", "-p", str(pipeline), str(rule.path)]
    result = CliRunner().invoke(convert, command)
    assert result.exit_code == 0, result.output
    assert "csUriStem" in result.output
    assert "cs-uri-stem" not in result.output


def test_every_technique_of_the_pack_stands_in_its_analytic_rule() -> None:
    from hafnium.pages.navigator import techniques

    for rule in load_rules([RULES]).output:
        _, said = attack([str(tag) for tag in rule.sigma.tags])
        assert set(techniques(rule)) <= set(said), rule.name

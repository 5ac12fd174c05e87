"""Rule files that are wrong: one clear error each, and the rest is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from hafnium.loading import load_rules

GOOD = "title: Good\nlogsource: {category: webserver}\ndetection:\n  s: {a: b}\n  condition: s\n"


@pytest.mark.parametrize(
    ("text", "line", "reason", "mend"),
    [
        (GOOD.replace("a: b", "a|contain: b"), 4, "contain", "|contains"),
        (GOOD.replace("condition: s", "condition: selection"), 5, "selection", None),
        (GOOD.replace("condition: s", "condition: s and"), 5, "", None),
        (GOOD.replace("title", "titel"), 1, "title", None),
        (GOOD.replace("logsource: {category: webserver}\n", ""), 1, "log source", None),
        (GOOD + "  s: {c: d}\n", 6, "twice", "rename"),
        ("title: [broken\n", 2, "YAML", None),
        ("- a\n- b\n", None, "mapping", None),
        ("&a [*a]\n", None, "", None),
        (GOOD.replace("{a: b}", "{a|re: '('}"), 3, "egular", None),
    ],
)
def test_a_broken_rule_is_named_with_its_line(
    tmp_path: Path, text: str, line: int | None, reason: str, mend: str | None
) -> None:
    (tmp_path / "bad.yml").write_text(text)
    (tmp_path / "good.yml").write_text(GOOD)
    loaded = load_rules([tmp_path])
    assert [rule.title for rule in loaded.rules] == ["Good"]
    (error,) = loaded.errors
    assert error.file == str(tmp_path / "bad.yml")
    assert line is None or error.line == line
    assert reason in error.reason
    assert mend is None or mend in (error.mend or "")
    assert "\n" not in str(error)


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.yml").write_bytes(b"\xff\xfe\x00title")
    assert "cannot be read" in str(load_rules([tmp_path]).errors[0])


def test_yaml_tags_are_not_run(tmp_path: Path) -> None:
    (tmp_path / "bad.yml").write_text("title: !!python/object/apply:os.system [echo]\n")
    loaded = load_rules([tmp_path])
    assert not loaded.rules
    assert "YAML" in loaded.errors[0].reason


def test_two_rules_with_one_id_are_refused(tmp_path: Path) -> None:
    ident = "id: 11111111-1111-4111-8111-111111111111\n"
    (tmp_path / "a.yml").write_text(GOOD + ident)
    (tmp_path / "b.yml").write_text(GOOD + ident)
    loaded = load_rules([tmp_path])
    assert len(loaded.rules) == 1
    assert "has the id of" in loaded.errors[0].reason
    assert loaded.errors[0].line == 6


def test_a_missing_path_is_named(tmp_path: Path) -> None:
    assert "does not exist" in str(load_rules([tmp_path / "none"]).errors[0])


def test_a_filter_changes_the_rules_that_it_names(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(GOOD + "name: good\n")
    (tmp_path / "filter.yml").write_text(
        "title: F\nlogsource: {category: webserver}\n"
        "filter:\n  rules: [good]\n  selection: {c: d}\n  condition: not selection\n"
    )
    from hafnium.matcher import predicate
    from hafnium.matcher.conditions import Fields

    (rule,) = load_rules([tmp_path]).rules
    assert predicate(rule)(Fields({"a": "b"}))
    assert not predicate(rule)(Fields({"a": "b", "c": "d"}))


def test_a_correlation_that_names_no_rule_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c.yml").write_text(
        "title: C\ncorrelation:\n  type: temporal\n  rules: [nothing]\n  timespan: 1m\n"
    )
    loaded = load_rules([tmp_path])
    assert not loaded.rules
    assert "nothing" in loaded.errors[0].reason

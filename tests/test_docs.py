"""What the README says of the rules is what the rules say."""

from __future__ import annotations

from pathlib import Path

from hafnium.cli.common import HOUSE
from hafnium.docs import with_table
from hafnium.loading import load_rules

README = Path(__file__).parent.parent / "README.md"


def test_the_table_of_rules_is_current() -> None:
    text = README.read_text(encoding="utf-8")
    rules = load_rules([HOUSE / "rules"]).output
    assert all(rule.title in text for rule in rules)
    assert with_table(text, rules) == text, "run `make docs`"

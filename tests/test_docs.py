"""What the README and docs/ say of the rules is what the rules say."""

from __future__ import annotations

from pathlib import Path

from hafnium.cli.common import HOUSE
from hafnium.docs import with_table
from hafnium.evasion import try_all
from hafnium.evasionpage import page
from hafnium.loading import load_rules
from hafnium.samples import all_entries

README = Path(__file__).parent.parent / "README.md"


def test_the_table_of_rules_is_current() -> None:
    text = README.read_text(encoding="utf-8")
    rules = load_rules([HOUSE / "rules"]).output
    assert all(rule.title in text for rule in rules)
    assert with_table(text, rules) == text, "run `make docs`"


def test_the_page_on_evasion_is_current() -> None:
    text = (README.parent / "docs" / "evasion.md").read_text(encoding="utf-8")
    rules = load_rules([HOUSE / "rules"]).rules
    assert page(try_all(rules, all_entries(HOUSE / "samples", rules))) == text, "run `make docs`"

"""The pages in ``docs/`` that are made from rules and samples, so that they cannot go stale."""

from __future__ import annotations

from pathlib import Path

from hafnium.evasion import Trial, try_all
from hafnium.rule import Rule

_HEAD = "# The rules\n\n`hafnium build` writes a page for each."


def checked_in(rules: list[Rule], trial: Trial) -> dict[str, str]:
    """The pages of the repository by their name in ``docs/``. ``trial``: the rules' mutations."""
    from hafnium.evasionpage import page
    from hafnium.pages.index import rule_table

    shown = [rule for rule in rules if rule.output]
    return {
        "rules.md": f"{_HEAD}\n\n{rule_table(shown)}\n",
        "evasion.md": page(trial),
    }


def main() -> None:
    """Renew ``docs/`` in the current folder (``make docs``)."""
    from hafnium.cli.common import HOUSE
    from hafnium.loading import load_rules
    from hafnium.samples import all_entries

    docs = Path("docs")
    docs.mkdir(exist_ok=True)
    rules = load_rules([HOUSE / "rules"]).rules
    trial = try_all(rules, all_entries(HOUSE / "samples", rules))
    for name, text in checked_in(rules, trial).items():
        (docs / name).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()

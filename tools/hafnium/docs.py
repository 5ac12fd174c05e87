"""The pages in ``docs/`` that are made from rules and samples, so that they cannot go stale."""

from __future__ import annotations

from pathlib import Path

from hafnium.rule import Rule

_HEAD = "# The rules\n\n`hafnium build` writes a page for each."


def checked_in(rules: list[Rule]) -> dict[str, str]:
    """The pages of the repository by their name in ``docs/``."""
    from hafnium.cli.common import HOUSE
    from hafnium.evasion import try_all
    from hafnium.evasionpage import page
    from hafnium.pages.index import rule_table
    from hafnium.samples import all_entries

    shown = [rule for rule in rules if rule.output]
    trial = try_all(rules, all_entries(HOUSE / "samples", rules))
    return {
        "rules.md": f"{_HEAD}\n\n{rule_table(shown)}\n",
        "evasion.md": page(trial),
    }


def main() -> None:
    """Renew ``docs/`` in the current folder (``make docs``)."""
    from hafnium.cli.common import HOUSE
    from hafnium.loading import load_rules

    docs = Path("docs")
    docs.mkdir(exist_ok=True)
    for name, text in checked_in(load_rules([HOUSE / "rules"]).rules).items():
        (docs / name).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()

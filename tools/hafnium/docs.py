"""Parts of the documentation that are made from the rules, so that they cannot go stale."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from hafnium.rule import LEVELS, Rule

_LOGS = {
    "webserver": "IIS access log (W3C)",
    "msexchange-httpproxy": "Exchange `Logging\\HttpProxy`",
    "msexchange-ecp": "Exchange `Logging\\ECP\\Server`",
    "msexchange-oabgenerator": "Exchange `Logging\\OABGeneratorLog`",
    "msexchange-management": "Event log MSExchange Management",
    "application": "Event log Application",
    "security": "Event log Security",
    "process_creation": "Sysmon 1, or Security 4688 with command line",
    "system": "Event log System",
    "file_event": "Sysmon 11",
    "process_access": "Sysmon 10",
    "dns_query": "Sysmon 22",
    "pipe_created": "Sysmon 17 or 18",
    "file_delete": "Sysmon 23 or 26",
    "registry_delete": "Sysmon 12",
    "registry_set": "Sysmon 13",
    "network_connection": "Sysmon 3",
    "ps_script": "PowerShell/Operational 4104",
    "windefend": "Event log Windows Defender/Operational",
    "antivirus": "Event log Windows Defender/Operational",
}
BEGIN, END = "<!-- rules: begin -->", "<!-- rules: end -->"


def rule_table(rules: Sequence[Rule]) -> str:
    """The rules as a Markdown table, the gravest first."""
    rows = ["| rule | level | needs |", "|---|---|---|"]
    ordered = sorted(rules, key=lambda r: (-LEVELS.index(r.level), r.title))
    for rule in ordered:
        rows.append(f"| {rule.title.replace('|', '&#124;')} | {rule.level} | {_needs(rule)} |")
    return "\n".join(rows)


def _needs(rule: Rule) -> str:
    if rule.references:
        return " + ".join(dict.fromkeys(_needs(reference) for reference in rule.references))
    said = rule.logsource
    text = _LOGS.get(said.category or said.service or "", str(said))
    definition = rule.document.get("logsource", {}).get("definition")
    return f"{text} ({definition})" if definition else text


def with_table(text: str, rules: Sequence[Rule]) -> str:
    """A document with the table between its two marks renewed."""
    table = f"{BEGIN}\n{rule_table(rules)}\n{END}"
    marks = f"{re.escape(BEGIN)}.*{re.escape(END)}"
    return re.sub(marks, lambda _: table, text, flags=re.DOTALL)


def main() -> None:
    """Renew README.md and docs/ in the current folder (``make docs``)."""
    from hafnium.cli.common import HOUSE
    from hafnium.evasion import try_all
    from hafnium.evasionpage import page
    from hafnium.loading import load_rules
    from hafnium.samples import all_entries

    readme, docs = Path("README.md"), Path("docs")
    loaded = load_rules([HOUSE / "rules"])
    text = with_table(readme.read_text(encoding="utf-8"), loaded.output)
    readme.write_text(text, encoding="utf-8", newline="\n")
    docs.mkdir(exist_ok=True)
    trial = try_all(loaded.rules, all_entries(HOUSE / "samples", loaded.rules))
    (docs / "evasion.md").write_text(page(trial), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()

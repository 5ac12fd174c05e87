"""What this pack asks of a rule beyond the Sigma specification.

`sound` holds for any rule: what it reports makes a rule blind. `house` holds for the rules of
this pack only: what an analyst needs, and what keeps a rule from seeing one server only.
`placed` asks which public rule is alike. `proven` asks the samples.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sigma.rule import SigmaRule
from sigma.types import SigmaRegularExpression, SigmaString

from hafnium import attack
from hafnium.coverage import event_ids
from hafnium.evasion import detection_items
from hafnium.fields import known_fields
from hafnium.mutations import MUTATIONS
from hafnium.regex import plain_words
from hafnium.rule import Rule
from hafnium.samples import Scenario

Problem = tuple[str, str]
"""The key of the rule that it is about, and the text."""

TRIAGE = ("Next", "Attempt or break-in", "Contain")
LEAST = 3
"""Positives and near misses that each rule needs."""
KEYS = frozenset(
    {
        *("title", "id", "name", "status", "description", "level", "author", "license"),
        *("references", "tags", "falsepositives", "related", "logsource", "detection"),
        *("correlation", "date", "modified", "taxonomy", "scope"),
        *("version", "triage", "evaded_by", "novel"),
    }
)
_DRIVE = re.compile(r"(?<![\w~])[A-Za-z]:[\\/]")


def sound(rule: Rule) -> Iterator[Problem]:
    """Fields that the log source does not have."""
    if isinstance(rule.sigma, SigmaRule):
        yield from _fields(rule, rule.sigma)


def _fields(rule: Rule, sigma: SigmaRule) -> Iterator[Problem]:
    known = known_fields(rule.logsource, event_ids(sigma))
    if known is None:
        return
    by_case = {name.casefold(): name for name in known}
    seen: set[str] = set()
    for name, item in detection_items(sigma):
        if item.field is None or item.field in known or item.field in seen:
            continue
        seen.add(item.field)
        near = by_case.get(item.field.casefold())
        mend = f"; it is written {near}" if near else "; the rule would never see it"
        text = f"a log of {rule.logsource} has no field {item.field}{mend}"
        yield f"detection.{name}", text


def house(rule: Rule) -> Iterator[Problem]:
    """Unknown keys, ATT&CK tags of another version, vulnerabilities that only a tag names, triage,
    declared evasions, drives, and regular expressions for plain text."""
    for key in rule.document:
        if key not in KEYS:
            yield key, f"no rule has the key {key!r}; misspelled?"
    for text in attack.wrong_tags([str(tag) for tag in rule.document.get("tags") or ()]):
        yield "tags", text
    yield from _vulnerabilities(rule.document)
    yield from _triage(rule.document)
    known = {one.name for one in MUTATIONS}
    for row in rule.document.get("evaded_by") or ():
        if isinstance(row, dict) and row.get("mutation") not in known:
            yield "evaded_by", f"there is no mutation {row.get('mutation')!r}; see docs/evasion.md"
    if isinstance(rule.sigma, SigmaRule):
        yield from _values(rule.sigma)


def _vulnerabilities(document: Mapping[str, Any]) -> Iterator[Problem]:
    said = str(document.get("description") or "").upper()
    for tag in document.get("tags") or ():
        name = str(tag).upper().replace("CVE.", "CVE-")
        if name.startswith("CVE-") and name not in said:
            yield "tags", f"the description does not say what {name} has to do with the rule"


def placed(rule: Rule) -> Iterator[Problem]:
    """A rule that is neither set beside a public rule nor says why there is none."""
    kin = rule.document.get("related") or ()
    alike = any(isinstance(one, dict) and one.get("type") == "similar" for one in kin)
    if rule.output and alike == bool(rule.document.get("novel")):
        text = "name the public rule that is alike (related, type similar)"
        yield "novel" if alike else "title", f"{text} or say why there is none (novel: reason)"


def _triage(document: Mapping[str, Any]) -> Iterator[Problem]:
    steps = document.get("triage")
    begins = [str(s).split(":")[0] for s in steps] if isinstance(steps, list) else []
    if begins != list(TRIAGE):
        wanted = ", ".join(f'"{word}:"' for word in TRIAGE)
        yield "triage", f"triage must be a list of three items that begin with {wanted}"


def _values(sigma: SigmaRule) -> Iterator[Problem]:
    for name, item in detection_items(sigma):
        patterns = [str(v.regexp) for v in item.value if isinstance(v, SigmaRegularExpression)]
        words = [plain for pattern in patterns if (plain := plain_words(pattern)) is not None]
        if words and len(words) == len(item.value):
            text = f"the regular expression only searches {' or '.join(words)}: use contains, "
            yield f"detection.{name}", f"{text}startswith or endswith with a list"
        for value in item.value:
            if isinstance(value, SigmaString) and _DRIVE.search(str(value.to_plain())):
                text = f"{value.to_plain()} ties the rule to one drive; leave the drive out"
                yield f"detection.{name}", text


def proven(rule: Rule, scenarios: Sequence[Scenario]) -> Iterator[Problem]:
    """Too few positives or near misses in the samples. A near miss of a correlation is the entry
    that would have completed it: one too few, too late, elsewhere, or in the wrong order."""
    found = sum(
        len(s.expect.get(rule.id, ())) + len(s.episodes.get(rule.id, ())) for s in scenarios
    )
    near = sum(len(s.near.get(rule.id, ())) for s in scenarios)
    for count, what in ((found, "positives"), (near, "near misses")):
        if rule.output and count < LEAST:
            yield "title", f"the samples have {count} {what} for it; {LEAST} are needed"

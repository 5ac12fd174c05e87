"""The evasion test: what the rules say of mutated entries.

Every entry that a detection matches is mutated in every free way (`hafnium.mutations`). For a
rule, only mutants that differ in a field which the rule reads count: others prove nothing. A
mutant survives when the rule still matches it, and survives by the pack when another rule of at
least the same level does. A mutation that lets a mutant escape must stand in the rule:

    evaded_by:
      - mutation: carets
        why: the words of the command are all that the rule has

Correlations see what the detections that they count see.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sigma.rule import SigmaDetection, SigmaDetectionItem, SigmaRule

from hafnium.entries import Entry
from hafnium.fields import contents
from hafnium.matcher import Match, Matcher
from hafnium.mutations import MUTATIONS, Mutant, mutants
from hafnium.rule import LEVELS, Rule
from hafnium.taxonomy import shape_of, views


@dataclass
class Outcome:
    """One mutation of one rule's positives: mutants by how they fared."""

    rule: Rule
    mutation: str
    by_rule: int = 0
    by_pack: int = 0
    escaped: list[Mutant] = field(default_factory=list)
    helpers: set[str] = field(default_factory=set)

    @property
    def survived(self) -> bool:
        return not self.escaped


@dataclass(frozen=True)
class Trial:
    """All outcomes, by rule and mutation, and rules without any entry to mutate."""

    rules: Sequence[Rule]
    outcomes: Sequence[Outcome]

    def of(self, rule: Rule) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.rule.id == rule.id]

    def problems(self) -> Iterator[str]:
        """Escapes that their rule does not declare, and declarations that do not hold."""
        for rule in self.rules:
            declared = declarations(rule)
            outcomes = {outcome.mutation: outcome for outcome in self.of(rule)}
            for name, outcome in outcomes.items():
                if outcome.escaped and name not in declared:
                    yield f"{rule.name}: escapes by {name}: {shown(outcome.escaped[0])}"
            for name in declared:
                known = outcomes.get(name)
                if known is None or not (known.escaped or known.by_pack):
                    yield f"{rule.name}: evaded_by names {name}, which it survives"


def try_all(rules: Sequence[Rule], entries: Iterable[Entry]) -> Trial:
    """Mutate all that the rules match among the entries, and ask the rules again."""
    matcher = Matcher([rule for rule in rules if rule.correlation is None])
    detections = [rule for rule in rules if rule.correlation is None]
    reads = {rule.id: fields_read(rule) for rule in detections}
    found: dict[tuple[str, str], Outcome] = {}
    for entry in entries:
        matches = list(matcher.detect(entry))
        if not matches:
            continue
        for mutant in mutants(entry, MUTATIONS):
            again = {match.rule.id: match.rule for match in matcher.detect(mutant.entry)}
            for match in matches:
                if concerned(match, mutant, reads[match.rule.id]):
                    key = (match.rule.id, mutant.mutation.name)
                    outcome = found.setdefault(key, Outcome(match.rule, mutant.mutation.name))
                    _judge(outcome, mutant, again)
    order = {one.name: n for n, one in enumerate(MUTATIONS)}
    ranks = {rule.id: n for n, rule in enumerate(detections)}
    outcomes = sorted(found.values(), key=lambda o: (ranks[o.rule.id], order[o.mutation]))
    return Trial(detections, outcomes)


def _judge(outcome: Outcome, mutant: Mutant, again: Mapping[str, Rule]) -> None:
    if outcome.rule.id in again:
        outcome.by_rule += 1
        return
    level = LEVELS.index(outcome.rule.level)
    helpers = {rule.name for rule in again.values() if LEVELS.index(rule.level) >= level}
    if helpers:
        outcome.by_pack += 1
        outcome.helpers |= helpers
    else:
        outcome.escaped.append(mutant)


def declarations(rule: Rule) -> dict[str, str]:
    """Mutation → why the rule does not survive it, as the rule says."""
    said = rule.document.get("evaded_by") or []
    return {str(row.get("mutation")): str(row.get("why")) for row in said if isinstance(row, dict)}


def fields_read(rule: Rule) -> frozenset[str] | None:
    """The fields, under Sigma's names, that a detection compares; None: every one."""
    assert isinstance(rule.sigma, SigmaRule)
    names = {item.field for _, item in detection_items(rule.sigma)}
    return None if None in names else frozenset(name for name in names if name)


def detection_items(sigma: SigmaRule) -> Iterator[tuple[str, SigmaDetectionItem]]:
    """All comparisons of a rule, each with the name of the detection that it stands in."""
    for name, detection in sigma.detection.detections.items():
        yield from ((name, item) for item in _items(detection))


def _items(detection: SigmaDetection) -> Iterator[SigmaDetectionItem]:
    for item in detection.detection_items:
        if isinstance(item, SigmaDetection):
            yield from _items(item)
        else:
            yield item


def concerned(match: Match, mutant: Mutant, reads: frozenset[str] | None) -> bool:
    """Does the mutant differ in a field that the rule reads?"""
    if reads is None or match.event is None:
        return True
    view = next(
        v for v in views(shape_of(match.entries[0])) if v.logsource == match.event.logsource
    )
    return any(view.rename.get(name, name) in reads for name in mutant.fields)


def shown(mutant: Mutant) -> str:
    """What changed, on one line; not what only repeats it."""
    held = contents(mutant.entry)
    names = sorted(name for name in mutant.fields if held.get(name) != "copy")
    said = [f"{name}: {mutant.entry.fields[name]}" for name in names or sorted(mutant.fields)]
    return " | ".join(said).replace("\n", " ").replace("\r", "")[:200]

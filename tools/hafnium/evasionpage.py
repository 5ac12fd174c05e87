"""``docs/evasion.md``: what each rule survives, made from the evasion test."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hafnium.evasion import Outcome, Trial, declarations
from hafnium.mutations import MUTATIONS
from hafnium.rule import LEVELS, Rule

_HEAD = """\
# Evasion

Made by `make docs` from the test; do not edit.

An intruder writes the same step in another way at no cost: other letter case, another folder,
a renamed program, quotes and carets in a command. Every sample entry that a rule matches is
mutated in all the ways listed below, each only where it leaves the attack working and the log
truthful. A rule survives a mutation when it, or another rule of at least its level, still
matches every mutant that differs in a field which the rule reads. What a rule does not
survive it says itself (`evaded_by`), with the reason; an escape that is not declared fails the
test, and so does a declaration that does not hold. A correlation sees what the rules that it
counts see.

`hafnium test --mutations` runs the test.
"""


def page(trial: Trial) -> str:
    """The whole page."""
    parts = [_HEAD, f"**The pack survives {score(trial.outcomes)} of all mutations.**\n"]
    parts += ["## Rules\n", "\n".join(_rules(trial)) + "\n"]
    parts += ["## Mutations\n", "\n".join(_mutations(trial)) + "\n"]
    return "\n".join(parts)


def score(outcomes: Iterable[Outcome]) -> str:
    """``survived/tried (percent)``, counting mutations of rules."""
    tried = list(outcomes)
    survived = sum(outcome.survived for outcome in tried)
    percent = f" ({100 * survived / len(tried):.1f} %)" if tried else ""
    return f"{survived}/{len(tried)}{percent}"


def _rules(trial: Trial) -> Iterator[str]:
    yield "| rule | survives | by the help of another rule | does not survive, and why |"
    yield "|---|---|---|---|"
    ordered = sorted(trial.rules, key=lambda r: (-LEVELS.index(r.level), r.title))
    for rule in ordered:
        outcomes = trial.of(rule)
        helped = ", ".join(o.mutation for o in outcomes if o.by_pack and o.survived)
        cells = (rule.title, score(outcomes), helped, "<br>".join(_escapes(rule, outcomes)))
        yield f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def _escapes(rule: Rule, outcomes: Iterable[Outcome]) -> Iterator[str]:
    declared = declarations(rule)
    for outcome in outcomes:
        if outcome.escaped:
            why = " ".join(declared.get(outcome.mutation, "not declared").split())
            yield f"**{outcome.mutation}**: {why}"


def _mutations(trial: Trial) -> Iterator[str]:
    yield "| mutation | choice of | why it is free | rules that survive |"
    yield "|---|---|---|---|"
    for name in dict.fromkeys(one.name for one in MUTATIONS):
        first = next(one for one in MUTATIONS if one.name == name)
        tried = [outcome for outcome in trial.outcomes if outcome.mutation == name]
        survived = sum(outcome.survived for outcome in tried)
        why = first.why.replace("|", "&#124;")
        yield f"| {name} | the {first.by} | {why} | {survived}/{len(tried)} |"

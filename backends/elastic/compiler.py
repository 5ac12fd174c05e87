"""A Sigma rule as an Elastic query: ES|QL, or EQL or Lucene where the site chooses it and it has
the words.

A rule may be served by several data sources. Each gets the condition under its own field names;
sources with the same names share one condition, behind the guards that tell them apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sigma.rule import SigmaRule

from hafnium.backends.elastic import compiler_esql
from hafnium.backends.elastic.compiler_columns import NAMES, Column, catalogue, is_templated
from hafnium.backends.elastic.compiler_logic import Conversion, Parsed
from hafnium.backends.elastic.compiler_patterns import Inexact, Pattern
from hafnium.backends.elastic.compiler_terms import AND, ATOM, NOT, OR, Outcome, Term, Words
from hafnium.errors import Refused
from hafnium.rule import Rule
from hafnium.siem import Query
from hafnium.site import Site
from hafnium.sources import Feed, feeds_for, fields_of

NAME = "elastic"
LANGUAGES = ("esql", "eql", "lucene")
"""The first is the one of a site that chooses none: it is proven in Elasticsearch itself."""
MAPPING = "the component templates of this pack, which map fields that no event may have had yet"


@dataclass
class Condition:
    """A detection rule over all its data sources, in one language.

    ``term`` holds the guards; ``indexes`` are the index patterns, in catalogue order.
    """

    language: str
    term: Term
    indexes: tuple[str, ...]
    sources: tuple[str, ...]
    needs: tuple[str, ...]
    notes: tuple[str, ...] = ()
    feeds: tuple[Feed, ...] = ()
    mapped: tuple[str, ...] = ()
    """Fields that ES|QL names and a component template maps: it fails on one that no index maps."""


@dataclass
class _Parts:
    """What is gathered over the feeds of a rule."""

    parsed: Sequence[Parsed]
    guards: dict[Outcome, list[Outcome]] = field(default_factory=dict)
    feeds: list[Feed] = field(default_factory=list)
    notes: dict[str, None] = field(default_factory=dict)
    named: dict[str, None] = field(default_factory=dict)
    known: dict[int, Outcome] = field(default_factory=dict)
    """Conditions by the identity of the field map: what is served alike is converted once."""


def compile_rule(rule: Rule, site: Site) -> Query:
    """Any rule as a query. Raises `Refused`."""
    if rule.correlation is not None:
        from hafnium.backends.elastic.correlation import compile_correlation

        return compile_correlation(rule, site)
    condition = compile_condition(rule, site)
    return Query(
        rule=rule,
        target=NAME,
        language=condition.language,
        text=statement(condition),
        sources=condition.sources,
        needs=condition.needs,
        notes=condition.notes,
        context=context([condition]),
    )


def statement(condition: Condition) -> str:
    """A condition as a whole query that returns single events."""
    if condition.language == "eql":
        return f"any where\n  {condition.term.text}"
    if condition.language == "lucene":
        return condition.term.text
    return f"{origin(condition.indexes)}\n| WHERE\n  {condition.term.text}"


def context(conditions: Sequence[Condition], named: Sequence[str] = ()) -> dict[str, Any]:
    """``index``: the patterns to search; ``mapped``: fields that must be mapped, for ES|QL,
    those among ``named`` included."""
    said: dict[str, Any] = {"index": _unique(i for c in conditions for i in c.indexes)}
    more = (name for name in named if is_templated(name))
    mapped = _unique([*(name for c in conditions for name in c.mapped), *more])
    return {**said, "mapped": mapped} if mapped else said


def origin(indexes: Iterable[str]) -> str:
    """The source command of an ES|QL query. Metadata lets an alert point at its event."""
    return f"FROM {', '.join(_index(i) for i in indexes)} METADATA _id, _index, _version"


def _index(pattern: str) -> str:
    return pattern if re.fullmatch(r"[A-Za-z0-9_.*-]+", pattern) else compiler_esql.text(pattern)


def languages(site: Site) -> list[str]:
    """What a rule is said in, if it can be: what the site has chosen, then ES|QL, then EQL."""
    chosen = site.choice(NAME, "language", LANGUAGES[0])
    return list(dict.fromkeys([chosen, "esql", "eql"]))


def compile_condition(rule: Rule, site: Site, language: str = "") -> Condition:
    """A detection rule's condition in the language that is asked for; else in the first of the
    site's that can say it."""
    feeds = feeds_for(catalogue(), rule, NAME)
    reasons: dict[str, Inexact] = {}
    for each in [language] if language else languages(site):
        try:
            return _compile(rule, site, feeds, each)
        except Inexact as error:
            reasons[each] = error
    reason = reasons.get(LANGUAGES[0]) or reasons[language]
    raise refused(rule, reason.reason, reason.mend) from reason


def refused(rule: Rule, reason: str, mend: str) -> Refused:
    """The refusal of a rule, at its detection."""
    line = rule.line("correlation" if rule.correlation else "detection")
    return Refused(f"{reason} (target {NAME})", file=rule.path, line=line, mend=mend)


def _compile(rule: Rule, site: Site, feeds: Sequence[Feed], language: str) -> Condition:
    kind = _conversion(language)
    assert isinstance(rule.sigma, SigmaRule)
    conditions = [condition.parsed for condition in rule.sigma.detection.parsed_condition]
    parts = _Parts([parsed for parsed in conditions if parsed is not None])
    for feed in feeds:
        _add(parts, rule, feed, kind)
    _note_left_out(parts, rule, feeds)
    if not parts.feeds:
        raise Inexact("no data source can ever match the condition", "check the rule's fields")
    mapped = tuple(name for name in parts.named if is_templated(name))
    needs = _unique(feed.source.needs for feed in parts.feeds)
    return Condition(
        language,
        _laid_out(parts, kind.words),
        indexes=tuple(_unique(i for feed in parts.feeds for i in indexes_of(feed, site))),
        sources=tuple(_unique(feed.source.id for feed in parts.feeds)),
        needs=(*needs, MAPPING) if mapped else tuple(needs),
        notes=tuple(parts.notes),
        feeds=tuple(parts.feeds),
        mapped=mapped,
    )


def _conversion(language: str) -> type[Conversion]:
    if language == "eql":
        from hafnium.backends.elastic.compiler_eql import Eql

        return Eql
    if language == "lucene":
        from hafnium.backends.elastic.compiler_lucene import Lucene

        return Lucene
    return compiler_esql.Esql


def _laid_out(parts: _Parts, words: Words) -> Term:
    """Guards and conditions as one term, a guard to a line."""
    branches: list[Term] = []
    for condition, guards in parts.guards.items():
        guard_ = words.any_of(guards)
        outer = ATOM if words.apart else OR
        lines = [each.inside(outer) for each in dict.fromkeys(guards) if isinstance(each, Term)]
        if isinstance(guard_, Term) and len(lines) > 1:
            guard_ = Term(f"(\n    {f'{chr(10)}    {words.either} '.join(lines)}\n  )")
        said = [part for part in (guard_, condition) if isinstance(part, Term)]
        shown = f"\n  {words.both} ".join(part.inside(NOT) for part in said) or words.always
        branches.append(Term(shown, AND if len(said) > 1 else ATOM))
    if len(branches) == 1:
        return branches[0]
    return Term(f"\n  {words.either} ".join(part.inside(ATOM) for part in branches), OR)


def _add(parts: _Parts, rule: Rule, feed: Feed, kind: type[Conversion]) -> None:
    """Add a feed's condition, unless it can never be true there."""
    lacking = sorted(feed.lacks & set(fields_of(rule)))
    if lacking:
        parts.notes[
            f"{feed.source.id} does not keep {', '.join(lacking)}: treated as absent there"
        ] = None
        if kind(feed, lacking_is_false=True).condition(parts.parsed) is False:
            parts.notes[f"{feed.source.id} is left out: the condition can never be true there"] = (
                None
            )
            return
    conversion = kind(feed)
    alike = id(feed.fields)
    if alike not in parts.known:
        parts.known[alike] = conversion.condition(parts.parsed)
        parts.notes.update(conversion.notes)
        parts.named.update(conversion.named)
    condition = parts.known[alike]
    if condition is False:
        return
    parts.guards.setdefault(condition, []).append(guard(conversion, feed.when))
    parts.feeds.append(feed)


def guard(conversion: Conversion, when: Mapping[str, Any]) -> Outcome:
    """What holds for every record of a feed."""
    parts: list[Outcome] = []
    for name, values in when.items():
        wanted = [values] if isinstance(values, str) else values
        column = Column(name, "name" if name in NAMES else "keyword")
        parts.append(conversion.match(column, [Pattern.literal_of(v) for v in wanted]))
    return conversion.words.all_of(parts)


def _note_left_out(parts: _Parts, rule: Rule, feeds: Sequence[Feed]) -> None:
    """Sources that serve the log source but do not know a field of the rule."""
    able = {id(feed) for feed in feeds}
    for source in catalogue():
        for feed in source.feeds:
            if rule.logsource.covers(feed.logsource) and id(feed) not in able:
                missing = [f for f in fields_of(rule) if not feed.knows(f)]
                parts.notes[f"{source.id} is left out: it has no field {', '.join(missing)}"] = None


def indexes_of(feed: Feed, site: Site) -> list[str]:
    """The index patterns of a feed's source, as the site or the catalogue says."""
    said = {**feed.source.site, **site.source(NAME, feed.source.id)}
    return [part.strip() for part in str(said["index"]).split(",") if part.strip()]


def _unique(items: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(items))

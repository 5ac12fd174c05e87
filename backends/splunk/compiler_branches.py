"""A rule's condition as each data source can say it: resolved field names, constants folded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionItem,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.rule import SigmaRule
from sigma.types import SigmaExists, SigmaExpansion, SigmaFieldReference, SigmaNull, SigmaString

from hafnium.backends.splunk.compiler_search import SearchTerms
from hafnium.backends.splunk.compiler_sources import TARGET, catalogue, event_macro, macro
from hafnium.backends.splunk.compiler_text import clean_key, eval_field, eval_text, search_field
from hafnium.backends.splunk.compiler_where import WhereExpression
from hafnium.errors import Refused
from hafnium.rule import Rule
from hafnium.sources import DataSource, Feed, feeds_for

UNNAMED = "Data"
"""The items of a Windows event that have no name: the one field with several values."""

Condition = Any
"""A node of pySigma's condition tree, or True or False where nothing is left to ask."""


@dataclass(frozen=True)
class Branch:
    """A rule over one data source.

    ``where`` is the exact condition for ``where``, None when every event that the guard lets
    through is a match. ``exact`` is the same for ``search`` or None where terms cannot say it,
    ``necessary`` what they can say of it.
    """

    feed: Feed
    where: str | None
    exact: str | None
    necessary: str | None

    @property
    def source(self) -> DataSource:
        return self.feed.source

    def search(self, exact: bool) -> str:
        """The terms that find the branch's events, exactly or as far as terms can."""
        terms = [f"`{macro(self.source)}`", *_search_guard(self.feed.when)]
        said = self.exact if exact else self.necessary
        return " ".join([*terms, *([said] if said else [])])

    def held(self, with_source: bool) -> str:
        """The whole of the branch as an expression for ``where``."""
        parts = [f"`{event_macro(self.source)}`"] if with_source else []
        parts += _where_guard(self.feed.when)
        parts += [self.where] if self.where else []
        return _joined(" AND ", parts) if parts else "true()"

    def excludes(self, other: Branch) -> bool:
        """True when no event can pass the guards of both."""
        mine, theirs = self.feed.when, other.feed.when
        return any(
            _texts(mine[field]).isdisjoint(_texts(theirs[field])) for field in mine.keys() & theirs
        )


def branches(rule: Rule) -> tuple[list[Branch], list[str]]:
    """The rule over each data source that can serve it, and notes on those that cannot.

    Raises `Refused` (some without the rule's place) for what SPL cannot say.
    """
    assert isinstance(rule.sigma, SigmaRule)
    trees = [condition.parsed for condition in rule.sigma.detection.parsed_condition]
    tree = trees[0] if len(trees) == 1 else ConditionOR(trees)
    found: list[Branch] = []
    lacking: dict[str, set[str]] = {}
    for feed in feeds_for(catalogue(), rule, TARGET):
        lost: set[str] = set()
        condition = resolve(tree, feed, lost)
        if condition is False:
            lacking.setdefault(feed.source.id, set()).update(lost)
            continue
        _add(found, _branch(feed, condition))
    served = {branch.source.id for branch in found}
    notes = [
        f"not searched in {source}, which has no {', '.join(sorted(names))}"
        for source, names in lacking.items()
        if source not in served
    ]
    return found, notes


def _branch(feed: Feed, condition: Condition) -> Branch:
    if condition is True:
        return Branch(feed, None, "", "")
    extra = feed.source.extra
    xml = bool(extra.get("xml"))
    keywords = extra["keywords"]
    if keywords == "fields":
        keywords = [str(name) for name in feed.fields.values() if name != "host"]
    terms = SearchTerms(xml=xml, integers=frozenset(extra.get("integers", ())))
    where = WhereExpression(xml=xml, keywords=keywords).write(condition)
    return Branch(feed, where, terms.exact(condition), terms.necessary(condition))


def _add(found: list[Branch], new: Branch) -> None:
    """Keep no branch that another one of the same source says as well."""
    for old in found:
        if (old.source, old.where) == (new.source, new.where) and _covers(old, new):
            return
    found[:] = [
        old
        for old in found
        if not ((old.source, old.where) == (new.source, new.where) and _covers(new, old))
    ]
    found.append(new)


def _covers(wide: Branch, narrow: Branch) -> bool:
    return all(
        field in narrow.feed.when and _texts(narrow.feed.when[field]) <= _texts(values)
        for field, values in wide.feed.when.items()
    )


def resolve(node: Condition, feed: Feed, lost: set[str]) -> Condition:
    """The condition under the names of the feed. A comparison with a field that the feed lacks
    is false, as with any absent field; ``lost`` collects such names."""
    if isinstance(node, ConditionNOT):
        inner = resolve(node.args[0], feed, lost)
        return (not inner) if isinstance(inner, bool) else ConditionNOT([inner])
    if isinstance(node, ConditionAND | ConditionOR):
        return _resolve_list(node, feed, lost)
    if isinstance(node, ConditionFieldEqualsValueExpression):
        return _resolve_field(node, feed, lost)
    assert isinstance(node, ConditionValueExpression)
    if isinstance(node.value, SigmaExpansion):
        return _resolve_list(
            ConditionOR([ConditionValueExpression(value) for value in node.value.values]),
            feed,
            lost,
        )
    return node


def _resolve_list(node: ConditionItem, feed: Feed, lost: set[str]) -> Condition:
    deciding = isinstance(node, ConditionOR)
    kept: list[Any] = []
    for arg in node.args:
        part = resolve(arg, feed, lost)
        if part is deciding:
            return part
        if not isinstance(part, bool):
            kept += part.args if type(part) is type(node) else [part]
    if not kept:
        return not deciding
    return kept[0] if len(kept) == 1 else type(node)(kept)


def _resolve_field(
    node: ConditionFieldEqualsValueExpression, feed: Feed, lost: set[str]
) -> Condition:
    value = node.value
    if isinstance(value, SigmaExpansion):
        parts: list[Any] = [
            ConditionFieldEqualsValueExpression(node.field, one) for one in value.values
        ]
        return _resolve_list(ConditionOR(parts), feed, lost)
    named = {node.field} | ({value.field} if isinstance(value, SigmaFieldReference) else set())
    if named & feed.lacks:
        lost |= named & feed.lacks
        empty = isinstance(value, SigmaString) and not value.s
        return (
            isinstance(value, SigmaNull)
            or empty
            or (isinstance(value, SigmaExists) and not value.exists)
        )
    if isinstance(value, SigmaFieldReference):
        if feed.source.extra.get("xml") and UNNAMED in named:
            raise Refused(f"a reference to {UNNAMED}, which has several values")
        value = SigmaFieldReference(stored(value.field, feed), value.starts_with, value.ends_with)
    return ConditionFieldEqualsValueExpression(stored(node.field, feed), value)


def stored(field: str, feed: Feed) -> str:
    """The name under which the feed's records keep a Sigma field."""
    name = feed.fields.get(field)
    if name is not None:
        assert isinstance(name, str), "this catalogue maps a field to one name"
        return name
    return clean_key(field) if feed.source.extra.get("clean_keys") else field


def _search_guard(when: Mapping[str, Any]) -> Iterable[str]:
    for field, said in when.items():
        values = [_literal(value) for value in _list(said)]
        yield (
            f"{search_field(field)}={values[0]}"
            if len(values) == 1
            else f"{search_field(field)} IN ({', '.join(values)})"
        )


def _where_guard(when: Mapping[str, Any]) -> Iterable[str]:
    for field, said in when.items():
        tests = [
            f"{field}={value}"
            if isinstance(value, int)
            else f"lower({eval_field(field)})={eval_text(value.lower())}"
            for value in _list(said)
        ]
        yield _joined(" OR ", tests)


def _literal(value: Any) -> str:
    return str(value) if isinstance(value, int) else eval_text(value)


def _list(said: Any) -> Sequence[Any]:
    return said if isinstance(said, list) else [said]


def _texts(said: Any) -> set[str]:
    return {str(value).lower() for value in _list(said)}


def _joined(operator: str, parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else "(" + operator.join(parts) + ")"

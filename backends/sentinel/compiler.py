"""A Sigma rule as one KQL query over all tables that serve its log source.

Each table is narrowed by its guard and normalised once (columns ``hf_…``: no table has such
names), then the condition stands once, after the union. All columns of a table stay, so that an
analyst sees the row.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sigma.exceptions import SigmaError
from sigma.rule import SigmaRule

from hafnium.errors import Refused, SiteError
from hafnium.rule import Rule
from hafnium.siem import Query
from hafnium.site import Site
from hafnium.sources import DataSource, Feed, feeds_for, fields_of, load_catalogue

from .compiler_backend import Conditions
from .compiler_columns import DECODE, Column, Table
from .compiler_context import context
from .compiler_fold import known
from .compiler_text import joined
from .compiler_thrift import early

TARGET = "sentinel"
LONGEST = 10_000
"""Characters that Sentinel allows in the query of an analytic rule."""

EVERYTHING = "hf_values"

IDENTITY = "hf_identity"
"""The column that tells apart the events of one instant."""


@cache
def catalogue() -> tuple[DataSource, ...]:
    """The data sources of Sentinel."""
    return load_catalogue(Path(__file__).with_name("sources.yml"))


@dataclass(frozen=True)
class Part:
    """A detection rule as table expression, to stand alone or in a correlation.

    ``text`` is a pipeline, ``tables`` what it reads, ``columns`` where the rule's own fields and
    those asked for are in its rows.
    """

    text: str
    tables: tuple[Table, ...]
    columns: Mapping[str, Column]
    notes: tuple[str, ...]

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(table.feed.source.id for table in self.tables))

    @property
    def needs(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(table.feed.source.needs for table in self.tables))


def compile_rule(rule: Rule, site: Site) -> Query:
    """The query of a rule. Raises `Refused` with the rule's file and line."""
    if rule.correlation is not None:
        from .correlation import compile_correlation

        return compile_correlation(rule, site)
    part = detection([rule], site, room=LONGEST)
    text = with_functions(part.text)
    if len(text) > LONGEST:
        raise Refused(
            f"the query has {len(text)} characters; Sentinel allows {LONGEST}",
            file=rule.path,
            line=rule.line("detection"),
            mend="split the rule",
        )
    return Query(
        rule,
        TARGET,
        "kql",
        text,
        part.sources,
        part.needs,
        part.notes,
        context(part.tables, part.columns),
    )


def with_functions(text: str) -> str:
    """The query with the functions that it calls in front."""
    return f"{DECODE}\n{text}" if "hf_text(" in text else text


def detection(
    rules: Sequence[Rule],
    site: Site,
    *,
    room: int,
    also: Sequence[str] = (),
    counted: bool = False,
) -> Part:
    """What any of the rules finds, each event once. They have one log source; ``also`` are
    fields that must be among the columns whether a rule compares them or not. The text has at
    most ``room`` characters if it can be. ``counted``: for a correlation, with `IDENTITY`."""
    rule = rules[0]
    line = rule.line("detection")
    try:
        return _detection(rules, site, room, also, counted)
    except Refused as refused:
        if refused.file is not None:
            raise
        raise Refused(refused.reason, file=rule.path, line=line, mend=refused.mend) from refused
    except SigmaError as error:
        raise Refused(str(error), file=rule.path, line=line) from error


def _detection(
    rules: Sequence[Rule], site: Site, room: int, also: Sequence[str], counted: bool
) -> Part:
    # No pipeline runs on a rule, so nothing changes it (B36).
    trees = [
        condition.parsed
        for rule in rules
        if isinstance(rule.sigma, SigmaRule)
        for condition in rule.sigma.detection.parsed_condition
    ]
    fields = list(dict.fromkeys([*(f for rule in rules for f in fields_of(rule)), *also]))
    keywords = has_keywords(trees)
    notes: list[str] = []
    tables = list(_tables(_feeds(rules), site, trees, fields, keywords, notes))
    layout = _Layout(tables, fields, keywords, counted)
    for ways in ({"thrifty": True}, {}, {"short": True}):
        text = layout.query(trees, **ways)
        if len(with_functions(text)) <= room:
            break
    return Part(text, tuple(tables), layout.columns, tuple(notes))


def has_keywords(nodes: Sequence[Any]) -> bool:
    """Does a condition search for a value without a field?"""
    from sigma.conditions import ConditionItem, ConditionValueExpression

    return any(
        isinstance(node, ConditionValueExpression)
        or (isinstance(node, ConditionItem) and has_keywords(node.args))
        for node in nodes
    )


def _tables(
    able: Sequence[Feed],
    site: Site,
    trees: Sequence[Any],
    fields: Sequence[str],
    keywords: bool,
    notes: list[str],
) -> Iterator[Table]:
    """The tables on which the rule can match; what is left out is noted."""
    refusals: list[str] = []
    left = 0
    for feed in able:
        table = Table(feed, table_name(feed.source, site))
        place = f"{table.name} ({table.guard()})" if feed.when else table.name
        try:
            columns = {field: table.column(field) for field in fields}
        except Refused as refused:
            refusals.append(refused.reason)
            continue
        if keywords and table.everything() is None:
            refusals.append(f"{table.name}: keywords: its values cannot be listed")
            continue
        lacking = [field for field, column in columns.items() if column.absent]
        if all(known(tree, lacking) is False for tree in trees):
            refusals.append(f"{place} is left out: without {', '.join(lacking)} nothing matches")
            continue
        if lacking:
            notes.append(f"{place} does not keep {', '.join(lacking)}: comparisons are false there")
        left += 1
        yield table
    if not left:
        raise Refused(
            "; ".join(dict.fromkeys(refusals)),
            mend="correct the field names or add a data source",
        )
    notes.extend(dict.fromkeys(refusals))


def _feeds(rules: Sequence[Rule]) -> list[Feed]:
    """The feeds that serve all rules, no event by two of them: a category's events are also
    those of their channel, a channel's also those of the whole product."""
    able = feeds_for(catalogue(), rules[0], TARGET)
    for rule in rules[1:]:
        able = [feed for feed in feeds_for(catalogue(), rule, TARGET) if feed in able]
    able = [f for n, f in enumerate(able) if not any(_same(f, before) for before in able[:n])]
    logsource = rules[0].logsource
    if logsource.category is None and logsource.product == "windows":
        able = [feed for feed in able if feed.logsource.category is None] or able
        if logsource.service is None:
            able = [feed for feed in able if feed.logsource.service is None] or able
    return able


def _same(feed: Feed, other: Feed) -> bool:
    """Do two log sources of a source name the same events?"""
    return feed.source.id == other.source.id and feed.when == other.when


def table_name(source: DataSource, site: Site) -> str:
    """The source's table at this site. Raises `SiteError` when it is no identifier."""
    said = str(site.source(TARGET, source.id).get("table", source.extra["table"]))
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", said):
        raise SiteError(
            f"{TARGET}.{source.id}.table cannot be {said!r}",
            file=site.file,
            mend="a table name has letters, digits and _ and does not begin with a digit",
        )
    return said


class _Layout:
    """Which columns the condition reads, and what each table has to compute for them."""

    def __init__(
        self, tables: Sequence[Table], fields: Sequence[str], keywords: bool, counted: bool
    ) -> None:
        self.tables = tables
        self._counted = counted
        self._extends: list[list[str]] = [[] for _ in tables]
        self.columns = {field: self._place(field) for field in fields}
        self._several = len(tables) > 1
        if keywords:
            for table, extends in zip(tables, self._extends, strict=True):
                extends.append(f"{EVERYTHING} = {table.everything()}")
        self.everything = EVERYTHING if keywords else None

    def _place(self, field: str) -> Column:
        columns = [table.column(field) for table in self.tables]
        first = columns[0]
        if first.plain and all(column == first for column in columns):
            return first
        many = any(column.many for column in columns)
        text = "hf_" + re.sub(r"\W", "_", field, flags=re.ASCII)
        while any(e.startswith(f"{text} = ") for e in self._extends[0]):
            text += "_"
        for column, extends in zip(columns, self._extends, strict=True):
            value = column.string
            if many and not column.many and not column.absent:
                value = _as_many(value)
            extends.append(f"{text} = {value}")
        return Column(text, plain=True, many=many)

    def query(self, trees: Sequence[Any], **ways: bool) -> str:
        """The pipeline, with the ``ways`` of `Conditions`."""
        conditions = Conditions(self.columns, self.everything, **ways)
        texts = [conditions.text(tree) for tree in trees]
        condition = joined([f"({t})" for t in texts], "or") if len(texts) > 1 else texts[0]
        if not self._several:
            return "\n".join([*self._leg(0, trees), f"| where {condition}"])
        legs = [" ".join(self._leg(number, trees)) for number in range(len(self.tables))]
        union = ",\n  ".join(f"({leg})" for leg in legs)
        return f"union isfuzzy=true\n  {union}\n| where {condition}"

    def _leg(self, number: int, trees: Sequence[Any]) -> list[str]:
        table, extends = self.tables[number], list(self._extends[number])
        lines = [table.name]
        guards = [guard] if (guard := table.guard()) else []
        if extends:
            guards += early(table, list(self.columns), trees)
        if guards:
            lines.append(f"| where {' and '.join(guards)}")
        if self._counted:
            extends.append(f"{IDENTITY} = {table.feed.source.extra['identity']}")
        if (self._several or self._counted) and table.host != "Computer":
            extends.append(f"Computer = {table.host}")
        if extends:
            lines.append("| extend " + ", ".join(extends))
        items = table.feed.source.extra.get("items", {})
        if (self._several or self._counted) and items.get("form") == "bag":
            # One type per name: else the union splits the column in two (…_string, …_dynamic).
            lines.append(f"| extend {items['column']} = tostring({items['column']})")
        return lines


def _as_many(text: str) -> str:
    from .compiler_text import SEPARATOR, literal

    mark = literal(SEPARATOR)
    return f'iff(isempty({text}), "", strcat({mark}, {text}, {mark}))'

"""From a rule to the search that Splunk runs.

A search begins with the macros of its data sources and the terms that Splunk answers from its
index. Where terms can say the whole condition they are all there is; else they are what is
necessary and ``where`` says all of it. So no part of the condition is ever split between the two.
"""

from __future__ import annotations

from collections.abc import Sequence

from sigma.exceptions import SigmaError

from hafnium.backends.splunk.compiler_branches import Branch, branches
from hafnium.backends.splunk.compiler_sources import FILTER, TARGET, filter_macro, macros
from hafnium.errors import Refused
from hafnium.rule import Rule
from hafnium.siem import Query
from hafnium.site import Site
from hafnium.sources import DataSource

LANGUAGE = "spl"


def compile_rule(rule: Rule, site: Site) -> Query:
    """The rule as a search. Raises `Refused` with the rule's place for what SPL cannot say."""
    part = "detection" if rule.correlation is None else "correlation"
    try:
        if rule.correlation is not None:
            from hafnium.backends.splunk.correlation import compile_correlation

            lines, sources, notes = compile_correlation(rule)
        else:
            lines, sources, notes = _compile_detection(rule)
    except (Refused, SigmaError, NotImplementedError) as error:
        if isinstance(error, Refused) and error.file:
            raise
        reason = error.reason if isinstance(error, Refused) else str(error)
        mend = error.mend if isinstance(error, Refused) else None
        raise Refused(reason, file=rule.path, line=rule.line(part), mend=mend) from error
    return _query(rule, site, lines, sources, notes)


def _compile_detection(rule: Rule) -> tuple[list[str], list[DataSource], list[str]]:
    found, notes = branches(rule)
    if not found:
        raise Refused(
            "no data source of target splunk has what the rule compares: " + "; ".join(notes)
        )
    sources = list({branch.source.id: branch.source for branch in found}.values())
    return search_lines(found), sources, notes


def search_lines(found: Sequence[Branch]) -> list[str]:
    """The commands that find what the branches say: one line each, all but the first with ``|``."""
    if all(branch.exact is not None for branch in found):
        return [search_terms(found, exact=True)]
    return [search_terms(found, exact=False), f"| where {where_condition(found)}"]


def search_terms(found: Sequence[Branch], *, exact: bool) -> str:
    """The search terms for all branches together."""
    terms = list(dict.fromkeys(branch.search(exact) for branch in found))
    return terms[0] if len(terms) == 1 else " OR ".join(f"({term})" for term in terms)


def where_condition(found: Sequence[Branch]) -> str:
    """What the branches say together, for events that came through their search terms."""
    first = found[0].where
    if first and all(branch.where == first for branch in found):
        return _bare(first)
    return _bare(held(found, not all(_are_apart(a, b) for a in found for b in found)))


def held(found: Sequence[Branch], with_source: bool) -> str:
    """What the branches say together, for any event; ``with_source`` of whatever origin."""
    parts = list(dict.fromkeys(branch.held(with_source) for branch in found))
    return parts[0] if len(parts) == 1 else "(" + " OR ".join(parts) + ")"


def _are_apart(one: Branch, other: Branch) -> bool:
    """True when a where condition can do without telling the two branches' sources apart."""
    return one.source == other.source or one.excludes(other)


def _bare(expression: str) -> str:
    return expression[1:-1] if expression.startswith("(") else expression


def _query(
    rule: Rule, site: Site, lines: list[str], sources: Sequence[DataSource], notes: Sequence[str]
) -> Query:
    tuned = filter_macro(rule.name)
    text = "\n".join([*lines, f"| `{tuned}`"])
    named = {name: said for name, said in macros(sources, site).items() if f"`{name}`" in text}
    return Query(
        rule=rule,
        target=TARGET,
        language=LANGUAGE,
        text=text,
        sources=tuple(source.id for source in sources),
        needs=tuple(dict.fromkeys(source.needs for source in sources)),
        notes=tuple(notes),
        context={"macros": {**named, tuned: FILTER}, "filter": tuned},
    )


def comment(lines: Sequence[str]) -> str:
    """The lines as one comment of SPL, from which none can break out."""
    safe = [" ".join(line.replace("`", "'").split()) for line in lines]
    return "```\n" + "\n".join(safe) + "\n```"

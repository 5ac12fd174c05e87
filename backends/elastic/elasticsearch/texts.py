"""The text that is put to the node for a query: its own if it is ES|QL, else the rule's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hafnium.backends.elastic.compiler import compile_condition, context, statement
from hafnium.backends.elastic.correlation import counted_in_esql
from hafnium.errors import Refused
from hafnium.siem import Query
from hafnium.site import Site


def refuses(query: Query) -> str | None:
    """Why there is no ES|QL for the query; None when there is."""
    try:
        esql(query)
    except Refused as error:
        return f"the plugin that runs EQL is not published, and in ES|QL: {error.reason}"
    return None


def esql(query: Query) -> tuple[str, Mapping[str, Any]]:
    """The query in ES|QL, with what it needs mapped. Raises `Refused`."""
    if query.language == "esql":
        return query.text, query.context
    if query.rule.correlation is not None:
        query = counted_in_esql(query.rule, Site())
        return query.text, query.context
    condition = compile_condition(query.rule, Site(), "esql")
    return statement(condition), context([condition])

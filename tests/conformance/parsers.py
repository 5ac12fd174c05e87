"""Independent parsers: does the query's language accept the text?"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

Accepts = Callable[[str], str | None]
"""Why the text is rejected; None when it is accepted."""


def parser(language: str) -> Accepts:
    """The parser for a language, or one that accepts everything where none is at hand."""
    return {"spl": spl, "eql": eql, "kql": kql}.get(language, lambda text: None)


def spl(text: str) -> str | None:
    from hafnium.backends.splunk.spl.grammar import parse
    from hafnium.errors import EngineError

    try:
        parse(text)
    except EngineError as error:
        return str(error)
    return None


def eql(text: str) -> str | None:
    from eql.errors import EqlError
    from eql.parser import (
        allow_runs,
        elastic_endpoint_fields,  # noqa: F401
        elasticsearch_syntax,
        ignore_missing_functions,  # noqa: F401
        parse_query,
    )

    try:
        with elasticsearch_syntax, allow_runs:
            parse_query(text)
    except EqlError as error:
        return str(error)
    return None


def kql(text: str) -> str | None:
    problems = _kql()(text)
    return str(problems[0].message) if problems else None


@functools.cache
def _kql() -> Callable[[str], list[Any]]:
    import duckdb_kql

    return duckdb_kql.validate

"""Independent parsers: does a query's language accept the text?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from hafnium.backends.elastic.engine_documents import Target
from hafnium.backends.elastic.engine_esql import parse
from hafnium.backends.elastic.engine_lucene import lucene_hits
from hafnium.backends.sentinel.binder import KustoBinder
from hafnium.backends.sentinel.binder.process import Binder
from hafnium.backends.splunk.spl.commands import compile_program
from hafnium.errors import EngineError
from hafnium.installed import installed

Reason = str | None
"""Why a text is rejected; None when it is accepted."""


def check(language: str, texts: Sequence[str], macros: Mapping[str, str]) -> list[Reason]:
    """What the parsers at hand say of each text. Raises `KeyError` for another language."""
    if language == "spl":
        return [_engine(lambda t=text: compile_program(t, macros)) for text in texts]
    return _PARSERS[language](texts)


def _eql(texts: Sequence[str]) -> list[Reason]:
    from eql.errors import EqlError
    from eql.parser import allow_runs, elasticsearch_syntax, parse_query, skip_optimizations

    def one(text: str) -> Reason:
        try:
            with elasticsearch_syntax, allow_runs, skip_optimizations:
                parse_query(text)
        except EqlError as error:
            return str(error)
        return None

    return [one(text) for text in texts]


def _esql(texts: Sequence[str]) -> list[Reason]:
    return [_engine(lambda t=text: parse(t)) for text in texts]


def _lucene(texts: Sequence[str]) -> list[Reason]:
    nothing = Target([], frozenset(), ["*"])
    return [_engine(lambda t=text: lucene_hits(t, nothing)) for text in texts]


def _kql(texts: Sequence[str]) -> list[Reason]:
    import duckdb_kql

    found = [duckdb_kql.validate(text) for text in texts]
    reasons = [str(problems[0].message) if problems else None for problems in found]
    absent = KustoBinder().missing()
    if absent:
        print(f"skipped: {KustoBinder.title}: {absent}")
        return reasons
    binder = Binder(installed(KustoBinder.name))
    bound = [next(iter(binder.diagnostics(text)), None) for text in texts]
    return [first or second for first, second in zip(reasons, bound, strict=True)]


def _engine(run: Callable[[], object]) -> Reason:
    try:
        run()
    except EngineError as error:
        return str(error)
    return None


_PARSERS: dict[str, Callable[[Sequence[str]], list[Reason]]] = {
    "eql": _eql,
    "esql": _esql,
    "kql": _kql,
    "lucene": _lucene,
}

"""Field types of the indexes that the queries search, as their mappings declare them.

Elasticsearch verifies a query against the mapping before it runs: a comparison that the type
does not allow is an error, and so is a field that no index has. Fields that ``mappings.yml``
names are mapped whether a document has them or not; any other field is mapped, as ``keyword``,
once a document has it (dynamic mapping).
"""

from __future__ import annotations

from pathlib import Path

from hafnium.data import load_data

_SEEN_AS = {"constant_keyword": "keyword", "wildcard": "keyword", "match_only_text": "text"}
"""What queries see of a type that only differs in how it is stored."""


def _table() -> dict[str, str]:
    groups = load_data(Path(__file__).with_name("mappings.yml"))
    return {
        group.get("prefix", "") + name: group["type"]
        for group in groups
        for name in group["names"].split()
    }


MAPPED = _table()
"""Field → type of its mapping, for the fields that the integrations' templates map."""
DECLARED = {name: _SEEN_AS.get(kind, kind) for name, kind in MAPPED.items()}
"""The same, as queries see it: keyword, text, long, ip, date or boolean."""


_OWN_STREAMS = {"message": "keyword"}
"""This pack's index template for the OABGenerator log maps the raw line as ``wildcard``, which
queries see as keyword."""


_LONGEST = 1024
"""`ignore_above` of keywords: a longer value is kept, but no query sees it."""


def seen(field: str, index: str, value: object) -> bool:
    """Whether queries see a value. The streams of this pack map texts as ``wildcard``, which
    has no limit."""
    if not isinstance(value, str) or len(value) <= _LONGEST // 2:
        return True
    if len(value.encode("utf-16-le")) <= 2 * _LONGEST:
        return True
    return MAPPED.get(field, "keyword") != "keyword" or index.startswith("logs-exchange.")


def type_of(field: str, index: str) -> str:
    """The type in an index (or all that a pattern names): keyword, text, long, ip, date or
    boolean."""
    if index.startswith("logs-exchange.oabgenerator-") and field in _OWN_STREAMS:
        return _OWN_STREAMS[field]
    return DECLARED.get(field, "keyword")

"""Records as an index: values by field, which fields are mapped, index patterns."""

from __future__ import annotations

import fnmatch
import functools
import ipaddress
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from hafnium.backends.elastic.engine_text import fold
from hafnium.backends.elastic.engine_types import DECLARED, seen, type_of
from hafnium.errors import EngineError
from hafnium.siem import Record

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Doc:
    """One document. A field's values are a tuple, empty when it has none."""

    __slots__ = ("_folded", "fields", "ref", "store")

    def __init__(self, ref: int, record: Record) -> None:
        self.ref = ref
        self.store = record.store
        self.fields = record.fields
        self._folded: dict[str, tuple[str, ...]] = {}

    def values(self, field: str) -> tuple[Any, ...]:
        value = self.fields.get(field)
        if value is None:
            return ()
        if isinstance(value, list):
            return tuple(each for each in value if seen(field, self.store, each))
        return (value,) if seen(field, self.store, value) else ()

    def folded(self, field: str) -> tuple[str, ...]:
        """The field's texts with ASCII letters in lower case."""
        found = self._folded.get(field)
        if found is None:
            found = tuple(fold(str(value)) for value in self.values(field))
            self._folded[field] = found
        return found

    def millis(self) -> int | None:
        """``@timestamp`` in milliseconds since 1970."""
        value = self.fields.get("@timestamp")
        return None if value is None else millis(value)


@functools.lru_cache(maxsize=65536)
def millis(text: str) -> int:
    """An ISO 8601 date in milliseconds since 1970."""
    try:
        return round(datetime.fromisoformat(text).timestamp() * 1000)
    except ValueError as error:
        raise EngineError(f"{text!r} is no date") from error


class Index:
    """The documents of all indexes, and what their mappings know."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._stores: dict[str, list[Doc]] = {}
        for ref, record in enumerate(records):
            self._stores.setdefault(record.store, []).append(Doc(ref, record))
        self._mapped: dict[str, frozenset[str]] = {}
        self._searched: dict[tuple[str, ...], Target] = {}

    def search(self, patterns: Iterable[str]) -> Target:
        """The part that index patterns name. A pattern with a leading ``-`` takes away."""
        asked = tuple(patterns)
        if asked not in self._searched:
            self._searched[asked] = self._search(asked)
        return self._searched[asked]

    def _search(self, patterns: Sequence[str]) -> Target:
        names: list[str] = []
        for pattern in patterns:
            if pattern.startswith("-"):
                names = [name for name in names if not fnmatch.fnmatchcase(name, pattern[1:])]
            else:
                names += [
                    name
                    for name in self._stores
                    if fnmatch.fnmatchcase(name, pattern) and name not in names
                ]
        docs = [doc for name in names for doc in self._stores[name]]
        docs.sort(key=lambda doc: doc.ref)
        seen = frozenset[str]().union(*(self._fields_of(name) for name in names))
        return Target(docs, seen, [p for p in patterns if not p.startswith("-")])

    def _fields_of(self, store: str) -> frozenset[str]:
        if store not in self._mapped:
            self._mapped[store] = frozenset(
                name for doc in self._stores[store] for name in doc.fields
            )
        return self._mapped[store]


class Target:
    """The documents that a query searches."""

    def __init__(self, docs: list[Doc], seen: frozenset[str], patterns: list[str]) -> None:
        self.docs = docs
        self._seen = seen
        self._patterns = patterns

    def has(self, field: str) -> bool:
        """Is the field mapped in at least one index?"""
        return field in DECLARED or field in self._seen

    def type_of(self, field: str) -> str:
        """The field's type. Raises `EngineError` when the indexes do not agree on it."""
        types = sorted({type_of(field, pattern) for pattern in self._patterns})
        if len(types) > 1:
            raise EngineError(f"[{field}] is mapped as {' and '.join(types)}: it is ambiguous")
        return types[0] if types else "keyword"


@functools.lru_cache(maxsize=65536)
def address(text: str) -> Address | None:
    """An IP address; IPv4 in IPv6 form is the IPv4 address, as in Elasticsearch."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped
    return found


def network(text: str) -> Network:
    """A CIDR block or a single address as a block. Raises `EngineError`."""
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise EngineError(f"{text!r} is neither an IP address nor a CIDR block") from error


def inside(value: Address | None, block: Network) -> bool:
    """Does the block hold the address? One of the other IP version is outside."""
    return value is not None and value.version == block.version and value in block

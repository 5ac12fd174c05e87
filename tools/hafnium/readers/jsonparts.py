"""The pieces of a decoded JSON event: attributes, named and unnamed items, leaves."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from hafnium.readers.windows import Item, braced

_NUMBERED = re.compile(r"(.+)_[1-9]\d*")
_ATTRIBUTES = ("#attributes", "@attributes")
_TEXTS = ("#text", "Value", "$value")


def text_of(value: Any) -> str:
    """A scalar's text, or that of an element with attributes; "" for null and the rest."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return text_of(next((value[key] for key in _TEXTS if key in value), None))
    return "" if value is None or isinstance(value, list) else str(value)


def inner(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The object under ``key``; an empty one when there is none."""
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def attribute(parent: Mapping[str, Any], element: str, name: str) -> str:
    """An element's attribute, in any of the ways in which converters from XML write it."""
    own = inner(parent, element)
    places = [inner(parent, f"{element}_attributes"), *(inner(own, key) for key in _ATTRIBUTES)]
    places.append({name: own.get(f"@{name}", own.get(name))})
    return next((text_of(place[name]) for place in places if place.get(name) is not None), "")


def event_data(data: Any) -> Iterator[Item]:
    """The items of an EventData object, list or text, in its order.

    A name that a converter has numbered because it was there already gets its number off.
    """
    if data is None:
        return
    if not isinstance(data, dict):
        yield from items(None, data)
        return
    for key, value in data.items():
        if not _is_attribute(key):
            numbered = _NUMBERED.fullmatch(key)
            name = numbered[1] if numbered and numbered[1] in data else key
            yield from items(None if name == "Data" else name, value)


def items(name: str | None, value: Any) -> Iterator[Item]:
    """The items under one name; an element's own Name attribute wins."""
    if isinstance(value, list):
        for one in value:
            yield from items(name, one)
    elif isinstance(value, dict):
        own = _own_name(value)
        if own is not None or "#text" in value:
            yield from items(own or name, next((value[k] for k in _TEXTS if k in value), None))
        else:
            yield from leaves(value, name)
    else:
        text = text_of(value)
        yield name, braced(name, text) if name else text


def leaves(value: Any, name: str | None = None) -> Iterator[Item]:
    """The values inside nested objects, under the innermost name."""
    if isinstance(value, dict):
        for key, found in value.items():
            if key == "#text":
                yield from leaves(found, name)
            elif not _is_attribute(key):
                yield from leaves(found, key)
    elif isinstance(value, list):
        for one in value:
            yield from leaves(one, name)
    elif value is not None:
        yield from items(name, value)


def _is_attribute(key: str) -> bool:
    return key.startswith(("#", "@")) or key.endswith("_attributes")


def _own_name(value: Mapping[str, Any]) -> str | None:
    places = [value, *(inner(value, key) for key in _ATTRIBUTES)]
    return next((str(p[k]) for p in places for k in ("Name", "@Name") if p.get(k)), None)

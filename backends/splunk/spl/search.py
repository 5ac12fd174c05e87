r"""The ``search`` command: which events a search expression matches.

As documented: values ignore case and know ``*``; ``\\`` and ``\"`` are the only escapes and
nothing escapes ``*``; ``=`` compares texts (``1`` is not ``1.0``), ``<`` and the like numbers;
``!=`` wants the field to be there, ``NOT`` does not; a multivalue matches if any value does.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from hafnium.backends.splunk.spl import values
from hafnium.backends.splunk.spl.grammar import Node
from hafnium.backends.splunk.spl.values import Fields, both, either, number
from hafnium.errors import EngineError

CONSTANT = ("index", "source", "sourcetype", "host", "EventCode")
"""Fields by which events are put into streams: within a stream they have one value."""

_ELSEWHERE = re.compile(
    r"earliest|latest|_index_(?:earliest|latest)|start\w*time|end\w*time|eventtype|tag(?:::.*)?"
    r"|hosttag|savedsearch|sid|splunk_server\w*|punct|linecount|timestamp|date_\w+|source::.*"
)
_MAJOR = frozenset("\n\r\t []<>(){}|!;,'\"*&?+")
_MINOR = frozenset("/:=@.-$#%\\_")
_BREAKERS = _MAJOR | _MINOR

Parts = list[str]
"""A pattern: the literals between its wildcards; one part is a pattern without wildcard."""


class Condition(NamedTuple):
    """A compiled search expression.

    ``test`` decides over an event. ``guess`` sees only its `CONSTANT` fields, and is None when
    they do not decide: it lets whole streams be skipped.
    """

    test: Callable[[Fields], bool]
    guess: Callable[[Fields], bool | None]


def compile_search(node: Node) -> Condition:
    """Compile a ``search`` command or any expression in it."""
    return _COMPILERS[node.kind](node)


def _children(node: Node) -> list[Condition]:
    return [compile_search(child) for child in node.children]


def _conjunction(node: Node) -> Condition:
    parts = _children(node)

    def guess(fields: Fields) -> bool | None:
        result: bool | None = True
        for part in parts:
            result = both(result, part.guess(fields))
        return result

    tests = [part.test for part in parts]
    return Condition(lambda fields: all(test(fields) for test in tests), guess)


def _disjunction(node: Node) -> Condition:
    parts = _children(node)

    def guess(fields: Fields) -> bool | None:
        result: bool | None = False
        for part in parts:
            result = either(result, part.guess(fields))
        return result

    tests = [part.test for part in parts]
    return Condition(lambda fields: any(test(fields) for test in tests), guess)


def _negation(node: Node) -> Condition:
    (part,) = _children(node)

    def guess(fields: Fields) -> bool | None:
        known = part.guess(fields)
        return None if known is None else not known

    return Condition(lambda fields: not part.test(fields), guess)


def _comparison(node: Node) -> Condition:
    name, operator, value = node.children
    return _field(name.text, operator.text, value.children)


def _membership(node: Node) -> Condition:
    name, *listed = node.children
    return _field(name.text, "=", [value.children[0] for value in listed])


def _field(name_token: str, operator: str, wanted: Sequence[Node]) -> Condition:
    name = "*".join(decode(name_token))
    if "*" in name:
        raise EngineError(f"wildcard in the field name {name!r} is not supported")
    if _ELSEWHERE.fullmatch(name):
        raise EngineError(f"{name}= in a search is not supported")
    if operator in ("=", "!="):
        matches = _any_of([_pattern(node, in_field=True) for node in wanted])
    else:
        matches = _ordered(wanted[0].text, operator)

    def test(fields: Fields) -> bool:
        value = fields.get(name)
        if value is None:
            return False
        if isinstance(value, list):
            if operator == "!=":
                raise EngineError(f"{name}!= on a multivalue is not documented", mend="use NOT")
            return any(matches(one) for one in value)
        return matches(values.text(value)) != (operator == "!=")

    if name in CONSTANT:
        return Condition(test, test)
    return Condition(test, lambda fields: None)


def _any_of(wanted: Sequence[tuple[Parts, bool]]) -> Callable[[str], bool]:
    """Whether a value matches one of the patterns; each comes with whether it keeps to case."""
    exact = {parts[0].lower() for parts, cased in wanted if not cased and len(parts) == 1}
    folded = [
        _whole([part.lower() for part in parts])
        for parts, cased in wanted
        if not cased and len(parts) > 1
    ]
    others = [_whole(parts) for parts, cased in wanted if cased]
    subnets = [subnet for parts, _ in wanted if (subnet := _network(parts)) is not None]

    def matches(value: str) -> bool:
        lower = value.lower()
        return (
            lower in exact
            or any(match(lower) for match in folded)
            or any(match(value) for match in others)
            or any(inside(subnet, value) for subnet in subnets)
        )

    return matches


def _ordered(said: str, operator: str) -> Callable[[str], bool]:
    """``<`` and the like, as documented: numbers by size, other values lexicographically."""
    limit = number(said)
    if limit is None:
        raise EngineError(f"{operator} {said} is not a comparison with a number")

    def matches(value: str) -> bool:
        known = number(value)
        if known is None:
            return values.compare(operator, value, said) is True
        return values.compare(operator, known, limit) is True

    return matches


def _pattern(node: Node, *, in_field: bool) -> tuple[Parts, bool]:
    """A value or term as a pattern, and whether it keeps to case."""
    if node.kind != "DIRECTIVE":
        return decode(node.text), False
    name, inner = node.text[:4], node.text[5:-1].strip()
    if in_field and name == "TERM":
        raise EngineError("TERM() as the value of a field is not supported")
    return decode(inner), name == "CASE"


def decode(token: str) -> Parts:
    """A word or quoted string of a search as a pattern."""
    inner = token[1:-1] if token.startswith('"') else token
    parts = [""]
    at = 0
    while at < len(inner):
        char = inner[at]
        if char == "\\":
            at += 1
            char = inner[at : at + 1]
            if char not in ("\\", '"'):
                raise EngineError(f"lone backslash in {token}", mend="double it")
            parts[-1] += char
        elif char == "*":
            parts.append("")
        else:
            parts[-1] += char
        at += 1
    return parts


def _whole(parts: Parts) -> Callable[[str], bool]:
    """Whether a whole value matches a pattern, to the letter."""
    if len(parts) == 1:
        (only,) = parts
        return lambda value: value == only
    start, *inner, end = parts
    if not any(inner):
        if not end:
            return lambda value: value.startswith(start)
        if not start:
            return lambda value: value.endswith(end)
    if len(inner) == 1 and not start and not end:
        (middle,) = inner
        return lambda value: middle in value
    matches = re.compile(".*".join(re.escape(part) for part in parts), re.DOTALL).fullmatch
    return lambda value: matches(value) is not None


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _network(parts: Parts) -> Network | None:
    """The subnet that a value in CIDR notation stands for."""
    if len(parts) != 1 or not re.fullmatch(r"[0-9a-fA-F:.]+/\d+", parts[0]):
        return None
    return network(parts[0])


def network(notation: str) -> Network | None:
    """A subnet in CIDR notation; None when it is none."""
    try:
        return ipaddress.ip_network(notation, strict=False)
    except ValueError:
        return None


def inside(subnet: Network, value: str) -> bool:
    """Whether a value is an address in the subnet; an address with a zone (``%4``) is none."""
    if "%" in value:
        return False
    try:
        return ipaddress.ip_address(value) in subnet
    except ValueError:
        return False


def _term(node: Node) -> Condition:
    (said,) = node.children
    parts, cased = _pattern(said, in_field=False)
    breakers = _BREAKERS
    if said.kind == "DIRECTIVE" and said.text.startswith("TERM("):
        breakers = _MAJOR
        if any(char in _MAJOR for part in parts for char in part):
            raise EngineError(f"major breaker inside {said.text}")
    if any(not part for part in parts[1:-1]) or len([part for part in parts if part]) > 1:
        raise EngineError(f"wildcard inside the term {said.text} is not supported")
    if not any(parts):
        return Condition(lambda fields: True, lambda fields: True)
    found = _segments(parts, breakers, cased=cased)
    return Condition(lambda fields: found(_raw(fields)), lambda fields: None)


def _raw(fields: Fields) -> str:
    if "_raw" not in fields:
        raise EngineError("a term is searched where _raw was removed")
    return values.text(fields["_raw"])


def _segments(parts: Parts, breakers: frozenset[str], *, cased: bool) -> Callable[[str], bool]:
    """Whether the raw text holds the term, bounded by breakers where it has no wildcard."""
    edge = "[" + "".join(re.escape(char) for char in sorted(breakers)) + "]"
    literal = next(part for part in parts if part)
    before = "" if not parts[0] or literal[0] in breakers else f"(?:(?<={edge})|\\A)"
    after = "" if not parts[-1] or literal[-1] in breakers else f"(?={edge}|\\Z)"
    if not before and not after:
        if cased:
            return lambda raw: literal in raw
        folded = literal.lower()
        return lambda raw: folded in raw.lower()
    wanted = literal if cased else literal.lower()
    search = re.compile(before + re.escape(wanted) + after).search

    def found(raw: str) -> bool:
        text = raw if cased else raw.lower()
        return wanted in text and search(text) is not None  # the first test is the fast one

    return found


_COMPILERS: dict[str, Callable[[Node], Condition]] = {
    "search": lambda node: compile_search(node.children[0]),
    "conjunction": _conjunction,
    "disjunction": _disjunction,
    "negation": _negation,
    "comparison": _comparison,
    "membership": _membership,
    "term": _term,
}

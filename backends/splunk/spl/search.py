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

METADATA = ("index", "source", "sourcetype", "host")
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

    ``test`` decides over an event. ``guess`` sees only its `METADATA`, and is None when they
    do not decide: it lets whole streams be skipped.
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
    matchers = [_value(node, operator) for node in wanted]

    def test(fields: Fields) -> bool:
        value = fields.get(name)
        if value is None:
            return False
        if isinstance(value, list):
            if operator == "!=":
                raise EngineError(f"{name}!= on a multivalue is not documented", mend="use NOT")
            return any(matches(one) for one in value for matches in matchers)
        single = values.text(value)
        return any(matches(single) for matches in matchers)

    if name in METADATA:
        return Condition(test, test)
    return Condition(test, lambda fields: None)


def _value(node: Node, operator: str) -> Callable[[str], bool]:
    parts, cased = _pattern(node, in_field=True)
    if operator in ("=", "!="):
        matches = pattern(parts, cased=cased)
        network = _network(parts)
        if network is not None:
            inside = matches
            matches = lambda value: inside(value) or _inside(network, value)  # noqa: E731
        return matches if operator == "=" else lambda value: not matches(value)
    limit = number(parts[0]) if len(parts) == 1 else None
    if limit is None:
        raise EngineError(f"{operator} {node.text} is not a comparison with a number")
    shown = parts[0]

    def ordered(value: str) -> bool:
        # Documented: two numbers compare numerically, other values lexicographically.
        known = number(value)
        return bool(
            values.compare(operator, value, shown)
            if known is None
            else values.compare(operator, known, limit)
        )

    return ordered


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


def pattern(parts: Parts, *, cased: bool = False) -> Callable[[str], bool]:
    """Whether a whole value matches a pattern."""
    if cased:
        return _whole(parts)
    folded = _whole([part.lower() for part in parts])
    return lambda value: folded(value.lower())


def _whole(parts: Parts) -> Callable[[str], bool]:
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


def _inside(subnet: Network, value: str) -> bool:
    return inside(subnet, value)


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
    return Condition(lambda fields: found(values.text(fields["_raw"])), lambda fields: None)


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

"""A rule's condition tree as a predicate over an event.

Absent is false: a comparison with a field that the event does not have is false, and ``not``
of it true. An empty field counts as absent, since no SIEM keeps the two apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.exceptions import SigmaError
from sigma.rule import SigmaRule
from sigma.types import (
    SigmaCasedString,
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaString,
    SigmaType,
    SpecialChars,
)

from hafnium.entries import Value
from hafnium.errors import Refused
from hafnium.matcher.values import Test, keyword_test, value_test
from hafnium.rule import Rule


class Fields:
    """An event's fields, each folded to lower case at most once.

    ``Computer`` falls back to the host that the log was collected from: text logs do not
    carry it, but every SIEM's agent adds it.
    """

    __slots__ = ("_folded", "_host", "_plain")

    def __init__(self, plain: Mapping[str, Value], host: str = "") -> None:
        self._plain = plain
        self._host = host
        self._folded: dict[str, tuple[tuple[str, str], ...]] = {}

    def get(self, name: str) -> tuple[tuple[str, str], ...]:
        """The field's values as (plain, folded) pairs; empty when absent."""
        pairs = self._folded.get(name)
        if pairs is None:
            value = self._plain.get(name, self._host if name == "Computer" else ())
            values = (value,) if isinstance(value, str) else value
            pairs = tuple((v, v.lower()) for v in values if v)
            self._folded[name] = pairs
        return pairs

    def all(self) -> Iterable[tuple[str, str]]:
        """Every value of the event."""
        for name in self._plain:
            yield from self.get(name)


Predicate = Callable[[Fields], bool]


def predicate(rule: Rule) -> Predicate:
    """What a detection rule says of an event. Raises `Refused` with the rule's place."""
    assert isinstance(rule.sigma, SigmaRule)
    try:
        trees = [condition.parsed for condition in rule.sigma.detection.parsed_condition]
        return _any([_node(tree) for tree in trees])
    except (Refused, SigmaError) as error:
        reason = error.reason if isinstance(error, Refused) else str(error)
        mend = error.mend if isinstance(error, Refused) else None
        line = rule.line("detection")
        raise Refused(reason, file=rule.path, line=line, mend=mend) from error


def _node(node: object) -> Predicate:
    if isinstance(node, ConditionAND):
        return _all([_node(arg) for arg in node.args])
    if isinstance(node, ConditionOR):
        return _any(_alternatives(node))
    if isinstance(node, ConditionNOT):
        inner = _node(node.args[0])
        return lambda fields: not inner(fields)
    if isinstance(node, ConditionFieldEqualsValueExpression):
        return _field(node.field, node.value)
    if isinstance(node, ConditionValueExpression):
        return _keyword(node.value)
    raise Refused(f"a condition of type {type(node).__name__} has no meaning here")


def _all(parts: Sequence[Predicate]) -> Predicate:
    if len(parts) == 1:
        return parts[0]
    return lambda fields: all(part(fields) for part in parts)


def _any(parts: Sequence[Predicate]) -> Predicate:
    if len(parts) == 1:
        return parts[0]
    return lambda fields: any(part(fields) for part in parts)


def _alternatives(node: ConditionOR) -> list[Predicate]:
    """The branches of an OR; plain suffix tests of one field become one test of all suffixes."""
    suffixes: dict[str, list[str]] = {}
    rest: list[Predicate] = []
    for arg in node.args:
        if isinstance(arg, ConditionFieldEqualsValueExpression):
            text = _plain_suffix(arg.value)
            if text is not None:
                suffixes.setdefault(arg.field, []).append(text)
                continue
        rest.append(_node(arg))
    return [_suffixes(name, tuple(texts)) for name, texts in suffixes.items()] + rest


def _plain_suffix(value: SigmaType) -> str | None:
    if not isinstance(value, SigmaString) or isinstance(value, SigmaCasedString):
        return None
    if len(value.s) == 2 and value.s[0] == SpecialChars.WILDCARD_MULTI:
        return value.s[1].lower() if isinstance(value.s[1], str) else None
    return None


def _suffixes(name: str, texts: tuple[str, ...]) -> Predicate:
    return lambda fields: any(folded.endswith(texts) for _, folded in fields.get(name))


def _field(name: str, value: SigmaType) -> Predicate:
    if isinstance(value, SigmaNull) or (isinstance(value, SigmaString) and not value.s):
        return lambda fields: not fields.get(name)
    if isinstance(value, SigmaExists):
        wanted = value.exists
        return lambda fields: bool(fields.get(name)) is wanted
    if isinstance(value, SigmaExpansion):
        return _any([_field(name, one) for one in value.values])
    if isinstance(value, SigmaFieldReference):
        return _reference(name, value)
    test = value_test(value)
    return lambda fields: any(test(*pair) for pair in fields.get(name))


def _reference(name: str, value: SigmaFieldReference) -> Predicate:
    compare: Test
    if value.starts_with and value.ends_with:
        compare = str.__contains__
    elif value.starts_with:
        compare = str.startswith
    elif value.ends_with:
        compare = str.endswith
    else:
        compare = str.__eq__
    other = value.field

    def test(fields: Fields) -> bool:
        return any(compare(a, b) for _, a in fields.get(name) for _, b in fields.get(other))

    return test


def _keyword(value: SigmaType) -> Predicate:
    if isinstance(value, SigmaExpansion):
        return _any([_keyword(one) for one in value.values])
    test = keyword_test(value)
    return lambda fields: any(test(*pair) for pair in fields.all())

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
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaString,
    SigmaType,
)

from hafnium.entries import Value
from hafnium.errors import Refused
from hafnium.matcher.values import Plain, Test, any_text, keyword_test, plain_text, value_test
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
            if isinstance(value, str):
                pairs = ((value, value.lower()),) if value else ()
            else:
                pairs = tuple((v, v.lower()) for v in value if v)
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
        return _all([_node(arg) for arg in sorted(node.args, key=_cost)])
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


def _cost(node: object) -> int:
    """Cheap comparisons first: the order of an AND changes its price, not its meaning."""
    if isinstance(node, ConditionFieldEqualsValueExpression):
        plain = plain_text(node.value)
        return 0 if plain is not None and plain[0] == "is" else 1
    if isinstance(node, ConditionValueExpression):
        return 1000
    return 1 + sum(_cost(arg) for arg in getattr(node, "args", ()))


def _all(parts: Sequence[Predicate]) -> Predicate:
    """All of the parts; loops instead of generators, for this is the hunt's innermost code."""
    if len(parts) == 1:
        return parts[0]

    def holds(fields: Fields) -> bool:
        for part in parts:  # noqa: SIM110
            if not part(fields):
                return False
        return True

    return holds


def _any(parts: Sequence[Predicate]) -> Predicate:
    if len(parts) == 1:
        return parts[0]

    def holds(fields: Fields) -> bool:
        for part in parts:  # noqa: SIM110
            if part(fields):
                return True
        return False

    return holds


def _alternatives(node: ConditionOR) -> list[Predicate]:
    """The branches of an OR; plain tests of one kind on one field become one test."""
    texts: dict[tuple[str, Plain], list[str]] = {}
    rest: list[Predicate] = []
    for arg in node.args:
        if isinstance(arg, ConditionFieldEqualsValueExpression):
            plain = plain_text(arg.value)
            if plain is not None:
                texts.setdefault((arg.field, plain[0]), []).append(plain[1])
                continue
        rest.append(_node(arg))
    together = [_value(name, any_text(kind, of)) for (name, kind), of in texts.items()]
    return together + rest


def _value(name: str, test: Test) -> Predicate:
    """Does any value of the field pass the test?"""

    def holds(fields: Fields) -> bool:
        for plain, folded in fields.get(name):  # noqa: SIM110
            if test(plain, folded):
                return True
        return False

    return holds


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
    return _value(name, value_test(value))


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

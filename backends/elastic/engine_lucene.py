"""Lucene's query syntax, as Elasticsearch's ``query_string`` reads it, in the part that is needed.

Words and signs whose meaning depends on settings or on what stands beside them are refused: a
value without a field, a wildcard, AND or NOT beside OR without parentheses.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from typing import NoReturn

from hafnium.backends.elastic.engine_documents import Doc, Target, address, inside, network
from hafnium.backends.elastic.engine_text import regex
from hafnium.errors import EngineError

Test = Callable[[Doc], bool]
_TOKEN = re.compile(
    r"""(?P<space>\s+)
    | (?P<all>\*:\*)
    | (?P<field>(?:[^\s+\-!(){}\[\]^"~*?:\\/&|=<>]|\\.)(?:[^\s!(){}\[\]^"~*?:\\/&|=<>]|\\.)*):
    | (?P<word>AND|OR|NOT)(?![^\s(])
    | (?P<quoted>"(?:[^"\\]|\\.)*")
    | (?P<regex>/(?:\\/|[^/])*/)
    | (?P<range>[\[{][^\s\]}]+\ TO\ [^\s\]}]+[\]}])
    | (?P<sign>[()])""",
    re.VERBOSE | re.DOTALL,
)


def lucene_hits(text: str, target: Target) -> list[tuple[int, ...]]:
    """The documents that a query finds. Raises `EngineError`."""
    test = _Parser(text, target).run()
    return [(doc.ref,) for doc in target.docs if test(doc)]


class _Parser:
    """Recursive descent; makes a test for documents."""

    def __init__(self, text: str, target: Target) -> None:
        self._text = text
        self._target = target
        self._tokens = list(self._split())
        self._at = 0

    def run(self) -> Test:
        test = self._group()
        if self._at < len(self._tokens):
            self._fail("something follows the end of the query")
        return test

    def _split(self) -> Iterator[tuple[str, str]]:
        at = 0
        while at < len(self._text):
            found = _TOKEN.match(self._text, at)
            if found is None:
                self._fail(f"nothing that is known stands at character {at + 1}")
            kind = str(found.lastgroup)
            if kind != "space":
                yield kind, found[kind]
            at = found.end()

    def _fail(self, why: str) -> NoReturn:
        raise EngineError(f"Lucene query {self._text[:80]!r}: {why}")

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def _take(self) -> tuple[str, str]:
        token = self._peek()
        self._at += 1
        return token

    def _group(self) -> Test:
        """Clauses that are all joined by the same word."""
        clauses = [self._clause()]
        words: set[str] = set()
        while self._peek() in (("word", "AND"), ("word", "OR")):
            words.add(self._take()[1])
            clauses.append(self._clause())
        tests = [test for _, test in clauses]
        if len(words) > 1 or (words == {"OR"} and any(negated for negated, _ in clauses)):
            self._fail("AND or NOT stands beside OR: the parser has no precedence")
        if len(tests) == 1:
            return tests[0]
        join = any if words == {"OR"} else all
        return lambda doc: join(test(doc) for test in tests)

    def _clause(self) -> tuple[bool, Test]:
        if self._peek() == ("word", "NOT"):
            self._take()
            _, test = self._clause()
            return True, lambda doc: not test(doc)
        kind, said = self._take()
        if kind == "all":
            return False, lambda doc: True
        if (kind, said) == ("sign", "("):
            test = self._group()
            self._close()
            return False, test
        if kind != "field":
            self._fail("a field is needed")
        return False, self._field(re.sub(r"\\(.)", r"\1", said, flags=re.DOTALL))

    def _close(self) -> None:
        if self._take() != ("sign", ")"):
            self._fail("a parenthesis is not closed")

    def _field(self, name: str) -> Test:
        if name == "_exists_":
            wanted = self._quoted()
            return lambda doc: bool(doc.values(wanted))
        if self._peek() != ("sign", "("):
            return self._value(name)
        self._take()
        tests = [self._value(name)]
        while self._peek() == ("word", "OR"):
            self._take()
            tests.append(self._value(name))
        self._close()
        return lambda doc: any(test(doc) for test in tests)

    def _quoted(self) -> str:
        kind, said = self._take()
        if kind != "quoted":
            self._fail("a value must stand in quotes")
        return re.sub(r"\\(.)", r"\1", said[1:-1], flags=re.DOTALL)

    def _value(self, name: str) -> Test:
        """A field compared with one value; of several that it has, one is enough."""
        type_ = self._target.type_of(name)
        kind, said = self._peek()
        if type_ == "text":
            self._fail(f"[{name}] is analysed: its values are not compared as they stand")
        if kind == "range":
            return self._range(name, type_)
        if kind == "regex":
            self._take()
            if type_ != "keyword":
                self._fail(f"a regular expression searches texts, and [{name}] is {type_}")
            found = regex(said[1:-1], insensitive=False)
            return lambda doc: any(found(str(value)) for value in doc.values(name))
        wanted = self._quoted()
        if type_ == "ip":
            block = network(wanted)
            return lambda doc: any(inside(address(str(v)), block) for v in doc.values(name))
        if type_ == "long" and not re.fullmatch(r"-?\d+", wanted):
            self._fail(f"[{name}] is a number")
        if type_ == "boolean":
            return lambda doc: any(str(v).lower() == wanted for v in doc.values(name))
        return lambda doc: any(str(value) == wanted for value in doc.values(name))

    def _range(self, name: str, type_: str) -> Test:
        _, said = self._take()
        low, high = said[1:-1].split(" TO ")
        if type_ != "long" or not all(re.fullmatch(r"\*|-?\d+(\.\d+)?", x) for x in (low, high)):
            self._fail("a range is one of numbers")
        tests = [
            _bound(low, operator.ge if said[0] == "[" else operator.gt),
            _bound(high, operator.le if said[-1] == "]" else operator.lt),
        ]
        return lambda doc: any(all(test(float(v)) for test in tests) for v in doc.values(name))


def _bound(number: str, holds: Callable[[float, float], bool]) -> Callable[[float], bool]:
    if number == "*":
        return lambda value: True
    limit = float(number)
    return lambda value: holds(value, limit)

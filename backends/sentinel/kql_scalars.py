"""Expressions of the fast KQL parser."""

from __future__ import annotations

import re
from dataclasses import dataclass

from duckdb_kql import ir

from hafnium.backends.sentinel.kql_tokens import Tokens, Unknown

_EQUAL = frozenset({"==", "!=", "<>"})
_RELATION = frozenset({"<", "<=", ">", ">="})
_LISTS = {"in": (False, False), "!in": (True, False), "in~": (False, True), "!in~": (True, True)}
_TEXT = frozenset(
    f"{no}{op}{cs}"
    for op in ("contains", "has", "hasprefix", "hassuffix", "startswith", "endswith")
    for no in ("", "!")
    for cs in ("", "_cs")
) | {"=~", "!~"}
_LITERAL_CALLS = frozenset(
    {"datetime", "date", "timespan", "time", "dynamic", "guid", "int", "long", "real", "double"}
    | {"bool", "decimal", "string", "toscalar", "materialize", "typeof"}
)
_RESERVED = frozenset({"by", "on", "and", "or", "asc", "desc", "nulls", "let", "with", "to"})
_NUMBER = re.compile(r"(\d+)(\.\d+)?([eE][+-]?\d+)?([a-z]*)\Z")


@dataclass(frozen=True)
class _Function:
    parameters: tuple[str, ...]
    body: int
    """Where the tokens of the body start."""


class Scalars:
    """Reads expressions at the place of the tokens, with the names that ``let`` has bound."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self.values: dict[str, ir.Expr] = {}
        self.functions: dict[str, _Function] = {}
        self.arguments: dict[str, ir.Expr] | None = None

    def declare(self, name: str) -> None:
        """``let name = expression``: a name that stands for a value."""
        self.arguments = {}
        self.values[name] = self.expression()
        self.arguments = None

    def declares_function(self) -> bool:
        """Whether ``(`` starts a list of parameters of scalar types."""
        return self.tokens.peek(2) == ":" and self.tokens.peek(3) != "("

    def declare_function(self, name: str) -> None:
        """``let name = (parameter: type, …) { expression }``."""
        tokens, parameters = self.tokens, []
        tokens.expect("(")
        while True:
            parameters.append(tokens.name())
            tokens.expect(":")
            tokens.name()
            if not tokens.accept(","):
                break
        tokens.expect(")")
        tokens.expect("{")
        self.functions[name] = _Function(tuple(parameters), tokens.place)
        body = self._call(self.functions[name], tuple(ir.ColumnRef(p) for p in parameters))
        if isinstance(body, ir.ColumnRef) and body.name not in parameters:
            raise Unknown  # perhaps a table
        tokens.place = self._after
        tokens.expect("}")

    def _call(self, function: _Function, args: tuple[ir.Expr, ...]) -> ir.Expr:
        """The body with its arguments in place; a parameter hides a column of its name."""
        if len(args) != len(function.parameters):
            raise Unknown
        back, outer = self.tokens.place, self.arguments
        self.tokens.place = function.body
        self.arguments = dict(zip(function.parameters, args, strict=True))
        found = self.expression()
        self._after = self.tokens.place
        if self.tokens.peek() != "}":
            raise Unknown
        self.tokens.place, self.arguments = back, outer
        return found

    def named_list(self) -> tuple[ir.NamedExpr, ...]:
        """``name = expression, …`` or bare expressions."""
        found = [self._named()]
        while self.tokens.accept(","):
            found.append(self._named())
        return tuple(found)

    def _named(self) -> ir.NamedExpr:
        tokens = self.tokens
        bracket = tokens.peek() == "[" and tokens.peek(2) == "]" and tokens.peek(3) == "="
        if bracket or tokens.peek(1) == "=":
            name = tokens.name()
            tokens.expect("=")
            return ir.NamedExpr(self.expression(), name)
        return ir.NamedExpr(self.expression())

    def expression(self) -> ir.Expr:
        """An expression, up to where none can go on."""
        left = self._and()
        while self.tokens.accept("or"):
            left = ir.BinaryOp("or", left, self._and())
        return left

    def _and(self) -> ir.Expr:
        left = self._equality()
        while self.tokens.accept("and"):
            left = ir.BinaryOp("and", left, self._equality())
        return left

    def _equality(self) -> ir.Expr:
        left = self._relation()
        token = self.tokens.peek()
        if token in _EQUAL:
            self.tokens.next()
            return ir.BinaryOp(token, left, self._relation())
        if token in _LISTS:
            self.tokens.next()
            negated, folded = _LISTS[token]
            return ir.InList(left, self._arguments(), negated, folded)
        if token in ("has_any", "has_all"):
            self.tokens.next()
            return ir.HasList(left, self._arguments(), token == "has_all")
        if token in ("between", "!between"):
            self.tokens.next()
            self.tokens.expect("(")
            low = self._path()
            self.tokens.expect("..")
            high = self._path()
            self.tokens.expect(")")
            return ir.Between(left, low, high, token == "!between")
        return left

    def _relation(self) -> ir.Expr:
        left = self._sum()
        token = self.tokens.peek()
        if token in _RELATION:
            self.tokens.next()
            return ir.BinaryOp(token, left, self._sum())
        return left

    def _sum(self) -> ir.Expr:
        left = self._product()
        while self.tokens.peek() in ("+", "-"):
            left = ir.BinaryOp(self.tokens.next(), left, self._product())
        return left

    def _product(self) -> ir.Expr:
        left = self._text()
        while self.tokens.peek() in ("*", "/", "%"):
            left = ir.BinaryOp(self.tokens.next(), left, self._text())
        return left

    def _text(self) -> ir.Expr:
        left = self._path()
        while True:
            token = self.tokens.peek()
            if token == "matches" and self.tokens.peek(1) == "regex":
                self.tokens.place += 2
                left = ir.BinaryOp("matches regex", left, self._path())
            elif token in _TEXT:
                self.tokens.next()
                left = ir.BinaryOp(token, left, self._path())
            else:
                return left

    def _path(self) -> ir.Expr:
        if self.tokens.accept("-"):
            operand = self._path()
            if isinstance(operand, ir.Literal) and isinstance(operand.value, int | float):
                return ir.Literal(-operand.value, operand.kind)
            return ir.UnaryOp("-", operand)
        base, steps = self._primary(), []
        while self.tokens.peek() in (".", "["):
            if self.tokens.accept("."):
                steps.append(ir.PathStep(name=self.tokens.name()))
                continue
            self.tokens.expect("[")
            index = self.expression()
            self.tokens.expect("]")
            if isinstance(index, ir.Literal) and index.kind == "string":
                steps.append(ir.PathStep(name=str(index.value)))
            else:
                steps.append(ir.PathStep(index=index))
        return ir.PathAccess(base, tuple(steps)) if steps else base

    def _primary(self) -> ir.Expr:
        token = self.tokens.peek()
        if token == "(":
            self.tokens.next()
            inner = self.expression()
            self.tokens.expect(")")
            return inner
        if token.startswith('"'):
            return self._string()
        if token[:1].isdecimal():
            return _number(self.tokens.next())
        if token in ("true", "false"):
            self.tokens.next()
            return ir.Literal(token == "true", "bool")
        if token in _LITERAL_CALLS or token in _RESERVED:
            raise Unknown
        name = self.tokens.name()
        if self.tokens.peek() != "(":
            return self._reference(name)
        args = self._arguments()
        if name in self.functions:
            return self._call(self.functions[name], args)
        return ir.FunctionCall(name, args)

    def _string(self) -> ir.Expr:
        text = ""
        while self.tokens.peek().startswith('"'):
            text += self.tokens.next()[1:]
        return ir.Literal(text, "string")

    def _arguments(self) -> tuple[ir.Expr, ...]:
        self.tokens.expect("(")
        found: list[ir.Expr] = []
        if self.tokens.accept(")"):
            return ()
        while True:
            if self.tokens.peek() == "*":
                raise Unknown
            found.append(self.expression())
            if not self.tokens.accept(","):
                break
        self.tokens.expect(")")
        return tuple(found)

    def _reference(self, name: str) -> ir.Expr:
        if self.arguments is not None and name in self.arguments:
            return self.arguments[name]
        if name in self.values:
            value = self.values[name]
            return value if self.arguments is not None else ir.LetRef(name, value)
        return ir.ColumnRef(name)


def _number(token: str) -> ir.Expr:
    found = _NUMBER.match(token)
    if found is None:
        raise Unknown
    whole, fraction, exponent, unit = found.groups()
    if unit:
        return ir.Literal(token, "timespan")
    if fraction or exponent:
        return ir.Literal(float(token), "real")
    return ir.Literal(int(whole), "long")

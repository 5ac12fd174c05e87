"""Parsing EQL with the ``eql`` package, and reading its parse tree.

The tree is used rather than the package's AST because the AST forgets what matters here: ``?``
on a field, ``~`` on a function, ``like`` against ``like~``.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Any

from hafnium.errors import EngineError

Node = Any
"""A node of the lark tree: ``data`` (the rule's name) and ``children``."""


@dataclass(frozen=True)
class Field:
    name: str
    optional: bool


@functools.lru_cache(maxsize=1024)
def parse(text: str) -> Node:
    """The tree below ``base_query``. Raises `EngineError` for what Elasticsearch rejects."""
    import eql
    from eql import parser

    if re.search(r"(?<!\\)(?:\\\\)*\\'", re.sub(r'"""[^\r\n]*?""""?"?', "", text)):
        raise EngineError("EQL: \\' is no escape in Elasticsearch")
    try:
        with parser.elasticsearch_syntax, parser.allow_runs, parser.skip_optimizations:
            parser.parse_query(text)
        tree = parser.lark_parser.parse(text + "\n", start="query_with_definitions")
    except eql.EqlError as error:
        raise EngineError(f"EQL: {error}") from error
    _, piped = tree.children
    base, *pipes = piped.children
    if any(pipe is not None for pipe in pipes):
        raise EngineError("EQL: pipes are not supported here")
    return base.children[0]


def field_of(node: Node) -> Field | None:
    """The field that a node is; None when it is something else."""
    if node.data == "base_field":
        token = node.children[0]
        name = str(token.children[0])
        return Field(_unquoted(name), False)
    if node.data != "field":
        return None
    text = str(node.children[0])
    optional = text.startswith("?")
    parts = re.findall(r"`[^`\r\n]+`|[A-Za-z_][A-Za-z0-9_]*|\[[^\]]*\]", text)
    if any(part.startswith("[") for part in parts):
        raise EngineError(f"EQL: {text}: array elements cannot be addressed")
    return Field(".".join(_unquoted(part) for part in parts), optional)


def _unquoted(name: str) -> str:
    return name.strip("`")


def is_literal(node: Node) -> bool:
    return node.data == "literal" or (
        node.data == "value" and getattr(node.children[-1], "data", "") == "literal"
    )


def literal_of(node: Node) -> str | int | float | bool | None:
    """The value of a literal node. Raises `EngineError` when it is none."""
    if node.data == "value" and is_literal(node):
        sign, inner = node.children
        number = literal_of(inner)
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise EngineError(f"EQL: {sign} before something that is no number")
        return -number if sign == "-" else number
    if node.data != "literal":
        raise EngineError(f"EQL: a literal is wanted where {node.data} stands")
    inner = node.children[0]
    if inner.data == "null":
        return None
    token = inner.children[0]
    if inner.data == "boolean":
        return str(token) == "true"
    if inner.data == "number":
        return int(token) if token.type == "UNSIGNED_INTEGER" else float(token)
    return _string(str(token))


def _string(text: str) -> str:
    from eql import ast

    if text.startswith('"""'):
        return text[3:-3]
    unescaped: str = ast.String.unescape(text[1:-1])
    return unescaped

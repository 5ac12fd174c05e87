"""KQL text made plain for duckdb-kql, before it is parsed.

String literals are decoded here after Kusto's lexical rules (escapes, ``@`` verbatim, ``h``
obfuscated, triple quotes) and written in the one form that duckdb-kql decodes the same way; an
escape that Kusto does not know is an error. The operator ``serialize`` becomes an ``extend``
with a marker, because duckdb-kql does not know it.
"""

from __future__ import annotations

import re

from hafnium.errors import EngineError

SERIALIZED = "_hf_serialized"
"""The column that marks an ``extend`` as a ``serialize``."""

_TOKEN = re.compile(
    r"""
    (?P<comment>//[^\n]*)
  | (?P<block>(?P<fence>```|~~~).*?(?P=fence))
  | (?P<verbatim>[hH]?@(?:"(?:[^"\r\n]|"")*"|'(?:[^'\r\n]|'')*'))
  | (?P<string>[hH]?(?:"(?:[^"\\\r\n]|\\[^\r\n])*"|'(?:[^'\\\r\n]|\\[^\r\n])*'))
  | (?P<serialize>\|\s*serialize\b(?!-)[ \t\r\n]*(?P<rest>\||;|\)|\Z|(?=.)))
  | (?P<word>[A-Za-z_][\w-]*)
  | (?P<bad>["'])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(
    r"\\(?:(?P<plain>[abfnrtv'\"\\])|u(?P<u>[0-9a-fA-F]{4})|U(?P<U>[0-9a-fA-F]{8})"
    r"|x(?P<x>[0-9a-fA-F]{2})|(?P<o>[0-3]?[0-7]{1,2})|(?P<bad>.))",
    re.DOTALL,
)
_PLAIN = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def plain(text: str) -> str:
    """The query with each string in its plainest form. Raises `EngineError`."""
    return _TOKEN.sub(_plain_token, text)


def _plain_token(token: re.Match[str]) -> str:
    kind, found = token.lastgroup, token.group()
    if token["serialize"] is not None:
        rest = token["rest"]
        return f"| extend {SERIALIZED} = true" + (rest if rest or _at_end(token) else ", ")
    if token["block"] is not None:
        return quote(found[3:-3])
    if token["verbatim"] is not None:
        body = found.lstrip("hH")[1:]
        return quote(body[1:-1].replace(body[0] * 2, body[0]))
    if token["string"] is not None:
        return quote(_ESCAPE.sub(_decode, found.lstrip("hH")[1:-1]))
    if token["bad"] is not None:
        line = token.string.count("\n", 0, token.start()) + 1
        raise EngineError(f"KQL: the string that starts in line {line} of the query does not end")
    assert kind in ("comment", "word")
    return found


def _at_end(token: re.Match[str]) -> bool:
    return token.end() == len(token.string)


def _decode(escape: re.Match[str]) -> str:
    if escape["plain"]:
        return _PLAIN.get(escape["plain"], escape["plain"])
    for group, base in (("u", 16), ("U", 16), ("x", 16), ("o", 8)):
        if escape[group]:
            return chr(int(escape[group], base))
    raise EngineError(
        f"KQL: {escape.group()!r} is not an escape in a string", mend="double the backslash"
    )


def quote(value: str) -> str:
    """The value as a KQL string literal that every KQL reader decodes alike."""
    for plain_text, escaped in (
        ("\\", "\\\\"),
        ('"', '\\"'),
        ("\n", "\\n"),
        ("\r", "\\r"),
        ("\t", "\\t"),
    ):
        value = value.replace(plain_text, escaped)
    return f'"{value}"'

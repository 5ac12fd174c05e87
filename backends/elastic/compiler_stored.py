r"""What Elastic's ingest pipelines do to a value, done to the patterns of a rule.

A rule is about what the server logged; Elastic keeps ``DOMAIN\name`` in two fields, a process
id as a number, a query string decoded. Each conversion rewrites a pattern so that it says the
same about what is kept; where that is not possible it raises `Inexact`, and where the stored
value has lost a difference it leaves a note.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from urllib.parse import unquote_plus

from sigma.types import CompareOperators

from hafnium.backends.elastic.compiler_columns import Column
from hafnium.backends.elastic.compiler_patterns import Inexact, Pattern, Wild, split_at

__all__ = ["OPERATORS", "for_regex", "parts", "patterns", "split_at", "typed"]

OPERATORS = {
    CompareOperators.LT: "<",
    CompareOperators.LTE: "<=",
    CompareOperators.GT: ">",
    CompareOperators.GTE: ">=",
}
_HASH_LENGTH = {"md5": 32, "sha1": 40, "sha256": 64, "imphash": 32}
_HASH = re.compile(r"(md5|sha1|sha256|imphash)=([0-9a-f]*)", re.IGNORECASE)
_OCTETS = re.compile(r"(\d{1,3}\.){1,3}")

Notes = dict[str, None]


def parts(column: Column) -> list[Column]:
    """The stored fields of which one is there if and only if the Sigma field is."""
    if column.as_ == "hashes":
        return [column.to(name) for algorithm in _HASH_LENGTH for name in column.said[algorithm]]
    return [column]


def patterns(
    column: Column, wanted: Sequence[Pattern], notes: Notes
) -> Iterator[tuple[Column, list[Pattern]]]:
    """The patterns for each stored field; a pattern that can never match is left out."""
    if column.as_ == "values":
        yield column, [p for each in wanted for p in _replaced(column, each)]
    elif column.as_ == "hashes":
        yield from _hashes(column, wanted)
    elif column.as_ == "decoded":
        yield column, [p for each in wanted for p in _decoded(column, each, notes)]
    elif column.as_ == "listed":
        yield column, [p for each in wanted for p in _listed(each)]
    elif column.as_ == "hex":
        yield column, [p for each in wanted for p in _hex(column, each)]
    elif column.as_ == "address" and "text" in column.said:
        yield column.to(column.said["text"]), list(wanted)
    else:
        yield column, list(wanted)


def _replaced(column: Column, pattern: Pattern) -> list[Pattern]:
    """`values`: each value is kept as another one."""
    table: dict[str, str] = column.said["map"]
    if column.said.get("closed") or pattern.literal is None:
        if not column.said.get("closed"):
            raise Inexact(
                f"Elastic keeps {column.name} as names of its own, which a wildcard cannot find",
                "write whole values",
            )
        return [Pattern((kept,), cased=True) for raw, kept in table.items() if pattern.matches(raw)]
    known = [kept for raw, kept in table.items() if raw.lower() == pattern.literal.lower()]
    return [Pattern.literal_of(known[0])] if known else [pattern]


def _hashes(column: Column, wanted: Sequence[Pattern]) -> Iterator[tuple[Column, list[Pattern]]]:
    """`hashes`: one lower-case field per algorithm."""
    for pattern in wanted:
        tokens = pattern.tokens
        literals = [t for t in tokens if isinstance(t, str)]
        found = _HASH.fullmatch(literals[0]) if len(literals) == 1 else None
        if found is None or Wild.ONE in tokens:
            raise Inexact(
                "Elastic keeps each hash in a field of its own, so Hashes can only be compared"
                " with one ALGORITHM=value",
                "write `Hashes|contains: SHA256=...`",
            )
        algorithm, digest = found[1].lower(), found[2].lower()
        whole = len(digest) >= _HASH_LENGTH[algorithm]
        kept: list[str | Wild] = (
            [digest] if whole or tokens[-1] is not Wild.ANY else [digest, Wild.ANY]
        )
        for name in column.said[algorithm]:
            yield column.to(name), [pattern.with_tokens(kept)]


def _decoded(column: Column, pattern: Pattern, notes: Notes) -> list[Pattern]:
    """`decoded`: `+` became a space and `%41` became `A`; a raw value has no spaces."""
    if any(isinstance(t, str) and " " in t for t in pattern.tokens):
        return []
    for i, token in enumerate(pattern.tokens):
        cut = re.search(r"%[0-9a-fA-F]?$", token) if isinstance(token, str) else None
        if cut and i + 1 < len(pattern.tokens):
            raise Inexact(
                f"Elastic keeps {column.name} decoded, and {token!r} ends inside an escape",
                "write the whole escape",
            )
    notes[f"{column.name} is stored URL-decoded: every spelling of a character matches"] = None
    return [pattern.mapped(unquote_plus)]


def _listed(pattern: Pattern) -> list[Pattern]:
    """`listed`: "%%4417 %%4418" as one text, or a list of the numbers without the `%%`."""
    bare = [t.replace("%%", "") if isinstance(t, str) else t for t in pattern.tokens]
    while len(bare) > 1 and bare[0] is Wild.ANY:
        bare = bare[1:]
    while len(bare) > 1 and bare[-1] is Wild.ANY:
        bare = bare[:-1]
    if "%%" not in "".join(t for t in pattern.tokens if isinstance(t, str)):
        return [pattern]
    return [pattern, pattern.with_tokens(bare)]


def _hex(column: Column, pattern: Pattern) -> list[Pattern]:
    """`hex`: "0x1f" is kept as 31."""
    text = pattern.literal
    if text is None:
        raise Inexact(
            f"Elastic keeps {column.name} as a number, which a wildcard cannot find",
            "write the whole value",
        )
    number = re.fullmatch(r"0x(0|[1-9a-fA-F][0-9a-fA-F]*)", text)
    return [Pattern.literal_of(str(int(number[1], 16)))] if number else []


def typed(
    column: Column, wanted: Sequence[Pattern], notes: Notes
) -> tuple[list[int | bool | str], list[str], list[Pattern]]:
    """Patterns for a field that is no text: equal values, networks, and what is left as text."""
    exact: list[int | bool | str] = []
    networks: list[str] = []
    rest: list[Pattern] = []
    for pattern in wanted:
        text = pattern.literal
        if text is None:
            network = _prefix(pattern) if column.type == "ip" else None
            if network:
                networks.append(network)
            else:
                rest.append(pattern)
        elif column.type == "long" and re.fullmatch(r"0|-?[1-9]\d{0,17}", text):
            exact.append(int(text))
        elif column.type == "boolean" and text.lower() in ("true", "false"):
            exact.append(text.lower() == "true")
        elif column.type == "ip" and _is_address(text):
            exact.append(text)
            if ":" in text:
                notes[f"{column.name}: other spellings of {text} match too"] = None
    return exact, networks, rest


def _prefix(pattern: Pattern) -> str | None:
    """`10.1.*` as a network; None when the pattern is anything else."""
    tokens = pattern.tokens
    if len(tokens) != 2 or tokens[1] is not Wild.ANY or not isinstance(tokens[0], str):
        return None
    if not _OCTETS.fullmatch(tokens[0]):
        return None
    octets = tokens[0].rstrip(".").split(".")
    text = ".".join([*octets, *["0"] * (4 - len(octets))])
    return f"{text}/{8 * len(octets)}" if _is_address(text) else None


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def for_regex(column: Column, expression: str, notes: Notes) -> list[Column]:
    """The fields that a regular expression can run on. Raises `Inexact` when there is none."""
    if column.as_ == "address":
        return [column.to(column.said["text"])] if "text" in column.said else [column]
    if column.as_ == "decoded" and not re.search(r"[+% ]|\\[sSx]", expression):
        notes[f"{column.name} is stored URL-decoded: every spelling of a character matches"] = None
        return [column]
    if column.as_:
        raise Inexact(
            f"Elastic keeps {column.name} in a form that a regular expression cannot be run on",
            "write whole values or `contains`",
        )
    return [column]

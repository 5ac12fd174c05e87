r"""Several patterns as few Lucene regular expressions, with both cases of every letter.

An index looks such an expression up where it would read the field of every event for
``TO_LOWER(f) LIKE``. What texts share is written once, `\\(cmd|powershell)\.exe`: Elasticsearch
builds each automaton several times for one query, and few states are built sooner.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from hafnium.backends.elastic.compiler_patterns import Pattern, Wild
from hafnium.backends.elastic.compiler_regex import WILD, cases_of, escaped

Text = tuple[str, ...]
"""A text as expressions for its characters."""
Parts = tuple[Text, ...]
"""The texts of a pattern, between its ``.*``."""


LONG_ROW = 250
"""Texts side by side are cut at this length: one automaton for many texts takes more time to
build than their own automata do."""
LONG_ROW_FROM_START = 100
"""The same without ``.*`` before: the first letters lead to the values, so that an expression more
costs next to nothing."""


def alternatives(patterns: Sequence[Pattern], longest: int) -> list[str]:
    """Any of the patterns, for the whole value and with both cases of every letter, as few
    expressions, none longer than ``longest`` unless a single pattern is. Patterns that differ in
    one part share the others: an expression with many ``.*`` would have too many states.
    """
    places: dict[tuple[str, str, int], list[Parts]] = {}
    for pattern in dict.fromkeys(patterns):
        tokens = list(pattern.tokens)
        before = ".*" if tokens and tokens[0] is Wild.ANY else ""
        after = ".*" if len(tokens) > 1 and tokens[-1] is Wild.ANY else ""
        parts = _parts(tokens[bool(before) : len(tokens) - bool(after)])
        places.setdefault((before, after, len(parts)), []).append(parts)
    return [
        before + row + after
        for (before, after, _), rows in places.items()
        for row in _folded(
            rows, LONG_ROW if before else LONG_ROW_FROM_START, longest - len(before + after)
        )
    ]


def _parts(tokens: Sequence[str | Wild]) -> Parts:
    """What stands between the ``*`` of a pattern."""
    parts: list[list[str]] = [[]]
    for token in tokens:
        if token is Wild.ANY:
            parts.append([])
        else:
            parts[-1] += _units(token)
    return tuple(map(tuple, parts))


def _folded(rows: Sequence[Parts], wide: int, longest: int) -> list[str]:
    """Rows of as many parts: those that differ in one part only become one row, in which what
    differs is at most ``wide`` long and all at most ``longest``."""
    for place in range(len(rows[0])):
        rests: dict[tuple[Parts, Parts], list[Text]] = {}
        for row in rows:
            rests.setdefault((row[:place], row[place + 1 :]), []).append(row[place])
        rows = [
            (*before, (said,), *after)
            for (before, after), texts in rests.items()
            for said in _rows(texts, min(wide, longest - len(_written((*before, *after)))))
        ]
    return [_written(row) for row in rows]


def _written(row: Parts) -> str:
    return ".*".join("".join(part) for part in row)


def _rows(texts: Sequence[Text], longest: int) -> list[str]:
    """The texts, a row as long as is allowed, what they share written once."""
    rows: list[list[Text]] = [[]]
    for said in sorted(texts, key=_ending):
        if rows[-1] and len(_any_of([*rows[-1], said])) > longest:
            rows.append([])
        rows[-1].append(said)
    return [_any_of(row) for row in rows]


def _any_of(texts: Sequence[Text]) -> str:
    if len(texts) == 1:
        return "".join(texts[0])
    start = _shared([text[:-1] for text in texts])
    by_ending: dict[Text, list[Text]] = {}
    for text in texts:
        ending = _ending(text[start:])
        by_ending.setdefault(ending, []).append(text[start : len(text) - len(ending)])
    by_stems: dict[tuple[Text, ...], list[Text]] = {}
    for ending, stems in by_ending.items():
        by_stems.setdefault(tuple(stems), []).append(ending)
    found = [_group(stems) + _group(endings) for stems, endings in by_stems.items()]
    body = found[0] if len(found) == 1 else f"({'|'.join(found)})"
    return "".join(texts[0][:start]) + body


def _shared(texts: Sequence[Text]) -> int:
    """How many units all texts begin with."""
    places = zip(*texts, strict=False)
    return sum(1 for _ in takewhile(lambda units: len(set(units)) == 1, places))


def _group(stems: Sequence[Text]) -> str:
    said = ["".join(stem) for stem in stems]
    return said[0] if len(said) == 1 else f"({'|'.join(each or '()' for each in said)})"


def _ending(text: Text) -> Text:
    """What follows the last full stop that something stands before, with it."""
    at = max((i for i, unit in enumerate(text) if unit == r"\." and i), default=len(text))
    return text[at:]


def _units(token: str | Wild) -> list[str]:
    """A token in parts that each match one character (or any number of them)."""
    if isinstance(token, Wild):
        return [WILD[token]]
    cases = ["".join(cases_of(char)) for char in token]
    return [escaped(c) if len(c) == 1 else f"[{c}]" for c in cases]

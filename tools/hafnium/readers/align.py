"""Rows with more pieces than columns: which column holds the separator in its value.

IIS and Exchange write some values without quoting them. A row with too many pieces is put
right when exactly one column (else two) can take the surplus so that every other column has
the shape that it must have: an address, a number, a time. Columns are tried in the order in
which they are likely to hold the separator. No value begins or ends with an empty piece or a lone
``-``: these are the empty values of its neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

Shape = Callable[[str], object]
"""True (or a match) when a text can be the value of a column."""

_MAX_SURPLUS = 32
"""More surplus pieces than this are only tried in one column: two cost its square."""


def align(
    pieces: Sequence[str], shapes: Sequence[Shape | None], open_columns: Sequence[int], joint: str
) -> list[str] | None:
    """``pieces`` joined to one value per column, None when no way fits.

    ``shapes`` has an item per column, None for any text; ``open_columns`` are the indexes of
    the columns that may take more than one piece; ``joint`` is the separator.
    """
    surplus = len(pieces) - len(shapes)
    for column in open_columns:
        row = _join(pieces, column, surplus, joint)
        if row and fits(row, shapes):
            return row
    if surplus > _MAX_SURPLUS:
        return None
    for first in open_columns:
        for second in open_columns:
            for part in range(1, surplus) if first < second else ():
                # The later column first: joining it does not move the earlier one.
                row = _join(pieces, second + part, surplus - part, joint)
                row = _join(row, first, part, joint)
                if row and fits(row, shapes):
                    return row
    return None


def fits(row: Sequence[str], shapes: Sequence[Shape | None]) -> bool:
    """True when each value has its column's shape; a row may be shorter than the columns."""
    return all(shape is None or shape(value) for value, shape in zip(row, shapes, strict=False))


def _join(pieces: Sequence[str], start: int, surplus: int, joint: str) -> list[str]:
    """``pieces`` with those from ``start`` on as one; empty when that makes no value."""
    end = start + surplus + 1
    if end > len(pieces) or {pieces[start], pieces[end - 1]} & {"", "-"}:
        return []
    return [*pieces[:start], joint.join(pieces[start:end]), *pieces[end:]]

"""Ordinary traffic as records: entries of the seeded generator, each stored in one way.

No entry is repeated: every server and kind of day is made as long as is needed. An entry is kept
as the first way in keeps it that stock conversion reaches, or else in the usual way.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Collection, Iterator
from itertools import islice
from pathlib import Path

from hafnium.entries import Entry
from hafnium.errors import EngineError, ReadError
from hafnium.readers import read
from hafnium.siem import Backend, Record
from traffic import KINDS, SITES, day, write

SEED = 3
BATCH = 20_000
Way = tuple[str, str]
"""A way in (a data source id) and the store that it fills."""


def entries(count: int) -> Iterator[Entry]:
    """The first ``count`` entries of whole days, as many of each kind on each server; a day holds
    its equal share at least."""
    days = [(kind, site) for kind in KINDS for site in SITES]
    share = -(-count // len(days))
    return islice(_all(days, share), count)


def _all(days: list[tuple[str, str]], share: int) -> Iterator[Entry]:
    for kind, site in days:
        with tempfile.TemporaryDirectory() as folder:
            write(day(kind, SITES[site], SEED, share), Path(folder, SITES[site].host))
            yield from read([Path(folder)], problem=_problem, notice=_notice)


def _problem(error: ReadError) -> None:
    raise EngineError(str(error))


def _notice(said: object) -> None:
    raise EngineError(f"the generator's logs are not read whole: {said}")


def batches(
    backend: Backend,
    count: int,
    reached: Collection[str],
    seen: Counter[Way],
    rest: list[Record],
) -> Iterator[list[Record]]:
    """The records of all entries that some way in of ``reached`` brings, ``seen`` counts them by
    way; those that no such way brings go to ``rest``."""
    source = entries(count)
    while several := list(islice(source, BATCH)):
        batch = []
        for ways in filter(None, map(backend.record, several)):
            record = next((record for record in ways if record.path in reached), None)
            if record is None:
                rest.append(ways[0])
            else:
                batch.append(record)
        seen.update((record.path, record.store) for record in batch)
        yield batch

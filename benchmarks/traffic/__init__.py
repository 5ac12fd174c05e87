"""Ordinary traffic of Exchange servers, made from a seed: true log formats, no clock.

``day(kind, site, seed, size)`` gives the raw log files of one server for one day, as a mapping
of paths to text, exactly as IIS, Exchange and an event export would write them. The same
arguments give the same text. Nothing in it is an attack: it holds what looks like one
(updates, probes, scanners, administrators at work, add-ons, responders' tools).

    from traffic import SITES, day, write
    write(day("update", SITES["german"], seed=7, size=3000), Path("days/german"))
"""

from collections.abc import Mapping
from pathlib import Path

from traffic.days import KINDS, day
from traffic.site import SITES, Site

__all__ = ["KINDS", "SITES", "Site", "day", "write"]


def write(files: Mapping[str, str], folder: Path) -> None:
    """Write the files of a day below a folder."""
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())

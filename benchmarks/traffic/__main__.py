"""Write a day's logs into a folder: ``python -m traffic update german OUT``."""

from __future__ import annotations

import argparse
from pathlib import Path

from traffic import KINDS, SITES, day, write


def main() -> None:
    """Read the arguments, make the day, write it."""
    parser = argparse.ArgumentParser(prog="python -m traffic", description=__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("site", choices=sorted(SITES))
    parser.add_argument("out", type=Path)
    parser.add_argument("--size", type=int, default=10_000, help="least number of entries")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    write(day(given.kind, SITES[given.site], given.seed, given.size), given.out)


if __name__ == "__main__":
    main()

"""The short slices of ordinary days that lie in ``samples/``: ``python -m traffic.slices``.

Each is every sixtieth entry of a long day, so that all engines meet every kind of entry in
``hafnium test``; the long days themselves are made anew by the tests. ``expected.yml`` gets
what the rules say now, to be read before it is committed: nothing of it may be medium.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from traffic.days import day
from traffic.site import SITES

OF = {"working": "balanced", "update": "german", "admin": "old", "internet": "french"}
"""Kind of day → site."""
SIZE, SEED, EACH = 9000, 1, 60
_START = re.compile(r"^(?=<Event |{|20\d\d-)", re.MULTILINE)


def slices() -> Mapping[str, str]:
    """Path below ``samples/`` → text."""
    made: dict[str, str] = {}
    for kind, site in OF.items():
        taken = 0
        for name, text in day(kind, SITES[site], SEED, SIZE).items():
            head, *entries = _START.split(text)
            kept = entries[-taken % EACH :: EACH]
            taken += len(entries)
            if kept:
                made[f"ordinary-{kind}/{SITES[site].host}/{name}"] = head + "".join(kept)
    return made


def main() -> None:
    """Write the slices and what the rules say of them."""
    from hafnium.loading import load_rules
    from hafnium.matcher import Matcher
    from hafnium.samples import Scenario

    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    for kind in OF:
        shutil.rmtree(root / "samples" / f"ordinary-{kind}", ignore_errors=True)
    for name, text in slices().items():
        file = root / "samples" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())
    rules = load_rules([root / "rules"]).rules
    for kind, site in OF.items():
        folder = root / "samples" / f"ordinary-{kind}"
        scenario = Scenario(folder, "", SITES[site].host)
        lines = [f'title: "A slice of an ordinary day: {kind}"', f"host: {SITES[site].host}"]
        rows: dict[tuple[str, int], list[str]] = {}
        for match in Matcher(rules).scan(scenario.entries()):
            if match.event is not None:
                source, line = scenario.place(match.entries[0])
                place = (source.removeprefix(f"ordinary-{kind}/"), line)
                rows.setdefault(place, []).append(match.rule.path.stem)
        if rows:
            lines.append("expect:")
        for (source, line), said in sorted(rows.items()):
            lines.append(f"  - {{source: {source}, line: {line}, rules: [{', '.join(said)}]}}")
        (folder / "expected.yml").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

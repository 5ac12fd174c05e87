"""ATT&CK of one version, offline: what a rule's ``attack.`` tags may name (``attack.yml``)."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hafnium.data import load_data

_ID = re.compile(r"[tgs]\d{4}(\.\d{3})?")


@functools.cache
def table() -> Mapping[str, Any]:
    """``attack.yml``: version, tactics, techniques, others."""
    said = load_data(Path(__file__).with_name("attack.yml"))
    assert isinstance(said, dict)
    return said


def wrong_tags(tags: Sequence[str]) -> Iterator[str]:
    """What is wrong with a rule's tags: unknown names, techniques without any of their tactics."""
    names = [tag.removeprefix("attack.") for tag in tags if tag.startswith("attack.")]
    tactics = {name for name in names if name in table()["tactics"]}
    for name in names:
        if name in tactics:
            continue
        if not _ID.fullmatch(name):
            yield f"ATT&CK v{table()['version']} has no tactic {name!r}"
        elif name.upper() in table()["techniques"]:
            serves = table()["techniques"][name.upper()][1]
            if not tactics & set(serves):
                yield f"{name} serves {' and '.join(serves)}, of which the rule has no tag"
        elif name.upper() not in table()["others"]:
            yield f"ATT&CK v{table()['version']} has no {name}, or attack.yml does not list it"

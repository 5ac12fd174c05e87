"""Correlations by host: every engine tells hosts apart by their short names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from hafnium.engines import Engine
from hafnium.entries import Entry
from hafnium.errors import Refused
from hafnium.loading import Loaded
from hafnium.matcher import Matcher
from hafnium.siem import backends
from made import entry, windows

RULES = """
title: Drop
name: drop
logsource: {product: windows, category: file_event}
detection: {s: {TargetFilename|endswith: .aspx}, condition: s}
---
title: Use
name: use
logsource: {category: webserver}
detection: {s: {cs-uri-stem|endswith: .aspx}, condition: s}
---
title: Both
name: both
correlation:
  type: temporal
  rules: [drop, use]
  group-by: [Computer]
  timespan: 7d
"""
SYSMON = "Microsoft-Windows-Sysmon/Operational"
DAY = 86400


def _entries(web_host: str, computer: str = "MAIL01.corp.example") -> list[Entry]:
    drop = windows(SYSMON, 11, 0, 1, TargetFilename=r"C:\a.aspx", Image="System")
    system = {**drop.system, "Computer": computer}
    drop = replace(drop, host=computer, system=system, fields={**drop.fields, **system})
    used = replace(entry(at=2 * DAY, position=2, cs_uri_stem="/a.aspx"), host=web_host)
    return [drop, used]


@pytest.mark.parametrize(
    ("web_host", "computer", "same"),
    [
        ("mail01", "MAIL01.corp.example", True),
        ("MAIL01.corp.example", "MAIL01.corp.example", True),
        ("Mail01.other.example", "mail01", True),
        ("mail02", "MAIL01.corp.example", False),
        ("192.0.2.7", "192.0.2.7", True),
        ("192.0.2.7", "192.0.2.8", False),
    ],
)
@pytest.mark.parametrize("name", [None, *backends()])
def test_a_host_is_the_same_under_its_short_name(
    name: str | None, web_host: str, computer: str, same: bool, load: Callable[[str], Loaded]
) -> None:
    rules = load(RULES).rules
    log = _entries(web_host, computer)
    if name is None:
        found = list(Matcher(rules).scan(log))
    else:
        refused: list[Refused] = []
        engine = Engine(backends()[name], rules, refused)
        found = list(engine.scan(log))
        assert not refused
        assert not engine.broken
    together = [tuple(e.position for e in m.entries) for m in found if m.rule.correlation]
    assert together == ([(1, 2)] if same else [])

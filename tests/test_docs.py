"""What docs/ says of the rules is what the rules say."""

from __future__ import annotations

import pytest

from hafnium.cli.common import HOUSE
from hafnium.docs import checked_in
from hafnium.loading import load_rules


def test_the_pages_are_current(request: pytest.FixtureRequest) -> None:
    docs = request.config.rootpath / "docs"
    for name, text in checked_in(load_rules([HOUSE / "rules"]).rules).items():
        assert (docs / name).read_text(encoding="utf-8") == text, f"{name}: run `make docs`"

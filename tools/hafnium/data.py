"""YAML of our own making, read safely and fast: the program's tables, and what samples expect."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml


def load_data(file: Path) -> Any:
    """What a YAML file holds. A mistake in it is a plain exception of the parser or the system."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with file.open(encoding="utf-8") as text:
        return yaml.load(text, Loader=loader)

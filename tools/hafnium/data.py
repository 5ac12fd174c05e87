"""Tables that are part of the program: YAML files beside its modules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml


def load_data(file: Path) -> Any:
    """What a YAML file of the program holds. A mistake in it is a plain exception."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with file.open(encoding="utf-8") as text:
        return yaml.load(text, Loader=loader)

"""Where the engines are that are not of Python: put there by ``make engines``, never by the tool.

The folder is ``.engines`` of the working directory, or what ``HAFNIUM_ENGINES`` names.
"""

from __future__ import annotations

import os
from pathlib import Path


def installed(engine: str) -> Path:
    """The folder of an engine; it need not exist."""
    return Path(os.environ.get("HAFNIUM_ENGINES") or ".engines").resolve() / engine

"""Microsoft's own KQL parser and binder: says whether Kusto accepts a query, and runs none.

It knows the functions, operators and types of the language, and the tables of the workspace with
the columns of ``tables.yml``. A warning counts as a rejection. It is the npm package that
``package.json`` pins, installed by ``make engines``, and needs Node.
"""

from __future__ import annotations

from collections.abc import Sequence

from hafnium.installed import installed
from hafnium.siem import Query, Record, Replay
from hafnium.site import Site

_PACKAGE = "node_modules/@kusto/language-service-next/package.json"


class KustoBinder:
    """The engine ``kusto``, which checks queries."""

    name = "kusto"
    title = "Microsoft's KQL parser and binder"
    executes = False
    site = Site()

    def missing(self) -> str | None:
        import shutil

        if shutil.which("node") is None:
            return "Node is not installed"
        if not (installed(self.name) / _PACKAGE).is_file():
            return "not installed; `make engines` does it, with npm"
        return None

    def refuses(self, query: Query) -> str | None:
        return None

    def replay(self, records: Sequence[Record]) -> Replay:
        from .process import Binder

        return Binder(installed(self.name))

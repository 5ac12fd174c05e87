"""The site file: where a SIEM keeps each data source. One YAML file, a part per target.

    splunk:
      iis: {index: web}
      sysmon: {index: endpoint}
    sentinel:
      ecp: {table: OurEcp_CL}

Keys under a target are the ids of its data sources (``backends/<target>/sources.yml``), where
what may be set for one stands under ``site``. Without a site file the catalogue's defaults hold.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from hafnium.errors import SiteError


@dataclass(frozen=True)
class Site:
    """What one organisation changes; `empty` changes nothing."""

    file: Path | None = None
    targets: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)

    def source(self, target: str, source_id: str) -> Mapping[str, Any]:
        """The settings for one data source of one target; empty when none are set."""
        return self.targets.get(target, {}).get(source_id, {})

    def check(self, target: str, known: Mapping[str, Collection[str]]) -> None:
        """Refuse ids and settings that the target does not have.

        ``known`` maps each data source id to the names of the settings that may be changed.
        Raises `SiteError`, naming the place and what is allowed.
        """
        for source_id, settings in self.targets.get(target, {}).items():
            if source_id not in known:
                raise SiteError(
                    f"target {target} has no data source {source_id!r}",
                    file=self.file,
                    mend=f"known ids: {', '.join(sorted(known))}",
                )
            if not isinstance(settings, Mapping):
                raise SiteError(f"{target}.{source_id} is not a mapping", file=self.file)
            for name, value in settings.items():
                if name not in known[source_id] or not isinstance(value, str):
                    raise SiteError(
                        f"{target}.{source_id}.{name} cannot be set to {value!r}",
                        file=self.file,
                        mend=f"texts may be set for: {', '.join(sorted(known[source_id]))}",
                    )


def load_site(file: Path, targets: Collection[str]) -> Site:
    """Read a site file. Raises `SiteError` when it is not one."""
    try:
        said = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SiteError(f"cannot be read: {error}", file=file) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else None
        raise SiteError("is not valid YAML", file=file, line=line) from error
    if said is None:
        said = {}
    if not isinstance(said, dict):
        raise SiteError("is not a mapping of targets", file=file)
    for target, part in said.items():
        if target not in targets:
            known = ", ".join(sorted(targets))
            raise SiteError(f"no target {target!r}", file=file, mend=f"known targets: {known}")
        if not isinstance(part, dict):
            raise SiteError(f"{target} is not a mapping of data sources", file=file)
    return Site(file, said)

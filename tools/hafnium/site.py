"""The site file: where a SIEM keeps each data source. One YAML file, a part per target.

    splunk:
      iis: {index: web}
      sysmon: {index: endpoint}
    sentinel:
      ecp: {table: OurEcp_CL}

Keys under a target are the ids of its data sources (``backends/<target>/sources.yml``), where
what may be set for one stands under ``site``, and the target's choices, if it leaves any. Without
a site file the defaults hold.
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
    targets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def source(self, target: str, source_id: str) -> Mapping[str, Any]:
        """The settings for one data source of one target; empty when none are set."""
        found: Mapping[str, Any] = self.targets.get(target, {}).get(source_id, {})
        return found

    def choice(self, target: str, name: str, default: str) -> str:
        """What is chosen for a whole target."""
        return str(self.targets.get(target, {}).get(name, default))

    def check(
        self,
        target: str,
        known: Mapping[str, Collection[str]],
        choices: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        """Refuse ids, settings and choices that the target does not have.

        ``known`` maps each data source id to the names of the settings that may be changed,
        ``choices`` the name of each choice to its values.
        Raises `SiteError`, naming the place and what is allowed.
        """
        choices = choices or {}
        for source_id, settings in self.targets.get(target, {}).items():
            if source_id in choices:
                self._check_choice(f"{target}.{source_id}", settings, choices[source_id])
                continue
            if source_id not in known:
                raise SiteError(
                    f"target {target} has no data source {source_id!r}",
                    file=self.file,
                    mend=f"known ids: {', '.join(sorted([*known, *choices]))}",
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

    def _check_choice(self, place: str, chosen: Any, values: Collection[str]) -> None:
        if chosen not in values:
            mend = f"it may be: {', '.join(values)}"
            raise SiteError(f"{place} cannot be {chosen!r}", file=self.file, mend=mend)


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

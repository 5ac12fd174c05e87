"""A target's catalogue of data sources: which log sources each serves, and by what field names.

The catalogue (``backends/<siem>/sources.yml``) is the compiler's map; recorders never read it.
From it come the pySigma processing pipelines that the compilers run, and that
``hafnium build`` writes out for ``sigma convert -p``. A catalogue is a list of

    - id: sysmon                        # also the key in a site file
      title: Sysmon by the Splunk Add-on for Sysmon
      needs: Sysmon, with the event in its configuration
      when: {source: XmlWinEventLog:...}  # holds for every record of this source
      site: {index: main}               # settings that a site may change, with defaults
      serves:                           # log sources; `when`, `fields`, `lacks` add to the above
        - {product: windows, service: sysmon}
        - {product: windows, category: process_creation, when: {EventCode: 1}}
      fields: {EventID: EventCode}      # Sigma field -> stored field (or a list: any of them)
      lacks: [OriginalFileName]         # Sigma fields that entries may have, and this store not
      others: keep                      # any other field: keep, refuse, or a prefix ("x.y.")

and whatever else the target's compiler wants to know (`DataSource.extra`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from hafnium.data import load_data
from hafnium.errors import Refused
from hafnium.logsource import LogSource
from hafnium.rule import Rule

FieldMap = Mapping[str, str | list[str]]


@dataclass(frozen=True)
class Feed:
    """What one data source offers for one log source: a condition and a field map."""

    source: DataSource
    logsource: LogSource
    when: Mapping[str, Any]
    fields: FieldMap
    lacks: frozenset[str]

    def knows(self, field: str) -> bool:
        """False when the closed schema of the source has no such field."""
        return field in self.fields or field in self.lacks or self.source.others != "refuse"


@dataclass(frozen=True)
class DataSource:
    """One entry of a catalogue; see the module's text."""

    id: str
    title: str
    needs: str
    site: Mapping[str, str]
    others: str
    extra: Mapping[str, Any]
    feeds: tuple[Feed, ...] = ()


_KNOWN = {"id", "title", "needs", "when", "site", "serves", "fields", "lacks", "others"}


def load_catalogue(file: Path) -> tuple[DataSource, ...]:
    """Read a catalogue."""
    return tuple(_source(said) for said in load_data(file))


def _source(said: Mapping[str, Any]) -> DataSource:
    source = DataSource(
        id=said["id"],
        title=said["title"],
        needs=said["needs"],
        site=said.get("site", {}),
        others=said.get("others", "refuse"),
        extra={k: v for k, v in said.items() if k not in _KNOWN},
    )
    feeds = tuple(_feed(source, said, served) for served in said["serves"])
    object.__setattr__(source, "feeds", feeds)  # feeds and source point at each other
    return source


def _feed(source: DataSource, said: Mapping[str, Any], served: Mapping[str, Any]) -> Feed:
    return Feed(
        source=source,
        logsource=LogSource.from_map(served),
        when={**said.get("when", {}), **served.get("when", {})},
        fields={**said.get("fields", {}), **served.get("fields", {})},
        lacks=frozenset(said.get("lacks", [])) | frozenset(served.get("lacks", [])),
    )


def feeds_for(catalogue: Iterable[DataSource], rule: Rule, target: str) -> list[Feed]:
    """The feeds that serve a detection rule, in catalogue order.

    Raises `Refused` when there is none, or none that has the rule's fields.
    """
    serving = [
        feed
        for source in catalogue
        for feed in source.feeds
        if rule.logsource.covers(feed.logsource)
    ]
    if not serving:
        raise Refused(
            f"no data source for {rule.logsource} in target {target}",
            file=rule.path,
            line=rule.line("logsource"),
            mend="add one in the catalogue of the target",
        )
    needed = fields_of(rule)
    able = [feed for feed in serving if all(feed.knows(field) for field in needed)]
    if not able:
        missing = sorted({f for feed in serving for f in needed if not feed.knows(f)})
        raise Refused(
            f"data source {serving[0].source.id} of target {target} has no field "
            + ", ".join(missing),
            file=rule.path,
            line=rule.line("detection"),
            mend="correct the field name or add it to the catalogue",
        )
    return able


def fields_of(rule: Rule) -> list[str]:
    """The field names that a detection rule compares, each once, in order of appearance."""
    from sigma.rule import SigmaDetection, SigmaDetectionItem, SigmaRule
    from sigma.types import SigmaFieldReference

    def walk(node: SigmaDetection | SigmaDetectionItem) -> Iterator[str]:
        if isinstance(node, SigmaDetection):
            for item in node.detection_items:
                yield from walk(item)
            return
        if node.field is not None:
            yield node.field
        for value in node.value:
            if isinstance(value, SigmaFieldReference):
                yield value.field

    assert isinstance(rule.sigma, SigmaRule)
    detections = rule.sigma.detection.detections.values()
    return list(dict.fromkeys(name for detection in detections for name in walk(detection)))


def pipeline(feed: Feed, *, guard: bool = False) -> dict[str, Any]:
    """The feed as a pySigma processing pipeline, in the form of its YAML.

    ``guard`` adds the feed's ``when`` as a condition, for use by ``sigma convert``; our
    compilers leave it out, because they share one condition between several guards.
    """
    on = _rule_conditions(feed.logsource)
    items: list[dict[str, Any]] = []
    if feed.fields:
        items.append(
            {
                "id": "fields",
                "type": "field_name_mapping",
                "mapping": dict(feed.fields),
                "rule_conditions": on,
            }
        )
    if feed.source.others not in ("keep", "refuse"):
        items.append(
            {
                "id": "others",
                "type": "field_name_prefix",
                "prefix": feed.source.others,
                "field_name_conditions": [
                    {"type": "include_fields", "fields": sorted({*feed.fields, *feed.lacks})}
                ],
                "field_name_cond_not": True,
                "rule_conditions": on,
            }
        )
        if feed.fields:
            items[-1]["field_name_conditions"].append(
                {"type": "processing_item_applied", "processing_item_id": "fields"}
            )
            items[-1]["field_name_cond_op"] = "or"
    if guard and feed.when:
        conditions = dict(feed.when)
        items.append(
            {
                "id": "guard",
                "type": "add_condition",
                "conditions": conditions,
                "rule_conditions": on,
            }
        )
    return {
        "name": f"{feed.source.title} ({feed.logsource})",
        "priority": 20,
        "transformations": items,
    }


def _rule_conditions(logsource: LogSource) -> list[dict[str, Any]]:
    said = {
        k: getattr(logsource, k)
        for k in ("category", "product", "service")
        if getattr(logsource, k) is not None
    }
    return [{"type": "logsource", **said}]


def write_pipelines(catalogue: Sequence[DataSource], folder: Path) -> list[Path]:
    """Write pySigma pipelines for ``sigma convert -p``: ``<source>.yml``, and ``<source>-2.yml``
    … where a source serves a log source in several ways. Returns the files.

    What serves a bare product is left out: as a condition it would hold for every category, too.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for source in catalogue:
        for number, feeds in enumerate(_apart(source.feeds), 1):
            items: list[dict[str, Any]] = []
            for position, feed in enumerate(feeds):
                items += _numbered(pipeline(feed, guard=True)["transformations"], position)
            document = {"name": source.title, "priority": 20, "transformations": items}
            file = folder / (f"{source.id}-{number}.yml" if number > 1 else f"{source.id}.yml")
            file.write_text(
                yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100),
                encoding="utf-8",
            )
            written.append(file)
    return written


def _apart(feeds: Sequence[Feed]) -> list[list[Feed]]:
    """The feeds in as few lists as it takes for no list to serve a log source twice: in a
    pipeline all conditions hold at once, and an event is not both Sysmon 1 and 4688."""
    lists: list[list[Feed]] = []
    for feed in feeds:
        if feed.logsource.category is None and feed.logsource.service is None:
            continue
        for members in lists:
            if all(member.logsource != feed.logsource for member in members):
                members.append(feed)
                break
        else:
            lists.append([feed])
    return lists


def _numbered(items: Iterable[dict[str, Any]], number: int) -> Iterator[dict[str, Any]]:
    """The items with ids of their own among those of other feeds."""
    for item in items:
        item["id"] += f"_{number}"
        for condition in item.get("field_name_conditions", []):
            if condition["type"] == "processing_item_applied":
                condition["processing_item_id"] = f"fields_{number}"
        yield item

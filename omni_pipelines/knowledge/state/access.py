"""Who may see what: a reader sees the sources without tags, and those that have one of the reader's.

Tags are tightened to keep something from somebody, so a release that is older than that must not give it away: a
source is visible where its tags allow it in the release that is read, in the newest one, and as they are set now.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import orjson
import pyarrow.compute as pc

from native.lance_tables import LanceTable, TableVersion
from omni_pipelines.configuration import load_settings
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.releases import newest_release
from omni_pipelines.records import Release
from omni_pipelines.schemas import DOCUMENTS
from omni_pipelines.settings import acl_tags

_BETWEEN = ","
"""No tag holds one."""


@dataclass(frozen=True)
class Reader:
    """Somebody who asks, by tags. Where no reader is named, the owner asks, who sees everything."""

    tags: frozenset[str]

    @classmethod
    def of(cls, tags: Iterable[str]) -> Reader:
        """A reader with these tags; without any, somebody who sees what everybody sees.

        Raises:
            ConfigurationError: one of them is no tag.
        """
        try:
            return cls(frozenset(acl_tags(tuple(tags))))
        except ValueError as error:
            raise ConfigurationError(str(error), cure="name tags as omni source add --acl has them") from error

    def may_see(self, acl: Iterable[str]) -> bool:
        """Whether what has these tags is for this reader."""
        tags = set(acl)
        return not tags or not tags.isdisjoint(self.tags)


def visible_sources(home: Home, release: Release, reader: Reader) -> frozenset[str]:
    """The sources of a release that a reader may see.

    Raises:
        ConfigurationError: the registry cannot be read: then nobody but the owner sees anything.
    """
    newest = newest_release(home)
    read = {release.release: release} | ({newest.release: newest} if newest is not None else {})
    tags: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    for each in read.values():
        for source, acl in _in_release(home, each):
            tags[source].append(acl)
    for source, acl in _as_set_now(home):
        tags[source].append(acl)
    return frozenset(source for source, found in tags.items() if all(map(reader.may_see, found)))


def _in_release(home: Home, release: Release) -> Iterator[tuple[str, tuple[str, ...]]]:
    version = TableVersion.parse(release.tables[DOCUMENTS.name]).version
    rows = LanceTable(home.table(DOCUMENTS.name)).read(["source", "acl"], version=version)
    joined = rows.set_column(1, "acl", pc.binary_join(rows["acl"], _BETWEEN))
    for row in joined.group_by(["source", "acl"]).aggregate([]).to_pylist():
        yield row["source"], tuple(filter(None, row["acl"].split(_BETWEEN)))


def _as_set_now(home: Home) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What the registry says, and over it the settings."""
    set_for = load_settings(home).sources
    for name, registered in _registered(home):
        own = set_for.get(name)
        yield name, own.acl if own is not None and "acl" in own.model_fields_set else registered


def _registered(home: Home) -> list[tuple[str, tuple[str, ...]]]:
    if not home.sources.exists():
        return []
    try:
        sources = orjson.loads(home.sources.read_bytes())["sources"]
        return [(each["name"], tuple(each.get("acl", ()))) for each in sources]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(f"{home.sources} cannot be read", cure="mend it, or ask as the owner") from error

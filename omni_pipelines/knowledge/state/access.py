"""Access tags: a viewer sees the sources without tags, and the sources that share a tag with the viewer.

Tags can be tightened after a release was made, and then an older release must not give the documents away. So the
tags of a visible source must allow it in the release that is read, in the newest release, and as they are set now.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import orjson
import pyarrow.compute as pc

from native.lance_tables import TableVersion
from omni_pipelines.configuration import load_settings
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.releases import newest_release
from omni_pipelines.records import Release
from omni_pipelines.schemas import DOCUMENTS
from omni_pipelines.settings import acl_tags
from omni_pipelines.tables import known_table

SourceTags = tuple[str, tuple[str, ...]]
"""The name of a source and its access tags."""


@dataclass(frozen=True)
class Viewer:
    """The person who searches, with their access tags. Without a viewer, the owner searches, who sees everything."""

    tags: frozenset[str]

    @classmethod
    def of(cls, tags: Iterable[str]) -> Viewer:
        """A viewer with these tags; without tags, one who sees only the sources without tags.

        Raises:
            ConfigurationError: a tag is not valid.
        """
        try:
            return cls(frozenset(acl_tags(tuple(tags))))
        except ValueError as error:
            raise ConfigurationError(str(error), cure="use the tags that omni source add --acl sets") from error

    def may_see(self, acl: Iterable[str]) -> bool:
        """Whether this viewer may see a source with these tags."""
        tags = set(acl)
        return not tags or not tags.isdisjoint(self.tags)


def visible_sources(home: Home, release: Release, viewer: Viewer) -> frozenset[str]:
    """Names of the sources of a release that a viewer may see.

    Raises:
        ConfigurationError: the registry of sources cannot be read; then only the owner may read.
    """
    newest = newest_release(home)
    releases = {release.release: release} | ({newest.release: newest} if newest is not None else {})
    tags: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    in_releases = (_tags_in_release(home, each) for each in releases.values())
    for source, acl in itertools.chain(*in_releases, _tags_now(home)):
        tags[source].append(acl)
    return frozenset(source for source, acls in tags.items() if all(map(viewer.may_see, acls)))


def _tags_in_release(home: Home, release: Release) -> Iterator[SourceTags]:
    version = TableVersion.parse(release.tables[DOCUMENTS.name]).version
    rows = known_table(home, DOCUMENTS.name).read(["source", "acl"], version=version)
    joined = rows.set_column(1, "acl", pc.binary_join(rows["acl"], ","))  # no tag contains a comma
    for row in joined.group_by(["source", "acl"]).aggregate([]).to_pylist():
        yield row["source"], tuple(filter(None, row["acl"].split(",")))


def _tags_now(home: Home) -> Iterator[SourceTags]:
    """The tags in the settings, and where the settings have none, those in the registry."""
    configured = load_settings(home).sources
    for name, registered in _registered_tags(home):
        own = configured.get(name)
        yield name, own.acl if own is not None and "acl" in own.model_fields_set else registered


def _registered_tags(home: Home) -> list[SourceTags]:
    if not home.sources.exists():
        return []
    try:
        sources = orjson.loads(home.sources.read_bytes())["sources"]
        return [(each["name"], tuple(each.get("acl", ()))) for each in sources]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        cure = "repair the file, or search as the owner: without --as"
        raise ConfigurationError(f"{home.sources} cannot be read", cure=cure) from error

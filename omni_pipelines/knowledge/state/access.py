"""Access tags: a viewer sees the sources without tags, and the sources that share a tag with the viewer.

Tags can be tightened after a release was made, and then an older release must not give the documents away. So the
tags of a visible source must allow it in the release that is read, in the newest release, and as they are set now.
"""

from __future__ import annotations

import functools
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import time_ns

from native.lance_tables import TableVersion
from omni_pipelines.configuration import load_settings
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.releases import newest_release
from omni_pipelines.records import Release, body_of
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


class VisibleSources:
    """The sources of a release that a viewer may see at the moment, and not when the release was opened.

    They are computed again when a file changed on which they depend, which costs three system calls to notice.
    """

    def __init__(self, home: Home, release: Release, viewer: Viewer, clock: Callable[[], int] = time_ns) -> None:
        self._home, self._release, self._viewer, self._clock = home, release, viewer, clock
        self._computed: tuple[_Stamp, frozenset[str]] | None = None

    def __call__(self) -> frozenset[str]:
        """Names of the sources.

        Raises:
            ConfigurationError: as for `visible_sources`.
        """
        stamp, computed = _stamp(self._home), self._computed
        if computed is not None and computed[0] == stamp and _is_settled(stamp, self._clock()):
            return computed[1]
        visible = visible_sources(self._home, self._release, self._viewer)
        self._computed = stamp, visible  # read after the stamp, so that a later change is seen
        return visible


_Stamp = tuple[tuple[int, ...], ...]
_SETTLED_NS = 2_000_000_000
"""A file can change again without a new time for as long as this, on the file systems with the coarsest clocks."""


def _stamp(home: Home) -> _Stamp:
    """Inode, size and times of what says who may see which source: the settings, the registry and the releases."""
    return tuple(_file_stamp(path) for path in (home.config, home.sources, home.releases))


def _file_stamp(path: Path) -> tuple[int, ...]:
    try:
        status = path.stat()
    except FileNotFoundError:
        return ()
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _is_settled(stamp: _Stamp, now: int) -> bool:
    newest = max((time for each in stamp for time in each[2:]), default=0)
    return abs(now - newest) > _SETTLED_NS


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


def _tags_in_release(home: Home, release: Release) -> tuple[SourceTags, ...]:
    return _tags_in_version(home, release.tables[DOCUMENTS.name])


@functools.lru_cache(maxsize=16)
def _tags_in_version(home: Home, pinned: str) -> tuple[SourceTags, ...]:
    """The tags in a version of the documents, which never change."""
    import pyarrow.compute as pc  # a twentieth of a search, and the owner's does not need it

    version = TableVersion.parse(pinned).version
    rows = known_table(home, DOCUMENTS.name).read(["source", "acl"], version=version)
    joined = rows.set_column(1, "acl", pc.binary_join(rows["acl"], ","))  # no tag contains a comma
    distinct = joined.group_by(["source", "acl"]).aggregate([]).to_pylist()
    return tuple((row["source"], tuple(filter(None, row["acl"].split(",")))) for row in distinct)


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
        sources = body_of(home.sources.read_bytes())["sources"]
        return [(each["name"], tuple(each.get("acl", ()))) for each in sources]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        cure = "restore it from a backup, or search as the owner, without --as"
        raise ConfigurationError(f"{home.sources} cannot be read", cure=cure) from error

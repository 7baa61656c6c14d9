"""The records of a shared store, and the copies of them that a home keeps."""

import re
from collections.abc import Collection

from pydantic import ValidationError, field_validator

from native.durable import write_whole
from omni_pipelines.home import Home
from omni_pipelines.records import Record, Release, StepRecord, sealed, unsealed
from omni_pipelines.schemas import TABLES
from omni_pipelines.sources.model.source import Source
from omni_pipelines.sources.registry import load_sources
from omni_pipelines.sources.store_membership import read_membership
from omni_pipelines.steps.step_table import STEPS

LAYOUT = 1
"""Version of the layout of a store."""
_FOLDER = rf"tables/(?:{'|'.join(TABLES)})\.lance|keyword/gen-[0-9]{{1,18}}"
_PATH = re.compile(rf"(?:{_FOLDER})(?:/(?!\.\.?(?:/|$))[A-Za-z0-9_.-]+)+")
"""The only paths below a home that a record may name: a bucket must not make a home write anywhere else."""


class StoredFile(Record):
    """The object that holds a file of a home. An object is never changed once a release names it."""

    key: str
    size: int
    sha256: str


class StoredRelease(Record):
    """A release, and everything that a home needs to read it and to continue from it."""

    layout: int = LAYOUT
    release: Release
    writer: str
    """Id of the home that published it."""
    heads: dict[str, str]
    """Table to `uuid:version` of its head, which the next change starts from; after a rollback not the release."""
    files: dict[str, StoredFile]
    """Path below the home to the object with its content."""
    built: dict[str, StepRecord]
    """Step name to its record."""
    sources: list[Source]

    @field_validator("files")
    @classmethod
    def _paths_are_inside_a_home(cls, files: dict[str, StoredFile]) -> dict[str, StoredFile]:
        for path in files:
            if not _PATH.fullmatch(path):
                raise ValueError(f"{path!r} is not a file of a home")
        return files

    @field_validator("built")
    @classmethod
    def _steps_are_known(cls, built: dict[str, StepRecord]) -> dict[str, StepRecord]:
        if not built.keys() <= {step.name for step in STEPS}:
            raise ValueError("unknown steps")
        return built

    @property
    def number(self) -> int:
        """The number of the release."""
        return self.release.release

    @property
    def keys(self) -> set[str]:
        """The keys of the objects that it names."""
        return {file.key for file in self.files.values()}

    def versions(self, table: str) -> set[int]:
        """The versions of a table that it needs: that of the release, and the head."""
        named = (self.release.tables.get(table), self.heads.get(table))
        return {int(version.rpartition(":")[2]) for version in named if version}


class StoreIdentity(Record):
    """The object that makes a folder of a bucket a store."""

    layout: int = LAYOUT
    store: str
    """A random id: a store that was emptied and created again has another one."""


def read_copy(home: Home, number: int) -> StoredRelease | None:
    """The home's own copy of a record of the store; None if there is none, or it is damaged."""
    path = home.shared / f"{number:012d}.json"
    return parse_release(path.read_bytes()) if path.exists() else None


def write_copy(home: Home, record: StoredRelease) -> None:
    """Keep a copy of a record."""
    write_whole(home.shared / f"{record.number:012d}.json", sealed(record))


def keep_copies(home: Home, numbers: Collection[int]) -> None:
    """Delete the copies of all other releases."""
    for path in home.shared.glob("[0-9]*.json"):
        if int(path.stem) not in numbers:
            path.unlink()


def are_sources_published(home: Home) -> bool:
    """Whether the other homes of the store know the registered sources as they are here. True without a store."""
    membership = read_membership(home)
    record = read_copy(home, membership.release) if membership is not None and membership.release else None
    return record is None or record.sources == load_sources(home)


def parse_release(raw: bytes) -> StoredRelease | None:
    """A record of the store; None if it is damaged, or of a later version of omni."""
    body = unsealed(raw)
    try:
        return StoredRelease.model_validate(body) if body is not None else None
    except ValidationError:
        return None

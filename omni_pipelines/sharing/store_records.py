"""The records of a shared store, and the copies of them that a home keeps."""

from collections.abc import Collection
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from native.durable import write_whole
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.releases import release_number
from omni_pipelines.record_fields import Count, Id, PinnedVersion, Sha256, TableName
from omni_pipelines.records import Record, Release, StepRecord, sealed, unsealed
from omni_pipelines.released_files import FILE_NAME, generation_folder, require_released_files, table_folder
from omni_pipelines.schemas import TABLES
from omni_pipelines.sources.registry import RegisteredSources, load_sources
from omni_pipelines.sources.store_membership import read_membership
from omni_pipelines.steps.step_table import STEPS

LAYOUT: Literal[1] = 1
"""Version of the layout of a store."""
_TABLE_FILE = rf"tables/[a-z][a-z0-9_]*-[0-9a-f]{{32}}\.lance(?:/{FILE_NAME}){{1,8}}"
_KEY = rf"^(?:blobs/[0-9a-f]{{64}}-[0-9a-f]{{12}}|{_TABLE_FILE})$"


class StoredFile(Record):
    """The object that holds a file of a home. An object is never changed once a release names it."""

    key: Annotated[str, Field(pattern=_KEY)]
    size: Count
    sha256: Sha256


class StoredRelease(Record):
    """A release, and everything that a home needs to read it and to continue from it."""

    layout: Literal[1] = LAYOUT
    release: Release
    writer: Id
    """Id of the home that published it."""
    heads: dict[TableName, PinnedVersion]
    """Table to `uuid:version` of its head, which the next change starts from; after a rollback not the release."""
    files: dict[str, StoredFile]
    """Path below the home to the object with its content."""
    built: dict[TableName, StepRecord]
    """Step name to its record."""
    sources: RegisteredSources

    @field_validator("built")
    @classmethod
    def _steps_are_known(cls, built: dict[str, StepRecord]) -> dict[str, StepRecord]:
        known = {step.name for step in STEPS}
        if any(name not in known or record.step != name for name, record in built.items()):
            raise ValueError("unknown steps")
        return built

    @model_validator(mode="after")
    def _files_are_of_its_tables_and_indexes(self) -> Self:
        if not self.release.tables.keys() <= self.heads.keys() <= TABLES.keys():
            raise ValueError("unknown tables")
        indexes = {self.release.keyword.generation}
        if "keyword_index" in self.built:
            indexes.add(self.built["keyword_index"].output)
        require_released_files(self.files, {*map(table_folder, self.heads), *map(generation_folder, indexes)})
        return self

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

    layout: Literal[1] = LAYOUT
    store: Id
    """A random id: a store that was emptied and created again has another one."""


def read_copy(home: Home, number: int) -> StoredRelease | None:
    """The home's own copy of a record of the store; None if there is none, or it is damaged."""
    path = home.shared / f"{number:012d}.json"
    return parse_release(path.read_bytes(), number) if path.exists() else None


def write_copy(home: Home, record: StoredRelease) -> None:
    """Keep a copy of a record."""
    write_whole(home.shared / f"{record.number:012d}.json", sealed(record))


def keep_copies(home: Home, numbers: Collection[int]) -> None:
    """Delete the copies of all other releases."""
    for path in home.shared.glob("*.json"):
        number = release_number(path.name)
        if number is not None and number not in numbers:
            path.unlink()


def are_sources_published(home: Home) -> bool:
    """Whether the other homes of the store know the registered sources as they are here. True without a store."""
    membership = read_membership(home)
    record = read_copy(home, membership.release) if membership is not None and membership.release else None
    return record is None or record.sources == load_sources(home)


def parse_release(raw: bytes, number: int) -> StoredRelease | None:
    """The record of a release; None if it is damaged, of another release, or of a later version of omni."""
    record = unsealed(raw, StoredRelease)
    return record if record is not None and record.number == number else None

"""What stands in a store, and what a home remembers of it."""

from __future__ import annotations

import re
from collections.abc import Collection

from pydantic import ValidationError, field_validator

from native.durable import write_whole
from omni_pipelines.home import Home
from omni_pipelines.records import Record, Release, StepRecord, sealed, unsealed
from omni_pipelines.schemas import TABLES
from omni_pipelines.sources.model.source import Source
from omni_pipelines.steps.step_table import STEPS

LAYOUT = 1
"""Version of the layout of a store."""


_FOLDER = rf"tables/(?:{'|'.join(TABLES)})\.lance|keyword/gen-[0-9]{{1,18}}"
_PATH = re.compile(rf"(?:{_FOLDER})(?:/(?!\.\.?(?:/|$))[A-Za-z0-9_.-]+)+")
"""What is fetched from a bucket is written there and nowhere else, whoever may write to the bucket."""


class StoredFile(Record):
    """Where a file of a home stands in the store. An object is never changed once a release names it."""

    key: str
    size: int
    sha256: str


class StoredRelease(Record):
    """A release, and everything a home needs to read it and to go on from it."""

    layout: int = LAYOUT
    release: Release
    writer: str
    """Id of the home that published it."""
    heads: dict[str, str]
    """Table to `uuid:version` at the head, which the next change is applied to. After a rollback it is ahead of the
    release."""
    files: dict[str, StoredFile]
    """Path below the home to what stands there."""
    built: dict[str, StepRecord]
    sources: list[Source]

    @field_validator("files")
    @classmethod
    def _paths_stay_in_the_home(cls, files: dict[str, StoredFile]) -> dict[str, StoredFile]:
        for path in files:
            if not _PATH.fullmatch(path):
                raise ValueError(f"{path!r} is no file of a home")
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
        """The objects that it needs."""
        return {file.key for file in self.files.values()}

    def versions(self, table: str) -> set[int]:
        """Versions of a table that it needs."""
        named = (self.release.tables.get(table), self.heads.get(table))
        return {int(each.rpartition(":")[2]) for each in named if each}


class StoreIdentity(Record):
    """The object that makes a folder of a bucket a store."""

    layout: int = LAYOUT
    store: str
    """A random id: a store that was emptied and made again is another one."""


def read_copy(home: Home, number: int) -> StoredRelease | None:
    """The home's own copy of a record of the store; None where it has none that is whole."""
    path = home.shared / f"{number:012d}.json"
    return parse(path.read_bytes()) if path.exists() else None


def write_copy(home: Home, record: StoredRelease) -> None:
    """Keep a copy of a record."""
    write_whole(home.shared / f"{record.number:012d}.json", sealed(record))


def keep_copies(home: Home, numbers: Collection[int]) -> None:
    """Delete the copies of all but these."""
    for path in home.shared.glob("[0-9]*.json"):
        if int(path.stem) not in numbers:
            path.unlink()


def parse(raw: bytes) -> StoredRelease | None:
    """A record as it was written; None where it is not."""
    body = unsealed(raw)
    try:
        return StoredRelease.model_validate(body) if body is not None else None
    except ValidationError:
        return None

"""Lance tables on disk: create, read at a version, reconcile in one commit, verify, make durable.

Every read and write goes through one shared session with explicit limits; the default would be 7 GiB per table.
"""

from __future__ import annotations

import functools
import os
import shutil
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from native.durable import PART
from native.errors import TableCorrupt, TableMissing, engine_errors

FORMAT = "2.2"
INDEX_CACHE_BYTES = 256 << 20
METADATA_CACHE_BYTES = 64 << 20
CONFLICT_RETRIES = 20
MOST_FRAGMENTS = 64
_UUID_KEY = b"omni:table_uuid"
_MANIFEST_BASE = (1 << 64) - 1
"""Lance names the manifest of version v `<2^64-1-v>.manifest`, so that the newest sorts first."""


@functools.cache
def session() -> Any:
    """The process-wide Lance session."""
    import lance

    return lance.Session(index_cache_size_bytes=INDEX_CACHE_BYTES, metadata_cache_size_bytes=METADATA_CACHE_BYTES)


@dataclass(frozen=True)
class TableVersion:
    """One state of one table. The uuid tells a re-created table, which starts again at version 1."""

    uuid: str
    version: int

    def __str__(self) -> str:
        return f"{self.uuid}:{self.version}"

    @classmethod
    def parse(cls, text: str) -> TableVersion:
        """The reverse of `str`."""
        table, _, version = text.rpartition(":")
        return cls(table, int(version))


def equals(column: str, value: str) -> str:
    """A filter: `column` is `value`. The value is quoted; a quote in it cannot end the string."""
    return column + " = " + _quote(value)


def is_in(column: str, values: Sequence[str]) -> str:
    """A filter: `column` is one of `values`."""
    return column + " IN (" + ", ".join(_quote(value) for value in values) + ")" if values else "false"


def _quote(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


class LanceTable:
    """A table at a path. Opening is cheap (0.2 ms); nothing is held between calls."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def name(self) -> str:
        """The table's name: its folder without `.lance`."""
        return self.path.stem

    def exists(self) -> bool:
        """Whether a first version was ever committed."""
        versions = self.path / "_versions"
        return versions.is_dir() and any(versions.glob("*.manifest"))

    def create(self, schema: pa.Schema) -> None:
        """Write an empty table with an identity of its own. A table that is there is left alone.

        It is made aside and renamed into place: of two that Lance creates at one place, the second empties the first.
        """
        import lance

        if self.exists():
            return
        identity = uuid.uuid4().hex
        part = self.path.with_name(f".{self.path.name}.{identity}{PART}")
        lance.write_dataset(
            schema.with_metadata({_UUID_KEY: identity.encode()}).empty_table(),
            str(part),
            data_storage_version=FORMAT,
            enable_stable_row_ids=True,
        )
        try:
            os.rename(part, self.path)
        except OSError:
            shutil.rmtree(part)
            if not self.exists():  # else another process made it just now, which is as good
                raise

    def open(self, version: int | None = None) -> Any:
        """The Lance dataset at `version`, or at the head.

        Raises:
            TableMissing: no table, or no such version.
            TableCorrupt: its manifest cannot be read.
        """
        import lance

        if not self.exists():
            raise TableMissing(f"table {self.name} is not at {self.path}", cure="run: omni ingest")
        at = "" if version is None else f" at version {version}"
        cure = "run: omni ingest" if version is None else "open the newest release"
        with self._errors(f"table {self.name}{at} cannot be opened", cure, TableCorrupt):
            return lance.dataset(str(self.path), version=version, session=session())

    def _errors(
        self, what: str = "", cure: str = "run: omni ingest", otherwise: type[TableCorrupt] | None = None
    ) -> AbstractContextManager[None]:
        what = what or f"table {self.name}"
        return engine_errors(what, cure=cure, missing=TableMissing, corrupt=TableCorrupt, otherwise=otherwise)

    def head(self) -> TableVersion:
        """The newest version."""
        return self.version(None)

    def version(self, number: int | None) -> TableVersion:
        """A version with its table's identity.

        Raises:
            TableMissing, TableCorrupt: as for `open`.
        """
        dataset = self.open(number)
        return TableVersion(dataset.schema.metadata[_UUID_KEY].decode(), dataset.version)

    def read(
        self, columns: Sequence[str] | None = None, where: str | None = None, version: int | None = None
    ) -> pa.Table:
        """Rows as an Arrow table, in storage order."""
        scanner = self.scanner(columns, where, version)
        with self._errors(), missing_files(self.name):
            return scanner.to_table()

    def batches(
        self, columns: Sequence[str] | None = None, where: str | None = None, version: int | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Rows as a stream of record batches."""
        with self._errors():
            yield from self.scanner(columns, where, version).to_batches()

    def scanner(
        self, columns: Sequence[str] | None = None, where: str | None = None, version: int | None = None
    ) -> Any:
        """A Lance scanner: also what DuckDB reads."""
        dataset = self.open(version)
        return dataset.scanner(columns=list(columns) if columns is not None else None, filter=where)

    def count(self, where: str | None = None, version: int | None = None) -> int:
        """Number of rows."""
        with self._errors():
            return int(self.open(version).count_rows(filter=where))

    def upsert(self, key: str, rows: pa.Table, replacing: str | None = None) -> None:
        """Insert new keys and update known ones in ONE commit; a redo changes nothing.

        `replacing` is a filter: rows that match it and are not among `rows` are deleted in the same commit.

        Raises:
            WriteConflict: other writers won every retry.
        """
        merge = self.open().merge_insert(key).when_matched_update_all().when_not_matched_insert_all()
        if replacing is not None:
            merge = merge.when_not_matched_by_source_delete(replacing)
        with self._errors():
            merge.conflict_retries(CONFLICT_RETRIES).execute(rows)

    def delete(self, where: str) -> None:
        """Delete the rows a filter selects. Build the filter with `equals` or `is_in`."""
        with self._errors():
            self.open().delete(where, conflict_retries=CONFLICT_RETRIES)

    def broken_files(self, version: int | None = None) -> list[str]:
        """Files whose size is not what the manifest records. Lance can swallow a write error and commit."""
        dataset = self.open(version)
        return [*self._broken_data(dataset), *self._broken_indexes(dataset)]

    def _broken_data(self, dataset: Any) -> Iterator[str]:
        for fragment in dataset.get_fragments():
            for file in fragment.metadata.files:
                path = self.path / "data" / file.path
                if _size(path) < 0 or (file.file_size_bytes and _size(path) != file.file_size_bytes):
                    yield f"data/{file.path}"

    def _broken_indexes(self, dataset: Any) -> Iterator[str]:
        for index in dataset.describe_indices():
            for segment in index.segments:
                folder = self.path / "_indices" / str(segment.uuid)
                found = sum(_size(path) for path in folder.glob("*")) if folder.is_dir() else -1
                if segment.size_bytes is not None and found != segment.size_bytes:
                    yield f"_indices/{segment.uuid}"

    def tag(self, name: str, version: int) -> None:
        """Keep a version from being cleaned up."""
        tags = self.open(version).tags
        if name in tags.list():
            tags.update(name, version)
        else:
            tags.create(name, version)

    def untag(self, keep: set[str]) -> None:
        """Drop every tag that is not in `keep`."""
        tags = self.open().tags
        for name in tags.list():
            if name not in keep:
                tags.delete(name)

    def compact(self) -> None:
        """Merge small files once there are many: every commit adds one, and hundreds make a scan ten times dearer.

        Rows, their ids and what an index covers stay as they are.
        """
        dataset = self.open()
        if len(dataset.get_fragments()) > MOST_FRAGMENTS:
            with self._errors():
                dataset.optimize.compact_files()

    def clean_up(self) -> None:
        """Delete versions that are neither tagged nor the head, and what killed writers left.

        Call it under the writer's lock only: a commit that another writer prepares looks like a leftover.
        """
        self.open().cleanup_old_versions(
            older_than=timedelta(0), delete_unverified=True, error_if_tagged_old_versions=False
        )

    def set_aside_after(self, version: int, folder: Path) -> list[str]:
        """Move manifests newer than `version` into `folder`; with version 0, the whole table.

        For a head that cannot be read after a power cut: Lance never syncs its files, so the newest may be empty.
        """
        stamp = time.time_ns()
        folder.mkdir(parents=True, exist_ok=True)
        if version == 0:
            shutil.move(self.path, folder / f"{self.path.name}.{stamp}")
            return [self.path.name]
        moved = []
        for path in sorted((self.path / "_versions").iterdir()):
            if path.name.startswith("latest_version_hint"):
                path.unlink()
            elif path.suffix == ".manifest" and _MANIFEST_BASE - int(path.stem) > version:
                os.replace(path, folder / f"{self.name}.{path.name}.{stamp}")
                moved.append(path.name)
        return moved


@contextmanager
def missing_files(table: str) -> Iterator[None]:
    """Lance's missing files, in our words: the version was cleaned up while a reader still held it."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        if "not found" not in str(error).lower():
            raise
        raise TableMissing(
            f"files of table {table} are gone: {error}",
            cure="open the newest release; if this is it, move the table away and run: omni ingest",
        ) from error


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return -1

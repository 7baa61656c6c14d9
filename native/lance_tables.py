"""Lance tables on disk: create, read at a version, and change in one commit.

Every read and write goes through the pool of open datasets, `native.dataset_cache.POOL`. What keeps a table small is
in `native.lance_maintenance`, its files are in `native.lance_files`, repair after a crash in `native.lance_recovery`.
"""

from __future__ import annotations

import functools
import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

import pyarrow as pa

from native.dataset_cache import POOL
from native.durable import PART
from native.errors import TableCorrupt, TableMissing
from native.foreign_errors import OLD_VERSION, TABLE, engine_errors
from native.lance_manifests import ManifestIdentity, head_version, manifest_identity
from native.lance_paths import lance_path

if TYPE_CHECKING:
    from lance import LanceDataset, LanceScanner

FORMAT: Literal["2.2"] = "2.2"
"""Version of Lance's file format."""
IDENTITY_KEY = b"omni:table_uuid"
CONFLICT_RETRIES = 20


@dataclass(frozen=True)
class TableVersion:
    """One state of one table. The uuid identifies the table: a re-created one begins at version 1 again."""

    uuid: str
    version: int

    def __str__(self) -> str:
        return f"{self.uuid}:{self.version}"

    @classmethod
    def parse(cls, text: str) -> TableVersion:
        """Read what `str` wrote."""
        table, _, version = text.rpartition(":")
        return cls(table, int(version))


class LanceTable:
    """A table at a path. The object itself has no state: open datasets are kept in the pool.

    A version that an earlier version of omni made may lack some of `columns`: they are read as empty values.
    """

    def __init__(self, path: Path, columns: pa.Schema | None = None) -> None:
        self.path = path
        self._columns = columns if columns is not None else pa.schema([])

    @property
    def name(self) -> str:
        """The table's name: its folder without `.lance`."""
        return self.path.stem

    def exists(self) -> bool:
        """Whether the table has a committed version."""
        try:
            return head_version(self.path) > 0
        except (FileNotFoundError, NotADirectoryError):
            return False

    def create(self, schema: pa.Schema) -> None:
        """Write an empty table with its own identity, unless there is one.

        The table is made in a temporary folder and then renamed: if two processes let Lance create a table at the
        same path, the second one empties the first.
        """
        import lance

        if self.exists():
            return
        identity = uuid.uuid4().hex
        part = self.path.with_name(f".{self.path.name}.{identity}{PART}")
        lance.write_dataset(
            schema.with_metadata({IDENTITY_KEY: identity.encode()}).empty_table(),
            lance_path(part),
            data_storage_version=FORMAT,
            enable_stable_row_ids=True,
            session=POOL.session,
        )
        try:
            os.rename(part, self.path)
        except OSError:
            shutil.rmtree(part)
            if not self.exists():  # else another process created it in the meantime
                raise

    def open(self, version: int | None = None) -> LanceDataset:
        """The dataset at `version`, or at the head.

        Raises:
            TableMissing: there is no table, or no such version.
            TableCorrupt: its manifest cannot be read.
        """
        with self._opening(version):
            return POOL.get(self.path, version)

    @contextmanager
    def lease(self) -> Iterator[LanceDataset]:
        """The dataset at the head, to write through.

        Raises:
            TableMissing, TableCorrupt: as for `open`.
            WriteConflict: other writers were faster at every retry.
        """
        with self._opening(None):
            dataset = POOL.lend(self.path)
        with engine_errors(f"table {self.name}", TABLE):
            yield dataset
        POOL.take_back(self.path, dataset)

    def _opening(self, version: int | None) -> AbstractContextManager[None]:
        if version is None:
            return engine_errors(f"table {self.name} cannot be opened", TABLE, opening=True)
        return engine_errors(f"table {self.name} at version {version} cannot be opened", OLD_VERSION, opening=True)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Translate the errors of reads. Missing files mean that the version was cleaned up while it was open.

        Raises:
            TableMissing: files of the version are gone.
            EngineError: another error of Lance.
        """
        with engine_errors(f"table {self.name}", TABLE):
            try:
                yield
            except (OSError, pa.ArrowException) as error:
                if "not found" not in str(error).lower():
                    raise
                raise TableMissing(
                    f"files of table {self.name} are gone: {error}",
                    cure="open the newest release; if this is the newest, move the table away and run: omni ingest",
                ) from error

    def head(self) -> TableVersion:
        """The newest version.

        Raises:
            TableMissing, TableCorrupt: as for `version`.
        """
        return self.version(None)

    def version(self, number: int | None) -> TableVersion:
        """A version with the identity of its table.

        Raises:
            TableMissing, TableCorrupt: as for `open`.
        """
        dataset = self.open(number)
        identity = (dataset.schema.metadata or {}).get(IDENTITY_KEY)
        if identity is None:  # a manifest of zeros can be opened, as a table without columns
            raise TableCorrupt(f"table {self.name} has no identity in its manifest", cure="run: omni ingest")
        return TableVersion(identity.decode(), dataset.version)

    def versions(self) -> list[int]:
        """The versions on disk, ascending; none if there is no table."""
        return list(self.commit_times()) if self.exists() else []

    def commit_times(self) -> dict[int, datetime]:
        """The versions on disk, ascending, with the time in UTC when each was committed.

        Raises:
            TableCorrupt: the manifest of one of them cannot be read.
        """
        dataset = self.open()
        with self.reading():
            versions = dataset.versions()
        return {int(version["version"]): cast(datetime, version["timestamp"]).astimezone(UTC) for version in versions}

    def read(
        self, columns: Sequence[str] | None = None, where: str | None = None, version: int | None = None
    ) -> pa.Table:
        """Rows as an Arrow table, in storage order."""
        lacking = self.lacking(columns, version)
        scanner = self.scanner(_without(columns, lacking), where, version)
        with self.reading():
            rows = scanner.to_table()
        for column in lacking:
            rows = rows.append_column(column, empty_values(column, len(rows)))
        return rows.select(columns) if lacking and columns is not None else rows

    def lacking(self, columns: Sequence[str] | None, version: int | None = None) -> list[pa.Field]:
        """Those of these columns, or of all, that a version lacks because an earlier version of omni made it."""
        if not len(self._columns):
            return []
        number = version if version is not None else self.head().version
        with self._opening(version):
            stored = _column_names(self.path, number, manifest_identity(self.path, number))
        wanted = self._columns.names if columns is None else set(columns).intersection(self._columns.names)
        return [self._columns.field(name) for name in wanted if name not in stored]

    def batches(
        self, columns: Sequence[str] | None = None, where: str | None = None, version: int | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Rows as record batches, in storage order."""
        scanner = self.scanner(columns, where, version)
        with self.reading():
            yield from scanner.to_batches()

    def physical_batches(self, columns: Sequence[str], version: int | None = None) -> Iterator[pa.RecordBatch]:
        """All rows in the files of a version, including deleted rows that are not yet erased."""
        dataset = self.open(version)
        scanner = dataset.scanner(columns=list(columns), with_row_id=True, include_deleted_rows=True)
        with self.reading():
            for batch in scanner.to_batches():
                yield batch.select(list(columns))

    def scanner(
        self, columns: Sequence[str] | None = None, where: str | None = None, version: int | None = None
    ) -> LanceScanner:
        """A Lance scanner, which DuckDB can read as well."""
        dataset = self.open(version)
        return dataset.scanner(columns=list(columns) if columns is not None else None, filter=where)

    def count(self, where: str | None = None, version: int | None = None) -> int:
        """Number of rows."""
        dataset = self.open(version)
        with self.reading():
            return int(dataset.count_rows(filter=where))

    def upsert(self, key: str, rows: pa.Table, replacing: str | None = None) -> None:
        """Insert rows with new keys and update those with known keys in one commit. Repeating it changes nothing.

        `replacing` is a filter: rows that match it and are not among `rows` are deleted in the same commit.

        Raises:
            WriteConflict: other writers were faster at every retry.
        """
        with self.lease() as dataset:
            merge = dataset.merge_insert(key).when_matched_update_all().when_not_matched_insert_all()
            if replacing is not None:
                merge = merge.when_not_matched_by_source_delete(replacing)
            merge.conflict_retries(CONFLICT_RETRIES).execute(rows)

    def delete(self, where: str) -> None:
        """Delete the rows that a filter selects. Build the filter with `native.filters`."""
        with self.lease() as dataset:
            dataset.delete(where, conflict_retries=CONFLICT_RETRIES)


@functools.lru_cache(maxsize=64)
def _column_names(path: Path, version: int, _manifest: ManifestIdentity) -> frozenset[str]:
    """The names of the columns of a version. To ask Lance costs as much as a short query."""
    return frozenset(LanceTable(path).open(version).schema.names)


def empty_values(column: pa.Field, count: int) -> pa.Array:
    """Nulls if a column may have them, else the empty text, the empty list or zero."""
    if column.nullable:
        return pa.nulls(count, column.type)
    if pa.types.is_list(column.type):
        return pa.array([[]] * count, column.type)
    if pa.types.is_string(column.type):
        return pa.array([""] * count, column.type)
    return pa.array([0] * count, pa.int64()).cast(column.type)


def _without(columns: Sequence[str] | None, lacking: Sequence[pa.Field]) -> list[str] | None:
    absent = {column.name for column in lacking}
    return [name for name in columns if name not in absent] if columns is not None else None

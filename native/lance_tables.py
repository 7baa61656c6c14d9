"""Lance tables on disk: create, read at a version, reconcile in one commit, verify, make durable.

Every read and write goes through the pool of open datasets, see `native.dataset_cache`.
"""

from __future__ import annotations

import json
import os
import shutil
import time
import uuid
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from native.dataset_cache import head_version, manifest_name, manifest_version, pool
from native.durable import PART
from native.errors import TableCorrupt, TableMissing, engine_errors
from native.filters import MODIFIED, days, folder

FORMAT = "2.2"
CONFLICT_RETRIES = 20
MAX_FRAGMENTS = 8
"""Beyond this many, small ones are merged: fetching ten rows from 15 fragments costs twice what it does from 4."""
BIG_FRAGMENTS = 4
MIN_FRAGMENT_ROWS = 1_024
_UUID_KEY = b"omni:table_uuid"
_ERASED_KEY = "omni:erased"
_LAST_BYTES = {".manifest": b"LANC", ".lance": b"LANC", ".idx": b"LANC", ".arrow": b"ARROW1"}
"""How files of Lance's and Arrow's formats end."""


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


def narrowed(column: str, value: str) -> str:
    """A filter: `column` is `value`, or for `docs/**` begins with `docs/`, or lies between two days."""
    if column == MODIFIED:
        return _between(column, *days(value))
    below = folder(value)
    return equals(column, value) if below is None else "starts_with(" + column + ", " + _quote(below) + ")"


def _between(column: str, first: date | None, last: date | None) -> str:
    bounds = []
    if first is not None:
        bounds.append(column + " >= TIMESTAMP " + _quote(f"{first} 00:00:00"))
    if last is not None and last != date.max:
        bounds.append(column + " < TIMESTAMP " + _quote(f"{last + timedelta(days=1)} 00:00:00"))
    return " AND ".join(bounds) or "true"


def _quote(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


class LanceTable:
    """A table at a path. It holds nothing itself; the pool keeps what is open."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def name(self) -> str:
        """The table's name: its folder without `.lance`."""
        return self.path.stem

    def exists(self) -> bool:
        """Whether a first version was ever committed."""
        try:
            return head_version(self.path) > 0
        except (FileNotFoundError, NotADirectoryError):
            return False

    def create(self, schema: pa.Schema) -> None:
        """Write an empty table with an identity of its own. One that is there only gets the columns it lacks, empty.

        It is made aside and renamed into place: of two that Lance creates at one place, the second empties the first.
        """
        import lance

        if self.exists():
            self._add_missing(schema)
            return
        identity = uuid.uuid4().hex
        part = self.path.with_name(f".{self.path.name}.{identity}{PART}")
        lance.write_dataset(
            schema.with_metadata({_UUID_KEY: identity.encode()}).empty_table(),
            str(part),
            data_storage_version=FORMAT,
            enable_stable_row_ids=True,
            session=pool().session,
        )
        try:
            os.rename(part, self.path)
        except OSError:
            shutil.rmtree(part)
            if not self.exists():  # else another process made it just now, which is as good
                raise

    def _add_missing(self, schema: pa.Schema) -> None:
        """Columns of a newer schema; nullable ones only, for there is nothing to fill in."""
        known = set(self.open().schema.names)
        missing = [column for column in schema if column.name not in known and column.nullable]
        if missing:
            with self.lease() as dataset:
                dataset.add_columns(missing)

    def open(self, version: int | None = None) -> Any:
        """The Lance dataset at `version`, or at the head.

        Raises:
            TableMissing: no table, or no such version.
            TableCorrupt: its manifest cannot be read.
        """
        with self._opening(version):
            return pool().get(self.path, version)

    @contextmanager
    def lease(self) -> Iterator[Any]:
        """The dataset at the head, to write through.

        Raises:
            TableMissing, TableCorrupt: as for `open`.
            WriteConflict: other writers won every retry.
        """
        with self._opening(None):
            dataset = pool().lend(self.path)
        with self._errors():
            yield dataset
        pool().take_back(self.path, dataset)

    def _opening(self, version: int | None) -> AbstractContextManager[None]:
        at = "" if version is None else f" at version {version}"
        cure = "run: omni ingest" if version is None else "open the newest release"
        return self._errors(f"table {self.name}{at} cannot be opened", cure, TableCorrupt)

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
        identity = (dataset.schema.metadata or {}).get(_UUID_KEY)
        if identity is None:  # a manifest of zeros opens, as a table without columns
            raise TableCorrupt(f"table {self.name} has no identity in its manifest", cure="run: omni ingest")
        return TableVersion(identity.decode(), dataset.version)

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

    def versions(self) -> list[int]:
        """Numbers of the versions that are on disk, rising."""
        return [int(each["version"]) for each in self.open().versions()] if self.exists() else []

    def manifest(self, version: int) -> Path:
        """The file that makes a version. It also says how it was made: a delete's filter stands in it."""
        return self.path / "_versions" / manifest_name(version)

    def physical_batches(self, columns: Sequence[str], version: int | None = None) -> Iterator[pa.RecordBatch]:
        """Rows as they lie in the files of a version: also those that are deleted and not yet erased."""
        dataset = self.open(version)
        scanner = dataset.scanner(columns=list(columns), with_row_id=True, include_deleted_rows=True)
        with missing_files(self.name):
            for batch in scanner.to_batches():
                yield batch.select(list(columns))

    def upsert(self, key: str, rows: pa.Table, replacing: str | None = None) -> None:
        """Insert new keys and update known ones in ONE commit; a redo changes nothing.

        `replacing` is a filter: rows that match it and are not among `rows` are deleted in the same commit.

        Raises:
            WriteConflict: other writers won every retry.
        """
        with self.lease() as dataset:
            merge = dataset.merge_insert(key).when_matched_update_all().when_not_matched_insert_all()
            if replacing is not None:
                merge = merge.when_not_matched_by_source_delete(replacing)
            merge.conflict_retries(CONFLICT_RETRIES).execute(rows)

    def delete(self, where: str) -> None:
        """Delete the rows a filter selects. Build the filter with `equals` or `is_in`."""
        with self.lease() as dataset:
            dataset.delete(where, conflict_retries=CONFLICT_RETRIES)

    def compact(self) -> bool:
        """Merge small fragments once there are many: each costs every query. Whether it made a version."""
        return len(self.open().get_fragments()) > MAX_FRAGMENTS and self.merge_fragments()

    def merge_fragments(self) -> bool:
        """Merge small fragments, and write those anew of which a tenth is deleted. Whether it made a version.

        A fragment of a quarter of the rows or more is left alone: a small change never rewrites the table, and what
        kept releases share with the head stays shared.
        """
        with self.lease() as head:
            target = max(MIN_FRAGMENT_ROWS, head.count_rows() // BIG_FRAGMENTS)
            return bool(head.optimize.compact_files(target_rows_per_fragment=target).fragments_removed)

    def copy(self, target: Path, version: int) -> LanceTable:
        """The rows of one version as a new table with an identity of its own, without history, in few files.

        Raises:
            TableMissing: the version is gone.
        """
        import lance

        dataset = self.open(version)
        schema = dataset.schema.with_metadata({_UUID_KEY: uuid.uuid4().hex.encode()})
        with missing_files(self.name):
            lance.write_dataset(
                pa.RecordBatchReader.from_batches(
                    schema, (batch.cast(schema) for batch in dataset.scanner().to_batches())
                ),
                str(target),
                data_storage_version=FORMAT,
                enable_stable_row_ids=True,
            )
        return LanceTable(target)

    def files(self, version: int) -> Iterator[str]:
        """Names below the table's folder of all files that a version needs, its manifest last.

        Raises:
            TableMissing: the version is gone.
        """
        dataset = self.open(version)
        yield from (name for name, _ in self._data_files(dataset))
        for segment, _ in self._index_segments(dataset):
            yield from sorted(f"{segment}/{path.name}" for path in (self.path / segment).iterdir())
        yield f"_versions/{self.manifest(version).name}"

    def broken_files(self, version: int | None = None) -> list[str]:
        """Files whose size is not what the manifest records, or whose end is missing.

        Lance can swallow a write error and commit; a power cut can leave a file its length and take its content.
        """
        dataset = self.open(version)
        return [*self._broken_data(dataset), *self._broken_indexes(dataset)]

    def _broken_data(self, dataset: Any) -> Iterator[str]:
        for name, size in self._data_files(dataset):
            if not _ends_well(self.path / name) or (size and _size(self.path / name) != size):
                yield name

    def _broken_indexes(self, dataset: Any) -> Iterator[str]:
        for name, size in self._index_segments(dataset):
            folder = self.path / name
            files = list(folder.glob("*"))
            found = sum(_size(path) for path in files) if folder.is_dir() else -1
            if (size is not None and found != size) or not all(_ends_well(path) for path in files):
                yield name

    def _data_files(self, dataset: Any) -> Iterator[tuple[str, int | None]]:
        """Rows and marks of deleted ones: name and the bytes that the manifest records, if it does."""
        for fragment in dataset.get_fragments():
            for file in fragment.metadata.files:
                yield f"data/{file.path}", file.file_size_bytes
            deleted = fragment.deletion_file()
            if deleted is not None:
                yield deleted, None

    def _index_segments(self, dataset: Any) -> Iterator[tuple[str, int | None]]:
        """Folders of indexes, and the bytes of all files in each, if they are recorded."""
        for index in dataset.describe_indices():
            for segment in index.segments:
                yield f"_indices/{segment.uuid}", segment.size_bytes

    def tag(self, name: str, version: int) -> None:
        """Keep a version from being cleaned up."""
        with self.lease() as dataset:
            if name in dataset.tags.list():
                dataset.tags.update(name, version)
            else:
                dataset.tags.create(name, version)

    def drop_broken_tags(self) -> None:
        """Delete tags that a power cut left empty or torn: one alone keeps Lance from reading any of them.

        Call it under the writer's lock only.
        """
        for path in (self.path / "_refs" / "tags").glob("*.json"):
            try:
                json.loads(path.read_bytes())
            except ValueError:
                path.unlink()

    def untag(self, keep: set[str]) -> None:
        """Drop every tag that is not in `keep`."""
        with self.lease() as dataset:
            for name in dataset.tags.list():
                if name not in keep:
                    dataset.tags.delete(name)

    def erase_deleted(self) -> None:
        """Write the files anew that hold deleted rows. Older versions hold them still: `clean_up` deletes those.

        The newest version says how it was made, and for a delete that is its filter, with all values in it. So one
        more version follows that says nothing.
        """
        with self.lease() as dataset:
            dataset.optimize.compact_files(materialize_deletions=True, materialize_deletions_threshold=0.0)
            dataset.update_config({_ERASED_KEY: uuid.uuid4().hex})

    def clean_up(self) -> None:
        """Delete versions that are neither tagged nor the head, and what killed writers left.

        Call it under the writer's lock only: a commit that another writer prepares looks like a leftover.
        """
        with self.lease() as dataset:
            dataset.cleanup_old_versions(
                older_than=timedelta(0), delete_unverified=True, error_if_tagged_old_versions=False
            )

    def restore(self, version: int) -> None:
        """Make an old version the head again, as a new version.

        Raises:
            TableMissing: there is no such version.
        """
        self.open(version)
        with self.lease() as dataset:
            dataset.checkout_version(version).restore()

    def adopt(self, manifests: Sequence[Path], keep: Collection[int]) -> None:
        """Put these manifests in place, and have no versions but those in `keep`, and no tags.

        What the manifests name stands in the table's folder already. Lance's caches know the older versions still:
        see `DatasetCache.start_anew`.
        """
        folder = self.path / "_versions"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.path / "_refs", ignore_errors=True)
        for path in folder.iterdir():
            if manifest_version(path.name) not in keep:  # and the hint which is the newest
                path.unlink()
        for path in manifests:
            os.replace(path, folder / path.name)

    def set_aside_after(self, version: int, folder: Path) -> list[str]:
        """Move manifests newer than `version` into `folder`; with version 0, the whole table.

        For a head that cannot be read after a power cut: Lance never syncs its files, so the newest may be empty.
        """
        folder.mkdir(parents=True, exist_ok=True)
        if version == 0:
            shutil.move(self.path, folder / f"{self.path.name}.{time.time_ns()}")
            return [self.path.name]
        return self._set_aside(self._manifests_after(version), folder)

    def set_aside_torn(self, version: int, folder: Path) -> list[str]:
        """Move manifests newer than `version` that were cut short into `folder`.

        One alone, even below a good head, keeps Lance from ever cleaning up.
        """
        return self._set_aside([path for path in self._manifests_after(version) if not _ends_well(path)], folder)

    def _manifests_after(self, version: int) -> list[Path]:
        found = sorted((self.path / "_versions").glob("*.manifest"))
        return [path for path in found if (manifest_version(path.name) or 0) > version]

    def _set_aside(self, manifests: Sequence[Path], folder: Path) -> list[str]:
        stamp = time.time_ns()
        if manifests:
            for hint in (self.path / "_versions").glob("latest_version_hint*"):
                hint.unlink()
        for path in manifests:
            os.replace(path, folder / f"{self.name}.{path.name}.{stamp}")
        return [path.name for path in manifests]


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


def _ends_well(path: Path) -> bool:
    """Whether a file is there and ends as its format does. A format that is not known must not be empty."""
    mark = _LAST_BYTES.get(path.suffix, b"")
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - len(mark)))
            return size > 0 and file.read() == mark if mark else size > 0
    except FileNotFoundError:
        return False

"""Maintenance of Lance tables: merge fragments, tag versions, clean up, erase, copy. It changes no row."""

import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pyarrow as pa

from native.dataset_cache import POOL
from native.lance_paths import lance_path
from native.lance_tables import FORMAT, IDENTITY_KEY, LanceTable

MAX_FRAGMENTS = 8
"""Beyond this many, small ones are merged: to fetch ten rows from 15 fragments costs twice as much as from 4."""
BIG_FRAGMENTS = 4
"""A fragment with at least the rows of the table divided by this is big, and not rewritten."""
MIN_FRAGMENT_ROWS = 1_024
_LARGE_ROW_BYTES = 64 << 10
"""Rows of this size fill a page each, as they are."""
_ERASED_KEY = "omni:erased"


def compact(table: LanceTable, may_rewrite: Callable[[], bool] = lambda: True) -> bool:
    """Merge small fragments if there are many, because every query reads each. Returns whether it made a version.

    `may_rewrite` is asked before rows are written again.
    """
    return len(table.open().get_fragments()) > MAX_FRAGMENTS and may_rewrite() and merge_fragments(table)


def merge_fragments(table: LanceTable) -> bool:
    """Merge small fragments, and rewrite those with a tenth of their rows deleted. Returns whether it made a version.

    Fragments with a quarter of the rows or more are left alone. So a small change never rewrites the table, and kept
    releases go on sharing files with the head. The pages of large rows are copied as they are: to decode 100 MB of
    them would take 280 MB of memory.
    """
    with table.lease() as head:
        rows = head.count_rows()
        files = [file for fragment in head.get_fragments() for file in fragment.data_files()]
        is_large = sum(file.file_size_bytes or 0 for file in files) > rows * _LARGE_ROW_BYTES
        done = head.optimize.compact_files(
            target_rows_per_fragment=max(MIN_FRAGMENT_ROWS, rows // BIG_FRAGMENTS),
            compaction_mode="try_binary_copy" if is_large else "reencode",
        )
        return bool(done.fragments_removed)


def tag(table: LanceTable, name: str, version: int) -> None:
    """Protect a version from `clean_up`; an existing tag of this name moves to it."""
    with table.lease() as dataset:
        if name in dataset.tags.list():
            dataset.tags.update(name, version)
        else:
            dataset.tags.create(name, version)


def untag(table: LanceTable, keep: set[str]) -> None:
    """Delete every tag that is not in `keep`."""
    with table.lease() as dataset:
        for name in dataset.tags.list():
            if name not in keep:
                dataset.tags.delete(name)


_UNFINISHED = re.compile(r".+#\d+|\.tmp\w{6}")
"""A file is written under such a name, and then gets its own."""


def clean_up(table: LanceTable) -> None:
    """Delete all versions except the head and the tagged ones, and the leftovers of killed writers.

    Call it under the writer lock only: the files of another writer's unfinished commit look like leftovers.
    """
    with table.lease() as dataset:
        dataset.cleanup_old_versions(
            older_than=timedelta(0), delete_unverified=True, error_if_tagged_old_versions=False
        )
    for path in table.path.rglob("*"):  # Lance leaves these, and the filter of a delete can stand in one
        if _UNFINISHED.fullmatch(path.name):
            path.unlink(missing_ok=True)


def erase_deleted(table: LanceTable) -> None:
    """Rewrite the files that contain deleted rows. Older versions still have them until `clean_up`.

    A version records the operation that made it, and a delete its filter with all values. One more version follows,
    so that the head records no delete.
    """
    with table.lease() as dataset:
        dataset.optimize.compact_files(materialize_deletions=True, materialize_deletions_threshold=0.0)
        dataset.update_config({_ERASED_KEY: uuid.uuid4().hex})


def restore(table: LanceTable, version: int) -> None:
    """Make an old version the head again, as a new version.

    Raises:
        TableMissing: there is no such version.
    """
    table.open(version)
    with table.lease() as dataset:
        dataset.checkout_version(version).restore()  # type: ignore[no-untyped-call]  # Lance has no type here


def copy(table: LanceTable, target: Path, version: int) -> LanceTable:
    """Write the rows of one version as a new table: its own identity, no history, few files.

    Raises:
        TableMissing: the version is gone.
    """
    import lance

    dataset = table.open(version)
    schema = dataset.schema.with_metadata({IDENTITY_KEY: uuid.uuid4().hex.encode()})
    batches = (batch.cast(schema) for batch in dataset.scanner().to_batches())
    with table.reading():
        lance.write_dataset(
            pa.RecordBatchReader.from_batches(schema, batches),
            lance_path(target),
            data_storage_version=FORMAT,
            enable_stable_row_ids=True,
        )
    return LanceTable(target)


def start_again(table: LanceTable, schema: pa.Schema) -> None:
    """Continue a table without rows, with other columns. Older versions stay readable; the identity stays."""
    import lance

    identity = table.open().schema.metadata
    lance.write_dataset(
        schema.with_metadata(identity).empty_table(),
        lance_path(table.path),
        mode="overwrite",
        data_storage_version=FORMAT,
        enable_stable_row_ids=True,
        session=POOL.session,
    )


def rewrite(table: LanceTable, schema: pa.Schema) -> None:
    """Write all rows again as one version, in today's file format and with the codecs of `schema`.

    Columns that are not in `schema` stay as they are. Older versions stay readable. The indexes are lost and must be
    built again.
    """
    import lance

    source = table.open()
    columns = [schema.field(column.name) if column.name in schema.names else column for column in source.schema]
    target = pa.schema(columns, source.schema.metadata)
    batches = (batch.cast(target) for batch in source.to_batches())
    lance.write_dataset(
        pa.RecordBatchReader.from_batches(target, batches),
        lance_path(table.path),
        mode="overwrite",
        data_storage_version=FORMAT,
        session=POOL.session,
    )

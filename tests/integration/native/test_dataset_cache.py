"""The pool of open datasets: it returns the table that is on disk now, and stays within its limits."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from native import lance_maintenance
from native.dataset_cache import DatasetCache, DatasetCacheConfig
from native.errors import TableMissing
from native.filters import equals, is_in
from native.lance_manifests import head_version, manifest_version
from native.lance_tables import LanceTable
from native.row_cache import RowIndex, fetch_rows, row_index

SCHEMA = pa.schema([pa.field("id", pa.string(), nullable=False), pa.field("n", pa.int64())])


def rows(*names: str) -> pa.Table:
    return pa.table({"id": list(names), "n": list(range(len(names)))}, schema=SCHEMA)


def made(path: Path, *names: str) -> LanceTable:
    table = LanceTable(path)
    table.create(SCHEMA)
    table.upsert("id", rows(*names))
    return table


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def tables(tmp_path: Path) -> list[Path]:
    return [made(tmp_path / f"{name}.lance", "a", "b").path for name in "xyz"]


def test_second_use_of_a_version_opens_nothing(tables: list[Path]) -> None:
    pool = DatasetCache()
    assert pool.get(tables[0]) is pool.get(tables[0])
    assert (pool.stats().hits, pool.stats().misses) == (1, 1)


def test_least_recently_used_table_is_closed_first_and_opens_again(tables: list[Path]) -> None:
    pool = DatasetCache(DatasetCacheConfig(max_cached_tables=2))
    x, y, z = tables
    for path in (x, y, x, z, x):  # closes y
        pool.get(path)
    assert (pool.stats().open_tables, pool.stats().evictions, pool.stats().hits) == (2, 1, 2)
    assert [pool.get(path).count_rows() for path in tables] == [2, 2, 2]


def test_reuse_at_the_limit_closes_no_other_table(tables: list[Path]) -> None:
    pool = DatasetCache(DatasetCacheConfig(max_cached_tables=2))
    for path in [*tables[:2], *tables[:2]]:
        pool.get(path)
    assert pool.stats().evictions == 0


def test_dataset_unused_for_idle_seconds_is_closed(tables: list[Path]) -> None:
    clock = Clock()
    pool = DatasetCache(DatasetCacheConfig(idle_seconds=10), clock)
    pool.get(tables[0])
    clock.now = 6
    pool.get(tables[1])
    clock.now = 11
    assert (pool.stats().open_tables, pool.stats().evictions) == (1, 1)


def test_read_after_a_write_sees_it(tmp_path: Path) -> None:
    table = made(tmp_path / "t.lance", "a")
    for number in range(3):
        table.upsert("id", rows(f"new {number}"))
        assert table.count() == number + 2
    table.delete(equals("id", "a"))
    assert table.count() == 3


def test_opened_dataset_keeps_its_version_while_others_write(tmp_path: Path) -> None:
    table = made(tmp_path / "t.lance", "a")
    opened = table.open()
    table.upsert("id", rows("b"))
    table.delete(equals("id", "a"))
    assert opened.to_table()["id"].to_pylist() == ["a"]


def test_pool_notices_another_table_at_the_same_path_and_version(tmp_path: Path) -> None:
    old = made(tmp_path / "t.lance", "old")
    before, number = old.head(), old.head().version
    assert row_index(old, "id", number).find(["old"]).tolist() == [0]
    made(tmp_path / "elsewhere.lance", "new")  # as another process would: this pool does not notice
    shutil.rmtree(old.path)
    shutil.move(tmp_path / "elsewhere.lance", old.path)
    new = LanceTable(old.path)
    assert (new.head().version, new.head().uuid == before.uuid) == (number, False)
    assert new.read(version=number)["id"].to_pylist() == ["new"]
    assert fetch_rows(new, "id", ["old", "new"], ["id"], number) == [{"id": "new"}]


def test_write_of_another_process_is_seen(tmp_path: Path) -> None:
    table = made(tmp_path / "t.lance", "a")
    other = DatasetCache()
    other.lend(table.path).delete("id = 'a'")
    assert table.count() == 0


def test_commit_before_an_exception_in_a_lease_is_seen(tmp_path: Path) -> None:
    table = made(tmp_path / "t.lance", "a")

    def fail_after_commit() -> None:
        with table.lease() as dataset:
            dataset.delete("id = 'a'")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_after_commit()
    assert table.count() == 0


def test_version_that_was_cleaned_up_cannot_be_opened(tmp_path: Path) -> None:
    table = made(tmp_path / "t.lance", "a")
    old = table.head().version
    assert table.count(version=old) == 1
    table.upsert("id", rows("b"))
    lance_maintenance.clean_up(table)
    with pytest.raises(TableMissing, match="newest release"):
        table.open(old)


def test_get_of_a_missing_table_raises_file_not_found(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        DatasetCache().get(tmp_path / "nothing.lance")


def test_many_readers_beside_one_writer_never_fail(tmp_path: Path) -> None:
    table = made(tmp_path / "t.lance", "a")

    def read(_: int) -> int:
        return table.count() if table.head().uuid else 0

    with ThreadPoolExecutor(4) as threads:
        counts = threads.map(read, range(200))
        for number in range(10):
            table.upsert("id", rows(f"new {number}"))
            lance_maintenance.tag(table, "kept", table.head().version)
            lance_maintenance.clean_up(table)
        assert set(counts) <= set(range(1, 12))
    assert table.count() == 11


def test_evict_empties_the_pool_and_the_next_use_opens_again(tables: list[Path]) -> None:
    pool = DatasetCache()
    for path in tables:
        pool.get(path)
    assert (pool.evict(tables[0]), pool.evict(), pool.stats().open_tables) == (1, 2, 0)
    assert pool.get(tables[0]).count_rows() == 2


def test_columns_beyond_the_limit_close_other_tables_and_never_their_own(tables: list[Path]) -> None:
    pool = DatasetCache(DatasetCacheConfig(column_bytes=100))
    load = lambda dataset, again: RowIndex(dataset, "id", None, partial=False)  # noqa: E731
    first = pool.columns(tables[0], None, "id", load)
    pool.columns(tables[1], None, "id", load)
    assert 0 < first.nbytes <= 100
    pool.columns(tables[2], None, "id", load)
    assert pool.stats().column_bytes <= 100
    assert pool.columns(tables[2], None, "id", load) is pool.columns(tables[2], None, "id", load)


def test_columns_that_many_threads_want_are_loaded_once(tables: list[Path]) -> None:
    pool, loads, together = DatasetCache(), [], threading.Barrier(4)

    def load(dataset: Any, _again: bool) -> RowIndex:
        loads.append(dataset)
        time.sleep(0.05)
        return RowIndex(dataset, "id", None, partial=False)

    def want(_: int) -> RowIndex:
        together.wait(30)
        return pool.columns(tables[0], None, "id", load)

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(want, range(4)))
    assert (len(loads), len(set(map(id, found)))) == (1, 1)


def test_selections_of_filters_count_as_column_bytes(tables: list[Path]) -> None:
    pool = DatasetCache()
    found = pool.columns(tables[0], None, "id", lambda dataset, again: RowIndex(dataset, "id", None, partial=False))
    before = pool.stats().column_bytes
    found.selected("id = 'a'")
    assert pool.stats().column_bytes - before == 2  # one byte per row


def test_fetch_rows_returns_every_type_as_stored_from_memory_too(tmp_path: Path) -> None:
    moment, types = pa.timestamp("us", "UTC"), {"id": pa.string(), "page": pa.int32(), "note": pa.string()}
    schema = pa.schema({**types, "tags": pa.list_(pa.string()), "seen": moment})
    written = [
        {"id": "a", "page": None, "note": "same", "tags": [], "seen": datetime(2026, 3, 29, 1, 30, tzinfo=UTC)},
        {"id": "b", "page": 2, "note": None, "tags": ["x", "y"], "seen": None},
        {"id": "c", "page": 3, "note": "same", "tags": ["x"], "seen": datetime(1, 1, 1, 0, 0, 0, 1, tzinfo=UTC)},
    ]
    table = LanceTable(tmp_path / "t.lance")
    table.create(schema)
    table.upsert("id", pa.Table.from_pylist(written, schema))
    stored = table.read().to_pylist()
    version, names = table.head().version, schema.names
    for held in ((), names[:2], names):
        for _ in range(2):  # from the second time on the columns are in memory
            rows_found = fetch_rows(table, "id", ["c", "a", "b"], names, version, held)
            assert rows_found == [stored[at] for at in (2, 0, 1)]
            assert repr(rows_found[1]["seen"]) == repr(stored[0]["seen"])  # in the same time zone object


@pytest.mark.parametrize(
    "names", [["a", "bb", "ccc", "é日本"], ["aa", "bb", "cc"], ["x"], [], ["beginning-b", "beginning-a"]], ids=str
)
def test_row_index_finds_keys_of_any_width(tmp_path: Path, names: list[str]) -> None:
    table = LanceTable(tmp_path / "t.lance")
    table.create(SCHEMA)
    if names:
        table.upsert("id", rows(*names))
    found = row_index(table, "id")
    stored = table.read(["id"])["id"].to_pylist()
    assert found.find([*stored, "nothing", "aaaaaaaaaaaa", ""]).tolist() == [*range(len(stored)), -1, -1, -1]
    assert found.keys(np.arange(len(stored))) == stored


def test_fetch_rows_finds_rows_that_deletes_and_updates_moved(tmp_path: Path) -> None:
    table = made(tmp_path / "t.lance", "a", "b", "c", "d")
    table.delete(equals("id", "b"))
    table.upsert("id", pa.table({"id": ["a"], "n": [77]}, schema=SCHEMA))
    got = fetch_rows(table, "id", ["d", "b", "a"], ["id", "n"], table.head().version)
    assert got == [{"id": "d", "n": 3}, {"id": "a", "n": 77}]


def test_rows_are_read_from_every_fragment_in_any_order_and_twice(tmp_path: Path) -> None:
    table = made(tmp_path / "t.lance", *"abcdef")
    table.upsert("id", rows(*"ghi"))
    table.delete(is_in("id", ["a", "c", "h"]))
    found = row_index(table, "id")
    read, order = found.read(found.find(["i", "b", "f", "b"]), ["id"])
    assert [read["id"].to_pylist()[at] for at in order] == ["i", "b", "f", "b"]
    assert found.read(np.array([], int), ["id"])[0].to_pydict() == {"id": []}


def test_lance_is_imported_without_the_functions_of_pyarrow_which_work_when_they_are_used() -> None:
    code = """
import sys
from native.lance_import import import_lance
lance, later = import_lance(), sys.modules["pyarrow.compute"]
import pyarrow as pa, pyarrow.compute as pc, pyarrow.dataset as ds
assert "pyarrow.vendored.docscrape" not in sys.modules
assert ds.field("a").equals(pc.field("a")) and isinstance(ds.scalar(1), pa.compute.Expression)
assert pc.add(1, 2).as_py() == later.add(1, 2).as_py() == 3 and sys.modules["pyarrow.compute"] is not later
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_manifest_version_reads_names_of_old_and_new_writers() -> None:
    assert manifest_version("18446744073709551612.manifest") == 3
    assert manifest_version("3.manifest") == 3
    assert [manifest_version(name) for name in ("latest_version_hint.json", "d12.manifest", "3.tmp")] == [None] * 3


def test_head_version_is_the_newest_of_many(tmp_path: Path) -> None:
    versions = tmp_path / "_versions"
    versions.mkdir()
    for name in ("1.manifest", "10.manifest", "9.manifest"):
        (versions / name).touch()
    assert head_version(tmp_path) == 10
    os.remove(versions / "10.manifest")
    assert head_version(tmp_path) == 9


def test_configure_closes_datasets_only_if_limits_change(tables: list[Path]) -> None:
    pool = DatasetCache()
    opened = pool.get(tables[0])
    session = pool.session
    pool.configure(DatasetCacheConfig())
    assert pool.get(tables[0]) is opened
    assert pool.session is session
    pool.configure(DatasetCacheConfig(max_cached_tables=1))
    assert pool.stats().open_tables == 0
    assert pool.session is not session
    assert [pool.get(path).count_rows() for path in tables] == [2, 2, 2]
    assert pool.stats().open_tables == 1

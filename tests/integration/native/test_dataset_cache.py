"""The pool of open datasets: what it lends is the table that stands on disk now, within its limits."""

from __future__ import annotations

import os
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pytest

from native import dataset_cache, lance_maintenance
from native.dataset_cache import DatasetCache, DatasetCacheConfig
from native.errors import TableMissing
from native.filters import equals
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


def test_a_second_use_opens_nothing(tables: list[Path]) -> None:
    pool = DatasetCache()
    assert pool.get(tables[0]) is pool.get(tables[0])
    assert (pool.stats().hits, pool.stats().misses) == (1, 1)


def test_the_table_unused_for_longest_is_closed_first_and_opens_again(tables: list[Path]) -> None:
    pool = DatasetCache(DatasetCacheConfig(max_cached_tables=2))
    x, y, z = tables
    for path in (x, y, x, z, x):  # y goes
        pool.get(path)
    assert (pool.stats().open_tables, pool.stats().evictions, pool.stats().hits) == (2, 1, 2)
    assert [pool.get(path).count_rows() for path in tables] == [2, 2, 2]


def test_a_table_that_is_used_again_at_the_limit_closes_no_other(tables: list[Path]) -> None:
    pool = DatasetCache(DatasetCacheConfig(max_cached_tables=2))
    for path in [*tables[:2], *tables[:2]]:
        pool.get(path)
    assert pool.stats().evictions == 0


def test_what_nobody_used_for_long_is_closed(tables: list[Path]) -> None:
    clock = Clock()
    pool = DatasetCache(DatasetCacheConfig(idle_seconds=10), clock)
    pool.get(tables[0])
    clock.now = 6
    pool.get(tables[1])
    clock.now = 11
    assert (pool.stats().open_tables, pool.stats().evictions) == (1, 1)


def test_each_write_is_seen_by_the_next_read(tmp_path: Path) -> None:
    table = made(tmp_path / "t.lance", "a")
    for number in range(3):
        table.upsert("id", rows(f"new {number}"))
        assert table.count() == number + 2
    table.delete(equals("id", "a"))
    assert table.count() == 3


def test_a_reader_keeps_its_version_while_others_write(tmp_path: Path) -> None:
    table = made(tmp_path / "t.lance", "a")
    opened = table.open()
    table.upsert("id", rows("b"))
    table.delete(equals("id", "a"))
    assert opened.to_table()["id"].to_pylist() == ["a"]


def test_a_table_made_anew_at_the_same_path_and_version_is_not_taken_for_the_old_one(tmp_path: Path) -> None:
    old = made(tmp_path / "t.lance", "old")
    before, number = old.head(), old.head().version
    assert row_index(old, "id", number).find(["old"]).tolist() == [0]
    made(tmp_path / "elsewhere.lance", "new")  # as another process would: this pool hears nothing of it
    shutil.rmtree(old.path)
    shutil.move(tmp_path / "elsewhere.lance", old.path)
    new = LanceTable(old.path)
    assert (new.head().version, new.head().uuid == before.uuid) == (number, False)
    assert new.read(version=number)["id"].to_pylist() == ["new"]
    assert fetch_rows(new, "id", ["old", "new"], ["id"], number) == [{"id": "new"}]


def test_another_process_that_writes_is_seen(tmp_path: Path) -> None:
    table = made(tmp_path / "t.lance", "a")
    other = DatasetCache()
    other.lend(table.path).delete("id = 'a'")
    assert table.count() == 0


def test_what_was_committed_before_a_write_failed_is_read(tmp_path: Path) -> None:
    table = made(tmp_path / "t.lance", "a")

    def fail_after_commit() -> None:
        with table.lease() as dataset:
            dataset.delete("id = 'a'")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_after_commit()
    assert table.count() == 0


def test_a_version_that_was_cleaned_up_is_gone_from_the_pool(tmp_path: Path) -> None:
    table = made(tmp_path / "t.lance", "a")
    old = table.head().version
    assert table.count(version=old) == 1
    table.upsert("id", rows("b"))
    lance_maintenance.clean_up(table)
    with pytest.raises(TableMissing, match="newest release"):
        table.open(old)


def test_a_missing_table_is_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        DatasetCache().get(tmp_path / "nothing.lance")


def test_many_threads_read_and_one_writes_and_nobody_fails(tmp_path: Path) -> None:
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


def test_closing_empties_the_pool_and_the_next_use_opens_again(tables: list[Path]) -> None:
    pool = DatasetCache()
    for path in tables:
        pool.get(path)
    assert (pool.evict(tables[0]), pool.evict(), pool.stats().open_tables) == (1, 2, 0)
    assert pool.get(tables[0]).count_rows() == 2


def test_columns_beyond_the_limit_push_out_other_tables_and_never_themselves(tables: list[Path]) -> None:
    pool = DatasetCache(DatasetCacheConfig(column_bytes=100))
    load = lambda dataset, again: RowIndex(dataset, "id", None, partial=False)  # noqa: E731
    first = pool.columns(tables[0], None, "id", load)
    pool.columns(tables[1], None, "id", load)
    assert 0 < first.nbytes <= 100
    pool.columns(tables[2], None, "id", load)
    assert pool.stats().column_bytes <= 100
    assert pool.columns(tables[2], None, "id", load) is pool.columns(tables[2], None, "id", load)


def test_what_many_threads_want_is_loaded_once(tables: list[Path]) -> None:
    pool, loads, together = DatasetCache(), [], threading.Barrier(4)

    def load(dataset: Any, _again: bool) -> RowIndex:
        loads.append(dataset)
        time.sleep(0.05)
        return RowIndex(dataset, "id", None, partial=False)

    def want(_: int) -> RowIndex:
        together.wait(30)
        return cast("RowIndex", pool.columns(tables[0], None, "id", load))

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(want, range(4)))
    assert (len(loads), len(set(map(id, found)))) == (1, 1)


def test_what_filters_select_is_counted_among_the_columns(tables: list[Path]) -> None:
    pool = DatasetCache()
    found = pool.columns(tables[0], None, "id", lambda dataset, again: RowIndex(dataset, "id", None, partial=False))
    before = pool.stats().column_bytes
    found.selected("id = 'a'")
    assert pool.stats().column_bytes - before == 2  # a byte a row


def test_held_columns_give_every_type_as_it_is_stored(tmp_path: Path) -> None:
    schema = pa.schema({"id": pa.string(), "page": pa.int32(), "note": pa.string(), "tags": pa.list_(pa.string())})
    stored = [
        {"id": "a", "page": None, "note": "same", "tags": []},
        {"id": "b", "page": 2, "note": None, "tags": ["x", "y"]},
        {"id": "c", "page": 3, "note": "same", "tags": ["x"]},
    ]
    table = LanceTable(tmp_path / "t.lance")
    table.create(schema)
    table.upsert("id", pa.Table.from_pylist(stored, schema))
    version, names = table.head().version, schema.names
    for held in ((), names[:2], names):
        for _ in range(2):  # from the second time on they are in memory
            assert fetch_rows(table, "id", ["c", "a", "b"], names, version, held) == [stored[at] for at in (2, 0, 1)]


@pytest.mark.parametrize(
    "names", [["a", "bb", "ccc", "é日本"], ["aa", "bb", "cc"], ["x"], [], ["beginning-b", "beginning-a"]], ids=str
)
def test_rows_are_found_by_key_of_any_width(tmp_path: Path, names: list[str]) -> None:
    table = LanceTable(tmp_path / "t.lance")
    table.create(SCHEMA)
    if names:
        table.upsert("id", rows(*names))
    found = row_index(table, "id")
    stored = table.read(["id"])["id"].to_pylist()
    assert found.find([*stored, "nothing", "aaaaaaaaaaaa", ""]).tolist() == [*range(len(stored)), -1, -1, -1]
    assert found.keys(np.arange(len(stored))) == stored


def test_rows_are_found_after_deletes_and_updates_have_moved_them(tmp_path: Path) -> None:
    table = made(tmp_path / "t.lance", "a", "b", "c", "d")
    table.delete(equals("id", "b"))
    table.upsert("id", pa.table({"id": ["a"], "n": [77]}, schema=SCHEMA))
    got = fetch_rows(table, "id", ["d", "b", "a"], ["id", "n"], table.head().version)
    assert got == [{"id": "d", "n": 3}, {"id": "a", "n": 77}]


def test_manifests_of_old_writers_are_told_from_new_ones() -> None:
    assert manifest_version("18446744073709551612.manifest") == 3
    assert manifest_version("3.manifest") == 3
    assert [manifest_version(name) for name in ("latest_version_hint.json", "d12.manifest", "3.tmp")] == [None] * 3


def test_the_head_is_found_among_many_versions(tmp_path: Path) -> None:
    versions = tmp_path / "_versions"
    versions.mkdir()
    for name in ("1.manifest", "10.manifest", "9.manifest"):
        (versions / name).touch()
    assert head_version(tmp_path) == 10
    os.remove(versions / "10.manifest")
    assert head_version(tmp_path) == 9


def test_a_pool_is_replaced_only_where_its_limits_change() -> None:
    before = dataset_cache.POOL
    dataset_cache.POOL.configure(before.config)
    assert dataset_cache.POOL is before
    dataset_cache.POOL.configure(DatasetCacheConfig(max_cached_tables=3))
    try:
        assert dataset_cache.POOL.config.max_cached_tables == 3
    finally:
        dataset_cache.POOL.configure(before.config)

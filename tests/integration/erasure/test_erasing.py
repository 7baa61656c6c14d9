"""What a table's files hold, and what its versions tell, after rows are deleted."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from native import lance_maintenance
from native.filters import equals
from native.lance_manifests import manifest_path
from native.lance_tables import LanceTable
from omni_pipelines.schemas import key, packed

SCHEMA = pa.schema([key("id", "a key"), packed("text", "a text")])


@pytest.fixture
def table(tmp_path: Path) -> LanceTable:
    """Three rows in one file; the second is deleted."""
    found = LanceTable(tmp_path / "t.lance")
    found.create(SCHEMA)
    rows = [{"id": f"row-{number}", "text": f"text {number}"} for number in range(3)]
    found.upsert("id", pa.Table.from_pylist(rows, schema=SCHEMA))
    found.delete(equals("id", "row-1"))
    return found


def physical(table: LanceTable, version: int | None = None) -> list[str]:
    return [each for batch in table.physical_batches(["id"], version) for each in batch.column(0).to_pylist()]


def test_a_deleted_row_lies_in_the_file_until_it_is_erased(table: LanceTable) -> None:
    assert table.read(["id"])["id"].to_pylist() == ["row-0", "row-2"]
    assert physical(table) == ["row-0", "row-1", "row-2"]
    lance_maintenance.erase_deleted(table)
    assert physical(table) == ["row-0", "row-2"]


def test_older_versions_hold_it_until_they_are_cleaned_up(table: LanceTable) -> None:
    lance_maintenance.erase_deleted(table)
    assert any("row-1" in physical(table, version) for version in table.versions())
    lance_maintenance.clean_up(table)
    assert not any("row-1" in physical(table, version) for version in table.versions())
    assert table.versions() == [table.head().version]


def test_what_a_killed_writer_had_not_finished_is_cleaned_up(table: LanceTable) -> None:
    half = [table.path / "_versions" / "18446744073709551554.manifest#1", table.path / "_transactions" / ".tmpyM9fdN"]
    for path in half:
        path.write_bytes(b"... id IN ('row-1') ...")
    (table.path / "data" / "notes#a.txt").touch()
    lance_maintenance.clean_up(table)
    assert not any(path.exists() for path in half)
    assert (table.path / "data" / "notes#a.txt").exists()
    assert table.read(["id"])["id"].to_pylist() == ["row-0", "row-2"]


def test_the_filter_of_a_delete_stands_in_its_version_only(table: LanceTable) -> None:
    assert b"row-1" in manifest_path(table.path, table.head().version).read_bytes()
    lance_maintenance.erase_deleted(table)
    assert b"row-1" not in manifest_path(table.path, table.head().version).read_bytes()


def test_a_copy_has_the_rows_of_its_version_and_an_identity_of_its_own(table: LanceTable, tmp_path: Path) -> None:
    before = table.versions()[-2]
    copy = lance_maintenance.copy(table, tmp_path / "copy.lance", before)
    assert copy.read(["id"])["id"].to_pylist() == ["row-0", "row-1", "row-2"]
    assert copy.head().uuid != table.head().uuid
    assert copy.open().schema.field("text").metadata == table.open().schema.field("text").metadata
    assert copy.versions() == [1]

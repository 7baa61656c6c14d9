"""Lance tables in folders whose names Lance does not take as they are."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pytest

from native import lance_files, lance_maintenance, lance_recovery, lance_vectors
from native.lance_paths import lance_path
from native.lance_tables import LanceTable, TableVersion
from omni_pipelines.schemas import key

SCHEMA = pa.schema([key("id", "name"), pa.field("vector", pa.list_(pa.float16(), 4))])
ODD = [
    "what next?",
    "my%20files",
    "a#b",
    "[set]",
    '"q"',
    "new\nline",
    "{b}",
    "st*r",
    "~t",
    "a|b>c<d`^",
    "Büch",
    "b\\",
]


def rows(count: int) -> pa.Table:
    vectors = [[1.0, float(number), 0.0, 0.0] for number in range(count)]
    return pa.table({"id": [f"k{number}" for number in range(count)], "vector": vectors}, schema=SCHEMA)


@pytest.mark.parametrize("name", ODD)
def test_everything_of_a_table_is_in_its_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    table = LanceTable(folder / "t.lance")
    table.create(SCHEMA)
    table.upsert("id", rows(300))
    first = table.head()
    lance_maintenance.tag(table, "rel-1", first.version)
    lance_vectors.build(table, "ivf_flat")
    table.delete("id = 'k3'")
    lance_maintenance.rewrite(table, SCHEMA)
    lance_maintenance.clean_up(table)
    lance_maintenance.copy(table, folder / "copy.lance", table.head().version)
    assert (table.count(), table.count(version=first.version)) == (299, 300)
    assert lance_files.broken_files(table) == []
    assert os.listdir(tmp_path) == [name]
    assert sorted(os.listdir(folder)) == ["copy.lance", "t.lance"]
    assert [path.stem for path in (table.path / "_refs" / "tags").iterdir()] == ["rel-1"]


def test_a_tag_with_a_flipped_bit_is_made_again(tmp_path: Path) -> None:
    table = LanceTable(tmp_path / "t.lance")
    table.create(SCHEMA)
    first = table.head()
    table.upsert("id", rows(2))
    lance_recovery.restore_tags(table, {"rel-1": first})
    (file,) = (table.path / "_refs" / "tags").iterdir()
    raw = file.read_bytes()
    for at in range(len(raw)):
        file.write_bytes(raw[:at] + bytes([raw[at] ^ 1 << at % 8]) + raw[at + 1 :])
        lance_recovery.restore_tags(table, {"rel-1": first})
        tags = table.open().tags.list()
        assert {name: tag["version"] for name, tag in tags.items()} == {"rel-1": first.version}, raw[at:]


def test_a_plain_path_is_taken_as_it_is(tmp_path: Path) -> None:
    table = tmp_path / "it's a (plain) name, $HOME&c;" / "t.lance"
    assert lance_path(table) == str(table)


def test_a_link_that_was_tidied_up_is_made_again(tmp_path: Path) -> None:
    table = LanceTable(tmp_path / "a#b" / "t.lance")
    table.path.parent.mkdir()
    table.create(SCHEMA)
    Path(lance_path(table.path)).parent.unlink()
    assert table.count() == 0


def test_a_lost_tag_is_restored_while_its_version_is_there(tmp_path: Path) -> None:
    table = LanceTable(tmp_path / "t.lance")
    table.create(SCHEMA)
    table.upsert("id", rows(2))
    head = table.head()
    other = TableVersion("another table", head.version)
    lance_recovery.restore_tags(table, {"rel-1": head, "rel-2": TableVersion(head.uuid, 99), "rel-3": other})
    assert [path.stem for path in (table.path / "_refs" / "tags").iterdir()] == ["rel-1"]

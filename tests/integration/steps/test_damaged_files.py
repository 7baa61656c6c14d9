"""Files that a power cut or a bad disk left behind: read as damage, whatever the engine says of them."""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa
import pytest

from native.errors import IndexCorrupt, IndexMissing, TableCorrupt, TableMissing
from native.lance_tables import LanceTable
from native.tantivy_index import KeywordEntry, KeywordIndex

SCHEMA = pa.schema([pa.field("key", pa.string(), nullable=False), pa.field("n", pa.int64())])


def damage(path: Path, dice: random.Random) -> None:
    """Cut it, or overwrite its end or all of it."""
    whole = path.read_bytes()
    cut = whole[: dice.randrange(len(whole))]
    rest = dice.randbytes(len(whole) - len(cut))
    path.write_bytes(dice.choice([cut, cut + rest, dice.randbytes(len(whole))]))


def damaged_table(folder: Path, pattern: str, seed: int) -> LanceTable:
    table = LanceTable(folder / "rows.lance")
    table.create(SCHEMA)
    table.upsert("key", pa.table({"key": ["a", "b"], "n": [1, 2]}, SCHEMA))
    for path in table.path.glob(pattern):
        damage(path, random.Random(seed))
    return LanceTable(table.path.rename(folder / "moved.lance"))  # Lance has cached nothing of this path


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_manifest_is_damage(seed: int, tmp_path: Path) -> None:
    """Recovery sets a damaged head aside. Taken for a wrong argument, or a panic, it would stop every ingest."""
    table = damaged_table(tmp_path, "_versions/*.manifest", seed)
    with pytest.raises((TableCorrupt, TableMissing)):
        table.open().count_rows()


@pytest.mark.parametrize("seed", range(40))
def test_damaged_rows_are_damage(seed: int, tmp_path: Path) -> None:
    table = damaged_table(tmp_path, "data/*.lance", seed)
    with pytest.raises(TableCorrupt) as caught:
        table.read()
    assert caught.value.cure == "run: omni ingest"


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_keyword_index_is_damage(seed: int, tmp_path: Path) -> None:
    """Of its files the list of segments alone is read when it is opened; the rest is compared by its sha256."""
    index = KeywordIndex.create(tmp_path / "index", ())
    with index.writer() as writer:
        writer.upsert([KeywordEntry("a", "1", "some text", "", {})])
        writer.commit()
    damage(tmp_path / "index" / "meta.json", random.Random(seed))
    with pytest.raises((IndexCorrupt, IndexMissing)):
        KeywordIndex.open(tmp_path / "index", ())

"""Files that a power cut or a bad disk left behind: read as damage, whatever the engine says of them."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest

from native.errors import EngineError, IndexCorrupt, IndexMissing, TableCorrupt, TableMissing
from native.lance_tables import LanceTable
from native.tantivy_entries import KeywordEntry
from native.tantivy_index import KeywordIndex

REPAIR = "find the damage and build it again: omni scrub --repair, then omni ingest"
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
    assert caught.value.cure == REPAIR


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


@pytest.fixture(scope="module")
def entries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of an index with a hundred entries."""
    folder = tmp_path_factory.mktemp("sound") / "index"
    with KeywordIndex.create(folder, ()).writer() as writer:
        texts = (" ".join(f"heron{j} stands in water {i * j}" for j in range(20)) for i in range(100))
        writer.upsert(KeywordEntry(f"{i:032x}", str(i), text, "Title", {}) for i, text in enumerate(texts))
        writer.commit()
    return folder


def read_all(folder: Path) -> None:
    index = KeywordIndex.open(folder, ())
    for query in ("heron7 stands", '"stands in water"', "title"):
        index.search(query, 10)
        index.query_words(query)
        index.highest_score(query)
    index.frequencies(["heron"])
    index.fingerprints()


def raised(call: Callable[[], None]) -> EngineError | None:
    try:
        call()
    except EngineError as error:
        return error
    return None


def write_all(folder: Path) -> None:
    index = KeywordIndex.open(folder, ())
    with index.writer() as writer:
        writer.delete([f"{3:032x}"])
        writer.upsert([KeywordEntry(f"{500:032x}", "1", "new text", "", {})])
        writer.commit()
    index.reload()


@pytest.mark.parametrize("suffix", [".fast", ".fieldnorm", ".idx", ".pos", ".store", ".term"])
@pytest.mark.parametrize("seed", range(6))
def test_changed_bits_of_a_keyword_index_are_damage_for_readers_and_writers(
    entries: Path, tmp_path: Path, suffix: str, seed: int
) -> None:
    """Tantivy panics at some of them, and returns odd results for others, which only the checksums show."""
    dice = random.Random(seed)
    (path,) = shutil.copytree(entries, tmp_path / "index").glob(f"*{suffix}")
    raw = bytearray(path.read_bytes())
    for _ in range(dice.choice([1, 4, 40])):
        raw[dice.randrange(len(raw))] ^= 1 << dice.randrange(8)
    path.write_bytes(raw)
    for use in (read_all, write_all):
        error = raised(partial(use, path.parent))
        assert error is None or (type(error), error.cure) == (IndexCorrupt, REPAIR)

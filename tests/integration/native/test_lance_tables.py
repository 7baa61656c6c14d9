"""Lance tables: one commit per upsert, unique keys, filters that quote every value, compressed text."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import lance
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from native import lance_files, lance_maintenance, lance_recovery
from native.dataset_cache import POOL
from native.errors import TableCorrupt, TableMissing
from native.filters import equals, is_in
from native.lance_maintenance import MAX_FRAGMENTS
from native.lance_tables import FORMAT, LanceTable, TableVersion
from omni_pipelines.schemas import TABLES, is_packed, key, packed, required

SCHEMA = pa.schema([key("id", "name"), required("group", pa.string(), "its group"), packed("text", "words")])
NAUGHTY = [
    "'",
    "''",
    "x' OR '1'='1",
    "'; DROP TABLE t; --",
    '"',
    "`",
    "\\",
    "\\'",
    "%",
    "_",
    "a\nb",
    "\t",
    "\u2028",
    "é",
    "e\u0301",
    "日本語",
    "😀👩‍👩‍👧",
    "שלום",
    "NULL",
    "",
    " ",
    "-- ",
    "/* */",
    "$1",
    "?",
    "{}",
]


class TableAtVersion(LanceTable):
    """A table whose head never moves: it reads and writes through a dataset that was opened before."""

    def __init__(self, path: Path, dataset: lance.LanceDataset) -> None:
        super().__init__(path)
        self._dataset = dataset

    def open(self, version: int | None = None) -> lance.LanceDataset:
        return self._dataset

    @contextmanager
    def lease(self) -> Iterator[lance.LanceDataset]:
        yield self._dataset


def rows(ids: list[str], group: str = "g", text: str = "some text") -> pa.Table:
    return pa.table([ids, [group] * len(ids), [text] * len(ids)], schema=SCHEMA)


@pytest.fixture
def table(tmp_path: Path) -> LanceTable:
    table = LanceTable(tmp_path / "things.lance")
    table.create(SCHEMA)
    return table


def ids(table: LanceTable, where: str | None = None, version: int | None = None) -> list[str]:
    return sorted(table.read(["id"], where, version)["id"].to_pylist())


# --- one commit


def test_upsert_that_adds_updates_and_deletes_makes_one_version(table: LanceTable) -> None:
    table.upsert("id", rows(["a", "b", "c"]))
    before = table.head().version
    table.upsert("id", rows(["b", "d"], text="new"), equals("group", "g"))
    assert table.head().version == before + 1
    assert ids(table) == ["b", "d"]
    assert set(table.read(["text"])["text"].to_pylist()) == {"new"}


def test_upsert_deletes_only_rows_that_its_filter_selects(table: LanceTable) -> None:
    table.upsert("id", rows(["a"], group="one"))
    table.upsert("id", rows(["b"], group="two"))
    table.upsert("id", rows([]), equals("group", "one"))
    assert ids(table) == ["b"]


def test_upsert_repeated_changes_no_row(table: LanceTable) -> None:
    table.upsert("id", rows(["a", "b"]), equals("group", "g"))
    before = table.read().sort_by("id")
    table.upsert("id", rows(["a", "b"]), equals("group", "g"))
    assert table.read().sort_by("id") == before


def test_older_version_after_writes_stays_readable(table: LanceTable) -> None:
    table.upsert("id", rows(["a"]))
    pinned = table.head().version
    table.upsert("id", rows(["b"]))
    table.delete(equals("id", "a"))
    assert ids(table, version=pinned) == ["a"]
    assert table.count(version=pinned) == 1
    assert [batch.num_rows for batch in table.batches(["id"], version=pinned)] == [1]


def test_upserts_of_same_keys_from_same_version_leave_each_key_once(table: LanceTable) -> None:
    late = TableAtVersion(table.path, POOL.lend(table.path))
    table.upsert("id", rows(["a", "b"]))
    late.upsert("id", rows(["b", "c"], text="later"))
    assert ids(table) == ["a", "b", "c"]
    assert set(table.read(["text"], is_in("id", ["b", "c"]))["text"].to_pylist()) == {"later"}


UPSERTER = """
import sys
from pathlib import Path
import pyarrow as pa
from native.lance_tables import LanceTable
table = LanceTable(Path(sys.argv[1]))
schema = table.open().schema
sys.stdin.readline()
for batch in range(6):
    keys = [f"{batch}-{number}" for number in range(20)]
    table.upsert("id", pa.table([keys, [sys.argv[2]] * 20, ["text"] * 20], schema=schema))
"""


def test_upserts_of_same_keys_by_two_processes_leave_each_key_once(table: LanceTable) -> None:
    command = [sys.executable, "-c", UPSERTER, str(table.path)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    writers = [
        subprocess.Popen([*command, name], stdin=subprocess.PIPE, env=environment, text=True)
        for name in ("one", "two")
    ]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("\n")
        writer.stdin.flush()
    assert [writer.wait(120) for writer in writers] == [0, 0]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.close()
    assert ids(table) == sorted(f"{batch}-{number}" for batch in range(6) for number in range(20))


# --- filters


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    value=st.one_of(
        st.sampled_from(NAUGHTY), st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
    )
)
def test_filter_with_any_text_selects_exactly_its_value(tmp_path_factory: pytest.TempPathFactory, value: str) -> None:
    table = LanceTable(tmp_path_factory.mktemp("filters") / "things.lance")
    table.create(SCHEMA)
    others = sorted({"other", f"{value}x", f"x{value}", f"{value}'"} - {value})
    table.upsert("id", rows([value, *others]))
    assert ids(table, equals("id", value)) == [value]
    assert ids(table, is_in("id", [value, "not there"])) == [value]
    table.delete(is_in("id", [value]))
    assert ids(table) == others


def test_filter_with_empty_list_selects_nothing(table: LanceTable) -> None:
    table.upsert("id", rows(["a"]))
    assert ids(table, is_in("id", [])) == []
    table.delete(is_in("id", []))
    assert ids(table) == ["a"]


# --- identity and errors


def test_table_created_by_many_threads_at_once_is_one_table(tmp_path: Path) -> None:
    table, start, found = LanceTable(tmp_path / "things.lance"), threading.Barrier(8), []

    def create() -> None:
        start.wait()
        table.create(SCHEMA)
        found.append(str(table.head()))

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_table_created_again_has_another_identity(table: LanceTable, tmp_path: Path) -> None:
    first = table.head()
    table.create(SCHEMA)
    assert table.head() == first
    lance_recovery.set_aside_after(table, 0, tmp_path / "aside")
    table.create(SCHEMA)
    assert (table.head().version, first.version) == (1, 1)
    assert table.head() != first
    assert TableVersion.parse(str(first)) == first


def test_missing_table_raises_with_cure(tmp_path: Path) -> None:
    with pytest.raises(TableMissing, match="omni ingest"):
        LanceTable(tmp_path / "none.lance").read()


def test_missing_version_raises_with_its_number(table: LanceTable) -> None:
    with pytest.raises(TableMissing, match="version 77"):
        table.read(version=77)


def test_empty_head_manifest_raises_and_can_be_set_aside(table: LanceTable, tmp_path: Path) -> None:
    table.upsert("id", rows(["a"]))
    good = table.head().version
    table.upsert("id", rows(["b"]))
    newest = min((table.path / "_versions").glob("*.manifest"))
    newest.write_bytes(b"")
    with pytest.raises((TableCorrupt, TableMissing)):
        LanceTable(table.path).open()
    assert lance_recovery.set_aside_after(table, good, tmp_path / "aside") == [newest.name]
    assert ids(table) == ["a"]
    table.upsert("id", rows(["c"]))
    assert ids(table) == ["a", "c"]


def test_broken_files_name_a_truncated_or_missing_data_file(table: LanceTable) -> None:
    table.upsert("id", rows(["a"]))
    assert lance_files.broken_files(table) == []
    (file,) = (table.path / "data").iterdir()
    os.truncate(file, file.stat().st_size - 1)
    assert lance_files.broken_files(table) == [f"data/{file.name}"]
    file.unlink()
    assert lance_files.broken_files(table) == [f"data/{file.name}"]


def test_broken_files_name_a_data_file_of_zeros(table: LanceTable) -> None:
    table.upsert("id", rows(["a"]))
    (file,) = (table.path / "data").iterdir()
    file.write_bytes(bytes(file.stat().st_size))
    assert lance_files.broken_files(table) == [f"data/{file.name}"]


@pytest.mark.parametrize("left", [0, 100, None])
def test_broken_files_name_a_truncated_or_missing_deletion_file(table: LanceTable, left: int | None) -> None:
    table.upsert("id", rows(["a", "b"]))
    table.delete(equals("id", "a"))
    assert lance_files.broken_files(table) == []
    (file,) = (table.path / "_deletions").iterdir()
    if left is None:
        file.unlink()
    else:
        os.truncate(file, left)
    assert lance_files.broken_files(table) == [f"_deletions/{file.name}"]


def test_incomplete_manifest_below_a_good_head_is_set_aside(table: LanceTable, tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        table.upsert("id", rows([name]))
    head = table.head()
    good, torn, *_ = sorted((table.path / "_versions").glob("*.manifest"))
    torn.write_bytes(torn.read_bytes()[:-20])
    assert lance_recovery.set_aside_incomplete(table, head.version - 1, tmp_path) == []
    assert lance_recovery.set_aside_incomplete(table, head.version - 2, tmp_path) == [torn.name]
    assert good.exists()
    lance_maintenance.clean_up(table)
    assert ids(table) == ["a", "b", "c"]


def test_manifest_of_zeros_is_corrupt_and_not_an_empty_table(table: LanceTable) -> None:
    table.upsert("id", rows(["a"]))
    newest = min((table.path / "_versions").glob("*.manifest"))
    newest.write_bytes(bytes(newest.stat().st_size))
    with pytest.raises(TableCorrupt, match=r"no identity|cannot be opened"):
        LanceTable(table.path).head()


# --- versions that are kept


def test_clean_up_keeps_tagged_versions_and_the_head(table: LanceTable) -> None:
    table.upsert("id", rows(["a"]))
    kept = table.head().version
    lance_maintenance.tag(table, "rel-1", kept)
    table.upsert("id", rows(["b"]))
    lost = table.head().version
    table.upsert("id", rows(["c"]))
    lance_maintenance.clean_up(table)
    assert ids(table, version=kept) == ["a"]
    assert ids(table) == ["a", "b", "c"]
    with pytest.raises(TableMissing):
        table.read(version=lost)


def test_clean_up_removes_leftovers_of_a_killed_writer(table: LanceTable) -> None:
    table.upsert("id", rows(["a"]))
    orphan = table.path / "data" / "orphan.lance"
    orphan.write_bytes(b"half a file")
    lance_maintenance.clean_up(table)
    assert not orphan.exists()
    assert ids(table) == ["a"]


def test_compact_merges_many_small_fragments_and_keeps_every_row(table: LanceTable) -> None:
    names = [f"k{number:03}" for number in range(MAX_FRAGMENTS + 1)]
    for name in names:
        table.upsert("id", rows([name]))
    pinned = table.head().version
    lance_maintenance.tag(table, "rel-1", pinned)
    lance_maintenance.compact(table)
    assert len(table.open().get_fragments()) == 1
    assert ids(table) == ids(table, version=pinned) == names
    after = table.head()
    lance_maintenance.compact(table)
    assert table.head() == after
    lance_maintenance.clean_up(table)
    assert ids(table, version=pinned) == names
    table.upsert("id", rows(["k000"], text="new"))
    assert table.count() == len(names)


def test_compact_copies_large_rows_and_leaves_out_deleted_ones(table: LanceTable) -> None:
    letters = random.Random(3)
    texts = [letters.randbytes(100_000).hex() for _ in range(MAX_FRAGMENTS + 2)]
    for number, text in enumerate(texts):
        table.upsert("id", rows([f"k{number:02}"], text=text))
    table.upsert("id", rows(["k01"], text="new"))
    table.delete("id = 'k02'")
    before = table.read()
    lance_maintenance.compact(table)
    after = table.read()
    assert len(table.open().get_fragments()) == 1
    assert after.equals(before)
    assert len(after) == MAX_FRAGMENTS + 1


def test_tag_can_be_moved_and_removed(table: LanceTable) -> None:
    table.upsert("id", rows(["a"]))
    lance_maintenance.tag(table, "rel-1", 1)
    lance_maintenance.tag(table, "rel-1", table.head().version)
    lance_maintenance.tag(table, "rel-2", 1)
    lance_maintenance.untag(table, {"rel-1"})
    lance_maintenance.clean_up(table)
    assert table.open().tags.list().keys() == {"rel-1"}
    with pytest.raises(TableMissing):
        table.read(version=1)


def test_read_of_a_version_that_was_cleaned_up_meanwhile_raises(table: LanceTable) -> None:
    table.upsert("id", rows(["a"]))
    reader = TableAtVersion(table.path, table.open(table.head().version))
    table.delete(equals("id", "a"))
    table.upsert("id", rows(["b"]))
    lance_maintenance.clean_up(table)
    with pytest.raises(TableMissing, match="newest release"):
        reader.read()


# --- how it is stored


def test_every_table_has_a_primary_key_that_is_not_nullable() -> None:
    for definition in TABLES.values():
        column = definition.schema.field(definition.key)
        assert not column.nullable
        assert column.metadata[b"lance-schema:unenforced-primary-key"] == b"true"


def test_created_table_has_our_format_and_stable_row_ids(table: LanceTable) -> None:
    assert table.open().data_storage_version == FORMAT
    assert table.open().has_stable_row_ids


def test_packed_text_is_stored_in_less_than_half_of_its_size(tmp_path: Path) -> None:
    """Without the codec it takes 0.69 of its size."""
    sources = [path.read_text("utf-8") for path in sorted(Path(pytest.__file__).parents[1].glob("_pytest/*.py"))]
    texts = [source[at : at + 1200] for source in sources for at in range(0, len(source), 1200)]
    table = LanceTable(tmp_path / "texts.lance")
    table.create(pa.schema([packed("text", "words")]))
    lance.write_dataset(pa.table([texts], schema=table.open().schema), str(table.path), mode="append")
    stored = sum(path.stat().st_size for path in (table.path / "data").iterdir())
    assert is_packed(table.open().schema.field("text"))
    assert stored < 0.45 * sum(len(text.encode()) for text in texts)

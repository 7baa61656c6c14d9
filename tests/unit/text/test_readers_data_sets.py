"""The readers of data sets: columns, types and the first rows, within limits."""

from __future__ import annotations

import contextlib
import datetime

import pytest

from omni_pipelines.refusals import Unreadable
from omni_pipelines.text.readers.records import parquet, sqlite
from omni_pipelines.text.readers.records.data_sample import SAMPLE_ROWS, shown_value
from tests.samples import data_files

COLUMNS: dict[str, list[object]] = {
    "name": ["otter", None],
    "born": [datetime.date(2020, 1, 31), None],
    "kg": [7.5, 2.0],
    "tags": [["wet", "Süd"], []],
}
ANIMALS = "CREATE TABLE animals(id integer primary key, name text, kg real, picture blob)"


@pytest.mark.parametrize("write", [data_files.parquet, data_files.arrow])
def test_columns_have_their_types_and_rows_their_names(write: object) -> None:
    assert callable(write)
    parsed = parquet.read(write(COLUMNS), "zoo.parquet")
    assert "name (string), born (date32[day]), kg (double)" in parsed.text
    assert 'otter | 2020-01-31 | 7.5 | ["wet", "Süd"]' in parsed.text
    assert [table.header for table in parsed.tables] == ["name | born | kg | tags"]
    assert (parsed.title, parsed.partial) == ("zoo.parquet", "")


def test_metadata_of_a_data_set_is_kept() -> None:
    assert parquet.read(data_files.parquet({"a": [1]}, {"licence": "CC-BY"}), "a").text.endswith("licence: CC-BY")


def test_rows_after_the_sample_are_said() -> None:
    parsed = parquet.read(data_files.parquet({"number": list(range(1000, 2000))}), "a.parquet")
    assert str(999 + SAMPLE_ROWS) in parsed.text
    assert str(1000 + SAMPLE_ROWS) not in parsed.text
    assert parsed.partial == "of the 1,000 rows of a.parquet, the first 100 are read"


@pytest.mark.parametrize("version", [1, 2])
def test_database_has_a_section_for_each_table(version: int) -> None:
    insert = "insert into animals(name, kg, picture) values ('otter', 7.5, x'0102'), ('heron', null, null)"
    raw = data_files.sqlite(ANIMALS, insert, 'create table "my ""notes"(body)', version=version)
    parsed = sqlite.read(raw, "a.db")
    assert [section.path for section in parsed.sections] == [("animals",), ('my "notes',)]
    rows = "id | name | kg | picture\n1 | otter | 7.5 | (2 bytes)\n2 | heron"
    assert f"animals\n\n2 rows, 4 columns\n\n{ANIMALS}\n\n{rows}" in parsed.text


def test_views_and_virtual_tables_are_declared_and_not_run() -> None:
    raw = data_files.sqlite(
        "create table t(a)",
        "insert into t values('seen')",
        "create view v as select randomblob(1000000000) from t",
        "create virtual table f using fts5(body)",
        "insert into f values('found')",
    )
    parsed = sqlite.read(raw, "a.db")
    assert "CREATE VIEW v as select randomblob" in parsed.text
    assert "CREATE VIRTUAL TABLE f using fts5(body)" in parsed.text
    assert "found" in parsed.text
    assert "f_docsize" not in parsed.text


def test_generated_column_is_not_computed() -> None:
    raw = data_files.sqlite("create table g(a, b as (hex(zeroblob(a))))", "insert into g values(100000000)")
    assert sqlite.read(raw, "a.db").text.endswith("\n\na\n100000000")


def test_database_whose_damaged_text_stands_in_the_message_of_the_engine_is_refused_as_damaged() -> None:
    raw = data_files.sqlite(ANIMALS).replace(b"CREATE TABLE", b"CR\xc5ATE TABLE"[:12], 1)
    with pytest.raises(Unreadable, match="damaged: malformed database schema"):
        sqlite.read(raw, "a.db")


@pytest.mark.parametrize("raw", [b"", b"SQLite format 3\0", b"no database at all"])
def test_what_is_no_database_is_refused(raw: bytes) -> None:
    with pytest.raises(Unreadable, match=r"E_PARSE|E_NO_TEXT"):
        sqlite.read(raw, "a.db")


def test_damaged_data_sets_are_read_or_refused() -> None:
    for whole, read in (
        (data_files.parquet(COLUMNS), parquet.read),
        (data_files.arrow(COLUMNS), parquet.read),
        (data_files.sqlite(ANIMALS, "insert into animals(name) values ('otter')"), sqlite.read),
    ):
        for place in range(0, len(whole), max(len(whole) // 60, 1)):
            for damaged in (whole[:place], whole[:place] + b"\xff\xff\xff" + whole[place + 3 :]):
                with contextlib.suppress(Unreadable):
                    read(damaged, "a")


@pytest.mark.parametrize(
    ("value", "shown"), [(None, ""), (True, "TRUE"), (b"xy", "(2 bytes)"), (float("nan"), "nan"), ("a\n b", "a b")]
)
def test_value_is_shown_on_one_line(value: object, shown: str) -> None:
    assert shown_value(value) == shown


def test_long_value_is_cut() -> None:
    assert shown_value("x" * 5000).endswith("x…")

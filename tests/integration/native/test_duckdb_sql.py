"""A statement can read the tables that it is given and nothing else on the machine."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from native.duckdb_sql import query
from native.errors import EngineError
from native.lance_tables import LanceTable
from omni_pipelines.schemas import QUARANTINE

SECRET = pa.table({"word": ["hunter2"]})
"""A variable that DuckDB would find by its name if it could look into Python."""


def test_query_reads_an_arrow_table() -> None:
    rows = pa.table({"key": ["a", "b"], "size": [1, 2]})
    assert query("select key from rows where size > ?", {"rows": rows}, [1]) == [("b",)]


def test_query_reads_a_lance_scanner(tmp_path: Path) -> None:
    table = LanceTable(tmp_path / "quarantine.lance")
    table.create(QUARANTINE.schema)
    assert query("select count(path) from rows", {"rows": table.scanner(["path"])}) == [(0,)]


@pytest.mark.parametrize(
    "statement",
    [
        "select * from read_text('{file}')",
        "select * from read_csv('{file}')",
        "select * from '{file}'",
        "select * from glob('/*')",
        "copy (select 1) to '{file}'",
        "export database '{file}.folder'",
        "attach '{file}.db'",
        "install httpfs",
        "load httpfs",
        "set enable_external_access = true",
        "set lock_configuration = false",
        "set memory_limit = '64GB'",
        "select * from SECRET",
    ],
)
def test_query_of_anything_but_its_tables_raises(tmp_path: Path, statement: str) -> None:
    file = tmp_path / "secret.csv"
    file.write_text("hunter2")
    with pytest.raises(EngineError):
        query(statement.format(file=file), {})
    assert [path.name for path in tmp_path.iterdir()] == ["secret.csv"]
    assert file.read_text() == "hunter2"

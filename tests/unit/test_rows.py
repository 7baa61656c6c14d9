"""Typed rows have the columns of their tables."""

from __future__ import annotations

import typing
from datetime import datetime

import pyarrow as pa
import pytest

from omni_pipelines import schemas
from omni_pipelines.rows import ChunkRow, DocumentRow, EmbeddingRow, QuarantineRow

ROWS = {
    schemas.DOCUMENTS.name: DocumentRow,
    schemas.QUARANTINE.name: QuarantineRow,
    schemas.CHUNKS.name: ChunkRow,
    schemas.EMBEDDINGS.name: EmbeddingRow,
}


def python_type(column: pa.Field) -> str:
    kinds = [
        (pa.types.is_string, str),
        (pa.types.is_integer, int),
        (pa.types.is_floating, float),
        (pa.types.is_boolean, bool),
        (pa.types.is_timestamp, datetime),
        (pa.types.is_fixed_size_list, list[float]),
        (pa.types.is_list, list[str]),
    ]
    kind = next(kind for matches, kind in kinds if matches(column.type))
    return str(kind | None if column.nullable else kind)


def test_every_table_has_a_row_type() -> None:
    assert ROWS.keys() == schemas.TABLES.keys()


@pytest.mark.parametrize("name", sorted(ROWS))
def test_a_row_type_has_the_columns_of_its_table_in_order_and_type(name: str) -> None:
    hints = typing.get_type_hints(ROWS[name])
    schema = schemas.TABLES[name].schema
    assert list(hints) == schema.names
    assert {column.name: python_type(column) for column in schema} == {k: str(v) for k, v in hints.items()}

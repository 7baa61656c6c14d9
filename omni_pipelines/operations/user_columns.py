"""Columns that users add to our tables, old versions brought back, and rows taken out: what may be done by hand.

Columns of the house cannot be renamed, retyped or dropped: the line would stop at the next ingest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from native import lance_maintenance
from native.lance_tables import LanceTable
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import Home
from omni_pipelines.operations.inspection import known_table, opened
from omni_pipelines.operations.maintenance import rows_unchanged
from omni_pipelines.steps.step_records import reset_steps

TYPES = {
    "Utf8": pa.string(),
    "Int32": pa.int32(),
    "Int64": pa.int64(),
    "Float32": pa.float32(),
    "Float64": pa.float64(),
    "Boolean": pa.bool_(),
}


class NewColumn(BaseModel):
    """A column to add. It begins empty, so it can be null."""

    model_config = ConfigDict(extra="forbid")

    name: str
    data_type: str
    nullable: bool = True


class Alteration(BaseModel):
    """A change to a column that a user added."""

    model_config = ConfigDict(extra="forbid")

    path: str
    rename: str | None = None
    data_type: str | None = None


def parsed(text: str, kind: type[BaseModel]) -> list[Any]:
    """A JSON array of columns or alterations.

    Raises:
        ConfigurationError: it is not one.
    """
    try:
        return list(TypeAdapter(list[kind]).validate_json(text))  # type: ignore[valid-type]
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ConfigurationError(f"{where or 'the JSON'}: {first['msg']}", cure="write a JSON array") from error


def add_columns(home: Home, name: str, columns: Sequence[NewColumn]) -> None:
    """Add columns, all of them null; ingests keep what users write there as long as a row is not changed.

    Raises:
        ConfigurationError: a name that is taken, an unknown type, or one that may not be null.
    """
    schema = opened(home, name).open().schema
    for column in columns:
        if column.name in schema.names:
            raise ConfigurationError(f"table {name} has a column {column.name}", cure="choose another name")
        if not column.nullable:
            raise ConfigurationError(
                f"column {column.name} must be nullable", cure="rows that are there have no value"
            )
    fields = [pa.field(column.name, _type(column.data_type)) for column in columns]
    with rows_unchanged(home, known_table(name)) as found, found.lease() as dataset:
        dataset.add_columns(fields)


def alter_columns(home: Home, name: str, alterations: Sequence[Alteration]) -> None:
    """Rename or retype columns that users added.

    Raises:
        ConfigurationError: one of ours, or one that is not there.
    """
    _refuse_ours(home, name, [each.path for each in alterations])
    changes = [
        {
            "path": each.path,
            **({"name": each.rename} if each.rename else {}),
            **({"data_type": _type(each.data_type)} if each.data_type else {}),
        }
        for each in alterations
    ]
    with rows_unchanged(home, known_table(name)) as found, found.lease() as dataset:
        dataset.alter_columns(*changes)  # type: ignore[arg-type]  # Lance takes one dict for each column


def drop_columns(home: Home, name: str, columns: Sequence[str]) -> None:
    """Drop columns that users added.

    Raises:
        ConfigurationError: one of ours, or one that is not there.
    """
    _refuse_ours(home, name, columns)
    with rows_unchanged(home, known_table(name)) as found, found.lease() as dataset:
        dataset.drop_columns(list(columns))


def restore(home: Home, name: str, version: int) -> None:
    """Make an old version the head again; the next ingest brings the table in line with the sources.

    Raises:
        TableMissing: there is no such version.
    """
    lance_maintenance.restore(opened(home, name), version)
    reset_steps(home)


def export(home: Home, name: str, target: Path, version: int | None = None) -> int:
    """Write a table to a `.parquet` or `.jsonl` file. How many rows it has.

    Raises:
        ConfigurationError: another kind of file, or one that is there.
    """
    found = opened(home, name)
    if target.suffix not in (".parquet", ".jsonl"):
        raise ConfigurationError(f"cannot export to {target.name}", cure="name a .parquet or a .jsonl file")
    if target.exists():
        raise ConfigurationError(f"{target} is there", cure="name another file")
    part = target.with_name(f".{target.name}.part")
    try:
        write = _write_parquet if target.suffix == ".parquet" else _write_lines
        count = write(found, part, version)
        part.rename(target)
    finally:
        part.unlink(missing_ok=True)
    return count


def _write_parquet(found: LanceTable, target: Path, version: int | None) -> int:
    import pyarrow.parquet

    count = 0
    with pyarrow.parquet.ParquetWriter(target, found.open(version).schema, compression="zstd") as writer:
        for batch in found.batches(version=version):
            writer.write_batch(batch)
            count += batch.num_rows
    return count


def _write_lines(found: LanceTable, target: Path, version: int | None) -> int:
    count = 0
    with target.open("wb") as file:
        for count, row in enumerate(_rows(found, version), 1):  # noqa: B007  # read after the loop
            file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
    return count


def _rows(found: LanceTable, version: int | None) -> Iterator[dict[str, Any]]:
    for batch in found.batches(version=version):
        yield from batch.to_pylist()


def _type(name: str) -> pa.DataType:
    if name not in TYPES:
        raise ConfigurationError(f"unknown data type {name!r}", cure=f"types: {', '.join(TYPES)}")
    return TYPES[name]


def _refuse_ours(home: Home, name: str, columns: Sequence[str]) -> None:
    schema, ours = opened(home, name).open().schema, known_table(name).schema.names
    for column in columns:
        if column in ours:
            raise ConfigurationError(
                f"column {column} of {name} belongs to the pipeline, which would stop without it",
                cure="only columns added with `omni db add-columns` can be changed or dropped",
            )
        if column not in schema.names:
            raise ConfigurationError(f"table {name} has no column {column!r}", cure=f"see: omni db table-info {name}")

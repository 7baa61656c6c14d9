"""Changes to tables by hand: columns that users add, restored versions, and exports.

The columns of the pipeline cannot be renamed, retyped or dropped, because the next ingest would fail without them.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import orjson
import pyarrow as pa
from pydantic import TypeAdapter, ValidationError

from native import lance_maintenance
from native.lance_tables import LanceTable
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import Home
from omni_pipelines.operations.inspection import existing_table, known_table
from omni_pipelines.operations.maintenance import rows_unchanged
from omni_pipelines.records import Record
from omni_pipelines.steps.step_records import reset_steps

TYPES = {
    "Utf8": pa.string(),
    "Int32": pa.int32(),
    "Int64": pa.int64(),
    "Float32": pa.float32(),
    "Float64": pa.float64(),
    "Boolean": pa.bool_(),
}
T = TypeVar("T")


class NewColumn(Record):
    """A column to add. Existing rows have no value in it, so it must be nullable."""

    name: str
    data_type: str
    nullable: bool = True


class Alteration(Record):
    """A change to a column that a user added."""

    path: str
    rename: str | None = None
    data_type: str | None = None


NEW_COLUMNS, ALTERATIONS = TypeAdapter(list[NewColumn]), TypeAdapter(list[Alteration])


def parse_json(text: str, adapter: TypeAdapter[T]) -> T:
    """Read a JSON array; `adapter` is `NEW_COLUMNS` or `ALTERATIONS`.

    Raises:
        ConfigurationError: it has another form.
    """
    try:
        return adapter.validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ConfigurationError(f"{where or 'the JSON'}: {first['msg']}", cure="write a JSON array") from error


def add_columns(home: Home, name: str, columns: Sequence[NewColumn]) -> None:
    """Add columns, all of them null. Ingests keep what users write there as long as a row does not change.

    Raises:
        ConfigurationError: a name is taken, a type is unknown, or a column is not nullable.
    """
    schema = existing_table(home, name).open().schema
    for column in columns:
        if column.name in schema.names:
            raise ConfigurationError(f"table {name} already has a column {column.name}", cure="choose another name")
        if not column.nullable:
            message = f"column {column.name} must be nullable"
            raise ConfigurationError(message, cure="existing rows have no value in it; write: nullable = true")
    fields = [pa.field(column.name, _arrow_type(column.data_type)) for column in columns]
    with rows_unchanged(home, known_table(name)) as table, table.lease() as dataset:
        dataset.add_columns(fields)


def alter_columns(home: Home, name: str, alterations: Sequence[Alteration]) -> None:
    """Rename or retype columns that users added.

    Raises:
        ConfigurationError: a column does not exist, or belongs to the pipeline.
    """
    _require_user_columns(home, name, [alteration.path for alteration in alterations])
    changes = [
        {
            "path": alteration.path,
            **({"name": alteration.rename} if alteration.rename else {}),
            **({"data_type": _arrow_type(alteration.data_type)} if alteration.data_type else {}),
        }
        for alteration in alterations
    ]
    with rows_unchanged(home, known_table(name)) as table, table.lease() as dataset:
        dataset.alter_columns(*changes)  # type: ignore[arg-type]  # Lance takes one dict for each column


def drop_columns(home: Home, name: str, columns: Sequence[str]) -> None:
    """Drop columns that users added.

    Raises:
        ConfigurationError: a column does not exist, or belongs to the pipeline.
    """
    _require_user_columns(home, name, columns)
    with rows_unchanged(home, known_table(name)) as table, table.lease() as dataset:
        dataset.drop_columns(list(columns))


def restore(home: Home, name: str, version: int) -> None:
    """Make an old version the head again. The next ingest compares the table with the sources.

    Raises:
        TableMissing: there is no such version.
    """
    lance_maintenance.restore(existing_table(home, name), version)
    reset_steps(home)


def export(home: Home, name: str, target: Path, version: int | None = None) -> int:
    """Write a table to a `.parquet` or `.jsonl` file. Returns the number of rows.

    Raises:
        ConfigurationError: the file exists, or has another suffix.
    """
    table = existing_table(home, name)
    if target.suffix not in (".parquet", ".jsonl"):
        raise ConfigurationError(f"cannot export to {target.name}", cure="name a .parquet or a .jsonl file")
    if target.exists():
        raise ConfigurationError(f"{target} exists already", cure="name another file")
    part = target.with_name(f".{target.name}.part")
    try:
        write = _write_parquet if target.suffix == ".parquet" else _write_lines
        count = write(table, part, version)
        part.rename(target)
    finally:
        part.unlink(missing_ok=True)
    return count


def _write_parquet(table: LanceTable, target: Path, version: int | None) -> int:
    import pyarrow.parquet

    count = 0
    with pyarrow.parquet.ParquetWriter(target, table.open(version).schema, compression="zstd") as writer:
        for batch in table.batches(version=version):
            writer.write_batch(batch)
            count += batch.num_rows
    return count


def _write_lines(table: LanceTable, target: Path, version: int | None) -> int:
    count = 0
    with target.open("wb") as file:
        for batch in table.batches(version=version):
            file.writelines(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in batch.to_pylist())
            count += batch.num_rows
    return count


def _arrow_type(name: str) -> pa.DataType:
    if name not in TYPES:
        raise ConfigurationError(f"unknown data type {name!r}", cure=f"types: {', '.join(TYPES)}")
    return TYPES[name]


def _require_user_columns(home: Home, name: str, columns: Sequence[str]) -> None:
    schema, pipeline_columns = existing_table(home, name).open().schema, known_table(name).schema.names
    for column in columns:
        if column in pipeline_columns:
            raise ConfigurationError(
                f"column {column} of {name} belongs to the pipeline, which would fail without it",
                cure="change or drop only columns that were added with: omni db add-columns",
            )
        if column not in schema.names:
            raise ConfigurationError(f"table {name} has no column {column!r}", cure=f"see: omni db table-info {name}")

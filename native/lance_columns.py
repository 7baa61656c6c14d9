"""Changes to the columns of a table that an earlier version of omni made."""

import pyarrow as pa

from native.lance_tables import LanceTable, empty_values


def add_columns(table: LanceTable, columns: list[pa.Field]) -> None:
    """Add columns with empty values, in one commit. They keep the metadata of `columns`, and may forbid nulls."""
    import lance

    added = pa.schema(columns)

    @lance.batch_udf(output_schema=added)
    def fill(batch: pa.RecordBatch) -> pa.RecordBatch:
        return pa.RecordBatch.from_arrays([empty_values(column, len(batch)) for column in added], schema=added)

    with table.lease() as dataset:
        dataset.add_columns(fill)


def rename_column(table: LanceTable, name: str, new_name: str) -> None:
    """Give a column another name."""
    with table.lease() as dataset:
        dataset.alter_columns({"path": name, "name": new_name})  # type: ignore[dict-item]  # Lance's type is wrong


def set_column(table: LanceTable, name: str, text: str) -> None:
    """Write a text without quotation marks to a column of all rows, in one commit."""
    with table.lease() as dataset:
        dataset.update({name: f"'{text}'"})

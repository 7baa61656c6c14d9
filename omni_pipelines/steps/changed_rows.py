"""The rows that a step has to compare, if it knows which rows of its input changed since it last ran."""

from native.filters import is_in
from native.lance_changes import changed_values
from native.lance_tables import LanceTable, TableVersion
from omni_pipelines.records import StepRecord


def changed_rows(table: LanceTable, built: StepRecord, column: str, version: int) -> str | None:
    """A filter for the rows with values of `column` that changed since a step read the table, up to `version`.

    None if every row has to be compared.
    """
    values = changed_values(table, column, TableVersion.parse(built.inputs[table.name]), version)
    return None if values is None else is_in(column, values)

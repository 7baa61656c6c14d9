"""What changed in a Lance table between two of its versions, found without comparing the rows that stayed the same.

Lance notes in which version a row was last written, and gives each row an id that it keeps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from native.errors import TableMissing
from native.lance_tables import LanceTable, TableVersion

if TYPE_CHECKING:
    from lance import LanceDataset

MAX_CHANGES = 1_000
"""Rows. Where more changed, comparing all rows is not much dearer."""


def changed_values(table: LanceTable, column: str, since: TableVersion, version: int) -> list[str] | None:
    """The distinct values of a column, sorted, in the rows that are new, were written again, or are gone.

    None if more than `MAX_CHANGES` rows changed, or if it cannot be told: of a version that was cleaned up, of
    another table at this path, or of a table whose rows have no ids, because an early version of omni made it.
    """
    if since.uuid != table.version(version).uuid:
        return None
    try:
        earlier, later = table.open(since.version), table.open(version)
    except TableMissing:
        return None
    if not (earlier.has_stable_row_ids and later.has_stable_row_ids):
        return None
    with table.reading():
        before, after = _row_states(earlier), _row_states(later)
        places = ((earlier, _lacking(before, after)), (later, _lacking(after, before)))
        if sum(len(each) for _, each in places) > MAX_CHANGES:
            return None
        rows = [dataset.take(each.tolist(), columns=[column]) for dataset, each in places if len(each)]
    return sorted({value for each in rows for value in each[column].to_pylist()})


def _row_states(dataset: LanceDataset) -> tuple[np.ndarray, np.ndarray]:
    """The id of each row, and the version in which it was last written, in storage order."""
    names = ["_rowid", "_row_last_updated_at_version"]
    rows = dataset.scanner(columns=names).to_table()
    return rows[names[0]].to_numpy(), rows[names[1]].to_numpy()


def _lacking(rows: tuple[np.ndarray, np.ndarray], others: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """The places of the rows that are not among the others in the same state."""
    (ids, written), (other_ids, other_written) = rows, others
    if not len(other_ids):
        return np.arange(len(ids))
    order = np.argsort(other_ids)
    nearest = order[np.minimum(np.searchsorted(other_ids, ids, sorter=order), len(order) - 1)]
    return np.flatnonzero((other_ids[nearest] != ids) | (other_written[nearest] != written))

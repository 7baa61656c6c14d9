"""What changed in a Lance table between two of its versions, found without comparing the rows that stayed the same.

Lance notes in which version a row was last written, and gives each row an id that it keeps.
"""

import numpy as np

from native.errors import TableMissing
from native.lance_tables import LanceTable, TableVersion

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
        newer = "_row_last_updated_at_version > " + str(since.version)
        written = later.scanner(columns=[column], filter=newer).to_table()
        before, after = (
            each.scanner(columns=["_rowid"]).to_table()["_rowid"].to_numpy() for each in (earlier, later)
        )
        places = np.flatnonzero(np.isin(before, after, invert=True))
        if len(written) + len(places) > MAX_CHANGES:
            return None
        deleted = earlier.take(places.tolist(), columns=[column])
    return sorted({*written[column].to_pylist(), *deleted[column].to_pylist()})

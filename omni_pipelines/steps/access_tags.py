"""Access tags and times: what can change in the rows of a document while its text stays the same."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from native.filters import equals, is_in
from native.lance_tables import LanceTable
from omni_pipelines.batches import batched
from omni_pipelines.columns import differing
from omni_pipelines.record_fields import file_moment
from omni_pipelines.rows import ChunkRow, DocumentRow, rows_of
from omni_pipelines.schemas import ACL, CHUNKS, DOCUMENTS, MOMENT

_BATCH_DOCUMENTS = 256
"""Documents whose rows are rewritten in one commit."""
_TagsAndTime = tuple[list[str], datetime]


def set_tags(documents: LanceTable, source: str, acl: Sequence[str]) -> None:
    """Give all documents of a source these access tags, without reading a file."""
    tags = sorted(acl)
    rows = rows_of(documents.read(["doc_id", "acl"], equals("source", source)), DocumentRow)
    stale = sorted(row["doc_id"] for row in rows if row["acl"] != tags)
    for batch in batched(stale, _BATCH_DOCUMENTS):
        found = documents.read(None, is_in("doc_id", batch))
        documents.upsert(DOCUMENTS.key, _with(found, "acl", pa.array([tags] * len(found), ACL)))


def propagate_tags_and_times(
    documents: LanceTable, version: int, chunks: LanceTable, where: str | None = None
) -> int:
    """Copy access tags and times of documents to their chunks, where they differ. The number of documents.

    `where` is a filter for the documents that are compared.

    The ids, texts and vectors of the chunks stay as they are.
    """
    wanted = documents.read(["doc_id", "acl", "mtime_ns"], where, version)
    moments = pa.array(map(file_moment, wanted["mtime_ns"].to_pylist()), MOMENT)
    wanted = wanted.drop_columns("mtime_ns").append_column("modified", moments)
    differs = set(differing(chunks.read(wanted.column_names, where), wanted, "doc_id")["doc_id"].to_pylist())
    changed = {
        row["doc_id"]: (row["acl"], row["modified"])
        for row in rows_of(
            wanted.filter(pc.is_in(wanted["doc_id"], value_set=pa.array(differs, pa.string()))), ChunkRow
        )
    }
    stale = sorted(changed)
    for batch in batched(stale, _BATCH_DOCUMENTS):
        chunks.upsert(CHUNKS.key, _updated(chunks.read(None, is_in("doc_id", batch)), changed))
    return len(stale)


def _updated(rows: pa.Table, wanted: Mapping[str, _TagsAndTime]) -> pa.Table:
    values = [wanted[document] for document in rows["doc_id"].to_pylist()]
    tagged = _with(rows, "acl", pa.array([acl for acl, _ in values], ACL))
    return _with(tagged, "modified", pa.array([moment for _, moment in values], MOMENT))


def _with(rows: pa.Table, name: str, values: pa.Array) -> pa.Table:
    position = rows.schema.get_field_index(name)
    return rows.set_column(position, rows.schema.field(position), values)

"""What rows say of their document that can change while its text does not: who may see it, and its age."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from native.lance_tables import LanceTable, equals, is_in
from omni_pipelines.schemas import ACL, CHUNKS, DOCUMENTS, MOMENT

_BATCH = 256
"""Documents whose rows are written anew at once."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
_Stamp = tuple[tuple[str, ...], datetime]


def modified(mtime_ns: int) -> datetime:
    """A file's time, to the microsecond; one outside the years 1 to 9999 is moved to their edge."""
    try:
        return _EPOCH + timedelta(microseconds=mtime_ns // 1000)
    except OverflowError:
        return _LAST if mtime_ns > 0 else _FIRST


def set_tags(documents: LanceTable, source: str, acl: Sequence[str]) -> int:
    """Give all documents of a source these tags, without reading a file; the number of those that had others."""
    rows = documents.read(["doc_id", "acl"], equals("source", source)).to_pylist()
    wanted = sorted(acl)
    stale = sorted(row["doc_id"] for row in rows if row["acl"] != wanted)
    for at in range(0, len(stale), _BATCH):
        found = documents.read(None, is_in("doc_id", stale[at : at + _BATCH]))
        documents.upsert(DOCUMENTS.key, _with(found, "acl", pa.array([wanted] * len(found), ACL)))
    return len(stale)


def propagate_tags_and_times(documents: LanceTable, version: int, chunks: LanceTable) -> int:
    """Carry tags and time of documents to chunks that have others; the number of documents it was done for.

    A chunk's id, text and vector stay as they are.
    """
    rows = documents.read(["doc_id", "acl", "mtime_ns"], version=version).to_pylist()
    wanted = {row["doc_id"]: (tuple(row["acl"]), modified(row["mtime_ns"])) for row in rows}
    have = chunks.read(["doc_id", "acl", "modified"]).to_pylist()
    differing = {row["doc_id"] for row in have if wanted.get(row["doc_id"]) != (tuple(row["acl"]), row["modified"])}
    stale = sorted(differing & wanted.keys())
    for at in range(0, len(stale), _BATCH):
        found = chunks.read(None, is_in("doc_id", stale[at : at + _BATCH]))
        chunks.upsert(CHUNKS.key, _stamped(found, wanted))
    return len(stale)


def _stamped(rows: pa.Table, wanted: Mapping[str, _Stamp]) -> pa.Table:
    stamps = [wanted[document] for document in rows["doc_id"].to_pylist()]
    tagged = _with(rows, "acl", pa.array([acl for acl, _ in stamps], ACL))
    return _with(tagged, "modified", pa.array([moment for _, moment in stamps], MOMENT))


def _with(rows: pa.Table, name: str, values: pa.Array) -> pa.Table:
    at = rows.schema.get_field_index(name)
    return rows.set_column(at, rows.schema.field(at), values)

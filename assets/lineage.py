"""Which columns of a table come from which columns of the table before it, for the page of an asset."""

from collections.abc import Mapping, Sequence

import dagster as dg

from omni_pipelines.schemas import CHUNKS, DOCUMENTS, EMBEDDINGS, Table

_MADE_FROM: Mapping[str, Mapping[str, Sequence[str]]] = {
    CHUNKS.name: {
        **dict.fromkeys(("start_char", "end_char", "token_count", "text_hash"), ("text",)),
        **dict.fromkeys(("start_byte", "end_byte", "start_line", "end_line", "page"), ("text", "structure")),
        "chunk_id": ("doc_id", "text"),
        "text": ("text",),
        "heading": ("structure",),
        "modified": ("mtime_ns",),
    },
    EMBEDDINGS.name: {"vector": ("text", "heading")},
}
"""Columns that are computed; the others that both tables have are copied."""
_BEFORE = {CHUNKS.name: DOCUMENTS, EMBEDDINGS.name: CHUNKS}


def column_lineage(table: Table) -> dict[str, dg.TableColumnLineage]:
    """The metadata that says where the columns of a table come from; {} for the first table."""
    before = _BEFORE.get(table.name)
    if before is None:
        return {}
    asset = dg.AssetKey(before.name)
    made = _MADE_FROM[table.name]
    sources = {name: made.get(name, (name,) if name in before.schema.names else ()) for name in table.schema.names}
    return {
        "dagster/column_lineage": dg.TableColumnLineage(
            {name: [dg.TableColumnDep(asset, each) for each in names] for name, names in sources.items() if names}
        )
    }

"""The jobs: read and embed, index and publish, or all of it in one run."""

from __future__ import annotations

import dagster as dg

_HOURS = str(6 * 3600)

ingest_job = dg.define_asset_job(
    "ingest_job",
    selection=["documents", "chunks", "embeddings"],
    description="Sources to documents, chunks and vectors: reads, cuts and embeds what changed. Publishes nothing.",
    tags={"dagster/max_runtime": _HOURS},
)
index_job = dg.define_asset_job(
    "index_job",
    selection=["keyword_index", "vector_index", "retrieval_quality", "release"],
    description="Brings both indexes up to the tables, past the gate to a release. In the background, one at a time.",
    tags={"dagster/max_runtime": _HOURS, "dagster/priority": "-5"},
)
refresh_job = dg.define_asset_job(
    "refresh_job",
    selection=dg.AssetSelection.all(),
    description="Everything in one run: sources to tables, tables to indexes, past the gate to a release.",
    tags={"dagster/max_runtime": _HOURS},
)
JOBS = [ingest_job, index_job, refresh_job]

"""Work on tables that changes no row: merge fragments, tend indexes, rewrite in another format or codec.

A new version without a new row breaks no chain: what was built from the version before is built from this one. The
records of the steps are told so, and the next release is made of the new versions.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from native import lance_maintenance, lance_vectors
from native.lance_codecs import codec_of
from native.lance_maintenance import rewrite
from native.lance_tables import FORMAT, LanceTable
from omni_pipelines.errors import UpstreamMoved
from omni_pipelines.home import Home
from omni_pipelines.publishing.publish import PublishReport, publish
from omni_pipelines.schemas import EMBEDDINGS, Table
from omni_pipelines.settings import Settings
from omni_pipelines.steps.step_records import read_step_records, write_step_record
from omni_pipelines.steps.step_table import new_run
from omni_pipelines.steps.vector_index import build_vector_index
from omni_pipelines.tables import open_table, stored_schema


@dataclass(frozen=True)
class Compaction:
    """What a compaction did to one table."""

    fragments_before: int
    fragments_after: int
    bytes_before: int
    bytes_after: int
    """On disk, with what kept releases still hold."""


@dataclass(frozen=True)
class Migration:
    """What stands between a table on disk and how it would be made today."""

    table: str
    pending: tuple[str, ...]


@contextmanager
def rows_unchanged(home: Home, definition: Table) -> Iterator[LanceTable]:
    """Around work that makes a version of a table without changing a row of it.

    A kill inside leaves the chain open; the next ingest finds no row to change, and closes it.
    """
    changed = open_table(home, definition)
    before = str(changed.head())
    yield changed
    after = str(changed.head())
    if after == before:
        return
    for step, record in read_step_records(home).items():
        if before in (record.output, *record.inputs.values()):
            inputs = {name: after if version == before else version for name, version in record.inputs.items()}
            output = after if record.output == before else record.output
            write_step_record(home, step, output, inputs, record.fingerprint, record.seen)


def compact(home: Home, definition: Table) -> Compaction:
    """Merge small fragments, and drop deleted rows where they are many; versions that no release names are deleted.

    What it writes anew stands on disk twice until the kept releases that hold it as it was are gone.
    """
    with rows_unchanged(home, definition) as found:
        fragments, size = len(found.open().get_fragments()), bytes_on_disk(found)
        lance_maintenance.merge_fragments(found)
        lance_maintenance.clean_up(found)
        return Compaction(fragments, len(found.open().get_fragments()), size, bytes_on_disk(found))


def bytes_on_disk(found: LanceTable) -> int:
    """Bytes of all files of a table."""
    return sum(path.stat().st_size for path in found.path.rglob("*") if path.is_file())


def migration(home: Home, definition: Table) -> Migration:
    """How a table differs from what would be written today: file format and codecs."""
    found = open_table(home, definition)
    dataset, pending = found.open(), []
    if dataset.data_storage_version != FORMAT:
        pending.append(f"file format {dataset.data_storage_version} to {FORMAT}")
    for field in stored_schema(home, definition):
        if field.name in dataset.schema.names and codec_of(dataset.schema.field(field.name)) != codec_of(field):
            pending.append(f"{field.name} from {codec_of(dataset.schema.field(field.name))} to {codec_of(field)}")
    return Migration(definition.name, tuple(pending))


def migrate(home: Home, definition: Table) -> Migration:
    """Rewrite a table as it would be made today, if it differs. Kept releases stay readable as they were written."""
    planned = migration(home, definition)
    if planned.pending:
        kind = lance_vectors.coverage(open_table(home, definition)).kind if definition == EMBEDDINGS else ""
        with rows_unchanged(home, definition) as found:
            rewrite(found, stored_schema(home, definition))
        if definition == EMBEDDINGS:  # a rewrite leaves the index behind
            build_vector_index(new_run(home), kind)
    return planned


def optimize_vectors(home: Home, *, retrain: bool = False) -> lance_vectors.IndexCoverage:
    """Bring the vector index up to date; with `retrain`, train it anew."""
    run = new_run(home)
    before = lance_vectors.coverage(open_table(home, EMBEDDINGS))
    if retrain and before.deltas:
        with rows_unchanged(home, EMBEDDINGS) as found:
            lance_vectors.drop(found)
        return build_vector_index(run, before.kind).coverage
    return build_vector_index(run).coverage


def publish_if_consistent(home: Home, settings: Settings, run_id: str) -> PublishReport | None:
    """Publish the new versions. None while an ingest is half done: the next ingest publishes them."""
    try:
        return publish(new_run(home, settings, run_id=run_id))
    except UpstreamMoved:
        return None

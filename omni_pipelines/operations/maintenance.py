"""Maintenance of tables that changes no row: merge fragments, maintain indexes, rewrite in another format or codec.

A version without a new row makes no step stale: the step records then name it instead of the version before, and the
next release is made of the new versions.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from native import lance_maintenance, lance_vectors
from native.lance_codecs import codec_of
from native.lance_tables import FORMAT, LanceTable
from omni_pipelines.errors import GateFailed, UpstreamMoved
from omni_pipelines.home import Home
from omni_pipelines.knowledge.quality.gate_results import candidate_id, last_gate
from omni_pipelines.knowledge.state.releases import newest_release
from omni_pipelines.knowledge.state.table_files import require_sound
from omni_pipelines.publishing.held_back import holds_back
from omni_pipelines.publishing.publish import PublishReport, candidate_release, publish
from omni_pipelines.publishing.quality_gate import run_gate
from omni_pipelines.schemas import EMBEDDINGS, Table, vector_size, with_vector_size
from omni_pipelines.settings import Settings
from omni_pipelines.steps.step import RunContext
from omni_pipelines.steps.step_records import amend_step_record, read_step_records
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
    """On disk, including what kept releases still need."""


@contextmanager
def rows_unchanged(home: Home, definition: Table) -> Iterator[LanceTable]:
    """Wrap work that makes a new version of a table without changing a row.

    If the process dies inside, steps become stale; the next ingest finds no row to change, and records the version.
    """
    table = open_table(home, definition)
    before = str(table.head())
    yield table
    after = str(table.head())
    if after == before:
        return
    for record in read_step_records(home).values():
        if before in (record.output, *record.inputs.values()):
            inputs = {name: after if version == before else version for name, version in record.inputs.items()}
            output = after if record.output == before else record.output
            amend_step_record(home, record, output=output, inputs=inputs)


def compact(home: Home, definition: Table) -> Compaction:
    """Merge small fragments, drop deleted rows if they are many, and delete versions that no release names.

    Rewritten rows are stored twice until no kept release needs the old files.

    Raises:
        TableBroken: a file of the table is damaged.
    """
    require_sound(home, newest_release(home), definition.name)
    with rows_unchanged(home, definition) as table:
        fragments, size = len(table.open().get_fragments()), bytes_on_disk(table.path)
        lance_maintenance.merge_fragments(table)
        lance_maintenance.clean_up(table)
        return Compaction(fragments, len(table.open().get_fragments()), size, bytes_on_disk(table.path))


def bytes_on_disk(folder: Path) -> int:
    """The size of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def plan_migration(home: Home, definition: Table) -> list[str]:
    """How the file format and the codecs of a table differ from those that it would be created with."""
    dataset, pending = open_table(home, definition).open(), []
    if dataset.data_storage_version != FORMAT:
        pending.append(f"file format {dataset.data_storage_version} to {FORMAT}")
    for field in stored_schema(home, definition):
        if field.name in dataset.schema.names:
            stored, wanted = codec_of(dataset.schema.field(field.name)), codec_of(field)
            pending += [f"{field.name} from {stored} to {wanted}"] if stored != wanted else []
    return pending


def migrate(home: Home, definition: Table) -> list[str]:
    """Rewrite a table if `plan_migration` finds differences, and return them. Kept releases stay readable.

    Raises:
        TableBroken: a file of the table is damaged.
    """
    differences = plan_migration(home, definition)
    if differences:
        require_sound(home, newest_release(home), definition.name)
        kind = lance_vectors.coverage(open_table(home, definition)).kind if definition == EMBEDDINGS else ""
        with rows_unchanged(home, definition) as table:
            schema = stored_schema(home, definition)
            if definition == EMBEDDINGS:
                schema = with_vector_size(schema, vector_size(table.open().schema))
            lance_maintenance.rewrite(table, schema)
        if definition == EMBEDDINGS:  # a rewrite does not keep the index
            build_vector_index(new_run(home), kind)
    return differences


def optimize_vectors(home: Home, *, retrain: bool = False) -> lance_vectors.IndexCoverage:
    """Bring the vector index up to date; with `retrain`, train it again from all vectors."""
    run, kind = new_run(home), ""
    before = lance_vectors.coverage(open_table(home, EMBEDDINGS))
    if retrain and before.deltas:
        kind = before.kind
        with rows_unchanged(home, EMBEDDINGS) as table:
            lance_vectors.drop(table)
    return build_vector_index(run, kind).coverage


def publish_if_consistent(home: Home, settings: Settings, run_id: str) -> PublishReport | None:
    """Publish the new versions, which the quality gate measures first if there is a golden set.

    None if a run is unfinished, a rollback is in effect, or the gate blocks them: an ingest publishes them.
    """
    serving = newest_release(home)
    if serving is not None and holds_back(serving):
        return None
    run = new_run(home, settings, run_id=run_id)
    try:
        return _publish_measured(run)
    except (UpstreamMoved, GateFailed):
        return None


def _publish_measured(run: RunContext) -> PublishReport:
    try:
        return publish(run)
    except GateFailed:
        if last_gate(run.home, candidate_id(run.home, candidate_release(run))) is not None:
            raise
        run_gate(run)
        return publish(run)

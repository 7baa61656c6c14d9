"""Publishing: pin what was built, make it durable, then name it in one release record.

Nothing is visible before the record is written, and everything that the record names is on disk before that.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import UTC, datetime

from native import lance_files, lance_maintenance, lance_vectors
from native.durable import Barrier, sync_above, sync_file
from native.errors import StoreError
from native.lance_tables import LanceTable, TableVersion
from native.tantivy_index import KeywordIndex
from omni_pipelines import progress, schemas
from omni_pipelines.errors import TableBroken, UpstreamMoved
from omni_pipelines.home import Home
from omni_pipelines.ids import kept_file_sha256
from omni_pipelines.knowledge.quality.gate_results import require_candidate_passed
from omni_pipelines.knowledge.state.changes import NO_CHANGES, DocumentChanges, count_changes
from omni_pipelines.knowledge.state.pins import list_pins
from omni_pipelines.knowledge.state.releases import list_releases, newest_release, put_release, release_numbers
from omni_pipelines.knowledge.state.table_files import with_checksums
from omni_pipelines.publishing.held_back import is_held_back
from omni_pipelines.records import KeywordGeneration, Release, SourceSeen, StepRecord
from omni_pipelines.settings import Settings
from omni_pipelines.sharing.joining import Member, member_of
from omni_pipelines.sharing.store_records import StoredRelease, are_sources_published, keep_copies, write_copy
from omni_pipelines.sources.registry import load_sources
from omni_pipelines.steps.retention import TAG, keep_only
from omni_pipelines.steps.step import RunContext
from omni_pipelines.steps.step_records import read_step_records, reset_steps
from omni_pipelines.tables import open_table

_RUN_ALL = "run all steps: omni ingest"


@dataclass(frozen=True)
class PublishReport:
    """The current release, and whether this call published it."""

    release: Release
    new: bool
    changes: DocumentChanges = NO_CHANGES
    """What the release holds that the last complete one before it did not."""

    @property
    def version(self) -> str:
        """`uuid:release`. Release numbers start again in a new home; the identity of its tables tells homes apart."""
        uuid, _, _ = self.release.tables["chunks"].rpartition(":")
        return f"{uuid}:{self.release.release}"

    @property
    def rows(self) -> int:
        """Chunks of the release."""
        return self.release.counts["chunks"]

    @property
    def counts(self) -> dict[str, int]:
        """The number of the release, whether it is new, the rows of its tables, and what is new in it."""
        return {
            "release": self.release.release,
            "new": self.new,
            **self.release.counts,
            **self.changes._asdict(),
        }


def publish(
    run: RunContext,
    *,
    ends_rollback: bool = False,
    unfinished: Mapping[str, StepRecord] | None = None,
    is_erasure: bool = False,
) -> PublishReport:
    """Publish the heads as a release, unless the newest release contains exactly them. Hold the writer lock.

    After a rollback, rows that it holds back are published only with `ends_rollback`. With `unfinished`,
    the records of steps that are not finished, it publishes an early release. An erasure does not wait for the
    quality gate: what must go is gone, whatever questions lose their answer.

    Raises:
        UpstreamMoved: a table changed since its indexes were built; run the index job again.
        GateFailed: there is a golden set, and the candidate did not pass the quality gate.
        TableBroken: a file on disk is shorter or longer than its manifest says.
    """
    home = run.home
    records = consistent_records(run, unfinished)
    current = newest_release(home)
    is_early = unfinished is not None
    if current is not None and current.is_early == is_early and _is_same(run, current, records, ends_rollback):
        return PublishReport(current, new=False)
    progress.report("publishing", 0, 0, "release")
    _verify(_tables(run))
    release = _release(run, records).model_copy(update={"is_early": is_early})
    if not is_erasure:
        require_candidate_passed(home, release)
    release = with_checksums(home, release)
    complete = next((each for each in list_releases(home) if not each.is_early), None)
    changes = count_changes(home, complete, release)
    write_release(home, run.settings, release)
    collect(home, run.settings)
    progress.report("publishing", 1, 1, "release")
    return PublishReport(release, True, changes)


def next_number(home: Home) -> int:
    """The number of the next release. The number of a damaged record is not used again."""
    return max(release_numbers(home), default=0) + 1


def write_release(home: Home, settings: Settings, release: Release, repeats: int | None = None) -> None:
    """Tag what a release names, make it durable, then write the record: from then on searches see it.

    If homes share a store, the record there is written first and decides; the one on disk is a copy. `repeats` is an
    older release with the same files, which no home may drop until then.

    Raises:
        ConfigurationError: another home drops the release `repeats`.
        UpstreamMoved: another process has published a release with this number.
        OSError: the disk failed; the release before this one stays visible.
    """
    for name, version in release.tables.items():
        lance_maintenance.tag(
            LanceTable(home.table(name)), f"{TAG}{release.release}", TableVersion.parse(version).version
        )
    barrier = Barrier()
    for folder in (home.tables, home.keyword):
        barrier.sync_tree(folder)
    sync_file(home.root)
    if release.release == 1:  # the folder of the home may be new
        sync_above(home.root)
    member = member_of(home, settings)
    record = _pushed(member, release, repeats) if member is not None else None
    if not put_release(home, release):
        what = f"release {release.release} was published by another process"
        raise UpstreamMoved(what, cure="run it again: omni ingest")
    if member is not None and record is not None:
        write_copy(home, record)
        member.update(release=release.release)


def _pushed(member: Member, release: Release, repeats: int | None) -> StoredRelease:
    from omni_pipelines.sharing.push import push  # most homes share no store

    try:
        return push(member, release, repeats=repeats)
    except UpstreamMoved:
        reset_steps(member.home)  # these heads will never be published: everything is stale
        raise


def candidate_release(run: RunContext) -> Release:
    """The release that `publish` would write now.

    Raises:
        UpstreamMoved: as for `publish`.
    """
    return _release(run, consistent_records(run))


def consistent_records(run: RunContext, unfinished: Mapping[str, StepRecord] | None = None) -> dict[str, StepRecord]:
    """The records of all steps, by step name, if each step was built from what the steps before it last produced.

    Those of `unfinished` steps count instead of the ones on disk.

    Raises:
        UpstreamMoved: a step is missing, or something changed after it was built.
    """
    records = {**read_step_records(run.home), **(unfinished or {})}
    for step in run.steps:
        if step.name not in records:
            raise UpstreamMoved(f"{step.name} was not built yet", cure=_RUN_ALL)
    for step, upstream in run.steps.links():
        if records[step.name].inputs.get(upstream.name) != records[upstream.name].output:
            raise UpstreamMoved(f"{upstream.name} changed after {step.name} was built", cure=_RUN_ALL)
    for table, step in run.steps.last_writers.items():
        if str(LanceTable(run.home.table(table)).head()) != records[step.name].output:
            raise UpstreamMoved(f"table {table} changed after {step.name} was built", cure=_RUN_ALL)
    return records


def _is_same(run: RunContext, release: Release, records: dict[str, StepRecord], ends_rollback: bool) -> bool:
    """Whether readers and other homes would see no difference. New file times alone make no new release.

    After a rollback, the rows that it holds back do not count as a change: otherwise the next publish would undo it.
    """
    writers = run.steps.last_writers
    heads = {table: records[step.name].output for table, step in writers.items() if step is not run.steps.first}
    if not ends_rollback and is_held_back(run.home, release, heads):
        return True
    return are_sources_published(run.home) and (
        bool(release.files)  # else an older version made it, and its files have no checksums yet
        and heads.items() <= release.tables.items()
        and release.keyword.generation == records["keyword_index"].output
        and release.fingerprints == _fingerprints(run, records)
    )


def _tables(run: RunContext) -> dict[str, LanceTable]:
    """The tables of which a release names a version."""
    return {definition.name: open_table(run.home, definition) for definition in run.steps.tables}


def _verify(tables: dict[str, LanceTable]) -> None:
    for name, table in tables.items():
        broken = lance_files.broken_files(table)
        if broken:
            raise TableBroken(
                f"table {name}: the size of {broken[0]} differs from its manifest",
                cure=f"move {table.path} away and run: omni ingest, which builds it again",
            )


def _fingerprints(run: RunContext, records: dict[str, StepRecord]) -> dict[str, str]:
    return {step.fingerprint_name: records[step.name].fingerprint for step in run.steps if step.fingerprint_name}


def _release(run: RunContext, records: dict[str, StepRecord]) -> Release:
    home = run.home
    tables = _tables(run)
    folder = home.keyword / records["keyword_index"].output
    files = {
        path.name: kept_file_sha256(path) for path in sorted(folder.iterdir()) if not path.name.endswith(".lock")
    }
    return Release(
        release=next_number(home),
        created_at=datetime.now(UTC),
        run_id=run.run_id,
        tables={name: str(table.head()) for name, table in tables.items()},
        keyword=KeywordGeneration(
            generation=folder.name,
            files=files,
            entries=KeywordIndex.open(folder, schemas.FILTERS).size,
            analyzer=records["keyword_index"].fingerprint,
        ),
        indexed_vectors=lance_vectors.coverage(tables["embeddings"]).indexed,
        counts={name: table.count() for name, table in tables.items()},
        fingerprints=_fingerprints(run, records),
        sources=_sources(home, records["documents"]),
    )


def _sources(home: Home, record: StepRecord) -> dict[str, SourceSeen]:
    rows = open_table(home, schemas.DOCUMENTS).read(["source", "masked"]).group_by("source")
    counted = rows.aggregate([([], "count_all"), ("masked", "sum")]).to_pylist()
    documents = {row["source"]: row["count_all"] for row in counted}
    masked = {row["source"]: row["masked_sum"] for row in counted}
    return {
        source.name: SourceSeen(
            place=source.location,
            seen=record.seen[source.name],
            documents=documents.get(source.name, 0),
            masked=masked.get(source.name, 0),
        )
        for source in load_sources(home)
        if source.name in record.seen
    }


def collect(home: Home, settings: Settings) -> None:
    """Delete what no kept release names. By count, not by age: a clock that jumps must delete nothing."""
    pins = list_pins(home)
    found = list_releases(home)
    kept = [release for release in found if release.release not in pins][: settings.keep_releases]
    try:
        drop_all_but(home, settings, {*pins, *(release.release for release in kept)})
    except StoreError as error:
        if not error.retryable:  # else: what was published is published; the next publish deletes them
            raise


def drop_all_but(home: Home, settings: Settings, numbers: Set[int]) -> None:
    """Delete all releases but these, here and in the shared store. Hold the writer lock.

    Releases that others pinned or hold there are kept.

    Raises:
        StoreError: the store cannot be reached; nothing is deleted here.
    """
    member = member_of(home, settings)
    if member is not None:
        stay = member.bucket.drop(numbers, member.membership.home)
        # Another home may have deleted the newest release of this home, which searches still see.
        numbers = {max(numbers), *stay}
        keep_copies(home, numbers)
    keep_only(home, numbers)

"""The flip: pin what was built, make it durable, then name it in one release record.

Nothing is visible before the record stands, and everything it names is on disk before it is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Set
from dataclasses import dataclass
from datetime import UTC, datetime

from native import lance_vectors
from native.durable import Barrier, sync_above, sync_file
from native.errors import StoreError
from native.lance_tables import LanceTable, TableVersion
from native.tantivy_analysis import ANALYZER
from native.tantivy_index import KeywordIndex
from omni_pipelines import progress, schemas
from omni_pipelines.errors import TableBroken, UpstreamMoved
from omni_pipelines.home import Home
from omni_pipelines.ids import file_sha256
from omni_pipelines.knowledge.quality.gate_results import require_gate
from omni_pipelines.knowledge.state.pins import list_pins
from omni_pipelines.knowledge.state.releases import list_releases, newest_release, put_release, release_numbers
from omni_pipelines.records import KeywordGeneration, Release, SourceSeen, StepRecord
from omni_pipelines.settings import Settings
from omni_pipelines.sharing.membership import Member, member_of
from omni_pipelines.sharing.published_sources import is_published
from omni_pipelines.sharing.push import push
from omni_pipelines.sharing.records import StoredRelease, keep_copies, write_copy
from omni_pipelines.sources.registry import load_sources
from omni_pipelines.steps.retention import PINNED, TAG, keep_only
from omni_pipelines.steps.step_records import STEPS, read_step_record, reset_steps
from omni_pipelines.tables import open_table


@dataclass(frozen=True)
class PublishReport:
    """The release that is current now, and whether this call made it."""

    release: Release
    new: bool

    @property
    def version(self) -> str:
        """`uuid:release`: numbers start again in a home that was made anew, the identity of its tables does not."""
        uuid, _, _ = self.release.tables["chunks"].rpartition(":")
        return f"{uuid}:{self.release.release}"


def publish(home: Home, settings: Settings, run_id: str) -> PublishReport:
    """Publish the heads as a release, unless the newest release holds the very same.

    Raises:
        UpstreamMoved: a table changed since its indexes were built; run the index job again.
        GateFailed: there is a golden set, and this did not pass the gate.
        TableBroken: a file on disk is not as long as its manifest says.
    """
    built = _consistent(home)
    current = newest_release(home)
    if current is not None and _same(home, current, built):
        return PublishReport(current, new=False)
    progress.report("publishing", 0, 0, "release")
    _verify({definition.name: open_table(home, definition) for definition in PINNED})
    release = _release(home, built, next_number(home), run_id)
    require_gate(home, release)
    flip(home, settings, release)
    collect(home, settings)
    progress.report("publishing", 1, 1, "release")
    return PublishReport(release, new=True)


def next_number(home: Home) -> int:
    """The number of the next release: a torn record keeps its own."""
    return max(release_numbers(home), default=0) + 1


def flip(home: Home, settings: Settings, release: Release) -> None:
    """Tag what a release names, make it durable, then write the record: from here on readers see it.

    Where homes share a store, it is the record there that counts; the one on disk follows.

    Raises:
        UpstreamMoved: another process has published under this number.
        OSError: the disk refused; the release before this one stays what readers see.
    """
    for definition in PINNED:
        version = TableVersion.parse(release.tables[definition.name]).version
        open_table(home, definition).tag(f"{TAG}{release.release}", version)
    barrier = Barrier()
    for folder in (home.tables, home.keyword):
        barrier.sync_tree(folder)
    sync_file(home.root)
    if release.release == 1:  # the home itself may be new
        sync_above(home.root)
    member = member_of(home, settings)
    record = _pushed(member, release) if member is not None else None
    if not put_release(home, release):
        what = f"release {release.release} was published by another process"
        raise UpstreamMoved(what, cure="run it again: omni ingest")
    if member is not None and record is not None:
        write_copy(home, record)
        member.note(release=release.release)


def _pushed(member: Member, release: Release) -> StoredRelease:
    try:
        return push(member, release)
    except UpstreamMoved:
        reset_steps(member.home)  # these heads are never published: the sensors see that all is to be done again
        raise


def candidate_release(home: Home, run_id: str) -> Release:
    """The release that would be written now, for whoever looks before it is.

    Raises:
        UpstreamMoved: as for `publish`.
    """
    return _release(home, _consistent(home), next_number(home), run_id)


def _consistent(home: Home) -> dict[str, StepRecord]:
    """The records of all steps, if each was built from what the step before it gave."""
    found = {step: read_step_record(home, step) for step in STEPS}
    built = {step: record for step, record in found.items() if record is not None}
    missing = [step for step in STEPS if step not in built]
    if missing:
        raise UpstreamMoved(f"{missing[0]} was not built yet", cure="run the whole line: omni ingest")
    links = (("chunks", "documents"), ("embeddings", "chunks"), ("keyword_index", "chunks"))
    for step, upstream in links:
        if built[step].inputs[upstream] != built[upstream].output:
            raise UpstreamMoved(f"{upstream} changed after {step} was built", cure="run the whole line: omni ingest")
    heads = (("documents", "documents"), ("chunks", "chunks"), ("embeddings", "vector_index"))
    for name, step in heads:
        if str(LanceTable(home.table(name)).head()) != built[step].output:
            raise UpstreamMoved(
                f"table {name} changed after {step} was built", cure="run the whole line: omni ingest"
            )
    return built


def _same(home: Home, release: Release, built: dict[str, StepRecord]) -> bool:
    """Whether readers and other homes would see no difference. Times of last change alone make no new release.

    After a rollback the heads it held back are no news: else whatever publishes next would undo it.
    """
    if release.rollback is not None and _heads(built).items() <= release.rollback.heads.items():
        return True
    return is_published(home) and (
        release.tables["chunks"] == built["chunks"].output
        and release.tables["embeddings"] == built["vector_index"].output
        and release.keyword.generation == built["keyword_index"].output
        and release.fingerprints == _fingerprints(built)
    )


def _heads(built: dict[str, StepRecord]) -> dict[str, str]:
    return {"chunks": built["chunks"].output, "embeddings": built["vector_index"].output}


def _verify(tables: dict[str, LanceTable]) -> None:
    for name, each in tables.items():
        broken = each.broken_files()
        if broken:
            raise TableBroken(
                f"table {name}: {broken[0]} is not as long as it should be",
                cure=f"move {each.path} away and run: omni ingest, which builds it again",
            )


def _fingerprints(built: dict[str, StepRecord]) -> dict[str, str]:
    return {
        "readers": built["documents"].fingerprint,
        "chunker": built["chunks"].fingerprint,
        "embedder": built["embeddings"].fingerprint,
        "keyword": ANALYZER,
    }


def _release(home: Home, built: dict[str, StepRecord], number: int, run_id: str) -> Release:
    tables = {definition.name: open_table(home, definition) for definition in PINNED}
    folder = home.keyword / built["keyword_index"].output
    coverage = lance_vectors.coverage(tables["embeddings"])
    return Release(
        release=number,
        created_at=datetime.now(UTC),
        run_id=run_id,
        tables={name: str(each.head()) for name, each in tables.items()},
        keyword=KeywordGeneration(
            generation=folder.name,
            files={
                path.name: file_sha256(path) for path in sorted(folder.iterdir()) if not path.name.endswith(".lock")
            },
            entries=KeywordIndex.open(folder, schemas.FILTERS).size,
            analyzer=ANALYZER,
        ),
        indexed_vectors=coverage.indexed,
        counts={name: each.count() for name, each in tables.items()},
        fingerprints=_fingerprints(built),
        sources=_sources(home, built["documents"]),
    )


def _sources(home: Home, documents: StepRecord) -> dict[str, SourceSeen]:
    found = open_table(home, schemas.DOCUMENTS).read(["source", "masked"]).to_pylist()
    rows = Counter(row["source"] for row in found)
    masked: Counter[str] = Counter()
    for row in found:
        masked[row["source"]] += row["masked"]
    return {
        source.name: SourceSeen(
            place=source.location,
            seen=documents.seen[source.name],
            documents=rows[source.name],
            masked=masked[source.name],
        )
        for source in load_sources(home)
        if source.name in documents.seen
    }


def collect(home: Home, settings: Settings) -> None:
    """Delete what no kept release names. By count, never by age: a clock that jumps must not delete anything."""
    pins = list_pins(home)
    found = list_releases(home)
    kept = [release for release in found if release.release not in pins][: settings.keep_releases]
    drop_all_but(home, settings, {*pins, *(release.release for release in kept)})


def drop_all_but(home: Home, settings: Settings, numbers: Set[int]) -> None:
    """Delete all releases but these, here and in the store that the home shares. What others pinned there stays."""
    member = member_of(home, settings)
    if member is not None:
        try:
            stay = member.bucket.drop(numbers)
        except StoreError as error:
            if not error.retryable:
                raise
            return  # what is published is published: the next one drops them
        numbers = {max(numbers), *stay}  # another home may have dropped the newest of this one, which readers see
        keep_copies(home, numbers)
    keep_only(home, numbers)

"""Takes over the newest release of the store: downloads what the home lacks, then installs the tables.

A home is a copy of the store, plus work that is not published yet. If another home has published, that work is
discarded except for its vectors: the next run finds the same differences between the sources and the newer tables.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from native import dataset_cache, lance_maintenance, lance_recovery
from native.durable import PART, Barrier, link_or_copy, write_whole
from native.errors import StoreError, TableCorrupt, TableMissing
from native.lance_manifests import manifest_path
from native.lance_tables import LanceTable, TableVersion
from native.object_store import ObjectStore
from omni_pipelines import progress
from omni_pipelines.errors import HomeBusy, StoreRefused, UpstreamMoved
from omni_pipelines.home import Home
from omni_pipelines.ids import file_sha256
from omni_pipelines.knowledge.state.pins import list_pins, write_pins
from omni_pipelines.knowledge.state.releases import list_releases, newest_release, read_release, release_file
from omni_pipelines.records import sealed
from omni_pipelines.schemas import EMBEDDINGS, TABLES
from omni_pipelines.settings import Settings
from omni_pipelines.sharing.bucket import Bucket
from omni_pipelines.sharing.joining import Member, join
from omni_pipelines.sharing.merging import assign_reader, merge_sources
from omni_pipelines.sharing.push import TRANSFERS, has_unique_name, push
from omni_pipelines.sharing.store_records import StoredFile, StoredRelease, keep_copies, read_copy, write_copy
from omni_pipelines.sources.registry import load_sources, save_sources
from omni_pipelines.steps.kept_vectors import keep_vectors
from omni_pipelines.steps.retention import TAG, keep_only
from omni_pipelines.steps.step_records import UNFINISHED, put_step_record, reset_steps
from omni_pipelines.steps.writer_lock import writer_lock

MAX_ATTEMPTS = 5
"""How often a release may be dropped during its download, and a file may arrive damaged."""
READING_SECONDS = 5.0
"""How long a command that only reads waits for a response of the store."""


def refresh(home: Home, settings: Settings, seconds: float = READING_SECONDS) -> str:
    """Bring a home to the newest release before it is read. Returns why that was impossible, or "".

    The home stays as it is while another process writes to it, if the store does not respond within `seconds`, and
    if the disk is full.

    Raises:
        StoreRefused: see `join`; or neither the home nor the store has a release.
        EngineError: the store cannot be reached, and the home has no release.
    """
    if not settings.store:
        return ""
    home.create()
    try:
        member = join(home, Bucket.open(settings.store, seconds), create=False)
        if member.newest() > member.membership.release:
            with writer_lock(home, 0):
                catch_up(home, settings)
    except HomeBusy:
        return ""
    except (StoreError, OSError) as error:
        if newest_release(home) is None:
            raise
        return error.message if isinstance(error, StoreError) else f"{settings.store} cannot be fetched: {error}"
    return ""


def catch_up(home: Home, settings: Settings) -> None:
    """Bring a home to the newest release of its store. Hold the writer lock.

    Without a store in the settings nothing happens. The first home fills an empty store with its releases.

    Raises:
        StoreRefused: see `join`; or the store is older than this home, or damaged.
        EngineError: the store cannot be reached.
    """
    if not settings.store:
        return
    member = join(home, Bucket.open(settings.store))
    sources = load_sources(home)
    read_here = assign_reader(sources, member.membership.home)
    if read_here != sources:
        save_sources(home, read_here)
    if member.bucket.pinned() != list_pins(home).keys():
        write_pins(home, member.bucket.pins())
    if not any(_is_caught_up(member) for _ in range(MAX_ATTEMPTS)):
        message = "releases are dropped faster than they can be downloaded"
        raise UpstreamMoved(message, cure="raise keep_releases, and try again")


def _is_caught_up(member: Member) -> bool:
    """Make the home equal to the store. False if a release was dropped in the meantime."""
    newest, here = member.newest(), member.membership.release
    if newest < here:
        raise StoreRefused(
            f"the newest release in {member.bucket.url} is {newest}, but this home has seen {here}",
            cure="the bucket lost objects: restore it, or name another store",
        )
    if newest == here and _is_intact(member):
        _push_missing(member)
        return True
    return _take_over(member)


def _push_missing(member: Member) -> None:
    """Publish the releases that only the home has, the oldest first: all of them, or the rest after a crash."""
    for release in reversed(list_releases(member.home)):
        if release.release > member.membership.release:
            write_copy(member.home, push(member, release))
            member.update(release=release.release)


def _is_intact(member: Member) -> bool:
    """Whether the home still has what it last took over or published; what is missing must be downloaded again.

    Otherwise the next run would create an empty table or registry, and its release would delete in every home what
    other homes have added.
    """
    home, number = member.home, member.membership.release
    if not number:
        return True
    record, release = read_copy(home, number), read_release(home, number)
    if record is None or release is None or not home.sources.exists():
        return False
    published = {name: TableVersion.parse(head) for name, head in record.heads.items()}
    try:
        heads = {name: LanceTable(home.table(name)).head() for name in published}
    except (TableCorrupt, TableMissing):
        return False
    return (
        all(heads[name].uuid == head.uuid and heads[name].version >= head.version for name, head in published.items())
        and all(
            manifest_path(home.table(name), TableVersion.parse(version).version).exists()
            for name, version in release.tables.items()
        )
        and (home.keyword / release.keyword.generation).is_dir()
    )


def _take_over(member: Member) -> bool:
    """Install all releases of the store. False if something was dropped in the meantime."""
    home = member.home
    records = _read_records(member)
    if not records:
        return False
    newest = records[-1]
    known = read_copy(home, member.membership.release) if member.membership.release else None
    download = _Download(home, member.bucket.objects)
    if not download.run({path: file for record in records for path, file in record.files.items()}):
        return False
    keep_vectors(home, known.heads.get(EMBEDDINGS.name) if known is not None else None)
    base = known.sources if known and home.sources.exists() else []  # a lost registry removes no source
    sources = merge_sources(base, load_sources(home), newest.sources, member.membership.home)
    reset_steps(home)  # after a crash from here on, all steps are stale, and the next call does the rest
    _install_tables(home, records, download.staged)
    _install_generations(home, download.staged)
    dataset_cache.POOL.reset()  # it knows tables by path and version, and these versions have changed
    for record in records:
        _tag(home, record)
    barrier = Barrier()
    for folder in (home.tables, home.keyword):
        barrier.sync_tree(folder)
    save_sources(home, sources)
    for record in records:
        write_copy(home, record)
        write_whole(release_file(home, record.number), sealed(record.release))
    for step_record in newest.built.values():
        put_step_record(home, step_record)
    numbers = {record.number for record in records}
    keep_only(home, numbers)
    member.update(release=newest.number)
    keep_copies(home, numbers)
    shutil.rmtree(download.staged, ignore_errors=True)
    return True


def _read_records(member: Member) -> list[StoredRelease]:
    """The records of the store, ascending; none if the newest was dropped after it was listed."""
    records = [read_copy(member.home, number) or member.bucket.read(number) for number in member.bucket.numbers()]
    return [record for record in records if record is not None] if records and records[-1] is not None else []


class _Download:
    """Downloads files of tables, whose names are unique, into the home, and all other files into a staging folder."""

    def __init__(self, home: Home, objects: ObjectStore) -> None:
        self._home, self._objects = home, objects
        self.staged = home.shared / "staged"
        self._local_copies: dict[str, Path] = {}
        """The sha256 of files that the home has already, to their paths."""

    def run(self, files: Mapping[str, StoredFile]) -> bool:
        """Download the files that the home lacks. False if an object is gone.

        Raises:
            StoreRefused: the content of an object differs from its record.
        """
        shutil.rmtree(self.staged, ignore_errors=True)
        missing = {path for path, file in files.items() if not self._is_present(path, file)}
        incomplete = {_generation(path) for path in missing} - {""}
        paths = sorted(path for path in files if path in missing or _generation(path) in incomplete)
        with ThreadPoolExecutor(TRANSFERS) as pool:
            results = pool.map(lambda path: self._download(path, files[path]), paths)
            for number, exists in enumerate(results, 1):
                if not exists:
                    pool.shutdown(cancel_futures=True)
                    return False
                progress.report("downloading", number, len(paths), "files")
        return True

    def _is_present(self, path: str, file: StoredFile) -> bool:
        local = self._home.root / path
        if not local.is_file() or local.stat().st_size != file.size:
            return False
        if not has_unique_name(path):
            if file_sha256(local) != file.sha256:
                return False
            self._local_copies[file.sha256] = local
        return True

    def _download(self, path: str, file: StoredFile) -> bool:
        target = (self._home.root if has_unique_name(path) else self.staged) / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if file.sha256 in self._local_copies:
            link_or_copy(self._local_copies[file.sha256], target)
            return True
        part = target.with_name(f".{target.name}{PART}")
        for _ in range(MAX_ATTEMPTS):
            if not self._objects.download(file.key, part):
                return False
            if part.stat().st_size == file.size and file_sha256(part) == file.sha256:
                os.replace(part, target)
                return True
        part.unlink()
        raise StoreRefused(
            f"{file.key} in {self._objects.url} differs from its record",
            cure="restore the object from a backup of the bucket, or publish from a home that has it: omni ingest",
        )


def _generation(path: str) -> str:
    """The keyword generation of a file, which is installed as a whole; "" for other files."""
    folder, _, rest = path.partition("/")
    return rest.partition("/")[0] if folder == "keyword" else ""


def _install_tables(home: Home, records: Sequence[StoredRelease], staged: Path) -> None:
    releases = list_releases(home)
    for name in TABLES:
        table = LanceTable(home.table(name))
        needed = {version for record in records for version in record.versions(name)}
        if needed:
            named = {
                TableVersion.parse(release.tables[name]).version for release in releases if name in release.tables
            }
            manifests = list((staged / "tables" / table.path.name / "_versions").glob("*"))
            kept = needed | {version for version in named if version < max(needed)}
            lance_recovery.replace_versions(table, manifests, kept)


def _install_generations(home: Home, staged: Path) -> None:
    for folder in (staged / "keyword").glob("*"):
        target, old = home.keyword / folder.name, home.keyword / f"{UNFINISHED}{folder.name}"
        if target.exists():  # built here and never published
            shutil.rmtree(old, ignore_errors=True)
            os.rename(target, old)
        os.rename(folder, target)
        shutil.rmtree(old, ignore_errors=True)


def _tag(home: Home, record: StoredRelease) -> None:
    for name, head in record.release.tables.items():
        version = TableVersion.parse(head).version
        lance_maintenance.tag(LanceTable(home.table(name)), f"{TAG}{record.number}", version)

"""The newest release of the store into a home: what is missing is fetched and compared, then the tables stand there.

A home is a copy, with work on top of it that is not published yet. When another home has published, that work is
given up, but for the vectors: the next pass finds the same differences again, between the sources and newer tables.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from native import dataset_cache, lance_maintenance, lance_recovery
from native.durable import PART, Barrier, write_whole
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
from omni_pipelines.schemas import TABLES
from omni_pipelines.settings import Settings
from omni_pipelines.sharing.membership import Member, join
from omni_pipelines.sharing.merging import merged, stamped
from omni_pipelines.sharing.push import TRANSFERS, named_once, push
from omni_pipelines.sharing.records import StoredFile, StoredRelease, keep_copies, read_copy, write_copy
from omni_pipelines.sharing.vectors import keep_vectors
from omni_pipelines.sources.registry import load_sources, save_sources
from omni_pipelines.steps.retention import TAG, keep_only
from omni_pipelines.steps.step_records import UNFINISHED, reset_steps
from omni_pipelines.steps.writer_lock import writer_lock

_ATTEMPTS = 5
"""Releases that may be dropped while they are fetched, until that is an error."""
READING_SECONDS = 5.0
"""How long somebody who reads waits for an answer of the store."""


def catch_up(home: Home, settings: Settings) -> None:
    """Bring a home to the newest release of its store. Hold the writer's lock.

    Without a store in the settings nothing happens. The first home fills an empty store with its releases.

    Raises:
        StoreRefused: see `join`; or the store is behind this home, or damaged.
        EngineError: the store cannot be reached.
    """
    if not settings.store:
        return
    member = join(home, settings.store)
    _stamp_sources(member)
    if member.bucket.pinned() != list_pins(home).keys():
        write_pins(home, member.bucket.pins())
    for _ in range(_ATTEMPTS):
        newest = member.newest()
        if newest == member.known.release and _stands(member):
            _fill(member)
            return
        if newest < member.known.release:
            raise StoreRefused(
                f"{member.bucket.url} ends with release {newest}, and this home has seen {member.known.release}",
                cure="the bucket lost objects: restore it, or name another store",
            )
        if _adopt(member):
            return
    raise UpstreamMoved(
        "releases are dropped faster than they can be fetched", cure="raise keep_releases, and try again"
    )


def _stamp_sources(member: Member) -> None:
    known = load_sources(member.home)
    mine = stamped(known, member.known.home)
    if mine != known:
        save_sources(member.home, mine)


def _fill(member: Member) -> None:
    """Give the store the releases that only the home has, the oldest first: all, or the rest of them."""
    for release in reversed(list_releases(member.home)):
        if release.release > member.known.release:
            write_copy(member.home, push(member, release))
            member.note(release=release.release)


def _stands(member: Member) -> bool:
    """Whether the home still has what it took over or published last.

    What is missing is fetched again. A table or a registry that is made anew here, as where nothing is shared, would
    lack what other homes gave, and its next release would delete that everywhere.
    """
    home, number = member.home, member.known.release
    if not number:
        return True
    known, release = read_copy(home, number), read_release(home, number)
    if known is None or release is None or not home.sources.exists():
        return False
    try:
        heads = {name: LanceTable(home.table(name)).head() for name in known.heads}
    except (TableCorrupt, TableMissing):
        return False
    wanted = {name: TableVersion.parse(head) for name, head in known.heads.items()}
    return (
        all(heads[name].uuid == each.uuid and heads[name].version >= each.version for name, each in wanted.items())
        and all(_manifest(home, name, pinned).exists() for name, pinned in release.tables.items())
        and (home.keyword / release.keyword.generation).is_dir()
    )


def _manifest(home: Home, name: str, pinned: str) -> Path:
    return manifest_path(home.table(name), TableVersion.parse(pinned).version)


def _adopt(member: Member) -> bool:
    """Make the home equal to the store. False where something was dropped meanwhile: look again."""
    home = member.home
    records = _records(member)
    if not records:
        return False
    newest = records[-1]
    known = read_copy(home, member.known.release) if member.known.release else None
    fetch = _Fetch(home, member.bucket.objects)
    if not fetch.all({path: file for record in records for path, file in record.files.items()}):
        return False
    keep_vectors(home, known)
    base = known.sources if known and home.sources.exists() else []  # a registry that is gone removed nothing
    sources = merged(base, load_sources(home), newest.sources, member.known.home)
    reset_steps(home)  # a crash from here on leaves every step to be done again, and the rest to the next call
    _place_tables(home, records, fetch.staged)
    _place_generations(home, fetch.staged)
    dataset_cache.POOL.reset()  # it goes by path and version, and these versions are others now
    for record in records:
        _tag(home, record)
    barrier = Barrier()
    for folder in (home.tables, home.keyword):
        barrier.sync_tree(folder)
    save_sources(home, sources)
    for record in records:
        write_copy(home, record)
        write_whole(release_file(home, record.number), sealed(record.release))
    for step, built in newest.built.items():
        write_whole(home.step_records / f"{step}.json", built.model_dump_json(indent=2).encode())
    keep_only(home, {record.number for record in records})
    member.note(release=newest.number)
    keep_copies(home, {record.number for record in records})
    shutil.rmtree(fetch.staged, ignore_errors=True)
    return True


def _records(member: Member) -> list[StoredRelease]:
    """What the store holds, rising; empty where the newest was dropped between listing and reading."""
    numbers = member.bucket.numbers()
    found = [read_copy(member.home, number) or member.bucket.read(number) for number in numbers]
    if not found or found[-1] is None:
        return []
    return [record for record in found if record is not None]


class _Fetch:
    """Brings files into the home: those of tables to their place, for their names are unique; the rest aside."""

    def __init__(self, home: Home, objects: ObjectStore) -> None:
        self._home, self._objects = home, objects
        self.staged = home.shared / "staged"
        self._standing: dict[str, Path] = {}

    def all(self, wanted: Mapping[str, StoredFile]) -> bool:
        """Fetch what does not stand in the home as it must. False where an object is gone.

        Raises:
            StoreRefused: an object is not what its record says.
        """
        shutil.rmtree(self.staged, ignore_errors=True)
        missing = {path for path, file in wanted.items() if not self._stands(path, file)}
        broken = {_generation(path) for path in missing} - {""}
        todo = sorted(path for path in wanted if path in missing or _generation(path) in broken)
        done = 0
        with ThreadPoolExecutor(TRANSFERS) as pool:
            for there in pool.map(lambda path: self._bring(path, wanted[path]), todo):
                if not there:
                    pool.shutdown(cancel_futures=True)
                    return False
                done += 1
                progress.report("downloading", done, len(todo), "files")
        return True

    def _stands(self, path: str, file: StoredFile) -> bool:
        local = self._home.root / path
        if not local.is_file() or local.stat().st_size != file.size:
            return False
        if not named_once(path):
            if file_sha256(local) != file.sha256:
                return False
            self._standing[file.sha256] = local
        return True

    def _bring(self, path: str, file: StoredFile) -> bool:
        target = (self._home.root if named_once(path) else self.staged) / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if file.sha256 in self._standing:
            os.link(self._standing[file.sha256], target)
            return True
        part = target.with_name(f".{target.name}{PART}")
        for _ in range(_ATTEMPTS):
            if not self._objects.download(file.key, part):
                return False
            if part.stat().st_size == file.size and file_sha256(part) == file.sha256:
                os.replace(part, target)
                return True
        part.unlink()
        raise StoreRefused(
            f"{file.key} in {self._objects.url} is not what its record says",
            cure="restore the object from a backup of the bucket, or publish from a home that has it: omni ingest",
        )


def _generation(path: str) -> str:
    """The keyword generation that a file is of; "" for other files. A generation is put in place as a whole."""
    folder, _, rest = path.partition("/")
    return rest.partition("/")[0] if folder == "keyword" else ""


def _place_tables(home: Home, records: Sequence[StoredRelease], staged: Path) -> None:
    released = list_releases(home)
    for name in TABLES:
        table = LanceTable(home.table(name))
        wanted = {version for record in records for version in record.versions(name)}
        if wanted:
            read = {TableVersion.parse(each.tables[name]).version for each in released if name in each.tables}
            folder = staged / "tables" / table.path.name / "_versions"
            lance_recovery.replace_versions(
                table, list(folder.glob("*")), wanted | {version for version in read if version < max(wanted)}
            )


def _place_generations(home: Home, staged: Path) -> None:
    for folder in (staged / "keyword").glob("*"):
        target, old = home.keyword / folder.name, home.keyword / f"{UNFINISHED}{folder.name}"
        if target.exists():  # one that was built here and never published
            shutil.rmtree(old, ignore_errors=True)
            os.rename(target, old)
        os.rename(folder, target)
        shutil.rmtree(old, ignore_errors=True)


def _tag(home: Home, record: StoredRelease) -> None:
    for name, pinned in record.release.tables.items():
        lance_maintenance.tag(
            LanceTable(home.table(name)), f"{TAG}{record.number}", TableVersion.parse(pinned).version
        )


def refresh(home: Home, settings: Settings) -> str:
    """Bring a home to the newest release for somebody who reads. Why it could not be done; "" where it was.

    A home that is being written to stays as it is, and so does one whose store does not answer or whose disk is full.

    Raises:
        StoreRefused: see `join`; or there is nothing to read, neither here nor there.
        EngineError: the store cannot be reached, and the home is empty.
    """
    if not settings.store:
        return ""
    home.create()
    try:
        member = join(home, settings.store, READING_SECONDS, make=False)
        newest = member.newest()
        if newest > member.known.release:
            with writer_lock(home, 0):
                catch_up(home, settings)
    except HomeBusy:
        return ""
    except (StoreError, OSError) as error:
        if newest_release(home) is None:
            raise
        return error.message if isinstance(error, StoreError) else f"{settings.store} cannot be taken over: {error}"
    return ""

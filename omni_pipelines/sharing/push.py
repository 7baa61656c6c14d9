"""Publishes a release in the store: new files are uploaded, then one conditional put names all files."""

import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress

from native import lance_files
from native.errors import StoreError
from native.lance_tables import LanceTable
from omni_pipelines import progress
from omni_pipelines.errors import UpstreamMoved
from omni_pipelines.home import Home
from omni_pipelines.ids import file_sha256
from omni_pipelines.records import Release
from omni_pipelines.schemas import TABLES
from omni_pipelines.sharing.bucket import table_key
from omni_pipelines.sharing.joining import Member
from omni_pipelines.sharing.store_records import StoredFile, StoredRelease, read_copy
from omni_pipelines.sources.registry import load_sources
from omni_pipelines.steps.step_records import read_step_records

TRANSFERS = 8
"""Files that are transferred at the same time."""
MAX_UPLOAD_SECONDS = 12 * 3600.0
"""Half of the time for which the store keeps objects that no release names."""
Clocks = tuple[float, float]


def read_clocks() -> Clocks:
    """Seconds of two clocks: the first one stops while a machine sleeps, the second one can be set back."""
    return time.monotonic(), time.time()


def push(
    member: Member, release: Release, clocks: Callable[[], Clocks] = read_clocks, *, repeats: int | None = None
) -> StoredRelease:
    """Publish a release of the home in the store. All its files are on disk, and the caller holds the writer lock.

    Args:
        member: the home.
        release: the release.
        clocks: how time is measured.
        repeats: an older release whose files it names, which is kept until they are named again.

    Raises:
        ConfigurationError: another home drops the release `repeats`.
        UpstreamMoved: another home has published this number, or the upload took too long.
        EngineError: the store cannot be reached; nothing is published.
    """
    home, bucket = member.home, member.bucket
    member.require_conditional_put()
    before = read_copy(home, member.membership.release) if member.membership.release else None
    tables = {name: LanceTable(home.table(name)) for name in TABLES}
    plan = StoredRelease(
        release=release,
        writer=member.membership.home,
        heads={name: str(table.head()) for name, table in tables.items() if table.exists()},
        files={},
        built=read_step_records(home),
        sources=load_sources(home),
    )
    with member.hold(repeats) if repeats is not None else nullcontext() as renew:
        began = clocks()
        record = plan.model_copy(update={"files": _upload(member, plan, before)})
        if max(now - then for now, then in zip(clocks(), began, strict=True)) > MAX_UPLOAD_SECONDS:
            message = "the upload took so long that the store may have deleted its first files"
            raise UpstreamMoved(message, cure="run it again: omni ingest")
        if renew is not None:
            renew()
        if not bucket.publish(record):
            what = f"release {release.release} was published by another home meanwhile"
            raise UpstreamMoved(what, cure="run the same command again")
    with suppress(StoreError):  # homes do not need these files, and the next push puts those that are missing
        _put_manifests(member, record, before)
    return record


def _put_manifests(member: Member, record: StoredRelease, before: StoredRelease | None) -> None:
    """Put the manifests of a release where Lance looks for them, so that other programs can open the tables.

    Also those of the release before, in case the home that published it died at this point.
    """
    objects = member.bucket.objects
    for release in filter(None, (before, record)):
        for path, file in release.files.items():
            key, local = table_key(release, path), member.home.root / path
            if key is not None and key != file.key and local.exists() and not objects.exists(key):
                objects.put(key, local)


def _upload(member: Member, plan: StoredRelease, before: StoredRelease | None) -> dict[str, StoredFile]:
    """Path of each file of a release to its object."""
    files = dict(_files(member.home, plan))
    uploader = _Uploader(member, plan, before.files if before is not None else {})
    uploaded: dict[str, StoredFile] = {}
    with ThreadPoolExecutor(TRANSFERS) as pool:
        for path, file in zip(files, pool.map(uploader.upload, files, files.values()), strict=True):
            uploaded[path] = file
            progress.report("uploading", len(uploaded), len(files), "files")
    return uploaded


def _files(home: Home, plan: StoredRelease) -> Iterator[tuple[str, str]]:
    """The path below the home of every file that the release and the heads need, and its sha256 or ""."""
    for name in plan.heads:
        table = LanceTable(home.table(name))
        for version in sorted(plan.versions(name)):
            for file in lance_files.version_files(table, version):
                yield f"tables/{table.path.name}/{file}", ""
    for name, sha256 in plan.release.keyword.files.items():
        yield f"keyword/{plan.release.keyword.generation}/{name}", sha256
    record = plan.built.get("keyword_index")
    if record is not None and record.output != plan.release.keyword.generation:
        for path in sorted((home.keyword / record.output).glob("*")):
            if not path.name.endswith(".lock"):
                yield f"keyword/{record.output}/{path.name}", ""


class _Uploader:
    """Uploads files that the release before does not have."""

    def __init__(self, member: Member, plan: StoredRelease, before: dict[str, StoredFile]) -> None:
        self._home, self._objects, self._plan = member.home, member.bucket.objects, plan
        self._before = before
        self._by_content = {file.sha256: file for file in before.values()}

    def upload(self, path: str, sha256: str) -> StoredFile:
        """The object of a file: that of the release before, or a new one."""
        local = self._home.root / path
        if has_unique_name(path):
            known = self._before.get(path)
            if known is not None and known.size == local.stat().st_size:
                return known
        sha256 = sha256 or file_sha256(local)
        if not has_unique_name(path) and sha256 in self._by_content:
            return self._by_content[sha256]
        key = table_key(self._plan, path) if has_unique_name(path) else None
        if key is None or self._objects.exists(key):  # another home may be about to delete the existing object
            key = f"blobs/{sha256}-{uuid.uuid4().hex[:12]}"
        self._objects.put(key, local)
        return StoredFile(key=key, size=local.stat().st_size, sha256=sha256)


def has_unique_name(path: str) -> bool:
    """Whether Lance chose the name at random. Manifests are named by version, so two homes use the same names."""
    return path.startswith("tables/") and "/_versions/" not in path

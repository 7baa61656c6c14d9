"""A release into the store: what is new is uploaded, then one conditional put names all of it."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

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
from omni_pipelines.sharing.membership import Member
from omni_pipelines.sharing.records import StoredFile, StoredRelease, read_copy
from omni_pipelines.sources.registry import load_sources
from omni_pipelines.steps.step_records import read_step_records

TRANSFERS = 8
"""Files that are on their way at the same time."""
_MAX_UPLOAD = 12 * 3600.0
"""Seconds: the store keeps what no release names for twice as long."""


def push(member: Member, release: Release) -> StoredRelease:
    """Publish a release of the home in the store. Everything in it is on disk, and the writer's lock is held.

    Raises:
        UpstreamMoved: another home has published under this number.
        EngineError: the store cannot be reached; nothing is published.
    """
    home, bucket = member.home, member.bucket
    member.require_conditional_put()
    before = read_copy(home, member.known.release) if member.known.release else None
    heads = {
        name: str(LanceTable(home.table(name)).head()) for name in TABLES if LanceTable(home.table(name)).exists()
    }
    plan = StoredRelease(
        release=release,
        writer=member.known.home,
        heads=heads,
        files={},
        built=read_step_records(home),
        sources=load_sources(home),
    )
    record = plan.model_copy(update={"files": _uploaded(member, plan, before)})
    if not bucket.publish(record):
        what = f"release {release.release} was published by another home meanwhile"
        raise UpstreamMoved(what, cure="run the same command again")
    with contextlib.suppress(StoreError):  # it is published, and homes do not need this; the next push sees to it
        _lay_open(member, record, before)
    return record


def _lay_open(member: Member, record: StoredRelease, before: StoredRelease | None) -> None:
    """Put the manifests where Lance looks for them, so that every reader of Lance can open the tables.

    Also those of the release before, if whoever published it died at this point.
    """
    objects = member.bucket.objects
    for each in filter(None, (before, record)):
        for path, file in each.files.items():
            key, local = table_key(each, path), member.home.root / path
            if key is not None and key != file.key and local.exists() and not objects.exists(key):
                objects.put(key, local)


def _uploaded(member: Member, plan: StoredRelease, before: StoredRelease | None) -> dict[str, StoredFile]:
    files = dict(_files(member.home, plan))
    upload = _Upload(member, plan, dict(before.files) if before is not None else {})
    began = _clocks()
    placed: dict[str, StoredFile] = {}
    with ThreadPoolExecutor(TRANSFERS) as pool:
        for path, file in zip(files, pool.map(upload.place, files, files.values()), strict=True):
            placed[path] = file
            progress.report("uploading", len(placed), len(files), "files")
    if max(now - then for now, then in zip(_clocks(), began, strict=True)) > _MAX_UPLOAD:
        raise UpstreamMoved(
            "the upload took so long that its first files may be gone", cure="run it again: omni ingest"
        )
    return placed


def _clocks() -> tuple[float, float]:
    """Seconds of two clocks: the one stands still while a machine sleeps, the other can be set back."""
    return time.monotonic(), time.time()


def _files(home: Home, plan: StoredRelease) -> Iterator[tuple[str, str]]:
    """Path below the home of everything that the release and the heads need, and its sha256 where that is known."""
    for name in plan.heads:
        table = LanceTable(home.table(name))
        for version in sorted(plan.versions(name)):
            for file in lance_files.version_files(table, version):
                yield f"tables/{table.path.name}/{file}", ""
    for name, sha256 in plan.release.keyword.files.items():
        yield f"keyword/{plan.release.keyword.generation}/{name}", sha256
    built = plan.built.get("keyword_index")
    if built is not None and built.output != plan.release.keyword.generation:
        for path in sorted((home.keyword / built.output).glob("*")):
            if not path.name.endswith(".lock"):
                yield f"keyword/{built.output}/{path.name}", ""


class _Upload:
    """Puts files where they are not yet."""

    def __init__(self, member: Member, plan: StoredRelease, before: dict[str, StoredFile]) -> None:
        self._home, self._objects, self._plan = member.home, member.bucket.objects, plan
        self._before = before
        self._by_content = {file.sha256: file for file in before.values()}

    def place(self, path: str, sha256: str) -> StoredFile:
        """Where a file stood for the release before, or where it is put now."""
        local = self._home.root / path
        if named_once(path):
            known = self._before.get(path)
            if known is not None and known.size == local.stat().st_size:
                return known
        sha256 = sha256 or file_sha256(local)
        if not named_once(path) and sha256 in self._by_content:
            return self._by_content[sha256]
        key = table_key(self._plan, path) if named_once(path) else None
        if key is None or self._objects.exists(key):  # what stands there, another home may be about to delete
            key = f"blobs/{sha256}-{uuid.uuid4().hex[:12]}"
        self._objects.put(key, local)
        return StoredFile(key=key, size=local.stat().st_size, sha256=sha256)


def named_once(path: str) -> bool:
    """Whether Lance chose the name at random. Manifests are named by version, and those of two writers collide."""
    return path.startswith("tables/") and "/_versions/" not in path

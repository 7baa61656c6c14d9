"""One release as one file, and back into an empty home: an uncompressed tar with a checksum of everything in it.

What is imported comes from elsewhere and is not trusted: names, kinds and sizes are checked before a byte is written,
and the home appears under its name only when all of it has been compared.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import orjson
from pydantic import ValidationError

from native import lance_files, lance_maintenance, lance_vectors
from native.durable import Barrier, sync_file
from native.errors import EngineError
from native.lance_tables import LanceTable, TableVersion
from native.tantivy_index import KeywordIndex
from omni_pipelines.errors import BundleRefused, ConfigurationError, HomeError, TableBroken
from omni_pipelines.home import Home
from omni_pipelines.ids import file_sha256
from omni_pipelines.knowledge.state.releases import put_release, require_release
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.records import Record, Release
from omni_pipelines.schemas import EMBEDDINGS, FILTERS
from omni_pipelines.sources.registry import load_sources, save_sources
from omni_pipelines.sources.source import Source
from omni_pipelines.steps.retention import TAG
from omni_pipelines.steps.step_table import STEPS

CONTENTS = "bundle.json"
MAX_CONTENTS = 64 << 20
"""Bytes of the list of contents; a million files fit."""
_NAME = re.compile(r"(?:tables/(?:documents|chunks|embeddings)\.lance|keyword/gen-[0-9]{1,18})(?:/[A-Za-z0-9_.-]+)+")
_BLOCK = 1 << 20


class Packed(Record):
    """A file in a bundle."""

    size: int
    sha256: str


class Bundle(Record):
    """What a bundle holds, as it says itself."""

    bundle: int = 1
    """Version of this layout."""
    release: Release
    sources: list[Source]
    files: dict[str, Packed]
    """Name below the home to what stands there."""


def export_release(home: Home, number: int, file: Path) -> Bundle:
    """Write a release to a file: its rows without history, its indexes, its record, its part of the registry.

    Raises:
        ConfigurationError: there is no such release, or the file exists.
        TableBroken, EngineError: its files are damaged, or were collected meanwhile.
    """
    release = require_release(home, number)
    if file.exists():
        raise ConfigurationError(f"{file} exists", cure="name another file, or move it away")
    if not file.parent.is_dir():
        raise ConfigurationError(f"{file.parent} is not a folder", cure="name a file in a folder that exists")
    Snapshot(home, release)
    with _staging(file) as staging:
        copied = _copy(home, release, staging)
        sources = [source for source in load_sources(home) if source.name in release.sources]
        names = sorted(
            path.relative_to(staging.root).as_posix() for path in staging.root.rglob("*") if path.is_file()
        )
        files = {name: _packed(staging.root / name) for name in names}
        bundle = Bundle(release=copied, sources=sources, files=files)
        part = staging.root / "bundle.tar"
        _write_tar(part, staging.root, bundle)
        sync_file(part)
        os.link(part, file)  # unlike a rename, it replaces nothing
        sync_file(file.parent)
    return bundle


@contextmanager
def _staging(target: Path) -> Iterator[Home]:
    """A folder beside `target`, on the same disk, that is gone afterwards."""
    root = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent))
    try:
        yield Home(root)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _copy(home: Home, release: Release, staging: Home) -> Release:
    """Everything a release names, below `staging`; the record that names the copies."""
    staging.tables.mkdir()
    for name, pinned in release.tables.items():
        lance_maintenance.copy(LanceTable(home.table(name)), staging.table(name), TableVersion.parse(pinned).version)
    coverage = lance_vectors.build(LanceTable(staging.table(EMBEDDINGS.name)))
    folder = staging.keyword / release.keyword.generation
    folder.mkdir(parents=True)
    for name, expected in release.keyword.files.items():
        shutil.copyfile(home.keyword / release.keyword.generation / name, folder / name)
        if _packed(folder / name).sha256 != expected:
            what = f"{name} of keyword index {release.keyword.generation} does not have its checksum"
            raise TableBroken(what, cure="look at all of it: omni scrub")
    heads = {name: str(LanceTable(staging.table(name)).head()) for name in release.tables}
    return release.model_copy(update={"tables": heads, "indexed_vectors": coverage.indexed, "rollback": None})


def _packed(path: Path) -> Packed:
    return Packed(size=path.stat().st_size, sha256=file_sha256(path))


def _write_tar(part: Path, root: Path, bundle: Bundle) -> None:
    contents = root / CONTENTS
    contents.write_bytes(orjson.dumps(bundle.model_dump(mode="json"), option=orjson.OPT_INDENT_2))
    with tarfile.open(part, "w:", format=tarfile.PAX_FORMAT) as tar:
        for name in (CONTENTS, *bundle.files):
            member = tarfile.TarInfo(name)  # no owner and no time: equal content makes equal headers
            member.size = (root / name).stat().st_size
            with (root / name).open("rb") as file:
                tar.addfile(member, file)


def import_bundle(file: Path, home: Home) -> Release:
    """Make a home from a bundle. All of it is compared before the home appears.

    Raises:
        HomeError: something is in the home already.
        ConfigurationError: the file cannot be opened, or the disk is too small.
        BundleRefused: it is no bundle, holds what it must not, or is not as it was exported.
    """
    _refuse_used(home)
    home.root.parent.mkdir(parents=True, exist_ok=True)
    with _staging(home.root) as staging:
        staging.create()
        bundle = _unpack(file, staging)
        _compare(staging, bundle.release)
        save_sources(staging, bundle.sources)
        for definition in STEPS.tables:
            each = LanceTable(staging.table(definition.name))
            lance_maintenance.tag(each, f"{TAG}{bundle.release.release}", each.head().version)
        put_release(staging, bundle.release)
        Barrier().sync_tree(staging.root)
        if home.root.exists():
            shutil.rmtree(home.root)  # nothing but empty folders, see above
        os.rename(staging.root, home.root)
        sync_file(home.root.parent)
    os.chmod(home.root, 0o755)
    return bundle.release


def _refuse_used(home: Home) -> None:
    if home.root.exists():
        home.check()
    used = [path for path in home.root.rglob("*") if not path.is_dir() and path.name not in (".gitignore", "LOCK")]
    if used:
        raise HomeError(f"{home.root} is not empty: {used[0].name} is in it", cure="name another one with --home")


def _unpack(file: Path, staging: Home) -> Bundle:
    try:
        with tarfile.open(file, "r:") as tar:
            bundle = _contents(tar, file)
            _check_names(bundle)
            _check_room(bundle, file, staging)
            _extract(tar, bundle, staging)
    except (tarfile.TarError, EOFError) as error:
        raise BundleRefused(f"{file} is not a whole bundle: {error}", cure="export it again") from error
    except FileNotFoundError as error:
        raise ConfigurationError(f"{file} is not there", cure="check the path") from error
    return bundle


def _contents(tar: tarfile.TarFile, file: Path) -> Bundle:
    member = tar.next()
    if member is None or member.name != CONTENTS or not _is_plain(member) or member.size > MAX_CONTENTS:
        raise BundleRefused(f"{file} does not begin with {CONTENTS}", cure="make one: omni releases export N FILE")
    try:
        return Bundle.model_validate_json(_opened(tar, member).read())
    except ValidationError as error:
        what = f"{CONTENTS} in {file} cannot be read: {error.errors()[0]['msg']}"
        raise BundleRefused(what, cure="export it again with this version") from error


def _is_plain(member: tarfile.TarInfo) -> bool:
    """A regular file: no link, no device, no file with holes that takes no room in the tar."""
    return member.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and not member.issparse()


def _opened(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    file = tar.extractfile(member)
    if file is None:
        raise BundleRefused(f"{member.name} in the bundle is no file", cure="export it again")
    return file


def _check_names(bundle: Bundle) -> None:
    release = bundle.release
    expected = {definition.name for definition in STEPS.tables}
    if bundle.bundle != 1 or release.tables.keys() != expected or release.release < 1:
        raise BundleRefused("the bundle has a layout that is not known here", cure="import it with a newer version")
    if not re.fullmatch(r"gen-[0-9]{1,18}", release.keyword.generation):
        raise BundleRefused(f"no keyword index is called {release.keyword.generation!r}", cure="do not trust it")
    for name in bundle.files:
        if not _NAME.fullmatch(name) or {".", ".."} & set(name.split("/")):
            raise BundleRefused(f"the bundle holds {name!r}, which does not belong in a home", cure="do not trust it")


def _check_room(bundle: Bundle, file: Path, staging: Home) -> None:
    """Nothing is compressed: what says that it is larger than the file it comes in lies."""
    sizes = [packed.size for packed in bundle.files.values()]
    total = sum(sizes)
    if min(sizes, default=0) < 0 or total > file.stat().st_size:
        raise BundleRefused(f"the bundle claims {total:,} bytes and is smaller than that", cure="do not trust it")
    free = shutil.disk_usage(staging.root).free
    if total > free:
        raise ConfigurationError(f"the bundle needs {total:,} bytes; {free:,} are free", cure="make room")


def _extract(tar: tarfile.TarFile, bundle: Bundle, staging: Home) -> None:
    missing = dict(bundle.files)
    while (member := tar.next()) is not None:
        expected = missing.pop(member.name, None)
        if expected is None or not _is_plain(member) or member.size != expected.size:
            raise BundleRefused(f"the bundle holds {member.name!r} that it does not list", cure="do not trust it")
        path = staging.root / member.name
        path.parent.mkdir(parents=True, exist_ok=True)
        if _write(_opened(tar, member), path) != expected.sha256:
            raise BundleRefused(f"{member.name} in the bundle does not have its checksum", cure="export it again")
    if missing:
        raise BundleRefused(f"{next(iter(missing))} is missing in the bundle", cure="export it again")


def _write(file: IO[bytes], path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("xb") as target:
        while block := file.read(_BLOCK):
            digest.update(block)
            target.write(block)
    return digest.hexdigest()


def _compare(staging: Home, release: Release) -> None:
    """Whether the record speaks of what was unpacked."""
    try:
        for name, pinned in release.tables.items():
            each = LanceTable(staging.table(name))
            if (
                str(each.head()) != pinned
                or each.count() != release.counts.get(name)
                or lance_files.broken_files(each)
            ):
                raise BundleRefused(f"table {name} in the bundle is not what its record says", cure="export it again")
        folder = staging.keyword / release.keyword.generation
        index = KeywordIndex.open(folder, FILTERS)
        files = {name: _packed(folder / name).sha256 for name in release.keyword.files}
    except (EngineError, OSError, ValueError) as error:
        raise BundleRefused(f"the bundle cannot be opened: {error}", cure="export it again") from error
    if index.size != release.keyword.entries or files != release.keyword.files:
        raise BundleRefused("the keyword index in the bundle is not what its record says", cure="export it again")

"""Bundles: a release as one file, an uncompressed tar with the checksum of every member, and back into a new home.

A bundle is not trusted: names, types and sizes are checked before a byte is written, and the home appears under its
name only when everything has been verified.
"""

import hashlib
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Self

import orjson
from pydantic import Field, ValidationError, model_validator

from native import lance_files, lance_maintenance, lance_vectors
from native.durable import Barrier, name_if_absent, sync_file
from native.errors import EngineError
from native.lance_tables import LanceTable, TableVersion
from native.tantivy_index import KeywordIndex
from omni_pipelines.errors import BundleRefused, ConfigurationError, HomeError, TableBroken
from omni_pipelines.home import HOME_NAME, Home
from omni_pipelines.ids import file_sha256
from omni_pipelines.knowledge.state.releases import put_release, require_release
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.knowledge.state.table_files import damaged_files, require_sound, unreadable_files, with_checksums
from omni_pipelines.record_fields import Count, Sha256
from omni_pipelines.records import Record, Release, strictly
from omni_pipelines.released_files import generation_folder, require_released_files, table_folder
from omni_pipelines.schemas import EMBEDDINGS, FILTERS
from omni_pipelines.sources.claims import seals_of, with_claims
from omni_pipelines.sources.registry import RegisteredSources, load_sources, save_sources
from omni_pipelines.steps.retention import TAG
from omni_pipelines.steps.step_table import STEPS
from omni_pipelines.text.readers.archives.tar_entries import TarReader

CONTENTS = "bundle.json"
MAX_CONTENTS = 64 << 20
"""Bytes of the table of contents; enough for a million files."""
_BLOCK = 1 << 20


class BundledFile(Record):
    """A file in a bundle."""

    size: Count
    sha256: Sha256


class Bundle(Record):
    """The table of contents of a bundle, its first member."""

    bundle: int = 1
    """Version of this layout."""
    release: Release
    sources: RegisteredSources
    seals: dict[str, str] = Field(default_factory=dict)
    """The claims of the user who wrote it, which hold for nobody else."""
    files: dict[str, BundledFile]
    """Path relative to the home, to the file."""

    @model_validator(mode="after")
    def _files_are_of_its_tables_and_index(self) -> Self:
        generation = generation_folder(self.release.keyword.generation)
        require_released_files(self.files, {*map(table_folder, self.release.tables), generation})
        return self


def export_release(home: Home, number: int, file: Path) -> Bundle:
    """Write a release to a file: its rows without history, its indexes, its record, its sources.

    Raises:
        ConfigurationError: there is no such release, or the file exists.
        TableBroken, EngineError: files of the release are damaged, or were collected in the meantime.
    """
    release = require_release(home, number)
    if file.exists():
        raise ConfigurationError(f"{file} exists already", cure="name another file, or move this one away")
    if not file.parent.is_dir():
        raise ConfigurationError(f"{file.parent} is not a folder", cure="name a file in a folder that exists")
    Snapshot(home, release)
    with _staging(file) as staging:
        copied = _copy(home, release, staging)
        sources = [source for source in load_sources(home) if source.name in release.sources]
        names = sorted(
            path.relative_to(staging.root).as_posix() for path in staging.root.rglob("*") if path.is_file()
        )
        files = {name: _described(staging.root / name) for name in names}
        bundle = Bundle(release=copied, sources=sources, seals=seals_of(home, sources), files=files)
        part = staging.root / "bundle.tar"
        _write_tar(part, staging.root, bundle)
        sync_file(part)
        name_if_absent(part, file)
        sync_file(file.parent)
    return bundle


@contextmanager
def _staging(target: Path) -> Iterator[Home]:
    """A temporary folder beside `target`, on the same disk."""
    folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent))
    root = folder / HOME_NAME
    root.mkdir()  # with the mode that new folders have here; only its owner may enter the folder above
    try:
        yield Home(root)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _copy(home: Home, release: Release, staging: Home) -> Release:
    """Copy everything that a release names to `staging`. The record that names the copies."""
    staging.tables.mkdir()
    for name, pinned in release.tables.items():
        require_sound(home, release, name)
        lance_maintenance.copy(LanceTable(home.table(name)), staging.table(name), TableVersion.parse(pinned).version)
    coverage = lance_vectors.build(LanceTable(staging.table(EMBEDDINGS.name)))
    folder = staging.keyword / release.keyword.generation
    folder.mkdir(parents=True)
    for name, expected in release.keyword.files.items():
        shutil.copyfile(home.keyword / release.keyword.generation / name, folder / name)
        if _described(folder / name).sha256 != expected:
            what = f"the checksum of {name} in keyword index {release.keyword.generation} is wrong"
            raise TableBroken(what, cure="check the whole release: omni scrub")
    heads = {name: str(LanceTable(staging.table(name)).head()) for name in release.tables}
    copied = {"tables": heads, "files": {}, "indexed_vectors": coverage.indexed, "rollback": None}
    return with_checksums(staging, release.model_copy(update=copied))


def _described(path: Path) -> BundledFile:
    return BundledFile(size=path.stat().st_size, sha256=file_sha256(path))


def _write_tar(part: Path, root: Path, bundle: Bundle) -> None:
    contents = root / CONTENTS
    contents.write_bytes(orjson.dumps(bundle.model_dump(mode="json"), option=orjson.OPT_INDENT_2))
    with tarfile.open(part, "w:", format=tarfile.PAX_FORMAT) as tar:
        for name in (CONTENTS, *bundle.files):
            member = tarfile.TarInfo(name)  # no owner and no time: equal contents give equal bytes
            member.size = (root / name).stat().st_size
            with (root / name).open("rb") as file:
                tar.addfile(member, file)


def import_bundle(file: Path, home: Home) -> Release:
    """Create a home from a bundle. Everything is verified before the home appears.

    Raises:
        HomeError: the home is not empty.
        ConfigurationError: the file cannot be opened, or the disk is too small.
        BundleRefused: it is not a bundle, contains something that does not belong there, or was changed.
    """
    _refuse_used(home)
    home.root.parent.mkdir(parents=True, exist_ok=True)
    with _staging(home.root) as staging:
        staging.create()
        bundle = _unpack(file, staging)
        _verify(staging, bundle)
        save_sources(staging, with_claims(home, bundle.sources, bundle.seals))
        for definition in STEPS.tables:
            table = LanceTable(staging.table(definition.name))
            lance_maintenance.tag(table, f"{TAG}{bundle.release.release}", table.head().version)
        put_release(staging, bundle.release)
        Barrier().sync_tree(staging.root)
        if home.root.exists():
            shutil.rmtree(home.root)  # only empty folders: see _refuse_used
        os.rename(staging.root, home.root)
        sync_file(home.root.parent)
    return bundle.release


def _refuse_used(home: Home) -> None:
    if home.root.exists():
        home.check()
    used = [path for path in home.root.rglob("*") if not path.is_dir() and path.name not in (".gitignore", "LOCK")]
    if used:
        raise HomeError(f"{home.root} is not empty: it contains {used[0].name}", cure="name another home with --home")


def _unpack(file: Path, staging: Home) -> Bundle:
    try:
        opened = file.open("rb")
    except FileNotFoundError as error:
        raise ConfigurationError(f"{file} does not exist", cure="check the path") from error
    with opened:
        try:
            tar = TarReader(opened)
            bundle = _contents(tar, file)
            _check_layout(bundle)
            _check_size(bundle, file, staging)
            _extract(tar, bundle, staging)
        except (tarfile.TarError, EOFError, ValueError) as error:  # the last is for numbers in headers
            raise BundleRefused(f"{file} is not a complete bundle: {error}", cure="export it again") from error
    return bundle


def _contents(tar: TarReader, file: Path) -> Bundle:
    member = tar.next()
    if member is None or member.name != CONTENTS or not _is_plain(member) or member.size > MAX_CONTENTS:
        raise BundleRefused(
            f"{file} does not begin with {CONTENTS}", cure="create a bundle: omni releases export N FILE"
        )
    try:
        return strictly(_opened(tar, member).read(), Bundle)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "files"
        what = f"{CONTENTS} in {file} is not valid: {place}: {first['msg'].removeprefix('Value error, ')}"
        cure = "do not trust this bundle; if you made it, export it again with the same version of omni"
        raise BundleRefused(what, cure=cure) from error


def _is_plain(member: tarfile.TarInfo) -> bool:
    """Whether a member is a regular file: no link, no device, no sparse file."""
    return member.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and not member.issparse()


def _opened(tar: TarReader, member: tarfile.TarInfo) -> IO[bytes]:
    file = tar.open(member)
    if file is None:
        raise BundleRefused(f"{member.name} in the bundle is not a file", cure="export it again")
    return file


def _check_layout(bundle: Bundle) -> None:
    if bundle.bundle != 1 or bundle.release.tables.keys() != {definition.name for definition in STEPS.tables}:
        raise BundleRefused("the layout of the bundle is unknown", cure="import it with a newer version of omni")
    if deletions := [name for name in bundle.files if "/_deletions/" in name]:  # an export writes no deleted rows
        raise BundleRefused(f"the bundle contains {deletions[0]}", cure="do not trust this bundle")


def _check_size(bundle: Bundle, file: Path, staging: Home) -> None:
    """Nothing in a bundle is compressed, so the members cannot be larger than the file."""
    total = sum(packed.size for packed in bundle.files.values())
    if total > file.stat().st_size:
        raise BundleRefused(f"the bundle claims {total:,} bytes but is smaller", cure="do not trust this bundle")
    free = shutil.disk_usage(staging.root).free
    if total > free:
        raise ConfigurationError(f"the bundle needs {total:,} bytes; {free:,} are free", cure="free some disk space")


def _extract(tar: TarReader, bundle: Bundle, staging: Home) -> None:
    missing = dict(bundle.files)
    while (member := tar.next()) is not None:
        expected = missing.pop(member.name, None)
        if expected is None or not _is_plain(member) or member.size != expected.size:
            raise BundleRefused(
                f"the bundle contains {member.name!r}, which it does not list", cure="do not trust this bundle"
            )
        path = staging.root / member.name
        path.parent.mkdir(parents=True, exist_ok=True)
        if _write(_opened(tar, member), path) != expected.sha256:
            raise BundleRefused(f"the checksum of {member.name} in the bundle is wrong", cure="export it again")
    if missing:
        raise BundleRefused(f"{next(iter(missing))} is missing from the bundle", cure="export it again")


def _write(file: IO[bytes], path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("xb") as target:
        while block := file.read(_BLOCK):
            digest.update(block)
            target.write(block)
    return digest.hexdigest()


def _verify(staging: Home, bundle: Bundle) -> None:
    """Compare what was unpacked with the release record."""
    release = bundle.release
    for name, damaged, fault in unreadable_files(staging, dict.fromkeys(bundle.files, "")):
        raise BundleRefused(f"table {name} in the bundle: {damaged}: {fault}", cure="do not trust this bundle")
    try:
        for name, pinned in release.tables.items():
            table = LanceTable(staging.table(name))
            if (
                str(table.head()) != pinned
                or table.count() != release.counts.get(name)
                or lance_files.broken_files(table)
            ):
                raise BundleRefused(f"table {name} in the bundle does not match its record", cure="export it again")
        folder = staging.keyword / release.keyword.generation
        index = KeywordIndex.open(folder, FILTERS)
        files = {name: _described(folder / name).sha256 for name in release.keyword.files}
    except (EngineError, OSError, ValueError) as error:
        raise BundleRefused(f"the bundle cannot be opened: {error}", cure="export it again") from error
    for name, damaged, fault in damaged_files(staging, release):  # else a scrub would say so from the first day on
        raise BundleRefused(f"table {name} in the bundle: {damaged}: {fault}", cure="export it again")
    if index.size != release.keyword.entries or files != release.keyword.files:
        raise BundleRefused("the keyword index in the bundle does not match its record", cure="export it again")

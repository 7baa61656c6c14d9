"""Repair of Lance tables after a crash: move damaged manifests aside, put others in place.

Call these functions under the writer lock only.
"""

import os
import shutil
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from native.errors import EngineError, TableCorrupt, TableMissing
from native.foreign_errors import engine_errors
from native.lance_files import is_complete
from native.lance_maintenance import tag
from native.lance_manifests import manifest_version
from native.lance_tables import LanceTable, TableVersion


def set_aside_after(table: LanceTable, version: int, folder: Path) -> list[str]:
    """Move the manifests newer than `version` into `folder`; with version 0, the whole table. Returns what was moved.

    It is for a head that cannot be read after a power cut: Lance never syncs its files, so the newest may be empty.
    """
    if version == 0:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.move(table.path, folder / f"{table.path.name}.{time.time_ns()}")
        return [table.path.name]
    return _set_aside(table, _manifests_after(table, version), folder)


def set_aside_incomplete(table: LanceTable, version: int, folder: Path) -> list[str]:
    """Move the incomplete manifests newer than `version` into `folder`. Returns what was moved.

    A single one, even below a good head, keeps Lance from ever cleaning up.
    """
    return _set_aside(table, [path for path in _manifests_after(table, version) if not is_complete(path)], folder)


def set_aside_unreadable(table: LanceTable, folder: Path) -> list[str]:
    """Move the manifests that cannot be decoded into `folder`. Returns what was moved.

    A single one, even of a version that nobody reads, keeps Lance from ever cleaning up.
    """
    unreadable = []
    for path in _manifests_after(table, 0):
        try:
            table.open(manifest_version(path.name))
        except (TableCorrupt, TableMissing):
            unreadable.append(path)
    return _set_aside(table, unreadable, folder)


def restore_tags(table: LanceTable, versions: Mapping[str, TableVersion]) -> None:
    """Tag versions again whose tags are lost or damaged: without a tag, the next clean-up deletes them."""
    if not table.exists():
        return
    try:
        tagged = _tagged(table)
    except (TableCorrupt, TableMissing):  # the table itself is damaged; its readers are told
        return
    lost = {name: version for name, version in versions.items() if tagged.get(name) != version.version}
    if lost:
        identity, there = table.head().uuid, table.versions()
        for name, wanted in lost.items():
            if wanted.uuid == identity and wanted.version in there:
                tag(table, name, wanted.version)


def _tagged(table: LanceTable) -> dict[str, int]:
    """The version of each tag. One that Lance cannot read keeps it from reading any, so then all are deleted."""
    dataset = table.open()
    try:
        with engine_errors(f"tags of table {table.name}"):
            return {name: int(each["version"]) for name, each in dataset.tags.list().items()}
    except EngineError:
        for path in (table.path / "_refs" / "tags").glob("*.json"):
            path.unlink()
        return {}


def replace_versions(table: LanceTable, manifests: Sequence[Path], keep: Collection[int]) -> None:
    """Move these manifests into the table, and delete its tags and all versions that are not in `keep`.

    The files that the manifests name must be in the table's folder already. Call `POOL.reset` afterwards: Lance's
    caches still have the old versions.
    """
    versions = table.path / "_versions"
    versions.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(table.path / "_refs", ignore_errors=True)
    for path in versions.iterdir():
        if manifest_version(path.name) not in keep:  # including the file that names the newest version
            path.unlink()
    for path in manifests:
        os.replace(path, versions / path.name)


def _manifests_after(table: LanceTable, version: int) -> list[Path]:
    manifests = sorted((table.path / "_versions").glob("*.manifest"))
    return [path for path in manifests if (manifest_version(path.name) or 0) > version]


def _set_aside(table: LanceTable, manifests: Sequence[Path], folder: Path) -> list[str]:
    stamp = time.time_ns()
    if manifests:
        folder.mkdir(parents=True, exist_ok=True)
        for hint in (table.path / "_versions").glob("latest_version_hint*"):
            hint.unlink()
    for path in manifests:
        os.replace(path, folder / f"{table.name}.{path.name}.{stamp}")
    return [path.name for path in manifests]

"""Manifests of Lance tables: the file `_versions/<name>.manifest` makes a version exist."""

import os
from pathlib import Path

_SUFFIX = ".manifest"
_INVERTED_BASE = (1 << 64) - 1
"""Lance names the manifest of version v `<2^64-1-v>.manifest`, so that the newest sorts first."""
_INVERTED_DIGITS = 20
"""Digits of such a name. Tables of older writers have `<v>.manifest`."""

ManifestIdentity = tuple[int, int, int]
"""Inode, size and modification time of a manifest. They differ for another table at the same path."""


def manifest_version(name: str) -> int | None:
    """The version that a manifest file belongs to; None for any other file."""
    stem = name.removesuffix(_SUFFIX)
    if stem == name or not stem.isdecimal():
        return None
    return _INVERTED_BASE - int(stem) if len(stem) == _INVERTED_DIGITS else int(stem)


def manifest_path(table: Path, version: int) -> Path:
    """The manifest of a version of the table at a path, as today's Lance names it.

    A manifest also records the operation that made the version; for a delete, that includes its filter.
    """
    return table / "_versions" / _manifest_name(version)


def _manifest_name(version: int) -> str:
    return f"{_INVERTED_BASE - version:0{_INVERTED_DIGITS}d}{_SUFFIX}"


def head_version(table: Path) -> int:
    """The newest version of the table at a path.

    Raises:
        FileNotFoundError: there is no table.
    """
    versions = [manifest_version(name) for name in os.listdir(table / "_versions")]
    newest = max((version for version in versions if version is not None), default=None)
    if newest is None:
        raise FileNotFoundError(f"no version of a table at {table}")
    return newest


def manifest_identity(table: Path, version: int) -> ManifestIdentity:
    """The identity of the manifest of a version.

    Raises:
        FileNotFoundError: there is no such version.
    """
    for name in (_manifest_name(version), f"{version}{_SUFFIX}"):
        try:
            status = os.stat(f"{table}/_versions/{name}")  # with pathlib, that takes a tenth of a search
        except FileNotFoundError:
            continue
        return status.st_ino, status.st_size, status.st_mtime_ns
    raise FileNotFoundError(f"version {version} not found at {table}")

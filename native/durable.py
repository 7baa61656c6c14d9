"""Files that survive a power cut: written whole or not at all, and synced before anything names them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

PART = ".part"
"""End of the name of a file or folder that is not finished yet; such names begin with a dot."""


def sync_file(path: Path) -> None:
    """Force a file, or a folder's list of names, to disk.

    Raises:
        OSError: the disk refused. Never try again as if it had worked: the kernel may have dropped the pages.
    """
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_above(folder: Path) -> None:
    """Force a new folder's own name to disk, and those of the folders above it, which may be as new.

    A folder above that may not be read was not made by us.

    Raises:
        OSError: as for `sync_file`.
    """
    for above in folder.parents:
        try:
            sync_file(above)
        except PermissionError:
            return


def write_whole(path: Path, data: bytes) -> None:
    """Replace a file so that a reader, or a crash, sees the old content or the new, never a part."""
    part = _part(path)
    try:
        _write_synced(part, data)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    sync_file(path.parent)


def put_if_absent(path: Path, data: bytes) -> bool:
    """Create a file with its whole content, unless one is there. Returns whether it was created."""
    part = _part(path)
    try:
        _write_synced(part, data)
        os.link(part, path)
    except FileExistsError:
        return False
    finally:
        part.unlink(missing_ok=True)
    sync_file(path.parent)
    return True


def drop_parts(folder: Path) -> None:
    """Remove what writers that were killed left unfinished. Call it while nobody writes there."""
    for part in folder.glob(f".*{PART}"):
        if part.is_dir():
            shutil.rmtree(part, ignore_errors=True)
        else:
            part.unlink(missing_ok=True)


class Barrier:
    """Syncs everything under a folder, each file once as long as it does not change."""

    def __init__(self) -> None:
        self._synced: set[tuple[int, int, int]] = set()

    def sync_tree(self, root: Path) -> None:
        """Sync files first, then folders bottom up, so that no name is durable before what it names."""
        folders = []
        for folder, _, names in os.walk(root):
            folders.append(Path(folder))
            for name in names:
                self._sync_once(Path(folder, name))
        for path in reversed(folders):
            sync_file(path)

    def _sync_once(self, path: Path) -> None:
        status = path.stat()
        mark = (status.st_ino, status.st_size, status.st_mtime_ns)
        if mark not in self._synced:
            sync_file(path)
            self._synced.add(mark)


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}{PART}")


def _write_synced(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())

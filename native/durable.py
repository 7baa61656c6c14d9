"""Files that survive a power cut: written completely or not at all, and synced before anything refers to them."""

import errno
import os
import shutil
import threading
from pathlib import Path

PART = ".part"
"""Suffix of an unfinished file or folder; its name begins with a dot."""
_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV}
"""What a file system says that has no hard links, or no more of them for this file."""


def sync_file(path: Path) -> None:
    """Force a file, or a folder's list of names, to disk.

    Raises:
        OSError: the sync failed. A retry proves nothing, because the kernel may have dropped the pages.
    """
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_above(folder: Path) -> None:
    """Force the name of a new folder to disk, and the names of its parents, which may be new too.

    A parent that we may not read was not made by us, so the names above it are durable already.

    Raises:
        OSError: as for `sync_file`.
    """
    for above in folder.parents:
        try:
            sync_file(above)
        except PermissionError:
            return


def write_whole(path: Path, data: bytes, *, sync_name: bool = True) -> None:
    """Replace a file so that readers, also after a crash, see either the old content or the new one, never a part.

    Without `sync_name`, it may be the old one even after this returned.
    """
    part = _part(path)
    try:
        _write_synced(part, data)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    if sync_name:
        sync_file(path.parent)


def put_if_absent(path: Path, data: bytes) -> bool:
    """Create a file with its complete content unless it exists. Returns whether it was created."""
    part = _part(path)
    try:
        _write_synced(part, data)
        name_if_absent(part, path)
    except FileExistsError:
        return False
    finally:
        part.unlink(missing_ok=True)
    sync_file(path.parent)
    return True


def name_if_absent(part: Path, path: Path) -> None:
    """Give a complete file its name.

    Raises:
        FileExistsError: there is a file with this name.
    """
    try:
        os.link(part, path)  # unlike a rename, it replaces nothing
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # a crash between these lines leaves an empty file, which readers skip
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        os.replace(part, path)


def link_or_copy(source: Path, target: Path) -> None:
    """Give a file that never changes a second name; where there are no hard links, copy it."""
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        shutil.copyfile(source, target)


def drop_parts(folder: Path) -> None:
    """Remove the unfinished files of killed writers. Call it while nobody writes to the folder."""
    for part in folder.glob(f".*{PART}"):
        if part.is_dir():
            shutil.rmtree(part, ignore_errors=True)
        else:
            part.unlink(missing_ok=True)


class Barrier:
    """Syncs everything in a folder. A file is synced again only if it has changed."""

    def __init__(self) -> None:
        self._synced: set[tuple[int, int, int]] = set()

    def sync_tree(self, root: Path) -> None:
        """Sync the files, then the folders from the bottom up, so that no name is durable before its content."""
        folders = []
        for folder, _, names in os.walk(root):
            folders.append(Path(folder))
            for name in names:
                self._sync_once(Path(folder, name))
        for path in reversed(folders):
            sync_file(path)

    def _sync_once(self, path: Path) -> None:
        status = path.stat()
        identity = (status.st_ino, status.st_size, status.st_mtime_ns)
        if identity not in self._synced:
            sync_file(path)
            self._synced.add(identity)


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}{PART}")


def _write_synced(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())

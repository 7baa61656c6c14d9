"""Text files and folders below a `ScopedFolder`: read, listed and written through handles, never through paths."""

import os
import stat
import uuid
from collections.abc import Iterator

from omni_pipelines.errors import ConfigurationError, SecurityError
from omni_pipelines.permissions.scopes import MAX_PARTS, ScopedFolder, folder_path, path_problem
from omni_pipelines.sources.model.names import rule_for_name

MAX_FILE_BYTES = 4 << 20
MAX_WALKED = 50_000
"""Files and folders that one listing visits."""
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def read_text(folder: ScopedFolder, path: str) -> str:
    """The text of a file, its line ends as they are.

    Raises:
        SecurityError: the path leads out, or passes a link.
        ConfigurationError: it is larger than 4 MiB, or no UTF-8 text.
        OSError: there is no such file, or it cannot be read.
    """
    with folder.file(path) as handle, os.fdopen(os.dup(handle), "rb") as file:
        raw = file.read(MAX_FILE_BYTES + 1)
    if len(raw) > MAX_FILE_BYTES:
        raise ConfigurationError(
            f"{path} is larger than {MAX_FILE_BYTES >> 20} MiB", cure="search it with files.grep"
        )
    if b"\0" in raw:
        raise ConfigurationError(f"{path} is no text", cure="ingest it and use knowledge.search")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is not UTF-8", cure="ingest it and use knowledge.search") from error


def walk(folder: ScopedFolder, path: str, *, recursive: bool) -> Iterator[str]:
    """The paths of files and folders, which end with a slash; without hidden and third-party ones, and without links.

    Raises:
        SecurityError: the path leads out, or passes a link.
        ConfigurationError: there are more than 50,000 of them.
        OSError: there is no such folder, or it cannot be read.
    """
    start, count = folder_path(path), 0
    with folder.folder(path) as handle:
        for place, folders, files, inner in os.fwalk(".", dir_fd=handle, follow_symlinks=False):
            within = folder_path("/".join(filter(None, (start, place))))
            folders[:] = [name for name in folders if _is_shown(name, inner, is_folder=True)]
            shown = [name for name in files if _is_shown(name, inner, is_folder=False)]
            count += len(folders) + len(shown)
            if count > MAX_WALKED:
                raise ConfigurationError(f"{path or 'the project'} has too many files", cure="name a folder below it")
            for name in (*(f"{name}/" for name in folders), *shown):
                yield f"{within}/{name}" if within else name
            if not recursive:
                return
            if within.count("/") >= MAX_PARTS - 2:
                folders.clear()


def _is_shown(name: str, folder: int, *, is_folder: bool) -> bool:
    if path_problem(name) or (is_folder and rule_for_name(name, is_folder=True)):
        return False
    wanted = stat.S_IFDIR if is_folder else stat.S_IFREG
    try:
        return stat.S_IFMT(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode) == wanted
    except OSError:
        return False


def write_text(folder: ScopedFolder, path: str, text: str) -> bool:
    """Create or replace a file, whole or not at all; folders that are missing are made. Whether the file is new.

    Raises:
        SecurityError: the path leads out, passes a link, or names something that is no file.
        OSError: it cannot be written.
    """
    parent, _, name = folder_path(path).rpartition("/")
    if not name:
        raise SecurityError("path", "the folder of the project is no file", cure="name a file")
    with folder.made(parent) as handle:
        mode = _mode(name, handle, path)
        part = f".{uuid.uuid4().hex}.part"
        try:
            file = os.open(part, _NEW, 0o666 if mode is None else mode, dir_fd=handle)
            with os.fdopen(file, "wb") as stream:
                stream.write(text.encode())
                stream.flush()
                if mode is not None:
                    os.fchmod(file, mode)
                os.fsync(file)
            os.rename(part, name, src_dir_fd=handle, dst_dir_fd=handle)
        except BaseException:
            _remove(part, handle)
            raise
        os.fsync(handle)
    return mode is None


def _mode(name: str, folder: int, path: str) -> int | None:
    """The permissions of the file that is replaced; None if there is none."""
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(status.st_mode):
        raise SecurityError("path", f"{path!r} is a link or no regular file", cure="name a file")
    return stat.S_IMODE(status.st_mode) & 0o777


def _remove(name: str, folder: int) -> None:
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        return

"""Where a call may reach: paths of one folder, opened without following links, and hosts of the web."""

import contextlib
import errno
import os
import re
import stat
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from omni_pipelines.errors import SecurityError
from omni_pipelines.sources.model.names import is_text, rule_for_name
from omni_pipelines.sources.model.web_addresses import BadAddress, authority, web_address

MAX_PATH_BYTES, MAX_PARTS = 4_096, 64
_SHORT_NAME = re.compile(r"[^.]{1,6}~\d(\..{0,3})?")
"""Another name of a file on file systems of Windows: `git~1` is `.git`."""
_LINK_ERRORS = {errno.ELOOP, errno.ENOTDIR, errno.EMLINK}
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def folder_path(text: str) -> str:
    """A path in a folder, normalised: `docs/a.md`; "" is the folder itself. Nothing is expanded or looked up.

    Raises:
        SecurityError: it is absolute, leads up, holds a character that no path needs, or has a hidden part.
    """
    problem = path_problem(text)
    if problem:
        raise SecurityError("path", f"{text[:100]!r} {problem}", cure="name a path in the folder of the project")
    return "/".join(part for part in text.split("/") if part not in ("", "."))


def path_problem(text: str) -> str:
    """Why a text is no path in a folder; "" if it is one."""
    if not is_text(text) or len(text.encode()) > MAX_PATH_BYTES:
        return "is too long, or is not UTF-8"
    if text.startswith(("/", "~")):
        return "does not start in the folder of the project"
    if "\\" in text or any(unicodedata.category(letter) in ("Cc", "Cf", "Zl", "Zp") for letter in text):
        return "has a backslash or an invisible character"
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if len(parts) > MAX_PARTS:
        return f"has more than {MAX_PARTS} parts"
    if any(_folded(part) in ("..", ".") or _folded(part).strip() == "" for part in parts):
        return "leads up, or has an empty part"
    if any(is_hidden(part) for part in parts):
        return "has a part that begins with a dot"
    if any(_SHORT_NAME.fullmatch(_folded(part)) for part in parts):
        return "has a part that can be the short name of another file"
    return ""


def is_hidden(name: str) -> bool:
    """Whether tools never see a file or folder because of its name: `.git`, `.omni`, `.env`, look-alikes included."""
    return rule_for_name(_folded(name).lstrip(), is_folder=False) is not None


def _folded(name: str) -> str:
    """A name as a file system that ignores case and forms of letters compares it."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def is_below(path: str, above: str, *, exactly: bool) -> bool:
    """Whether a normalised path is another one, or lies below it.

    Args:
        path: a path as `folder_path` returns it.
        above: a path of the same kind; "" is above every path.
        exactly: False to ignore case and forms of letters, as some file systems do.
    """
    parts, wanted = path.split("/"), above.split("/") if above else []
    if not exactly:
        parts, wanted = [_folded(part) for part in parts], [_folded(part) for part in wanted]
    return parts[: len(wanted)] == wanted


def web_host(url: str) -> str:
    """The host of an https address, with its port unless that is 443.

    Raises:
        SecurityError: it is no https address, or names a user.
    """
    try:
        address = web_address(url)
    except BadAddress as error:
        raise SecurityError("address", str(error), cure="write https://host/page") from error
    if not address.startswith("https://"):
        raise SecurityError("address", "it is not https", cure="write https://host/page")
    return authority(address)


class ScopedFolder:
    """A folder whose files are opened step by step from its own handle, so that no link leads out of it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @contextmanager
    def folder(self, path: str) -> Iterator[int]:
        """The handle of a folder in it, for `os` functions with `dir_fd`.

        Raises:
            SecurityError: the path leads out, or passes a link.
            OSError: there is no such folder, or it cannot be opened.
        """
        with self._walked(path, _open_folder) as handle:
            yield handle

    @contextmanager
    def made(self, path: str) -> Iterator[int]:
        """The same; folders that are missing are made.

        Raises:
            SecurityError, OSError: as for `folder`.
        """
        with self._walked(path, _make_folder) as handle:
            yield handle

    @contextmanager
    def _walked(self, path: str, enter: Callable[[str, int], int]) -> Iterator[int]:
        handle = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for part in filter(None, folder_path(path).split("/")):
                inner = enter(part, handle)
                os.close(handle)
                handle = inner
            yield handle
        finally:
            os.close(handle)

    @contextmanager
    def file(self, path: str) -> Iterator[int]:
        """The handle of a regular file, opened for reading.

        Raises:
            SecurityError: the path leads out, passes a link, or names something that is no file.
            OSError: there is no such file, or it cannot be opened.
        """
        parent, _, name = folder_path(path).rpartition("/")
        if not name:
            raise SecurityError("path", "the folder of the project is no file", cure="name a file")
        with self.folder(parent) as folder:
            handle = _open(name, _FILE, folder)
            try:
                if not stat.S_ISREG(os.fstat(handle).st_mode):
                    raise SecurityError("path", f"{path!r} is no regular file", cure="name a file")
                yield handle
            finally:
                os.close(handle)


def _open_folder(name: str, folder: int) -> int:
    return _open(name, _FOLDER, folder)


def _make_folder(name: str, folder: int) -> int:
    with contextlib.suppress(FileExistsError):
        os.mkdir(name, dir_fd=folder)
    return _open_folder(name, folder)


def _open(name: str, flags: int, folder: int) -> int:
    try:
        return os.open(name, flags, dir_fd=folder)
    except OSError as error:
        if error.errno not in _LINK_ERRORS or not _is_link(name, folder):
            raise
        cure = "name the file itself"
        raise SecurityError("path", f"{name!r} is a link, which is never followed", cure=cure) from error


def _is_link(name: str, folder: int) -> bool:
    try:
        return stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    except OSError:
        return False

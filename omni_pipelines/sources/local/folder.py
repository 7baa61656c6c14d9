"""Folders and single files: listed without following links, and read so that a change during the read is noticed."""

import gc
import os
import stat as modes
from collections.abc import Iterator
from contextlib import contextmanager

from omni_pipelines.errors import SourceMissing
from omni_pipelines.sources.local.ignore_files import IgnoreFiles
from omni_pipelines.sources.model.file_reads import read_file, settled_mark, version_mark
from omni_pipelines.sources.model.limits import SourceLimits
from omni_pipelines.sources.model.listing import FileContent, Listing, ReadFile, SourceFile
from omni_pipelines.sources.model.names import RULED_BEGINNINGS, rule_for_name, shown_name
from omni_pipelines.sources.model.selection import FileSelection
from omni_pipelines.sources.model.source import Source, missing_source
from omni_pipelines.text.readers.formats import PLAIN, Reader

_TOP = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FOLDER = _TOP | os.O_NOFOLLOW
"""A link that replaced a folder since it was seen is not followed."""


@contextmanager
def open_folder(source: Source, limits: SourceLimits) -> Iterator[ReadFile]:
    """Read files of a folder, or the single file."""

    def read(file: SourceFile, limit: int) -> FileContent:
        path = source.root / (file.real_path or file.path)
        if file.reader.is_archive and file.size > limit:
            return FileContent(b"", settled_mark(path, limits.racy_ns), path=path)
        return FileContent(*read_file(path, limit, limits.racy_ns))

    yield read


def list_folder(source: Source, limits: SourceLimits) -> Listing:
    """List the files of a folder without ignored files and links, or the single file.

    Raises:
        SourceMissing: the root is gone or cannot be listed, which does not prove that its documents are deleted.
    """
    if source.file:
        return _list_file(source)
    if not os.path.isdir(source.root):  # unlike Path.is_dir, it raises nothing if a parent cannot be entered
        raise missing_source(source)
    walk = _FolderWalk(source, limits.folder_depth)
    with _without_collections():
        walk.collect()
    unreadable = tuple(map(shown_name, walk.unreadable))
    notes = (f"{source.root / path} cannot be read; its documents are kept" for path in unreadable)
    return walk.selection.listing(unreadable, (*walk.ignore_files.notes, *notes))


@contextmanager
def _without_collections() -> Iterator[None]:
    """Look for no garbage: each file of a listing is an object that stays, and would be examined many times."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _list_file(source: Source) -> Listing:
    try:
        status = source.local_path.stat(follow_symlinks=False)
    except OSError as error:
        raise missing_source(source) from error
    selection = FileSelection(source)
    # a person named it: it is tried as text
    _add_file(selection, source.file, shown_name(source.file), status, PLAIN)
    return selection.listing()


def _add_file(
    selection: FileSelection, path: str, shown: str, status: os.stat_result, fallback: Reader | None = None
) -> None:
    real_path = path if shown != path else ""
    mark = version_mark(status)
    selection.add(shown, status.st_size, status.st_mtime_ns, mark, real_path=real_path, fallback=fallback)


class _FolderWalk:
    """One walk over a folder."""

    def __init__(self, source: Source, depth: int) -> None:
        self._root, self._depth = source.root, depth
        self.selection = FileSelection(source)
        # a home keeps its entries whatever the repository around it ignores
        self.ignore_files = IgnoreFiles.above(source.root) if source.guarded else IgnoreFiles(source.root, ())
        self.unreadable: list[str] = []

    def collect(self) -> None:
        """Visit every folder that no rule leaves out."""
        pending = [("", self.ignore_files)]
        while pending:
            folder, ignores = pending.pop()
            try:
                handle = os.open(os.path.join(self._root, folder), _FOLDER if folder else _TOP)
            except OSError as error:
                self._note_unreadable(folder, error)
                continue
            try:
                pending += self._visit(folder, handle, ignores)
            finally:
                os.close(handle)

    def _visit(self, folder: str, handle: int, ignores: IgnoreFiles) -> list[tuple[str, IgnoreFiles]]:
        """Add the files of an open folder; the folders in it that are to be visited.

        The system finds the status of a file in an open folder in less time than by its whole path.
        """
        try:
            with os.scandir(handle) as scan:
                entries = list(scan)
        except OSError as error:
            self._note_unreadable(folder, error)
            return []
        ignores = ignores.entered(folder, [entry.name for entry in entries])
        has_rules = bool(ignores.files) or folder.count("/") > self._depth
        folders = []
        for entry in entries:
            name = entry.name
            path = f"{folder}{name}"
            if entry.is_dir(follow_symlinks=False):
                if not self._is_ruled_out(f"{path}/", name, ignores):
                    folders.append((f"{path}/", ignores))
            elif not (has_rules or name[0] in RULED_BEGINNINGS) or not self._is_ruled_out(path, name, ignores):
                self._add(path, entry)
        return folders

    def _note_unreadable(self, folder: str, error: OSError) -> None:
        if not folder:
            raise SourceMissing(
                f"{self._root} cannot be listed: {error.strerror}", cure="check its permissions"
            ) from error
        self.unreadable.append(folder)

    def _is_ruled_out(self, path: str, name: str, ignores: IgnoreFiles) -> bool:
        """Whether a rule leaves out a file, or a folder with a slash at the end of its path. It is named then."""
        is_folder = path.endswith("/")
        rule = rule_for_name(name, is_folder=is_folder)
        if rule is None and ignores.files:
            rule = ignores.ignoring(path.rstrip("/"), is_folder=is_folder)
        if rule is None and path.count("/") > self._depth:
            rule = "too deep", f"built-in rule: it is below {self._depth} folders"
        if rule is not None:
            self.selection.ignore(shown_name(path), *rule)
        return rule is not None

    def _add(self, path: str, entry: os.DirEntry[str]) -> None:
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            return  # deleted since the folder was listed
        except OSError:
            self.unreadable.append(path)  # the folder permits listing names, but nothing else
            return
        is_regular = modes.S_ISREG(status.st_mode)
        if is_regular and path.isascii() and "%" not in path:  # no other file is shown under this name
            self.selection.add(path, status.st_size, status.st_mtime_ns, version_mark(status))
        else:
            self._add_odd(path, status, is_regular=is_regular)

    def _add_odd(self, path: str, status: os.stat_result, *, is_regular: bool) -> None:
        """Add a file whose name another file may be shown under; name a link, and what is no file."""
        shown = shown_name(path)
        if not is_regular:
            what = "a link" if modes.S_ISLNK(status.st_mode) else "not a regular file"
            self.selection.ignore(shown, what.removeprefix("a "), f"built-in rule: it is {what}")
            return
        if (other := self.selection.added(shown)) is not None:  # an escaped name can equal the real name of another
            loser = path if shown != path else other.real_path
            name = os.fsencode(loser).decode("ascii", "backslashreplace")
            self.selection.ignore(name, "name", f"another file has the name {shown} by which it would be shown")
            if shown != path:
                return
        _add_file(self.selection, path, shown, status)

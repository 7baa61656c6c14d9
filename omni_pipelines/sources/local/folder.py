"""Folders and single files: listed without following links, and read so that a change during the read is noticed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pathspec

from omni_pipelines.errors import SourceMissing
from omni_pipelines.sources.model.file_reads import read_file, settled_mark, version_mark
from omni_pipelines.sources.model.limits import SourceLimits
from omni_pipelines.sources.model.listing import FileContent, Listing, ReadFile, SourceFile
from omni_pipelines.sources.model.names import VENDORED, shown_name
from omni_pipelines.sources.model.source import Source, missing_source
from omni_pipelines.text.readers.registry import PLAIN, Reader, reader_for

_IgnoreRules = tuple[tuple[str, pathspec.GitIgnoreSpec], ...]
"""The .gitignore files on the way down from the root: folder and rules."""


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
    files: dict[str, SourceFile] = {}
    for file in walk.files():
        other = files.setdefault(file.path, file)  # an escaped name can be equal to the real name of another file
        files[file.path] = file if other.real_path else other
        walk.skipped += other is not file
    unreadable = tuple(map(shown_name, walk.unreadable))
    notes = tuple(f"{source.root / path} cannot be read; its documents are kept" for path in unreadable)
    ordered = tuple(files[path] for path in sorted(files))
    return Listing(source, ordered, walk.skipped, unreadable, datetime.now(UTC), notes)


def _list_file(source: Source) -> Listing:
    try:
        status = source.local_path.stat(follow_symlinks=False)
    except OSError as error:
        raise missing_source(source) from error
    if status.st_size == 0:
        return Listing(source, (), 1, (), datetime.now(UTC))
    file = _source_file(source.file, status, reader_for(source.file) or PLAIN)  # named by a person: tried as text
    return Listing(source, (file,), 0, (), datetime.now(UTC))


def _source_file(path: str, status: os.stat_result, reader: Reader) -> SourceFile:
    shown = shown_name(path)
    times = status.st_size, status.st_mtime_ns
    return SourceFile(shown, *times, version_mark(status), reader, path if shown != path else "")


class _FolderWalk:
    """One walk over a folder."""

    def __init__(self, source: Source, depth: int) -> None:
        self._root, self._depth = source.root, depth
        self._include = pathspec.GitIgnoreSpec.from_lines(source.include) if source.include else None
        self.skipped = 0
        self.unreadable: list[str] = []

    def files(self) -> Iterator[SourceFile]:
        pending: list[tuple[str, _IgnoreRules]] = [("", ())]
        while pending:
            folder, ignores = pending.pop()
            entries = self._entries(folder)
            ignores = self._with_ignore_file(folder, entries, ignores)
            for entry in entries:
                path = f"{folder}{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    if self._is_entered(path, entry.name, ignores):
                        pending.append((f"{path}/", ignores))
                elif entry.is_file(follow_symlinks=False) and not _is_ignored(path, ignores):
                    yield from self._file(path, entry)

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self._root / folder) as entries:
                return list(entries)
        except OSError as error:
            if not folder:
                raise SourceMissing(
                    f"{self._root} cannot be listed: {error.strerror}", cure="check its permissions"
                ) from error
            self.unreadable.append(folder)
            return []

    def _with_ignore_file(self, folder: str, entries: list[os.DirEntry[str]], ignores: _IgnoreRules) -> _IgnoreRules:
        rules = (entry for entry in entries if entry.name == ".gitignore" and entry.is_file(follow_symlinks=False))
        if self._include is not None or next(rules, None) is None:
            return ignores
        try:
            text = (self._root / folder / ".gitignore").read_text("utf-8", "replace")
        except OSError:
            return ignores
        return (*ignores, (folder, pathspec.GitIgnoreSpec.from_lines(text.splitlines())))

    def _is_entered(self, path: str, name: str, ignores: _IgnoreRules) -> bool:
        if path.count("/") >= self._depth:
            return False
        if self._include is not None:
            return not name.startswith(".") and name != "__pycache__"
        return not name.startswith(".") and name not in VENDORED and not _is_ignored(f"{path}/", ignores)

    def _file(self, path: str, entry: os.DirEntry[str]) -> Iterator[SourceFile]:
        if self._include is not None and not self._include.match_file(shown_name(path)):
            return
        reader = None if entry.name.startswith(".") else reader_for(path)
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            return  # deleted since the folder was listed
        except OSError:
            self.unreadable.append(path)  # the folder permits listing names, but nothing else
            return
        if reader is None or status.st_size == 0:
            self.skipped += 1
        else:
            yield _source_file(path, status, reader)


def _is_ignored(path: str, ignores: _IgnoreRules) -> bool:
    """Whether a path is ignored; the nearest .gitignore with a matching rule decides."""
    for folder, spec in reversed(ignores):
        verdict = spec.check_file(path[len(folder) :]).include
        if verdict is not None:
            return verdict
    return False

"""Folders and single files: listed without following a link, read so that a change during the read is noticed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pathspec

from omni_pipelines.errors import SourceMissing
from omni_pipelines.sources.file_reads import read_file, stat_mark
from omni_pipelines.sources.names import MAX_DEPTH, VENDORED, shown_name
from omni_pipelines.sources.source import Content, Found, Listing, Read, Source
from omni_pipelines.text.readers.registry import PLAIN, Reader, reader_for

_Ignores = tuple[tuple[str, pathspec.GitIgnoreSpec], ...]
"""The ignore files on the way down: folder, and its rules."""


@contextmanager
def reading_files(source: Source) -> Iterator[Read]:
    """Read files of a folder, or the single file."""
    yield lambda found, limit: Content(*read_file(source.root / (found.at or found.path), limit))


def list_files(source: Source) -> Listing:
    """What stands in a folder now, sorted by path; links are not followed, ignored files are left out.

    Raises:
        SourceMissing: the root is gone or cannot be listed: no proof that its documents are deleted.
    """
    if source.file:
        return _list_file(source)
    if not os.path.isdir(source.root):  # unlike Path.is_dir, it raises nothing where a parent is closed
        raise SourceMissing(
            f"source {source.name}: {source.root} is not there", cure="bring it back or ingest another path"
        )
    walk = _Walk(source)
    files: dict[str, Found] = {}
    for found in walk.files():
        twin = files.setdefault(found.path, found)  # a name that is no text, shown as another one is written
        files[found.path] = found if twin.at else twin
        walk.skipped += twin is not found
    unlistable = tuple(map(shown_name, walk.unlistable))
    notes = tuple(f"{source.root / path} cannot be looked into" for path in unlistable)
    ordered = tuple(files[path] for path in sorted(files))
    return Listing(source, ordered, walk.skipped, unlistable, datetime.now(UTC), notes)


def _list_file(source: Source) -> Listing:
    try:
        status = source.place.stat(follow_symlinks=False)
    except OSError as error:
        raise SourceMissing(f"source {source.name}: {source.place} is not there", cure="bring it back") from error
    if status.st_size == 0:
        return Listing(source, (), 1, (), datetime.now(UTC))
    reader = reader_for(source.file) or PLAIN  # asked for by name: worth a try as text
    return Listing(source, (_found(source.file, status, reader),), 0, (), datetime.now(UTC))


def _found(path: str, status: os.stat_result, reader: Reader) -> Found:
    shown = shown_name(path)
    at = path if shown != path else ""
    return Found(shown, status.st_size, status.st_mtime_ns, stat_mark(status), reader, at)


class _Walk:
    """One pass over a folder."""

    def __init__(self, source: Source) -> None:
        self._root = source.root
        self._include = pathspec.GitIgnoreSpec.from_lines(source.include) if source.include else None
        self.skipped = 0
        self.unlistable: list[str] = []

    def files(self) -> Iterator[Found]:
        pending: list[tuple[str, _Ignores]] = [("", ())]
        while pending:
            folder, ignores = pending.pop()
            entries = self._entries(folder)
            ignores = self._with_ignore_file(folder, entries, ignores)
            for entry in entries:
                path = f"{folder}{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    if self._enters(path, entry.name, ignores):
                        pending.append((f"{path}/", ignores))
                elif entry.is_file(follow_symlinks=False) and not _ignored(path, ignores):
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
            self.unlistable.append(folder)
            return []

    def _with_ignore_file(self, folder: str, entries: list[os.DirEntry[str]], ignores: _Ignores) -> _Ignores:
        rules = (entry for entry in entries if entry.name == ".gitignore" and entry.is_file(follow_symlinks=False))
        if self._include is not None or next(rules, None) is None:
            return ignores
        try:
            text = (self._root / folder / ".gitignore").read_text("utf-8", "replace")
        except OSError:
            return ignores
        return (*ignores, (folder, pathspec.GitIgnoreSpec.from_lines(text.splitlines())))

    def _enters(self, path: str, name: str, ignores: _Ignores) -> bool:
        if path.count("/") >= MAX_DEPTH:
            return False
        if self._include is not None:
            return not name.startswith(".") and name != "__pycache__"
        return not name.startswith(".") and name not in VENDORED and not _ignored(f"{path}/", ignores)

    def _file(self, path: str, entry: os.DirEntry[str]) -> Iterator[Found]:
        if self._include is not None and not self._include.match_file(shown_name(path)):
            return
        reader = None if entry.name.startswith(".") else reader_for(path)
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            return  # it vanished since the folder was listed
        except OSError:
            self.unlistable.append(path)  # in a folder that gives names and nothing else
            return
        if reader is None or status.st_size == 0:
            self.skipped += 1
        else:
            yield _found(path, status, reader)


def _ignored(path: str, ignores: _Ignores) -> bool:
    """The nearest ignore file that says anything about a path decides: it can take back what one above it says."""
    for folder, spec in reversed(ignores):
        verdict = spec.check_file(path[len(folder) :]).include
        if verdict is not None:
            return verdict
    return False

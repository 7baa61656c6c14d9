"""A model of a disk that computes what a power cut leaves, from the log of file operations that faults.c writes.

The model guarantees what POSIX guarantees and no more: the content of a file is durable after the file was synced, a
name after its folder was synced. Of the changes after the last sync of a folder, a cut keeps a random number, in
order. Content that was not synced becomes, at random, complete, empty, half, or all zeros in full length.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(eq=False)
class File:
    """An inode. Its bytes are read from the real file; deleted files are kept for this."""

    inode: int
    synced: bool


@dataclass(eq=False)
class Change:
    """Names added to and removed from folders. A rename does both, and a cut keeps both or neither."""

    put: list[tuple[Folder, str, File | Folder]] = field(default_factory=list)
    take: list[tuple[Folder, str]] = field(default_factory=list)

    def folders(self) -> set[Folder]:
        """Return the folders that the change affects."""
        return {folder for folder, _, _ in self.put} | {folder for folder, _ in self.take}


@dataclass(eq=False)
class Folder:
    """A folder: the names that processes see, the names that are durable, and the changes between them."""

    live: dict[str, File | Folder] = field(default_factory=dict)
    durable: dict[str, File | Folder] = field(default_factory=dict)
    pending: list[Change] = field(default_factory=list)


class Disk:
    """A folder on a disk that can lose power."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._files: dict[int, File] = {}
        self._top = self._on_disk(root)

    def _on_disk(self, path: Path) -> Folder:
        names: dict[str, File | Folder] = {}
        for entry in os.scandir(path):
            inode = entry.inode()
            names[entry.name] = (
                self._on_disk(Path(entry.path))
                if entry.is_dir()
                else self._files.setdefault(inode, File(inode, synced=True))
            )
        return Folder(dict(names), dict(names))

    def replay(self, log: Path) -> int:
        """Apply the operations of the log, and return their number."""
        lines = log.read_text().splitlines()
        for line in lines:
            what, inode, first, second = line.split("\t")
            self._do(what, int(inode), first, second)
        return len(lines)

    def _do(self, what: str, inode: int, first: str, second: str) -> None:
        if what == "create":
            self._files[inode] = File(inode, synced=False)
            self._change(put=[(first, self._files[inode])])
        elif what in {"write", "sync"}:
            self._files[inode].synced = what == "sync"
        elif what == "sync-folder":
            self._sync(self._folder(first))
        elif what == "mkdir":
            self._change(put=[(first, Folder())])
        elif what == "unlink":
            self._change(take=[first])
        elif what == "link":
            self._change(put=[(second, self._entry(first))])
        else:
            assert what == "rename", what
            self._change(put=[(second, self._entry(first))], take=[first])

    def _change(self, put: list[tuple[str, File | Folder]] | None = None, take: list[str] | None = None) -> None:
        change = Change(
            [(*self._split(path), entry) for path, entry in put or []], [self._split(path) for path in take or []]
        )
        for folder, name in change.take:
            del folder.live[name]
        for folder, name, entry in change.put:
            folder.live[name] = entry
        for folder in change.folders():
            folder.pending.append(change)

    def _split(self, path: str) -> tuple[Folder, str]:
        parent, _, name = path.rpartition("/")
        return self._folder(parent), name

    def _entry(self, path: str) -> File | Folder:
        folder, name = self._split(path)
        return folder.live[name]

    def _folder(self, path: str) -> Folder:
        entry: File | Folder = self._top
        for part in Path(path).relative_to(self._root).parts:
            assert isinstance(entry, Folder)
            entry = entry.live[part]
        assert isinstance(entry, Folder)
        return entry

    def _sync(self, folder: Folder, upto: int | None = None) -> None:
        """Make the first pending changes of a folder durable, in every folder that they affect."""
        for change in folder.pending[:upto]:
            for parent, name in change.take:
                parent.durable.pop(name, None)
            for parent, name, entry in change.put:
                parent.durable[name] = entry
            for other in change.folders() - {folder}:
                other.pending.remove(change)
        del folder.pending[:upto]

    def cut(self, target: Path, deleted_files: Path, rng: random.Random) -> None:
        """Write what remains after a power cut to `target`."""
        where = {entry.stat().st_ino: entry for folder in (self._root, deleted_files) for entry in _files_in(folder)}
        for folder in [self._top, *_folders_in(self._top)]:
            self._sync(folder, rng.randint(0, len(folder.pending)))
        self._write(self._top, target, where, rng)

    def _write(self, folder: Folder, target: Path, where: dict[int, Path], rng: random.Random) -> None:
        target.mkdir(parents=True)
        for name, entry in folder.durable.items():
            if isinstance(entry, Folder):
                self._write(entry, target / name, where, rng)
            else:
                content = where[entry.inode].read_bytes()
                (target / name).write_bytes(content if entry.synced else _unsynced(content, rng))


def _unsynced(content: bytes, rng: random.Random) -> bytes:
    return rng.choice((content, b"", content[: len(content) // 2], bytes(len(content))))


def _files_in(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _folders_in(folder: Folder) -> Iterator[Folder]:
    for entry in folder.live.values():
        if isinstance(entry, Folder):
            yield entry
            yield from _folders_in(entry)

"""What a power cut leaves, worked out from the log of file operations that faults.c keeps.

The model promises what POSIX does and nothing more: a file's content is on disk once the file was synced, a name once
its folder was. Of what came after the last sync of a folder, a cut keeps the first few changes, the number drawn at
random; content that was not synced is drawn to be whole, empty, half, or as long as it should be and all zeros.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(eq=False)
class File:
    """An inode. Its bytes are read from the real file, which the log keeps alive."""

    inode: int
    synced: bool


@dataclass(eq=False)
class Change:
    """A name that was set or taken away in a folder. A rename does both, which a cut keeps or drops as one."""

    put: list[tuple[Folder, str, File | Folder]] = field(default_factory=list)
    take: list[tuple[Folder, str]] = field(default_factory=list)


@dataclass(eq=False)
class Folder:
    """Names as every process sees them, names as they are on disk, and the changes in between."""

    live: dict[str, File | Folder] = field(default_factory=dict)
    durable: dict[str, File | Folder] = field(default_factory=dict)
    pending: list[Change] = field(default_factory=list)


class Disk:
    """A folder on a disk whose power can fail."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._files: dict[int, File] = {}
        self._top = self._on_disk(root)

    def _on_disk(self, path: Path) -> Folder:
        found: dict[str, File | Folder] = {}
        for entry in os.scandir(path):
            inode = entry.inode()
            found[entry.name] = (
                self._on_disk(Path(entry.path))
                if entry.is_dir()
                else self._files.setdefault(inode, File(inode, synced=True))
            )
        return Folder(dict(found), dict(found))

    def replay(self, log: Path) -> int:
        """Do what the log says; how many operations there are."""
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
            [(*self._place(path), entry) for path, entry in put or []], [self._place(path) for path in take or []]
        )
        for folder, name in change.take:
            del folder.live[name]
        for folder, name, entry in change.put:
            folder.live[name] = entry
        touched = [each[0] for each in (*change.put, *change.take)]
        for folder in dict.fromkeys(touched):
            folder.pending.append(change)

    def _place(self, path: str) -> tuple[Folder, str]:
        parent, _, name = path.rpartition("/")
        return self._folder(parent), name

    def _entry(self, path: str) -> File | Folder:
        folder, name = self._place(path)
        return folder.live[name]

    def _folder(self, path: str) -> Folder:
        found: File | Folder = self._top
        for part in Path(path).relative_to(self._root).parts:
            assert isinstance(found, Folder)
            found = found.live[part]
        assert isinstance(found, Folder)
        return found

    def _sync(self, folder: Folder, upto: int | None = None) -> None:
        """Make the first pending changes of a folder durable, in every folder they touch."""
        for change in folder.pending[:upto]:
            for place, name in change.take:
                place.durable.pop(name, None)
            for place, name, entry in change.put:
                place.durable[name] = entry
            for other in {each[0] for each in (*change.put, *change.take)} - {folder}:
                other.pending.remove(change)
        del folder.pending[:upto]

    def cut(self, target: Path, graveyard: Path, dice: random.Random) -> None:
        """Write what the power cut left to `target`."""
        where = {entry.stat().st_ino: entry for place in (self._root, graveyard) for entry in _files_in(place)}
        for folder in [self._top, *_folders_in(self._top)]:
            self._sync(folder, dice.randint(0, len(folder.pending)))
        self._write(self._top, target, where, dice)

    def _write(self, folder: Folder, target: Path, where: dict[int, Path], dice: random.Random) -> None:
        target.mkdir(parents=True)
        for name, entry in folder.durable.items():
            if isinstance(entry, Folder):
                self._write(entry, target / name, where, dice)
            else:
                content = where[entry.inode].read_bytes()
                (target / name).write_bytes(content if entry.synced else _lost(content, dice))


def _lost(content: bytes, dice: random.Random) -> bytes:
    return dice.choice((content, b"", content[: len(content) // 2], bytes(len(content))))


def _files_in(place: Path) -> Iterator[Path]:
    return (path for path in place.rglob("*") if path.is_file())


def _folders_in(folder: Folder) -> Iterator[Folder]:
    for entry in folder.live.values():
        if isinstance(entry, Folder):
            yield entry
            yield from _folders_in(entry)

"""Files that are complete, or absent."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from native import durable
from native.durable import Barrier, drop_parts, link_or_copy, put_if_absent, sync_above, sync_file, write_whole


class Recorder:
    """Records which paths are synced, and refuses one of them."""

    def __init__(self) -> None:
        self.paths: list[Path] = []
        self.refused: Path | None = None

    def __call__(self, path: Path) -> None:
        self.paths.append(path)
        if path == self.refused:
            raise PermissionError(13, "permission denied")
        if path.exists():
            sync_file(path)

    @property
    def names(self) -> list[str]:
        return [path.name for path in self.paths]


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """Everything that is forced to disk, in order."""
    recorder = Recorder()
    monkeypatch.setattr(durable, "sync_file", recorder)
    return recorder


@contextlib.contextmanager
def full_disk() -> Iterator[None]:
    """Let every write to a file fail; also pytest's own, so it ends with the call."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_write_whole_replaces_the_file_and_syncs_its_folder(tmp_path: Path, synced: Recorder) -> None:
    path = tmp_path / "record.json"
    write_whole(path, b"old")
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["record.json"]
    assert synced.names == [tmp_path.name, tmp_path.name]


def test_write_whole_on_a_full_disk_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    write_whole(path, b"old")
    with full_disk(), pytest.raises(OSError, match="File too large"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["record.json"]


def test_put_if_absent_on_a_full_disk_leaves_no_file(tmp_path: Path) -> None:
    with full_disk(), pytest.raises(OSError, match="File too large"):
        put_if_absent(tmp_path / "record.json", b"new")
    assert os.listdir(tmp_path) == []


def test_second_put_if_absent_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "1.json"
    assert put_if_absent(path, b"first")
    assert not put_if_absent(path, b"second")
    assert path.read_bytes() == b"first"
    assert os.listdir(tmp_path) == ["1.json"]


def test_one_of_many_concurrent_puts_creates_the_file(tmp_path: Path) -> None:
    won: list[int] = []

    def put(number: int) -> None:
        if put_if_absent(tmp_path / "1.json", str(number).encode()):
            won.append(number)

    threads = [threading.Thread(target=put, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "1.json").read_text() == str(*won)


def test_drop_parts_removes_only_unfinished_files(tmp_path: Path) -> None:
    for name in (".record.json.17.part", "record.json", "other.part"):
        (tmp_path / name).write_bytes(b"x")
    drop_parts(tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["other.part", "record.json"]


def test_barrier_syncs_files_before_their_folders(tmp_path: Path, synced: Recorder) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "file").write_bytes(b"x")
    Barrier().sync_tree(tmp_path)
    assert synced.names == ["file", "b", "a", tmp_path.name]


def test_barrier_syncs_only_changed_files_again(tmp_path: Path, synced: Recorder) -> None:
    barrier = Barrier()
    for name in ("one", "two"):
        (tmp_path / name).write_bytes(b"x")
    barrier.sync_tree(tmp_path)
    synced.paths.clear()
    (tmp_path / "two").write_bytes(b"xy")
    barrier.sync_tree(tmp_path)
    assert synced.names == ["two", tmp_path.name]


def test_sync_above_syncs_the_parents_of_a_new_folder(tmp_path: Path, synced: Recorder) -> None:
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    sync_above(folder)
    assert synced.names[:2] == ["a", tmp_path.name]


def test_sync_above_stops_at_a_folder_that_is_not_readable(tmp_path: Path, synced: Recorder) -> None:
    synced.refused = tmp_path
    sync_above(tmp_path / "a" / "b")
    assert synced.paths == [tmp_path / "a", tmp_path]


# --- a file system without hard links


@pytest.fixture
def no_links(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_source: Path, _target: Path) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)


@pytest.mark.usefixtures("no_links")
def test_without_hard_links_a_file_appears_whole_and_replaces_none(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    assert put_if_absent(path, b"first")
    assert not put_if_absent(path, b"second")
    assert path.read_bytes() == b"first"
    assert os.listdir(tmp_path) == ["record.json"]


@pytest.mark.usefixtures("no_links")
def test_without_hard_links_a_file_is_copied(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"text")
    link_or_copy(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == b"text"


def test_another_error_of_a_link_is_not_hidden(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        link_or_copy(tmp_path / "none", tmp_path / "b")

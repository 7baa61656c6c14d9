"""Files that are there whole, or not at all."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from native import durable
from native.durable import Barrier, drop_parts, put_if_absent, sync_above, sync_file, write_whole


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names that were forced to disk, in order."""
    names: list[str] = []

    def record(path: Path) -> None:
        names.append(path.name)
        sync_file(path)

    monkeypatch.setattr(durable, "sync_file", record)
    return names


def test_a_file_is_replaced_as_a_whole(tmp_path: Path, synced: list[str]) -> None:
    path = tmp_path / "record.json"
    write_whole(path, b"old")
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["record.json"]
    assert synced == [tmp_path.name, tmp_path.name]


def test_a_failed_replacement_leaves_the_old_file_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "record.json"
    write_whole(path, b"old")
    monkeypatch.setattr(os, "fsync", _full_disk)
    with pytest.raises(OSError, match="no space"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["record.json"]


def test_a_failed_put_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", _full_disk)
    with pytest.raises(OSError, match="no space"):
        put_if_absent(tmp_path / "record.json", b"new")
    assert os.listdir(tmp_path) == []


def _full_disk(handle: int) -> None:
    raise OSError(28, "no space")


def test_only_the_first_put_counts(tmp_path: Path) -> None:
    path = tmp_path / "1.json"
    assert put_if_absent(path, b"first")
    assert not put_if_absent(path, b"second")
    assert path.read_bytes() == b"first"
    assert os.listdir(tmp_path) == ["1.json"]


def test_of_many_puts_at_once_exactly_one_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    won: list[int] = []
    monkeypatch.setattr(durable, "_part", lambda path: path.with_name(f".{threading.get_ident()}.part"))

    def put(number: int) -> None:
        if put_if_absent(tmp_path / "1.json", str(number).encode()):
            won.append(number)

    threads = [threading.Thread(target=put, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "1.json").read_text() == str(*won)


def test_what_a_killed_writer_left_is_dropped(tmp_path: Path) -> None:
    for name in (".record.json.17.part", "record.json", "other.part"):
        (tmp_path / name).write_bytes(b"x")
    drop_parts(tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["other.part", "record.json"]


def test_a_barrier_syncs_files_before_the_folders_that_name_them(tmp_path: Path, synced: list[str]) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "file").write_bytes(b"x")
    Barrier().sync_tree(tmp_path)
    assert synced == ["file", "b", "a", tmp_path.name]


def test_a_barrier_syncs_a_file_again_only_when_it_changed(tmp_path: Path, synced: list[str]) -> None:
    barrier = Barrier()
    for name in ("one", "two"):
        (tmp_path / name).write_bytes(b"x")
    barrier.sync_tree(tmp_path)
    synced.clear()
    (tmp_path / "two").write_bytes(b"xy")
    barrier.sync_tree(tmp_path)
    assert synced == ["two", tmp_path.name]


def test_the_name_of_a_new_folder_is_synced_and_those_above_it(tmp_path: Path, synced: list[str]) -> None:
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    sync_above(folder)
    assert synced[:2] == ["a", tmp_path.name]


def test_above_a_folder_that_may_not_be_read_nothing_is_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []

    def closed(path: Path) -> None:
        asked.append(path)
        if path == tmp_path:
            raise PermissionError(13, "closed")

    monkeypatch.setattr(durable, "sync_file", closed)
    sync_above(tmp_path / "a" / "b")
    assert asked == [tmp_path / "a", tmp_path]

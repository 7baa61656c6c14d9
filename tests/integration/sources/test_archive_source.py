"""Archives are read where they stand; what is wrong with an entry costs that entry alone."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from omni_pipelines.errors import SourceMissing
from omni_pipelines.sources import archive
from omni_pipelines.sources.kinds import list_source
from omni_pipelines.sources.locations import source_at
from omni_pipelines.sources.registry import save_sources
from omni_pipelines.sources.source import SourceKind
from tests.integration.line import Line, refused, texts

FILES = {"guide.md": "# Guide\n\nThe heron waits.\n", "docs/otter.md": "# Otter\n\nOtters hold hands.\n"}


def zipped(path: Path, files: dict[str, str], **more: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, text in files.items():
            opened.writestr(name, text)
        for name, raw in more.items():
            opened.writestr(name, raw)
    return path


def tarred(path: Path, files: dict[str, str], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as opened:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            opened.addfile(info, io.BytesIO(text.encode()))
    return path


def keep(line: Line, path: Path) -> Line:
    save_sources(line.home, [source_at(str(path), "packed")])
    line.run()
    return line


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "a.tgz", "a.tar.bz2", "a.tar.xz"])
def test_every_kind_of_archive_gives_its_files(line: Line, tmp_path: Path, name: str) -> None:
    mode = {"gz": "w:gz", "tgz": "w:gz", "bz2": "w:bz2", "xz": "w:xz"}.get(name.rpartition(".")[2], "w")
    path = tmp_path / name
    zipped(path, FILES) if name == "a.zip" else tarred(path, FILES, mode)
    assert texts(keep(line, path)) == FILES
    assert not line.run().published.new


def test_a_new_archive_changes_what_differs(line: Line, tmp_path: Path) -> None:
    keep(line, zipped(tmp_path / "a.zip", FILES))
    zipped(tmp_path / "a.zip", {"guide.md": "# Guide\n\nThe heron flies.\n", "new.md": "A moose."})
    done = line.run().documents.counts
    assert (done["added"], done["changed"], done["deleted"]) == (1, 1, 1)


def test_a_citation_opens_from_the_release(line: Line, tmp_path: Path) -> None:
    (hit, *_) = keep(line, zipped(tmp_path / "a.zip", FILES)).search("heron waits")
    assert hit.uri == f"archive+{(tmp_path / 'a.zip').as_uri()}!/guide.md"
    assert "The heron waits." in line.librarian().show(hit.uri).lines


@pytest.mark.parametrize("name", ["../up.md", "/etc/root.md", "a/../../b.md", "a\\..\\..\\b.md", "C:/x.md"])
def test_a_name_that_leads_out_goes_to_quarantine(line: Line, tmp_path: Path, name: str) -> None:
    keep(line, zipped(tmp_path / "a.zip", {**FILES, name: "Words."}))
    assert refused(line) == {name: "E_PATH"}
    assert texts(line) == FILES


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_stands_twice_goes_to_quarantine(line: Line, tmp_path: Path) -> None:
    with zipfile.ZipFile(zipped(tmp_path / "a.zip", FILES), "a") as opened:
        opened.writestr("guide.md", "# Another\n")
    keep(line, tmp_path / "a.zip")
    assert (refused(line), list(texts(line))) == ({"guide.md": "E_ZIP_DUPLICATE"}, ["docs/otter.md"])


def test_a_bomb_goes_to_quarantine_unread(line: Line, tmp_path: Path) -> None:
    keep(line, zipped(tmp_path / "a.zip", {**FILES, "bomb.md": "a" * (8 << 20)}))
    assert (refused(line), len(texts(line))) == ({"bomb.md": "E_ZIP_BOMB"}, 2)


def test_an_entry_that_lies_about_its_size_is_stopped(line: Line, tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"lie.md": "word " * 2_000})
    raw = bytearray(path.read_bytes())
    at = raw.rindex(b"PK\x01\x02")
    raw[at + 24 : at + 28] = (50).to_bytes(4, "little")
    path.write_bytes(raw)
    keep(line, path)
    assert list(refused(line).values()) == ["E_PARSE"]


def test_links_and_devices_in_a_tar_file_are_passed_over(line: Line, tmp_path: Path) -> None:
    path = tarred(tmp_path / "a.tar", FILES, "w")
    with tarfile.open(path, "a") as opened:
        for kind, name in (
            (tarfile.SYMTYPE, "link.md"),
            (tarfile.CHRTYPE, "device.md"),
            (tarfile.LNKTYPE, "hard.md"),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            opened.addfile(info)
    assert texts(keep(line, path)) == FILES


@pytest.mark.parametrize("raw", [b"PK\x03\x04 no more", b"", b"\x1f\x8b\x08 cut", b"not an archive at all"])
def test_a_damaged_archive_stops_the_ingest_and_deletes_nothing(line: Line, tmp_path: Path, raw: bytes) -> None:
    path = keep(line, zipped(tmp_path / "a.zip", FILES)).home.root.parent / "a.zip"
    path.write_bytes(raw)
    with pytest.raises(SourceMissing, match="cannot be opened"):
        line.run()
    assert len(texts(line)) == 2


def test_an_archive_of_too_many_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_ENTRIES", 1)
    with pytest.raises(SourceMissing, match="more than 1 files"):
        list_source(source_at(str(zipped(tmp_path / "many.zip", FILES)), "packed"))


def test_a_compressed_tar_that_inflates_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MAX_INFLATED", 1 << 20)
    with pytest.raises(SourceMissing, match="inflates to more"):
        list_source(source_at(str(tarred(tmp_path / "big.tgz", {"a.md": "a" * (3 << 20)})), "packed"))


def test_nothing_is_unpacked_beside_the_archive(line: Line, tmp_path: Path) -> None:
    keep(line, tarred(tmp_path / "a.tgz", FILES))
    assert sorted(path.name for path in tmp_path.iterdir()) == [".omni", "a.tgz"]


def test_a_path_with_the_name_of_an_archive_is_one(tmp_path: Path) -> None:
    assert source_at(str(zipped(tmp_path / "a.zip", FILES)), "packed").kind is SourceKind.ARCHIVE


def test_patterns_choose_and_leave_out(tmp_path: Path) -> None:
    source = source_at(str(zipped(tmp_path / "a.zip", FILES)), "packed")
    chosen = source.model_copy(update={"include": ("docs/",)})
    left = source.model_copy(update={"exclude": ("docs/",)})
    assert [found.path for found in list_source(chosen).files] == ["docs/otter.md"]
    assert [found.path for found in list_source(left).files] == ["guide.md"]

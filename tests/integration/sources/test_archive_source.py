"""Archives as sources: a bad entry goes to quarantine and the rest is read."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path
from typing import Literal

import pytest

from omni_pipelines.errors import SourceMissing
from omni_pipelines.sources.kinds import list_source
from omni_pipelines.sources.locations import source_at
from omni_pipelines.sources.model.limits import SourceLimits
from omni_pipelines.sources.model.source import SourceKind
from omni_pipelines.sources.registry import save_sources
from omni_pipelines.text.readers.archives.entries import ArchiveLimits
from tests.integration.line import Line, refused, texts

FILES = {"guide.md": "# Guide\n\nThe heron waits.\n", "docs/otter.md": "# Otter\n\nOtters hold hands.\n"}


TarMode = Literal["w", "w:gz", "w:bz2", "w:xz"]
TAR_MODES: dict[str, TarMode] = {".tar": "w", ".gz": "w:gz", ".tgz": "w:gz", ".bz2": "w:bz2", ".xz": "w:xz"}


def write_zip(path: Path, files: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def write_tar(path: Path, files: dict[str, str]) -> Path:
    with _new_tar(path) as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    return path


def _new_tar(path: Path) -> tarfile.TarFile:
    match TAR_MODES[path.suffix]:
        case "w":
            return tarfile.open(path, "w")
        case "w:xz":
            return tarfile.open(path, "w:xz")
        case mode:
            return tarfile.open(path, mode)


def ingest(line: Line, path: Path) -> Line:
    save_sources(line.home, [source_at(str(path), "packed")])
    line.run()
    return line


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "a.tgz", "a.tar.bz2", "a.tar.xz"])
def test_ingest_reads_every_archive_format(line: Line, tmp_path: Path, name: str) -> None:
    write = write_zip if name == "a.zip" else write_tar
    assert texts(ingest(line, write(tmp_path / name, FILES))) == FILES
    assert not line.run().published.new


def test_ingest_of_a_new_archive_changes_only_what_differs(line: Line, tmp_path: Path) -> None:
    ingest(line, write_zip(tmp_path / "a.zip", FILES))
    write_zip(tmp_path / "a.zip", {"guide.md": "# Guide\n\nThe heron flies.\n", "new.md": "A moose."})
    counts = line.run().documents.counts
    assert (counts["added"], counts["changed"], counts["deleted"]) == (1, 1, 1)


def test_a_citation_of_an_archive_entry_opens_from_the_release(line: Line, tmp_path: Path) -> None:
    (hit, *_) = ingest(line, write_zip(tmp_path / "a.zip", FILES)).search("heron waits")
    assert hit.uri == f"archive+{(tmp_path / 'a.zip').as_uri()}!/guide.md"
    assert "The heron waits." in line.librarian().show(hit.uri).lines


@pytest.mark.parametrize("name", ["../up.md", "/etc/root.md", "a/../../b.md", "a\\..\\..\\b.md", "C:/x.md"])
def test_an_entry_whose_name_leads_out_is_quarantined(line: Line, tmp_path: Path, name: str) -> None:
    ingest(line, write_zip(tmp_path / "a.zip", {**FILES, name: "Words."}))
    assert refused(line) == {name.replace("\\", "/"): "E_PATH"}
    assert texts(line) == FILES


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_entry_whose_name_appears_twice_is_quarantined(line: Line, tmp_path: Path) -> None:
    with zipfile.ZipFile(write_zip(tmp_path / "a.zip", FILES), "a") as archive:
        archive.writestr("guide.md", "# Another\n")
    ingest(line, tmp_path / "a.zip")
    assert (refused(line), list(texts(line))) == ({"guide.md": "E_ZIP_DUPLICATE"}, ["docs/otter.md"])


def test_an_entry_over_the_compression_ratio_is_quarantined(line: Line, tmp_path: Path) -> None:
    ingest(line, write_zip(tmp_path / "a.zip", {**FILES, "bomb.md": "a" * (8 << 20)}))
    assert (refused(line), len(texts(line))) == ({"bomb.md": "E_ZIP_BOMB"}, 2)


def test_an_entry_larger_than_its_header_says_is_quarantined(line: Line, tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {"lie.md": "word " * 2_000})
    raw = bytearray(path.read_bytes())
    header = raw.rindex(b"PK\x01\x02")
    raw[header + 24 : header + 28] = (50).to_bytes(4, "little")
    path.write_bytes(raw)
    ingest(line, path)
    assert list(refused(line).values()) == ["E_PARSE"]


def test_links_and_devices_in_a_tar_file_are_skipped(line: Line, tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar", FILES)
    with tarfile.open(path, "a") as archive:
        for kind, name in (
            (tarfile.SYMTYPE, "link.md"),
            (tarfile.CHRTYPE, "device.md"),
            (tarfile.LNKTYPE, "hard.md"),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    assert texts(ingest(line, path)) == FILES


@pytest.mark.parametrize("raw", [b"PK\x03\x04 no more", b"", b"\x1f\x8b\x08 cut", b"not an archive at all"])
def test_a_damaged_archive_is_named_and_deletes_nothing(line: Line, tmp_path: Path, raw: bytes) -> None:
    path = write_zip(tmp_path / "a.zip", FILES)
    ingest(line, path)
    path.write_bytes(raw)
    assert "cannot be opened" in " ".join(line.run().documents.warnings)
    assert len(texts(line)) == 2


def test_an_archive_with_too_many_entries_is_refused(tmp_path: Path) -> None:
    limits = SourceLimits(archive=ArchiveLimits(entries=1))
    with pytest.raises(SourceMissing, match="more than 1 files"):
        list_source(source_at(str(write_zip(tmp_path / "many.zip", FILES)), "packed"), limits=limits)


def test_a_compressed_tar_that_inflates_over_the_limit_is_refused(tmp_path: Path) -> None:
    limits = SourceLimits(archive=ArchiveLimits(inflated_bytes=1 << 20))
    path = write_tar(tmp_path / "big.tgz", {"a.md": "a" * (3 << 20)})
    with pytest.raises(SourceMissing, match="more than 200,000 files or 1 MiB"):
        list_source(source_at(str(path), "packed"), limits=limits)


def test_ingest_extracts_nothing_beside_the_archive(line: Line, tmp_path: Path) -> None:
    ingest(line, write_tar(tmp_path / "a.tgz", FILES))
    assert sorted(path.name for path in tmp_path.iterdir()) == [".omni", "a.tgz"]


def test_source_at_recognises_an_archive_by_its_name(tmp_path: Path) -> None:
    assert source_at(str(write_zip(tmp_path / "a.zip", FILES)), "packed").kind is SourceKind.ARCHIVE


def test_patterns_choose_archive_entries(tmp_path: Path) -> None:
    source = source_at(str(write_zip(tmp_path / "a.zip", FILES)), "packed")
    including = source.model_copy(update={"include": ("docs/",)})
    excluding = source.model_copy(update={"exclude": ("docs/",)})
    assert [file.path for file in list_source(including).files] == ["docs/otter.md"]
    assert [file.path for file in list_source(excluding).files] == ["guide.md"]

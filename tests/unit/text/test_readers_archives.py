"""Archives: which files they hold, under which names, and what is wrong with the damaged ones."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import struct
import sys
import tarfile
import zipfile

import pytest

from omni_pipelines.refusals import Unreadable
from omni_pipelines.text.readers.archives.archive import is_archive, open_archive, read
from omni_pipelines.text.readers.archives.entries import ArchiveLimits
from omni_pipelines.text.readers.registry import reader_by_content, reader_for, reader_named

LIMITS = ArchiveLimits()
MAILBOX = b"""From ada@example.org Mon Jan  5 10:00:00 2026
From: ada@example.org
Subject: =?utf-8?q?Gr=C3=B6=C3=9Fe?=
Date: Mon, 5 Jan 2026 10:00:00 +0000

>From here on it is warm.
From the north it is not.

From bob@example.org Tue Jan  6 10:00:00 2026
Subject: Second

Words.
"""


def zipped(names: list[bytes], *, flags: int = 0, extra: bytes = b"") -> bytes:
    """A zip file whose names have these bytes, with the word `text` in each file."""
    placeholder = [f"{number:03}".ljust(len(name), "x") for number, name in enumerate(names)]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for short in placeholder:
            info = zipfile.ZipInfo(short)
            info.extra = extra
            archive.writestr(info, "text")
    raw = buffer.getvalue()
    for short, name in zip(placeholder, names, strict=True):
        raw = raw.replace(short.encode(), name)
    if flags:
        raw = raw.replace(b"PK\x03\x04\x14\0\0\0", b"PK\x03\x04\x14\0" + struct.pack("<H", flags))
        raw = raw.replace(b"PK\x01\x02\x14\x03\x14\0\0\0", b"PK\x01\x02\x14\x03\x14\0" + struct.pack("<H", flags))
    return raw


def tarred(files: dict[str, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def opened(raw: bytes, name: str = "a.zip") -> dict[str, bytes]:
    """Name to content of every entry."""
    with open_archive(io.BytesIO(raw), name, LIMITS) as archive:
        found = {}
        for entry in archive.entries:
            with entry.open() as file:
                found[entry.name] = file.read()
        return found


@pytest.mark.parametrize(
    ("names", "encoding"),
    [
        (["Grüße/Übersicht.md"], "utf-8"),
        (["日本語メモ.txt"], "utf-8"),
        (["日本語メモ.txt", "会議/議事録.docx"], "cp932"),
        (["新建文件夹/说明.txt", "报告.pdf"], "gb18030"),
        (["Отчет/Смета за май.xlsx"], "cp866"),
        (["회의록/보고서.txt"], "cp949"),
        (["資料夾/報告.txt"], "big5"),
        (["Übersicht.md"], "cp437"),
        (["Größe über alles.txt", "plain.txt"], "cp850"),
        (["Übersicht.md"], "cp1252"),
        (["Przegląd zażółć.txt"], "cp852"),
    ],
)
def test_names_in_a_zip_file_are_in_the_encoding_of_their_bytes(names: list[str], encoding: str) -> None:
    assert list(opened(zipped([name.encode(encoding) for name in names]))) == names


def test_name_in_a_zip_file_with_the_flag_is_utf_8() -> None:
    assert list(opened(zipped(["Grüße.md".encode()], flags=0x800))) == ["Grüße.md"]


def test_name_in_the_extra_field_of_info_zip_counts() -> None:
    name = "Grüße.md".encode()
    extra = struct.pack("<HHBI", 0x7075, 5 + len(name), 1, 0) + name
    assert list(opened(zipped([b"Gr__e.md\x81"], extra=extra))) == ["Grüße.md"]


def test_backslash_in_a_name_parts_folders() -> None:
    assert opened(zipped([b"folder\\inner.md"])) == {"folder/inner.md": b"text"}


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_compressed_file_holds_the_file_that_was_compressed(compress: object) -> None:
    assert callable(compress)
    assert opened(compress(b"one\ntwo\n"), "access.log.1.gz") == {"access.log.1": b"one\ntwo\n"}


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_tar_file_of_every_format_and_compression_holds_its_files(compress: object, form: int) -> None:
    assert callable(compress)
    raw = compress(tarred({"./a.md": b"one", "b/Größe.md": b"two"}, form))
    assert opened(raw, "backup") == {"a.md": b"one", "b/Größe.md": b"two"}


@pytest.mark.parametrize(
    ("name", "encoding"), [("Größe.md", "cp1252"), ("日本語メモ.txt", "cp932"), ("Отчет за май.txt", "koi8-r")]
)
def test_names_in_a_tar_file_are_in_the_encoding_of_their_bytes(name: str, encoding: str) -> None:
    raw = tarred({name.encode(encoding).decode("utf-8", "surrogateescape"): b"one"}, tarfile.GNU_FORMAT)
    assert opened(raw) == {name: b"one"}


def test_tar_file_without_a_mark_is_recognised_by_its_name() -> None:
    raw = bytearray(tarred({"a.md": b"one"}, tarfile.USTAR_FORMAT))
    raw[257:265] = bytes(8)
    raw[148:156] = b"        "
    raw[148:156] = f"{sum(raw[:512]):06o}\0 ".encode()
    assert opened(bytes(raw), "old.tar") == {"a.md": b"one"}
    assert opened(gzip.compress(bytes(raw)), "old.tgz") == {"a.md": b"one"}


def test_mailbox_holds_its_mails_with_their_subjects_and_dates() -> None:
    with open_archive(io.BytesIO(MAILBOX), "Inbox", LIMITS) as archive:
        assert [(entry.name, entry.label) for entry in archive.entries] == [("1.eml", "Größe"), ("2.eml", "Second")]
        assert archive.entries[0].mtime_ns == 1_767_607_200_000_000_000
        first, second = (entry.open().read() for entry in archive.entries)
    assert first.endswith(b"\n\nFrom here on it is warm.\nFrom the north it is not.\n\n")
    assert second == b"Subject: Second\n\nWords.\n"


def test_text_of_an_archive_is_the_list_of_its_files() -> None:
    assert read(MAILBOX, "Inbox").text == "1.eml Größe\n2.eml Second"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"PK\x03\x04 no more", "E_PARSE"),
        (b"BZh9 cut", "E_PARSE"),
        (b"no archive at all", "E_PARSE"),
        (b"PK\x05\x06" + bytes(18), "E_NO_TEXT"),
        (b"", "E_PARSE"),
    ],
)
def test_damaged_archive_is_refused(raw: bytes, code: str) -> None:
    with pytest.raises(Unreadable) as refusal:
        read(raw, "a.zip")
    assert refusal.value.stored_code == code


def test_tar_file_that_is_cut_off_says_after_which_file() -> None:
    raw = tarred({"a.md": b"one", "b.md": b"two" * 1_000, "c.md": b"three"}, tarfile.USTAR_FORMAT)
    parsed = read(raw[:1_600] + b"\xff" * 4_000, "a.tar")
    assert (parsed.text.splitlines()[0], parsed.partial[:33]) == ("a.md", "the archive is damaged after b.md")


def test_compressed_file_that_is_cut_off_keeps_what_came_before() -> None:
    lines = random.Random(1).randbytes(60_000).hex().encode()
    for raw, name in ((lines, "access.log"), (tarred({"a.md": b"one", "b.md": lines}), "a.md")):
        parsed = read(gzip.compress(raw)[:-9_000], "access.log.gz")
        assert parsed.text.splitlines()[0] == name
        assert f"the archive is damaged after {'b.md' if name == 'a.md' else name}" in parsed.partial
    raw = opened(gzip.compress(lines)[:-9_000], "access.log.gz")["access.log"]
    assert lines.startswith(raw)


def test_archive_beyond_the_limits_is_refused() -> None:
    for raw, limits in (
        (zipped([b"a.md", b"b.md"]), ArchiveLimits(entries=1)),
        (gzip.compress(bytes(3 << 20)), ArchiveLimits(inflated_bytes=1 << 20)),
    ):
        with pytest.raises(Unreadable, match="E_ZIP_BOMB"), open_archive(io.BytesIO(raw), "a.gz", limits):
            pass


def test_small_archive_that_unpacks_to_far_more_than_a_real_one_is_refused() -> None:
    limits = ArchiveLimits(archive_free_bytes=1 << 20)
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(30):
            archive.writestr(f"{number}.md", bytes(1 << 20))
    for raw in (bomb.getvalue(), gzip.compress(bytes(30 << 20))):
        with pytest.raises(Unreadable, match="E_ZIP_BOMB"), open_archive(io.BytesIO(raw), "a.gz", limits):
            pass


def tar_header(kind: bytes, size: int, name: str = "x") -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, size
    return info.tobuf(tarfile.USTAR_FORMAT)


LONG = 1 << 20
ATTRIBUTE = b"11 a=bcdef\n"


@pytest.mark.parametrize(
    "bomb",
    [
        tar_header(tarfile.GNUTYPE_LONGNAME, LONG) + b"a" * LONG,
        tar_header(tarfile.XHDTYPE, LONG) + b"%d a=" % LONG + b"b" * (LONG - 11) + b"\n",
        tar_header(tarfile.XGLTYPE, LONG) + b"%d a=" % LONG + b"b" * (LONG - 11) + b"\n",
        (tar_header(tarfile.XHDTYPE, len(ATTRIBUTE)) + ATTRIBUTE.ljust(512, b"\0")) * 240,
        (tar_header(tarfile.XHDTYPE, len(ATTRIBUTE)) + ATTRIBUTE.ljust(512, b"\0")) * 2_000,
    ],
    ids=["name", "attribute", "global attribute", "240 headers", "2,000 headers"],
)
def test_header_of_a_tar_file_that_is_too_long_ends_it(bomb: bytes) -> None:
    raw = tarred({"a.md": b"one"}, tarfile.USTAR_FORMAT)[:1_024] + bomb + tarred({"b.md": b"two"})
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(600)
    try:
        parsed = read(gzip.compress(raw), "a.tar.gz")
    finally:
        sys.setrecursionlimit(limit)
    assert parsed.text.splitlines() == ["a.md"]
    assert "the archive is damaged after a.md" in parsed.partial


def test_content_of_a_file_in_a_tar_file_may_be_longer_than_a_header() -> None:
    assert opened(tarred({"a.md": b"x" * (1 << 20), "b.md": b"two"}), "a.tar") == {
        "a.md": b"x" * (1 << 20),
        "b.md": b"two",
    }


def test_archives_are_recognised_by_their_content() -> None:
    for raw in (zipped([b"a.md"]), tarred({"a.md": b"x"}), gzip.compress(b"x"), MAILBOX):
        assert is_archive(raw)
        unknown = reader_for("backup")
        assert unknown is not None
        assert reader_by_content(unknown, raw).name == "archive"
    assert reader_by_content(reader_named("docx"), zipped([b"a.md"])).name == "docx"
    assert not is_archive(b"From the north it is cold at 10:30.\nMore.\n")

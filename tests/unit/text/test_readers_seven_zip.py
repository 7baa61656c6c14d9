"""7z files."""

from __future__ import annotations

import io
import random

import pytest

from omni_pipelines.refusals import Unreadable
from omni_pipelines.sources.local.archive import read_entry
from omni_pipelines.sources.model.limits import DEFAULT_LIMITS
from omni_pipelines.text.readers.archives.archive import open_archive
from omni_pipelines.text.readers.archives.entries import ArchiveLimits
from tests.samples.seven_zip import seven_zip
from tests.unit.text.test_readers_archives import opened

FILES = {"docs": b"", "docs/Größe.md": b"# Otters\n" * 300, "b.txt": b"Words.\n"}
CONTENTS = {name: content for name, content in FILES.items() if content}


@pytest.mark.parametrize("method", ["copy", "lzma", "lzma2", "deflate", "bzip2"])
@pytest.mark.parametrize("packed_header", ["", "lzma"])
def test_7z_file_of_every_usual_method_holds_its_files(method: str, packed_header: str) -> None:
    assert opened(seven_zip(FILES, method, packed_header=packed_header), "a.7z") == CONTENTS


def test_7z_entry_has_its_time_and_checksum() -> None:
    with open_archive(io.BytesIO(seven_zip(FILES)), "a.7z", ArchiveLimits()) as archive:
        assert [(each.mtime_ns, len(each.checksum)) for each in archive.entries] == [(1_000_000_000, 8)] * 2


@pytest.mark.parametrize(("method", "reason"), [("ppmd", "E_PARSE: .*not read: PPMd"), ("aes", "E_ENCRYPTED")])
def test_7z_entry_that_cannot_be_unpacked_says_why(method: str, reason: str) -> None:
    with open_archive(io.BytesIO(seven_zip(FILES, method)), "a.7z", ArchiveLimits()) as archive:
        assert [entry.name for entry in archive.entries] == list(CONTENTS)
        with pytest.raises(Unreadable, match=reason):
            read_entry(archive.entries[0], 1 << 20, DEFAULT_LIMITS, 1)


def test_7z_file_whose_names_need_a_password_is_refused() -> None:
    with pytest.raises(Unreadable, match="E_ENCRYPTED"):
        opened(seven_zip(FILES, packed_header="aes"), "a.7z")


def test_7z_file_that_unpacks_to_too_much_is_refused() -> None:
    limits = ArchiveLimits(inflated_bytes=1_000)
    with pytest.raises(Unreadable, match="E_ZIP_BOMB"), open_archive(io.BytesIO(seven_zip(FILES)), "a.7z", limits):
        pass


def test_damaged_7z_file_is_refused_or_read_and_never_fails_otherwise() -> None:
    dice = random.Random(3)
    whole = [seven_zip(FILES, "lzma2"), seven_zip(FILES, "copy", packed_header="lzma"), seven_zip(FILES, "deflate")]
    for _ in range(400):
        raw = bytearray(dice.choice(whole))
        for _ in range(dice.randint(1, 6)):
            raw[dice.randrange(6, len(raw))] = dice.randrange(256)
        try:
            with open_archive(io.BytesIO(raw), "a.7z", ArchiveLimits()) as archive:
                for entry in archive.entries:
                    read_entry(entry, 1 << 20, DEFAULT_LIMITS, 1)
        except Unreadable:
            continue

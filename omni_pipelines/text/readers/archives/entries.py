"""The files in an archive, and how much of one is looked at."""

import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import IO

DAMAGED = (
    lzma.LZMAError,
    zipfile.BadZipFile,
    tarfile.TarError,
    EOFError,
    zlib.error,
    OSError,
    ValueError,
    NotImplementedError,
    OverflowError,
    IndexError,
    struct.error,
)
"""What the libraries raise for a damaged archive."""


@dataclass(frozen=True)
class ArchiveLimits:
    """Limits of one archive."""

    entries: int = 200_000
    inflated_bytes: int = 8 << 30
    """All entries together."""
    ratio: int = 200
    """How many times larger than in the archive an entry may be."""
    ratio_free_bytes: int = 1 << 20
    """Entries up to this size may have any ratio."""
    archive_free_bytes: int = 64 << 20
    """Archives that unpack to this size may have any ratio."""

    def of_archive(self, packed_bytes: int) -> "ArchiveLimits":
        """The limits of an archive of this size: it may not unpack to far more than a real one."""
        largest = max(self.archive_free_bytes, self.ratio * packed_bytes)
        return replace(self, inflated_bytes=min(self.inflated_bytes, largest))


class TooMuch(ValueError):
    """An archive that exceeds the limits."""

    def __init__(self, limits: ArchiveLimits) -> None:
        super().__init__(f"it holds more than {limits.entries:,} files or {limits.inflated_bytes >> 20:,} MiB")


@dataclass(frozen=True)
class ArchiveEntry:
    """A regular file in an archive."""

    name: str
    """With `/` between folders."""
    size: int
    mtime_ns: int
    open: Callable[[], IO[bytes]]
    """Usable while the archive is open."""
    packed_size: int = 0
    """Bytes in the archive; 0 where the archive is compressed as a whole."""
    checksum: str = ""
    """Of its content, as the archive states it; empty if it does not."""
    is_encrypted: bool = False
    label: str = ""
    """What it is about, if its name does not say it."""


@dataclass(frozen=True)
class Archive:
    """An open archive."""

    entries: tuple[ArchiveEntry, ...]
    damage: str = ""
    """Why there are more entries than these; empty if there are not."""


def limited(entries: Iterable[ArchiveEntry], limits: ArchiveLimits) -> Archive:
    """An archive with these entries, as far as they can be listed.

    Raises:
        TooMuch: they are too many or too large; or one of `DAMAGED`, if not one can be listed.
    """
    found: list[ArchiveEntry] = []
    size = 0
    damage = ""
    try:
        for entry in entries:
            found.append(entry)
            size += entry.size
    except DAMAGED as error:
        if isinstance(error, TooMuch) or not found:
            raise
        damage = f"the archive is damaged after {found[-1].name}: {error}"
    if len(found) > limits.entries or size > limits.inflated_bytes:
        raise TooMuch(limits)
    return Archive(tuple(found), damage)


def nanoseconds(year: int, month: int, day: int, hour: int, minute: int, second: int) -> int:
    """A date without a time zone as zip files store it, moved into the calendar if it is invalid."""
    valid = datetime(
        max(year, 1970), min(max(month, 1), 12), min(max(day, 1), 28), min(hour, 23), min(minute, 59),
        min(second, 59), tzinfo=UTC,
    )  # fmt: skip
    return int(valid.timestamp()) * 1_000_000_000

"""Open an archive of any format. Its entries are read in place: none is written to disk under a name of its own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from io import SEEK_END, BytesIO
from typing import IO

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.archives.entries import (
    DAMAGED,
    Archive,
    ArchiveEntry,
    ArchiveLimits,
    TooMuch,
    limited,
)
from omni_pipelines.text.readers.archives.mailbox_entries import is_mailbox, mailbox_entries
from omni_pipelines.text.readers.archives.seven_zip_entries import SIGNATURE as SEVEN_ZIP
from omni_pipelines.text.readers.archives.seven_zip_entries import seven_zip_entries
from omni_pipelines.text.readers.archives.tar_entries import (
    compressed_entries,
    is_compressed,
    is_tar,
    tar_entries,
)
from omni_pipelines.text.readers.archives.zip_entries import zip_entries
from omni_pipelines.text.readers.extraction import Extraction, one_line

_HEAD_BYTES = 4096
_ZIP, _ZIP_EMPTY = b"PK\x03\x04", b"PK\x05\x06"


def is_archive(head: bytes) -> bool:
    """Whether a file that begins so, with its first 4 KiB, is an archive; a document in a zip file is one as well."""
    return head.startswith((_ZIP, _ZIP_EMPTY, SEVEN_ZIP)) or is_compressed(head) or is_tar(head) or is_mailbox(head)


@contextmanager
def open_archive(file: IO[bytes], name: str, limits: ArchiveLimits) -> Iterator[Archive]:
    """The entries of an archive, which can be opened within the context. `file` can be read at any place.

    Raises:
        Unreadable: E_PARSE, E_ZIP_BOMB or E_ENCRYPTED; nothing of it can be read.
    """
    with ExitStack() as stack:
        allowed = limits.of_archive(file.seek(0, SEEK_END))
        file.seek(0)
        try:
            archive = limited(_entries(file, name, allowed, stack), allowed)
        except DAMAGED as error:
            code = RefusalCode.ZIP_BOMB if isinstance(error, TooMuch) else RefusalCode.PARSE
            raise Unreadable(code, str(error)) from error
        yield archive


def _entries(file: IO[bytes], name: str, limits: ArchiveLimits, stack: ExitStack) -> Iterator[ArchiveEntry]:
    head = file.read(_HEAD_BYTES)
    file.seek(0)
    if is_compressed(head):
        return compressed_entries(file, name, limits, stack)
    if is_mailbox(head):
        return mailbox_entries(file)
    if head.startswith(SEVEN_ZIP):
        return seven_zip_entries(file, limits, stack)
    is_old_tar = name.lower().endswith(".tar") and not head.startswith((_ZIP, _ZIP_EMPTY))
    return tar_entries(file) if is_tar(head) or is_old_tar else zip_entries(file)


def read(raw: bytes, name: str) -> Parsed:
    """Read an archive: the names of its entries."""
    with open_archive(BytesIO(raw), name, ArchiveLimits()) as archive:
        return contents(archive, name)


def contents(archive: Archive, name: str, is_named: Callable[[str], bool] = bool) -> Parsed:
    """The document of an archive: a line for each entry whose name `is_named` allows."""
    extraction = Extraction()
    for entry in archive.entries:
        if not is_named(entry.name):
            continue
        extraction.block(one_line(f"{entry.name} {entry.label}"), apart=False)
    if archive.damage:
        extraction.cut(archive.damage, RefusalCode.PARSE)
    return extraction.parsed(name, no_text="it contains no files")

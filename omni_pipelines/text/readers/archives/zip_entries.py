"""The entries of a zip file, with their names in the encoding that they are in."""

import struct
import zipfile
from collections.abc import Iterator
from functools import partial
from typing import IO

from omni_pipelines.text.encoding_detection import MIN_PROBABILITY, detect_encoding
from omni_pipelines.text.readers.archives.entries import ArchiveEntry, nanoseconds

_UTF8_FLAG, _ENCRYPTED_FLAG = 0x800, 1
_LINK, _KIND = 0o120000, 0o170000
_UNICODE_PATH = 0x7075
"""The extra field in which Info-ZIP writes a name in UTF-8 (APPNOTE 4.6.9)."""
_MAX_NAME_BYTES = 1 << 16
_MAX_WESTERN_SHARE = 0.4
"""Of the letters of names in a western language: so many may be beyond ASCII. In other scripts nearly all are."""


def zip_entries(file: IO[bytes]) -> Iterator[ArchiveEntry]:
    """The regular files in a zip file, without links."""
    archive = zipfile.ZipFile(file)
    infos = archive.infolist()
    names = entry_names(infos)
    for info, name in zip(infos, names, strict=True):
        is_link = info.external_attr >> 16 & _KIND == _LINK
        if not name.endswith("/") and not is_link:
            yield ArchiveEntry(
                name,
                info.file_size,
                nanoseconds(*info.date_time),
                partial(archive.open, info),
                info.compress_size,
                f"{info.CRC:08x}",
                bool(info.flag_bits & _ENCRYPTED_FLAG),
            )


def entry_names(infos: list[zipfile.ZipInfo]) -> list[str]:
    """The names of entries. Without the flag for UTF-8 a name may be in any encoding, which is found for all at once.

    A backslash, which old programs of Windows write, parts folders.
    """
    unclear = b"\n".join(raw for info in infos if (raw := _unclear_bytes(info)))[:_MAX_NAME_BYTES]
    codec = _codec_of_names(unclear) if unclear else ""
    return [_name(info, codec).replace("\\", "/") for info in infos]


def _name(info: zipfile.ZipInfo, codec: str) -> str:
    raw = _unclear_bytes(info)
    if raw:
        return raw.decode(codec, "replace")
    if info.flag_bits & _UTF8_FLAG or info.orig_filename.isascii():
        return info.orig_filename.partition("\0")[0]
    return _unicode_path(info) or info.orig_filename.encode("cp437").decode("utf-8")


def _unclear_bytes(info: zipfile.ZipInfo) -> bytes:
    """The bytes of a name that is in an unknown encoding; b"" if its encoding is clear."""
    if info.flag_bits & _UTF8_FLAG or info.orig_filename.isascii() or _unicode_path(info):
        return b""
    raw = info.orig_filename.encode("cp437").partition(b"\0")[0]
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw
    return b""


def _unicode_path(info: zipfile.ZipInfo) -> str:
    """The name in UTF-8 that an extra field states; "" if there is none."""
    extra = info.extra
    while len(extra) >= 4:
        kind, length = struct.unpack("<HH", extra[:4])
        if kind == _UNICODE_PATH and length > 5:
            return extra[9 : 4 + length].decode("utf-8", "ignore")
        extra = extra[4 + length :]
    return ""


def _codec_of_names(raw: bytes) -> str:
    """The encoding of names: the one of MS-DOS if they look western in it, else the most probable one."""
    western = raw.decode("cp437")
    letters = [letter for letter in western if letter.isalpha() or not letter.isascii()]
    beyond = [letter for letter in letters if not letter.isascii()]
    if all(letter.isalpha() and letter < "\u0250" for letter in beyond):
        if len(beyond) <= _MAX_WESTERN_SHARE * len(letters):
            return "cp437"
    found = detect_encoding(raw)
    return found.codec if found is not None and found.probability >= MIN_PROBABILITY else "cp437"

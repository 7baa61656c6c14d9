"""Zip files that hold a document: nothing is unpacked before it is known to be small and honest."""

from __future__ import annotations

import io
import re
import zipfile
import zlib

from omni_pipelines.refusals import RefusalCode, Unreadable

MAX_ENTRIES = 5_000
MAX_BYTES = 64 << 20
"""Of all that is unpacked from one document."""
MAX_RATIO = 200
"""Unpacked to packed, of the whole file."""
_FREE = 1 << 20
"""What may be unpacked whatever the ratio: short parts pack well."""
_STEP = 1 << 16
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""Begins Office files of before 2007, and encrypted ones of today."""


class Archive:
    """The parts of a zip file.

    Raises:
        Unreadable: E_ENCRYPTED, E_PARSE, E_PATH, E_ZIP_BOMB or E_ZIP_DUPLICATE.
    """

    def __init__(self, raw: bytes) -> None:
        if raw.startswith(OLE):
            raise Unreadable(
                RefusalCode.ENCRYPTED, "encrypted, or of an Office before 2007; save it without a password"
            )
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(raw))
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
            raise Unreadable(RefusalCode.PARSE, f"no whole zip file: {error}") from error
        entries = self._zip.infolist()
        self.names = [entry.filename for entry in entries]
        _check(entries, self.names)
        self._left = min(MAX_BYTES, len(raw) * MAX_RATIO + _FREE)

    def read(self, name: str) -> bytes:
        """A part's bytes.

        Raises:
            Unreadable: E_PARSE where it is missing or damaged, E_ZIP_BOMB where too much was unpacked.
        """
        pieces = []
        try:
            with self._zip.open(name) as part:
                while piece := part.read(_STEP):
                    self._left -= len(piece)
                    if self._left < 0:
                        raise Unreadable(RefusalCode.ZIP_BOMB, f"{name} unpacks to more than a document holds")
                    pieces.append(piece)
        except KeyError as error:
            raise Unreadable(RefusalCode.PARSE, f"{name} is missing") from error
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError) as error:
            raise Unreadable(RefusalCode.PARSE, f"{name} is damaged: {error}") from error
        except RuntimeError as error:  # how zipfile asks for a password
            raise Unreadable(RefusalCode.ENCRYPTED, str(error)) from error
        return b"".join(pieces)

    def optional(self, name: str) -> bytes | None:
        """A part's bytes, or None where there is no such part."""
        return self.read(name) if name in self.names else None


def _check(entries: list[zipfile.ZipInfo], names: list[str]) -> None:
    if len(entries) > MAX_ENTRIES:
        raise Unreadable(RefusalCode.ZIP_BOMB, f"{len(entries):,} parts")
    if len(set(names)) != len(names):
        raise Unreadable(RefusalCode.ZIP_DUPLICATE, "two parts have the same name")
    if any(entry.flag_bits & 1 for entry in entries):
        raise Unreadable(RefusalCode.ENCRYPTED, "a password is needed to open it")
    if any(name.startswith("/") or ".." in re.split(r"[\\/]", name) for name in names):
        raise Unreadable(RefusalCode.PATH, "a part's name leads out of the archive")
    ordered = sorted(entries, key=lambda entry: entry.header_offset)
    end = 0
    for entry in ordered:
        if entry.header_offset < end:
            raise Unreadable(RefusalCode.ZIP_BOMB, "parts overlap")
        end = entry.header_offset + entry.compress_size

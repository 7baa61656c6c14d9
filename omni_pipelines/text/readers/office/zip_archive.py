"""Open zip files that contain a document. Nothing is unpacked before the directory passed all checks."""

import io
import re
import unicodedata
import zipfile
import zlib

from omni_pipelines.refusals import RefusalCode, Unreadable

MAX_PARTS = 5_000
MAX_UNPACKED_BYTES = 64 << 20
"""Of all parts together that are read."""
MAX_RATIO = 200
"""Unpacked to packed size of the whole file."""
_FREE_BYTES = 1 << 20
"""May be unpacked whatever the ratio, because short parts compress well."""
_STEP_BYTES = 1 << 16
OLE_SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""Starts Office files from before 2007, and encrypted ones of today."""


class ZipArchive:
    """The parts of a zip file.

    Raises:
        Unreadable: E_ENCRYPTED, E_PARSE, E_PATH, E_ZIP_BOMB or E_ZIP_DUPLICATE.
    """

    def __init__(self, raw: bytes) -> None:
        if raw.startswith(OLE_SIGNATURE):
            detail = "encrypted, or in the Office format from before 2007; save it again without a password"
            raise Unreadable(RefusalCode.ENCRYPTED, detail)
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(raw))
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
            raise Unreadable(RefusalCode.PARSE, f"not a complete zip file: {error}") from error
        parts = self._zip.infolist()
        self.names = [part.filename for part in parts]
        _check(parts, self.names)
        self._by_folded: dict[str, str] | None = None
        self._left = min(MAX_UNPACKED_BYTES, len(raw) * MAX_RATIO + _FREE_BYTES)

    def find(self, name: str) -> str | None:
        """The name of a part as the archive spells it: case, Unicode form and a leading slash do not matter."""
        if name in self.names:
            return name
        if self._by_folded is None:
            self._by_folded = {_folded(each): each for each in reversed(self.names)}
        return self._by_folded.get(_folded(name))

    def read(self, name: str) -> bytes:
        """The bytes of a part.

        Raises:
            Unreadable: E_PARSE if it is missing or damaged, E_ZIP_BOMB if too much has been unpacked.
        """
        pieces = []
        try:
            with self._zip.open(self.find(name) or name) as part:
                while piece := part.read(_STEP_BYTES):
                    self._left -= len(piece)
                    if self._left < 0:
                        raise Unreadable(RefusalCode.ZIP_BOMB, f"{name} is too large when it is unpacked")
                    pieces.append(piece)
        except KeyError as error:
            raise Unreadable(RefusalCode.PARSE, f"{name} is missing") from error
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError) as error:
            raise Unreadable(RefusalCode.PARSE, f"{name} is damaged: {error}") from error
        except RuntimeError as error:  # zipfile raises it for a missing password
            raise Unreadable(RefusalCode.ENCRYPTED, str(error)) from error
        return b"".join(pieces)

    def optional(self, name: str) -> bytes | None:
        """The bytes of a part; None if there is no such part."""
        return self.read(name) if self.find(name) else None


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name.replace("\\", "/")).casefold().lstrip("/")


def _check(parts: list[zipfile.ZipInfo], names: list[str]) -> None:
    if len(parts) > MAX_PARTS:
        raise Unreadable(RefusalCode.ZIP_BOMB, f"{len(parts):,} parts; {MAX_PARTS:,} are allowed")
    if len(set(names)) != len(names):
        raise Unreadable(RefusalCode.ZIP_DUPLICATE, "two parts have the same name")
    if any(part.flag_bits & 1 for part in parts):
        raise Unreadable(RefusalCode.ENCRYPTED, "a password is needed to open it; save it again without one")
    if any(name.startswith("/") or ".." in re.split(r"[\\/]", name) for name in names):
        raise Unreadable(RefusalCode.PATH, "the name of a part points outside the archive")
    end = 0
    for part in sorted(parts, key=lambda part: part.header_offset):
        if part.header_offset < end:
            raise Unreadable(RefusalCode.ZIP_BOMB, "parts overlap")
        end = part.header_offset + part.compress_size

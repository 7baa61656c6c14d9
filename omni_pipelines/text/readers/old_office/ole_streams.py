"""The streams of an OLE file."""

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from omni_pipelines.refusals import RefusalCode, Unreadable

DAMAGE = (OSError, struct.error, IndexError, KeyError, ValueError, TypeError, OverflowError)
"""What reading a damaged file raises."""


class OleStreams:
    """The streams of an open OLE file."""

    def __init__(self, raw: bytes) -> None:
        import olefile

        self._file = olefile.OleFileIO(io.BytesIO(raw))

    def stream(self, name: str) -> bytes:
        """The bytes of a stream; b"" if there is none."""
        if not self._file.exists(name):
            return b""
        content: bytes = self._file.openstream(name).read()
        return content

    def title(self) -> str:
        """The title in the properties of the document."""
        title = self._file.get_metadata().title
        return title.decode("cp1252", "replace") if isinstance(title, bytes) else str(title or "")


@contextmanager
def opened(raw: bytes) -> Iterator[OleStreams]:
    """The streams of a file.

    Raises:
        Unreadable: E_PARSE if it is damaged, also where the damage is found later within the context.
    """
    try:
        yield OleStreams(raw)
    except DAMAGE as error:
        raise Unreadable(RefusalCode.PARSE, f"its OLE file is damaged: {error}") from error

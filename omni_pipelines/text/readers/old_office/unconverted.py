"""Files that only LibreOffice reads: it converts them, and the reader for the new format reads the result."""

from typing import NoReturn

from omni_pipelines.refusals import RefusalCode, Unreadable


def read(_raw: bytes, _name: str) -> NoReturn:
    """Refuse a file that was not converted.

    Raises:
        Unreadable: E_NEEDS_PROGRAM.
    """
    raise Unreadable(
        RefusalCode.NEEDS_PROGRAM,
        "such files are read with LibreOffice, which is not installed here: install it, then run omni ingest again",
    )

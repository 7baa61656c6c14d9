"""Old Office files become files of today before they are parsed, if LibreOffice is installed."""

from pathlib import PurePosixPath

from native.office_converter import ConversionFailed, convert_office, office_program
from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.readers.formats import READERS, UNCONVERTED, Reader
from omni_pipelines.text.readers.registry import reader_by_name

_CONVERTED = {reader.fingerprint for reader in READERS if reader.converts_to}


def can_convert() -> bool:
    """Whether files that need LibreOffice can be read now."""
    return office_program() is not None


def is_converted_as_possible(parser: str) -> bool:
    """Whether a document was converted, if that is possible now; `parser` is its column."""
    return parser.split("+")[-1] not in _CONVERTED or not can_convert()


def converted(reader: Reader, raw: bytes, path: str) -> tuple[Reader, bytes]:
    """The reader and the bytes to parse: those that LibreOffice makes of a file, or the given ones.

    Without LibreOffice, or if it fails, `reader` reads what it can.

    Raises:
        Unreadable: E_PARSE or E_TIMEOUT, for kinds of files that only LibreOffice reads.
    """
    if not reader.converts_to or not can_convert():
        return reader, raw
    suffix = PurePosixPath(path).suffix.lower()
    try:
        made = convert_office(raw, suffix if suffix in reader.suffixes else reader.suffixes[0], reader.converts_to)
    except ConversionFailed as error:
        if reader.read is not UNCONVERTED:
            return reader, raw
        code = RefusalCode.TIMEOUT if "did not finish" in error.message else RefusalCode.PARSE
        raise Unreadable(code, error.message) from error
    return reader_by_name(f"document{reader.converts_to}") or reader, made

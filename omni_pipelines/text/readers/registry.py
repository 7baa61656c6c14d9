"""Choose the reader for a file. To add a format, write a module in this folder and list it in `formats.READERS`.

A reader that fails is replaced by the plain reader if the file's own characters are its text: the document loses its
headings, but not its sentences. The choice depends only on the bytes, never on earlier calls, so that reading a file
again gives the same rows.
"""

import codecs
from collections.abc import Iterable
from dataclasses import replace
from pathlib import PurePosixPath

from omni_pipelines.providers import FALLBACK, PREFERRED, EngineVariant, VariantsFailed
from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.decoding import DecodedText, decode
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.file_names import NOT_TEXT, is_binary_name, kind_by_name
from omni_pipelines.text.readers.formats import PICTURES, PLAIN, READERS, UNKNOWN, Read, Reader
from omni_pipelines.text.readers.source_code import code
from omni_pipelines.variant_registry import VariantRegistry

_VERBATIM = {
    "org",
    "mediawiki",
    "markdown",
    "restructured",
    "asciidoc",
    "python",
    "code",
    "csv",
    "json",
    "vim_help",
    "info",
}
"""The file's own characters can be its text, so the plain reader can replace these. Plain HTML would be of no use."""

_SIGNED = {"rtf", "calendar", "info"}
"""Kinds of text whose files always begin in the same way: others are not of this kind."""

_OWN_CHARSETS = {"rtf", "mail", "mht", "warc"}
"""Formats that consist of parts with encodings of their own."""

_RECOGNITION = "ocr/"
RECOGNITION = f"{_RECOGNITION}1"
"""Name and version of text recognition, among the readers of a document; a new version reads scans again."""

_BY_NAME = {reader.name: reader for reader in reversed(READERS)}
_BY_NAME_OF_FILE = {suffix: reader for reader in READERS for suffix in reader.suffixes}
_BY_SUFFIX = {suffix: reader for suffix, reader in _BY_NAME_OF_FILE.items() if suffix not in NOT_TEXT}
_PICTURE_BY_SUFFIX = {suffix: reader for reader in PICTURES for suffix in reader.suffixes}
_BY_LANGUAGE = {reader.language: reader for reader in READERS if reader.language}


def reader_for(path: str, *, pictures: bool = False) -> Reader | None:
    """The reader for a file: by its name, or `UNKNOWN`, for which the content decides; None for kinds without text.

    Files of None are those whose name says that they are binary and of a kind that no reader reads. Pictures are read
    only where their text is recognised, which `pictures` says.
    """
    if pictures and (picture := picture_reader(path)) is not None:
        return picture
    name = path.rpartition("/")[2].lower()
    if name not in _BY_NAME_OF_FILE and not name[-1:].isdigit():  # nearly all files: only the suffix decides
        reader = _BY_SUFFIX.get(name[name.rfind(".") :])
        if reader is not None:
            return reader
    return reader_by_name(path) or (None if is_binary_name(path) else UNKNOWN)


def reader_of_ending(ending: str) -> Reader | None:
    """The reader that `reader_for` gives to every name that ends so, a letter and a suffix such as `e.txt`.

    None if more of a name has to be known.
    """
    letter, suffix = ending[:1], ending[1:].lower()
    is_end_of_name = any(name.endswith(ending.lower()) for name in _BY_NAME_OF_FILE)
    return None if letter in ("", "/") or suffix[-1:].isdigit() or is_end_of_name else _BY_SUFFIX.get(suffix)


def picture_reader(path: str) -> Reader | None:
    """The reader of pictures for a file name; None for names of other kinds."""
    return _PICTURE_BY_SUFFIX.get(PurePosixPath(path).suffix.lower())


def reader_by_name(path: str) -> Reader | None:
    """The reader for a file name; None if the name says nothing, or is that of a kind that no reader reads."""
    if is_binary_name(path):
        return None
    found = kind_by_name(path, _BY_NAME_OF_FILE)
    is_inner = found is not None and found.binary and PurePosixPath(path).suffix.lower() not in found.suffixes
    return None if is_inner else found  # the `.docx` in `a.docx.part` promises nothing


def reader_named(name: str) -> Reader:
    """The reader with a name; if it reads several media types, the one for the first.

    Raises:
        KeyError: no reader has this name.
    """
    return _BY_NAME[name]


def reader_by_content(reader: Reader, raw: bytes) -> Reader:
    """The reader for the content: `reader`, unless the bytes have the signature of another format.

    A file whose name says nothing, or that it is binary although it is text, is read as the kind of text that it is.
    HTML inside source code, as in PHP or in a template, is still source code.
    """
    from omni_pipelines.text.readers.markup.vim_help import is_vim_help  # only files need these
    from omni_pipelines.text.readers.signatures import binary_format, is_text, text_format

    name = binary_format(raw)
    if name:
        is_template = name == "html" and reader.kind == "code"
        is_damaged = name == "archive" and reader.binary and reader is not UNKNOWN  # an Office file without its parts
        return reader if name == reader.name or is_template or is_damaged else _BY_NAME[name]
    is_other = reader.name in _SIGNED or (reader.binary and reader.name not in _OWN_CHARSETS)
    if reader is PLAIN:
        return _BY_NAME["vim_help"] if is_vim_help(raw) else reader
    if reader is UNKNOWN or (is_other and is_text(raw)):
        language = code.script_language(raw)
        if not language and is_vim_help(raw):
            return _BY_NAME["vim_help"]
        return _BY_LANGUAGE.get(language) or _BY_NAME.get(text_format(raw), PLAIN)
    return reader


def is_parser_current(parser: str, reader: Reader) -> bool:
    """Whether reading a document again would give the same; `parser` is its column, as `parser_mark` writes it."""
    by_name, *others = parser.split("+")
    return by_name == reader.fingerprint and _MARKS.issuperset(others)


def is_mark_current(parser: str) -> bool:
    """Whether the readers of a document are those of now; `parser` is its column, as `parser_mark` writes it."""
    return _MARKS.issuperset(parser.split("+"))


def parser_mark(reader: Reader, used: Reader, *, recognized: bool = False) -> str:
    """The column `parser`: the reader for the file's name, the one for its content if it is another, OCR."""
    by_content = [] if used.name == reader.name else [used.fingerprint]
    return "+".join([reader.fingerprint, *by_content, *([RECOGNITION] if recognized else [])])


def is_archive_list(parser: str) -> bool:
    """Whether a document is the list of what is in an archive; `parser` is its column."""
    return any(mark.startswith("archive/") for mark in parser.split("+"))


def has_recognized(parser: str) -> bool:
    """Whether text of a document was recognised in pictures; `parser` is its column."""
    return parser.split("+")[-1].startswith(_RECOGNITION)


def fallback_reader(reader: Reader) -> Reader | None:
    """The reader to use when a reader's parser crashed; None where the file's bytes are not its text."""
    return PLAIN if reader.name in _VERBATIM else None


def read_document(
    reader: Reader,
    raw: bytes,
    name: str,
    readers: VariantRegistry | None = None,
    *,
    charset: str = "",
    recognize: bool = False,
) -> Parsed:
    """Read the bytes of a file, with the reader of its format or the one that replaces it after a failure.

    `charset` is the label by which a server or a mail declares their encoding; what the bytes declare themselves
    counts less, except for a byte order mark. `recognize` says whether text is recognised in pictures.

    Raises:
        Unreadable: no reader could read it; E_READER if the cause is a defect in a reader.
        MemoryError: there was not enough memory.
    """
    known = decode(raw, charset) if charset and not reader.binary and reader.name not in _OWN_CHARSETS else None
    source = raw if known is None else codecs.BOM_UTF8 + known.text.encode("utf-8", "replace")

    def read(variant: EngineVariant[Read]) -> Parsed:
        return with_damage(variant.engine(source, name), known)

    try:
        # `input_errors`: a failure says nothing about the reader's health, so the next file finds the same readers
        return (
            (readers or _READERS).call(_command(reader, recognize=recognize), read, input_errors=(Exception,)).value
        )
    except VariantsFailed as failed:
        if isinstance(failed.last, Unreadable | MemoryError):
            raise failed.last from failed
        if isinstance(failed.last, RecursionError):
            raise Unreadable(RefusalCode.DEPTH, "its parts are nested too deeply") from failed
        raise Unreadable(RefusalCode.READER, f"{type(failed.last).__name__}: {failed.last}") from failed


def with_damage(parsed: Parsed, known: DecodedText | None = None) -> Parsed:
    """A document that says which of its bytes are no text. `known` is the file as decoded before it was read."""
    decoded = parsed.decoded if known is None else known
    if known is not None:
        parsed = replace(parsed, decoded=known if parsed.extracted is None else replace(known, text=""))
    return replace(parsed, partial=parsed.partial or decoded.damage) if decoded.damage else parsed


def register_readers(registry: VariantRegistry, readers: Iterable[Reader] = READERS) -> None:
    """Register the variants that read each format."""
    for reader in readers:
        command = _command(reader)
        if reader.recognize is not None:
            variant = EngineVariant(reader.fingerprint, reader.recognize, priority=PREFERRED)
            registry.register(_command(reader, recognize=True), variant)
        registry.register(command, EngineVariant(reader.fingerprint, reader.read, priority=PREFERRED))
        if reader.read is not PLAIN.read and reader.name in _VERBATIM:
            registry.register(command, EngineVariant(PLAIN.fingerprint, PLAIN.read, priority=FALLBACK))


def _command(reader: Reader, *, recognize: bool = False) -> str:
    return f"recognize_{reader.name}" if recognize and reader.recognize is not None else f"read_{reader.name}"


def readers_fingerprint() -> str:
    """The names and versions of all readers."""
    return ",".join(sorted({reader.fingerprint for reader in READERS}))


_MARKS = frozenset({RECOGNITION, *(reader.fingerprint for reader in (*READERS, UNKNOWN))})
_READERS = VariantRegistry()
register_readers(_READERS)

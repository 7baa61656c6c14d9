"""Choose the reader for a file. To add a format, write a module in this folder and list it in `READERS`.

A reader that fails is replaced by the plain reader if the file's own characters are its text: the document loses its
headings, but not its sentences. The choice depends only on the bytes, never on earlier calls, so that reading a file
again gives the same rows.
"""

import codecs
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from omni_pipelines.providers import FALLBACK, PREFERRED, EngineVariant, VariantsFailed
from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.decoding import DecodedText, decode
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers import pdf, picture, plain
from omni_pipelines.text.readers.archives import archive
from omni_pipelines.text.readers.file_names import is_binary_name, kind_by_name
from omni_pipelines.text.readers.mails import mail, mht, msg
from omni_pipelines.text.readers.markup import (
    asciidoc,
    bib,
    html,
    man,
    markdown,
    mediawiki,
    org,
    restructured,
    tex,
    texinfo,
    xml,
)
from omni_pipelines.text.readers.office import docx, epub, iwork, opendocument, pptx
from omni_pipelines.text.readers.old_office import old_slides, old_word, unconverted
from omni_pipelines.text.readers.records import (
    content_lines,
    delimited,
    geojson,
    json_records,
    notebook,
    parquet,
    sqlite,
    subtitles,
    warc,
)
from omni_pipelines.text.readers.rtf import rtf
from omni_pipelines.text.readers.sheets import ods, xls, xlsb, xlsx
from omni_pipelines.text.readers.signatures import binary_format, is_text, text_format
from omni_pipelines.text.readers.source_code import code, python
from omni_pipelines.variant_registry import VariantRegistry

Read = Callable[[bytes, str], Parsed]
"""(bytes, file name) to a document.

Raises `Unreadable`: E_NO_TEXT if nothing in the file is text, E_PARSE if it is damaged, E_ENCRYPTED, E_DEPTH,
E_OUTPUT_LIMIT, E_TOO_LARGE, or an error of `decode`, `ZipArchive` or `parse_xml`.
"""


@dataclass(frozen=True)
class Reader:
    """A format: the names of its files, and the function that reads them."""

    name: str
    version: int
    """Increase it when the output changes: documents that another version read are read again."""
    read: Read
    media_type: str
    kind: str
    """prose | markup | data | code"""
    suffixes: tuple[str, ...]
    """In lower case; without a dot, whole file names."""
    language: str = ""
    """The programming language; the language of prose is detected for each document."""
    isolated: bool = False
    """Whether it runs in a process of its own, with limits, because its parser is not safe with hostile files."""
    recognize: Read | None = None
    """Reads it with text recognition; None for formats without pictures of text."""
    prepare: Callable[[bytes, str], None] | None = None
    """What has to be done for a file before that process starts, because it may not do it itself."""
    binary: bool = False
    """Whether files hold more than text, such as pictures and fonts, and may be larger."""
    converts_to: str = ""
    """The suffix of the format into which LibreOffice converts files before another reader reads them."""
    is_archive: bool = False
    """Whether files consist of other files, which `open_archive` gives; `read` gives their names."""

    @property
    def fingerprint(self) -> str:
        """Name and version."""
        return f"{self.name}/{self.version}"

    def __reduce__(self) -> tuple[object, ...]:
        """In another process it is the reader in the same place: readers are compared by identity."""
        return _reader_at, (next(place for place, reader in enumerate(_EVERY) if reader is self),)


def _binary(
    name: str, read: Read, media_type: str, kind: str, *suffixes: str, version: int = 2, recognize: Read | None = None
) -> Reader:
    return Reader(name, version, read, media_type, kind, suffixes, isolated=True, binary=True, recognize=recognize)


def _converted(
    name: str, media_type: str, kind: str, converts_to: str, *suffixes: str, read: Read = unconverted.read
) -> Reader:
    return Reader(name, 1, read, media_type, kind, suffixes, isolated=True, binary=True, converts_to=converts_to)


def _marked_up(name: str, read: Read, media_type: str, *suffixes: str, version: int = 1) -> Reader:
    return Reader(name, version, read, media_type, "prose", suffixes, isolated=True)


_OFFICE = "application/vnd.openxmlformats-officedocument"
_OPEN = "application/vnd.oasis.opendocument"
_WORD = (".docx", ".docm", ".dotx", ".dotm")
_SLIDES = (".pptx", ".pptm", ".potx", ".potm", ".ppsx", ".ppsm")
_XML = (
    ".xml", ".svg", ".rss", ".atom", ".rdf", ".opml", ".drawio", ".dio", ".dita", ".ditamap", ".docbook", ".dbk",
    ".fb2", ".tei", ".nxml", ".xsd", ".xsl", ".xslt", ".wsdl", ".xlf", ".xliff", ".resx", ".gpx", ".kml", ".plist",
    ".tmx",
)  # fmt: skip
PLAIN = Reader(
    "text", 3, plain.read, "text/plain", "prose", (".txt", ".text", ".log", "readme", "license", "changelog")
)
UNKNOWN = Reader("unknown", 2, plain.read, "application/octet-stream", "prose", (), binary=True)
"""For files whose name says nothing: their content chooses a reader, which is `PLAIN` for any other text."""

_DATABASES = (".sqlite", ".sqlite3", ".db", ".db3", ".gpkg")
_PICTURES = tuple(
    _binary("picture", picture.read, f"image/{name}", "prose", *suffixes, version=1, recognize=picture.recognize)
    for name, *suffixes in (("png", ".png"), ("jpeg", ".jpg", ".jpeg", ".jpe", ".jfif"), ("tiff", ".tif", ".tiff"))
)
READERS = (
    Reader("markdown", 4, markdown.read, "text/markdown", "prose", (".md", ".markdown", ".mdx")),
    Reader("restructured", 3, restructured.read, "text/x-rst", "prose", (".rst", ".rest")),
    Reader("html", 12, html.read, "text/html", "markup", (".html", ".htm", ".xhtml"), isolated=True),
    Reader("python", 3, python.read, "text/x-python", "code", (".py", ".pyi", ".pyw"), "python"),
    PLAIN,
    _binary("pdf", pdf.read, "application/pdf", "prose", ".pdf", version=7, recognize=pdf.recognize),
    _binary("docx", docx.read, f"{_OFFICE}.wordprocessingml.document", "prose", *_WORD, version=4),
    _binary("pptx", pptx.read, f"{_OFFICE}.presentationml.presentation", "prose", *_SLIDES, version=4),
    _binary(
        "xlsx", xlsx.read, f"{_OFFICE}.spreadsheetml.sheet", "data", ".xlsx", ".xlsm", ".xltx", ".xltm", version=4
    ),
    _binary("xlsb", xlsb.read, "application/vnd.ms-excel.sheet.binary.macroEnabled.12", "data", ".xlsb", version=1),
    _binary("xls", xls.read, "application/vnd.ms-excel", "data", ".xls", ".xlt", version=1),
    _binary("iwork", iwork.read, "application/vnd.apple.iwork", "prose", ".pages", ".numbers", ".key", version=3),
    _binary("parquet", parquet.read, "application/vnd.apache.parquet", "data", ".parquet", version=1),
    _binary("parquet", parquet.read, "application/vnd.apache.arrow.file", "data", ".arrow", ".feather", version=1),
    _binary("sqlite", sqlite.read, "application/vnd.sqlite3", "data", *_DATABASES, version=1),
    _binary("opendocument", opendocument.read, f"{_OPEN}.text", "prose", ".odt", ".odp", ".ott", ".otp", version=5),
    _binary("ods", ods.read, f"{_OPEN}.spreadsheet", "data", ".ods", ".ots"),
    _binary("epub", epub.read, "application/epub+zip", "prose", ".epub", version=6),
    Reader("notebook", 3, notebook.read, "application/x-ipynb+json", "prose", (".ipynb",), isolated=True),
    Reader(
        "json",
        1,
        json_records.read,
        "application/json",
        "code",
        (".json", ".jsonl", ".ndjson", ".jsonc", ".json5"),
        "json",
        isolated=True,
    ),
    Reader(
        "geojson",
        1,
        geojson.read,
        "application/geo+json",
        "data",
        (".geojson", ".geojsonl", ".geojsons"),
        isolated=True,
    ),
    Reader("csv", 3, delimited.read, "text/csv", "data", (".csv",)),
    Reader("csv", 3, delimited.read, "text/tab-separated-values", "data", (".tsv", ".tab")),
    Reader("xml", 4, xml.read, "application/xml", "markup", _XML, isolated=True),
    _marked_up("org", org.read, "text/org", ".org"),
    _marked_up("mediawiki", mediawiki.read, "text/x-wiki", ".wiki", ".mediawiki"),
    _marked_up("tex", tex.read, "text/x-tex", ".tex", ".latex", ".ltx", version=2),
    _marked_up("bibtex", bib.read, "text/x-bibtex", ".bib"),
    _marked_up("man", man.read, "text/troff", ".man", ".roff", ".mdoc"),
    _marked_up("texinfo", texinfo.read, "text/x-texinfo", ".texi", ".texinfo", ".txi"),
    _marked_up("calendar", content_lines.read, "text/calendar", ".ics", ".ical", ".ifb", ".vcs"),
    _marked_up("calendar", content_lines.read, "text/vcard", ".vcf", ".vcard"),
    _marked_up("subtitles", subtitles.read, "application/x-subrip", ".srt"),
    _marked_up("subtitles", subtitles.read, "text/vtt", ".vtt"),
    _binary("warc", warc.read, "application/warc", "markup", ".warc", version=1),
    Reader("rtf", 4, rtf.read, "application/rtf", "prose", (".rtf",), isolated=True),
    Reader("mail", 7, mail.read, "message/rfc822", "prose", (".eml", ".emlx"), isolated=True, binary=True),
    _converted("doc", "application/msword", "prose", ".docx", ".doc", ".dot", read=old_word.read),
    _converted(
        "ppt", "application/vnd.ms-powerpoint", "prose", ".pptx", ".ppt", ".pps", ".pot", read=old_slides.read
    ),
    _converted("letter", "application/vnd.sun.xml.writer", "prose", ".docx", ".sxw", ".stw", ".wps", ".wpd", ".hwp"),
    _converted("slides", "application/vnd.sun.xml.impress", "prose", ".pptx", ".sxi", ".sti"),
    _converted("sheets", "application/vnd.sun.xml.calc", "data", ".xlsx", ".sxc", ".stc", ".wk1", ".wks", ".wb2"),
    _converted("drawing", "application/vnd.visio", "prose", ".pdf", ".vsd", ".vsdx", ".pub", ".sxd", ".cdr"),
    Reader("mht", 2, mht.read, "multipart/related", "markup", (".mht", ".mhtml"), isolated=True, binary=True),
    _binary("msg", msg.read, "application/vnd.ms-outlook", "prose", ".msg", ".oft", version=1),
    Reader(
        "archive",
        1,
        archive.read,
        "application/zip",
        "data",
        archive.SUFFIXES,
        binary=True,
        is_archive=True,
    ),
    *_PICTURES,
    Reader("asciidoc", 2, asciidoc.read, "text/asciidoc", "prose", (".adoc", ".asciidoc", ".asc")),
    *(
        Reader("code", 5, code.read, f"text/x-{name}", "code", suffixes, name, isolated=True, prepare=code.prepare)
        for name, suffixes in code.SUFFIXES.items()
    ),
)

_VERBATIM = {"org", "mediawiki", "markdown", "restructured", "asciidoc", "python", "code", "csv", "json"}
"""The file's own characters are the text, so the plain reader can replace these. Plain HTML would be of no use."""

_SIGNED = {"rtf", "calendar"}
"""Kinds of text whose files always begin in the same way: others are not of this kind."""

_OWN_CHARSETS = {"rtf", "mail", "mht", "warc"}
"""Formats that consist of parts with encodings of their own."""

_RECOGNITION = "ocr/"
RECOGNITION = f"{_RECOGNITION}1"
"""Name and version of text recognition, among the readers of a document; a new version reads scans again."""

_BY_NAME = {reader.name: reader for reader in reversed(READERS)}
_BY_NAME_OF_FILE = {suffix: reader for reader in READERS for suffix in reader.suffixes}
_PICTURE_BY_SUFFIX = {suffix: reader for reader in _PICTURES for suffix in reader.suffixes}
_BY_LANGUAGE = {reader.language: reader for reader in READERS if reader.language}
_EVERY = (*READERS, *_PICTURES, PLAIN, UNKNOWN)


def _reader_at(place: int) -> Reader:
    return _EVERY[place]


def reader_for(path: str, *, pictures: bool = False) -> Reader | None:
    """The reader for a file: by its name, or `UNKNOWN`, for which the content decides; None for kinds without text.

    Files of None are those whose name says that they are binary and of a kind that no reader reads. Pictures are read
    only where their text is recognised, which `pictures` says.
    """
    if pictures and (picture := picture_reader(path)) is not None:
        return picture
    return reader_by_name(path) or (None if is_binary_name(path) else UNKNOWN)


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
    name = binary_format(raw)
    if name:
        is_template = name == "html" and reader.kind == "code"
        is_damaged = name == "archive" and reader.binary and reader is not UNKNOWN  # an Office file without its parts
        return reader if name == reader.name or is_template or is_damaged else _BY_NAME[name]
    is_other = reader.name in _SIGNED or (reader.binary and reader.name not in _OWN_CHARSETS)
    if reader is UNKNOWN or (is_other and is_text(raw)):
        language = code.script_language(raw)
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

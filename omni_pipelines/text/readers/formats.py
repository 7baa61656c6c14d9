"""The formats that are read: the names of their files, and the readers, which are imported when they are used."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers import plain
from omni_pipelines.text.readers.file_names import ARCHIVE_SUFFIXES
from omni_pipelines.text.readers.source_code import code

Read = Callable[[bytes, str], Parsed]
"""(bytes, file name) to a document.

Raises `Unreadable`: E_NO_TEXT if nothing in the file is text, E_PARSE if it is damaged, E_ENCRYPTED, E_DEPTH,
E_OUTPUT_LIMIT, E_TOO_LARGE, or an error of `decode`, `ZipArchive` or `parse_xml`.
"""


@dataclass(frozen=True)
class LazyRead:
    """A `Read` in a module of this folder, imported when it reads its first file: few runs need all of them."""

    module: str
    function: str = "read"

    def load(self) -> Read:
        """Import the module."""
        return cast("Read", getattr(importlib.import_module(f"{__package__}.{self.module}"), self.function))

    def __call__(self, raw: bytes, name: str) -> Parsed:
        """Read a file."""
        return self.load()(raw, name)


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


_at = LazyRead
UNCONVERTED = _at("old_office.unconverted")
"""Refuses a file, because LibreOffice is not there to convert it."""


def _binary(
    name: str, read: Read, media_type: str, kind: str, *suffixes: str, version: int = 2, recognize: Read | None = None
) -> Reader:
    return Reader(name, version, read, media_type, kind, suffixes, isolated=True, binary=True, recognize=recognize)


def _converted(
    name: str,
    media_type: str,
    kind: str,
    converts_to: str,
    *suffixes: str,
    read: Read = UNCONVERTED,
    version: int = 1,
) -> Reader:
    return Reader(
        name, version, read, media_type, kind, suffixes, isolated=True, binary=True, converts_to=converts_to
    )


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
    "text", 5, plain.read, "text/plain", "prose", (".txt", ".text", ".log", "readme", "license", "changelog")
)
UNKNOWN = Reader("unknown", 4, plain.read, "application/octet-stream", "prose", (), binary=True)
"""For files whose name says nothing: their content chooses a reader, which is `PLAIN` for any other text."""

_MARKDOWN = (".md", ".markdown", ".mdx", ".mkd", ".mdown", ".rmd", ".qmd")
_DATABASES = (".sqlite", ".sqlite3", ".db", ".db3", ".gpkg")
PICTURES = tuple(
    _binary(
        "picture",
        _at("picture"),
        f"image/{name}",
        "prose",
        *suffixes,
        version=1,
        recognize=_at("picture", "recognize"),
    )
    for name, *suffixes in (("png", ".png"), ("jpeg", ".jpg", ".jpeg", ".jpe", ".jfif"), ("tiff", ".tif", ".tiff"))
)
READERS = (
    Reader("markdown", 5, _at("markup.markdown"), "text/markdown", "prose", _MARKDOWN),
    Reader("restructured", 4, _at("markup.restructured"), "text/x-rst", "prose", (".rst", ".rest")),
    Reader("html", 14, _at("markup.html"), "text/html", "markup", (".html", ".htm", ".xhtml"), isolated=True),
    Reader("python", 4, _at("source_code.python"), "text/x-python", "code", (".py", ".pyi", ".pyw"), "python"),
    PLAIN,
    _binary("pdf", _at("pdf"), "application/pdf", "prose", ".pdf", version=9, recognize=_at("pdf", "recognize")),
    _binary("docx", _at("office.docx"), f"{_OFFICE}.wordprocessingml.document", "prose", *_WORD, version=5),
    _binary("pptx", _at("office.pptx"), f"{_OFFICE}.presentationml.presentation", "prose", *_SLIDES, version=4),
    _binary(
        "xlsx",
        _at("sheets.xlsx"),
        f"{_OFFICE}.spreadsheetml.sheet",
        "data",
        ".xlsx",
        ".xlsm",
        ".xltx",
        ".xltm",
        version=5,
    ),
    _binary(
        "xlsb",
        _at("sheets.xlsb"),
        "application/vnd.ms-excel.sheet.binary.macroEnabled.12",
        "data",
        ".xlsb",
        version=2,
    ),
    _binary("xls", _at("sheets.xls"), "application/vnd.ms-excel", "data", ".xls", ".xlt", version=2),
    _binary(
        "iwork",
        _at("office.iwork"),
        "application/vnd.apple.iwork",
        "prose",
        ".pages",
        ".numbers",
        ".key",
        version=3,
    ),
    _binary("parquet", _at("records.parquet"), "application/vnd.apache.parquet", "data", ".parquet", version=1),
    _binary(
        "parquet",
        _at("records.parquet"),
        "application/vnd.apache.arrow.file",
        "data",
        ".arrow",
        ".feather",
        version=1,
    ),
    _binary("sqlite", _at("records.sqlite"), "application/vnd.sqlite3", "data", *_DATABASES, version=1),
    _binary(
        "opendocument",
        _at("office.opendocument"),
        f"{_OPEN}.text",
        "prose",
        ".odt",
        ".odp",
        ".ott",
        ".otp",
        ".fodt",
        ".fodp",
        version=7,
    ),
    _binary("ods", _at("sheets.ods"), f"{_OPEN}.spreadsheet", "data", ".ods", ".ots", ".fods", version=3),
    _binary("epub", _at("office.epub"), "application/epub+zip", "prose", ".epub", version=6),
    Reader("notebook", 4, _at("records.notebook"), "application/x-ipynb+json", "prose", (".ipynb",), isolated=True),
    Reader(
        "json",
        3,
        _at("records.json_records"),
        "application/json",
        "code",
        (".json", ".jsonl", ".ndjson", ".jsonc", ".json5"),
        "json",
        isolated=True,
        prepare=code.prepare_json,
    ),
    Reader(
        "geojson",
        1,
        _at("records.geojson"),
        "application/geo+json",
        "data",
        (".geojson", ".geojsonl", ".geojsons"),
        isolated=True,
    ),
    Reader("csv", 5, _at("records.delimited"), "text/csv", "data", (".csv",)),
    Reader("csv", 5, _at("records.delimited"), "text/tab-separated-values", "data", (".tsv", ".tab")),
    Reader("xml", 6, _at("markup.xml"), "application/xml", "markup", _XML, isolated=True),
    _marked_up("org", _at("markup.org"), "text/org", ".org", version=2),
    _marked_up("mediawiki", _at("markup.mediawiki"), "text/x-wiki", ".wiki", ".mediawiki", version=2),
    _marked_up("tex", _at("markup.tex"), "text/x-tex", ".tex", ".latex", ".ltx", version=2),
    _marked_up("bibtex", _at("markup.bib"), "text/x-bibtex", ".bib"),
    _marked_up("man", _at("markup.man"), "text/troff", ".man", ".roff", ".mdoc", version=2),
    _marked_up("texinfo", _at("markup.texinfo"), "text/x-texinfo", ".texi", ".texinfo", ".txi", version=2),
    _marked_up("info", _at("markup.info"), "text/x-info", ".info"),
    _marked_up("vim_help", _at("markup.vim_help"), "text/x-vim-help"),
    _marked_up("calendar", _at("records.content_lines"), "text/calendar", ".ics", ".ical", ".ifb", ".vcs"),
    _marked_up("calendar", _at("records.content_lines"), "text/vcard", ".vcf", ".vcard"),
    _marked_up("subtitles", _at("records.subtitles"), "application/x-subrip", ".srt"),
    _marked_up("subtitles", _at("records.subtitles"), "text/vtt", ".vtt"),
    _binary("warc", _at("records.warc"), "application/warc", "markup", ".warc", version=1),
    Reader("rtf", 5, _at("rtf.rtf"), "application/rtf", "prose", (".rtf",), isolated=True),
    Reader("mail", 8, _at("mails.mail"), "message/rfc822", "prose", (".eml", ".emlx"), isolated=True, binary=True),
    _converted(
        "doc", "application/msword", "prose", ".docx", ".doc", ".dot", read=_at("old_office.old_word"), version=2
    ),
    _converted(
        "ppt",
        "application/vnd.ms-powerpoint",
        "prose",
        ".pptx",
        ".ppt",
        ".pps",
        ".pot",
        read=_at("old_office.old_slides"),
    ),
    _converted("letter", "application/vnd.sun.xml.writer", "prose", ".docx", ".sxw", ".stw", ".wps", ".wpd", ".hwp"),
    _converted("slides", "application/vnd.sun.xml.impress", "prose", ".pptx", ".sxi", ".sti"),
    _converted("sheets", "application/vnd.sun.xml.calc", "data", ".xlsx", ".sxc", ".stc", ".wk1", ".wks", ".wb2"),
    _converted("drawing", "application/vnd.visio", "prose", ".pdf", ".vsd", ".vsdx", ".pub", ".sxd", ".cdr"),
    Reader("mht", 2, _at("mails.mht"), "multipart/related", "markup", (".mht", ".mhtml"), isolated=True, binary=True),
    _binary("msg", _at("mails.msg"), "application/vnd.ms-outlook", "prose", ".msg", ".oft", version=1),
    Reader(
        "archive",
        1,
        _at("archives.archive"),
        "application/zip",
        "data",
        ARCHIVE_SUFFIXES,
        binary=True,
        is_archive=True,
    ),
    *PICTURES,
    Reader("asciidoc", 3, _at("markup.asciidoc"), "text/asciidoc", "prose", (".adoc", ".asciidoc", ".asc")),
    *(
        Reader("code", 7, code.read, f"text/x-{name}", "code", suffixes, name, isolated=True, prepare=code.prepare)
        for name, suffixes in code.SUFFIXES.items()
    ),
)

_EVERY = (*READERS, *PICTURES, PLAIN, UNKNOWN)


def _reader_at(place: int) -> Reader:
    return _EVERY[place]


def load_readers() -> None:
    """Import the modules of all readers: later, this process may not be allowed to."""
    for read in (each for reader in _EVERY for each in (reader.read, reader.recognize)):
        if isinstance(read, LazyRead):
            read.load()

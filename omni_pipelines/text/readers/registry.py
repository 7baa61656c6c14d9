"""Which reader takes which file. To add a format: write a module beside this one and name it here.

A format is a command whose variants read it. Where the text is the file's own, the plain reader stands in for one
that gives up: the document loses its headings, not its sentences. Which one reads depends on the bytes alone, never
on what happened before, so that reading again gives the same rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from omni_pipelines.providers import FALLBACK, PREFERRED, EngineVariant, VariantsFailed
from omni_pipelines.text.decoding import Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers import (
    asciidoc,
    code,
    delimited,
    docx,
    epub,
    html,
    mail,
    markdown,
    notebook,
    opendocument,
    pdf,
    plain,
    pptx,
    python,
    restructured,
    rtf,
    xlsx,
    xml,
)
from omni_pipelines.text.readers.content import format_by_content
from omni_pipelines.variant_registry import VariantRegistry


@dataclass(frozen=True)
class Reader:
    """A format: how its files are called, and the function that reads them."""

    name: str
    version: int
    """Raise it when the output changes: documents read by another version are read again."""
    read: Callable[[bytes, str], Parsed]
    """Bytes and file name to a document. Raises `Unreadable`."""
    media_type: str
    kind: str
    """prose | markup | data | code"""
    suffixes: tuple[str, ...]
    language: str = ""
    """Of code; that of prose is found in each document."""
    isolated: bool = False
    """Its parser is not trusted with hostile files: it runs in a process of its own, with limits."""
    binary: bool = False
    """Files hold more than text: pictures and fonts make them large."""

    @property
    def fingerprint(self) -> str:
        """Name and version."""
        return f"{self.name}/{self.version}"


def _binary(name: str, read: Callable[[bytes, str], Parsed], media_type: str, kind: str, *suffixes: str) -> Reader:
    return Reader(name, 2, read, media_type, kind, suffixes, isolated=True, binary=True)


_OFFICE = "application/vnd.openxmlformats-officedocument"
_OPEN = "application/vnd.oasis.opendocument"
PLAIN = Reader(
    "text", 2, plain.read, "text/plain", "prose", (".txt", ".text", ".log", "readme", "license", "changelog")
)

READERS = (
    Reader("markdown", 3, markdown.read, "text/markdown", "prose", (".md", ".markdown", ".mdx")),
    Reader("restructured", 3, restructured.read, "text/x-rst", "prose", (".rst", ".rest")),
    Reader("html", 5, html.read, "text/html", "markup", (".html", ".htm", ".xhtml"), isolated=True),
    Reader("python", 3, python.read, "text/x-python", "code", (".py", ".pyi", ".pyw"), "python"),
    PLAIN,
    _binary("pdf", pdf.read, "application/pdf", "prose", ".pdf"),
    _binary("docx", docx.read, f"{_OFFICE}.wordprocessingml.document", "prose", ".docx", ".docm"),
    _binary("pptx", pptx.read, f"{_OFFICE}.presentationml.presentation", "prose", ".pptx", ".pptm"),
    _binary("xlsx", xlsx.read, f"{_OFFICE}.spreadsheetml.sheet", "data", ".xlsx", ".xlsm"),
    _binary("opendocument", opendocument.read, f"{_OPEN}.text", "prose", ".odt", ".odp"),
    _binary("opendocument", opendocument.read, f"{_OPEN}.spreadsheet", "data", ".ods"),
    _binary("epub", epub.read, "application/epub+zip", "prose", ".epub"),
    Reader("notebook", 2, notebook.read, "application/x-ipynb+json", "prose", (".ipynb",), isolated=True),
    Reader("csv", 2, delimited.read, "text/csv", "data", (".csv",)),
    Reader("csv", 2, delimited.read, "text/tab-separated-values", "data", (".tsv", ".tab")),
    Reader("xml", 2, xml.read, "application/xml", "markup", (".xml", ".svg", ".dita", ".rss"), isolated=True),
    Reader("rtf", 2, rtf.read, "application/rtf", "prose", (".rtf",), isolated=True),
    Reader("mail", 2, mail.read, "message/rfc822", "prose", (".eml",), isolated=True),
    Reader("asciidoc", 2, asciidoc.read, "text/asciidoc", "prose", (".adoc", ".asciidoc", ".asc")),
    *(
        Reader("code", 3, code.read, f"text/x-{name}", "code", suffixes, name, isolated=True)
        for name, suffixes in code.SUFFIXES.items()
    ),
)

_VERBATIM = {"markdown", "restructured", "asciidoc", "python", "code", "csv"}
"""Their text is the file's own: the plain reader can stand in. A page with its tags would be worse than nothing."""

_BY_NAME = {reader.name: reader for reader in reversed(READERS)}
_BY_SUFFIX = {suffix: reader for reader in READERS for suffix in reader.suffixes}


def reader_for(path: str) -> Reader | None:
    """The reader for a file name; None for what we do not read."""
    name = PurePosixPath(path)
    return _BY_SUFFIX.get(name.suffix.lower() or name.name.lower())


def reader_named(name: str) -> Reader:
    """The reader with a name; of several media types it reads, the first.

    Raises:
        KeyError: there is none.
    """
    return _BY_NAME[name]


def reader_by_content(reader: Reader, raw: bytes) -> Reader:
    """The reader for what the bytes are: `reader`, unless they bear the signature of another format.

    A page of HTML inside source code, such as PHP or a template, is still source code.
    """
    found = format_by_content(raw)
    if not found or found == reader.name or (found == "html" and reader.kind == "code"):
        return reader
    return _BY_NAME[found]


def is_current(parser: str, reader: Reader) -> bool:
    """Whether what `parser` read, as `parser_mark` notes it, would be read the same today."""
    by_name, _, by_content = parser.partition("+")
    return by_name == reader.fingerprint and (not by_content or by_content in fingerprint().split(","))


def parser_mark(reader: Reader, used: Reader) -> str:
    """For the `parser` column: the reader by the file's name, and the one by its content where it is another."""
    return reader.fingerprint if used.name == reader.name else f"{reader.fingerprint}+{used.fingerprint}"


def stand_in(reader: Reader) -> Reader | None:
    """What reads a format when its own parser died; None where the file's bytes are not its text."""
    return PLAIN if reader.name in _VERBATIM else None


def read_document(reader: Reader, raw: bytes, name: str) -> Parsed:
    """A file's bytes and name to a document, by the reader of its format or by the one that stands in for it.

    Raises:
        Unreadable: no reader could; E_READER for what is a reader's fault and not the file's.
        MemoryError: there was not enough for it.
    """
    try:
        # whatever a reader says of one file, its health is not in doubt: the next file must find the same readers
        return _READING.call(
            _command(reader), lambda variant: variant.engine(raw, name), input_errors=(Exception,)
        ).value
    except VariantsFailed as failed:
        if isinstance(failed.last, Unreadable | MemoryError):
            raise failed.last from failed
        if isinstance(failed.last, RecursionError):
            raise Unreadable("E_DEPTH", "too deep inside one another") from failed
        raise Unreadable("E_READER", f"{type(failed.last).__name__}: {failed.last}") from failed


def register_readers(registry: VariantRegistry, readers: Iterable[Reader] = READERS) -> None:
    """The variants that read each format."""
    for reader in readers:
        command = _command(reader)
        registry.register(command, EngineVariant(reader.fingerprint, reader.read, priority=PREFERRED))
        if reader.read is not PLAIN.read and reader.name in _VERBATIM:
            registry.register(command, EngineVariant(PLAIN.fingerprint, PLAIN.read, priority=FALLBACK))


def _command(reader: Reader) -> str:
    return f"read_{reader.name}"


def fingerprint() -> str:
    """All readers and their versions: changes when any of them does."""
    return ",".join(sorted({reader.fingerprint for reader in READERS}))


_READING = VariantRegistry()
register_readers(_READING)

"""Which reader takes which file. To add a format: write a module beside this one and name it here.

A format is a command whose variants read it. Where the text is the file's own, the plain reader stands in for one
that gives up: the document loses its headings, not its sentences. Which one reads depends on the bytes alone, never
on what happened before, so that reading again gives the same rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from omni_pipelines.providers import FALLBACK, PREFERRED, EngineVariant, VariantRegistry, VariantsFailed
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
    isolated: bool = False
    """Its parser is not trusted with hostile files: it runs in a process of its own, with limits."""

    @property
    def fingerprint(self) -> str:
        """Name and version."""
        return f"{self.name}/{self.version}"


_OFFICE = "application/vnd.openxmlformats-officedocument"
_OPEN = "application/vnd.oasis.opendocument"
PLAIN = Reader(
    "text", 1, plain.read, "text/plain", "prose", (".txt", ".text", ".log", "readme", "license", "changelog")
)

READERS = (
    Reader("markdown", 2, markdown.read, "text/markdown", "prose", (".md", ".markdown", ".mdx")),
    Reader("restructured", 2, restructured.read, "text/x-rst", "prose", (".rst", ".rest")),
    Reader("html", 2, html.read, "text/html", "markup", (".html", ".htm", ".xhtml"), isolated=True),
    Reader("python", 2, python.read, "text/x-python", "code", (".py", ".pyi", ".pyw"), "python"),
    PLAIN,
    Reader("pdf", 1, pdf.read, "application/pdf", "prose", (".pdf",), isolated=True),
    Reader("docx", 1, docx.read, f"{_OFFICE}.wordprocessingml.document", "prose", (".docx", ".docm"), isolated=True),
    Reader(
        "pptx", 1, pptx.read, f"{_OFFICE}.presentationml.presentation", "prose", (".pptx", ".pptm"), isolated=True
    ),
    Reader("xlsx", 1, xlsx.read, f"{_OFFICE}.spreadsheetml.sheet", "data", (".xlsx", ".xlsm"), isolated=True),
    Reader("opendocument", 1, opendocument.read, f"{_OPEN}.text", "prose", (".odt", ".odp"), isolated=True),
    Reader("opendocument", 1, opendocument.read, f"{_OPEN}.spreadsheet", "data", (".ods",), isolated=True),
    Reader("epub", 1, epub.read, "application/epub+zip", "prose", (".epub",), isolated=True),
    Reader("notebook", 1, notebook.read, "application/x-ipynb+json", "prose", (".ipynb",), isolated=True),
    Reader("csv", 1, delimited.read, "text/csv", "data", (".csv",)),
    Reader("csv", 1, delimited.read, "text/tab-separated-values", "data", (".tsv", ".tab")),
    Reader("xml", 1, xml.read, "application/xml", "markup", (".xml", ".svg", ".dita", ".rss"), isolated=True),
    Reader("rtf", 1, rtf.read, "application/rtf", "prose", (".rtf",), isolated=True),
    Reader("mail", 1, mail.read, "message/rfc822", "prose", (".eml",), isolated=True),
    Reader("asciidoc", 1, asciidoc.read, "text/asciidoc", "prose", (".adoc", ".asciidoc", ".asc")),
    *(
        Reader("code", 2, code.read, f"text/x-{name}", "code", suffixes, name, isolated=True)
        for name, suffixes in code.SUFFIXES.items()
    ),
)

_VERBATIM = {"markdown", "restructured", "asciidoc", "python", "code", "csv"}
"""Their text is the file's own: the plain reader can stand in. A page with its tags would be worse than nothing."""

_BY_SUFFIX = {suffix: reader for reader in READERS for suffix in reader.suffixes}


def reader_for(path: str) -> Reader | None:
    """The reader for a file name; None for what we do not read."""
    name = PurePosixPath(path)
    return _BY_SUFFIX.get(name.suffix.lower() or name.name.lower())


def read_document(reader: Reader, raw: bytes, name: str) -> Parsed:
    """A file's bytes and name to a document, by the reader of its format or by the one that stands in for it.

    Raises:
        Unreadable: no reader could; E_READER for what is a reader's fault and not the file's.
    """
    try:
        # whatever a reader says of one file, its health is not in doubt: the next file must find the same readers
        return _READING.call(_command(reader), lambda variant: variant.engine(raw, name), declines=(Exception,)).value
    except VariantsFailed as failed:
        if isinstance(failed.last, Unreadable):
            raise failed.last from failed
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

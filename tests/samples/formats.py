"""The table of formats: the names of files from the registry, and what a run over a file of each format gives.

To add a format, add its file to `features` or `text_features`, and a row to `FORMATS`; then `python -m
tests.samples.fidelity` writes the table.
"""

from __future__ import annotations

from dataclasses import dataclass

from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.formats import READERS, UNCONVERTED
from omni_pipelines.text.readers.registry import reader_for
from tests.samples.features import features_of


@dataclass(frozen=True)
class Format:
    """A row: its title, and the file in which its features are."""

    title: str
    file: str
    suffixes: tuple[str, ...] = ()
    """Of the names of its reader, if other rows have the others."""
    is_rest: bool = False
    """Whether it has the names of its reader that no other row has."""


_DOCBOOK = (".docbook", ".dbk", ".dita", ".ditamap", ".tei", ".nxml", ".fb2")
_DRAWINGS = (".svg", ".drawio", ".dio")
_OLD_SLIDES = (".odp", ".otp")
FORMATS = (
    Format("Markdown", "a.md"),
    Format("reStructuredText", "a.rst"),
    Format("AsciiDoc", "a.adoc"),
    Format("plain text, logs, any other text", "a.txt"),
    Format("help files of Vim", "help.txt", (".txt",)),
    Format("Python", "a.py"),
    Format("source code, settings, patches", "a.go", is_rest=True),
    Format("YAML", "a.yaml", (".yaml", ".yml")),
    Format("JSON", "a.json"),
    Format("CSV, TSV", "a.csv"),
    Format("HTML", "a.html"),
    Format("XML", "a.xml", is_rest=True),
    Format("DocBook, DITA, TEI, JATS, FictionBook", "a.docbook", _DOCBOOK),
    Format("drawings", "a.svg", _DRAWINGS),
    Format("outlines", "a.opml", (".opml",)),
    Format("Org", "a.org"),
    Format("MediaWiki", "a.wiki"),
    Format("TeX", "a.tex"),
    Format("BibTeX", "a.bib"),
    Format("pages of manuals", "a.man"),
    Format("Texinfo", "a.texi"),
    Format("Info", "a.info"),
    Format("calendars", "a.ics", (".ics", ".ical", ".ifb", ".vcs")),
    Format("contacts", "a.vcf", (".vcf", ".vcard")),
    Format("subtitles", "a.vtt"),
    Format("web archives", "a.warc"),
    Format("PDF", "a.pdf"),
    Format("Word", "a.docx"),
    Format("PowerPoint", "a.pptx"),
    Format("Excel", "a.xlsx"),
    Format("Excel, binary", "a.xlsb"),
    Format("Excel before 2007", "a.xls"),
    Format("Word before 2007, without LibreOffice", "a.doc"),
    Format("PowerPoint before 2007, without LibreOffice", "a.ppt"),
    Format("GeoJSON", "a.geojson"),
    Format("Pages, Numbers, Keynote", "a.pages"),
    Format("data sets", "a.parquet"),
    Format("SQLite", "a.sqlite"),
    Format("OpenDocument texts", "a.odt", is_rest=True),
    Format("OpenDocument slides", "a.odp", _OLD_SLIDES),
    Format("OpenDocument sheets", "a.ods"),
    Format("EPUB", "a.epub"),
    Format("Jupyter", "a.ipynb"),
    Format("RTF", "a.rtf"),
    Format("e-mail", "a.eml"),
    Format("mails of Outlook", "a.msg"),
    Format("saved pages", "a.mht"),
    Format("archives", "a.zip", is_rest=True),
    Format("mailboxes", "a.mbox", (".mbox", ".mbx")),
)
_CONVERTED = "what LibreOffice makes of them, which must be installed: read as .docx, .pptx, .xlsx or .pdf"
_PICTURES = "text, if text recognition is on"


def formats_table() -> str:
    """The table, as Markdown."""
    lines = ["| format | files | kept | marked | lost | a citation opens at |", "|---" * 6 + "|"]
    for each in FORMATS:
        found = features_of(each.file)
        shown = " | ".join(", ".join(found.outcomes[name]) for name in ("kept", "marked", "lost"))
        lines.append(f"| {each.title} | {_suffixes(each)} | {shown} | {_place(found.parsed)} |")
    pictures = [suffix for reader in READERS if reader.name == "picture" for suffix in reader.suffixes]
    converted = [suffix for reader in READERS if reader.read is UNCONVERTED for suffix in reader.suffixes]
    lines.append(f"| pictures | {' '.join(pictures)} | {_PICTURES} |  | picture | page |")
    lines.append(f"| other Office files | {' '.join(converted)} | {_CONVERTED} |  |  | as in these formats |")
    return "\n".join(lines) + "\n"


def _suffixes(row: Format) -> str:
    reader = reader_for(row.file)
    assert reader is not None
    known = [suffix for each in READERS if each.name == reader.name for suffix in each.suffixes]
    elsewhere = {suffix for each in FORMATS for suffix in each.suffixes} if row.is_rest else set()
    assert set(row.suffixes) <= set(known)
    return " ".join(suffix for suffix in row.suffixes or known if suffix.startswith(".") and suffix not in elsewhere)


def _place(parsed: Parsed) -> str:
    if parsed.page_marks:
        return "page"
    return "line" if parsed.verbatim or parsed.line_marks else "line of the text"

"""What each reader keeps, marks and loses: a file of each rich format with the features that its reader is asked for.

A feature is a word of its own in the file: `word("hidden text")`. It is kept if the reader returns the word in the
text, the title, a heading or a document of its own; marked if the line of the word says what it is, such as "Comment
by Lea: …"; otherwise it is lost. To add a format, write its file and add it to `FILES`; see `formats`.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.archives.archive import open_archive
from omni_pipelines.text.readers.archives.entries import ArchiveLimits
from omni_pipelines.text.readers.registry import reader_by_content, reader_for
from tests.samples import office, sheets, text_features
from tests.samples.office import word_paragraph as p
from tests.samples.pdf import drawn, page_content

Word = Callable[[str], str]
_LABEL = re.compile(r"(?:^|[\[(])[A-Z][\w ]*: [^:]*$")
"""What a reader writes before the text of a comment, a header or a slide that is hidden."""


@dataclass(frozen=True)
class Features:
    """What became of the features of a file."""

    parsed: Parsed
    outcomes: dict[str, list[str]]
    """The features by outcome: kept, marked, lost."""


def features_of(name: str) -> Features:
    """Read the file of a format, and look for its features."""
    codes: dict[str, str] = {}

    def word(feature: str) -> str:
        return codes.setdefault(feature, "Probe" + re.sub(r"\W", "", feature.title()))

    raw = FILES[name](word)
    reader = reader_for(name)
    assert reader is not None
    reader = reader_by_content(reader, raw)
    parsed = reader.read(raw, name)
    headings = (heading for section in parsed.sections for heading in section.path)
    inside = [file.raw.decode() for file in parsed.embedded] + (
        list(_entries(raw, name)) if reader.is_archive else []
    )
    elsewhere = "\n".join([parsed.title, *headings, *inside])
    found: dict[str, list[str]] = {"kept": [], "marked": [], "lost": []}
    for feature, code in codes.items():
        found[_outcome(re.compile(rf"{code}(?!\w)"), parsed.text, elsewhere)].append(feature)
    return Features(parsed, found)


def _entries(raw: bytes, name: str) -> Iterator[str]:
    """The files in an archive, which are documents of their own."""
    with open_archive(io.BytesIO(raw), name, ArchiveLimits()) as archive:
        for entry in archive.entries:
            with entry.open() as file:
                yield file.read().decode()


def _outcome(code: re.Pattern[str], text: str, elsewhere: str) -> str:
    at = code.search(text)
    if at is None:
        return "kept" if code.search(elsewhere) else "lost"
    return "marked" if _LABEL.search(text[text.rfind("\n", 0, at.start()) + 1 : at.start()]) else "kept"


def _run(text: str, properties: str = "") -> str:
    return f"<w:r><w:rPr>{properties}</w:rPr><w:t>{text}</w:t></w:r>"


def _docx(word: Word) -> bytes:
    relations = {
        "h": ("header", "h.xml"), "f": ("footer", "f.xml"), "c": ("chart", "c.xml"), "a": ("aFChunk", "a.html"),
        "n": ("footnotes", "footnotes.xml"), "m": ("comments", "comments.xml"),
    }  # fmt: skip
    box = f"<w:txbxContent>{p(word('text box'))}</w:txbxContent>"
    deleted = f"<w:del><w:r><w:delText>{word('deleted text')}</w:delText></w:r></w:del>"
    picture = f"<w:r><w:drawing><wp:docPr xmlns:wp='wp' id='1' name='x' descr='{word('description of a picture')}'/>"
    body = (
        p(word("heading"), level=1)
        + p(word("paragraph"))
        + p(word("list item"), item=True)
        + office.word_table([[word("table cell"), "b"]])
        + f"<w:p>{_run(word('hidden text'), '<w:vanish/>')}{deleted}</w:p>"
        + f"<w:p><w:ins>{_run(word('inserted text'))}</w:ins></w:p>"
        + "<w:p><w:r><w:footnoteReference w:id='2'/></w:r><w:r><w:commentReference w:id='0'/></w:r></w:p>"
        + f"<w:p><w:r>{box}</w:r></w:p><w:p>{picture}</w:drawing></w:r></w:p>"
        + f"<w:p><m:oMath><m:r><m:t>{word('formula')}</m:t></m:r></m:oMath></w:p>"
        + "<w:p><w:r><w:drawing><c:chart xmlns:c='c' r:id='c'/></w:drawing></w:r></w:p><w:altChunk r:id='a'/>"
    )
    note = f"<w:footnote w:id='2'>{p(word('footnote'))}</w:footnote>"
    comment = f"<w:comment w:id='0' w:author='Lea'>{p(word('comment'))}</w:comment>"
    parts = {
        "word/_rels/document.xml.rels": office.relations(relations),
        "word/h.xml": office.word_part("hdr", p(word("header"))),
        "word/f.xml": office.word_part("ftr", p(word("footer"))),
        "word/c.xml": office.chart(word("title of a chart"), {word("series of a chart"): [("a", 7)]}),
        "word/a.html": f"<p>{word('inserted file')}</p>",
        "word/footnotes.xml": office.word_part("footnotes", note),
        "word/comments.xml": office.word_part("comments", comment),
    }
    return office.docx(body, parts=parts)


def _pptx(word: Word) -> bytes:
    return office.pptx([(word("title"), [word("text")]), ("Second", ["."])], notes={1: word("notes")})


def _xlsx(word: Word) -> bytes:
    rows = sheets.text_cells(1, word("cell"), "b")
    hidden = sheets.text_cells(2, word("hidden row"), attributes="hidden='1'")
    formula = f"<row r='3'><c r='A3' t='str'><f>{word('formula')}()</f><v>{word('value of a formula')}</v></c></row>"
    bare = f"<row r='4'><c r='A4'><f>{word('formula without a value')}()</f></c></row>"
    header = f"<headerFooter><oddHeader>&amp;C{word('page header')}</oddHeader></headerFooter>"
    return sheets.workbook(rows + hidden + formula + bare, after=header)


def _odt(word: Word) -> bytes:
    inside = f"<text:note-body><text:p>{word('footnote')}</text:p></text:note-body>"
    note = f"<text:note text:note-class='footnote'>{inside}</text:note>"
    annotation = f"<office:annotation><text:p>{word('comment')}</text:p></office:annotation>"
    math = f"<m:math xmlns:m='urn:m'><m:mi>{word('formula')}</m:mi></m:math>"
    deleted = f"<text:tracked-changes><text:deletion><text:p>{word('deleted text')}</text:p></text:deletion>"
    body = (
        f"{deleted}</text:tracked-changes><text:h text:outline-level='1'>{word('heading')}</text:h>"
        f"<text:p>{word('paragraph')}{note}{annotation}</text:p>"
        f"<text:list><text:list-item><text:p>{word('list item')}</text:p></text:list-item></text:list>"
        f"<table:table><table:table-row><table:table-cell><text:p>{word('table cell')}</text:p></table:table-cell>"
        "</table:table-row></table:table>"
        f"<text:p><draw:frame><draw:text-box><text:p>{word('text box')}</text:p></draw:text-box></draw:frame>"
        f"<draw:frame><draw:object>{math}</draw:object></draw:frame>"
        f"<text:hidden-text text:string-value='{word('hidden text')}'/></text:p>"
    )
    return office.opendocument(body)


def _html(word: Word) -> bytes:
    return (
        f"<html><head><title>{word('title of the page')}</title><style>.x{{display:none}}</style>"
        f"<script>{word('script')}</script></head><body><h1>{word('heading')}</h1><p>{word('paragraph')}</p>"
        f"<ul><li>{word('list item')}</ul><table><tr><td>{word('table cell')}<td>b</table><pre>{word('code')}</pre>"
        f"<p hidden>{word('hidden element')}</p><p class=x>{word('hidden by a style')}</p><!-- {word('comment')} -->"
        f"<img alt='{word('description of a picture')}'><form><input value='{word('form field')}'></form>"
        f"<details><summary>s</summary>{word('folded details')}</details><noscript>{word('noscript')}</noscript>"
        f"<a href='/{word('link target')}'>{word('link')}</a><svg><text>{word('text of a drawing')}</text></svg>"
    ).encode()


def _rtf(word: Word) -> bytes:
    return (
        rf"{{\rtf1\ansi {{\header {word('header')}}}{{\footer {word('footer')}}}"
        rf"\pard\outlinelevel0 {word('heading')}\par"
        rf"\pard {word('paragraph')}{{\v {word('hidden text')}}}{{\deleted {word('deleted text')}}}"
        rf"{{\footnote {word('footnote')}}}{{\*\annotation {word('comment')}}}\par"
        rf"\trowd\cellx100\cellx200 {word('table cell')}\cell b\cell\row}}"
    ).encode()


def _epub(word: Word) -> bytes:
    chapter = (
        f"<h1>{word('heading')}</h1><p>{word('paragraph')}</p><table><tr><td>{word('table cell')}</td></tr></table>"
        f"<p><ruby>x<rt>{word('reading above a character')}</rt></ruby></p>"
        f"<img alt='{word('description of a picture')}'/>"
    )
    return office.epub([chapter], title=word("title"))


def _mail(word: Word) -> bytes:
    part = "--b\r\nContent-Type: text/plain{}\r\n\r\n{}\r\n"
    attached = f"; name=a.txt\r\nContent-Disposition: attachment; filename={word('name of an attachment')}.txt"
    return (
        f"From: {word('sender')} <a@example.org>\r\nTo: {word('receiver')} <b@example.org>\r\n"
        f"Subject: {word('subject')}\r\nX-Mailer: {word('other header')}\r\n"
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        + part.format("", word("text"))
        + part.format(attached, word("text of an attachment"))
        + "--b--\r\n"
    ).encode()


def _notebook(word: Word) -> bytes:
    stream = {"output_type": "stream", "name": "stdout", "text": [word("output")]}
    error = {"output_type": "error", "ename": word("error"), "evalue": "", "traceback": []}
    picture = {"output_type": "display_data", "data": {"image/png": word("picture")}, "metadata": {}}
    code = {"cell_type": "code", "metadata": {}, "source": [word("code")], "outputs": [stream, error, picture]}
    text = {"cell_type": "markdown", "metadata": {}, "source": ["# " + word("heading")]}
    return json.dumps({"cells": [text, code], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


def _pdf(word: Word) -> bytes:
    shown = {
        "Widget/FT/Tx/T(name)/V": "form field",
        "FreeText/Contents": "text box",
        "Text/T(Ada)/Contents": "note",
        "Highlight/Contents": "comment",
        "Text/F 2/Contents": "hidden note",
    }
    notes = [
        f"<</Type/Annot/Subtype/{kind}({word(feature)})/Rect[72 600 300 620]>>".encode()
        for kind, feature in shown.items()
    ]
    references = b" ".join(b"%d 0 R" % (5 + at) for at in range(len(notes)))
    page, catalog = b"/Annots[%s]" % references, b"/AcroForm<</Fields[5 0 R]>>"
    return drawn(page_content([word("text")]), page=page, catalog=catalog, more=notes)


def _xml(word: Word) -> bytes:
    return (
        f"<!DOCTYPE r [<!ENTITY e '{word('internal entity')}'>]><r a='{word('attribute')}'><!-- {word('comment')} -->"
        f"<p>{word('text')} &e;</p><![CDATA[{word('character data')}]]></r>"
    ).encode()


def _markdown(word: Word) -> bytes:
    return (
        f"---\ntitle: {word('title of front matter')}\ntags: [{word('tag')}]\n---\n# {word('heading')}\n\n"
        f"{word('paragraph')} [{word('link')}]({word('link target')}) <!-- {word('comment')} -->\n\n"
        f"```\n{word('code')}\n```\n"
    ).encode()


def _ods(word: Word) -> bytes:
    def row(text: str, attributes: str = "") -> str:
        return f"<table:table-row {attributes}><table:table-cell>{text}</table:table-cell></table:table-row>"

    comment = f"<office:annotation><text:p>{word('comment')}</text:p></office:annotation>"
    cells = row(f"<text:p>{word('cell')}</text:p>{comment}")
    return sheets.ods(cells + row(f"<text:p>{word('hidden row')}</text:p>", "table:visibility='collapse'"))


FILES: Mapping[str, Callable[[Word], bytes]] = {
    **text_features.FILES,
    "a.md": _markdown,
    "a.docx": _docx,
    "a.pptx": _pptx,
    "a.xlsx": _xlsx,
    "a.odt": _odt,
    "a.ods": _ods,
    "a.rtf": _rtf,
    "a.pdf": _pdf,
    "a.html": _html,
    "a.xml": _xml,
    "a.epub": _epub,
    "a.eml": _mail,
    "a.ipynb": _notebook,
}

"""Two neighbours of each runnable case of a user that is about one file, beside those in `neighbours`.

`kind` is the name of the case. Cases about folders and searches are in the tests of sources and of the librarian.
"""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Mapping

from tests.samples.neighbours import Neighbour
from tests.samples.office import HEADER, archive, docx, epub, opendocument, relations, word_part, xlsx
from tests.samples.office import word_paragraph as p
from tests.samples.pdf import drawn, page_content
from tests.samples.sheets import number_cell, ods, old_workbook, workbook


def _rtf(body: str) -> bytes:
    return b"{\\rtf1\\ansi\\ansicpg1252 " + body.encode("latin-1") + b"}"


def _hex(text: str, codec: str) -> str:
    return "".join(f"\\'{byte:02x}" for byte in text.encode(codec))


def _mail(head: str, body: bytes) -> bytes:
    return f"From: a@example.org\nSubject: Outer\nMIME-Version: 1.0\n{head}\n\n".encode() + body


def _with_parts(raw: bytes, names: Mapping[str, str], parts: Mapping[str, str]) -> bytes:
    """An Office file with other names for its parts, and further parts."""
    with zipfile.ZipFile(io.BytesIO(raw)) as file:
        return archive({names.get(name, name): file.read(name) for name in file.namelist()} | dict(parts))


def _without_part(raw: bytes, name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(raw)) as file:
        return archive({each: file.read(each) for each in file.namelist() if each != name})


def _style(name: str, based_on: str, properties: str = "") -> str:
    return (
        f'<w:style w:type="paragraph" w:styleId="{name}"><w:name w:val="Firm {name}"/>'
        f'<w:basedOn w:val="{based_on}"/><w:pPr>{properties}</w:pPr></w:style>'
    )


def _styled(text: str, style: str) -> str:
    return f'<w:p><w:pPr><w:pStyle w:val="{style}"/></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>'


def _notebook(*outputs: object) -> bytes:
    cell = {"cell_type": "code", "metadata": {}, "source": "x", "outputs": outputs}
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}).encode()


def _cell(value: object, kind: str = "float", repeated: int = 1) -> str:
    return (
        f'<table:table-cell table:number-columns-repeated="{repeated}" office:value-type="{kind}" '
        f'office:value="{value}"><text:p>{value}</text:p></table:table-cell>'
    )


_WAREHOUSE = "Склад у причала открыт каждый день с восьми часов. "
_BOOK = epub(["<p>Kept tale.</p>", "<p>Second tale.</p>", "<p>Last tale.</p>"], title="Book")
_INNER = b"From: Inner Sender <i@example.org>\nSubject: Inner keel\n\nInner body\n"
_REPORT = (
    b"--b\nContent-Type: text/plain\n\nfailed\n--b\nContent-Type: message/delivery-status\n\n"
    b"Reporting-MTA: dns; mx.example.org\n\nFinal-Recipient: rfc822; z@example.org\nStatus: 5.1.1\n--b--\n"
)
_REPEATED = f'<table:table-row table:number-rows-repeated="2">{_cell("Merle", "string")}{_cell(4, repeated=2)}'
_ODF = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "text", "style")
)
_FIRM = (
    f'<office:document {_ODF} office:mimetype="application/vnd.oasis.opendocument.text"><office:styles>'
    '<style:style style:name="Heading_20_1" style:default-outline-level="1"/></office:styles>'
    '<office:automatic-styles><style:style style:name="P1" style:parent-style-name="Heading_20_1"/>'
    '<style:style style:name="P2" style:parent-style-name="Heading_20_1" style:default-outline-level=""/>'
    '</office:automatic-styles><office:body><office:text><text:p text:style-name="P1">Firm head</text:p>'
    '<text:p text:style-name="P2">body</text:p></office:text></office:body></office:document>'
)
_PICTURE = base64.b64encode(bytes(range(256)) * 120).decode()

FILE_CASES = [
    Neighbour(
        "02-xhtml-encoding-declaration",
        "blanks.xhtml",
        f"<?xml version = '1.0' encoding = 'koi8-r' ?>\n<html><body><p>{_WAREHOUSE}</body></html>".encode("koi8-r"),
        ("Склад",),
    ),
    Neighbour(
        "02-xhtml-encoding-declaration",
        "wrong.html",
        f"<?xml version='1.0' encoding='utf-8'?>\n<html><body><p>{_WAREHOUSE}</body></html>".encode("cp1251"),
        ("Склад",),
    ),
    Neighbour(
        "03-json-unicode-escapes",
        "service.log",
        b'2026-01-02 INFO {"place": "W\\u00f6rthsee"}\n'
        b'2026-01-02 WARN {"place": "\\u041f\\u0440\\u0438\\u043b\\u0438\\u0432"}\n',
        ("Wörthsee", "Прилив"),
        ("\\u",),
    ),
    Neighbour(
        "03-json-unicode-escapes",
        "pairs.geojson",
        b'{"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": null, '
        b'"properties": {"n\\u00e4me": "S\\u00fcdufer \\ud83d\\ude00"}}]}',
        ("näme", "Südufer 😀"),
    ),
    Neighbour(
        "04-mail-without-charset",
        "page.eml",
        _mail("Content-Type: text/html", "<p>Die Fähre fährt für alle am Südkai.".encode("cp1252")),
        ("Fähre", "Südkai"),
    ),
    Neighbour(
        "04-mail-without-charset",
        "japanese.eml",
        _mail("Content-Type: text/plain; charset=us-ascii", "港の灯台".encode("iso2022_jp")),
        ("港の灯台",),
    ),
    Neighbour(
        "06-mail-charset-names",
        "arabic.eml",
        _mail("Content-Type: text/plain; charset=iso-8859-6-i", "مرحبا".encode("iso8859_6")),
        ("مرحبا",),
    ),
    Neighbour(
        "06-mail-charset-names",
        "chinese.eml",
        _mail("Content-Type: text/plain; charset=GB_2312-80", "朱镕".encode("gb18030")),
        ("朱镕",),
    ),
    Neighbour(
        "06-mail-charset-names",
        "wide.eml",
        _mail(
            "Content-Type: text/plain; charset=utf-16le\nContent-Transfer-Encoding: base64",
            base64.b64encode("Größe".encode("utf-16-le")),
        ),
        ("Größe",),
    ),
    Neighbour(
        "07-rtf-font-charset",
        "default.rtf",
        b"{\\rtf1\\ansi\\ansicpg1252\\deff1{\\fonttbl{\\f0\\fcharset0 A;}{\\f1\\fcharset204 B;}}"
        + _hex("Склад", "cp1251").encode()
        + b"}",
        ("Склад",),
    ),
    Neighbour(
        "07-rtf-font-charset",
        "two.rtf",
        _rtf(
            r"{\fonttbl{\f0\fcharset177 A;}{\f1\fcharset162 B;}}{\f0 "
            + _hex("המחסן", "cp1255")
            + r"} \f1 "
            + _hex("şğı", "cp1254")
        ),
        ("המחסן", "şğı"),
    ),
    Neighbour(
        "09-xlsx-durations",
        "old.xls",
        old_workbook([["turn", (1.25, 1)], ["sum", (49 / 24, 2)]], ["[h]:mm:ss", "[hh]:mm"]),
        ("turn | 30:00:00", "sum | 49:00:00"),
        ("1900", "1899"),
    ),
    Neighbour(
        "09-xlsx-durations", "minus.xlsx", workbook(number_cell(-0.25, 1), ["[h]:mm"]), ("-6:00:00",), ("1899",)
    ),
    Neighbour(
        "09-xlsx-durations",
        "days.xlsx",
        workbook(number_cell(2.5, 1), ['d "days" h:mm']),
        ("2 days 12:00:00",),
        ("1900",),
    ),
    Neighbour(
        "10-docx-main-part-name",
        "book.xlsx",
        _with_parts(
            xlsx({"Boats": [["slipway", "north"]]}),
            {
                "xl/workbook.xml": "xl/workbook2.xml",
                "xl/_rels/workbook.xml.rels": "xl/_rels/workbook2.xml.rels",
            },
            {"_rels/.rels": relations({"a": ("officeDocument", "xl/workbook2.xml")})},
        ),
        ("slipway | north",),
    ),
    Neighbour(
        "10-docx-main-part-name",
        "moved.docx",
        _with_parts(
            docx(p("slipway")),
            {"word/document.xml": "story/my text.xml"},
            {"_rels/.rels": relations({"a": ("officeDocument", "/story/my%20text.xml")})},
        ),
        ("slipway",),
    ),
    Neighbour(
        "12-epub-one-bad-chapter",
        "damaged.epub",
        _with_parts(_BOOK, {}, {"OEBPS/text/c2.xhtml": "\0\1\2" * 999}),
        ("Kept tale", "Last tale"),
    ),
    Neighbour(
        "12-epub-one-bad-chapter",
        "no-order.epub",
        _without_part(_BOOK, "META-INF/container.xml"),
        ("Kept tale", "Second tale", "Last tale"),
    ),
    Neighbour(
        "12-epub-one-bad-chapter",
        "book.fb2",
        b"<?xml version='1.0'?><FictionBook><body><section><p>Kept tale.</p></section>"
        b"<section><p>Lost & gone.</p></section></body></FictionBook>",
        ("Kept tale",),
    ),
    Neighbour(
        "14-pdf-word-broken-at-line-end",
        "letters.pdf",
        drawn(page_content(["The X-", "ray of the moor-", "ings, and https://example.org/a-", "b"])),
        ("X-ray", "moorings", "https://example.org/a-b"),
    ),
    Neighbour(
        "14-pdf-word-broken-at-line-end",
        "german.pdf",
        drawn(page_content(["Die Hafenverwal-", "tung hat Haupt- und", "Neben-", "kosten."])),
        ("Hafenverwaltung", "Haupt- und", "Nebenkosten"),
    ),
    Neighbour(
        "15-notebook-results",
        "data.ipynb",
        _notebook({"output_type": "execute_result", "data": {"application/json": {"anchor": ["capstan"]}}}),
        ("anchor", "capstan"),
    ),
    Neighbour(
        "15-notebook-results",
        "terminal.ipynb",
        _notebook(
            {
                "output_type": "error",
                "ename": "ValueError",
                "evalue": "",
                "traceback": ["\x1b[31mwinch\x1b(B\x1b[m is stuck"],
            }
        ),
        ("ValueError", "winch is stuck"),
        ("\x1b", "(B"),
    ),
    Neighbour(
        "26-html-not-displayed",
        "rules.html",
        b"<style>@media screen{.a{display:none}} #b{visibility:hidden}</style>"
        b"<p>seen<p class=a>away<p id=b>gone<p style='DISPLAY : /**/none !important'>lost",
        ("seen",),
        ("away", "gone", "lost"),
    ),
    Neighbour(
        "26-html-not-displayed",
        "chapter.epub",
        epub(["<p>seen</p><div style='display:none'><p style='display:block'>away</p></div>"], title="B"),
        ("seen",),
        ("away",),
    ),
    Neighbour(
        "26-html-not-displayed",
        "drawing.svg",
        b"<svg xmlns='http://www.w3.org/2000/svg'><text>seen</text><text style='display:none'>away</text>"
        b"<g visibility='hidden'><text>gone</text></g><text>again</text></svg>",
        ("seen", "again"),
        ("away", "gone"),
    ),
    Neighbour(
        "27-xlsx-escapes-and-cells",
        "order.xlsx",
        workbook('<row r="1"><c r="c1"><v>3</v></c><c r="a1"><v>1</v></c></row>'),
        ("1 |  | 3",),
    ),
    Neighbour(
        "27-xlsx-escapes-and-cells",
        "comment.xlsx",
        workbook(
            number_cell(7).replace("<c ", '<c r="A1" '),
            parts={
                "xl/worksheets/_rels/sheet1.xml.rels": relations({"c": ("comments", "../comments1.xml")}),
                "xl/comments1.xml": f"{HEADER}<comments><commentList><comment ref='A1'><text><t>one_x000D_two</t>"
                "</text></comment></commentList></comments>",
            },
        ),
        ("one two",),
        ("_x000D_",),
    ),
    Neighbour(
        "28-forwarded-mail",
        "global.eml",
        _mail("Content-Type: message/global", _INNER),
        ("Inner Sender", "Inner keel", "Inner body"),
    ),
    Neighbour(
        "28-forwarded-mail",
        "encoded.eml",
        _mail("Content-Type: message/rfc822\nContent-Transfer-Encoding: base64", base64.encodebytes(_INNER)),
        ("Inner Sender", "Inner keel", "Inner body"),
    ),
    Neighbour(
        "28-forwarded-mail",
        "report.eml",
        _mail('Content-Type: multipart/report; boundary="b"', _REPORT),
        ("failed", "z@example.org", "5.1.1"),
    ),
    Neighbour(
        "29-ods-repeated-cells",
        "gap.ods",
        ods(
            f"<table:table-row>{_cell('Merle', 'string')}"
            f'<table:table-cell table:number-columns-repeated="3"/>{_cell(4)}</table:table-row>'
        ),
        ("Merle |  |  |  | 4",),
    ),
    Neighbour(
        "29-ods-repeated-cells",
        "table.odt",
        opendocument(f'<table:table table:name="T">{_REPEATED}</table:table-row></table:table>'),
        ("Merle | 4 | 4\nMerle | 4 | 4",),
    ),
]

HEADINGS = [
    (
        "11-docx-inherited-heading",
        "two.docx",
        docx(
            _styled("Corporate", "C") + p("body"),
            parts={"word/styles.xml": word_part("styles", _style("B", "Heading1") + _style("C", "B"))},
        ),
        "Corporate",
        [("Corporate",)],
    ),
    (
        "11-docx-inherited-heading",
        "none.docx",
        docx(
            _styled("No heading", "C") + p("body"),
            parts={
                "word/styles.xml": word_part(
                    "styles",
                    '<w:style w:type="paragraph" w:styleId="H1"><w:name w:val="heading 1"/></w:style>'
                    + _style("C", "H1", '<w:outlineLvl w:val="9"/>'),
                )
            },
        ),
        "none.docx",
        [],
    ),
    (
        "11-docx-inherited-heading",
        "firm.rtf",
        rb"{\rtf1\ansi{\stylesheet{\s0 Normal;}{\s1\sbasedon0 heading 1;}{\s2\sbasedon1 Firm;}}"
        rb"\pard\s2 Firm head\par\pard\s0 body\par}",
        "Firm head",
        [("Firm head",)],
    ),
    (
        "11-docx-inherited-heading",
        "firm.fodt",
        _FIRM.encode(),
        "Firm head",
        [("Firm head",)],
    ),
    (
        "16-front-matter",
        "quarto.qmd",
        b'---\ntitle: "Harbour rules"\nowner: ops\nformat:\n  html: default\n---\n\n# Rules\n',
        "Harbour rules",
        [("Rules",)],
    ),
    (
        "16-front-matter",
        "page.html",
        b"---\ntitle: Harbour law\nowner: ops\n---\n<h1>Law</h1><p>text</p>",
        "Harbour law",
        [("Law",)],
    ),
]
"""Case, file, its title, and the headings of its sections."""

PICTURES = [
    ("linked.md", f"# Pic\n\nBefore. ![x][1] After.\n\n[1]: <data:image/jpeg;base64,{_PICTURE}>\n".encode()),
    ("page.html", f"<p>Before. <img src='data:image/svg+xml;base64,{_PICTURE}'> After.".encode()),
]
"""Two sentences around a picture."""

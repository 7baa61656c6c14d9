"""Files of the kinds that readers once got wrong: for most kinds two neighbours of the file that showed it.

A row says which words the reader returns, and which it must not return, or the code of the refusal.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from tests.samples.office import docx, opendocument, relations, word_part, word_table
from tests.samples.office import word_paragraph as p
from tests.samples.ole import ole
from tests.samples.pdf import drawn, page_content
from tests.samples.sheets import number_cell, ods, text_cells, workbook


@dataclass(frozen=True)
class Neighbour:
    """A file, and what its reader must give."""

    kind: str
    """The file of the kind that was found first, as in its collection."""
    name: str
    raw: bytes
    kept: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    code: str = ""
    """The refusal, instead of a text."""
    header: str = ""
    """The column names that each chunk of its table has. The rows begin with "Valve"."""


RUSSIAN = "Гарантия на насос составляет два года. Фильтр меняют каждые шесть месяцев, а масло раз в год.\n" * 3
GREEK = "Η εγγύηση της αντλίας είναι δύο χρόνια. Το φίλτρο αλλάζει κάθε έξι μήνες και το λάδι μία φορά.\n" * 3
CHINESE = "水泵的保修期为两年。过滤器每六个月更换一次，机油每年更换一次。请联系服务中心。\n" * 3
JAPANESE = "ポンプの保証期間は二年です。フィルターは六か月ごとに交換してください。油は毎年です。\n" * 3
KOREAN = "펌프의 보증 기간은 이 년입니다. 필터는 여섯 달마다 교체하고 기름은 해마다 교체합니다.\n" * 3


def _run(text: str, properties: str = "") -> str:
    return f'<w:p><w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r></w:p>'


def _rtf(body: str) -> bytes:
    return b"{\\rtf1\\ansi\\ansicpg1252 " + body.encode("latin-1") + b"}"


def _math(inside: str) -> bytes:
    return docx(f"<w:p><m:oMath>{inside}</m:oMath></w:p>")


def _m(text: str) -> str:
    return f"<m:r><m:t>{text}</m:t></m:r>"


def _mail(head: str, body: bytes) -> bytes:
    return f"From: a@example.org\nTo: b@example.org\nSubject: S\n{head}\n\n".encode() + body


def _with_attachment(kind: bytes, content: bytes) -> bytes:
    parts = b"--b\nContent-Type: text/plain\n\nbody\n--b\nContent-Type: " + kind + b"\n\n" + content + b"\n--b--\n"
    return _mail('MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="b"', parts)


def _odt_table(inside: str) -> str:
    row = f"<table:table-row><table:table-cell>{inside}</table:table-cell></table:table-row>"
    return f"<table:table>{row}</table:table>"


def _chunk(part: str) -> dict[str, str]:
    return {"word/_rels/document.xml.rels": relations({"a": ("aFChunk", part)})}


def _merged(cells: str) -> str:
    return f"<w:tbl>{cells}</w:tbl>"


def _cell(text: str, merge: str = "") -> str:
    return f"<w:tc><w:tcPr>{merge}</w:tcPr>{p(text)}</w:tc>"


_MANIFEST = 'xmlns:m="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"'
_WIDE = '<w:gridSpan w:val="2"/>'
_START, _GOES_ON = '<w:vMerge w:val="restart"/>', "<w:vMerge/>"
_BOX = (
    "<w:p><w:r><mc:AlternateContent xmlns:mc='http://schemas.openxmlformats.org/markup-compatibility/2006'>"
    "<mc:{0} Requires='wps'><w:txbxContent><w:p><w:r><w:t>boxed</w:t></w:r></w:p></w:txbxContent></mc:{0}>"
    "<mc:Fallback><w:pict><w:txbxContent><w:p><w:r><w:t>boxed</w:t></w:r></w:p></w:txbxContent></w:pict>"
    "</mc:Fallback></mc:AlternateContent></w:r></w:p>"
)

NEIGHBOURS = [
    # texts in an encoding that nobody declares
    Neighbour("cp1251.txt", "koi8.txt", RUSSIAN.encode("koi8-r"), ("Гарантия",)),
    Neighbour("cp1251.txt", "dos.txt", RUSSIAN.encode("cp866"), ("Фильтр",)),
    Neighbour("cp1251.txt", "greek.txt", GREEK.encode("cp1253"), ("εγγύηση",)),
    Neighbour("cp1251.csv", "koi8.csv", "товар;цена\nнасос;12\nфильтр для масла;7\n".encode("cp1251"), ("насос",)),
    Neighbour("cp1251.csv", "greek.csv", GREEK.replace(". ", ";").encode("cp1253"), ("αντλίας",)),
    Neighbour(
        "gbk.txt",
        "big5.txt",
        "水泵的保固期為兩年。過濾器每六個月更換一次，機油每年更換一次。".encode("big5"),
        ("保固期",),
    ),
    Neighbour("gbk.txt", "gb18030.txt", CHINESE.encode("gb18030"), ("过滤器",)),
    Neighbour("shift-jis.txt", "euc.txt", JAPANESE.encode("euc-jp"), ("保証期間",)),
    Neighbour("shift-jis.txt", "korean.txt", KOREAN.encode("cp949"), ("보증",)),
    Neighbour("utf16le-no-bom.txt", "be.txt", "Pump notes, first line\n".encode("utf-16-be") * 5, ("Pump notes",)),
    Neighbour("utf16le-no-bom.txt", "utf32.txt", "Pump notes, first line\n".encode("utf-32-le") * 5, ("Pump notes",)),
    Neighbour("nul-byte.log", "end.log", b"one line of a log\n" * 90 + b"\0" * 400, ("one line",)),
    Neighbour("nul-byte.log", "between.log", b"first line\n" * 60 + b"\0\0\0" + b"last line\n" * 60, ("last line",)),
    Neighbour("one-bad-byte.log", "two.log", b"line caf\xc3\xa9\n" * 90 + b"\xff and \xfe\n", ("café", "and")),
    Neighbour("one-bad-byte.log", "cut.log", "line café\n".encode() * 90 + b"caf\xc3", ("café",)),
    # declared encodings
    Neighbour(
        "show-ru-1251.html", "koi8.html", b"<meta charset=koi8-r><p>" + RUSSIAN.encode("koi8-r"), ("Гарантия",)
    ),
    Neighbour(
        "show-ru-1251.html",
        "old.html",
        b'<meta http-equiv="Content-Type" content="text/html; charset=windows-1253"><p>' + GREEK.encode("cp1253"),
        ("εγγύηση",),
    ),
    Neighbour("show-ja-sjis.html", "euc.html", b"<meta charset='euc-jp'><p>" + JAPANESE.encode("euc-jp"), ("保証",)),
    Neighbour("show-ja-sjis.html", "big5.html", b"<meta charset=big5><p>" + "保固期".encode("big5"), ("保固期",)),
    Neighbour("iso-2022-jp.html", "jis.txt", JAPANESE.encode("iso-2022-jp"), ("保証期間",)),
    Neighbour("iso-2022-jp.html", "kr.txt", KOREAN.encode("iso2022_kr"), ("펌프",)),
    Neighbour("utf16-bom.xml", "be.xml", codecs.BOM_UTF16_BE + "<a>Maß</a>".encode("utf-16-be"), ("Maß",)),
    Neighbour(
        "utf16-bom.xml",
        "wrong.xml",
        codecs.BOM_UTF16_LE + '<?xml version="1.0" encoding="ascii"?><a>Maß</a>'.encode("utf-16-le"),
        ("Maß",),
    ),
    Neighbour(
        "latin1-no-charset.eml",
        "1250.eml",
        _mail("", "Zażółć gęślą jaźń, proszę o łączną cenę.".encode("cp1250")),
        ("gęślą",),
    ),
    Neighbour("latin1-no-charset.eml", "russian.eml", _mail("", RUSSIAN.encode("cp1251")), ("Гарантия",)),
    Neighbour(
        "utf8-no-charset.eml",
        "ascii.eml",
        _mail("Content-Type: text/plain; charset=us-ascii", "Maß".encode()),
        ("Maß",),
    ),
    Neighbour(
        "utf8-no-charset.eml",
        "wrong.eml",
        _mail("Content-Type: text/plain; charset=utf8mb4", "Maß".encode()),
        ("Maß",),
    ),
    # rich text
    Neighbour("japanese-fcharset128.rtf", "korean.rtf", _rtf(r"{\fonttbl{\f0\fcharset129 B;}}\f0 \'c7\'d1"), ("한",)),
    Neighbour(
        "japanese-fcharset128.rtf",
        "chinese.rtf",
        _rtf(r"{\fonttbl{\f0\fcharset134 S;}}\f0 \'b1\'a3\'d0\'de"),
        ("保修",),
    ),
    Neighbour("russian-fcharset204.rtf", "greek.rtf", _rtf(r"{\fonttbl{\f0\fcharset161 A;}}\f0 \'e5\'e3"), ("εγ",)),
    Neighbour(
        "russian-fcharset204.rtf", "polish.rtf", _rtf(r"{\fonttbl{\f0\fcharset238 A;}}\f0 \'bf\'f3\'b3w"), ("żółw",)
    ),
    Neighbour(
        "nestrow.rtf",
        "two.rtf",
        _rtf(r"\trowd\pard\intbl\itap2 In1\nestcell In2\nestcell\pard\intbl Out\cell\row"),
        ("In1", "In2", "Out"),
        ("In1In2",),
    ),
    Neighbour(
        "nestrow.rtf",
        "list.rtf",
        _rtf(r"\trowd\pard\intbl One\cell Two\cell\row\pard After\par"),
        ("One", "Two"),
        ("OneTwo", "TwoAfter"),
    ),
    Neighbour(
        "table-without-row-end.rtf", "no-trowd.rtf", _rtf(r"\intbl A1\cell B1\cell\row"), ("A1", "B1"), ("A1B1",)
    ),
    Neighbour("table-without-row-end.rtf", "cut.rtf", _rtf(r"\trowd\intbl A1\cell B1")[:-1], ("A1", "B1"), ("A1B1",)),
    Neighbour(
        "bin-control.rtf", "picture.rtf", _rtf(r"before {\pict\bin6 x{}\\yz} after"), ("before", "after"), ("yz",)
    ),
    Neighbour("bin-control.rtf", "end.rtf", _rtf(r"before \bin9 abc"), ("before",), ("abc",)),
    Neighbour(
        "hidden-and-deleted.rtf",
        "off.rtf",
        _rtf(r"seen {\v secret} \v more\v0  again"),
        ("seen", "again"),
        ("secret", "more"),
    ),
    Neighbour(
        "hidden-and-deleted.rtf",
        "plain.rtf",
        _rtf(r"seen {\deleted gone} \v away\plain  back"),
        ("seen", "back"),
        ("gone", "away"),
    ),
    # Word
    Neighbour("math-fraction.docx", "root.docx", _math(f"<m:rad><m:deg/><m:e>{_m('27')}</m:e></m:rad>"), ("√",), ()),
    Neighbour(
        "math-fraction.docx",
        "power.docx",
        _math(f"<m:sSup><m:e>{_m('10')}</m:e><m:sup>{_m('6')}</m:sup></m:sSup>"),
        ("10^6",),
        ("106",),
    ),
    Neighbour(
        "symbol-checkbox.docx",
        "greek.docx",
        docx('<w:p><w:r><w:t>5 </w:t><w:sym w:font="Symbol" w:char="F06D"/><w:t>m</w:t></w:r></w:p>'),
        ("5 μm",),
    ),
    Neighbour(
        "symbol-checkbox.docx",
        "hyphen.docx",
        docx("<w:p><w:r><w:t>re</w:t><w:noBreakHyphen/><w:t>use</w:t></w:r></w:p>"),
        ("re",),
        ("reuse",),
    ),
    Neighbour(
        "vertical-merge-table.docx",
        "three.docx",
        docx(
            _merged(
                "".join(
                    f"<w:tr>{_cell('North' if not n else '', _GOES_ON if n else _START)}{_cell(f'City{n}')}</w:tr>"
                    for n in range(3)
                )
            )
        ),
        ("North | City1", "North | City2"),
    ),
    Neighbour(
        "vertical-merge-table.docx",
        "span.docx",
        docx(
            _merged(
                f"<w:tr>{_cell('Both', _WIDE)}{_cell('C')}</w:tr><w:tr>{_cell('a')}{_cell('b')}{_cell('c')}</w:tr>"
            )
        ),
        ("Both | Both | C",),
    ),
    Neighbour(
        "ruby.docx",
        "two.docx",
        docx(
            "<w:p><w:ruby><w:rt><w:r><w:t>かな</w:t></w:r></w:rt><w:rubyBase><w:r><w:t>仮名</w:t></w:r></w:rubyBase></w:ruby><w:r><w:t>を読む</w:t></w:r></w:p>"
        ),
        ("仮名を読む",),
        ("かな仮名",),
    ),
    Neighbour(
        "ruby.docx",
        "ruby.html",
        "<meta charset=utf-8><p><ruby>仮名<rp>(</rp><rt>かな</rt><rp>)</rp></ruby>を読む".encode(),
        ("仮名",),
        ("仮名かな",),
    ),
    Neighbour(
        "hidden-text.docx",
        "style.docx",
        docx(
            _run("seen") + '<w:p><w:r><w:rPr><w:rStyle w:val="Secret"/></w:rPr><w:t>away</w:t></w:r></w:p>',
            parts={
                "word/styles.xml": word_part(
                    "styles", '<w:style w:type="character" w:styleId="Secret"><w:rPr><w:vanish/></w:rPr></w:style>'
                )
            },
        ),
        ("seen",),
        ("away",),
    ),
    Neighbour(
        "hidden-text.docx",
        "shown.docx",
        docx(_run("seen", '<w:vanish w:val="0"/>') + _run("away", "<w:vanish/>")),
        ("seen",),
        ("away",),
    ),
    Neighbour(
        "hidden-text.docx",
        "deleted.docx",
        docx(
            "<w:p><w:del><w:r><w:delText>away</w:delText></w:r></w:del><w:ins><w:r><w:t>seen</w:t></w:r></w:ins></w:p>"
        ),
        ("seen",),
        ("away",),
    ),
    Neighbour(
        "fallback-twice.pptx", "box.docx", docx(_BOX.format("Choice")), ("boxed",), ("boxed\nboxed", "boxedboxed")
    ),
    Neighbour(
        "altchunk-html.docx",
        "text.docx",
        docx(
            '<w:altChunk r:id="a"/>',
            parts={**_chunk("part.txt"), "word/part.txt": "from a text"},
        ),
        ("from a text",),
    ),
    Neighbour(
        "altchunk-html.docx",
        "rtf.docx",
        docx(
            '<w:altChunk r:id="a"/>',
            parts={**_chunk("part.rtf"), "word/part.rtf": _rtf("from rich text")},
        ),
        ("from rich text",),
    ),
    # OpenDocument and sheets
    Neighbour(
        "nested-table.odt",
        "before.odt",
        opendocument(
            _odt_table(f"<text:p>Outer</text:p>{_odt_table('<text:p>Inner</text:p>')}<text:p>After</text:p>")
        ),
        ("Outer", "Inner", "After"),
    ),
    Neighbour(
        "nested-table.odt",
        "nested.docx",
        docx(f"<w:tbl><w:tr><w:tc>{p('Outer')}{word_table([['Inner']])}{p('After')}</w:tc></w:tr></w:tbl>"),
        ("Outer", "Inner", "After"),
    ),
    Neighbour(
        "nested-table.odt",
        "nested.html",
        b"<table><tr><td>Outer<table><tr><td>Inner</td></tr></table>After</td></tr></table>",
        ("Outer", "Inner", "After"),
    ),
    Neighbour(
        "encrypted.odt",
        "locked.ods",
        opendocument(
            "",
            kind="spreadsheet",
            parts={
                "META-INF/manifest.xml": f"<m:manifest {_MANIFEST}><m:file-entry m:full-path='content.xml'>"
                "<m:encryption-data/></m:file-entry></m:manifest>",
                "content.xml": b"\x8f\x03\xd2",
            },
        ),
        code="E_ENCRYPTED",
    ),
    Neighbour(
        "currency-DM-is-no-date.xlsx",
        "dollar.xlsx",
        workbook(number_cell(1234.5, 1), ['"Day "0.0']),
        ("1234.5",),
        ("19",),
    ),
    Neighbour(
        "currency-DM-is-no-date.xlsx",
        "escaped.xlsx",
        workbook(number_cell(1234.5, 1), [r"0.0\ \h"]),
        ("1234.5",),
        ("1903",),
    ),
    Neighbour("time-only.xlsx", "total.xlsx", workbook(number_cell(1.25, 1), ["[h]:mm"]), ("30:00",), ("1899",)),
    Neighbour("time-only.xlsx", "seconds.xlsx", workbook(number_cell(0.5, 1), ["h:mm:ss"]), ("12:00:00",), ("1899",)),
    Neighbour(
        "leading-zeros-zip.xlsx", "phone.xlsx", workbook(number_cell(30123456, 1), ["000000000"]), ("030123456",)
    ),
    Neighbour("leading-zeros-zip.xlsx", "part.xlsx", workbook(number_cell(42, 1), ['"P-"0000']), ("P-0042",)),
    Neighbour("percent-and-currency.xlsx", "permille.xlsx", workbook(number_cell(0.155, 1), ["0%"]), ("16%",)),
    Neighbour(
        "percent-and-currency.xlsx", "euro.xlsx", workbook(number_cell(1234.5, 1), ['#,##0.00 "€"']), ("1234.50 €",)
    ),
    Neighbour(
        "hidden-sheet.xlsx", "very.xlsx", workbook(text_cells(1, "secret"), state="veryHidden"), code="E_NO_TEXT"
    ),
    Neighbour(
        "formula-without-value.xlsx", "sum.xlsx", workbook("<row><c><f>SUM(A1:A3)</f></c></row>"), ("SUM(A1:A3)",)
    ),
    Neighbour(
        "formula-without-value.xlsx",
        "sum.ods",
        ods('<table:table-row><table:table-cell table:formula="of:=SUM([.A1:.A3])"/></table:table-row>'),
        ("SUM",),
    ),
    Neighbour(
        "parts-title-above.xlsx",
        "title.xlsx",
        workbook(
            text_cells(1, "Price list 2026")
            + text_cells(3, "Part", "Price")
            + "".join(text_cells(n, f"pump {n}", f"{n}") for n in range(4, 9))
        ),
        ("Part", "pump 4", "Price list 2026"),
    ),
    Neighbour(
        "parts-title-above.xlsx", "title.csv", "Price list 2026;\n;\nPart;Price\nMaß;4\n".encode(), ("Part", "Maß")
    ),
    Neighbour(
        "hidden-sheet.xlsx",
        "row.xlsx",
        workbook(text_cells(1, "seen") + text_cells(2, "secret", attributes='hidden="1"')),
        ("seen",),
        ("secret",),
    ),
    Neighbour(
        "encrypted.odt",
        "locked.docx",
        ole({"EncryptedPackage": b"x" * 99, "EncryptionInfo": b"x" * 99}),
        code="E_ENCRYPTED",
    ),
    # web pages and XML
    Neighbour(
        "display-none.html",
        "style.html",
        b"<style>.x{display:none}</style><p>seen<p class=x>away",
        ("seen",),
        ("away",),
    ),
    Neighbour(
        "display-none.html",
        "hidden.html",
        b"<p>seen<p hidden>away</p><p style='visibility:hidden'>gone",
        ("seen",),
        ("away", "gone"),
    ),
    Neighbour(
        "html-entities.xml",
        "greek.xml",
        b'<!DOCTYPE a PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "x.dtd"><a>5 &mu;m</a>',
        ("5 μm",),
    ),
    Neighbour("html-entities.xml", "none.xml", b"<a>caf&eacute; &nbsp; open</a>", ("café",)),
    Neighbour(
        "doctype-entity.xml",
        "nested.xml",
        b'<!DOCTYPE a [<!ENTITY b "pump"><!ENTITY c "the &b;">]><a>&c; runs</a>',
        ("the pump runs",),
    ),
    Neighbour(
        "doctype-entity.xml",
        "bomb.xml",
        b'<!DOCTYPE a [<!ENTITY b "%s">%s]><a>&z;</a>'
        % (
            b"x" * 1000,
            b"".join(
                b'<!ENTITY %c "%s">' % (letter, b"&%c;" % (letter - 1) * 50)
                for letter in range(ord("c"), ord("z") + 1)
            ),
        ),
        code="E_XML_ENTITY",
    ),
    # mail
    Neighbour(
        "attached-text.eml",
        "csv.eml",
        _with_attachment(b'text/csv; name="p.csv"\nContent-Disposition: attachment', b"part;price"),
        ("body", "part;price"),
    ),
    Neighbour(
        "attached-text.eml",
        "inner.eml",
        _with_attachment(b"message/rfc822", b"From: c@example.org\nSubject: inner one\n\ninside"),
        ("body", "inner one", "inside"),
    ),
    Neighbour(
        "long-to.eml",
        "cc.eml",
        _mail("Cc: " + ",\n ".join(f"p{n}@example.org" for n in range(90)), b"body"),
        ("p0@example.org", "p89@example.org"),
    ),
    Neighbour(
        "long-to.eml",
        "names.eml",
        _mail("Cc: " + ",\n ".join(f'"Name {n}" <p{n}@example.org>' for n in range(90)), b"body"),
        ("Name 89",),
    ),
    # PDF
    Neighbour(
        "no-startxref.pdf",
        "cut.pdf",
        drawn(page_content(["the pump runs"])).partition(b"xref")[0],
        ("the pump runs",),
    ),
    Neighbour(
        "no-startxref.pdf", "moved.pdf", b"junk before\n" + drawn(page_content(["the pump runs"])), ("the pump runs",)
    ),
    # data
    Neighbour(
        "json-array-of-records.json", "escapes.json", rb'[{"name": "caf\u00e9", "size": "\u00bd"}]', ("café", "½")
    ),
    Neighbour("json-array-of-records.json", "lines.jsonl", b'{"a": "pump"}\n{"a": "valve"}\n', ("pump", "valve")),
]

"""Office, OpenDocument and EPUB files, written part by part."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

_MAIN = "http://schemas.openxmlformats.org"
_MATH = f'xmlns:m="{_MAIN}/officeDocument/2006/math"'
_W = f'xmlns:w="{_MAIN}/wordprocessingml/2006/main" {_MATH} xmlns:r="{_MAIN}/officeDocument/2006/relationships"'
_A = f'xmlns:a="{_MAIN}/drawingml/2006/main" xmlns:p="{_MAIN}/presentationml/2006/main"'
_R = f'xmlns:r="{_MAIN}/officeDocument/2006/relationships"'
_RELATIONS = f"{_MAIN}/package/2006/relationships"
_KINDS = f"{_MAIN}/officeDocument/2006/relationships"
HEADER = '<?xml version="1.0" encoding="UTF-8"?>'


def archive(parts: Mapping[str, str | bytes], stored: Sequence[str] = ()) -> bytes:
    """A zip file with these parts; those in `stored` are not compressed."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in parts.items():
            method = zipfile.ZIP_STORED if name in stored else zipfile.ZIP_DEFLATED
            file.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content, method)
    return out.getvalue()


def relations(targets: Mapping[str, tuple[str, str]]) -> str:
    """Id to (kind, target)."""
    entries = "".join(
        f'<Relationship Id="{relation_id}" Type="{_KINDS}/{kind}" Target="{target}"/>'
        for relation_id, (kind, target) in targets.items()
    )
    return f'{HEADER}<Relationships xmlns="{_RELATIONS}">{entries}</Relationships>'


def core(title: str) -> str:
    return (
        f'{HEADER}<cp:coreProperties xmlns:cp="{_MAIN}/package/2006/metadata/core-properties" '
        f'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{escape(title)}</dc:title></cp:coreProperties>'
    )


def docx(body: str, *, title: str = "", parts: Mapping[str, str | bytes] | None = None) -> bytes:
    """A Word file with the XML of its body, which `word_paragraph` and `word_table` write."""
    styles = "".join(
        f'<w:style w:type="paragraph" w:styleId="H{level}"><w:name w:val="heading {level}"/></w:style>'
        for level in (1, 2, 3)
    )
    return archive(
        {
            "[Content_Types].xml": f"{HEADER}<Types/>",
            "word/document.xml": f"{HEADER}<w:document {_W}><w:body>{body}</w:body></w:document>",
            "word/styles.xml": f"{HEADER}<w:styles {_W}>{styles}</w:styles>",
            "docProps/core.xml": core(title),
            **(parts or {}),
        }
    )


def word_paragraph(text: str, *, level: int = 0, item: bool = False) -> str:
    style = f'<w:pStyle w:val="H{level}"/>' if level else ""
    number = "<w:numPr/>" if item else ""
    run = f'<w:r><w:t xml:space="preserve">{escape(text)}</w:t></w:r>'
    return f"<w:p><w:pPr>{style}{number}</w:pPr>{run}</w:p>"


def word_table(rows: Sequence[Sequence[str]]) -> str:
    cells = ("".join(f"<w:tc>{word_paragraph(cell)}</w:tc>" for cell in row) for row in rows)
    return "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in cells) + "</w:tbl>"


def word_notes(*notes: str) -> str:
    return word_part("footnotes", "".join(f"<w:footnote>{word_paragraph(note)}</w:footnote>" for note in notes))


def word_part(root: str, inside: str) -> str:
    """A part of a Word file with the XML inside its root element, such as `w:styles`."""
    return f"{HEADER}<w:{root} {_W}>{inside}</w:{root}>"


def chart(title: str, series: Mapping[str, Sequence[tuple[str, float]]]) -> str:
    """A chart whose series have (category, value) points."""
    c = f'xmlns:c="{_MAIN}/drawingml/2006/chart" xmlns:a="{_MAIN}/drawingml/2006/main"'
    parts = ""
    for name, points in series.items():
        cats = "".join(f'<c:pt idx="{at}"><c:v>{escape(cat)}</c:v></c:pt>' for at, (cat, _) in enumerate(points))
        values = "".join(f'<c:pt idx="{at}"><c:v>{value}</c:v></c:pt>' for at, (_, value) in enumerate(points))
        parts += (
            f"<c:ser><c:tx><c:strRef><c:strCache><c:pt idx='0'><c:v>{escape(name)}</c:v></c:pt></c:strCache>"
            f"</c:strRef></c:tx><c:cat><c:strRef><c:f>S!A1</c:f><c:strCache>{cats}</c:strCache></c:strRef></c:cat>"
            f"<c:val><c:numRef><c:numCache>{values}</c:numCache></c:numRef></c:val></c:ser>"
        )
    head = f"<c:title><c:tx><c:rich><a:p><a:r><a:t>{escape(title)}</a:t></a:r></a:p></c:rich></c:tx></c:title>"
    return f"{HEADER}<c:chartSpace {c}><c:chart>{head}<c:plotArea>{parts}</c:plotArea></c:chart></c:chartSpace>"


def pptx(slides: Sequence[tuple[str, Sequence[str]]], notes: Mapping[int, str] | None = None) -> bytes:
    """Slides of (title, paragraphs), whose parts are numbered in reverse order; notes by slide, from 1."""
    count = len(slides)
    ids = "".join(f'<p:sldId r:id="r{number}"/>' for number in range(1, count + 1))
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": f"{HEADER}<Types/>",
        "ppt/presentation.xml": f"{HEADER}<p:presentation {_A} {_R}><p:sldIdLst>{ids}</p:sldIdLst></p:presentation>",
        "ppt/_rels/presentation.xml.rels": relations(
            {f"r{n}": ("slide", f"slides/slide{count - n + 1}.xml") for n in range(1, count + 1)}
        ),
    }
    for number, (title, paragraphs) in enumerate(slides, 1):
        place = count - number + 1
        shapes = _shape(title, "title") + "".join(_shape(text) for text in paragraphs)
        parts[f"ppt/slides/slide{place}.xml"] = f"{HEADER}<p:sld {_A}>{shapes}</p:sld>"
        if note := (notes or {}).get(number):
            target = {"n": ("notesSlide", f"../notesSlides/notesSlide{place}.xml")}
            parts[f"ppt/slides/_rels/slide{place}.xml.rels"] = relations(target)
            shape = _shape(note, "body") + _shape(str(number), "sldNum")
            parts[f"ppt/notesSlides/notesSlide{place}.xml"] = f"{HEADER}<p:notes {_A}>{shape}</p:notes>"
    return archive(parts)


def _shape(text: str, kind: str = "") -> str:
    place = f'<p:nvSpPr><p:nvPr><p:ph type="{kind}"/></p:nvPr></p:nvSpPr>' if kind else ""
    return f"<p:sp>{place}<p:txBody><a:p><a:r><a:t>{escape(text)}</a:t></a:r></a:p></p:txBody></p:sp>"


def xlsx(
    sheets: Mapping[str, Sequence[Sequence[str | float | bool]]], *, dates: Mapping[str, float] | None = None
) -> bytes:
    """Sheets of rows; texts are shared strings. `dates` adds date cells to the first sheet, by their reference."""
    strings: list[str] = []
    ns = f'xmlns="{_MAIN}/spreadsheetml/2006/main" {_R}'
    names = "".join(f'<sheet name="{escape(n)}" r:id="r{i}"/>' for i, n in enumerate(sheets, 1))
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": f"{HEADER}<Types/>",
        "xl/workbook.xml": f"{HEADER}<workbook {ns}><sheets>{names}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": relations(
            {f"r{i}": ("worksheet", f"/xl/worksheets/sheet{i}.xml") for i in range(1, len(sheets) + 1)}
        ),
        "xl/styles.xml": f'{HEADER}<styleSheet {ns}><numFmts><numFmt numFmtId="170" formatCode="yyyy\\-mm\\-dd"/>'
        '</numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="170"/><xf numFmtId="22"/></cellXfs></styleSheet>',
    }
    for number, rows in enumerate(sheets.values(), 1):
        body = "".join(_excel_row(at, row, strings) for at, row in enumerate(rows, 1))
        if number == 1 and dates:
            cells = "".join(f'<c r="{place}" s="1"><v>{value}</v></c>' for place, value in dates.items())
            body += f"<row>{cells}</row>"
        parts[f"xl/worksheets/sheet{number}.xml"] = (
            f"{HEADER}<worksheet {ns}><sheetData>{body}</sheetData></worksheet>"
        )
    shared = "".join(f"<si><t>{escape(text)}</t></si>" for text in strings)
    parts["xl/sharedStrings.xml"] = f"{HEADER}<sst {ns}>{shared}</sst>"
    return archive(parts)


def _excel_row(number: int, row: Sequence[str | float | bool], strings: list[str]) -> str:
    cells = ""
    for at, value in enumerate(row):
        place = f'r="{chr(65 + at)}{number}"'
        if isinstance(value, bool):
            cells += f'<c {place} t="b"><v>{int(value)}</v></c>'
        elif isinstance(value, str):
            strings.append(value)
            cells += f'<c {place} t="s"><v>{len(strings) - 1}</v></c>' if value else ""
        else:
            cells += f"<c {place}><v>{value}</v></c>"
    return f'<row r="{number}">{cells}</row>'


_ODF = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "text", "table", "meta")
)
_DRAW = 'xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0"'


def flat_opendocument(body: str, *, kind: str = "text", title: str = "", before: str = "") -> bytes:
    """The same as one XML file, with parts such as styles before the body."""
    meta = (
        f'<office:meta xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{escape(title)}</dc:title></office:meta>'
    )
    media_type = f'office:mimetype="application/vnd.oasis.opendocument.{kind}"'
    inside = f"{meta}{before}<office:body><office:{kind}>{body}</office:{kind}></office:body>"
    return f"{HEADER}<office:document {_ODF} {_DRAW} {media_type}>{inside}</office:document>".encode()


def opendocument(
    body: str, *, kind: str = "text", title: str = "", parts: Mapping[str, str | bytes] | None = None
) -> bytes:
    """A file with the XML inside `office:text`, `office:spreadsheet` or `office:presentation`."""
    inside = f"<office:body><office:{kind}>{body}</office:{kind}></office:body>"
    meta = (
        f'<office:meta xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{escape(title)}</dc:title></office:meta>'
    )
    return archive(
        {
            "mimetype": f"application/vnd.oasis.opendocument.{kind}",
            "content.xml": f"{HEADER}<office:document-content {_ODF} {_DRAW}>{inside}</office:document-content>",
            "meta.xml": f"{HEADER}<office:document-meta {_ODF}>{meta}</office:document-meta>",
            **(parts or {}),
        },
        stored=("mimetype",),
    )


def epub(
    chapters: Sequence[str], *, title: str, language: str = "", parts: Mapping[str, str | bytes] | None = None
) -> bytes:
    """A book of chapters, whose parts are listed in the reverse of the reading order."""
    numbers = range(1, len(chapters) + 1)
    items = "".join(
        f'<item id="c{n}" href="text/c{n}.xhtml" media-type="application/xhtml+xml"/>' for n in reversed(numbers)
    )
    spine = "".join(f'<itemref idref="c{n}"/>' for n in numbers)
    container = '<container><rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>'
    said = f"<dc:title>{escape(title)}</dc:title><dc:language>{escape(language)}</dc:language>"
    metadata = f'<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">{said}</metadata>'
    package = f"<package>{metadata}<manifest>{items}</manifest><spine>{spine}</spine></package>"
    pages = {
        f"OEBPS/text/c{n}.xhtml": f'{HEADER}<html xmlns="http://www.w3.org/1999/xhtml"><body>{page}</body></html>'
        for n, page in zip(numbers, chapters, strict=True)
    }
    head = {"mimetype": "application/epub+zip", "META-INF/container.xml": container, "OEBPS/book.opf": package}
    return archive({**head, **pages, **(parts or {})}, stored=("mimetype",))

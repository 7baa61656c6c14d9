"""PDF, Office and table files of the kinds that readers once got wrong, beside those in `neighbours`."""

from __future__ import annotations

from collections.abc import Sequence

from tests.samples.neighbours import Neighbour
from tests.samples.office import HEADER, archive, docx, opendocument, relations, word_part
from tests.samples.office import word_paragraph as p
from tests.samples.pdf import FONT, drawn, page_content, placed, stream
from tests.samples.pdf import pdf as printed
from tests.samples.sheets import ods, text_cells, workbook

NAMES = ("Part", "Supplier", "Months")
COLUMNS = " | ".join(NAMES)
ROWS = [(f"Valve {n}", f"Ohm{n} Ltd", str(n % 40 + 1)) for n in range(1, 71)]
WORDS = [(f"Valve {n}", f"Ohm{n} Ltd", "sold") for n in range(1, 71)]
"""Rows without figures: borders and rules alone tell the header."""
_LEFTS = (72, 200, 340)
_OFFICE = "http://schemas.openxmlformats.org"


# --- tables


def _printed(rows: Sequence[Sequence[str]], *, by_column: bool = False, shift: float = 0) -> bytes:
    """A page with these rows, drawn row by row or column by column."""
    cells = [
        (column, _LEFTS[column] + shift, 740 - 17 * row, text)
        for row, texts in enumerate(rows)
        for column, text in enumerate(texts)
    ]
    drawn_cells = sorted(cells, key=lambda cell: cell[0]) if by_column else cells
    return placed(*((left, above, text) for _, left, above, text in drawn_cells if text))


def _simple(rows: Sequence[Sequence[str]], indent: str = "") -> str:
    border = f"{indent}{'=' * 10}  {'=' * 12}  {'=' * 8}\n"
    lines = [f"{indent}{a:10}  {b:12}  {c}\n" for a, b, c in rows]
    return f"{border}{indent}{'Part':10}  {'Supplier':12}  Months\n{border}{''.join(lines)}{border}"


def _grid(rows: Sequence[Sequence[str]]) -> str:
    def line(sign: str) -> str:
        return f"+{sign * 12}+{sign * 14}+{sign * 8}+\n"

    def cells(a: str, b: str, c: str) -> str:
        return f"| {a:10} | {b:12} | {c:6} |\n"

    def two_lines(a: str, b: str, c: str) -> str:
        return cells(a, b.partition(" ")[0], c) + cells("", b.partition(" ")[2], "")

    return line("-") + cells(*NAMES) + line("=") + "".join(two_lines(*row) + line("-") for row in rows)


def _ods_row(*texts: str) -> str:
    cells = "".join(
        f"<table:table-cell><text:p>{text}</text:p></table:table-cell>" if text else "<table:table-cell/>"
        for text in texts
    )
    return f"<table:table-row>{cells}</table:table-row>"


TABLES = [
    Neighbour(
        "parts.pdf",
        "columns.pdf",
        drawn(_printed([NAMES, *ROWS[:35]], by_column=True), _printed(ROWS[35:], by_column=True)),
        header=COLUMNS,
    ),
    Neighbour(
        "parts.pdf",
        "repeated.pdf",
        drawn(_printed([NAMES, *ROWS[:35]]), _printed([NAMES, *ROWS[35:]], shift=6)),
        header=COLUMNS,
    ),
    Neighbour(
        "parts.pdf",
        "titled.pdf",
        drawn(_printed([("Price list 2026", "", ""), NAMES, *ROWS[:35]]), _printed(ROWS[35:])),
        ("Price list 2026",),
        header=COLUMNS,
    ),
    Neighbour("parts.rst", "directive.rst", f".. table:: Parts\n\n{_simple(WORDS, '   ')}".encode(), header=COLUMNS),
    Neighbour("parts.rst", "grid.rst", f"Parts\n=====\n\n{_grid(WORDS)}".encode(), header=COLUMNS),
    Neighbour(
        "parts.rst",
        "comment.py",
        f'"""Parts of the pump.\n\n{_simple(WORDS)}"""\n'.encode(),
        header=COLUMNS,
    ),
    Neighbour(
        "parts-title-above.xlsx",
        "merged.xlsx",
        workbook(
            text_cells(1, "Price list 2026")
            + text_cells(2, *NAMES)
            + "".join(text_cells(n, *row) for n, row in enumerate(ROWS, 3)),
            after='<mergeCells><mergeCell ref="A1:C1"/></mergeCells>',
        ),
        ("Price list 2026",),
        header=COLUMNS,
    ),
    Neighbour(
        "parts-title-above.xlsx",
        "notes.ods",
        ods(
            _ods_row("Price list 2026")
            + _ods_row("as of", "2026-01-01")
            + _ods_row()
            + _ods_row(*NAMES)
            + "".join(_ods_row(*row) for row in ROWS)
        ),
        ("Price list 2026",),
        header=COLUMNS,
    ),
    Neighbour(
        "parts-title-above.xlsx",
        "title.tsv",
        ("Price list 2026\n\n" + "".join("\t".join(row) + "\n" for row in (NAMES, *ROWS))).encode(),
        ("Price list 2026",),
        header=COLUMNS,
    ),
]

# --- PDF


def _widgets(*fields: bytes, fields_of_form: bytes = b"", on_page: bool = True) -> bytes:
    references = b" ".join(b"%d 0 R" % (5 + at) for at in range(len(fields)))
    return drawn(
        page_content([""]),
        page=b"/Annots[%s]" % references if on_page else b"",
        catalog=b"/AcroForm<</Fields[%s]>>" % (fields_of_form or references),
        more=fields,
    )


def _notes(*notes: bytes) -> bytes:
    references = b" ".join(b"%d 0 R" % (5 + at) for at in range(len(notes)))
    return drawn(page_content(["Contract"]), page=b"/Annots[%s]" % references, more=notes)


_WORDS = [f"word{n} juliet justification kilo" for n in range(40)]
_TYPED = b"each letter of this line %02d stands at a place of its own, as some printers write"
_LETTER_BY_LETTER = b"BT /F1 9 Tf " + b"".join(
    b"1 0 0 1 %g %d Tm (%c) Tj " % (40 + 5.4 * at, 780 - 12 * row, letter)
    for row in range(60)
    for at, letter in enumerate(_TYPED % row)
) + b"ET"  # fmt: skip

PRINTED = [
    Neighbour(
        "hyphens-only.pdf",
        "soft.pdf",
        drawn(page_content(["The infor\u00ad", "mation of the retrie\u00ad", "val system"])),
        ("information", "retrieval"),
        ("infor\u00ad", "infor-"),
    ),
    Neighbour(
        "hyphens-only.pdf",
        "apart.pdf",
        drawn(
            placed(
                (72, 700, "The warranty covers main"), (185, 700, "-"), (72, 686, "tenance of the pump by the maker")
            )
        ),
        ("maintenance",),
        ("main-",),
    ),
    Neighbour(
        "hyphens-only.pdf",
        "pages.pdf",
        drawn(page_content(["The long story of an infor-"]), page_content(["mation system goes on"])),
        ("information",),
        ("infor-",),
    ),
    Neighbour(
        "only-form-fields.pdf",
        "children.pdf",
        _widgets(
            b"<</T(name)/FT/Tx/V(Alice Example)/Kids[6 0 R]>>",
            b"<</Type/Annot/Subtype/Widget/Parent 5 0 R/Rect[72 650 300 670]>>",
            fields_of_form=b"5 0 R",
        ),
        ("name", "Alice Example"),
    ),
    Neighbour(
        "only-form-fields.pdf",
        "unicode.pdf",
        _widgets(
            b"<</Type/Annot/Subtype/Widget/FT/Tx/T(city)/V<%s>/Rect[72 650 300 670]>>"
            % "\ufeffПрага".encode("utf-16-be").hex().encode()
        ),
        ("city", "Прага"),
    ),
    Neighbour(
        "only-form-fields.pdf",
        "drawn.pdf",
        _widgets(
            b"<</Type/Annot/Subtype/Widget/FT/Tx/T(name)/V(Alice Example)/Rect[72 650 300 670]/AP<</N 6 0 R>>>>",
            stream(
                b"/Tx BMC BT /F1 12 Tf 2 4 Td (Alice Example) Tj ET EMC",
                b"/Type/XObject/Subtype/Form/BBox[0 0 228 20]/Resources<</Font<</F1 3 0 R>>>>",
            ),
            fields_of_form=b"5 0 R",
        ),
        ("Alice Example",),
        ("Alice Example\n\nAlice Example",),
    ),
    Neighbour(
        "form-and-comments.pdf",
        "rich.pdf",
        _notes(
            b"<</Type/Annot/Subtype/FreeText/RC(<body><p>The limit is <b>40</b> kg</p></body>)/Rect[72 500 300 520]>>"
        ),
        ("Contract", "The limit is 40 kg"),
        ("<b>",),
    ),
    Neighbour(
        "form-and-comments.pdf",
        "marks.pdf",
        _notes(
            b"<</Type/Annot/Subtype/StrikeOut/Contents(Delete this clause)/Rect[72 700 300 720]>>",
            b"<</Type/Annot/Subtype/Stamp/Contents(Approved by the board)/Rect[72 500 300 520]>>",
            b"<</Type/Annot/Subtype/Text/IRT 5 0 R/T(Ben)/Contents(Why?)/Rect[72 400 90 420]>>",
        ),
        ("Delete this clause", "Approved by the board", "Why?"),
    ),
    Neighbour(
        "long-900-pages-kerned.pdf",
        "many.pdf",
        printed([[f"page {number}", *_WORDS[:4]] for number in range(1, 601)]),
        ("page 600",),
    ),
    Neighbour(
        "long-900-pages-kerned.pdf",
        "letters.pdf",
        drawn(*[_LETTER_BY_LETTER] * 6, font=FONT.replace(b"Helvetica", b"Courier")),
        ("each letter of this line 59 stands at a place of its own",),
    ),
]

# --- Office

_NUMBERED = '<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="1"/></w:numPr>'


def _levels(*levels: tuple[str, str]) -> str:
    """A list whose levels have (format, text)."""
    inside = "".join(
        f'<w:lvl w:ilvl="{at}"><w:start w:val="1"/><w:numFmt w:val="{form}"/><w:lvlText w:val="{text}"/></w:lvl>'
        for at, (form, text) in enumerate(levels)
    )
    abstract = f'<w:abstractNum w:abstractNumId="7">{inside}</w:abstractNum>'
    return word_part("numbering", f'{abstract}<w:num w:numId="1"><w:abstractNumId w:val="7"/></w:num>')


def _numbered(text: str, properties: str) -> str:
    return f"<w:p><w:pPr>{properties}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"


_CLAUSE_STYLE = f'<w:style w:type="paragraph" w:styleId="C"><w:pPr>{_NUMBERED.format(level=0)}</w:pPr></w:style>'
_ODT_LIST = (
    '<text:list text:style-name="L1"><text:list-item><text:p>Definitions</text:p></text:list-item>'
    "<text:list-item><text:p>Term</text:p></text:list-item></text:list>"
)
_ODT_STYLE = (
    '<text:list-style style:name="L1"><text:list-level-style-number text:level="1" style:num-prefix="Clause " '
    'style:num-suffix="." style:num-format="1"/></text:list-style>'
)
_ODF = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for name in ("office", "text", "table", "style", "meta")
)
_DC = 'xmlns:dc="http://purl.org/dc/elements/1.1/"'


def _odt(body: str, *, automatic: str = "", pages: str = "") -> bytes:
    """A text with styles of its own, and page styles, which hold headers and footers."""
    styles = f"<office:automatic-styles>{automatic}</office:automatic-styles>"
    content = f"{styles}<office:body><office:text>{body}</office:text></office:body>"
    page = f"<style:master-page style:name='Standard'>{pages}</style:master-page>"
    masters = f"<office:master-styles>{page}</office:master-styles>"
    return opendocument(
        "",
        parts={
            "content.xml": f"{HEADER}<office:document-content {_ODF} {_DC}>{content}</office:document-content>",
            "styles.xml": f"{HEADER}<office:document-styles {_ODF}>{masters}</office:document-styles>",
        },
    )


def _rtf(body: str) -> bytes:
    return b"{\\rtf1\\ansi\\ansicpg1252 " + body.encode("latin-1") + b"}"


_DIAGRAM = (
    f'<dgm:dataModel xmlns:dgm="{_OFFICE}/drawingml/2006/diagram" xmlns:a="{_OFFICE}/drawingml/2006/main"><dgm:ptLst>'
    "{0}</dgm:ptLst></dgm:dataModel>"
)
_POINT = '<dgm:pt modelId="{0}"><dgm:t><a:p><a:r><a:t>{1}</a:t></a:r></a:p></dgm:t></dgm:pt>'
_DIAGRAM_DATA = HEADER + _DIAGRAM.format(_POINT.format(1, "Approval") + _POINT.format(2, "Payment"))
_DRAWN_DIAGRAM = (
    "<w:p><w:r><w:drawing><a:graphic xmlns:a='http://schemas.openxmlformats.org/drawingml/2006/main'><a:graphicData "
    "uri='http://schemas.openxmlformats.org/drawingml/2006/diagram'><dgm:relIds r:dm='d1' "
    "xmlns:dgm='http://schemas.openxmlformats.org/drawingml/2006/diagram'/></a:graphicData></a:graphic></w:drawing>"
    "</w:r></w:p>"
)


def _slides(slide: str, *, presentation: str, links: str, parts: dict[str, str] | None = None) -> bytes:
    names = (
        f'xmlns:a="{_OFFICE}/drawingml/2006/main" xmlns:p="{_OFFICE}/presentationml/2006/main" '
        f'xmlns:r="{_OFFICE}/officeDocument/2006/relationships" '
        'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    )
    ids = f"<p:sldIdLst>{presentation}</p:sldIdLst>"
    return archive(
        {
            "[Content_Types].xml": f"{HEADER}<Types/>",
            "ppt/presentation.xml": f"{HEADER}<p:presentation {names}>{ids}</p:presentation>",
            "ppt/_rels/presentation.xml.rels": links,
            "ppt/slides/slide1.xml": f"{HEADER}<p:sld {names}>{slide}</p:sld>",
            **(parts or {}),
        }
    )


def _shape(text: str) -> str:
    return f"<p:sp><p:txBody><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:txBody></p:sp>"


_SLIDE_LINK = {"r1": ("slide", "slides/slide1.xml")}
_TURNED_LINK = (
    f"{HEADER}<Relationships xmlns='{_OFFICE}/package/2006/relationships'><Relationship Target='slides/slide1.xml' "
    f"Type='{_OFFICE}/officeDocument/2006/relationships/slide' Id='r1'/></Relationships>"
)

OFFICE = [
    Neighbour(
        "numbered-clauses.docx",
        "style.docx",
        docx(
            _numbered("Definitions", '<w:pStyle w:val="C"/>') + _numbered("Term", '<w:pStyle w:val="C"/>'),
            parts={
                "word/styles.xml": word_part("styles", _CLAUSE_STYLE),
                "word/numbering.xml": _levels(("upperRoman", "Clause %1.")),
            },
        ),
        ("Clause I. Definitions", "Clause II. Term"),
    ),
    Neighbour(
        "numbered-clauses.docx",
        "levels.docx",
        docx(
            "".join(
                _numbered(text, _NUMBERED.format(level=level))
                for text, level in (("Terms", 0), ("Price", 1), ("Delay", 1), ("Notice", 0), ("Form", 1))
            ),
            parts={"word/numbering.xml": _levels(("decimal", "§ %1"), ("lowerLetter", "%1.%2)"))},
        ),
        ("§ 1 Terms", "1.b) Delay", "§ 2 Notice", "2.a) Form"),
    ),
    Neighbour(
        "numbered-clauses.docx",
        "clauses.odt",
        _odt(_ODT_LIST, automatic=_ODT_STYLE),
        ("Clause 1. Definitions", "Clause 2. Term"),
    ),
    Neighbour(
        "numbered-clauses.docx",
        "clauses.rtf",
        _rtf(r"{\listtext Clause 1.\tab}Definitions\par{\pntext Clause 2.\tab}Term\par"),
        ("Clause 1. Definitions", "Clause 2. Term"),
    ),
    Neighbour(
        "header-footer-comment.docx",
        "letter.odt",
        _odt(
            "<text:p>Price is 40.<office:annotation><dc:creator>Lea</dc:creator><text:p>Legal says 45</text:p>"
            "</office:annotation></text:p>",
            pages="<style:header><text:p>Contract 4711</text:p></style:header>"
            "<style:footer><text:p>Page of Ohm Ltd</text:p></style:footer>",
        ),
        ("Header: Contract 4711", "Footer: Page of Ohm Ltd", "Comment by Lea: Legal says 45"),
    ),
    Neighbour(
        "header-footer-comment.docx",
        "letter.rtf",
        _rtf(
            r"{\header Contract 4711\par}{\footerf Page of Ohm Ltd\par}Price is 40."
            r"{\*\atnid L}{\*\atnauthor Lea}\chatn{\*\annotation Legal says 45}\par"
        ),
        ("Contract 4711", "Page of Ohm Ltd", "Legal says 45"),
        ("Price is 40.Legal",),
    ),
    Neighbour(
        "header-footer-comment.docx",
        "first.docx",
        docx(
            p("Body.") + '<w:sectPr><w:headerReference w:type="first" r:id="h"/>'
            '<w:footerReference w:type="even" r:id="f"/></w:sectPr>',
            parts={
                "word/_rels/document.xml.rels": relations(
                    {"h": ("header", "h9.xml"), "f": ("footer", "/word/f.xml")}
                ),
                "word/h9.xml": word_part("hdr", p("Contract 4711")),
                "word/f.xml": word_part("ftr", p("Page of Ohm Ltd")),
            },
        ),
        ("Header: Contract 4711", "Footer: Page of Ohm Ltd"),
    ),
    Neighbour(
        "rid-before-id.pptx",
        "turned.pptx",
        _slides(_shape("Ship the pump"), presentation='<p:sldId r:id="r1" id="256"/>', links=_TURNED_LINK),
        ("Ship the pump",),
    ),
    Neighbour(
        "rid-before-id.pptx",
        "prefix.pptx",
        _slides(
            _shape("Ship the pump"),
            presentation=f'<p:sldId xmlns:q="{_OFFICE}/officeDocument/2006/relationships" q:id="r1" id="256"/>',
            links=relations({"r1": ("slide", "/ppt/slides/slide1.xml")}),
        ),
        ("Ship the pump",),
    ),
    Neighbour(
        "smartart.pptx",
        "diagram.docx",
        docx(
            _DRAWN_DIAGRAM,
            parts={
                "word/_rels/document.xml.rels": relations({"d1": ("diagramData", "diagrams/data1.xml")}),
                "word/diagrams/data1.xml": _DIAGRAM_DATA,
            },
        ),
        ("Approval", "Payment"),
    ),
    Neighbour(
        "smartart.pptx",
        "names.pptx",
        _slides(
            "<p:graphicFrame><a:graphic><a:graphicData><dgm:relIds "
            f'xmlns:dgm="{_OFFICE}/drawingml/2006/diagram" r:dm="d1"/></a:graphicData></a:graphic></p:graphicFrame>',
            presentation='<p:sldId r:id="r1"/>',
            links=relations(_SLIDE_LINK),
            parts={
                "ppt/slides/_rels/slide1.xml.rels": relations({"d1": ("diagramData", "../other/model.xml")}),
                "ppt/other/model.xml": _DIAGRAM_DATA,
            },
        ),
        ("Approval", "Payment"),
    ),
    Neighbour(
        "fallback-twice.pptx",
        "fallback.pptx",
        _slides(
            f"<mc:AlternateContent><mc:Choice Requires='q'/><mc:Fallback>{_shape('Ship the pump')}</mc:Fallback>"
            "</mc:AlternateContent>",
            presentation='<p:sldId r:id="r1"/>',
            links=relations(_SLIDE_LINK),
        ),
        ("Ship the pump",),
    ),
    Neighbour(
        "fallback-twice.pptx",
        "nested.pptx",
        _slides(
            f"<mc:AlternateContent><mc:Choice Requires='p14'><p:grpSp>{_shape('Ship the pump')}</p:grpSp></mc:Choice>"
            f"<mc:Fallback>{_shape('Ship the pump')}</mc:Fallback></mc:AlternateContent>",
            presentation='<p:sldId r:id="r1"/>',
            links=relations(_SLIDE_LINK),
        ),
        ("Ship the pump",),
        ("Ship the pump\nShip", "Ship the pump\n\nShip"),
    ),
]

DOCUMENT_NEIGHBOURS = [*TABLES, *PRINTED, *OFFICE]

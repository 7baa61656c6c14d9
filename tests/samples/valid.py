"""Valid files of every format, by the name of its reader."""

from __future__ import annotations

import io
import zipfile

from tests.samples import data_files, markups, office, ole, sheets
from tests.samples.pdf import pdf
from tests.samples.text import MAIL, NOTEBOOK, RTF, XML


def _unpacked(raw: bytes) -> bytes:
    """The same archive without compression, so that damage reaches the parts."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as new:
        for entry in old.infolist():
            new.writestr(entry.filename, old.read(entry))
    return out.getvalue()


_WORD = office.docx(
    office.word_paragraph("River", level=1)
    + office.word_paragraph("Herons wait.")
    + office.word_paragraph("small", item=True)
    + office.word_table([["animal", "kg"], ["otter", "7"]]),
    title="Animals",
    parts={"word/footnotes.xml": office.word_notes("See the report.")},
)
_SLIDES = office.pptx([("Herons", ["They wait."]), ("Otters", ["They swim."])], notes={2: "Smile."})
_OPEN_SHEETS = sheets.ods(
    "<table:table-row><table:table-cell><text:p>näme</text:p></table:table-cell></table:table-row>"
)
_SHEETS = office.xlsx({"Animals": [["name", "kg"], ["otter", 7.5]]}, dates={"A3": 45_000.5})
_OPEN = office.opendocument(
    "<text:h text:outline-level='1'>River</text:h><text:p>Herons<text:s text:c='2'/>wait.</text:p>"
    "<table:table><table:table-row><table:table-cell><text:p>otter</text:p></table:table-cell></table:table-row>"
    "</table:table>",
    title="Animals",
)
_BOOK = office.epub(["<h1>One</h1><p>Herons wait.</p>", "<h1>Two</h1><p>Otters swim.</p>"], title="Rivers")
_PDF = pdf(
    [["Herons wait."], ["Otters (the small ones) swim."]], title="Rivers", outline=[("Herons", 1), ("Otters", 2)]
)

VALID: dict[str, list[bytes]] = {
    "markdown": [b"---\ntitle: x\n---\n# A\n\n\n\n\n\n```\n# b\n```\n\nC *d* [e](f)\n---\ng\n"],
    "restructured": ["===\nTop\n===\n\nSub\n---\n\n.. note:: é\n\n==== ==\na    b\n==== ==\n".encode("utf-16")],
    "asciidoc": [b"= Top\n\n----\n== no\n----\n\n== Sub [[a]]\ntext\n"],
    "html": [
        '<html><head><meta charset="cp1251"><title>t</title><body><h1>Привет</h1><pre>\na</pre>'.encode("cp1251"),
        b"<h1>One</h1><table><tr><td>a<td>b</table><ul><li>x<li>y</ul>",
    ],
    "python": [b"# coding: latin-1\n@d\nclass A:\n    '''\xe9'''\n    # c\n    def f(self):\n        return [1]\n"],
    "text": ["plain é\r\ntext\n".encode("utf-16"), b"plain text\n"],
    "csv": [b"name,kg\notter,7\n", "näme;kg\r\notter;7".encode("cp1252")],
    "code": ["/// é\nfn a() {}\nimpl B {\n  fn c() {}\n}\n".encode()],
    "json": [b'[{"name": "otter", "kg": 7}, {"name": "her\\u00f6n", "kg": [2, 3]}]', b'{"a": {"b": 1}}'],
    "pdf": [_PDF],
    "docx": [_WORD, _unpacked(_WORD)],
    "pptx": [_SLIDES, _unpacked(_SLIDES)],
    "xlsx": [_SHEETS, _unpacked(_SHEETS)],
    "opendocument": [_OPEN, _unpacked(_OPEN)],
    "geojson": [
        b'{"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 2]}, "properties": {"name": "n"}}'
    ],
    "iwork": [office.archive({"Index/Document.iwa": b"x", "preview.jpg": b"x", "QuickLook/Preview.pdf": _PDF})],
    "parquet": [data_files.parquet({"näme": ["otter"], "kg": [7.5]}), data_files.arrow({"name": ["otter"]})],
    "sqlite": [data_files.sqlite("create table animals(name text)", "insert into animals values('ötter')")],
    "xls": [sheets.old_workbook([["näme", "kg"], ["otter", (7.5, 1)]], ["0.0"])],
    "xlsb": [sheets.binary_workbook([["näme", "kg"], ["otter", (7.5, 1)]], ["0.0"])],
    "ods": [_OPEN_SHEETS, _unpacked(_OPEN_SHEETS)],
    "epub": [_BOOK, _unpacked(_BOOK)],
    "notebook": [NOTEBOOK],
    "xml": [XML, XML.decode().replace('<?xml version="1.0"?>', "").encode("utf-16")],
    "rtf": [RTF],
    "mail": [MAIL],
    "msg": [ole.OUTLOOK_MAIL],
    "doc": [ole.old_word([("näme\r", 1, 0), ("text\r", 0, 0)])],
    "ppt": [ole.old_slides([("näme", "text", "note")])],
    "mht": [b"Subject: x\nContent-Type: text/html\n\n<h1>Otter</h1><p>They swim.</p>"],
    "archive": [office.archive({"näme.md": b"x"}), b"From a@example.org Mon Jan  5 10:00:00 2026\n" + MAIL],
    **markups.VALID,
}

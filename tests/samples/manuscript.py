"""One real text, the licence of this project, written in every format."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import yaml

from tests.samples import data_files, markups, office, pdf, sheets
from tests.samples.ole import message, old_slides, old_word, ole

ROOT = Path(__file__).parents[2]
TITLE = "Terms of the licence"
TABLE = [["place", "words", "kept"], ["Zürich", "1,024", "yes"], ["Kraków", "7", "no"], ["São Tomé", "99 %", "yes"]]
LINES_OF_A_PAGE = 44


@dataclass
class Part:
    """A heading and the text below it."""

    heading: str
    paragraphs: list[str]
    items: list[str] = field(default_factory=list)


def manuscript() -> list[Part]:
    """The numbered sections of the licence; their enumerations are list items."""
    text = (ROOT / "LICENSE").read_text("utf-8")
    body = text[text.index("   1. ") : text.index("   END OF TERMS")]
    parts = []
    for section in re.split(r"\n(?=   \d\. )", body):
        blocks = [" ".join(block.split()) for block in re.split(r"\n\s*\n", section) if block.strip()]
        heading, _, first = blocks[0].partition(". ")[2].partition(". ")
        rest = [first, *blocks[1:]]
        items = [block for block in rest if re.match(r"\([a-d]\) ", block)]
        paragraphs = [block for block in rest if block and block not in items]
        parts.append(Part(heading.rstrip("."), paragraphs, items))
    return parts


def _lines(part: Part) -> list[str]:
    return [*part.paragraphs, *part.items]


def _markdown(parts: list[Part]) -> bytes:
    rows = [f"| {' | '.join(row)} |" for row in TABLE]
    table = "\n".join([rows[0], "|---|---|---|", *rows[1:]])
    texts = ["\n\n".join([f"## {p.heading}", *p.paragraphs, *(f"- {each}" for each in p.items)]) for p in parts]
    return "\n\n".join([f"# {TITLE}", *texts, table, ""]).encode()


def _restructured(parts: list[Part]) -> bytes:
    texts = ["\n\n".join([f"{p.heading}\n{'-' * len(p.heading)}", *_lines(p)]) for p in parts]
    table = ".. csv-table::\n\n" + "\n".join("   " + '", "'.join(row) for row in TABLE)
    return "\n\n".join([f"{TITLE}\n{'=' * len(TITLE)}", *texts, table, ""]).encode()


def _asciidoc(parts: list[Part]) -> bytes:
    texts = ["\n\n".join([f"== {p.heading}", *p.paragraphs, *(f"* {each}" for each in p.items)]) for p in parts]
    table = "|===\n" + "\n".join(" ".join(f"|{cell}" for cell in row) for row in TABLE) + "\n|==="
    return "\n\n".join([f"= {TITLE}", *texts, table, ""]).encode()


def _html_part(part: Part) -> str:
    items = "".join(f"<li>{escape(each)}</li>" for each in part.items)
    paragraphs = "".join(f"<p>{escape(each)}</p>\n" for each in part.paragraphs)
    return f"<h2>{escape(part.heading)}</h2>\n{paragraphs}" + (f"<ul>{items}</ul>" if items else "")


def _html_table() -> str:
    rows = ("".join(f"<td>{cell}</td>" for cell in row) for row in TABLE)
    return "<table>" + "".join(f"<tr>{row}</tr>" for row in rows) + "</table>"


def _html(parts: list[Part]) -> bytes:
    body = "\n".join([f"<h1>{TITLE}</h1>", *map(_html_part, parts), _html_table()])
    return f"<!doctype html><html><head><title>{TITLE}</title></head><body>{body}</body></html>".encode()


def _epub(parts: list[Part]) -> bytes:
    return office.epub([*map(_html_part, parts), _html_table()], title=TITLE)


def _pdf(parts: list[Part]) -> bytes:
    lines: list[str] = []
    outline = []
    for part in parts:
        outline.append((part.heading, len(lines) // LINES_OF_A_PAGE + 1))
        lines += [part.heading, *(line for each in _lines(part) for line in textwrap.wrap(each, 88))]
    lines += [" ".join(row) for row in TABLE if "Kraków" not in row] + ["Krak\xf3w 7 no"]
    pages = [lines[at : at + LINES_OF_A_PAGE] for at in range(0, len(lines), LINES_OF_A_PAGE)]
    return pdf.pdf(pages, title=TITLE, outline=outline)


def _docx(parts: list[Part]) -> bytes:
    body = "".join(
        office.word_paragraph(part.heading, level=2)
        + "".join(map(office.word_paragraph, part.paragraphs))
        + "".join(office.word_paragraph(each, item=True) for each in part.items)
        for part in parts
    )
    return office.docx(body + office.word_table(TABLE), title=TITLE)


def _pptx(parts: list[Part]) -> bytes:
    table = ("Table", [" ".join(row) for row in TABLE])
    return office.pptx([*((part.heading, _lines(part)) for part in parts), table])


def _xlsx(parts: list[Part]) -> bytes:
    sheets = {part.heading: [[line] for line in _lines(part)] for part in parts}
    return office.xlsx({**sheets, "Table": TABLE})


def _one_sheet(parts: list[Part]) -> list[list[str]]:
    return [*([line] for part in parts for line in (part.heading, *_lines(part))), *TABLE]


def _geojson(parts: list[Part]) -> bytes:
    features = [{"type": "Feature", "properties": {"text": " ".join(row)}} for row in _one_sheet(parts)]
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False).encode()


def _parquet(parts: list[Part]) -> bytes:
    return data_files.parquet({"text": [" ".join(row) for row in _one_sheet(parts)]})


def _sqlite(parts: list[Part]) -> bytes:
    rows = [" ".join(row).replace("'", "''") for row in _one_sheet(parts)]
    return data_files.sqlite("create table t(words)", *(f"insert into t values('{row}')" for row in rows))


def _odt(parts: list[Part]) -> bytes:
    def text(part: Part) -> str:
        items = "".join(f"<text:list-item><text:p>{escape(each)}</text:p></text:list-item>" for each in part.items)
        return (
            f"<text:h text:outline-level='2'>{escape(part.heading)}</text:h>"
            + "".join(f"<text:p>{escape(each)}</text:p>" for each in part.paragraphs)
            + (f"<text:list>{items}</text:list>" if items else "")
        )

    cells = ("".join(f"<table:table-cell><text:p>{c}</text:p></table:table-cell>" for c in row) for row in TABLE)
    rows = "".join(f"<table:table-row>{row}</table:table-row>" for row in cells)
    return office.opendocument("".join(map(text, parts)) + f"<table:table>{rows}</table:table>", title=TITLE)


def _notebook(parts: list[Part]) -> bytes:
    texts = ["\n\n".join([f"## {part.heading}", *_lines(part)]) for part in parts]
    cells = [{"cell_type": "markdown", "source": text} for text in (f"# {TITLE}", *texts)]
    table = {"cell_type": "code", "source": "table", "outputs": [{"text": ["\n".join(map(" ".join, TABLE))]}]}
    return json.dumps({"cells": [*cells, table], "nbformat": 4}).encode()


def _rtf(parts: list[Part]) -> bytes:
    def coded(text: str) -> str:
        plain = re.sub(r"([\\{}])", r"\\\1", text)
        return "".join(char if char.isascii() else f"\\u{ord(char)}?" for char in plain)

    texts = "".join(
        rf"\pard\outlinelevel1 {coded(part.heading)}\par\pard "
        + "".join(rf"{coded(each)}\par " for each in _lines(part))
        for part in parts
    )
    rows = "".join(
        r"\trowd\pard\intbl " + "".join(rf"{coded(cell)}\cell " for cell in row) + r"\row " for row in TABLE
    )
    return (r"{\rtf1\ansi{\info{\title " + TITLE + "}}" + texts + rows + "}").encode("ascii")


def _outlook_mail(parts: list[Part]) -> bytes:
    return ole(message({0x0037: TITLE, 0x1000: _letter(parts)}))


def _old_word(parts: list[Part]) -> bytes:
    paragraphs = []
    for part in parts:
        paragraphs += [(f"{part.heading}\r", 1, 0), *((f"{line}\r", 0, 0) for line in _lines(part))]
    for row in TABLE:
        paragraphs += [*((f"{cell}\x07", 0, 1) for cell in row), ("\x07", 0, 2)]
    return old_word(paragraphs)


def _old_slides(parts: list[Part]) -> bytes:
    table = ("Table", "\r".join(" ".join(row) for row in TABLE), "")
    return old_slides([*((part.heading, "\r".join(_lines(part)), "") for part in parts), table])


def _letter(parts: list[Part]) -> str:
    body = "\n\n".join(["\n\n".join([part.heading, *_lines(part)]) for part in parts])
    return body + "\n\n" + "\n".join(map(" ".join, TABLE))


def _mail(parts: list[Part]) -> bytes:
    head = f"From: a@example.org\nSubject: {TITLE}\nContent-Type: text/plain; charset=utf-8\n"
    return f"{head}Content-Transfer-Encoding: 8bit\n\n{_letter(parts)}\n".encode()


def _xml(parts: list[Part]) -> bytes:
    def text(part: Part) -> str:
        paragraphs = "".join(f"<para>{escape(each)}</para>\n" for each in _lines(part))
        return f"<section><title>{escape(part.heading)}</title>\n{paragraphs}</section>\n"

    rows = "".join("<row>" + "".join(f"<entry>{cell}</entry>" for cell in row) + "</row>" for row in TABLE)
    return f"<article><title>{TITLE}</title>{''.join(map(text, parts))}<table>{rows}</table></article>".encode()


def _text(parts: list[Part]) -> bytes:
    texts = ["\n\n".join([part.heading, *_lines(part)]) for part in parts]
    return "\n\n".join([TITLE, *texts, "\n".join(map(" ".join, TABLE)), ""]).encode()


def _python(parts: list[Part]) -> bytes:
    def function(number: int, part: Part) -> str:
        lines = "\n\n    ".join([part.heading, *_lines(part)])
        return f"def part_{number}() -> None:\n    r'''{lines}\n    '''\n"

    rows = "\n".join(f"    {row!r}," for row in TABLE)
    return "\n\n".join([*(function(*each) for each in enumerate(parts)), f"TABLE = [\n{rows}\n]\n"]).encode()


def _go(parts: list[Part]) -> bytes:
    def function(number: int, part: Part) -> str:
        comment = "\n".join(f"// {line}" for line in [part.heading, *_lines(part)])
        return f"{comment}\nfunc part{number}() {{}}\n"

    rows = "\n".join("// " + " ".join(row) for row in TABLE)
    return "\n".join(["package terms\n", *(function(*each) for each in enumerate(parts)), rows, ""]).encode()


def _json(parts: list[Part]) -> bytes:
    return json.dumps(
        {**{p.heading: _lines(p) for p in parts}, "table": [" ".join(row) for row in TABLE]},
        ensure_ascii=False,
        indent=1,
    ).encode()


def _yaml(parts: list[Part]) -> bytes:
    rows = {**{part.heading: _lines(part) for part in parts}, "table": [" ".join(row) for row in TABLE]}
    return yaml.safe_dump(rows, allow_unicode=True, sort_keys=False, width=1 << 20).encode()


def _ods(parts: list[Part]) -> bytes:
    def sheet(name: str, rows: list[list[str]]) -> str:
        cells = (
            "".join(f"<table:table-cell><text:p>{escape(c)}</text:p></table:table-cell>" for c in row) for row in rows
        )
        inside = "".join(f"<table:table-row>{row}</table:table-row>" for row in cells)
        return f"<table:table table:name={quoteattr(name)}>{inside}</table:table>"

    sheets = "".join(sheet(part.heading, [[each] for each in _lines(part)]) for part in parts)
    return office.opendocument(sheets + sheet("Table", TABLE), kind="spreadsheet", title=TITLE)


def _odp(parts: list[Part]) -> bytes:
    def slide(heading: str, lines: list[str]) -> str:
        texts = "".join(f"<text:p>{escape(each)}</text:p>" for each in lines)
        return f"<draw:page><text:h text:outline-level='1'>{escape(heading)}</text:h>{texts}</draw:page>"

    slides = "".join(slide(part.heading, _lines(part)) for part in parts)
    return office.opendocument(
        slides + slide("Table", [" ".join(row) for row in TABLE]), kind="presentation", title=TITLE
    )


def _tsv(parts: list[Part]) -> bytes:
    rows = [f"{part.heading}\t{each}" for part in parts for each in _lines(part)]
    return "\n".join(["heading\ttext", *rows, *("\t".join(row) for row in TABLE), ""]).encode()


def _csv(parts: list[Part]) -> bytes:
    rows = [f'"{part.heading}","{each.replace(chr(34), chr(34) * 2)}"' for part in parts for each in _lines(part)]
    return "\n".join(["heading,text", *rows, *(",".join(row) for row in TABLE), ""]).encode()


WRITERS: dict[str, Callable[[list[Part]], bytes]] = {
    "a.md": _markdown,
    "a.rst": _restructured,
    "a.adoc": _asciidoc,
    "a.html": _html,
    "a.pdf": _pdf,
    "a.docx": _docx,
    "a.pptx": _pptx,
    "a.xlsx": _xlsx,
    "a.xlsb": lambda parts: sheets.binary_workbook(_one_sheet(parts)),
    "a.xls": lambda parts: sheets.old_workbook(_one_sheet(parts)),
    "a.geojson": _geojson,
    "a.pages": lambda parts: office.archive({"Index/Document.iwa": "", "QuickLook/Preview.pdf": _pdf(parts)}),
    "a.parquet": _parquet,
    "a.sqlite": _sqlite,
    "a.odt": _odt,
    "a.epub": _epub,
    "a.ipynb": _notebook,
    "a.rtf": _rtf,
    "a.eml": _mail,
    "a.msg": _outlook_mail,
    "a.doc": _old_word,
    "a.ppt": _old_slides,
    "a.mht": lambda parts: b"MIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n\n" + _html(parts),
    "a.xml": _xml,
    "a.csv": _csv,
    "a.tsv": _tsv,
    "a.ods": _ods,
    "a.odp": _odp,
    "a.txt": _text,
    "a.py": _python,
    "a.go": _go,
    "a.json": _json,
    "a.yaml": _yaml,
    **markups.writers(TITLE, TABLE, _html),
}

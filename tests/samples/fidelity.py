"""How much of the manuscript each reader returns. `python -m tests.samples.fidelity` writes the tables of formats."""

from __future__ import annotations

import csv
import difflib
import email
import email.policy
import io
import re
import sqlite3
import zipfile
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from itertools import chain

import pyarrow.parquet
from lxml import etree, html

from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.registry import reader_for
from tests.samples.formats import formats_table
from tests.samples.manuscript import ROOT, TABLE, TITLE, WRITERS, Part, manuscript

PAGE = ROOT / "docs" / "reference" / "formats.md"
_CONTENT = re.compile(r"(?:/document|content|/slide\d+)\.xml$|\.xhtml$")
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Fidelity:
    """What a reader returned, as shares from 0 to 1."""

    words: float
    """Share of the words, counting repetitions."""
    order: float
    """Share of the words in their original order."""
    headings: float
    """Share of the headings that became sections."""
    cells: float
    """Share of the table's cells that are on the line of their row."""
    title: bool


@dataclass(frozen=True)
class OtherTool:
    """A tool that reads the same files, to compare."""

    name: str
    text: Callable[[bytes], str]


def _text_of_mail(raw: bytes) -> str:
    body = email.message_from_bytes(raw, policy=email.policy.default).get_body()
    assert body is not None
    return str(body.get_content())


def _text_of_parts(raw: bytes) -> str:
    """The texts in the XML of an archive, in the order of the names of its parts."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        names = sorted(name for name in archive.namelist() if _CONTENT.search(name))
        return "\n".join(str(text) for name in names for text in etree.fromstring(archive.read(name)).itertext())


def _text_of_page(raw: bytes) -> str:
    return "\n".join(map(str, html.fromstring(raw).itertext()))


def _text_of_xml(raw: bytes) -> str:
    return "\n".join(map(str, etree.fromstring(raw).itertext()))


def _text_of_cells(raw: bytes) -> str:
    delimiter = "\t" if b"\t" in raw else ","
    return "\n".join(chain.from_iterable(csv.reader(io.StringIO(raw.decode()), delimiter=delimiter)))


def _text_of_database(raw: bytes) -> str:
    with closing(sqlite3.connect(":memory:")) as database:
        database.deserialize(raw)
        return "\n".join(database.iterdump())


def _text_of_columns(raw: bytes) -> str:
    rows = pyarrow.parquet.read_table(io.BytesIO(raw)).to_pylist()
    return "\n".join(str(value) for row in rows for value in row.values())


def _text_of_saved_page(raw: bytes) -> str:
    return _text_of_page(_text_of_mail(raw).encode())


_PARTS = OtherTool("lxml, its XML parts", _text_of_parts)
OTHER_TOOLS = {
    "a.html": OtherTool("lxml", _text_of_page),
    "a.eml": OtherTool("Python's email", _text_of_mail),
    "a.mht": OtherTool("Python's email and lxml", _text_of_saved_page),
    "a.xml": OtherTool("lxml", _text_of_xml),
    "a.parquet": OtherTool("pyarrow", _text_of_columns),
    "a.sqlite": OtherTool("Python's sqlite3", _text_of_database),
    **dict.fromkeys(("a.csv", "a.tsv"), OtherTool("Python's csv", _text_of_cells)),
    **dict.fromkeys(("a.docx", "a.pptx", "a.odt", "a.odp", "a.ods", "a.epub"), _PARTS),
}


def measure(name: str, parts: list[Part]) -> Fidelity:
    """Write the manuscript in a format, read the file, and compare."""
    return compare(name, WRITERS[name](parts), parts)


def compare(name: str, raw: bytes, parts: list[Part]) -> Fidelity:
    """Read the manuscript from a file and compare."""
    reader = reader_for(name)
    assert reader is not None
    parsed = reader.read(raw, name)
    words, order = recall(parsed.text, parts)
    titles = {title for section in parsed.sections for title in section.path}
    headings = sum(part.heading in titles for part in parts)
    return Fidelity(words, order, headings / len(parts), _cells(parsed), parsed.title == TITLE)


def recall(text: str, parts: list[Part]) -> tuple[float, float]:
    """The share of the manuscript's words in a text, counting repetitions, and of those in their original order."""
    wanted = _words(" ".join(chain.from_iterable([p.heading, *p.paragraphs, *p.items] for p in parts)))
    found = _words(text)
    common = sum((Counter(wanted) & Counter(found)).values())
    matcher = difflib.SequenceMatcher(None, wanted, found, autojunk=False)
    in_order = sum(block.size for block in matcher.get_matching_blocks())
    return common / len(wanted), in_order / len(wanted)


def _words(text: str) -> list[str]:
    return _WORD.findall(text)


def _cells(parsed: Parsed) -> float:
    lines = parsed.text.splitlines()
    kept = [max(sum(cell in line for cell in row) for line in lines) for row in TABLE]
    return sum(kept) / sum(map(len, TABLE))


def table() -> str:
    """The measured table, as Markdown."""
    parts = manuscript()
    columns = (
        "file",
        "words",
        "in order",
        "headings",
        "table cells in their row",
        "title",
        "words and order by another tool",
    )
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    for name in WRITERS:
        found = measure(name, parts)
        shares = (found.words, found.order, found.headings, found.cells)
        shown = " | ".join(f"{share:.3f}" for share in shares)
        title = "yes" if found.title else "no"
        lines.append(f"| `{name.removeprefix('a')}` | {shown} | {title} | {_by_another_tool(name, parts)} |")
    return "\n".join(lines) + "\n"


def _by_another_tool(name: str, parts: list[Part]) -> str:
    tool = OTHER_TOOLS.get(name)
    if tool is None:
        return ""
    words, order = recall(tool.text(WRITERS[name](parts)), parts)
    return f"{words:.3f}, {order:.3f} ({tool.name})"


def page() -> str:
    """docs/reference/formats.md with its measured tables."""
    return with_table(with_table(PAGE.read_text("utf-8"), "measured", table()), "formats", formats_table())


def with_table(text: str, name: str, written: str) -> str:
    """The text of the page with another table between the marks of this name."""
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->\n"
    before, _, rest = text.partition(begin)
    return before + begin + written + end + rest.partition(end)[2]


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")

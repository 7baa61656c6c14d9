"""How much of the manuscript each reader returns. `python -m tests.samples.fidelity` writes the table of formats."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from dataclasses import dataclass
from itertools import chain

from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.registry import reader_for
from tests.samples.manuscript import ROOT, TABLE, TITLE, WRITERS, Part, manuscript

PAGE = ROOT / "docs" / "reference" / "formats.md"
BEGIN, END = "<!-- measured: begin -->\n", "<!-- measured: end -->\n"
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


def measure(name: str, parts: list[Part]) -> Fidelity:
    """Write the manuscript in a format, read the file, and compare."""
    return compare(name, WRITERS[name](parts), parts)


def compare(name: str, raw: bytes, parts: list[Part]) -> Fidelity:
    """Read the manuscript from a file and compare."""
    reader = reader_for(name)
    assert reader is not None
    parsed = reader.read(raw, name)
    wanted = _words(" ".join(chain.from_iterable([p.heading, *p.paragraphs, *p.items] for p in parts)))
    found = _words(parsed.text)
    common = sum((Counter(wanted) & Counter(found)).values())
    matcher = difflib.SequenceMatcher(None, wanted, found, autojunk=False)
    in_order = sum(block.size for block in matcher.get_matching_blocks())
    titles = {title for section in parsed.sections for title in section.path}
    headings = sum(part.heading in titles for part in parts)
    return Fidelity(
        common / len(wanted), in_order / len(wanted), headings / len(parts), _cells(parsed), parsed.title == TITLE
    )


def _words(text: str) -> list[str]:
    return _WORD.findall(text)


def _cells(parsed: Parsed) -> float:
    lines = parsed.text.splitlines()
    kept = [max(sum(cell in line for cell in row) for line in lines) for row in TABLE]
    return sum(kept) / sum(map(len, TABLE))


def table() -> str:
    """The measured table, as Markdown."""
    parts = manuscript()
    lines = ["| file | words | in order | headings | table cells in their row | title |", "|---|---|---|---|---|---|"]
    for name in WRITERS:
        found = measure(name, parts)
        shares = (found.words, found.order, found.headings, found.cells)
        shown = " | ".join(f"{share:.3f}" for share in shares)
        lines.append(f"| `{name.removeprefix('a')}` | {shown} | {'yes' if found.title else 'no'} |")
    return "\n".join(lines) + "\n"


def page_with(measured: str) -> str:
    """docs/reference/formats.md, with this table in its place."""
    text = PAGE.read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    return before + BEGIN + measured + END + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(page_with(table()), "utf-8")

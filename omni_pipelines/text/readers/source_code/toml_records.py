"""Lists of tables in TOML (`[[package]]`): each table is a record, and its inner tables and comments belong to it."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from omni_pipelines.text.document import Section

_HEADER = re.compile(
    r"^(?:[ \t]*#[^\n]*\n)*[ \t]*(?P<sign>\[\[?)[ \t]*(?P<name>[^\[\]\n]+?)[ \t]*\]\]?", re.MULTILINE
)


@dataclass(frozen=True)
class _Record:
    start: int
    end: int
    name: str


def whole_records(text: str, sections: Sequence[Section]) -> tuple[Section, ...]:
    """The sections of a file with one for each record, in place of those for the keys in it."""
    records = list(_records(text))
    starts = [record.start for record in records]

    def is_inside(section: Section) -> bool:
        index = bisect_right(starts, section.start) - 1
        return index >= 0 and section.start < records[index].end

    others = (section for section in sections if not is_inside(section))
    whole = (Section(record.start, tuple(record.name.split("."))) for record in records)
    return tuple(sorted((*others, *whole), key=lambda section: section.start))


def _records(text: str) -> Iterator[_Record]:
    """The outermost tables of lists, in order."""
    name, start = "", 0
    for header in _HEADER.finditer(text):
        if name and header["name"].startswith(f"{name}."):
            continue
        if name:
            yield _Record(start, header.start(), name)
        name, start = (header["name"] if header["sign"] == "[[" else ""), header.start()
    if name:
        yield _Record(start, len(text), name)

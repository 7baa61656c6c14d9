"""Each kind of file that readers once got wrong, by neighbours of the one that was found."""

from __future__ import annotations

import pytest

from omni_pipelines.refusals import Unreadable
from omni_pipelines.text.chunking import Chunker
from omni_pipelines.text.packing import Budget
from omni_pipelines.text.readers.formats import UNKNOWN
from omni_pipelines.text.readers.registry import read_document, reader_by_content, reader_for
from tests.samples.case_neighbours import FILE_CASES, HEADINGS, PICTURES
from tests.samples.document_neighbours import DOCUMENT_NEIGHBOURS
from tests.samples.neighbours import NEIGHBOURS, Neighbour

FILES = [*NEIGHBOURS, *DOCUMENT_NEIGHBOURS, *FILE_CASES]


@pytest.mark.parametrize("file", FILES, ids=[f"{file.kind}: {file.name}" for file in FILES])
def test_file_gives_its_words_and_no_others(file: Neighbour) -> None:
    reader = reader_by_content(reader_for(file.name) or UNKNOWN, file.raw)
    if file.code:
        with pytest.raises(Unreadable) as refused:
            read_document(reader, file.raw, file.name)
        assert refused.value.code == file.code
        return
    parsed = read_document(reader, file.raw, file.name)
    inside = [each.raw.decode("utf-8", "replace") for each in parsed.embedded]
    text = "\n".join([parsed.text, parsed.title, *inside])
    assert [word for word in file.kept if word not in text] == []
    assert [word for word in file.absent if word in text] == []


@pytest.mark.parametrize(
    ("name", "raw", "title", "headings"),
    [each[1:] for each in HEADINGS],
    ids=[": ".join(each[:2]) for each in HEADINGS],
)
def test_file_gives_its_title_and_headings(
    name: str, raw: bytes, title: str, headings: list[tuple[str, ...]]
) -> None:
    reader = reader_by_content(reader_for(name) or UNKNOWN, raw)
    parsed = read_document(reader, raw, name)
    assert (parsed.title, [section.path for section in parsed.sections]) == (title, headings)
    assert "ops" not in parsed.text or parsed.verbatim


@pytest.mark.parametrize(("name", "raw"), PICTURES, ids=[name for name, _ in PICTURES])
def test_a_picture_inside_a_text_costs_no_chunks(name: str, raw: bytes) -> None:
    reader = reader_by_content(reader_for(name) or UNKNOWN, raw)
    parsed = read_document(reader, raw, name)
    spans = Chunker(Budget(64, 0)).cut(parsed, lambda part: len(part) // 4, reader.kind)
    chunks = [parsed.text[span.start : span.end] for span in spans]
    assert len(chunks) <= 2
    assert all(word in "".join(chunks) for word in ("Before.", "After."))


TABLES = [file for file in FILES if file.header]


@pytest.mark.parametrize("file", TABLES, ids=[f"{file.kind}: {file.name}" for file in TABLES])
def test_every_chunk_of_a_table_has_the_column_names(file: Neighbour) -> None:
    reader = reader_by_content(reader_for(file.name) or UNKNOWN, file.raw)
    parsed = read_document(reader, file.raw, file.name)
    spans = Chunker(Budget(60, 8)).cut(parsed, lambda part: len(part.split()), reader.kind)
    chunks = [(span.context, parsed.text[span.start : span.end]) for span in spans]
    with_rows = [(context, text) for context, text in chunks if "Valve" in text]
    assert len(with_rows) > 2
    assert [text for context, text in with_rows[1:] if file.header not in (context, text.partition("\n")[0])] == []

"""Each kind of file that readers once got wrong, by neighbours of the one that was found."""

from __future__ import annotations

import pytest

from omni_pipelines.refusals import Unreadable
from omni_pipelines.text.chunking import Chunker
from omni_pipelines.text.packing import Budget
from omni_pipelines.text.readers.formats import UNKNOWN
from omni_pipelines.text.readers.registry import read_document, reader_by_content, reader_for
from tests.samples.document_neighbours import DOCUMENT_NEIGHBOURS
from tests.samples.neighbours import NEIGHBOURS, Neighbour

FILES = [*NEIGHBOURS, *DOCUMENT_NEIGHBOURS]


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

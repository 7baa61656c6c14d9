"""Documents from their rows, and texts from the rows of chunks."""

from __future__ import annotations

import pytest

from omni_pipelines.text.document import Parsed
from omni_pipelines.text.document_rows import ChunkText, join_chunks, parsed_columns, parsed_document
from omni_pipelines.text.readers.registry import reader_for

FILES = {
    "a.md": "# Ä\r\n\r\ntext\r\n\r\n## B\r\n".encode("utf-16"),
    "a.py": b"# coding: latin-1\n\ndef f():\n    return '\xe9'\n",
    "a.html": "<h1>Ä\n</h1>\n<p>one\ntwo</p>".encode(),
    "a.txt": b"plain",
}


def _parsed(name: str) -> Parsed:
    reader = reader_for(name)
    assert reader is not None
    return reader.read(FILES[name], name)


@pytest.mark.parametrize("name", FILES)
def test_document_from_its_row_has_the_same_text_title_and_sections(name: str) -> None:
    parsed = _parsed(name)
    restored = parsed_document(parsed_columns(parsed))
    assert (restored.text, restored.title, restored.sections, restored.verbatim) == (
        parsed.text,
        parsed.title,
        parsed.sections,
        parsed.verbatim,
    )


@pytest.mark.parametrize("name", FILES)
def test_document_from_its_row_has_the_same_bytes_and_lines(name: str) -> None:
    parsed = _parsed(name)
    restored = parsed_document(parsed_columns(parsed))
    positions = list(range(len(parsed.text) + 1))
    assert restored.byte_offsets(positions) == parsed.byte_offsets(positions)
    assert [restored.line(position) for position in positions] == [parsed.line(position) for position in positions]


@pytest.mark.parametrize(
    ("ranges", "expected"),
    [
        ([(0, 5), (3, 8)], "abcdefgh"),
        ([(0, 5), (5, 8)], "abcdefgh"),
        ([(0, 5), (2, 4)], "abcde"),
        ([(0, 3), (5, 8)], "abc\n\nfgh"),
        ([(4, 8)], "efgh"),
        ([], ""),
    ],
)
def test_joined_chunks_contain_every_character_once(ranges: list[tuple[int, int]], expected: str) -> None:
    text = "abcdefgh"
    rows: list[ChunkText] = [{"start_char": start, "end_char": end, "text": text[start:end]} for start, end in ranges]
    assert join_chunks(rows) == expected

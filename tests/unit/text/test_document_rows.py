"""A parsed document survives its row."""

from __future__ import annotations

import pytest

from omni_pipelines.text.document import Parsed
from omni_pipelines.text.document_rows import join_chunks, parsed_document, structure_json
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


def _stored(parsed: Parsed) -> Parsed:
    decoded = parsed.decoded
    row = {
        "text": parsed.text,
        "title": parsed.title,
        "structure": structure_json(parsed),
        "verbatim": parsed.verbatim,
    }
    return parsed_document({**row, "encoding": decoded.encoding, "bom_bytes": decoded.bom_bytes})


@pytest.mark.parametrize("name", FILES)
def test_document_from_its_row_has_the_same_text_title_and_sections(name: str) -> None:
    parsed = _parsed(name)
    back = _stored(parsed)
    assert (back.text, back.title, back.sections, back.verbatim) == (
        parsed.text,
        parsed.title,
        parsed.sections,
        parsed.verbatim,
    )


@pytest.mark.parametrize("name", FILES)
def test_document_from_its_row_has_the_same_bytes_and_lines(name: str) -> None:
    parsed = _parsed(name)
    back = _stored(parsed)
    places = list(range(len(parsed.text) + 1))
    assert back.byte_offsets(places) == parsed.byte_offsets(places)
    assert [back.line(place) for place in places] == [parsed.line(place) for place in places]


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
    rows = [{"start_char": start, "end_char": end, "text": text[start:end]} for start, end in ranges]
    assert join_chunks(rows) == expected

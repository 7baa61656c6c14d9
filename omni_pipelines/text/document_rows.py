"""Convert a parsed document to columns of `documents`, and back; join chunk rows to a text."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypedDict

import orjson

from omni_pipelines.text.decoding import DecodedText
from omni_pipelines.text.document import Parsed, Section, TextTable
from omni_pipelines.text.lines import Marks


class ParsedColumns(TypedDict):
    """The columns of `documents` that hold a parsed document. A `DocumentRow` has them all."""

    text: str
    title: str
    encoding: str
    bom_bytes: int
    encoding_probability: float
    verbatim: bool
    partial: str
    structure: str


class ChunkText(TypedDict):
    """The columns of `chunks` that say which part of its document a chunk is. A `ChunkRow` has them all."""

    text: str
    start_char: int
    end_char: int


def parsed_columns(parsed: Parsed) -> ParsedColumns:
    """The columns of a document that `parsed_document` needs."""
    return {
        "text": parsed.text,
        "title": parsed.title,
        "encoding": parsed.decoded.encoding,
        "bom_bytes": parsed.decoded.bom_bytes,
        "encoding_probability": parsed.decoded.probability,
        "verbatim": parsed.verbatim,
        "partial": parsed.partial,
        "structure": structure_json(parsed),
    }


def structure_json(parsed: Parsed) -> str:
    """Sections, tables, line marks and page marks, for the column `structure`."""
    structure = {
        "sections": [[section.start, list(section.path)] for section in parsed.sections],
        "tables": [[table.start, table.end, table.header, list(table.rows)] for table in parsed.tables],
        "lines": parsed.line_marks,
        "pages": parsed.page_marks,
        "confidences": parsed.confidence_marks,
        "properties": parsed.properties,
    }
    return orjson.dumps(structure).decode()


def parsed_document(row: ParsedColumns) -> Parsed:
    """The document as its reader returned it. The language is not among the columns and stays empty."""
    structure = orjson.loads(row["structure"])
    sections = tuple(Section(start, tuple(path)) for start, path in structure["sections"])
    tables = tuple(
        TextTable(start, end, header, tuple(rows)) for start, end, header, rows in structure.get("tables", ())
    )
    properties = structure.get("properties", {})
    if row["verbatim"]:
        decoded = DecodedText(row["text"], row["encoding"], row["bom_bytes"], row["encoding_probability"])
        return Parsed(decoded, row["title"], sections, tables=tables, partial=row["partial"], properties=properties)
    return Parsed(
        DecodedText("", row["encoding"], row["bom_bytes"], row["encoding_probability"]),
        row["title"],
        sections,
        extracted=row["text"],
        line_marks=_marks(structure["lines"]),
        page_marks=_marks(structure.get("pages", ())),
        confidence_marks=tuple((char, confidence) for char, confidence in structure.get("confidences", ())),
        tables=tables,
        partial=row["partial"],
        properties=properties,
    )


def join_chunks(rows: Iterable[ChunkText]) -> str:
    """The text of neighbouring chunks of one document, in order: overlaps appear once, a gap is a blank line."""
    return "".join(("\n\n" if has_gap else "") + text for text, has_gap in chunk_pieces(rows))


def chunk_pieces(rows: Iterable[ChunkText]) -> Iterator[tuple[str, bool]]:
    """The texts of neighbouring chunks of one document without overlaps, and whether there is a gap before each."""
    end = -1
    for row in rows:
        has_gap = 0 <= end < row["start_char"]
        yield row["text"][max(end - row["start_char"], 0) if end >= 0 else 0 :], has_gap
        end = max(end, row["end_char"])


def _marks(pairs: Iterable[Sequence[int]]) -> Marks:
    return tuple((char, number) for char, number in pairs)

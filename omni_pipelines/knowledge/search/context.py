"""Context for a prompt: passages under their citations, within a token budget, and no passage twice."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from omni_pipelines.knowledge.search.citation_names import cited_name, cited_place
from omni_pipelines.knowledge.search.hits import Hit, caveats
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.metadata import decode_object
from omni_pipelines.rows import ChunkRow
from omni_pipelines.text.document_rows import join_chunks


@dataclass(frozen=True)
class Context:
    """Passages for a prompt, each under its citation."""

    text: str
    tokens: int
    """Never more than the budget."""
    hits: tuple[Hit, ...]


def collect_context(
    snapshot: Snapshot,
    hits: Sequence[Hit],
    max_tokens: int,
    count: Callable[[str], int],
    neighbours: int = 0,
    *,
    sections: bool = False,
) -> Context:
    """Take every hit that fits the budget, with its section or as many neighbours as fit, and no chunk twice."""
    text = ""
    taken: list[Hit] = []
    covered: set[str] = set()
    for hit in hits:
        if hit.chunk_id in covered:
            continue
        for window in _windows(snapshot, hit, neighbours, covered, sections=sections):
            note = f" ({', '.join(caveats(hit))})" if caveats(hit) else ""
            block = f"[{len(taken) + 1}] {window.citation}{note}\n{window.text}\n\n"
            if count(text + block) <= max_tokens:
                text += block
                taken.append(hit)
                covered |= window.chunks
                break
    return Context(text, count(text) if text else 0, tuple(taken))


class _Window(NamedTuple):
    text: str
    citation: str
    chunks: frozenset[str]


def _windows(
    snapshot: Snapshot, hit: Hit, neighbours: int, covered: set[str], *, sections: bool
) -> Iterator[_Window]:
    """The hit in narrowing windows: with its section, with all its neighbours, with fewer, and alone."""
    rows = snapshot.chunks_of(hit.doc_id) if neighbours or sections else []
    index = next((number for number, row in enumerate(rows) if row["chunk_id"] == hit.chunk_id), 0)
    if sections and rows:
        section = _section(rows, rows[index])
        if len(section) > 1 and covered.isdisjoint(row["chunk_id"] for row in section):
            yield _window(section)
    for width in range(neighbours, 0, -1):
        first = index - _uncovered(rows[max(index - width, 0) : index][::-1], covered)
        last = index + _uncovered(rows[index + 1 : index + 1 + width], covered)
        if last > first:
            yield _window(rows[first : last + 1])
    yield _Window(hit.text, hit.citation, frozenset([hit.chunk_id]))


def _window(rows: Sequence[ChunkRow]) -> _Window:
    first, last = rows[0], rows[-1]
    if first["page"] == last["page"]:
        place = cited_place(f"{first['start_line']}-{last['end_line']}", first["page"])
    else:
        place = f":p{first['page']}-{last['page']}"
    citation = cited_name(first["source"], first["path"], first["uri"]) + place
    return _Window(join_chunks(rows), citation, frozenset(row["chunk_id"] for row in rows))


def _section(rows: Sequence[ChunkRow], hit: ChunkRow) -> list[ChunkRow]:
    """The chunks of the section that contains this one; this one alone if its section is not known."""
    metadata = decode_object(hit["metadata"])
    section = metadata.fields.get("section") if metadata is not None else None
    if not isinstance(section, list) or len(section) != 2:
        return [hit]
    return [row for row in rows if section[0] <= row["start_char"] and row["end_char"] <= section[1]]


def _uncovered(rows: Sequence[ChunkRow], covered: set[str]) -> int:
    """The number of rows before the first one that the context holds already."""
    return next((number for number, row in enumerate(rows) if row["chunk_id"] in covered), len(rows))

"""Hits to one text for a prompt: passages under their citations, within a budget of tokens, nothing twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from omni_pipelines.knowledge.search.search import Hit, place
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.metadata import decode_object
from omni_pipelines.text.document_rows import join_chunks


@dataclass(frozen=True)
class Context:
    """Passages for a prompt, each under its citation."""

    text: str
    tokens: int
    """Never more than was asked for."""
    hits: tuple[Hit, ...]


def collect(
    snapshot: Snapshot,
    hits: Sequence[Hit],
    max_tokens: int,
    count: Callable[[str], int],
    neighbours: int = 0,
    *,
    sections: bool = False,
) -> Context:
    """Take each hit that fits, with its section or as many of its neighbours as fit; nothing is taken twice."""
    text = ""
    taken: list[Hit] = []
    covered: set[str] = set()
    for hit in hits:
        if hit.chunk_id in covered:
            continue
        for passage in _narrower(snapshot, hit, neighbours, covered, sections=sections):
            where_it_is = place(hit.path, passage.start_line, passage.end_line, passage.page)
            block = f"[{len(taken) + 1}] {where_it_is}\n{passage.text}\n\n"
            if count(text + block) <= max_tokens:
                text += block
                taken.append(hit)
                covered |= passage.chunks
                break
    return Context(text, count(text) if text else 0, tuple(taken))


@dataclass(frozen=True)
class _Window:
    text: str
    start_line: int
    end_line: int
    page: int | None
    """Where it begins."""
    chunks: frozenset[str]


def _narrower(
    snapshot: Snapshot, hit: Hit, neighbours: int, covered: set[str], *, sections: bool
) -> Iterator[_Window]:
    """The passage with its whole section, with all of the neighbours, with fewer, and alone."""
    rows = snapshot.chunks_of(hit.doc_id) if neighbours or sections else []
    at = next((number for number, row in enumerate(rows) if row["chunk_id"] == hit.chunk_id), 0)
    if sections and rows:
        inside = _section(rows, rows[at])
        if len(inside) > 1 and covered.isdisjoint(row["chunk_id"] for row in inside):
            yield _window(inside)
    for width in range(neighbours, 0, -1):
        first = at - len(_free(rows[max(at - width, 0) : at][::-1], covered))
        last = at + len(_free(rows[at + 1 : at + 1 + width], covered))
        inside = rows[first : last + 1]
        if len(inside) > 1:
            yield _window(inside)
    yield _Window(hit.text, hit.start_line, hit.end_line, hit.page, frozenset([hit.chunk_id]))


def _window(rows: Sequence[dict[str, Any]]) -> _Window:
    lines = rows[0]["start_line"], max(row["end_line"] for row in rows)
    return _Window(join_chunks(rows), *lines, rows[0]["page"], frozenset(row["chunk_id"] for row in rows))


def _section(rows: Sequence[dict[str, Any]], hit: dict[str, Any]) -> list[dict[str, Any]]:
    """The chunks that lie in the section around one; that one alone where its section is not known."""
    found = decode_object(hit["metadata"])
    section = found.fields.get("section") if found is not None else None
    if not isinstance(section, list) or len(section) != 2:
        return [hit]
    return [row for row in rows if section[0] <= row["start_char"] and row["end_char"] <= section[1]]


def _free(rows: Sequence[dict[str, Any]], covered: set[str]) -> list[dict[str, Any]]:
    """The rows up to the first that is in the text already."""
    taken = next((number for number, row in enumerate(rows) if row["chunk_id"] in covered), len(rows))
    return list(rows[:taken])

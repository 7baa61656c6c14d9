"""The expected content of a knowledge base, computed from files without any store, and its actual content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from native import lance_vectors
from native.lance_tables import LanceTable
from native.tantivy_index import KeywordIndex
from omni_pipelines import ids
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.refusals import Unreadable
from omni_pipelines.settings import Settings
from omni_pipelines.steps.chunks import chunker_of, heading_of
from omni_pipelines.testing.fakes import FakeEmbedder, WordCounter
from omni_pipelines.text.embedding import embedded_text
from omni_pipelines.text.readers.formats import Reader
from omni_pipelines.text.readers.registry import reader_for
from tests.stress.harness.corpus import WORDS

SETTINGS = Settings(chunk_tokens=40, chunk_overlap=8, workers=1, lock_seconds=600)
MAX_HITS = 100_000
"""More than any search can return."""


@dataclass(frozen=True)
class Content:
    """Everything that a reader can see of one state of a knowledge base."""

    documents: dict[str, str]
    """Hash of the file by path."""
    chunks: dict[str, tuple[str, str, int, int]]
    """Path, text, start byte and end byte (exclusive) by chunk id."""
    vectors: dict[str, bytes]
    """The float16 vector by chunk id."""
    entries: set[str]
    """Chunk ids in the keyword index."""
    hits: dict[str, set[str]]
    """The ids of all hits of a keyword search, by word."""
    near: set[str]
    """Chunk ids that a vector search without limit returns."""
    nearest: dict[str, bool]
    """Whether the first hit for the chunk's own vector has an equal vector, by chunk id."""

    def differences(self, other: Content) -> list[str]:
        """Name the parts that differ, with the number of differing items."""
        return [
            f"{name}: {_unlike(getattr(self, name), getattr(other, name))} differ"
            for name in self.__dataclass_fields__
            if getattr(self, name) != getattr(other, name)
        ]


def _unlike(a: Any, b: Any) -> int:
    if isinstance(a, set):
        return len(a ^ b)
    return len({key for key in a.keys() | b.keys() if a.get(key) != b.get(key)})


def _probes(chunks: Mapping[str, Any]) -> list[str]:
    """Choose the chunks whose own vectors are searched for."""
    return sorted(chunks)[::20]


def expected(source: str, files: Mapping[str, bytes], settings: Settings = SETTINGS) -> Content:
    """Compute the content that files must lead to."""
    documents: dict[str, str] = {}
    chunks: dict[str, tuple[str, str, int, int]] = {}
    embedded: dict[str, str] = {}
    around: dict[str, str] = {}
    for path, raw in files.items():
        try:
            reader = _reader(path)
            parsed = reader.read(raw, path.rpartition("/")[2])
        except Unreadable:
            continue
        documents[path] = ids.content_hash(raw)
        chunker = chunker_of(settings, source)
        for ordinal, span in enumerate(chunker.cut(parsed, WordCounter(), reader.kind)):
            text = parsed.text[span.start : span.end]
            document = ids.document_id(source, path)
            key = ids.chunk_id(document, ordinal, text, chunker.fingerprint)
            start, end = parsed.byte_offsets([span.start, span.end])
            chunks[key] = (path, text, start, end)
            embedded[key] = embedded_text(heading_of(span), text)
        around |= _with_neighbours({key: text for key, (name, text, _, _) in chunks.items() if name == path})
    vectors = {key: vector.astype(np.float16).tobytes() for key, vector in _embed(embedded).items()}
    hits = {word: {key for key, text in around.items() if word in text} for word in WORDS}
    probes = dict.fromkeys(_probes(chunks), True)
    return Content(documents, chunks, vectors, set(chunks), hits, set(chunks), probes)


def _with_neighbours(texts: Mapping[str, str]) -> dict[str, str]:
    """Join each passage of a document with its two neighbours: a search also finds a passage by their words."""
    passages = list(texts.values())
    return {key: "\n".join(passages[max(number - 1, 0) : number + 2]) for number, key in enumerate(texts)}


def _reader(path: str) -> Reader:
    reader = reader_for(path)
    assert reader is not None
    return reader


def _embed(texts: Mapping[str, str]) -> dict[str, np.ndarray]:
    return dict(zip(texts, FakeEmbedder().embed(list(texts.values())), strict=True)) if texts else {}


def merged(contents: Sequence[Content]) -> Content:
    """Combine the contents of several sources, which must have different paths."""
    whole = Content({}, {}, {}, set(), {word: set() for word in WORDS}, set(), {})
    for content in contents:
        whole.documents.update(content.documents)
        whole.chunks.update(content.chunks)
        whole.vectors.update(content.vectors)
        whole.entries.update(content.entries)
        whole.near.update(content.near)
        for word, keys in content.hits.items():
            whole.hits[word].update(keys)
    whole.nearest.update(dict.fromkeys(_probes(whole.chunks), True))
    return whole


def content_of(snapshot: Snapshot) -> Content:
    """Read all content of one release."""
    versions = {name: int(version.rpartition(":")[2]) for name, version in snapshot.release.tables.items()}
    tables = {name: LanceTable(snapshot.home.table(name)) for name in versions}
    return stored(tables, versions, snapshot.keyword)


def stored(tables: Mapping[str, LanceTable], versions: Mapping[str, int | None], keyword: KeywordIndex) -> Content:
    """Read all content of tables at given versions and of a keyword index.

    Raises:
        AssertionError: a key occurs twice.
    """
    documents = tables["documents"].read(["path", "content_hash"], version=versions["documents"]).to_pylist()
    columns = ["chunk_id", "path", "text", "start_byte", "end_byte"]
    chunks = tables["chunks"].read(columns, version=versions["chunks"]).to_pylist()
    rows = tables["embeddings"].read(["chunk_id", "vector"], version=versions["embeddings"])
    matrix = np.array(rows["vector"].to_pylist(), np.float16).reshape(len(rows), -1)
    vectors = dict(zip(rows["chunk_id"].to_pylist(), matrix, strict=True))
    for name, keys in (("path", documents), ("chunk_id", chunks)):
        _unique([row[name] for row in keys])
    _unique(rows["chunk_id"].to_pylist())

    def nearest(vector: np.ndarray, k: int) -> list[str]:
        neighbours = lance_vectors.nearest(
            tables["embeddings"], vector, k, key="chunk_id", version=versions["embeddings"]
        )
        return _unique([key for key, _ in neighbours])

    first = {key: nearest(vectors[key], 1) for key in _probes(vectors)}
    return Content(
        {row["path"]: row["content_hash"] for row in documents},
        {row["chunk_id"]: (row["path"], row["text"], row["start_byte"], row["end_byte"]) for row in chunks},
        {key: vector.tobytes() for key, vector in vectors.items()},
        set(keyword.fingerprints()),
        {word: set(_unique([key for key, _ in keyword.search(word, MAX_HITS)])) for word in WORDS},
        set(nearest(np.ones(matrix.shape[1]), len(vectors) + 5)) if vectors else set(),
        {key: bool(best) and np.array_equal(vectors[best[0]], vectors[key]) for key, best in first.items()},
    )


def _unique(keys: Sequence[str]) -> list[str]:
    assert len(keys) == len(set(keys)), f"{len(keys) - len(set(keys))} keys occur twice"
    return list(keys)

"""What a knowledge base must hold for given files, worked out without any store, and what one really holds."""

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
from omni_pipelines.text.readers.registry import Reader, reader_for
from tests.stress.harness.corpus import WORDS

SETTINGS = Settings(chunk_tokens=40, chunk_overlap=8, workers=1, lock_seconds=600)
EVERY = 100_000


@dataclass(frozen=True)
class Content:
    """Everything a reader can get out of one state of a knowledge base."""

    documents: dict[str, str]
    """Path to hash of the file."""
    chunks: dict[str, tuple[str, str, int, int]]
    """Chunk id to path, text, first byte, behind the last."""
    vectors: dict[str, bytes]
    """Chunk id to its float16 vector."""
    entries: set[str]
    """Chunk ids in the keyword index."""
    found: dict[str, set[str]]
    """A word to the chunks that a keyword search for it gives."""
    near: set[str]
    """Chunk ids that a vector search for everything gives."""
    nearest: dict[str, bool]
    """A chunk's id to whether the search for its own vector gives an equal one first."""

    def differences(self, other: Content) -> list[str]:
        """Names of the parts that are not the same, with how much of each differs."""
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
    """The chunks whose own vectors are searched for."""
    return sorted(chunks)[::20]


def expected(source: str, files: Mapping[str, bytes], settings: Settings = SETTINGS) -> Content:
    """What must be there, from the files alone."""
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
    found = {word: {key for key, text in around.items() if word in text} for word in WORDS}
    probes = dict.fromkeys(_probes(chunks), True)
    return Content(documents, chunks, vectors, set(chunks), found, set(chunks), probes)


def _with_neighbours(texts: Mapping[str, str]) -> dict[str, str]:
    """Each passage of a document with the one before and the one behind it: a word of theirs finds it, too."""
    each = list(texts.values())
    return {key: "\n".join(each[max(at - 1, 0) : at + 2]) for at, key in enumerate(texts)}


def _reader(path: str) -> Reader:
    reader = reader_for(path)
    assert reader is not None
    return reader


def _embed(texts: Mapping[str, str]) -> dict[str, np.ndarray]:
    return dict(zip(texts, FakeEmbedder().embed(list(texts.values())), strict=True)) if texts else {}


def joined(contents: Sequence[Content]) -> Content:
    """What a knowledge base of several sources holds. No path may stand in two of them."""
    whole = Content({}, {}, {}, set(), {word: set() for word in WORDS}, set(), {})
    for each in contents:
        whole.documents.update(each.documents)
        whole.chunks.update(each.chunks)
        whole.vectors.update(each.vectors)
        whole.entries.update(each.entries)
        whole.near.update(each.near)
        for word, keys in each.found.items():
            whole.found[word].update(keys)
    whole.nearest.update(dict.fromkeys(_probes(whole.chunks), True))
    return whole


def content_of(snapshot: Snapshot) -> Content:
    """All that one release shows."""
    versions = {name: int(version.rpartition(":")[2]) for name, version in snapshot.release.tables.items()}
    tables = {name: LanceTable(snapshot.home.table(name)) for name in versions}
    return stored(tables, versions, snapshot.keyword)


def stored(tables: Mapping[str, LanceTable], versions: Mapping[str, int | None], keyword: KeywordIndex) -> Content:
    """All that tables at given versions, and a keyword index, show.

    Raises:
        AssertionError: a key stands twice.
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
        found = lance_vectors.nearest(tables["embeddings"], vector, k, key="chunk_id", version=versions["embeddings"])
        return _unique([key for key, _ in found])

    first = {key: nearest(vectors[key], 1) for key in _probes(vectors)}
    return Content(
        {row["path"]: row["content_hash"] for row in documents},
        {row["chunk_id"]: (row["path"], row["text"], row["start_byte"], row["end_byte"]) for row in chunks},
        {key: vector.tobytes() for key, vector in vectors.items()},
        set(keyword.fingerprints()),
        {word: set(_unique([key for key, _ in keyword.search(word, EVERY)])) for word in WORDS},
        set(nearest(np.ones(matrix.shape[1]), len(vectors) + 5)) if vectors else set(),
        {key: bool(best) and np.array_equal(vectors[best[0]], vectors[key]) for key, best in first.items()},
    )


def _unique(keys: Sequence[str]) -> list[str]:
    assert len(keys) == len(set(keys)), f"{len(keys) - len(set(keys))} keys stand twice"
    return list(keys)

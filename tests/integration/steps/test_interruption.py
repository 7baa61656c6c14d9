"""A run that ends in the middle of a step keeps what it had committed, and the next run goes on from there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from omni_pipelines.knowledge.state.changes import NO_CHANGES, DocumentChanges
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.publishing.rollback import roll_back
from omni_pipelines.sources.model.listing import FileContent, ReadFile, SourceFile
from omni_pipelines.steps.step import BatchSizes
from omni_pipelines.testing.fakes import FakeEmbedder
from omni_pipelines.text.embedding import TextKind
from tests.integration.line import Line, write

EACH = BatchSizes(seconds=0)
"""Everything that is done is committed at once."""


class StoppedEmbedder(FakeEmbedder):
    """Is interrupted when it has embedded so many texts."""

    def __init__(self, texts: int) -> None:
        super().__init__()
        self.left = texts

    def embed(
        self, texts: Sequence[str], on_batch: Callable[[int], None] | None = None, *, kind: TextKind = "document"
    ) -> np.ndarray:
        if len(texts) > self.left:
            raise KeyboardInterrupt
        self.left -= len(texts)
        return super().embed(texts, on_batch, kind=kind)


def stopping_at(path: str) -> Callable[[ReadFile, SourceFile, int], FileContent]:
    def read(read_file: ReadFile, file: SourceFile, limit: int) -> FileContent:
        if file.path == path:
            raise KeyboardInterrupt
        return read_file(file, limit)

    return read


def test_files_and_refusals_that_were_read_before_an_interruption_are_not_read_again(line: Line, docs: Path) -> None:
    write(docs, {"a.md": "Words about walruses.", "b.md": b"\0\0", "c.md": "Words about gulls.", "d.md": "More."})
    line.add(docs)
    line.read_hook = stopping_at("d.md")
    with pytest.raises(KeyboardInterrupt):
        line.run(batches=EACH)
    assert [row["path"] for row in line.rows("documents", "path")] == ["a.md", "c.md"]
    assert [row["path"] for row in line.rows("quarantine", "path", "attempts")] == ["b.md"]
    read: list[str] = []

    def remembering(read_file: ReadFile, file: SourceFile, limit: int) -> FileContent:
        read.append(file.path)
        return read_file(file, limit)

    line.read_hook = remembering
    done = line.run()
    assert read == ["d.md"]
    assert (done.documents.unchanged, done.documents.added, done.documents.quarantined) == (2, 1, 1)
    assert [row["attempts"] for row in line.rows("quarantine", "attempts")] == [1]


def test_texts_that_were_embedded_before_an_interruption_are_not_embedded_again(line: Line, docs: Path) -> None:
    write(docs, {f"{number:03}.md": f"Words about number{number}." for number in range(75)})
    line.add(docs)
    line.ingest()
    line.embedder = StoppedEmbedder(texts=70)
    with pytest.raises(KeyboardInterrupt):
        line.run(batches=EACH)
    kept = len(line.rows("embeddings", "chunk_id"))
    assert 60 <= kept <= 70
    line.embedder = FakeEmbedder()
    assert line.run().embeddings.embedded == 75 - kept


def test_the_release_counts_what_an_interrupted_run_had_read_as_new(line: Line, docs: Path) -> None:
    write(docs, {"a.md": "Words about walruses.", "b.md": "Words about gulls.", "c.md": "Words about terns."})
    line.add(docs)
    line.run()
    write(docs, {"a.md": "Other words about walruses.", "d.md": "Call +49 170 1234567, words about auks."})
    (docs / "b.md").unlink()
    line.embedder = StoppedEmbedder(texts=0)
    with pytest.raises(KeyboardInterrupt):
        line.run(batches=EACH)
    line.embedder = FakeEmbedder()
    done = line.run()
    assert (done.documents.added, done.documents.changed, done.documents.deleted) == (0, 0, 0)
    assert done.published.changes == DocumentChanges(added=1, changed=1, deleted=1, masked=0)
    assert line.run().published.changes == NO_CHANGES


def test_after_a_rollback_the_release_counts_what_readers_see_again(line: Line, docs: Path) -> None:
    write(docs, {"a.md": "Words about walruses."})
    line.add(docs)
    line.run()
    write(docs, {"b.md": "Words about gulls."})
    line.run()
    with writer_session(line.home, line.settings):
        roll_back(line.home, line.settings, 1, "run-2")
    write(docs, {"c.md": "Words about terns."})
    assert line.run().published.changes == DocumentChanges(added=2)

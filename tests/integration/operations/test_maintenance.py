"""Maintenance changes no row and no kept release, and makes no step stale; codecs compress as expected."""

from __future__ import annotations

import functools
import itertools
import random
from pathlib import Path
from typing import Literal

import lance
import pyarrow as pa
import pytest
from pydantic import ValidationError

from native import lance_vectors
from native.lance_codecs import Codec, codec_of, column_sizes, with_codecs
from native.lance_tables import FORMAT, LanceTable
from omni_pipelines import schemas
from omni_pipelines.configuration import load_settings
from omni_pipelines.home import Home
from omni_pipelines.operations.maintenance import compact, migrate, plan_migration, publish_if_consistent
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.schemas import CHUNKS, EMBEDDINGS
from omni_pipelines.settings import Settings
from omni_pipelines.tables import open_table
from tests.integration.line import Line, Original, paragraph, write

LanceFormat = Literal["legacy", "2.0", "2.1"]
WORDS = "the a release table index of chunk vector search answer citation file line byte job run state key".split()


@functools.cache
def prose(count: int) -> list[str]:
    """Texts (count,) of about a thousand characters that compress like prose."""
    chance = random.Random(7)
    return [" ".join(chance.choice(WORDS) + str(chance.randrange(30)) for _ in range(160)) for _ in range(count)]


def ratio(folder: Path, codec: str) -> float:
    """Stored by raw bytes of 3,000 texts, written by an upsert that names no codec."""
    schema = pa.schema([pa.field("id", pa.string(), nullable=False), pa.field("text", pa.string())])
    stored = LanceTable(folder / "t.lance")
    stored.create(with_codecs(schema, {"text": Codec.parse(codec)}))
    texts = prose(3_000)
    stored.upsert("id", pa.table({"id": [str(n) for n in range(3_000)], "text": texts}, schema=schema))
    (size,) = [size for size in column_sizes(stored) if size.column == "text"]
    assert size.codec == codec_of(pa.field("text", pa.string(), metadata=Codec.parse(codec).metadata))
    assert stored.read(["text"])["text"].to_pylist() == texts
    return size.ratio


def test_each_codec_compresses_better_than_the_one_before(tmp_path: Path) -> None:
    """Lance ignores unknown options without an error, so only the size shows whether a codec is used."""
    names = ("none", "lz4", "zstd:3:4096", "zstd:3:32768", "zstd:9:65536")
    ratios = [ratio(tmp_path / name, name) for name in names]
    assert ratios[0] == pytest.approx(1.0, abs=0.05)
    assert all(better < worse * 0.98 for worse, better in itertools.pairwise(ratios)), ratios


@pytest.mark.parametrize("text", ["brotli", "zstd:23", "zstd:0", "zstd:3:1000", "none:3", "zstd:a", "", "a:b:c:d"])
def test_a_malformed_codec_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"codec|level|block"):
        Codec.parse(text)


def test_the_codec_of_a_column_is_that_of_the_settings(home: Home) -> None:
    home.config.write_text('[codecs]\n"chunks.text" = "lz4"\n')
    stored = open_table(home, CHUNKS).open().schema
    assert codec_of(stored.field("text")) == "lz4::32768"
    assert codec_of(stored.field("metadata")) == codec_of(CHUNKS.schema.field("metadata"))


@pytest.mark.parametrize("name", ["chunks.nothing", "nothing.text", "embeddings.vector"])
def test_a_codec_for_a_column_that_cannot_have_one_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match=name):
        Settings(codecs={name: "zstd"})


def test_codecs_in_the_environment_are_pairs(home: Home) -> None:
    variables = {"OMNI_CODECS": "chunks.text=zstd:9, documents.text=lz4"}
    assert load_settings(home, variables).codecs == {"chunks.text": "zstd:9", "documents.text": "lz4"}


# --- maintenance and releases


def fill(line: Line, docs: Path) -> None:
    write(docs, {f"{topic}.md": paragraph(topic) for topic in ("apple", "badger", "candle")})
    line.add(docs)
    line.run()


@pytest.fixture
def published(original: Original, home: Home) -> Line:
    return original.copy(home)


def maintained(line: Line, name: str) -> LanceTable:
    return LanceTable(line.home.table(name))


def test_a_compaction_publishes_a_release_with_the_same_hits(published: Line, docs: Path) -> None:
    for number in range(4):
        write(docs, {f"n{number}.md": f"Note {number} about the lantern."})
        published.run()
    before = [(hit.chunk_id, hit.score) for hit in published.search("lantern", k=30)]
    rows = published.rows("chunks")
    with writer_session(published.home, published.settings):
        done = [compact(published.home, table) for table in schemas.TABLES.values()]
        report = publish_if_consistent(published.home, published.settings, "test")
    assert report is not None
    assert report.new
    assert max(compaction.fragments_after for compaction in done) == 1
    assert max(compaction.fragments_before for compaction in done) > 1
    assert [(hit.chunk_id, hit.score) for hit in published.search("lantern", k=30)] == before
    assert published.rows("chunks") == rows
    again = published.run()
    assert (again.published.new, again.chunks.recut, again.embeddings.embedded) == (False, 0, 0)


def test_a_kept_release_has_the_same_hits_after_compaction_and_migration(published: Line, docs: Path) -> None:
    old = published.librarian()
    texts = [hit.text for hit in old.search("apple shed")]
    write(docs, {"apple.md": "Replaced."})
    published.home.config.write_text('[codecs]\n"chunks.text" = "zstd:9"\n')
    published.run()
    with writer_session(published.home, published.settings):
        for table in schemas.TABLES.values():
            migrate(published.home, table)
            compact(published.home, table)
        publish_if_consistent(published.home, published.settings, "test")
    assert [hit.text for hit in published.librarian(old.release).search("apple shed")] == texts


def test_maintenance_during_an_unfinished_run_publishes_nothing(published: Line, docs: Path) -> None:
    write(docs, {"dog.md": paragraph("dog")})
    published.ingest()
    with writer_session(published.home, published.settings):
        compact(published.home, schemas.DOCUMENTS)
        assert publish_if_consistent(published.home, published.settings, "test") is None
    assert published.run().published.new
    assert published.search("dog shed")[0].path == "dog.md"


def rewritten(table: LanceTable, version: LanceFormat) -> LanceTable:
    """The table as an older version of Lance would have written it."""
    lance.write_dataset(table.open().to_table(), str(table.path), mode="overwrite", data_storage_version=version)
    return table


@pytest.mark.parametrize("version", ["legacy", "2.0", "2.1"])
def test_tables_in_older_formats_can_be_read_and_migrated(published: Line, docs: Path, version: LanceFormat) -> None:
    tables = [rewritten(maintained(published, name), version) for name in ("chunks", "embeddings")]
    published.run()
    hits = [(hit.chunk_id, hit.score) for hit in published.search("badger apple shed", k=20)]
    with writer_session(published.home, published.settings):
        plans = [migrate(published.home, table) for table in (CHUNKS, EMBEDDINGS)]
        assert publish_if_consistent(published.home, published.settings, "test") is not None
    assert all(f"to {FORMAT}" in plan[0] for plan in plans)
    assert [table.open().data_storage_version for table in tables] == [FORMAT, FORMAT]
    assert [plan_migration(published.home, table) for table in (CHUNKS, EMBEDDINGS)] == [[], []]
    assert [(hit.chunk_id, hit.score) for hit in published.search("badger apple shed", k=20)] == hits
    write(docs, {"dog.md": paragraph("dog")})
    published.run()
    assert published.search("dog shed")[0].path == "dog.md"


@pytest.mark.parametrize("version", ["2.0", "2.1"])
def test_tables_in_older_formats_can_be_written(published: Line, docs: Path, version: LanceFormat) -> None:
    for name in ("documents", "chunks", "embeddings"):
        rewritten(maintained(published, name), version)
    write(docs, {"dog.md": paragraph("dog")})
    published.run()
    assert published.search("dog shed")[0].path == "dog.md"


def test_migrating_the_embeddings_builds_their_index_again(published: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lance_vectors, "FIRST_ROWS", 2)
    embeddings = maintained(published, "embeddings")
    lance.write_dataset(
        embeddings.open().to_table(), str(embeddings.path), mode="overwrite", data_storage_version="2.1"
    )
    published.run()
    assert lance_vectors.coverage(embeddings).indexed > 0
    with writer_session(published.home, published.settings):
        migrate(published.home, EMBEDDINGS)
        assert publish_if_consistent(published.home, published.settings, "test") is not None
    assert lance_vectors.coverage(embeddings).indexed == embeddings.count()

"""`omni db`: its figures are true, its changes keep the steps consistent, and wrong calls are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from native import lance_vectors
from native.errors import EngineError
from native.lance_tables import LanceTable
from omni_pipelines.cli.main import app
from omni_pipelines.errors import OmniError
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.metrics import QueryMetrics
from omni_pipelines.knowledge.state.releases import release_numbers
from omni_pipelines.schemas import TABLES
from omni_pipelines.steps import checks
from tests.integration.line import Line, Original, paragraph, write


class Refused(Exception):
    """A command ended with an exit code that is not 0."""


def fill(line: Line, docs: Path) -> None:
    write(docs, {f"{topic}.md": paragraph(topic) for topic in ("apple", "badger", "candle")})
    line.add(docs)
    line.run()


@pytest.fixture
def published(original: Original, home: Home) -> Line:
    """A published base in the folder `omni` runs in."""
    return original.copy(home)


def db(*words: str) -> str:
    """What `omni db` writes to stdout."""
    done = CliRunner().invoke(app, ["db", *words])
    if isinstance(done.exception, (OmniError, EngineError)):
        raise Refused(str(done.exception)) from done.exception
    if done.exit_code:
        raise Refused(done.output) from done.exception
    return done.stdout


def db_json(*words: str) -> Any:
    return json.loads(db(*words, "--json"))


def test_db_list_shows_the_true_size_of_each_table(published: Line) -> None:
    tables = {each["name"]: each for each in db_json("list")["tables"]}
    assert list(tables) == list(TABLES)
    assert tables["chunks"]["rows"] == len(published.rows("chunks"))
    assert tables["chunks"]["size_mb"] > 0
    assert "embeddings" in db("list")


def test_db_stats_show_raw_and_stored_bytes_of_every_column(published: Line) -> None:
    chunks = db_json("stats", "chunks")["tables"]["chunks"]
    assert [each["column"] for each in chunks["columns"]] == TABLES["chunks"].schema.names
    assert chunks["stored"] == sum(each["stored"] for each in chunks["columns"]) > 0
    text = next(each for each in chunks["columns"] if each["column"] == "text")
    assert text["codec"] == "zstd:3:32768"
    assert text["raw"] >= sum(len(row["text"]) for row in published.rows("chunks"))
    assert "zstd:3:32768" in db("stats")


def test_db_count_counts_the_rows(published: Line) -> None:
    assert int(db("count", "chunks")) == db_json("count", "chunks")["count"] == len(published.rows("chunks"))


def test_db_table_info_versions_and_fragments_describe_the_head(published: Line) -> None:
    head = LanceTable(published.home.table("chunks")).head()
    info = db_json("table-info", "chunks")
    assert (info["version_id"], info["uuid"], info["format"]) == (head.version, head.uuid, "2.2")
    kept = db_json("versions", "chunks")["versions"]
    assert kept[0] | {"timestamp": ""} == {"version_id": head.version, "timestamp": "", "tags": ["rel-1"]}
    assert sum(each["num_rows"] for each in db_json("fragments", "chunks")["fragments"]) == info["num_rows"]
    assert str(head.version) in db("versions", "chunks", "-n", "1")


def test_db_health_of_a_fresh_base_advises_nothing(published: Line) -> None:
    tables = db_json("health")["tables"]
    assert set(tables) == set(TABLES)
    assert {name: each["recommendations"] for name, each in tables.items()} == {name: ["none"] for name in TABLES}


def test_db_index_auto_builds_the_index_that_health_advises(published: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lance_vectors, "FIRST_ROWS", 2)
    assert db_json("health", "embeddings")["tables"]["embeddings"]["recommendations"] == ["create_indices"]
    assert "create_indices" in db("index", "auto")
    assert db_json("health", "embeddings")["tables"]["embeddings"]["recommendations"] == ["none"]
    assert "nothing to do" in db("index", "auto")
    assert db_json("index", "optimize", "--retrain")["deltas"] == 1
    assert db_json("index-stats", "embeddings")["indices"][0]["name"] == lance_vectors.INDEX


def test_db_compact_removes_deleted_rows_and_keeps_search_results(published: Line, docs: Path) -> None:
    write(docs, {"apple.md": "Apples are gone.", "badger.md": "Badgers are gone."})
    published.run()
    assert db_json("health", "chunks")["tables"]["chunks"]["recommendations"] == ["run_compaction"]
    before = [(hit.chunk_id, hit.score) for hit in published.search("candle gone", k=20)]
    assert db_json("compact", "chunks")["tables"]["chunks"]["fragments_after"] == 1
    assert db_json("health", "chunks")["tables"]["chunks"]["recommendations"] == ["none"]
    assert [(hit.chunk_id, hit.score) for hit in published.search("candle gone", k=20)] == before
    assert not published.run().published.new


def test_db_health_of_damaged_data_advises_a_restore(line: Line, docs: Path) -> None:
    fill(line, docs)
    path = next((line.home.table("chunks") / "data").iterdir())
    path.write_bytes(path.read_bytes()[:-1])
    assert "restore_data" in db_json("health", "chunks")["tables"]["chunks"]["recommendations"]


def test_db_index_stats_count_the_writer_and_the_pool(published: Line) -> None:
    found = db_json("index-stats", "chunks")
    assert found["keyword"]["writer"] | {"reuses": 1} == {
        "opens": 1, "reuses": 1, "commits": 1, "upserts": found["keyword"]["entries"], "deletes": 0
    }  # fmt: skip
    assert found["pool"]["misses"] > 0
    assert "keyword writer: " in db("index-stats", "chunks")


def test_db_query_metrics_count_the_queries_of_all_processes(published: Line) -> None:
    assert db_json("query-metrics")["query_count"] == 0
    for milliseconds in (42, 100):
        counter = QueryMetrics(published.home)
        counter.record("hybrid", milliseconds / 1e3)
        del counter  # as at the end of a process
    found = db_json("query-metrics")
    assert (found["query_count"], found["hybrid_count"], found["last_query_ms"]) == (2, 2, 100)
    assert found["mean_ms"] == 71


def test_db_export_writes_every_row_and_keeps_existing_files(published: Line, tmp_path: Path) -> None:
    db("export", "embeddings", str(tmp_path / "e.parquet"))
    db("export", "chunks", str(tmp_path / "c.jsonl"))
    assert pq.read_table(tmp_path / "e.parquet").num_rows == len(published.rows("embeddings"))
    lines = (tmp_path / "c.jsonl").read_text().splitlines()
    assert sorted(json.loads(line)["chunk_id"] for line in lines) == [r["chunk_id"] for r in published.rows("chunks")]
    with pytest.raises(Refused, match="exists already"):
        db("export", "chunks", str(tmp_path / "c.jsonl"))


# --- columns


def test_own_column_survives_an_ingest_and_can_be_renamed_and_dropped(published: Line, docs: Path) -> None:
    db("add-columns", "chunks", "--columns-json", '[{"name": "owner", "data_type": "Utf8"}]')
    db("alter-columns", "chunks", "--alterations-json", '[{"path": "owner", "rename": "team"}]')
    write(docs, {"dog.md": paragraph("dog")})
    assert published.run().published.new
    assert published.search("dog shed")[0].path == "dog.md"
    assert {row["team"] for row in published.rows("chunks", "chunk_id", "team")} == {None}
    assert checks.schema(published.home, TABLES["chunks"]).passed
    db("drop-columns", "chunks", "-c", "team")
    assert db("validate-schema") == ""
    assert not published.run().published.new


@pytest.mark.parametrize(
    "words",
    [
        ["drop-columns", "chunks", "-c", "text"],
        ["alter-columns", "chunks", "--alterations-json", '[{"path": "text", "rename": "body"}]'],
        ["add-columns", "chunks", "--columns-json", '[{"name": "text", "data_type": "Utf8"}]'],
        ["add-columns", "chunks", "--columns-json", '[{"name": "n", "data_type": "Utf8", "nullable": false}]'],
        ["add-columns", "chunks", "--columns-json", '[{"name": "n", "data_type": "Uft8"}]'],
        ["add-columns", "chunks", "--columns-json", "{"],
        ["drop-columns", "chunks", "-c", "nothing"],
        ["count", "chunk"],
        ["restore", "chunks", "999"],
        ["export", "chunks", "file.csv"],
        ["index", "create", "documents"],
        ["index", "jobs", "--cancel", "nothing"],
        ["compact", "nothing"],
    ],
    ids=" ".join,
)
def test_change_that_would_break_a_table_is_refused(published: Line, words: list[str]) -> None:
    before = published.versions()
    with pytest.raises(Refused):
        db(*words)
    assert published.versions() == before


def test_db_validate_schema_of_a_changed_table_exits_with_1(published: Line) -> None:
    with LanceTable(published.home.table("chunks")).lease() as dataset:
        dataset.drop_columns(["heading"])
    with pytest.raises(Refused, match="column heading is missing"):
        db("validate-schema")
    done = CliRunner().invoke(app, ["db", "validate-schema", "chunks"])
    assert done.exit_code == 1


# --- versions


def test_restored_table_is_updated_by_the_next_ingest(published: Line, docs: Path) -> None:
    old = LanceTable(published.home.table("chunks")).head().version
    before = published.rows("chunks", "chunk_id")
    write(docs, {"dog.md": paragraph("dog")})
    published.run()
    db("restore", "chunks", str(old))
    assert published.rows("chunks", "chunk_id") == before
    assert len(release_numbers(published.home)) == 2
    published.run()
    assert published.search("dog shed")[0].path == "dog.md"


def test_db_migrate_changes_nothing_without_force(published: Line) -> None:
    published.home.config.write_text('[codecs]\n"chunks.text" = "lz4"\n')
    plan = ["text from zstd:3:32768 to lz4::32768"]
    before = published.versions()
    assert db_json("migrate")["pending"]["chunks"] == plan
    assert published.versions() == before
    assert db_json("migrate", "chunks", "--force")["applied"] == {"chunks": plan}
    assert db_json("migrate")["pending"]["chunks"] == []
    assert published.search("apple shed")


# --- jobs


def test_db_index_create_runs_here_or_in_the_background(published: Line) -> None:
    assert db_json("index", "create")["state"] == "done"
    job = db_json("index", "create", "chunks", "--background")
    done = db_json("index", "jobs", "--wait", job["id"])["jobs"]
    assert (done[0]["id"], done[0]["state"]) == (job["id"], "done")
    assert job["id"] in db("index", "jobs")

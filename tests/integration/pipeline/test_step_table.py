"""The table of steps is the only place where the order of the steps is written: a new step appears everywhere."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pytest

from assets.catalog import after
from native.lance_tables import LanceTable
from omni_pipelines.erasure.erase import erase
from omni_pipelines.errors import UpstreamMoved
from omni_pipelines.pipeline.run import run_pipeline
from omni_pipelines.pipeline.staleness import stale_index, stale_ingest
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.publishing.publish import consistent_records
from omni_pipelines.schemas import CHUNKS, Table, key, required
from omni_pipelines.steps.step import RunContext, Step, StepGroup, StepReport, Steps
from omni_pipelines.steps.step_records import read_step_record, write_step_record
from omni_pipelines.steps.step_table import STEPS
from omni_pipelines.tables import open_table
from sensors.jobs import assets_of
from tests.integration.line import Line, paragraph, settle, write

SUMMARIES = Table(
    "summaries", "chunk_id", pa.schema([key("chunk_id", "the chunk"), required("summary", pa.string(), "its words")])
)


@dataclass(frozen=True)
class SummariesReport:
    rows: int
    version: str
    counts: Mapping[str, int]


def summarize(run: RunContext) -> SummariesReport:
    """A step as a contributor would write it: the first words of each chunk."""
    chunks, summaries = open_table(run.home, CHUNKS), open_table(run.home, SUMMARIES)
    pinned = chunks.head()
    rows = [
        {"chunk_id": row["chunk_id"], "summary": row["text"][:10]}
        for row in chunks.read(["chunk_id", "text"], version=pinned.version).to_pylist()
    ]
    have = {row["chunk_id"]: row for row in summaries.read().to_pylist()}
    missing = [row for row in rows if have.get(row["chunk_id"]) != row]
    if missing:
        summaries.upsert("chunk_id", pa.Table.from_pylist(missing, schema=SUMMARIES.schema))
    head = str(summaries.head())
    write_step_record(run.home, "summaries", head, {"chunks": str(pinned)}, "words-1")
    return SummariesReport(len(rows), head, {"summarized": len(missing)})


def fingerprint(_run: RunContext, _sources: Collection[str]) -> str:
    return "words-1"


def with_summaries() -> Steps:
    """The table of steps with one entry more, between chunks and embeddings."""
    step = Step("summaries", ("chunks",), StepGroup.INGEST, summarize, fingerprint, "summarizer", SUMMARIES)
    embeddings = replace(STEPS["embeddings"], after=("chunks", "summaries"), run=embeddings_of_summaries)
    return Steps((STEPS["documents"], STEPS["chunks"], step, embeddings, *STEPS.in_group(StepGroup.INDEX)))


def embeddings_of_summaries(run: RunContext) -> StepReport:
    report = STEPS["embeddings"].run(run)
    record = read_step_record(run.home, "embeddings")
    assert record is not None
    summaries = str(open_table(run.home, SUMMARIES).head())
    inputs = {**record.inputs, "summaries": summaries}
    write_step_record(run.home, "embeddings", record.output, inputs, record.fingerprint)
    return report


@pytest.fixture
def run(line: Line, docs: Path) -> RunContext:
    write(docs, {"badger.md": paragraph("badger"), "otter.md": paragraph("otter")})
    line.add(docs)
    settle()
    return replace(line.context, steps=with_summaries())


def test_the_run_executes_a_new_step_in_its_place(run: RunContext) -> None:
    report = run_pipeline(run)
    assert list(report.steps) == ["documents", "chunks", "summaries", "embeddings", "keyword_index", "vector_index"]
    assert report.steps["summaries"].rows == report.steps["chunks"].rows > 0


def test_a_release_names_the_fingerprint_of_a_new_step(run: RunContext) -> None:
    assert run_pipeline(run).published.release.fingerprints["summarizer"] == "words-1"


def test_a_second_run_finds_nothing_stale_and_publishes_nothing(run: RunContext) -> None:
    run_pipeline(run)
    assert (stale_ingest(run), stale_index(run)) == (None, None)
    assert not run_pipeline(run).published.new


def test_an_ingest_is_stale_when_the_fingerprint_of_a_new_step_changes(run: RunContext) -> None:
    run_pipeline(run)
    summaries = replace(run.steps["summaries"], fingerprint=lambda _run, _sources: "words-2")
    steps = Steps(tuple(summaries if step.name == "summaries" else step for step in run.steps))
    stale = stale_ingest(replace(run, steps=steps))
    assert stale is not None
    assert stale.reason == "summarizer changed"


def test_nothing_is_published_when_a_new_step_was_not_run_again(run: RunContext) -> None:
    run_pipeline(run)
    record = read_step_record(run.home, "summaries")
    assert record is not None
    write_step_record(run.home, "summaries", record.output, {"chunks": "another:1"}, record.fingerprint)
    with pytest.raises(UpstreamMoved, match="chunks changed after summaries was built"):
        consistent_records(run)


def test_an_ingest_is_stale_when_it_died_between_a_new_step_and_the_next(run: RunContext, line: Line) -> None:
    run_pipeline(line.context)  # the records of a home from before the new step
    for name in ("documents", "chunks", "summaries"):
        run.steps[name].run(run)
    stale = stale_ingest(run)
    assert stale is not None
    assert stale.reason == "the last run did not finish"
    with pytest.raises(UpstreamMoved, match="summaries changed after embeddings was built"):
        consistent_records(run)


def test_an_erasure_runs_a_new_step_over_what_is_left(run: RunContext) -> None:
    run_pipeline(run)
    with writer_session(run.home, run.settings):
        erase(run, "badger.md")
    record, chunks = read_step_record(run.home, "summaries"), LanceTable(run.home.table("chunks"))
    assert record is not None
    assert record.inputs["chunks"] == str(chunks.head())


def test_the_graph_and_the_jobs_contain_a_new_step() -> None:
    steps = with_summaries()
    assert after("summaries", steps) == ["chunks"]
    assert after("embeddings", steps) == ["chunks", "summaries"]
    assert assets_of(StepGroup.INGEST, steps) == ["documents", "chunks", "summaries", "embeddings"]
    assert steps.ends == ("keyword_index", "vector_index")
    assert [table.name for table in steps.tables] == ["documents", "chunks", "summaries", "embeddings"]


def test_a_step_before_the_one_it_follows_is_refused() -> None:
    with pytest.raises(ValueError, match="comes before"):
        Steps((STEPS["chunks"], STEPS["documents"]))

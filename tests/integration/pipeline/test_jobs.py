"""The jobs on a small real home, in this process: what they make, say, check and refuse."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import lance
import pytest

from assets.catalog import ONLY_IN_QUALITY_JOB
from omni_pipelines.cli.dagster_checks import CheckOutcome, make_checks
from omni_pipelines.cli.dagster_jobs import run_job
from omni_pipelines.configuration import load_settings
from omni_pipelines.definitions import defs
from omni_pipelines.errors import ConfigurationError, GateFailed, HomeBusy, OmniError
from omni_pipelines.home import Home
from omni_pipelines.knowledge.quality.golden_questions import GoldenLabel, save_golden
from omni_pipelines.knowledge.state.releases import release_numbers, require_release
from omni_pipelines.operations.maintenance import compact
from omni_pipelines.pipeline.staleness import stale_index, stale_ingest
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.schemas import CHUNKS
from omni_pipelines.steps.step_table import new_run
from omni_pipelines.steps.vector_index import build_vector_index
from omni_pipelines.steps.writer_lock import writer_lock
from resources.instance import open_instance
from resources.knowledge import KnowledgeHome
from resources.run_history import find_run, summary_of
from tests.integration.small_home import SmallHome, make_small_home

if TYPE_CHECKING:
    from omni_pipelines.steps.step import LoadedEngines

ROOT = Path(__file__).parents[3]
ASSETS = ("documents", "chunks", "embeddings", "keyword_index", "vector_index", "release")


@pytest.fixture
def instance(small: SmallHome) -> Iterator[dg.DagsterInstance]:
    with open_instance(small.home) as instance:
        yield instance


@dataclass(frozen=True)
class Ran:
    """A home after one run of the refresh job. Tests that share it change nothing."""

    small: SmallHome
    instance: dg.DagsterInstance
    result: dg.ExecuteInProcessResult


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, engines: LoadedEngines) -> Iterator[Ran]:
    small = make_small_home(tmp_path_factory.mktemp("ran"), engines)
    shutil.copytree(small.notes, small.notes.with_name("kept"))
    with open_instance(small.home) as instance:
        yield Ran(small, instance, run(small, instance))


@pytest.fixture
def copied(ran: Ran, tmp_path: Path, engines: LoadedEngines) -> Iterator[Ran]:
    """A copy of that home, to be changed. The notes stay at their place, which is written in rows and records."""
    home, notes = Home(shutil.copytree(ran.small.home.root, tmp_path / ".omni")), ran.small.notes
    small = SmallHome(home, notes, new_run(home, load_settings(home), engines, "by hand"))
    with open_instance(home) as instance:
        yield Ran(small, instance, ran.result)
    shutil.rmtree(notes)
    shutil.copytree(notes.with_name("kept"), notes)


def run(
    small: SmallHome, instance: dg.DagsterInstance, job: dg.JobDefinition | str = "refresh_job"
) -> dg.ExecuteInProcessResult:
    definition = defs.resolve_job_def(job) if isinstance(job, str) else job
    resources = {**(defs.resources or {}), "knowledge": KnowledgeHome(path=str(small.home.root))}
    return definition.execute_in_process(instance=instance, resources=resources, raise_on_error=False)


def materialization(instance: dg.DagsterInstance, asset: str) -> dg.AssetMaterialization:
    found = instance.get_latest_materialization_event(dg.AssetKey(asset))
    assert found is not None
    assert found.asset_materialization is not None
    return found.asset_materialization


def data_versions(instance: dg.DagsterInstance) -> dict[str, str]:
    return {asset: str((materialization(instance, asset).tags or {})["dagster/data_version"]) for asset in ASSETS}


def metadata(instance: dg.DagsterInstance, asset: str) -> dict[str, Any]:
    return {name: value.value for name, value in materialization(instance, asset).metadata.items()}


def previews(instance: dg.DagsterInstance, asset: str) -> dict[str, list[dict[str, Any]]]:
    """Title to rows of the tables that the page of an asset shows."""
    metadata = materialization(instance, asset).metadata
    tables = {name: value for name, value in metadata.items() if isinstance(value, dg.TableMetadataValue)}
    return {name: [dict(record.data) for record in table.records] for name, table in tables.items()}


def said(instance: dg.DagsterInstance, run_id: str) -> str:
    return "\n".join(entry.user_message for entry in instance.all_logs(run_id))


def test_one_run_makes_everything_and_says_how_much(ran: Ran) -> None:
    assert ran.result.success
    shown = {asset: metadata(ran.instance, asset) for asset in (*ASSETS, "retrieval_quality")}
    assert {asset: shown[asset]["dagster/row_count"] for asset in ASSETS} == dict.fromkeys(ASSETS, 2)
    assert "dagster/row_count" not in shown["retrieval_quality"]
    assert shown["documents"]["added"] == 2
    assert {name for name in ASSETS if "dagster/column_lineage" in shown[name]} == {"chunks", "embeddings"}
    assert shown["embeddings"]["embedded"] == 2
    assert (shown["release"]["release"], shown["release"]["new"]) == (1, True)
    assert (stale_ingest(ran.small.context), stale_index(ran.small.context)) == (None, None)


@pytest.mark.parametrize(
    ("asset", "title", "shown"),
    [
        ("documents", "What was read", {"source": "notes", "kind": "prose", "language": "", "documents": 2}),
        ("chunks", "Sample of chunks", {"location": "heron.md:1-3"}),
        (
            "embeddings",
            "Nearest in meaning",
            {"passage": "heron.md:1-3 # Heron The heron stands in cold water at dawn."},
        ),
        (
            "keyword_index",
            "Sample of searches",
            {"search": "Heron The heron stands in cold", "first hit": "heron.md:1-3"},
        ),
        ("vector_index", "How a search is served", {"search": "exact, every vector compared"}),
        ("release", "What it pins", {"part": "keyword index", "rows": 2}),
    ],
)
def test_the_page_of_an_asset_shows_a_few_of_its_rows(
    ran: Ran, asset: str, title: str, shown: dict[str, object]
) -> None:
    rows = previews(ran.instance, asset)[title]
    assert any(shown.items() <= row.items() for row in rows), rows


def test_the_page_names_files_that_could_not_be_read(copied: Ran) -> None:
    small, instance = copied.small, copied.instance
    (small.notes / "noise.md").write_bytes(bytes(range(256)))
    assert run(small, instance).success
    (row,) = previews(instance, "documents")["What could not be read"]
    assert row["path"] == "noise.md"
    assert row["code"].startswith("E_")


def test_every_quick_check_is_made_and_only_the_golden_set_is_missing(ran: Ran) -> None:
    evaluations = ran.result.get_asset_check_evaluations()
    dear = {dg.AssetCheckKey(dg.AssetKey(asset), name) for asset, name in ONLY_IN_QUALITY_JOB}
    assert {evaluation.asset_check_key for evaluation in evaluations} == {
        key for check in defs.asset_checks or [] for key in check.check_keys
    } - dear
    assert all(evaluation.description for evaluation in evaluations)
    (failed,) = (evaluation for evaluation in evaluations if not evaluation.passed)
    assert (failed.check_name, failed.severity) == ("golden_questions", dg.AssetCheckSeverity.WARN)
    assert "omni golden add" in (failed.description or "")


def test_one_check_can_be_made_alone(ran: Ran) -> None:
    one = dg.AssetCheckKey(dg.AssetKey("chunks"), "token_budget")
    alone = dg.define_asset_job("alone", selection=dg.AssetSelection.checks(one))
    whole = dg.Definitions.merge(defs, dg.Definitions(jobs=[alone]))
    evaluations = run(ran.small, ran.instance, whole.resolve_job_def("alone")).get_asset_check_evaluations()
    assert [evaluation.asset_check_key for evaluation in evaluations] == [one]


def test_omni_check_makes_every_check_and_builds_nothing(ran: Ran) -> None:
    before = data_versions(ran.instance)
    run_id, made = make_checks(ran.small.home)
    assert len(made) == sum(len(list(check.check_keys)) for check in defs.asset_checks or [])
    assert {result.check for result in made if result.outcome is not CheckOutcome.PASSED} == {"golden_questions"}
    shares = {result.check: result.numbers["share"] for result in made if "share" in result.numbers}
    assert shares == {"duplicate_share": 0.0, "quarantine_share": 0.0, "readability": 1.0}
    run = ran.instance.get_run_by_id(run_id)
    assert run is not None
    assert (run.job_name, run.status) == ("quality_job", dg.DagsterRunStatus.SUCCESS)
    assert data_versions(ran.instance) == before


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("release", ["release.freshness"]),
        ("chunks.token_budget", ["chunks.token_budget"]),
        ("*.schema", ["chunks.schema", "documents.schema", "embeddings.schema"]),
    ],
)
def test_omni_check_makes_only_the_selected_checks(ran: Ran, pattern: str, names: list[str]) -> None:
    _, made = make_checks(ran.small.home, [pattern])
    assert sorted(f"{result.asset}.{result.check}" for result in made) == names


def test_omni_check_names_the_nearest_check(ran: Ran) -> None:
    with pytest.raises(ConfigurationError, match=r"no check matches 'chunk\.schema'") as error:
        make_checks(ran.small.home, ["chunk.schema"])
    assert error.value.cure == "did you mean chunks.schema?"


def test_omni_check_beside_a_writer_is_busy(ran: Ran) -> None:
    short = ran.small.home.config
    short.write_text("lock_seconds = 0.1\n")
    with writer_lock(ran.small.home, 1), pytest.raises(HomeBusy, match="another process that writes"):
        make_checks(ran.small.home, ["release"])
    short.unlink()


def test_maintenance_publishes_what_it_compacted_after_the_gate_measured_it(copied: Ran) -> None:
    small, instance = copied.small, copied.instance
    quote = "Otters sleep holding hands"
    save_golden(small.home, [GoldenLabel(question="How do otters sleep?", path="otter.md", quote=quote)])
    small.write("crane.md", "# Crane\n\nA crane dances.\n")
    run(small, instance)
    with writer_session(small.home, small.context.settings):
        compact(small.home, CHUNKS)
    maintained = run(small, instance, "maintenance_job")
    assert maintained.success
    assert release_numbers(small.home) == [1, 2, 3]
    assert require_release(small.home, 3).run_id == maintained.run_id
    assert "release 3 shows it" in said(instance, maintained.run_id)
    assert run(small, instance, "maintenance_job").success
    assert release_numbers(small.home) == [1, 2, 3]


def test_a_release_names_its_run_and_the_run_its_release(ran: Ran) -> None:
    summary = summary_of(find_run(ran.instance, ran.result.run_id[:8]))
    assert (summary.job, summary.status, summary.release) == ("refresh_job", "success", 1)
    assert require_release(ran.small.home, 1).run_id == summary.run_id


def test_data_versions_name_a_table_and_its_version(ran: Ran) -> None:
    for version in data_versions(ran.instance).values():
        table, _, number = version.rpartition(":")
        assert (len(table), number.isdigit()) == (32, True)


def test_a_second_run_over_the_same_sources_changes_no_data_version(
    small: SmallHome, instance: dg.DagsterInstance
) -> None:
    run(small, instance)
    before = data_versions(instance)
    assert run(small, instance).success
    assert data_versions(instance) == before
    assert not metadata(instance, "release")["new"]
    small.write("otter.md", "# Otter\n\nA romp is a group of otters.\n")
    run(small, instance)
    assert not data_versions(instance).items() & before.items() - {("vector_index", before["vector_index"])}


def test_an_index_that_was_built_does_not_make_the_embeddings_new(copied: Ran) -> None:
    """It is a version of their table, with the same rows."""
    small, instance = copied.small, copied.instance
    with writer_session(small.home, small.context.settings):
        build_vector_index(small.context, "ivf_flat")
    for bird in ("crane", "ibis", "stork"):
        small.write(f"{bird}.md", f"# {bird}\n\nA {bird} dances.\n")
    result = run(small, instance)
    assert result.success
    assert "done, 100 %" in said(instance, result.run_id)  # an index that is trained again is built by a job
    versions = data_versions(instance)
    numbers = [int(versions[asset].rpartition(":")[2]) for asset in ("embeddings", "vector_index")]
    assert (metadata(instance, "vector_index")["indexed"], numbers[1] - numbers[0]) == (5, 1)
    assert run(small, instance).success
    assert data_versions(instance) == versions


def test_ingest_publishes_nothing_and_index_does(small: SmallHome, instance: dg.DagsterInstance) -> None:
    assert run(small, instance, "ingest_job").success
    assert release_numbers(small.home) == []
    assert run(small, instance, "index_job").success
    assert release_numbers(small.home) == [1]


def test_the_log_of_a_run_says_how_far_it_is(ran: Ran) -> None:
    lines = said(ran.instance, ran.result.run_id)
    for line in ("reading files: 2 of 2 files", "embedding chunks: 2 of 2 chunks", "publishing: 1 of 1 release"):
        assert line in lines


def double_a_chunk(small: SmallHome) -> None:
    """What a careless second writer could do."""
    place = str(small.home.table("chunks"))
    lance.write_dataset(lance.dataset(place).scanner(limit=1).to_table(), place, mode="append")


def test_a_failing_check_stops_everything_behind_it(copied: Ran) -> None:
    small, instance = copied.small, copied.instance
    double_a_chunk(small)
    small.write("crane.md", "# Crane\n\nA crane dances.\n")
    result = run(small, instance)
    assert not result.success
    keys = {event.asset_key for event in result.get_asset_materialization_events()}
    assert keys == {dg.AssetKey("documents"), dg.AssetKey("chunks")}
    assert release_numbers(small.home) == [1]


def test_the_command_line_names_the_check_that_failed(copied: Ran) -> None:
    small = copied.small
    double_a_chunk(small)
    _, made = make_checks(small.home, ["chunks", "embeddings"])
    failed = {(result.asset, result.check) for result in made if result.outcome is CheckOutcome.FAILED}
    assert failed == {("chunks", "unique_keys")}
    with pytest.raises(OmniError, match="check unique_keys of chunks failed: 1 keys occur twice"):
        run_job(small.home, "refresh_job")


def test_a_run_from_the_command_line_is_on_the_page_too(small: SmallHome, instance: dg.DagsterInstance) -> None:
    outcome = run_job(small.home, "refresh_job")
    (record,) = instance.get_run_records()
    assert (record.dagster_run.run_id, record.dagster_run.status) == (outcome.run_id, dg.DagsterRunStatus.SUCCESS)
    assert "embedding chunks: 2 of 2 chunks" in said(instance, outcome.run_id)


@pytest.mark.parametrize(
    ("name", "cure"), [("refresh", "did you mean refresh_job?"), ("xyz", "jobs: "), ("__ASSET_JOB", "jobs: ")]
)
def test_a_job_that_is_not_there_is_named_with_the_nearest(small: SmallHome, name: str, cure: str) -> None:
    with pytest.raises(ConfigurationError, match="there is no job") as error:
        run_job(small.home, name)
    assert cure in error.value.cure


def test_a_state_that_fails_the_gate_is_not_published_and_the_run_says_why(small: SmallHome) -> None:
    quote = "Otters sleep holding hands"
    save_golden(small.home, [GoldenLabel(question="How do otters sleep?", path="otter.md", quote=quote)])
    run_job(small.home, "refresh_job")
    small.write("otter.md", "# Lorem\n\nLorem ipsum dolor sit amet.\n")
    with pytest.raises(GateFailed, match=r"ndcg@10: 0\.000; the serving release has 1\.000"):
        run_job(small.home, "refresh_job")
    assert release_numbers(small.home) == [1]
    small.write("otter.md", f"# Otter\n\n{quote}.\n")
    run_job(small.home, "refresh_job")
    assert release_numbers(small.home) == [1, 2]


def test_the_page_shows_what_the_gate_measured(ran: Ran) -> None:
    rows = previews(ran.instance, "retrieval_quality")["The gate passed"]
    assert any("there is no golden question" in row["why"] for row in rows)

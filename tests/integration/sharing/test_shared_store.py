"""Homes that share a store on a real S3 server: what one home publishes, all have, and nothing is lost."""

from __future__ import annotations

from pathlib import Path

import lance
import pytest
from typer.testing import CliRunner

from native.errors import StoreError
from native.lance_tables import LanceTable
from native.object_store import ObjectStore
from omni_pipelines.cli.main import app
from omni_pipelines.configuration import trust_settings
from omni_pipelines.erasure.erase import erase
from omni_pipelines.errors import UpstreamMoved
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.releases import list_releases, newest_release, release_numbers
from omni_pipelines.pipeline.run import run_pipeline
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.publishing.rollback import roll_back
from omni_pipelines.sharing import pull
from omni_pipelines.sources.registry import load_sources, reads, save_sources
from omni_pipelines.steps.step_records import read_step_record
from tests.integration.line import Done, Line, settle
from tests.integration.members import (
    SECRET,
    all_bytes,
    before_step,
    catch_up,
    docs_of,
    files_with,
    keys,
    member,
    pair,
    paths,
    rows,
)
from tests.object_server import make_bucket, point_aws_at


def test_a_home_finds_what_another_home_published(tmp_path: Path, store_url: str) -> None:
    left, right = pair(tmp_path, store_url)
    assert left.run().published.release.release == 1
    assert right.run().published.release.release == 2
    assert paths(right) == ["a.md", "b.md"]
    assert right.search("walrus")[0].path == "a.md"
    assert paths(left) == ["a.md"]
    again = left.run().published
    assert (again.release.release, again.new) == (2, False)
    assert left.search("badger")[0].path == "b.md"


def test_a_new_home_gets_the_rows_of_every_kept_release(tmp_path: Path, store_url: str) -> None:
    left = member(tmp_path, "left", store_url, a="Walrus eats.")
    for text in ("Walrus naps.", "Walrus swims.", "Walrus sings."):
        left.run()
        (docs_of(left) / "a.md").write_text(text)
    left.run()
    right = member(tmp_path, "right", store_url)
    assert pull.refresh(right.home, right.settings) == ""
    assert release_numbers(right.home) == release_numbers(left.home) == [2, 3, 4]
    for number in (2, 3, 4):
        assert rows(right, number) == rows(left, number)
    assert right.librarian(2).search("walrus", 1)[0].text == "Walrus naps."
    assert right.librarian().search("walrus", 1)[0].text == "Walrus sings."


def test_a_run_builds_only_what_another_home_has_not_built(tmp_path: Path, store_url: str) -> None:
    left, right = pair(tmp_path, store_url)
    left.run()
    done = right.run()
    assert (done.documents.added, done.chunks.recut, done.keyword.written) == (1, 1, 1)
    assert right.embedder.embedded == ["Badger digs."]


def write_and_run(line: Line, name: str, text: str) -> Done:
    """Change a document of a home, and publish a release."""
    (docs_of(line) / name).write_text(text)
    return line.run()


def test_a_run_that_another_home_overtakes_starts_again_and_publishes_both_changes(
    tmp_path: Path, store_url: str
) -> None:
    left, right = pair(tmp_path, store_url)
    left.run()
    (docs_of(left) / "c.md").write_text("Candle burns.")
    settle()
    left.embedder.embedded.clear()
    done = Done.of(run_pipeline(before_step(left.context, "keyword_index", right.run)))
    assert paths(right) == ["a.md", "b.md"]
    assert done.published.release.release == 3
    assert paths(left) == ["a.md", "b.md", "c.md"]
    assert left.embedder.embedded.count("Candle burns.") == 1, "the vectors of the overtaken run are reused"
    assert done.embeddings.reused == 1
    assert not list(left.home.shared.glob("vectors*"))


def test_two_new_homes_that_start_at_the_same_time_share_one_first_release(tmp_path: Path, store_url: str) -> None:
    left, right = pair(tmp_path, store_url)
    settle()
    done = Done.of(run_pipeline(before_step(left.context, "keyword_index", right.run)))
    assert done.published.release.release == 2
    assert paths(left) == ["a.md", "b.md"]
    assert right.run().published.new is False
    assert rows(right, 2) == rows(left, 2)


def test_a_run_that_is_overtaken_every_time_reports_it_and_leaves_all_steps_stale(
    tmp_path: Path, store_url: str
) -> None:
    left = member(tmp_path, "left", store_url, a="Walrus eats.")
    left.run()
    ObjectStore(store_url).put("releases/000000000002.json", b"{}")  # the number is taken whenever the run publishes
    with pytest.raises(UpstreamMoved, match="release 2 was published by another home"):
        write_and_run(left, "a.md", "Walrus naps.")
    assert release_numbers(left.home) == [1]
    assert read_step_record(left.home, "documents") is None


def test_folders_of_one_name_in_two_homes_are_two_sources(tmp_path: Path, store_url: str) -> None:
    left, right = (
        member(tmp_path / "1", "docs", store_url, a="Walrus."),
        member(tmp_path / "2", "docs", store_url, a="Badger."),
    )
    left.run()
    right.run()
    assert [source.name for source in load_sources(right.home)] == ["docs-docs", "docs-docs-2"]
    assert paths(right) == ["a.md", "a.md"]
    left.run()
    assert [reads(left.home)(source) for source in load_sources(left.home)] == [True, False]


def test_a_source_removed_in_one_home_is_removed_in_all_homes(tmp_path: Path, store_url: str) -> None:
    left, right = pair(tmp_path, store_url)
    left.run()
    right.run()
    with writer_session(right.home, right.settings, sync=True):
        save_sources(right.home, [source for source in load_sources(right.home) if source.name != "left-docs"])
    right.run()
    assert paths(right) == ["b.md"]
    left.run()
    assert [source.name for source in load_sources(left.home)] == ["right-docs"]
    assert paths(left) == ["b.md"]


def test_a_claimed_source_is_read_from_its_new_folder(tmp_path: Path, store_url: str) -> None:
    left, right = pair(tmp_path, store_url)
    left.run()
    right.run()
    docs_of(left).rename(tmp_path / "moved")
    right.home.config.write_text(f'store = "{store_url}"\n')
    trust_settings(right.home)
    arguments = ["source", "claim", "left-docs", "--at", str(tmp_path / "moved"), "--home", str(right.home.root)]
    result = CliRunner().invoke(app, arguments)
    assert "1 file in" in result.output, result.output
    (tmp_path / "moved" / "a.md").write_text("Walrus moved.")
    right.run()
    assert right.search("walrus")[0].text == "Walrus moved."
    catch_up(left)
    assert not any(map(reads(left.home), load_sources(left.home)))


def test_a_rollback_lasts_in_every_home_until_a_source_changes(tmp_path: Path, store_url: str) -> None:
    left, right = pair(tmp_path, store_url)
    left.run()
    right.run()
    write_and_run(left, "a.md", "Walrus naps.")
    with writer_session(right.home, right.settings, sync=True):
        report = roll_back(right.home, right.settings, 2, "back")
    assert report.release.release == 4
    assert keys(store_url, "pins") == keys(store_url, "holds") == []
    left.run()
    assert left.search("walrus")[0].text == "Walrus eats."
    assert newest_release(left.home) == report.release
    write_and_run(right, "b.md", "Badger sleeps.")
    catch_up(left)
    assert {hit.text for hit in left.search("walrus badger")} == {"Walrus naps.", "Badger sleeps."}


def test_lance_opens_the_tables_of_every_kept_release_in_the_store(tmp_path: Path, store_url: str, s3: str) -> None:
    left = member(tmp_path, "left", store_url, a="Walrus eats.")
    left.run()
    write_and_run(left, "b.md", "Badger digs.")
    options = {"aws_endpoint": s3, "allow_http": "true"}
    for release in list_releases(left.home):
        for name, head in release.tables.items():
            uuid, _, version = head.rpartition(":")
            table = f"{store_url}/tables/{name}-{uuid}.lance"
            dataset = lance.dataset(table, version=int(version), storage_options=options)
            assert dataset.to_table() == LanceTable(left.home.table(name)).read(version=int(version))
            assert dataset.latest_version >= int(version)


@pytest.fixture(scope="module")
def in_step(s3: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Line, Line]:
    """Two homes with what both published; each test ends with them like that."""
    with pytest.MonkeyPatch.context() as patch:
        point_aws_at(s3, patch, SECRET)
        left, right = pair(tmp_path_factory.mktemp("in_step"), make_bucket(s3, "in-step"))
        left.run()
        right.run()
    return left, right


@pytest.mark.parametrize(
    ("stage", "after"),
    [
        ("keep_vectors", False),
        ("_install_tables", False),
        ("_install_generations", False),
        ("_tag", False),
        ("save_sources", False),
        ("write_copy", False),
        ("write_copy", True),
        ("keep_only", False),
        ("keep_only", True),
    ],
)  # where `True` is missing, nothing is written until the stage below it
def test_a_home_that_dies_while_it_catches_up_recovers_at_the_next_call(
    in_step: tuple[Line, Line], s3: str, monkeypatch: pytest.MonkeyPatch, stage: str, after: bool
) -> None:
    point_aws_at(s3, monkeypatch, SECRET)
    left, right = in_step
    (docs_of(right) / "c.md").write_text(f"Candle burns until {stage} {after}.")
    right.ingest()  # work that is never published
    published = write_and_run(left, "a.md", f"Walrus naps until {stage} {after}.").published.release.release
    run_stage = getattr(pull, stage)

    def die(*arguments: object) -> None:
        if after:
            run_stage(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(pull, stage, die)
        with pytest.raises(KeyboardInterrupt):
            catch_up(right)
    assert right.librarian().search("badger", 1)[0].text == "Badger digs.", "searches still see the release before"
    done = right.run()
    assert done.published.release.release == published + 1
    assert paths(right) == ["a.md", "b.md", "c.md"]
    catch_up(left)
    assert rows(left, published + 1) == rows(right, published + 1)


def test_reading_continues_with_a_note_if_the_store_cannot_be_reached(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = member(tmp_path, "left", store_url, a="Walrus eats.")
    left.run()
    left.home.config.write_text('store = "s3://nobody-made-this/kb"\n')
    trust_settings(left.home)
    result = CliRunner().invoke(app, ["releases", "list", "--home", str(left.home.root)])
    assert result.exit_code == 0
    assert "1 document, " in result.stdout
    assert "from the newest release that this home has" in result.stderr
    point_aws_at("http://127.0.0.1:9", monkeypatch)
    assert store_url in pull.refresh(left.home, left.settings, seconds=0.2)
    with pytest.raises(StoreError, match="check the address"):
        pull.refresh(Home(tmp_path / "empty" / ".omni"), left.settings, seconds=0.2)


def test_reading_does_not_wait_for_an_ingest_of_the_same_home(tmp_path: Path, store_url: str) -> None:
    left, right = pair(tmp_path, store_url)
    left.run()
    right.run()
    with writer_session(left.home, left.settings):
        assert pull.refresh(left.home, left.settings) == ""
        assert paths(left) == ["a.md"]
    pull.refresh(left.home, left.settings)
    assert paths(left) == ["a.md", "b.md"]


def test_an_erased_document_leaves_the_store_and_every_home(tmp_path: Path, store_url: str) -> None:
    left = member(tmp_path, "left", store_url, a="Walrus eats.", b="The xylophone secret.")
    right = member(tmp_path, "right", store_url, c="Badger digs.")
    left.run()
    right.run()
    catch_up(left)
    assert b"xylophone" in all_bytes(store_url)
    with writer_session(left.home, left.settings, sync=True):
        certificate, _ = erase(left.context, "b.md")
    assert certificate.release == 3
    assert b"xylophone" not in all_bytes(store_url)
    assert any("other homes" in place for place in certificate.not_searched)
    catch_up(right)
    assert release_numbers(right.home) == [3]
    assert files_with(right, b"xylophone") == []
    assert paths(right) == ["a.md", "c.md"]


def test_a_run_does_not_list_the_sources_of_another_home(tmp_path: Path, store_url: str) -> None:
    left, right = pair(tmp_path, store_url)
    left.run()
    right.run()
    (docs_of(left) / "a.md").unlink()
    docs_of(left).rmdir()
    assert right.run().published.new is False
    assert left.run_with_missing_source().problem.endswith("is not there")

"""Homes that share a store in a bucket of a real S3 server: what one publishes, all have, and nothing is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lance
import pytest
from typer.testing import CliRunner

from native.errors import StoreError
from native.lance_tables import LanceTable
from omni_pipelines.cli.main import app
from omni_pipelines.erasure.erase import erase
from omni_pipelines.errors import SourceMissing, UpstreamMoved
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.releases import list_releases, newest_release, release_numbers
from omni_pipelines.pipeline import run as line_module
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.publishing.rollback import roll_back
from omni_pipelines.sharing import pull
from omni_pipelines.sharing.bucket import Bucket
from omni_pipelines.sources.registry import load_sources, reads, save_sources
from omni_pipelines.steps.step_records import read_step_record
from tests.integration.line import Line
from tests.integration.members import catch_up, docs_of, everything, member, objects, paths, rows


def test_what_one_home_publishes_the_other_finds(tmp_path: Path, store_url: str) -> None:
    left, right = (
        member(tmp_path, "left", store_url, a="Walrus eats."),
        member(tmp_path, "right", store_url, b="Badger digs."),
    )
    assert left.run().published.release.release == 1
    assert right.run().published.release.release == 2
    assert paths(right) == ["a.md", "b.md"]
    assert right.search("walrus")[0].path == "a.md"
    assert paths(left) == ["a.md"]
    again = left.run().published
    assert (again.release.release, again.new) == (2, False)
    assert left.search("badger")[0].path == "b.md"


def test_a_new_home_gets_every_kept_release_row_by_row(tmp_path: Path, store_url: str) -> None:
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


def test_a_home_goes_on_from_what_another_built(tmp_path: Path, store_url: str) -> None:
    left, right = (
        member(tmp_path, "left", store_url, a="Walrus eats."),
        member(tmp_path, "right", store_url, b="Badger digs."),
    )
    left.run()
    done = right.run()
    assert (done.documents.added, done.chunks.recut, done.keyword.written) == (1, 1, 1)
    assert right.embedder.embedded == ["Badger digs."]


def overtake(
    left: Line, right: Line, monkeypatch: pytest.MonkeyPatch, step: str = "build_keyword_index"
) -> list[int]:
    """Let `right` publish, once, when `left` comes to a step."""
    real, numbers = getattr(line_module, step), []

    def between(home: Home, *rest: Any) -> Any:
        if home == left.home and not numbers:
            numbers.append(0)  # the pass of the other comes here, too
            numbers[0] = right.run().published.release.release
        return real(home, *rest)

    monkeypatch.setattr(line_module, step, between)
    return numbers


def test_of_two_that_publish_at_the_same_time_both_are_in_the_end_there(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, right = (
        member(tmp_path, "left", store_url, a="Walrus eats."),
        member(tmp_path, "right", store_url, b="Badger digs."),
    )
    left.run()
    (docs_of(left) / "c.md").write_text("Candle burns.")
    numbers = overtake(left, right, monkeypatch)
    done = left.run()
    assert numbers == [2]
    assert done.published.release.release == 3
    assert paths(left) == ["a.md", "b.md", "c.md"]
    assert left.embedder.embedded.count("Candle burns.") == 1, "vectors of the overtaken pass are used again"
    assert done.embeddings.reused == 1
    assert not list(left.home.shared.glob("vectors*"))


def test_the_first_release_of_two_new_homes_is_made_by_one_of_them(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, right = (
        member(tmp_path, "left", store_url, a="Walrus eats."),
        member(tmp_path, "right", store_url, b="Badger digs."),
    )
    overtake(left, right, monkeypatch)
    assert left.run().published.release.release == 2
    assert paths(left) == ["a.md", "b.md"]
    assert right.run().published.new is False
    assert rows(right, 2) == rows(left, 2)


def test_who_is_overtaken_every_time_is_told(tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    left = member(tmp_path, "left", store_url, a="Walrus eats.")
    left.run()
    (docs_of(left) / "a.md").write_text("Walrus naps.")
    monkeypatch.setattr(Bucket, "publish", lambda *_: False)
    with pytest.raises(UpstreamMoved, match="release 2 was published by another home"):
        left.run()
    assert release_numbers(left.home) == [1]
    assert read_step_record(left.home, "documents") is None, "the sensors would think that all is done"


def test_folders_of_one_name_are_two_sources(tmp_path: Path, store_url: str) -> None:
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


def test_a_source_that_is_removed_in_one_home_is_removed_in_all(tmp_path: Path, store_url: str) -> None:
    left, right = (
        member(tmp_path, "left", store_url, a="Walrus eats."),
        member(tmp_path, "right", store_url, b="Badger digs."),
    )
    left.run()
    right.run()
    with writer_session(right.home, right.settings, sync=True):
        save_sources(right.home, [each for each in load_sources(right.home) if each.name != "left-docs"])
    right.run()
    assert paths(right) == ["b.md"]
    left.run()
    assert [source.name for source in load_sources(left.home)] == ["right-docs"]
    assert paths(left) == ["b.md"]


def test_a_source_is_claimed_where_it_stands_now(tmp_path: Path, store_url: str) -> None:
    left, right = (
        member(tmp_path, "left", store_url, a="Walrus eats."),
        member(tmp_path, "right", store_url, b="Badger digs."),
    )
    left.run()
    right.run()
    docs_of(left).rename(tmp_path / "moved")
    right.home.config.write_text(f'store = "{store_url}"\n')
    arguments = ["source", "claim", "left-docs", "--at", str(tmp_path / "moved"), "--home", str(right.home.root)]
    result = CliRunner().invoke(app, arguments)
    assert "1 files" in result.output, result.output
    (tmp_path / "moved" / "a.md").write_text("Walrus moved.")
    right.run()
    assert right.search("walrus")[0].text == "Walrus moved."
    catch_up(left)
    assert not any(map(reads(left.home), load_sources(left.home)))


def test_a_rollback_holds_in_every_home_until_a_source_changes(tmp_path: Path, store_url: str) -> None:
    left, right = (
        member(tmp_path, "left", store_url, a="Walrus eats."),
        member(tmp_path, "right", store_url, b="Badger digs."),
    )
    left.run()
    right.run()
    (docs_of(left) / "a.md").write_text("Walrus naps.")
    left.run()
    with writer_session(right.home, right.settings, sync=True):
        report = roll_back(right.home, right.settings, 2, "back")
    assert report.release.release == 4
    assert objects(store_url, "pins") == objects(store_url, "holds") == []
    left.run()
    assert left.search("walrus")[0].text == "Walrus eats."
    assert newest_release(left.home) == report.release
    (docs_of(right) / "b.md").write_text("Badger sleeps.")
    right.run()
    catch_up(left)
    assert {hit.text for hit in left.search("walrus badger")} == {"Walrus naps.", "Badger sleeps."}


def test_any_reader_of_lance_opens_the_tables_of_every_kept_release(tmp_path: Path, store_url: str, s3: str) -> None:
    left = member(tmp_path, "left", store_url, a="Walrus eats.")
    left.run()
    (docs_of(left) / "b.md").write_text("Badger digs.")
    left.run()
    options = {"aws_endpoint": s3, "allow_http": "true"}
    for release in list_releases(left.home):
        for name, pinned in release.tables.items():
            uuid, _, version = pinned.rpartition(":")
            at = f"{store_url}/tables/{name}-{uuid}.lance"
            dataset = lance.dataset(at, version=int(version), storage_options=options)
            assert dataset.to_table() == LanceTable(left.home.table(name)).read(version=int(version))
            assert dataset.latest_version >= int(version)


@pytest.mark.parametrize(
    "stage",
    [
        "keep_vectors",
        "_place_tables",
        "_place_generations",
        "_tag",
        "save_sources",
        "write_copy",
        "keep_only",
    ],
)
@pytest.mark.parametrize("after", [False, True])
def test_a_home_that_dies_while_it_catches_up_is_whole_at_the_next_call(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch, stage: str, after: bool
) -> None:
    left, right = (
        member(tmp_path, "left", store_url, a="Walrus eats."),
        member(tmp_path, "right", store_url, b="Badger digs."),
    )
    left.run()
    right.run()
    (docs_of(right) / "c.md").write_text("Candle burns.")
    right.ingest()  # work that is never published
    (docs_of(left) / "a.md").write_text("Walrus naps.")
    left.run()
    real = getattr(pull, stage)

    def dies(*arguments: Any) -> Any:
        if after:
            real(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(pull, stage, dies)
        with pytest.raises(KeyboardInterrupt):
            catch_up(right)
    assert right.librarian().search("badger", 1)[0].text == "Badger digs.", "what was served is served still"
    done = right.run()
    assert done.published.release.release == 4
    assert paths(right) == ["a.md", "b.md", "c.md"]
    catch_up(left)
    assert rows(left, 4) == rows(right, 4)


def test_reading_goes_on_without_the_store_and_says_so(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = member(tmp_path, "left", store_url, a="Walrus eats.")
    left.run()
    left.home.config.write_text(f'store = "{store_url}"\n')
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(pull, "READING_SECONDS", 0.2)
    result = CliRunner().invoke(app, ["releases", "list", "--home", str(left.home.root)])
    assert result.exit_code == 0
    assert "1 documents" in result.stdout
    assert "of the newest release that this home has" in result.stderr
    with pytest.raises(StoreError, match="check the address"):
        pull.refresh(Home(tmp_path / "empty" / ".omni"), left.settings)


def test_reading_does_not_wait_for_an_ingest_of_the_same_home(tmp_path: Path, store_url: str) -> None:
    left, right = (
        member(tmp_path, "left", store_url, a="Walrus eats."),
        member(tmp_path, "right", store_url, b="Badger digs."),
    )
    left.run()
    right.run()
    with writer_session(left.home, left.settings):
        assert pull.refresh(left.home, left.settings) == ""
        assert paths(left) == ["a.md"]
    pull.refresh(left.home, left.settings)
    assert paths(left) == ["a.md", "b.md"]


def test_what_is_forgotten_leaves_the_bucket_and_every_home(tmp_path: Path, store_url: str) -> None:
    left = member(tmp_path, "left", store_url, a="Walrus eats.", b="The xylophone secret.")
    right = member(tmp_path, "right", store_url, c="Badger digs.")
    left.run()
    right.run()
    catch_up(left)
    assert b"xylophone" in everything(store_url)
    with writer_session(left.home, left.settings, sync=True):
        certificate, _ = erase(left.context, "b.md")
    assert certificate.release == 3
    assert b"xylophone" not in everything(store_url)
    assert any("other homes" in each for each in certificate.not_searched)
    catch_up(right)
    assert release_numbers(right.home) == [3]
    kept = [path for path in right.home.root.rglob("*") if path.is_file()]
    assert not [path for path in kept if b"xylophone" in path.read_bytes()]
    assert paths(right) == ["a.md", "c.md"]


def test_a_source_of_another_home_is_not_listed_here(tmp_path: Path, store_url: str) -> None:
    left, right = (
        member(tmp_path, "left", store_url, a="Walrus eats."),
        member(tmp_path, "right", store_url, b="Badger digs."),
    )
    left.run()
    right.run()
    (docs_of(left) / "a.md").unlink()
    docs_of(left).rmdir()
    assert right.run().published.new is False
    with pytest.raises(SourceMissing):
        left.run()

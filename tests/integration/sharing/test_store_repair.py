"""A home that lost something gets it back from its store, and takes nothing away from the others."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from native import dataset_cache
from native.lance_manifests import manifest_path
from native.lance_tables import LanceTable
from native.object_store import ObjectStore
from omni_pipelines.errors import UpstreamMoved
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.releases import release_file, release_numbers
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.publishing import publish as publish_module
from omni_pipelines.settings import Settings
from omni_pipelines.sharing import pull, push
from omni_pipelines.sharing.bucket import Bucket
from omni_pipelines.sources.registry import load_sources
from omni_pipelines.steps.chunks import reconcile_chunks
from omni_pipelines.steps.documents import reconcile_documents
from omni_pipelines.steps.embeddings import reconcile_embeddings
from omni_pipelines.steps.keyword_index import build_keyword_index
from omni_pipelines.steps.vector_index import build_vector_index
from tests.integration.line import Line
from tests.integration.members import catch_up, docs_of, member, pair, paths


@pytest.fixture
def two(tmp_path: Path, store_url: str) -> tuple[Line, Line]:
    """Two homes that have each other's document."""
    left, right = pair(tmp_path, store_url)
    left.run()
    right.run()
    catch_up(left)
    return left, right


@pytest.mark.parametrize("name", ["documents", "chunks", "embeddings", "quarantine", ""])
def test_tables_that_are_gone_do_not_delete_what_other_homes_gave(two: tuple[Line, Line], name: str) -> None:
    left, right = two
    heads = left.versions()
    shutil.rmtree(left.home.table(name) if name else left.home.tables)
    left.run()
    assert paths(left) == ["a.md", "b.md"]
    assert left.versions() == heads
    (docs_of(left) / "a.md").write_text("Walrus naps.")
    left.run()
    catch_up(right)
    assert paths(right) == ["a.md", "b.md"]
    assert right.search("walrus")[0].text == "Walrus naps."


def test_a_registry_that_is_gone_does_not_remove_the_sources_of_other_homes(two: tuple[Line, Line]) -> None:
    left, right = two
    left.home.sources.unlink()
    catch_up(left)
    left.add(docs_of(left))
    left.run()
    assert "b.md" in paths(left)
    catch_up(right)
    assert "right-docs" in {source.name for source in load_sources(right.home)}


@pytest.mark.parametrize("left_of_it", [None, 50])
def test_a_release_whose_record_is_gone_or_torn_is_taken_over_again(
    two: tuple[Line, Line], left_of_it: int | None
) -> None:
    left, _ = two
    record = release_file(left.home, 2)
    whole = record.read_bytes()
    record.unlink()
    if left_of_it is not None:
        record.write_bytes(whole[:left_of_it])
    catch_up(left)
    assert record.read_bytes() == whole
    (docs_of(left) / "a.md").write_text("Walrus naps.")
    assert left.run().published.release.release == 3
    assert paths(left) == ["a.md", "b.md"]


def test_a_reading_command_catches_up_though_a_power_cut_tore_what_was_not_published(two: tuple[Line, Line]) -> None:
    left, right = two
    (docs_of(left) / "c.md").write_text("Candle burns.")
    left.ingest()
    with writer_session(left.home, left.settings):
        reconcile_chunks(left.context)
        reconcile_embeddings(left.context)
    for name in ("documents", "embeddings"):
        table = LanceTable(left.home.table(name))
        manifest_path(table.path, table.head().version).write_bytes(b"")
    dataset_cache.POOL.reset()
    (docs_of(right) / "b.md").write_text("Badger sleeps.")
    right.run()
    assert pull.refresh(left.home, left.settings) == ""
    assert left.search("badger")[0].text == "Badger sleeps."


def test_filling_a_store_goes_on_where_it_broke_off(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = member(tmp_path, "left", "", a="Walrus eats.")
    left.run()
    (docs_of(left) / "a.md").write_text("Walrus naps.")
    left.run()
    left.settings = left.settings.model_copy(update={"store": store_url})
    bucket, real = Bucket(ObjectStore(store_url)), pull.push

    def dies(*arguments: Any) -> Any:
        if bucket.numbers():
            raise KeyboardInterrupt
        return real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(pull, "push", dies)
        with pytest.raises(KeyboardInterrupt):
            catch_up(left)
    assert bucket.numbers() == [1]
    catch_up(left)
    assert bucket.numbers() == [1, 2]
    right = member(tmp_path, "right", store_url)
    catch_up(right)
    assert right.search("walrus")[0].text == "Walrus naps."


def test_a_release_that_another_home_publishes_before_older_ones_are_dropped_stays(
    two: tuple[Line, Line], store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, right = two
    real, overtaken = publish_module.collect, []

    def late(home: Home, settings: Settings) -> None:
        if home == left.home and not overtaken:
            overtaken.append(True)
            right.settings = right.settings.model_copy(update={"keep_releases": 1})
            (docs_of(right) / "b.md").write_text("Badger sleeps.")
            right.run()
        real(home, settings)

    (docs_of(left) / "a.md").write_text("Walrus naps.")
    with monkeypatch.context() as patch:
        patch.setattr(publish_module, "collect", late)
        left.run()
    assert Bucket(ObjectStore(store_url)).numbers() == [4]
    assert release_numbers(left.home) == [3], "readers have one until they catch up"
    for each in two:
        catch_up(each)
        assert {hit.text for hit in each.search("walrus badger")} == {"Walrus naps.", "Badger sleeps."}


@pytest.mark.parametrize("clock", ["monotonic", "time"])
def test_an_upload_that_slept_for_a_day_is_not_published(
    two: tuple[Line, Line], monkeypatch: pytest.MonkeyPatch, clock: str
) -> None:
    """Its first objects are named by no release, and may have been deleted as leftovers."""
    left, _ = two
    (docs_of(left) / "a.md").write_text("Walrus naps.")
    real, asked = getattr(push.time, clock), []

    def jumps() -> float:
        asked.append(True)
        return float(real()) + 13 * 3600 * (len(asked) > 1)

    with writer_session(left.home, left.settings, sync=True):
        reconcile_documents(left.context)
        reconcile_chunks(left.context)
        reconcile_embeddings(left.context)
        build_keyword_index(left.context)
        build_vector_index(left.context)
        with monkeypatch.context() as patch:
            patch.setattr(
                push, "time", SimpleNamespace(**{"monotonic": time.monotonic, "time": time.time, clock: jumps})
            )
            with pytest.raises(UpstreamMoved, match="took so long"):
                publish_module.publish(left.context)

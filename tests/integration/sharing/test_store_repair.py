"""A home that lost something fetches it from its store again, and deletes nothing of other homes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from native import dataset_cache
from native.lance_manifests import manifest_path
from native.lance_tables import LanceTable
from native.object_store import ObjectStore
from omni_pipelines.errors import UpstreamMoved
from omni_pipelines.knowledge.state.releases import newest_release, release_file, release_numbers
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.publishing.publish import collect
from omni_pipelines.sharing.bucket import Bucket
from omni_pipelines.sharing.joining import member_of
from omni_pipelines.sharing.pull import refresh
from omni_pipelines.sharing.push import push
from omni_pipelines.sources.registry import load_sources
from omni_pipelines.steps.chunks import reconcile_chunks
from omni_pipelines.steps.embeddings import reconcile_embeddings
from tests.integration.line import Line
from tests.integration.members import catch_up, docs_of, member, pair, paths


@pytest.fixture
def two(tmp_path: Path) -> tuple[Line, Line]:
    """Two homes at release 2, with the documents of both. Their store is a folder, which costs less than a server."""
    left, right = pair(tmp_path, f"file://{tmp_path}/store")
    left.run()
    right.run()
    catch_up(left)
    return left, right


@pytest.mark.parametrize("name", ["documents", "chunks", "embeddings", "quarantine", ""])
def test_a_lost_table_deletes_nothing_of_other_homes(two: tuple[Line, Line], name: str) -> None:
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


def test_a_lost_registry_removes_no_source_of_other_homes(two: tuple[Line, Line]) -> None:
    left, right = two
    left.home.sources.unlink()
    catch_up(left)
    left.add(docs_of(left))
    left.run()
    assert "b.md" in paths(left)
    catch_up(right)
    assert "right-docs" in {source.name for source in load_sources(right.home)}


@pytest.mark.parametrize("length", [None, 50])
def test_a_release_record_that_is_missing_or_incomplete_is_fetched_again(
    two: tuple[Line, Line], length: int | None
) -> None:
    left, _ = two
    record = release_file(left.home, 2)
    content = record.read_bytes()
    record.unlink()
    if length is not None:
        record.write_bytes(content[:length])
    catch_up(left)
    assert record.read_bytes() == content
    (docs_of(left) / "a.md").write_text("Walrus naps.")
    assert left.run().published.release.release == 3
    assert paths(left) == ["a.md", "b.md"]


def test_reading_catches_up_after_a_power_cut_damaged_unpublished_tables(two: tuple[Line, Line]) -> None:
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
    assert refresh(left.home, left.settings) == ""
    assert left.search("badger")[0].text == "Badger sleeps."


def test_filling_a_store_continues_with_the_release_at_which_it_failed(tmp_path: Path, store_url: str) -> None:
    left = member(tmp_path, "left", "", a="Walrus eats.")
    left.run()
    (docs_of(left) / "a.md").write_text("Walrus naps.")
    left.run()
    left.settings = left.settings.model_copy(update={"store": store_url})
    store = ObjectStore(store_url)
    store.put("releases/000000000002.json", b"{}")
    with pytest.raises(UpstreamMoved, match="release 2"):
        catch_up(left)
    assert Bucket(store).numbers() == [1]
    store.delete(["releases/000000000002.json"])
    catch_up(left)
    assert Bucket(store).numbers() == [1, 2]
    right = member(tmp_path, "right", store_url)
    catch_up(right)
    assert right.search("walrus")[0].text == "Walrus naps."


def test_collection_keeps_a_newer_release_of_another_home(two: tuple[Line, Line]) -> None:
    left, right = two
    (docs_of(left) / "a.md").write_text("Walrus naps.")
    left.run()
    right.settings = right.settings.model_copy(update={"keep_releases": 1})
    (docs_of(right) / "b.md").write_text("Badger sleeps.")
    right.run()
    with writer_session(left.home, left.settings):
        collect(left.home, left.settings)
    assert Bucket(ObjectStore(left.settings.store)).numbers() == [4]
    assert release_numbers(left.home) == [3], "searches see a release until the home catches up"
    for line in two:
        catch_up(line)
        assert {hit.text for hit in line.search("walrus badger")} == {"Walrus naps.", "Badger sleeps."}


@pytest.mark.parametrize("jump", [(13 * 3600.0, 0.0), (0.0, 13 * 3600.0)])
def test_an_upload_that_took_half_a_day_is_not_published(two: tuple[Line, Line], jump: tuple[float, float]) -> None:
    """No release names its first objects, so collection may have deleted them."""
    left, _ = two
    shared = member_of(left.home, left.settings)
    release = newest_release(left.home)
    assert shared is not None
    assert release is not None
    times = iter([(0.0, 0.0), jump])
    with pytest.raises(UpstreamMoved, match="took so long"):
        push(shared, release.model_copy(update={"release": 3}), lambda: next(times))
    assert Bucket(ObjectStore(left.settings.store)).numbers() == [1, 2]

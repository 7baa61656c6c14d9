"""The store that homes share: what it keeps, what it drops, and when it is refused."""

from __future__ import annotations

import socket
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from native.errors import StoreError
from native.object_store import ObjectStore
from omni_pipelines.cli.main import app
from omni_pipelines.configuration import trust_settings
from omni_pipelines.errors import ConfigurationError, StoreRefused
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.pins import list_pins
from omni_pipelines.knowledge.state.releases import newest_release, release_numbers
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.records import Pin, sealed
from omni_pipelines.sharing.bucket import Bucket, needed_keys
from omni_pipelines.sharing.joining import join
from omni_pipelines.sharing.pinning import pin, unpin
from omni_pipelines.sources.registry import load_sources, reads
from tests.integration.members import SECRET, all_bytes, catch_up, docs_of, files_with, keys, member, pair, rows
from tests.object_server import point_aws_at


def test_a_pinned_release_is_kept_in_every_home(tmp_path: Path, store_url: str) -> None:
    left, right = member(tmp_path, "left", store_url, a="Walrus 0."), member(tmp_path, "right", store_url)
    left.run()
    with writer_session(right.home, right.settings, sync=True):
        pin(right.home, right.settings, 1, "audit")
    for number in range(1, 6):
        (docs_of(left) / "a.md").write_text(f"Walrus {number}.")
        left.run()
    assert release_numbers(left.home) == [1, 4, 5, 6]
    catch_up(right)
    assert release_numbers(right.home) == [1, 4, 5, 6]
    assert list_pins(right.home)[1].reason == "audit"
    assert right.librarian(1).search("walrus", 1)[0].text == "Walrus 0."
    with writer_session(left.home, left.settings, sync=True):
        unpin(left.home, left.settings, 1)
    (docs_of(left) / "a.md").write_text("Walrus 9.")
    left.run()
    catch_up(right)
    assert release_numbers(right.home) == [5, 6, 7]
    assert list_pins(right.home) == {}


def test_pinning_a_release_that_is_being_dropped_is_refused(tmp_path: Path, store_url: str) -> None:
    left = member(tmp_path, "left", store_url, a="Walrus eats.")
    left.run()
    ObjectStore(store_url).put("dropping/000000000001", b"")
    with (
        writer_session(left.home, left.settings),
        pytest.raises(ConfigurationError, match="release 1 is dropped by another home"),
    ):
        pin(left.home, left.settings, 1)
    assert keys(store_url, "pins") == []
    assert list_pins(left.home) == {}


def test_collection_keeps_a_release_that_was_pinned_first(tmp_path: Path, store_url: str) -> None:
    left = member(tmp_path, "left", store_url, a="Walrus eats.")
    left.run()
    bucket = Bucket(ObjectStore(store_url))
    bucket.pin(Pin(release=1))
    ObjectStore(store_url).put("dropping/000000000001", b"")  # of a home that died there
    assert bucket.drop([]) == [1]
    bucket.unpin(1)
    assert bucket.drop([]) == []
    assert (bucket.numbers(), bucket.read(1)) == ([], None)
    assert keys(store_url, "tables") == keys(store_url, "blobs") == []


def test_the_number_of_a_dropped_release_is_not_used_again(tmp_path: Path, store_url: str) -> None:
    left = member(tmp_path, "left", store_url, a="Walrus eats.")
    first = left.run().published.release
    bucket = Bucket(ObjectStore(store_url))
    record = bucket.read(1)
    assert record is not None
    assert record.release == first
    bucket.drop([])
    assert not bucket.publish(record)


def test_collection_leaves_nothing_that_no_kept_release_needs(tmp_path: Path, store_url: str) -> None:
    left = member(tmp_path, "left", store_url, a="Walrus 0.")
    ObjectStore(store_url).put("blobs/left-by-somebody", b"x")
    for number in range(6):
        (docs_of(left) / "a.md").write_text(f"Walrus {number}.")
        left.run()
    bucket = Bucket(ObjectStore(store_url), orphans_kept=timedelta(seconds=-60))
    assert bucket.drop([4, 5, 6]) == [4, 5, 6]
    records = filter(None, map(bucket.read, (4, 5, 6)))
    needed = set().union(*map(needed_keys, records))
    assert {*keys(store_url, "tables"), *keys(store_url, "blobs")} == needed
    assert keys(store_url, "probe") == []


def test_collection_keeps_recent_objects_that_no_release_names(tmp_path: Path, store_url: str) -> None:
    left = member(tmp_path, "left", store_url, a="Walrus eats.")
    ObjectStore(store_url).put("blobs/of-somebody-else", b"x")
    left.run()
    assert "blobs/of-somebody-else" in keys(store_url, "blobs")


def test_a_home_with_releases_fills_an_empty_store(tmp_path: Path, store_url: str) -> None:
    left = member(tmp_path, "left", store_url, a="Walrus eats.")
    shared, left.settings = left.settings, left.settings.model_copy(update={"store": ""})
    left.run()
    (docs_of(left) / "a.md").write_text("Walrus naps.")
    left.run()
    left.settings = shared
    assert left.run().published.new is False
    right = member(tmp_path, "right", store_url)
    catch_up(right)
    assert release_numbers(right.home) == [1, 2]
    assert [rows(right, number) for number in (1, 2)] == [rows(left, number) for number in (1, 2)]


def test_a_home_with_releases_cannot_join_another_knowledge_base(tmp_path: Path, store_url: str) -> None:
    left, right = pair(tmp_path, store_url)
    left.run()
    shared, right.settings = right.settings, right.settings.model_copy(update={"store": ""})
    right.run()
    before = rows(right, 1)
    right.settings = shared
    with pytest.raises(StoreRefused, match="releases of its own"):
        right.run()
    assert rows(right, 1) == before


def test_a_store_that_was_emptied_is_refused(tmp_path: Path, store_url: str) -> None:
    left = member(tmp_path, "left", store_url, a="Walrus eats.")
    left.run()
    ObjectStore(store_url).delete(["store.json"])
    with pytest.raises(StoreRefused, match="emptied or created again"):
        left.run()


def test_a_store_that_lost_the_release_of_a_home_is_refused(tmp_path: Path, store_url: str) -> None:
    left = member(tmp_path, "left", store_url, a="Walrus eats.")
    left.run()
    ObjectStore(store_url).delete(["releases/000000000001.json"])
    with pytest.raises(StoreRefused, match="this home has seen 1"):
        left.run()


class OverwritingStore(ObjectStore):
    """A store that ignores If-None-Match, as some do."""

    def put_if_absent(self, key: str, data: bytes) -> bool:
        self.put(key, data)
        return True


def test_a_store_without_conditional_put_is_refused_and_left_clean(home: Home, store_url: str) -> None:
    with pytest.raises(StoreRefused, match="no conditional put"):
        join(home, Bucket(OverwritingStore(store_url)))
    assert keys(store_url, "releases") == keys(store_url, "probe") == []


def test_a_damaged_object_is_refused_until_it_is_restored(tmp_path: Path, store_url: str) -> None:
    left, right = member(tmp_path, "left", store_url, a="Walrus eats."), member(tmp_path, "right", store_url)
    left.run()
    store = ObjectStore(store_url)
    key = next(key for key in keys(store_url, "tables") if "/data/" in key)
    content = store.get(key)
    assert content is not None
    store.put(key, content[:-4] + b"EVIL")
    with pytest.raises(StoreRefused, match="differs from its record"):
        catch_up(right)
    assert newest_release(right.home) is None
    store.put(key, content)
    catch_up(right)
    assert rows(right, 1) == rows(left, 1)


def test_a_changed_release_record_is_refused(tmp_path: Path, store_url: str) -> None:
    left, right = member(tmp_path, "left", store_url, a="Walrus eats."), member(tmp_path, "right", store_url)
    left.run()
    store = ObjectStore(store_url)
    raw = store.get("releases/000000000001.json")
    assert raw is not None
    store.put("releases/000000000001.json", raw.replace(b'"documents": 1', b'"documents": 2', 1))
    with pytest.raises(StoreRefused, match="record of release 1"):
        catch_up(right)


def test_credentials_are_in_no_file_of_the_home_and_the_store(tmp_path: Path, store_url: str) -> None:
    left = member(tmp_path, "left", store_url, a="Walrus eats.")
    left.run()
    assert SECRET.encode() not in all_bytes(store_url)
    assert files_with(left, SECRET.encode()) == []


def test_a_missing_bucket_is_reported(tmp_path: Path, store_url: str) -> None:
    with pytest.raises(StoreError, match="there is no such bucket"):
        member(tmp_path, "left", "s3://nobody-made-this/kb", a="Walrus eats.").run()


def test_a_folder_can_be_a_store(tmp_path: Path) -> None:
    store_url = f"file://{tmp_path}/store"
    left, right = pair(tmp_path, store_url)
    left.run()
    right.run()
    left.run()
    assert rows(left, 2) == rows(right, 2)


def test_store_status_shows_which_settings_differ(tmp_path: Path, store_url: str) -> None:
    left = member(tmp_path, "left", store_url, a="Walrus eats.")
    left.run()
    left.home.config.write_text(f'store = "{store_url}"\nchunk_tokens = 99\n')
    trust_settings(left.home)
    result = CliRunner().invoke(app, ["store", "status", "--home", str(left.home.root)])
    assert result.exit_code == 0, result.output
    assert "releases 1" in result.stdout
    assert "this home is at release 1" in result.stdout
    assert "chunker of the newest release is" in result.stderr
    alone = CliRunner().invoke(app, ["store", "status", "--home", str(tmp_path / "none")])
    assert alone.exit_code != 0


@pytest.mark.parametrize(
    "path",
    [
        "../../evil",
        "tables/chunks.lance/../../../evil",
        "tables/chunks.lance/./../evil",
        "tables/chunks.lance/data/..",
        "/etc/evil",
        "sources.json",
        "keyword/gen-1/a/../../../evil",
        "tables/other.lance/data/a",
    ],
)
def test_a_release_record_with_a_foreign_path_is_refused(tmp_path: Path, store_url: str, path: str) -> None:
    left, right = pair(tmp_path, store_url)
    left.run()
    bucket = Bucket(ObjectStore(store_url))
    record = bucket.read(1)
    assert record is not None
    file = next(iter(record.files.values()))
    bucket.objects.put("releases/000000000001.json", sealed(record.model_copy(update={"files": {path: file}})))
    with pytest.raises(StoreRefused, match="record of release 1"):
        catch_up(right)
    assert not list(tmp_path.rglob("*evil*"))


def test_a_release_record_cannot_make_a_home_read_another_folder(tmp_path: Path, store_url: str) -> None:
    left, right = pair(tmp_path, store_url)
    left.run()
    right.run()
    private = tmp_path / "private"
    private.mkdir()
    bucket = Bucket(ObjectStore(store_url))
    record = bucket.read(2)
    assert record is not None
    mine = next(source for source in record.sources if source.name == "left-docs")
    planted = [mine.model_copy(update={"root": private}), mine.model_copy(update={"name": "more", "root": private})]
    release = record.release.model_copy(update={"release": 3})
    assert bucket.publish(record.model_copy(update={"release": release, "sources": planted}))
    catch_up(left)
    assert [(source.name, source.root) for source in filter(reads(left.home), load_sources(left.home))] == [
        ("left-docs", docs_of(left))
    ]


def test_a_server_that_never_responds_costs_only_the_allowed_time(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ObjectStore(store_url, seconds=5.0).get("nothing") is None
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        point_aws_at(f"http://127.0.0.1:{server.getsockname()[1]}", monkeypatch)
        with pytest.raises(StoreError, match=r" in 5\d\d\.\d+ms"):
            ObjectStore(store_url, seconds=0.5).get("nothing")
        monkeypatch.setenv("AWS_TIMEOUT", "200ms")
        with pytest.raises(StoreError, match=r" in 2\d\d\.\d+ms"):
            ObjectStore(store_url, seconds=0.1).get("nothing")

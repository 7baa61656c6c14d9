"""Homes that share a store in a bucket of a real S3 server: what one publishes, all have, and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import lance
import pytest
from typer.testing import CliRunner

from native.errors import StoreError
from native.lance_tables import LanceTable, TableVersion
from native.object_store import ObjectStore
from omni_pipelines.cli.main import app
from omni_pipelines.errors import ConfigurationError, SourceMissing, StoreRefused, UpstreamMoved
from omni_pipelines.ingest import line as line_module
from omni_pipelines.ingest.built import read_built
from omni_pipelines.ingest.forget import forget
from omni_pipelines.ingest.line import LineEngines
from omni_pipelines.ingest.rollback import roll_back
from omni_pipelines.ingest.sources import load_sources, reads, save_sources
from omni_pipelines.ingest.store import bucket as bucket_module
from omni_pipelines.ingest.store import pull
from omni_pipelines.ingest.store.bucket import Bucket
from omni_pipelines.ingest.store.pinning import pin, unpin
from omni_pipelines.ingest.writing import writing
from omni_pipelines.knowledge.pins import list_pins
from omni_pipelines.knowledge.releases import list_releases, newest_release, release_numbers
from omni_pipelines.records import Pin
from omni_pipelines.schemas import TABLES
from omni_pipelines.settings import Home, Settings
from omni_pipelines.testing.fakes import WordCounter
from tests.integration.line import Line
from tests.object_server import make_bucket, s3_server, speak_to

SECRET = "not-to-be-said-anywhere"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with s3_server() as url:
        yield url


@pytest.fixture
def url(server: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """The address of an empty store."""
    speak_to(server, monkeypatch)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setattr(line_module, "OVERTAKEN_PAUSE", 0.0)
    return make_bucket(server, f"b{abs(hash(request.node.name))}")


def member(folder: Path, name: str, url: str, **files: str) -> Line:
    """A home that shares the store, and reads a folder of its own."""
    docs = folder / name / f"{name}-docs"
    docs.mkdir(parents=True)
    settings = Settings(chunk_tokens=40, chunk_overlap=8, store=url, lock_seconds=0)
    made = Line(Home(folder / name / ".omni"), settings=settings)
    for stem, text in files.items():
        (docs / f"{stem}.md").write_text(text)
    if files:
        made.add(docs)
    return made


def docs_of(line: Line) -> Path:
    return line.home.root.parent / f"{line.home.root.parent.name}-docs"


def catch_up(line: Line) -> None:
    with writing(line.home, line.settings, newest=True):
        pass


def paths(line: Line) -> list[str]:
    release = newest_release(line.home)
    assert release is not None
    version = TableVersion.parse(release.tables["documents"]).version
    return sorted(LanceTable(line.home.table("documents")).read(["path"], version=version)["path"].to_pylist())


def rows(line: Line, number: int) -> dict[str, list[dict[str, Any]]]:
    """Every row that a release names."""
    release = next(each for each in list_releases(line.home) if each.release == number)
    return {
        name: LanceTable(line.home.table(name))
        .read(None, version=TableVersion.parse(pinned).version)
        .sort_by(TABLES[name].key)
        .to_pylist()
        for name, pinned in release.tables.items()
    }


def everything(url: str) -> bytes:
    """All bytes of all objects."""
    bucket = url.removeprefix("s3://").partition("/")[0]
    store = ObjectStore(f"s3://{bucket}")
    return b"".join(store.get(each.key) or b"" for each in store.list("kb"))


def objects(url: str, folder: str) -> list[str]:
    return [each.key for each in ObjectStore(url).list(folder)]


def test_what_one_home_publishes_the_other_finds(tmp_path: Path, url: str) -> None:
    left, right = member(tmp_path, "left", url, a="Walrus eats."), member(tmp_path, "right", url, b="Badger digs.")
    assert left.run().published.release.release == 1
    assert right.run().published.release.release == 2
    assert paths(right) == ["a.md", "b.md"]
    assert right.search("walrus")[0].path == "a.md"
    assert paths(left) == ["a.md"]
    again = left.run().published
    assert (again.release.release, again.new) == (2, False)
    assert left.search("badger")[0].path == "b.md"


def test_a_new_home_gets_every_kept_release_row_by_row(tmp_path: Path, url: str) -> None:
    left = member(tmp_path, "left", url, a="Walrus eats.")
    for text in ("Walrus naps.", "Walrus swims.", "Walrus sings."):
        left.run()
        (docs_of(left) / "a.md").write_text(text)
    left.run()
    right = member(tmp_path, "right", url)
    assert pull.refresh(right.home, right.settings) == ""
    assert release_numbers(right.home) == release_numbers(left.home) == [2, 3, 4]
    for number in (2, 3, 4):
        assert rows(right, number) == rows(left, number)
    assert right.librarian(2).search("walrus", 1)[0].text == "Walrus naps."
    assert right.librarian().search("walrus", 1)[0].text == "Walrus sings."


def test_a_home_goes_on_from_what_another_built(tmp_path: Path, url: str) -> None:
    left, right = member(tmp_path, "left", url, a="Walrus eats."), member(tmp_path, "right", url, b="Badger digs.")
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
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, right = member(tmp_path, "left", url, a="Walrus eats."), member(tmp_path, "right", url, b="Badger digs.")
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
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, right = member(tmp_path, "left", url, a="Walrus eats."), member(tmp_path, "right", url, b="Badger digs.")
    overtake(left, right, monkeypatch)
    assert left.run().published.release.release == 2
    assert paths(left) == ["a.md", "b.md"]
    assert right.run().published.new is False
    assert rows(right, 2) == rows(left, 2)


def test_who_is_overtaken_every_time_is_told(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    left = member(tmp_path, "left", url, a="Walrus eats.")
    left.run()
    (docs_of(left) / "a.md").write_text("Walrus naps.")
    monkeypatch.setattr(Bucket, "publish", lambda *_: False)
    with pytest.raises(UpstreamMoved, match="release 2 was published by another home"):
        left.run()
    assert release_numbers(left.home) == [1]
    assert read_built(left.home, "documents") is None, "the sensors would think that all is done"


def test_folders_of_one_name_are_two_sources(tmp_path: Path, url: str) -> None:
    left, right = member(tmp_path / "1", "docs", url, a="Walrus."), member(tmp_path / "2", "docs", url, a="Badger.")
    left.run()
    right.run()
    assert [source.name for source in load_sources(right.home)] == ["docs-docs", "docs-docs-2"]
    assert paths(right) == ["a.md", "a.md"]
    left.run()
    assert [reads(left.home)(source) for source in load_sources(left.home)] == [True, False]


def test_a_source_that_is_removed_in_one_home_is_removed_in_all(tmp_path: Path, url: str) -> None:
    left, right = member(tmp_path, "left", url, a="Walrus eats."), member(tmp_path, "right", url, b="Badger digs.")
    left.run()
    right.run()
    with writing(right.home, right.settings, newest=True):
        save_sources(right.home, [each for each in load_sources(right.home) if each.name != "left-docs"])
    right.run()
    assert paths(right) == ["b.md"]
    left.run()
    assert [source.name for source in load_sources(left.home)] == ["right-docs"]
    assert paths(left) == ["b.md"]


def test_a_source_is_claimed_where_it_stands_now(tmp_path: Path, url: str) -> None:
    left, right = member(tmp_path, "left", url, a="Walrus eats."), member(tmp_path, "right", url, b="Badger digs.")
    left.run()
    right.run()
    docs_of(left).rename(tmp_path / "moved")
    right.home.config.write_text(f'store = "{url}"\n')
    arguments = ["source", "claim", "left-docs", "--at", str(tmp_path / "moved"), "--home", str(right.home.root)]
    result = CliRunner().invoke(app, arguments)
    assert "1 files" in result.output, result.output
    (tmp_path / "moved" / "a.md").write_text("Walrus moved.")
    right.run()
    assert right.search("walrus")[0].text == "Walrus moved."
    catch_up(left)
    assert not any(map(reads(left.home), load_sources(left.home)))


def test_a_rollback_holds_in_every_home_until_a_source_changes(tmp_path: Path, url: str) -> None:
    left, right = member(tmp_path, "left", url, a="Walrus eats."), member(tmp_path, "right", url, b="Badger digs.")
    left.run()
    right.run()
    (docs_of(left) / "a.md").write_text("Walrus naps.")
    left.run()
    with writing(right.home, right.settings, newest=True):
        report = roll_back(right.home, right.settings, 2, "back")
    assert report.release.release == 4
    assert objects(url, "pins") == []
    left.run()
    assert left.search("walrus")[0].text == "Walrus eats."
    assert newest_release(left.home) == report.release
    (docs_of(right) / "b.md").write_text("Badger sleeps.")
    right.run()
    catch_up(left)
    assert {hit.text for hit in left.search("walrus badger")} == {"Walrus naps.", "Badger sleeps."}


def test_a_pinned_release_outlives_the_others_in_every_home(tmp_path: Path, url: str) -> None:
    left, right = member(tmp_path, "left", url, a="Walrus 0."), member(tmp_path, "right", url)
    left.run()
    with writing(right.home, right.settings, newest=True):
        pin(right.home, right.settings, 1, "audit")
    for number in range(1, 6):
        (docs_of(left) / "a.md").write_text(f"Walrus {number}.")
        left.run()
    assert release_numbers(left.home) == [1, 4, 5, 6]
    catch_up(right)
    assert release_numbers(right.home) == [1, 4, 5, 6]
    assert list_pins(right.home)[1].reason == "audit"
    assert right.librarian(1).search("walrus", 1)[0].text == "Walrus 0."
    with writing(left.home, left.settings, newest=True):
        unpin(left.home, left.settings, 1)
    (docs_of(left) / "a.md").write_text("Walrus 9.")
    left.run()
    catch_up(right)
    assert release_numbers(right.home) == [5, 6, 7]
    assert list_pins(right.home) == {}


def test_a_release_that_is_being_dropped_cannot_be_pinned(tmp_path: Path, url: str) -> None:
    left = member(tmp_path, "left", url, a="Walrus eats.")
    left.run()
    ObjectStore(url).put("dropping/000000000001", b"")
    with (
        writing(left.home, left.settings),
        pytest.raises(ConfigurationError, match="release 1 is being dropped by another home"),
    ):
        pin(left.home, left.settings, 1)
    assert objects(url, "pins") == []
    assert list_pins(left.home) == {}


def test_a_pin_that_was_there_first_wins_against_collection(tmp_path: Path, url: str) -> None:
    left = member(tmp_path, "left", url, a="Walrus eats.")
    left.run()
    bucket = Bucket(ObjectStore(url))
    bucket.pin(Pin(release=1))
    ObjectStore(url).put("dropping/000000000001", b"")  # of a home that died there
    assert bucket.drop([]) == [1]
    bucket.unpin(1)
    assert bucket.drop([]) == []
    assert (bucket.numbers(), bucket.read(1)) == ([], None)
    assert objects(url, "tables") == objects(url, "blobs") == []


def test_a_number_is_never_given_again(tmp_path: Path, url: str) -> None:
    left = member(tmp_path, "left", url, a="Walrus eats.")
    first = left.run().published.release
    bucket = Bucket(ObjectStore(url))
    record = bucket.read(1)
    assert record is not None
    assert record.release == first
    bucket.drop([])
    assert not bucket.publish(record)


def test_collection_leaves_nothing_that_no_kept_release_needs(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket_module, "ORPHANS_KEPT", timedelta(seconds=-60))
    left = member(tmp_path, "left", url, a="Walrus 0.")
    ObjectStore(url).put("blobs/left-by-somebody", b"x")
    for number in range(6):
        (docs_of(left) / "a.md").write_text(f"Walrus {number}.")
        left.run()
    bucket = Bucket(ObjectStore(url))
    needed = {key for number in (4, 5, 6) for key in bucket_module.needed(bucket.read(number))}  # type: ignore[arg-type]
    assert bucket.numbers() == [4, 5, 6]
    assert {*objects(url, "tables"), *objects(url, "blobs")} == needed
    assert objects(url, "probe") == []


def test_what_may_be_on_its_way_is_kept_for_a_day(tmp_path: Path, url: str) -> None:
    left = member(tmp_path, "left", url, a="Walrus eats.")
    ObjectStore(url).put("blobs/of-somebody-else", b"x")
    left.run()
    assert "blobs/of-somebody-else" in objects(url, "blobs")


def test_any_reader_of_lance_opens_the_tables_of_every_kept_release(tmp_path: Path, url: str, server: str) -> None:
    left = member(tmp_path, "left", url, a="Walrus eats.")
    left.run()
    (docs_of(left) / "b.md").write_text("Badger digs.")
    left.run()
    options = {"aws_endpoint": server, "allow_http": "true"}
    for release in list_releases(left.home):
        for name, pinned in release.tables.items():
            uuid, _, version = pinned.rpartition(":")
            at = f"{url}/tables/{name}-{uuid}.lance"
            dataset = lance.dataset(at, version=int(version), storage_options=options)
            assert dataset.to_table() == LanceTable(left.home.table(name)).read(version=int(version))
            assert dataset.latest_version >= int(version)


def test_a_home_with_releases_fills_an_empty_store(tmp_path: Path, url: str) -> None:
    left = member(tmp_path, "left", url, a="Walrus eats.")
    shared, left.settings = left.settings, left.settings.model_copy(update={"store": ""})
    left.run()
    (docs_of(left) / "a.md").write_text("Walrus naps.")
    left.run()
    left.settings = shared
    assert left.run().published.new is False
    right = member(tmp_path, "right", url)
    catch_up(right)
    assert release_numbers(right.home) == [1, 2]
    assert [rows(right, number) for number in (1, 2)] == [rows(left, number) for number in (1, 2)]


def test_a_home_with_releases_of_its_own_is_not_mixed_into_another_base(tmp_path: Path, url: str) -> None:
    left, right = member(tmp_path, "left", url, a="Walrus eats."), member(tmp_path, "right", url, b="Badger digs.")
    left.run()
    shared, right.settings = right.settings, right.settings.model_copy(update={"store": ""})
    right.run()
    before = rows(right, 1)
    right.settings = shared
    with pytest.raises(StoreRefused, match="releases of its own"):
        right.run()
    assert rows(right, 1) == before


def test_a_store_that_was_emptied_is_not_taken_for_the_old_one(tmp_path: Path, url: str) -> None:
    left = member(tmp_path, "left", url, a="Walrus eats.")
    left.run()
    ObjectStore(url).delete(["store.json"])
    with pytest.raises(StoreRefused, match="emptied or made anew"):
        left.run()


def test_a_store_that_lost_its_newest_release_stops_the_home_that_saw_it(tmp_path: Path, url: str) -> None:
    left = member(tmp_path, "left", url, a="Walrus eats.")
    left.run()
    ObjectStore(url).delete(["releases/000000000001.json"])
    with pytest.raises(StoreRefused, match="this home has seen 1"):
        left.run()


class Overwriting(ObjectStore):
    """A store that ignores If-None-Match, as some do."""

    def put_if_absent(self, key: str, data: bytes) -> bool:
        self.put(key, data)
        return True


def test_a_store_without_conditional_put_is_refused_and_left_clean(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("omni_pipelines.ingest.store.membership.ObjectStore", Overwriting)
    with pytest.raises(StoreRefused, match="no conditional put"):
        member(tmp_path, "left", url, a="Walrus eats.").run()
    assert objects(url, "releases") == objects(url, "probe") == []


def test_a_damaged_object_is_never_taken_over(tmp_path: Path, url: str) -> None:
    left, right = member(tmp_path, "left", url, a="Walrus eats."), member(tmp_path, "right", url)
    left.run()
    store = ObjectStore(url)
    key = next(each for each in objects(url, "tables") if "/data/" in each)
    whole = store.get(key)
    assert whole is not None
    store.put(key, whole[:-4] + b"EVIL")
    with pytest.raises(StoreRefused, match="is not what its record says"):
        catch_up(right)
    assert newest_release(right.home) is None
    store.put(key, whole)
    catch_up(right)
    assert rows(right, 1) == rows(left, 1)


def test_a_record_that_was_changed_is_refused(tmp_path: Path, url: str) -> None:
    left, right = member(tmp_path, "left", url, a="Walrus eats."), member(tmp_path, "right", url)
    left.run()
    store = ObjectStore(url)
    raw = store.get("releases/000000000001.json")
    assert raw is not None
    store.put("releases/000000000001.json", raw.replace(b'"documents": 1', b'"documents": 2', 1))
    with pytest.raises(StoreRefused, match="record of release 1"):
        catch_up(right)


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
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch, stage: str, after: bool
) -> None:
    left, right = member(tmp_path, "left", url, a="Walrus eats."), member(tmp_path, "right", url, b="Badger digs.")
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
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = member(tmp_path, "left", url, a="Walrus eats.")
    left.run()
    left.home.config.write_text(f'store = "{url}"\n')
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(pull, "READING_SECONDS", 0.2)
    result = CliRunner().invoke(app, ["releases", "list", "--home", str(left.home.root)])
    assert result.exit_code == 0
    assert "1 documents" in result.stdout
    assert "of the newest release that this home has" in result.stderr
    with pytest.raises(StoreError, match="check the address"):
        pull.refresh(Home(tmp_path / "empty" / ".omni"), left.settings)


def test_reading_does_not_wait_for_an_ingest_of_the_same_home(tmp_path: Path, url: str) -> None:
    left, right = member(tmp_path, "left", url, a="Walrus eats."), member(tmp_path, "right", url, b="Badger digs.")
    left.run()
    right.run()
    with writing(left.home, left.settings):
        assert pull.refresh(left.home, left.settings) == ""
        assert paths(left) == ["a.md"]
    pull.refresh(left.home, left.settings)
    assert paths(left) == ["a.md", "b.md"]


def test_what_is_forgotten_leaves_the_bucket_and_every_home(tmp_path: Path, url: str) -> None:
    left = member(tmp_path, "left", url, a="Walrus eats.", b="The xylophone secret.")
    right = member(tmp_path, "right", url, c="Badger digs.")
    left.run()
    right.run()
    catch_up(left)
    assert b"xylophone" in everything(url)
    with writing(left.home, left.settings, newest=True):
        engines = LineEngines(WordCounter(), left.embedder, left.model)
        certificate, _ = forget(left.home, left.settings, engines, "b.md", "forget")
    assert certificate.release == 3
    assert b"xylophone" not in everything(url)
    assert any("other homes" in each for each in certificate.not_searched)
    catch_up(right)
    assert release_numbers(right.home) == [3]
    kept = [path for path in right.home.root.rglob("*") if path.is_file()]
    assert not [path for path in kept if b"xylophone" in path.read_bytes()]
    assert paths(right) == ["a.md", "c.md"]


def test_credentials_stand_in_no_file(tmp_path: Path, url: str) -> None:
    left = member(tmp_path, "left", url, a="Walrus eats.")
    left.run()
    assert SECRET.encode() not in everything(url)
    assert not [p for p in left.home.root.rglob("*") if p.is_file() and SECRET.encode() in p.read_bytes()]


def test_a_missing_bucket_is_said_so(tmp_path: Path, url: str) -> None:
    with pytest.raises(StoreError, match="there is no such bucket"):
        member(tmp_path, "left", "s3://nobody-made-this/kb", a="Walrus eats.").run()


def test_a_folder_can_be_a_store(tmp_path: Path) -> None:
    url = f"file://{tmp_path}/store"
    left, right = member(tmp_path, "left", url, a="Walrus eats."), member(tmp_path, "right", url, b="Badger digs.")
    left.run()
    right.run()
    left.run()
    assert rows(left, 2) == rows(right, 2)


def test_a_store_is_shown_with_what_differs_here(tmp_path: Path, url: str) -> None:
    left = member(tmp_path, "left", url, a="Walrus eats.")
    left.run()
    left.home.config.write_text(f'store = "{url}"\nchunk_tokens = 99\n')
    result = CliRunner().invoke(app, ["store", "status", "--home", str(left.home.root)])
    assert result.exit_code == 0, result.output
    assert "releases 1" in result.stdout
    assert "this home is at release 1" in result.stdout
    assert "chunker of the newest release is" in result.stderr
    alone = CliRunner().invoke(app, ["store", "status", "--home", str(tmp_path / "none")])
    assert alone.exit_code != 0


def test_a_source_of_another_home_is_not_listed_here(tmp_path: Path, url: str) -> None:
    left, right = member(tmp_path, "left", url, a="Walrus eats."), member(tmp_path, "right", url, b="Badger digs.")
    left.run()
    right.run()
    (docs_of(left) / "a.md").unlink()
    docs_of(left).rmdir()
    assert right.run().published.new is False
    with pytest.raises(SourceMissing):
        left.run()

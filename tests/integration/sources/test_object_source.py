"""Objects are read from a real S3 server on this machine, and from other stores through fsspec."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from omni_pipelines.cli.main import app
from omni_pipelines.errors import ConfigurationError, SourceMissing
from omni_pipelines.pipeline.staleness import list_sources, stale_ingest
from omni_pipelines.refusals import Unreadable
from omni_pipelines.sources.objects import prefixes as objects
from omni_pipelines.sources.objects.prefixes import objects_at
from omni_pipelines.sources.registry import list_source, load_sources, reading_source, save_sources, source_at
from tests.integration.line import Line, refused, texts
from tests.object_server import free_port, s3_server

botocore_session = pytest.importorskip("botocore.session")
fsspec = pytest.importorskip("fsspec")
SECRET = "not-to-be-said-anywhere"
GUIDE, OTTER = "# Guide\n\nThe heron waits.\n", "# Otter\n\nOtters hold hands.\n"


@pytest.fixture(scope="module")
def running() -> Iterator[str]:
    with s3_server() as url:
        yield url


def credentials(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in {
        "ENDPOINT_URL": url,
        "ACCESS_KEY_ID": "key",
        "SECRET_ACCESS_KEY": SECRET,
        "REGION": "us-east-1",
        "EC2_METADATA_DISABLED": "true",
        "CONFIG_FILE": os.devnull,
        "SHARED_CREDENTIALS_FILE": os.devnull,
    }.items():
        monkeypatch.setenv(f"AWS_{name}", value)


class Bucket:
    """A bucket of its own, as its owner fills it."""

    def __init__(self) -> None:
        self.client: Any = botocore_session.get_session().create_client("s3", region_name="us-east-1")
        self.name = f"b-{uuid.uuid4().hex[:12]}"
        self.client.create_bucket(Bucket=self.name)

    def put(self, **files: str) -> None:
        for name, text in files.items():
            self.put_at(name.replace("__", "/").replace("_md", ".md"), text)

    def put_at(self, key: str, text: str) -> None:
        self.client.put_object(Bucket=self.name, Key=key, Body=text.encode())

    def delete(self, key: str) -> None:
        self.client.delete_object(Bucket=self.name, Key=key)

    def url(self, prefix: str = "") -> str:
        return f"s3://{self.name}/{prefix}"


@pytest.fixture
def bucket(running: str, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    credentials(monkeypatch, running)
    bucket = Bucket()
    bucket.put(docs__guide_md=GUIDE, docs__deep__otter_md=OTTER, other_md="Not below the prefix.\n")
    return bucket


@pytest.fixture
def kept(line: Line, bucket: Bucket) -> Line:
    save_sources(line.home, [source_at(bucket.url("docs"), "papers")])
    line.run()
    return line


def wanted(line: Line, *, remote: bool = True) -> str:
    """The state that should be built, as sensors name it."""
    due = stale_ingest(line.context, list_sources(line.home, line.settings, remote=remote))
    return due.wanted_state if due else ""


def paths(location: str) -> list[str]:
    return [found.path for found in list_source(source_at(location, "s")).files]


# --- S3


def test_what_stands_below_the_prefix_is_read_and_nothing_else(kept: Line, bucket: Bucket) -> None:
    bucket.put(docsold__x_md="Another prefix that begins alike.\n")
    kept.run()
    assert texts(kept) == {"guide.md": GUIDE, "deep/otter.md": OTTER}
    (hit, *_) = kept.search("heron waits")
    assert hit.uri == bucket.url("docs/guide.md")
    passage = kept.librarian().show(f"{hit.uri}:3")
    assert (passage.lines, passage.from_file) == (("The heron waits.",), False)


def test_only_what_changed_is_read_again(kept: Line, bucket: Bucket) -> None:
    assert not kept.run().published.new
    bucket.put(docs__guide_md="# Guide\n\nThe heron flies.\n", docs__new_md="A moose.\n")
    bucket.delete("docs/deep/otter.md")
    done = kept.run().documents.counts
    assert (done["added"], done["changed"], done["deleted"], done["unchanged"]) == (1, 1, 1, 0)
    assert set(texts(kept)) == {"guide.md", "new.md"}


def test_the_same_bytes_put_again_are_no_change(kept: Line, bucket: Bucket) -> None:
    before = wanted(kept)
    bucket.put(docs__guide_md=GUIDE)
    assert wanted(kept) == before
    bucket.put(docs__guide_md=GUIDE + "More.\n")
    assert wanted(kept) != before


def test_a_listing_of_many_pages_is_complete(bucket: Bucket) -> None:
    for number in range(1_003):
        bucket.put_at(f"many/{number:04}.md", "x")
    assert paths(bucket.url("many")) == [f"{number:04}.md" for number in range(1_003)]


def test_a_listing_that_breaks_off_deletes_nothing(
    kept: Line, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    from botocore.exceptions import ReadTimeoutError

    from omni_pipelines.sources.objects.s3 import S3Client

    whole = S3Client._stored

    def breaks_off(self: S3Client, key: str, told: dict[str, Any], size: int) -> objects.Stored:
        if key == "guide.md":  # the second of two
            raise ReadTimeoutError(endpoint_url=f"{bucket.url()}?X-Amz-Signature={SECRET}")
        return whole(self, key, told, size)

    monkeypatch.setattr(S3Client, "_stored", breaks_off)
    with pytest.raises(SourceMissing, match="cannot be listed: ReadTimeoutError") as caught:
        kept.run()
    assert SECRET not in str(caught.value)
    assert len(texts(kept)) == 2


def test_a_server_that_is_gone_deletes_nothing_and_is_named(
    kept: Line, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(SourceMissing, match=r"papers: s3://.* cannot be listed: EndpointConnectionError") as caught:
        kept.run()
    assert "AWS_ENDPOINT_URL" in caught.value.cure
    assert len(texts(kept)) == 2


def test_an_object_that_changes_after_it_was_listed_is_read_as_it_is_now(line: Line, bucket: Bucket) -> None:
    source = source_at(bucket.url("docs"), "papers")
    guide = next(found for found in list_source(source).files if found.path == "guide.md")
    with reading_source(source) as read:
        bucket.put(docs__guide_md="# Guide\n\nThe heron flies.\n")
        content = read(guide, 1_000)
        assert (b"flies" in content.raw, content.mark != guide.stat) == (True, True)
        bucket.delete("docs/guide.md")
        with pytest.raises(Unreadable, match="E_VANISHED"):
            read(guide, 1_000)


def test_an_object_that_grew_since_it_was_listed_is_not_read_beyond_the_limit(bucket: Bucket) -> None:
    source = source_at(bucket.url("docs"), "papers")
    guide = next(found for found in list_source(source).files if found.path == "guide.md")
    bucket.put(docs__guide_md="word " * 10_000)
    with reading_source(source) as read, pytest.raises(Unreadable, match="E_TOO_LARGE: 50,000 bytes"):
        read(guide, 1_000)


def test_odd_keys_cost_nothing_but_themselves(line: Line, bucket: Bucket) -> None:
    odd = [
        "docs/deep//two.md",
        "docs/a\tb.md",
        "docs/ü b.md",
        "docs/a#b?c%20.md",
        "docs/back\\slash.md",
        "docs/it's.md",
    ]
    for key in odd:
        bucket.put_at(key, f"Words of {key!r}.\n")
    for key in ("docs/../up.md", "docs/deep/../../up.md", "docs//root.md"):
        bucket.put_at(key, "Words.\n")
    for key in ("docs/folder/", "docs/.hidden/x.md", "docs/node_modules/x.md", "docs/photo.jpeg", "docs/empty.md"):
        bucket.put_at(key, "" if key.endswith(("/", "empty.md")) else "x")
    save_sources(line.home, [source_at(bucket.url("docs"), "papers")])
    assert line.run().documents.skipped == 2
    assert set(texts(line)) == {"guide.md", "deep/otter.md", *(key.removeprefix("docs/") for key in odd)}
    assert refused(line) == dict.fromkeys(("../up.md", "deep/../../up.md", "/root.md"), "E_PATH")
    for hit in line.search("words", k=20):
        assert line.librarian().show(hit.uri).path == hit.path


def test_one_object_is_a_source(line: Line, bucket: Bucket) -> None:
    save_sources(line.home, [source_at(bucket.url("docs/guide.md"), "guide")])
    line.run()
    assert texts(line) == {"guide.md": GUIDE}
    assert line.search("heron")[0].uri == bucket.url("docs/guide.md")
    bucket.delete("docs/guide.md")
    with pytest.raises(SourceMissing, match="is not there"):
        line.run()
    assert len(texts(line)) == 1


def test_a_whole_bucket_is_a_source(bucket: Bucket) -> None:
    assert paths(bucket.url()) == ["docs/deep/otter.md", "docs/guide.md", "other.md"]


def test_a_bucket_that_is_not_there_and_too_many_objects_are_refused(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SourceMissing, match="NoSuchBucket"):
        paths("s3://b-that-nobody-made/docs")
    monkeypatch.setattr(objects, "MAX_OBJECTS", 2)
    with pytest.raises(SourceMissing, match="more than 2 objects"):
        paths(bucket.url())


def test_patterns_and_tags_hold_for_objects(line: Line, bucket: Bucket) -> None:
    words = ["add", bucket.url("docs"), "--exclude", "deep/", "--acl", "hr", "--json", "--home", str(line.home.root)]
    done = CliRunner().invoke(app, ["source", *words])
    assert done.exit_code == 0, done.exception
    told = json.loads(done.stdout)
    assert (told["name"], told["kind"], told["files"]) == ("docs", "objects", 1)
    line.run()
    assert [(row["path"], row["acl"]) for row in line.rows("documents")] == [("guide.md", ["hr"])]
    assert SECRET not in line.home.sources.read_text()


def test_a_sensor_looks_at_no_bucket(kept: Line, bucket: Bucket, tmp_path: Path) -> None:
    (tmp_path / "here.md").write_text("A file of this machine.\n")
    save_sources(kept.home, [*load_sources(kept.home), source_at(str(tmp_path / "here.md"), "here")])
    kept.run()
    local, everywhere = wanted(kept, remote=False), wanted(kept)
    bucket.put(docs__new_md="A moose.\n")
    assert (wanted(kept, remote=False) == local, wanted(kept) == everywhere) == (True, False)
    assert [each.source.name for each in list_sources(kept.home, kept.settings, remote=False)] == ["here"]


def test_what_is_forgotten_does_not_come_back(kept: Line, bucket: Bucket) -> None:
    from omni_pipelines.sources.source import forgotten_marks

    (source,) = load_sources(kept.home)
    marks = forgotten_marks(source, "guide.md")
    save_sources(kept.home, [source.model_copy(update={"forgotten": tuple(sorted(marks))})])
    kept.run()
    assert set(texts(kept)) == {"deep/otter.md"}


# --- addresses


@pytest.mark.parametrize(
    ("location", "why"),
    [
        ("s3://", "no address"),
        ("s3://key:secret@bucket/docs", "may hold no user"),
        ("s3://bucket/docs?X-Amz-Signature=secret", "may hold no user"),
        ("simplecache::s3://bucket/docs", "no address"),
        ("s3://buck\net/docs", "no address"),
    ],
)
def test_what_is_no_address_is_refused_and_its_secrets_are_not_said(location: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why) as caught:
        source_at(location, "s")
    assert "secret" not in str(caught.value)


def test_an_address_without_a_driver_names_what_to_install() -> None:
    with pytest.raises(ConfigurationError, match="nothing here knows nosuch://"):
        list_source(objects_at("nosuch://bucket/docs", "s"))
    with pytest.raises(ConfigurationError, match="gcsfs"):
        list_source(objects_at("gs://bucket/docs", "s"))


def test_a_file_url_is_the_folder_itself(docs: Path) -> None:
    assert source_at(docs.as_uri(), "s") == source_at(str(docs), "s")


# --- other stores, through fsspec


@pytest.fixture
def memory() -> Iterator[Any]:
    driver = fsspec.filesystem("memory")
    driver.pipe("/shop/docs/guide.md", GUIDE.encode())
    driver.pipe("/shop/docs/deep/otter.md", OTTER.encode())
    yield driver
    driver.rm("/shop", recursive=True)


def test_any_store_that_fsspec_knows_is_a_source(line: Line, memory: Any) -> None:
    save_sources(line.home, [source_at("memory://shop/docs", "papers")])
    line.run()
    assert texts(line) == {"guide.md": GUIDE, "deep/otter.md": OTTER}
    assert not line.run().published.new
    memory.pipe("/shop/docs/guide.md", b"# Guide\n\nThe heron flies.\n")
    memory.rm("/shop/docs/deep/otter.md")
    done = line.run().documents.counts
    assert (done["changed"], done["deleted"]) == (1, 1)
    assert line.search("heron")[0].uri == "memory://shop/docs/guide.md"


def test_a_folder_a_driver_cannot_list_stops_the_ingest(
    line: Line, memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_sources(line.home, [source_at("memory://shop/docs", "papers")])
    line.run()
    whole = type(memory).ls

    def breaks_off(self: Any, path: str, *args: Any, **named: Any) -> Any:
        if path.endswith("deep"):
            raise ConnectionResetError("http://store/?signature=secret")
        return whole(self, path, *args, **named)

    monkeypatch.setattr(type(memory), "ls", breaks_off)
    with pytest.raises(SourceMissing, match="cannot be listed: ConnectionResetError") as caught:
        line.run()
    assert "secret" not in str(caught.value)
    assert len(texts(line)) == 2


def test_an_object_of_a_driver_that_changes_while_it_is_read_is_refused(
    memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = source_at("memory://shop/docs/guide.md", "guide")
    (guide,) = list_source(source).files
    whole = type(memory).open

    def changing(self: Any, path: str, *args: Any, **named: Any) -> Any:
        opened = whole(self, path, *args, **named)
        monkeypatch.undo()
        memory.pipe("/shop/docs/guide.md", b"Another text altogether.")
        return opened

    with reading_source(source) as read:
        monkeypatch.setattr(type(memory), "open", changing)
        with pytest.raises(Unreadable, match="E_CHANGED"):
            read(guide, 1_000)
        memory.rm("/shop/docs/guide.md")
        with pytest.raises(Unreadable, match="E_VANISHED"):
            read(guide, 1_000)
        memory.pipe("/shop/docs/guide.md", GUIDE.encode())

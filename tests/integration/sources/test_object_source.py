"""Object stores as sources: a real S3 server on this machine, and other stores through fsspec."""

from __future__ import annotations

import functools
import http.client
import json
import os
import re
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from typer.testing import CliRunner

from omni_pipelines.cli.main import app
from omni_pipelines.errors import ConfigurationError, SourceMissing
from omni_pipelines.knowledge.state.unread_files import read_unread
from omni_pipelines.pipeline.staleness import list_sources, stale_ingest
from omni_pipelines.refusals import Fate, Unreadable
from omni_pipelines.sources.kinds import list_source, open_source
from omni_pipelines.sources.locations import source_at
from omni_pipelines.sources.model.limits import SourceLimits
from omni_pipelines.sources.objects.prefixes import object_source
from omni_pipelines.sources.registry import load_sources, save_sources
from tests.integration.line import Line, refused, texts
from tests.object_server import ADDRESS, free_port, point_aws_at, s3_server

botocore_session = pytest.importorskip("botocore.session")
SECRET = "not-to-be-said-anywhere"
GUIDE, OTTER = "# Guide\n\nThe heron waits.\n", "# Otter\n\nOtters hold hands.\n"


@pytest.fixture(scope="module")
def running() -> Iterator[str]:
    with s3_server() as url:
        yield url


@functools.cache
def _client(address: str) -> Any:
    """A client of the server whose address is in the environment. To make one takes as long as a test."""
    return botocore_session.get_session().create_client("s3", region_name="us-east-1", endpoint_url=address)


class Bucket:
    """A new bucket, filled by a client of its own."""

    def __init__(self) -> None:
        self.client = _client(os.environ[ADDRESS])
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
    point_aws_at(running, monkeypatch, SECRET)
    bucket = Bucket()
    bucket.put(docs__guide_md=GUIDE, docs__deep__otter_md=OTTER, other_md="Not below the prefix.\n")
    return bucket


@pytest.fixture
def ingested(line: Line, bucket: Bucket) -> Line:
    save_sources(line.home, [source_at(bucket.url("docs"), "papers")])
    line.run()
    return line


def wanted_state(line: Line, *, remote: bool = True) -> str:
    """The name of the state that a run would produce; empty if nothing is stale."""
    stale = stale_ingest(line.context, list_sources(line.context, remote=remote))
    return stale.wanted_state if stale else ""


def paths(location: str) -> list[str]:
    return [file.path for file in list_source(source_at(location, "s")).files]


# --- S3


class _TruncatedListing(BaseHTTPRequestHandler):
    """Sends the first page of a listing, and closes the connection when the second is requested."""

    def do_GET(self) -> None:
        if "continuation-token" in self.path:
            self.close_connection = True
            return
        body = (
            b"<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>"
            b"<Contents><Key>docs/deep/otter.md</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified>"
            b"<ETag>&quot;1&quot;</ETag><Size>9</Size></Contents></ListBucketResult>"
        )
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@contextmanager
def truncating_server() -> Iterator[str]:
    """The URL of an S3 server whose listings break off."""
    with HTTPServer(("127.0.0.1", 0), _TruncatedListing) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_ingest_reads_only_objects_below_the_prefix(ingested: Line, bucket: Bucket) -> None:
    bucket.put(docsold__x_md="Another prefix that begins alike.\n")
    ingested.run()
    assert texts(ingested) == {"guide.md": GUIDE, "deep/otter.md": OTTER}
    (hit, *_) = ingested.search("heron waits")
    assert hit.uri == bucket.url("docs/guide.md")
    passage = ingested.librarian().show(f"{hit.uri}:3")
    assert (passage.lines, passage.from_file) == (("The heron waits.",), False)


def test_ingest_reads_only_changed_objects_again(ingested: Line, bucket: Bucket) -> None:
    assert not ingested.run().published.new
    bucket.put(docs__guide_md="# Guide\n\nThe heron flies.\n", docs__new_md="A moose.\n")
    bucket.delete("docs/deep/otter.md")
    done = ingested.run().documents.counts
    assert (done["added"], done["changed"], done["deleted"], done["unchanged"]) == (1, 1, 1, 0)
    assert set(texts(ingested)) == {"guide.md", "new.md"}


def test_putting_the_same_bytes_again_is_not_a_change(ingested: Line, bucket: Bucket) -> None:
    before = wanted_state(ingested)
    bucket.put(docs__guide_md=GUIDE)
    assert wanted_state(ingested) == before
    bucket.put(docs__guide_md=GUIDE + "More.\n")
    assert wanted_state(ingested) != before


def test_a_listing_of_several_pages_is_complete(bucket: Bucket) -> None:
    server = http.client.HTTPConnection(os.environ[ADDRESS].removeprefix("http://"))
    for number in range(1_003):
        server.request("PUT", f"/{bucket.name}/many/{number:04}.md", "x")
        server.getresponse().read()
    server.close()
    assert paths(bucket.url("many")) == [f"{number:04}.md" for number in range(1_003)]


def test_a_listing_that_breaks_off_deletes_nothing(
    ingested: Line, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    with truncating_server() as url:
        point_aws_at(url, monkeypatch, SECRET)
        missing = ingested.run_with_missing_source()
        assert re.search("cannot be listed: ConnectionClosedError", missing.problem)
    assert SECRET not in missing.problem
    assert len(texts(ingested)) == 2


def test_a_server_that_is_down_deletes_nothing(
    ingested: Line, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    point_aws_at(f"http://127.0.0.1:{free_port()}", monkeypatch)
    missing = ingested.run_with_missing_source()
    assert re.search(r"papers: s3://.* cannot be listed: EndpointConnectionError", missing.problem)
    assert "AWS_ENDPOINT_URL" in missing.cure
    assert len(texts(ingested)) == 2


def test_an_object_that_changed_after_the_listing_is_read_as_it_is_now(line: Line, bucket: Bucket) -> None:
    source = source_at(bucket.url("docs"), "papers")
    guide = next(found for found in list_source(source).files if found.path == "guide.md")
    with open_source(source) as read:
        bucket.put(docs__guide_md="# Guide\n\nThe heron flies.\n")
        content = read(guide, 1_000)
        assert (b"flies" in content.raw, content.version_mark != guide.version_mark) == (True, True)
        bucket.delete("docs/guide.md")
        with pytest.raises(Unreadable, match="E_VANISHED"):
            read(guide, 1_000)


def test_an_object_that_grew_after_the_listing_is_refused(bucket: Bucket) -> None:
    source = source_at(bucket.url("docs"), "papers")
    guide = next(found for found in list_source(source).files if found.path == "guide.md")
    bucket.put(docs__guide_md="word " * 10_000)
    with open_source(source) as read, pytest.raises(Unreadable, match="E_TOO_LARGE: 50,000 bytes"):
        read(guide, 1_000)


def test_a_bucket_with_odd_keys_is_read_and_bad_keys_are_quarantined(line: Line, bucket: Bucket) -> None:
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
    assert line.run().documents.unread == 4
    assert {file.path: (file.fate, file.kind) for file in read_unread(line.home)["papers"]} == {
        ".hidden/": (Fate.IGNORED, "hidden"),
        "node_modules/": (Fate.IGNORED, "vendored folder"),
        "photo.jpeg": (Fate.UNKNOWN, ".jpeg"),
        "empty.md": (Fate.EMPTY, ".md"),
    }
    assert set(texts(line)) == {"guide.md", "deep/otter.md", *(key.removeprefix("docs/") for key in odd)}
    assert refused(line) == dict.fromkeys(("../up.md", "deep/../../up.md", "/root.md"), "E_PATH")
    for hit in line.search("words", k=20):
        assert line.librarian().show(hit.uri).path == hit.path


def test_a_single_object_is_a_source_and_is_kept_if_it_vanishes(line: Line, bucket: Bucket) -> None:
    save_sources(line.home, [source_at(bucket.url("docs/guide.md"), "guide")])
    line.run()
    assert texts(line) == {"guide.md": GUIDE}
    assert line.search("heron")[0].uri == bucket.url("docs/guide.md")
    bucket.delete("docs/guide.md")
    assert re.search("is not there", line.run_with_missing_source().problem)
    assert len(texts(line)) == 1


def test_a_whole_bucket_is_a_source(bucket: Bucket) -> None:
    assert paths(bucket.url()) == ["docs/deep/otter.md", "docs/guide.md", "other.md"]


def test_a_missing_bucket_is_refused(bucket: Bucket) -> None:
    with pytest.raises(SourceMissing, match="NoSuchBucket"):
        paths("s3://b-that-does-not-exist/docs")


def test_a_prefix_with_too_many_objects_is_refused(bucket: Bucket) -> None:
    with pytest.raises(SourceMissing, match="more than 2 objects"):
        list_source(source_at(bucket.url(), "s"), limits=SourceLimits(objects=2))


def test_patterns_and_tags_apply_to_objects(line: Line, bucket: Bucket) -> None:
    words = ["add", bucket.url("docs"), "--exclude", "deep/", "--acl", "hr", "--json", "--home", str(line.home.root)]
    done = CliRunner().invoke(app, ["source", *words])
    assert done.exit_code == 0, done.exception
    added = json.loads(done.stdout)
    assert (added["name"], added["kind"], added["files"]) == ("docs", "objects", 1)
    line.run()
    assert [(row["path"], row["acl"]) for row in line.rows("documents")] == [("guide.md", ["hr"])]
    assert SECRET not in line.home.sources.read_text()


def test_a_sensor_lists_no_bucket(ingested: Line, bucket: Bucket, tmp_path: Path) -> None:
    (tmp_path / "here.md").write_text("A file of this machine.\n")
    save_sources(ingested.home, [*load_sources(ingested.home), source_at(str(tmp_path / "here.md"), "here")])
    ingested.run()
    local, everywhere = wanted_state(ingested, remote=False), wanted_state(ingested)
    bucket.put(docs__new_md="A moose.\n")
    assert (wanted_state(ingested, remote=False) == local, wanted_state(ingested) == everywhere) == (True, False)
    assert [listing.source.name for listing in list_sources(ingested.context, remote=False).listed] == ["here"]


def test_an_erased_object_is_not_read_again(ingested: Line, bucket: Bucket) -> None:
    from omni_pipelines.sources.model.source import forgotten_marks

    (source,) = load_sources(ingested.home)
    marks = forgotten_marks(source, "guide.md")
    save_sources(ingested.home, [source.model_copy(update={"forgotten": tuple(sorted(marks))})])
    ingested.run()
    assert set(texts(ingested)) == {"deep/otter.md"}


# --- addresses


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("s3://", "is not an address"),
        ("s3://key:secret@bucket/docs", "must not contain a user name"),
        ("s3://bucket/docs?X-Amz-Signature=secret", "must not contain a user name"),
        ("simplecache::s3://bucket/docs", "is not an address"),
        ("s3://buck\net/docs", "is not an address"),
    ],
)
def test_source_at_refuses_an_invalid_address_without_repeating_its_secret(location: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason) as refused:
        source_at(location, "s")
    assert "secret" not in str(refused.value)


def test_list_source_without_a_driver_names_the_package_to_install() -> None:
    with pytest.raises(ConfigurationError, match="nosuch:// is unknown"):
        list_source(object_source("nosuch://bucket/docs", "s"))
    with pytest.raises(ConfigurationError, match="gcsfs"):
        list_source(object_source("gs://bucket/docs", "s"))


def test_source_at_of_a_file_url_is_the_folder(docs: Path) -> None:
    assert source_at(docs.as_uri(), "s") == source_at(str(docs), "s")


# --- other stores, through fsspec


class FlakyStore(MemoryFileSystem):  # type: ignore[misc]  # fsspec has no types
    """The memory store of fsspec, with faults that a test chooses."""

    protocol = "flaky"
    unlistable_folder = ""
    """Listing a folder of this name fails."""
    new_text = b""
    """Written to an object as soon as it is opened for reading."""

    @classmethod
    def _strip_protocol(cls, path: str) -> Any:
        return super()._strip_protocol(path.replace("flaky://", "memory://"))

    def ls(self, path: str, detail: bool = True, **options: Any) -> Any:
        if self.unlistable_folder and path.endswith(self.unlistable_folder):
            raise ConnectionResetError("http://store/?signature=secret")
        return super().ls(path, detail, **options)

    def open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        opened = super().open(path, mode, **options)
        if self.new_text and mode == "rb":
            self.pipe_file(path, self.new_text)
        return opened


@pytest.fixture
def flaky() -> Iterator[type[FlakyStore]]:
    fsspec.register_implementation("flaky", FlakyStore, clobber=True)
    yield FlakyStore
    FlakyStore.unlistable_folder, FlakyStore.new_text = "", b""


@pytest.fixture
def memory() -> Iterator[Any]:
    driver = fsspec.filesystem("memory")
    driver.pipe("/shop/docs/guide.md", GUIDE.encode())
    driver.pipe("/shop/docs/deep/otter.md", OTTER.encode())
    yield driver
    driver.rm("/shop", recursive=True)


def test_a_store_of_fsspec_is_a_source(line: Line, memory: Any) -> None:
    save_sources(line.home, [source_at("memory://shop/docs", "papers")])
    line.run()
    assert texts(line) == {"guide.md": GUIDE, "deep/otter.md": OTTER}
    assert not line.run().published.new
    memory.pipe("/shop/docs/guide.md", b"# Guide\n\nThe heron flies.\n")
    memory.rm("/shop/docs/deep/otter.md")
    done = line.run().documents.counts
    assert (done["changed"], done["deleted"]) == (1, 1)
    assert line.search("heron")[0].uri == "memory://shop/docs/guide.md"


def test_a_folder_that_the_driver_cannot_list_stops_the_ingest(
    line: Line, memory: Any, flaky: type[FlakyStore]
) -> None:
    save_sources(line.home, [source_at("flaky://shop/docs", "papers")])
    line.run()
    flaky.unlistable_folder = "deep"
    missing = line.run_with_missing_source()
    assert re.search("cannot be listed: ConnectionResetError", missing.problem)
    assert "secret" not in missing.problem
    assert len(texts(line)) == 2


def test_an_object_that_changes_during_the_read_is_refused(memory: Any, flaky: type[FlakyStore]) -> None:
    source = source_at("flaky://shop/docs/guide.md", "guide")
    (guide,) = list_source(source).files
    with open_source(source) as read:
        flaky.new_text = b"Another text altogether."
        with pytest.raises(Unreadable, match="E_CHANGED"):
            read(guide, 1_000)
        flaky.new_text = b""
        memory.rm("/shop/docs/guide.md")
        with pytest.raises(Unreadable, match="E_VANISHED"):
            read(guide, 1_000)
        memory.pipe("/shop/docs/guide.md", GUIDE.encode())

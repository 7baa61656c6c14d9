"""A hold keeps a release in the store for as long as its home lives, and no longer; erasure says who holds what."""

from __future__ import annotations

import os
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from native.errors import StoreError
from native.object_store import ObjectStore
from omni_pipelines.erasure.erase import erase
from omni_pipelines.errors import ConfigurationError, NotForgotten
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.records import Certificate, sealed
from omni_pipelines.sharing.bucket import Bucket
from omni_pipelines.sharing.holds import LASTS, Hold, held
from omni_pipelines.sources.store_membership import read_membership
from tests.integration.line import Line
from tests.integration.members import docs_of, keys, member

FOREIGN = Hold(release=1, home="b" * 32, place="/srv/notes/.omni on ada", since=datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A store in a folder, where the age of an object can be chosen."""
    (tmp_path / "store").mkdir()
    return f"file://{tmp_path}/store"


def put_hold(url: str, content: bytes, age: timedelta = timedelta()) -> None:
    """Write a hold of release 1 that was last written some time ago."""
    key = f"holds/000000000001-{uuid.UUID(int=1).hex}"
    ObjectStore(url).put(key, content)
    then = time.time() - age.total_seconds()
    os.utime(Path(url.removeprefix("file://")) / key, (then, then))


def forget(line: Line, target: str) -> Certificate:
    with writer_session(line.home, line.settings, sync=True):
        return erase(line.context, target)[0]


def published(folder: Path, url: str) -> Line:
    """A home with two releases; the first one has a document that the second one lacks."""
    line = member(folder, "left", url, secret="The walrus has a secret name.", other="The badger digs.")
    line.run()
    (docs_of(line) / "secret.md").unlink()
    line.run(allow_delete=True)
    return line


def test_a_foreign_hold_stops_an_erasure_and_a_dead_one_does_not(tmp_path: Path, url: str) -> None:
    line = published(tmp_path, url)
    put_hold(url, sealed(FOREIGN))
    with pytest.raises(NotForgotten, match=r"release 1 is held by the home /srv/notes/\.omni on ada") as refused:
        forget(line, "secret.md")
    assert "run the same command again when that home has finished, or after" in refused.value.cure
    put_hold(url, sealed(FOREIGN), LASTS + timedelta(minutes=1))
    membership = read_membership(line.home)
    assert membership is not None
    put_hold(url, sealed(Hold.of(1, membership.home, line.home.root)))  # of a rollback that was killed
    assert 1 in forget(line, "secret.md").dropped_releases
    assert keys(url, "holds") == []


def test_a_hold_of_an_earlier_version_lasts_a_day(tmp_path: Path, url: str) -> None:
    bucket = Bucket(ObjectStore(url))
    put_hold(url, b"", timedelta(hours=23))
    assert [str(each).partition(",")[0] for each in bucket.holds()] == [
        "release 1 is held by a home with an earlier version of omni"
    ]
    put_hold(url, b"", timedelta(hours=25))
    assert bucket.holds() == []
    assert keys(url, "holds") == []


def test_a_hold_is_written_again_and_again_and_ends_with_its_work(url: str) -> None:
    objects = ObjectStore(url)
    with held(objects, FOREIGN, beat_seconds=0.01):
        [key] = keys(url, "holds")
        path = Path(url.removeprefix("file://")) / key
        os.utime(path, (0, 0))
        deadline = time.monotonic() + 30
        while path.stat().st_mtime < 1 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert path.stat().st_mtime > 1
    assert not path.exists()


def test_a_hold_that_came_too_late_is_refused_before_anything_is_published(tmp_path: Path, url: str) -> None:
    line = published(tmp_path, url)
    bucket = Bucket(ObjectStore(url))
    with bucket.hold(Hold.of(1, FOREIGN.home, line.home.root)) as renew:
        bucket.objects.put("dropping/000000000001", b"")  # by another home, while this machine slept
        with pytest.raises(ConfigurationError, match="release 1 is dropped by another home"):
            renew()


def test_an_erasure_without_its_store_fails_as_such_and_is_finished_later(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = published(tmp_path, url)

    def unreachable(*_: object) -> list[int]:
        raise StoreError("the store does not respond", cure="try again", retryable=True)

    with monkeypatch.context() as patch:
        patch.setattr(Bucket, "drop", unreachable)
        with pytest.raises(StoreError, match="does not respond"):
            forget(line, "secret.md")
    assert 1 in forget(line, "secret.md").dropped_releases

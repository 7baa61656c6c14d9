"""Objects in a bucket: written whole, created once, listed in order. Any S3 API, Google Cloud, Azure, or a folder.

Address and credentials are what the usual environment variables say (AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, …), and
are kept nowhere. A request is repeated where that can do no harm; one whose answer was lost is looked after.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from native.errors import StoreError

SCHEMES = ("s3", "gs", "az", "file")
_ATTEMPTS, _PAUSE = 8, 0.1
"""How often a request is made that neither worked nor was refused, and the seconds before the second; it doubles."""
_BATCH = 1_000
_MAX_LENGTH = 500
_PARTS = 2
"""Parts of a file that are on their way at the same time: of twelve, none would arrive in time on a slow line."""
_CLIENT_OPTIONS = (
    *("allow_http", "allow_invalid_certificates", "connect_timeout", "http1_only", "http2_only", "pool_idle_timeout"),
    *("pool_max_idle_per_host", "proxy_ca_certificate", "proxy_excludes", "proxy_url", "timeout", "user_agent"),
)
T = TypeVar("T")
_ANSWERS = (
    ("NoSuchBucket", "4003", "there is no such bucket", "make it, or correct the address"),
    ("InvalidAccessKeyId", "2001", "the access key is unknown", "set AWS_ACCESS_KEY_ID"),
    ("SignatureDoesNotMatch", "2001", "the secret key is wrong", "set AWS_SECRET_ACCESS_KEY"),
    ("AccessDenied", "2006", "access is denied", "allow these credentials to read and write there"),
    ("169.254.169.254", "2001", "no credentials were found", "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
    ("credential", "2001", "no credentials were found", "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
    ("BadScheme", "6003", "plain http is not allowed", "set AWS_ALLOW_HTTP=true if the network is yours"),
)


@dataclass(frozen=True)
class StoredObject:
    """An object in a listing."""

    key: str
    size: int
    modified: datetime
    """By the clock of the store."""
    mark: str
    """Its entity tag, and its version where there is one: equal means that the content is the same."""


class ObjectStore:
    """The objects below a URL. Keys are relative to it. Safe to use from several threads."""

    def __init__(self, url: str, *, seconds: float = 60.0) -> None:
        """Nothing is asked yet.

        Args:
            url: `s3://bucket/prefix`, `gs://…`, `az://…`, or `file:///folder`.
            seconds: how long one request may take, repetitions included.

        Raises:
            StoreError: it is no such URL.
        """
        self.url = url.rstrip("/")
        self._seconds = seconds
        self._store = _opened(self.url, seconds)

    def get(self, key: str) -> bytes | None:
        """An object whole; None where there is none."""
        import obstore

        def ask() -> bytes | None:
            try:
                return bytes(obstore.get(self._store, key).bytes())
            except FileNotFoundError as error:
                _require_bucket(error)
                return None

        return self._asking(ask, f"{key} cannot be read")

    def download(self, key: str, path: Path) -> bool:
        """Write an object to a file, in pieces; whether there is one. What stood there is replaced."""
        import obstore

        def ask() -> bool:
            try:
                found = obstore.get(self._store, key)
            except FileNotFoundError as error:
                _require_bucket(error)
                return False
            with path.open("wb") as file:
                for piece in found.stream():
                    file.write(piece)
                if file.tell() != found.meta["size"]:
                    raise StoreError(f"{self.url}: {key} was cut short")
            return True

        return self._asking(ask, f"{key} cannot be read")

    def put(self, key: str, data: bytes | Path) -> None:
        """Write an object, from bytes or from a file; one that is there is replaced."""
        import obstore

        def ask() -> None:
            obstore.put(self._store, key, data, max_concurrency=_PARTS)

        self._asking(ask, f"{key} cannot be written")

    def put_if_absent(self, key: str, data: bytes) -> bool:
        """Create an object, unless there is one. Whether it was created by this call.

        Where the answer to a request was lost, the object itself tells: no two callers may write the same bytes.
        """
        import obstore

        def ask() -> bool:
            try:
                obstore.put(self._store, key, data, mode="create")
            except obstore.exceptions.AlreadyExistsError:
                return self.get(key) == data
            return True

        return self._asking(ask, f"{key} cannot be written")

    def exists(self, key: str) -> bool:
        """Whether there is an object."""
        import obstore

        def ask() -> bool:
            try:
                obstore.head(self._store, key)
            except FileNotFoundError as error:
                _require_bucket(error)
                return False
            return True

        return self._asking(ask, f"{key} cannot be looked at")

    def list(self, folder: str, after: str = "") -> Iterator[StoredObject]:
        """The objects below `folder`, by key, those behind the key `after`. A listing that breaks off is an error."""
        import obstore

        def ask() -> list[StoredObject]:
            found = obstore.list(self._store, folder, offset=after or None)
            objects = [each for batch in found for each in batch]
            return sorted(map(_object, objects), key=lambda each: each.key)

        yield from self._asking(ask, f"{folder} cannot be listed")

    def delete(self, keys: Iterable[str]) -> None:
        """Delete objects; those that are gone already are no error."""
        wanted = sorted(keys)
        for at in range(0, len(wanted), _BATCH):
            self._asking(partial(_delete, self._store, wanted[at : at + _BATCH]), "objects cannot be deleted")

    def _asking(self, ask: Callable[[], T], what: str) -> T:
        """Ask until there is an answer. What asking again cannot change is raised at once."""
        until, pause = time.monotonic() + self._seconds, _PAUSE
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return ask()
            except Exception as error:  # the library's own classes tell less than what the store said
                failed = self._failed(error, what)
                if not failed.retryable or attempt == _ATTEMPTS or time.monotonic() + pause > until:
                    raise failed from error
            time.sleep(pause)
            pause *= 2
        raise AssertionError("the last attempt returns or raises")

    def _failed(self, error: Exception, what: str) -> StoreError:
        said = str(error)
        where = f"{self.url}: {what}"
        for mark, code, meaning, cure in _ANSWERS:
            if mark in said:
                return StoreError(f"{where}: {meaning}", cure=cure, code=code)
        told = " ".join(said.partition("Debug source:")[0].split())[:_MAX_LENGTH]
        if isinstance(error, OSError) and error.errno is not None:  # our own file, and not the store
            return StoreError(f"{where}: {told}", cure="check the disk", code="4001")
        return StoreError(f"{where}: {told}", cure="check the address and the network", retryable=True)


def _opened(url: str, seconds: float) -> Any:
    from obstore.exceptions import BaseError
    from obstore.store import LocalStore, from_url

    scheme, _, rest = url.partition("://")
    if scheme not in SCHEMES or not rest.strip("/"):
        raise StoreError(f"{url!r} is no address of a store", cure="write s3://bucket/folder", code="1001")
    try:
        if scheme == "file":
            return LocalStore("/" + rest.lstrip("/"), mkdir=True)
        retries: Any = {"max_retries": 3, "retry_timeout": timedelta(seconds=seconds)}
        return from_url(url, retry_config=retries, client_options=_client_options(scheme, seconds))
    except (BaseError, ValueError, OSError) as error:
        raise StoreError(f"{url} cannot be opened: {error}", cure="write s3://bucket/folder", code="1001") from error


def _client_options(scheme: str, seconds: float) -> Any:
    """Options given here hide those in the environment, so these are given again. One there about time counts."""
    prefix = {"s3": "AWS", "gs": "GOOGLE", "az": "AZURE"}[scheme]
    names = {name: f"{prefix}_{name.upper()}" for name in _CLIENT_OPTIONS}
    environment = os.environ  # noqa: TID251  # the library reads the same variables by itself
    given = {name: environment[variable] for name, variable in names.items() if variable in environment}
    return {"timeout": f"{seconds}s", **given}


def _object(found: Any) -> StoredObject:
    mark = ":".join(filter(None, (found["e_tag"], found["version"])))
    return StoredObject(found["path"], found["size"], found["last_modified"], mark)


def _delete(store: Any, keys: list[str]) -> None:
    import obstore

    try:
        obstore.delete(store, keys)
    except FileNotFoundError:
        if len(keys) > 1:  # one of them was gone: the others may still stand
            for key in keys:
                _delete(store, [key])


def _require_bucket(error: Exception) -> None:
    """A missing bucket is no missing object."""
    if "NoSuchBucket" in str(error):
        raise error

"""Objects in a bucket of any S3 API, Google Cloud or Azure, or in a folder: complete, created once, listed in order.

Address and credentials come from the usual environment variables (AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, …) and are
stored nowhere. A request is repeated only if that is harmless; if the response was lost, the object itself shows the
result.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, from_url
from tenacity import Retrying, retry_if_exception, stop_after_attempt, stop_before_delay, wait_exponential

from native.errors import StoreError

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import ClientConfig, RetryConfig
    from obstore.store import ObjectStore as Client

SCHEMES = ("s3", "gs", "az", "file")
_MAX_ATTEMPTS = 8
_FIRST_WAIT_SECONDS = 0.1
"""Wait before the second attempt of a request; it doubles with each further one."""
_BATCH_KEYS = 1_000
_MAX_TEXT = 500
MAX_CONTENT_BYTES = 64 << 20
"""Of an object that is read into memory, such as a record with a million files."""
_UPLOADS = 2
"""Parts of a file that are uploaded at the same time. Of twelve, none would arrive in time over a slow connection."""
_CLIENT_OPTIONS = (
    *("allow_http", "allow_invalid_certificates", "connect_timeout", "http1_only", "http2_only", "pool_idle_timeout"),
    *("pool_max_idle_per_host", "proxy_ca_certificate", "proxy_excludes", "proxy_url", "timeout", "user_agent"),
)
T = TypeVar("T")
A = TypeVar("A")
_REFUSALS = (
    ("NoSuchBucket", "4003", "there is no such bucket", "create it, or correct the address"),
    ("InvalidAccessKeyId", "2001", "the access key is unknown", "set AWS_ACCESS_KEY_ID"),
    ("SignatureDoesNotMatch", "2001", "the secret key is wrong", "set AWS_SECRET_ACCESS_KEY"),
    ("AccessDenied", "2006", "access is denied", "allow these credentials to read and write there"),
    ("169.254.169.254", "2001", "no credentials were found", "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
    ("credential", "2001", "no credentials were found", "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
    ("BadScheme", "6003", "plain http is not allowed", "set AWS_ALLOW_HTTP=true if you trust the network"),
)
"""Responses that a retry cannot change: a part of their text, code, message and cure."""


@dataclass(frozen=True)
class StoredObject:
    """An object in a listing."""

    key: str
    size: int
    modified: datetime
    """By the clock of the store."""
    mark: str
    """Its entity tag, with its version if there is one. Equal marks mean equal content."""


class ObjectStore:
    """The objects below a URL. Keys are relative to it. Safe to use from several threads."""

    def __init__(self, url: str, *, seconds: float = 60.0) -> None:
        """Open the store; no request is made.

        Args:
            url: `s3://bucket/prefix`, `gs://…`, `az://…`, or `file:///folder`.
            seconds: time for one request, repetitions included.

        Raises:
            StoreError: the URL has none of these forms.
        """
        self.url = url.rstrip("/")
        self._client = _opened(self.url, seconds)
        self._retrying = Retrying(
            retry=retry_if_exception(lambda error: isinstance(error, StoreError) and error.retryable),
            stop=stop_after_attempt(_MAX_ATTEMPTS) | stop_before_delay(seconds),
            wait=wait_exponential(multiplier=_FIRST_WAIT_SECONDS),
            reraise=True,
        )

    def get(self, key: str) -> bytes | None:
        """The content of an object; None if there is none.

        Raises:
            StoreError: it cannot be read, or is too long to be kept in memory; files are read with `download`.
        """
        return self._repeat_or(None, partial(_content, self._client, key), f"{key} cannot be read")

    def download(self, key: str, path: Path) -> bool:
        """Write an object to a file, in pieces, and replace the file. Returns whether there is such an object."""
        return self._repeat_or(False, partial(_download, self._client, key, path), f"{key} cannot be read")

    def exists(self, key: str) -> bool:
        """Whether there is an object."""
        return self._repeat_or(False, lambda: bool(obstore.head(self._client, key)), f"{key} cannot be read")

    def put(self, key: str, data: bytes | Path) -> None:
        """Write an object from bytes or from a file. An existing one is replaced."""
        put = partial(obstore.put, self._client, key, data, max_concurrency=_UPLOADS)
        self._repeat(put, f"{key} cannot be written")

    def put_if_absent(self, key: str, data: bytes) -> bool:
        """Create an object unless it exists. Returns whether this call created it.

        If the response to a request was lost, the content of the object decides. So no two callers may write equal
        bytes.
        """

        def request() -> bool:
            try:
                obstore.put(self._client, key, data, mode="create")
            except AlreadyExistsError:
                return self.get(key) == data
            return True

        return self._repeat(request, f"{key} cannot be written")

    def list(self, folder: str, after: str = "") -> Iterator[StoredObject]:
        """The objects below `folder`, by key; with `after`, only keys behind it.

        Raises:
            StoreError: the listing is incomplete.
        """

        def request() -> list[StoredObject]:
            batches = obstore.list(self._client, folder, offset=after or None)
            objects = [_stored_object(meta) for batch in batches for meta in batch]
            return sorted(objects, key=lambda stored: stored.key)

        yield from self._repeat(request, f"{folder} cannot be listed")

    def delete(self, keys: Iterable[str]) -> None:
        """Delete objects. It is not an error if they do not exist."""
        ordered = sorted(keys)
        for start in range(0, len(ordered), _BATCH_KEYS):
            batch = ordered[start : start + _BATCH_KEYS]
            self._repeat(partial(_delete, self._client, batch), "objects cannot be deleted")

    def _repeat(self, request: Callable[[], T], what: str) -> T:
        """The response to a request, which is repeated after errors that may be temporary."""

        def attempt() -> T:
            try:
                return request()
            except (BaseError, OSError) as error:
                raise self._translated(error, what) from error

        return self._retrying(attempt)

    def _repeat_or(self, absent: A, request: Callable[[], T], what: str) -> T | A:
        """As `_repeat`, but `absent` if there is no such object. A missing bucket is an error."""

        def request_or_absent() -> T | A:
            try:
                return request()
            except FileNotFoundError as error:
                if error.errno is not None or "NoSuchBucket" in str(error):
                    raise
                return absent

        return self._repeat(request_or_absent, what)

    def _translated(self, error: Exception, what: str) -> StoreError:
        text = str(error)
        where = f"{self.url}: {what}"
        for part, code, message, cure in _REFUSALS:
            if part in text:
                return StoreError(f"{where}: {message}", cure=cure, code=code)
        text = " ".join(text.partition("Debug source:")[0].split())[:_MAX_TEXT]
        if isinstance(error, OSError) and error.errno is not None:  # of our own file, not of the store
            return StoreError(f"{where}: {text}", cure="check the disk", code="4001")
        return StoreError(f"{where}: {text}", cure="check the address and the network", retryable=True)


def _opened(url: str, seconds: float) -> Client:
    scheme, _, rest = url.partition("://")
    if scheme not in SCHEMES or not rest.strip("/"):
        raise StoreError(f"{url!r} is not the address of a store", cure="write s3://bucket/folder", code="1001")
    try:
        if scheme == "file":
            return LocalStore("/" + rest.lstrip("/"), mkdir=True)
        retries: RetryConfig = {"max_retries": 3, "retry_timeout": timedelta(seconds=seconds)}
        return from_url(url, retry_config=retries, client_options=_client_options(scheme, seconds))
    except (BaseError, ValueError, OSError) as error:
        raise StoreError(f"{url} cannot be opened: {error}", cure="write s3://bucket/folder", code="1001") from error


def _client_options(scheme: str, seconds: float) -> ClientConfig:
    """A timeout, and the options of the environment, which obstore ignores if it gets any option as an argument."""
    prefix = {"s3": "AWS", "gs": "GOOGLE", "az": "AZURE"}[scheme]
    names = {name: f"{prefix}_{name.upper()}" for name in _CLIENT_OPTIONS}
    environment = os.environ  # noqa: TID251  # the library itself reads the same variables
    options = {name: environment[variable] for name, variable in names.items() if variable in environment}
    return cast("ClientConfig", {"timeout": f"{seconds}s", **options})


def _stored_object(meta: ObjectMeta) -> StoredObject:
    mark = ":".join(filter(None, (meta["e_tag"], meta["version"])))
    return StoredObject(meta["path"], meta["size"], meta["last_modified"], mark)


def _content(client: Client, key: str) -> bytes:
    response = obstore.get(client, key)
    if response.meta["size"] > MAX_CONTENT_BYTES:
        what = f"{key} has {response.meta['size']:,} bytes; {MAX_CONTENT_BYTES:,} are allowed"
        raise StoreError(what, cure="do not trust this store, or remove the object", code="4004")
    return bytes(response.bytes())


def _download(client: Client, key: str, path: Path) -> bool:
    response = obstore.get(client, key)
    with path.open("wb") as file:
        for piece in response.stream():
            file.write(piece)
        if file.tell() != response.meta["size"]:
            raise OSError("the response ended too early")
    return True


def _delete(client: Client, keys: list[str]) -> None:
    try:
        obstore.delete(client, keys)
    except FileNotFoundError:
        if len(keys) > 1:  # one of them did not exist, and others may be left
            for key in keys:
                _delete(client, [key])

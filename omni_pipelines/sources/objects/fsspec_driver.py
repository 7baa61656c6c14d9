"""Objects of any store that fsspec has a driver for: gs://, az://, sftp:// and others that a user installs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import IO, TYPE_CHECKING, Protocol

from fsspec.core import url_to_fs
from fsspec.registry import known_implementations

from omni_pipelines.errors import ConfigurationError, OmniError, SourceMissing
from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.sources.model.file_reads import refuse_large
from omni_pipelines.sources.objects.client import ObjectInfo

if TYPE_CHECKING:
    from omni_pipelines.sources.model.source import Source

_TIME_FIELDS = ("mtime", "lastmodified", "last_modified", "updated", "modified", "created")
_MARK_FIELDS = ("etag", "md5hash", "generation", "version", "versionid", "uid", "ino", *_TIME_FIELDS)
"""Names, in lower case, under which drivers describe what changes with an object."""

_Info = Mapping[str, object]
"""What a driver knows of an object or a folder."""


class _Driver(Protocol):
    """The part of `fsspec.AbstractFileSystem` that is used."""

    def ls(self, path: str, detail: bool) -> list[_Info]: ...
    def info(self, path: str) -> _Info: ...
    def open(self, path: str, mode: str) -> IO[bytes]: ...
    def invalidate_cache(self) -> None: ...


class DriverClient:
    """The objects below one prefix, listed and read by a driver of fsspec."""

    def __init__(self, source: Source, depth: int) -> None:
        """Create the driver, which looks for credentials where it always does.

        Raises:
            ConfigurationError: there is no such driver, or it cannot be created.
        """
        self._source, self._depth = source, depth
        scheme = source.url.partition("://")[0]
        self._driver: _Driver
        self._root: str
        with _translated(lambda error: _cannot_start(scheme, error)):
            self._driver, self._root = url_to_fs(source.url, skip_instance_cache=True)
        self._root = self._root.rstrip("/")

    def list(self) -> Iterator[ObjectInfo]:
        """Every object below the prefix, folder by folder: the drivers' own walks skip what they cannot list."""
        pending, entered = [self._root], {self._root}
        while pending:
            folder = pending.pop()
            with _translated(self._cannot_list):
                self._driver.invalidate_cache()
                entries = self._driver.ls(folder, detail=True)
            for entry in entries:
                name = str(entry["name"]).rstrip("/")
                if entry["type"] == "file":
                    yield _object_info(self._key(name), entry)
                elif name not in entered and self._key(name).count("/") < self._depth:
                    entered.add(name)
                    pending.append(name)

    def describe(self, key: str) -> ObjectInfo:
        """One object, without its content."""
        with _translated(self._cannot_list):
            return self._describe(key)

    def read(self, key: str, limit: int) -> tuple[bytes, str]:
        """The bytes of one object; its description is compared before and after."""
        with _translated(_cannot_read):
            before = self._describe(key)
            refuse_large(before.size, limit)
            with self._driver.open(self._path(key), "rb") as file:
                raw = file.read(limit + 1)
            after = self._describe(key)
        if before.version_mark != after.version_mark or len(raw) != after.size:
            raise Unreadable(RefusalCode.CHANGED, "the object changed while it was read")
        return raw, after.version_mark

    def _describe(self, key: str) -> ObjectInfo:
        self._driver.invalidate_cache()
        return _object_info(key, self._driver.info(self._path(key)))

    def _path(self, key: str) -> str:
        return f"{self._root}/{key}"

    def _key(self, name: str) -> str:
        """A name relative to the root; some drivers write a slash before both, some do not."""
        return name.lstrip("/").removeprefix(self._root.lstrip("/")).removeprefix("/")

    def _cannot_list(self, error: Exception) -> SourceMissing:
        what = f"source {self._source.name}: {self._source.location}"
        if isinstance(error, FileNotFoundError):
            return SourceMissing(f"{what} is not there", cure="check the address")
        return SourceMissing(
            f"{what} cannot be listed: {type(error).__name__}",
            cure="check the credentials of its driver and the network; nothing is deleted",
        )


@contextmanager
def _translated(translate: Callable[[Exception], Exception]) -> Iterator[None]:
    """Replace what a driver raises. The message of the driver is dropped: it may contain a signed address."""
    try:
        yield
    except (OmniError, Unreadable):
        raise
    except Exception as error:  # each driver raises the errors of its own library, which share no base class
        raise translate(error) from error


def _cannot_start(scheme: str, error: Exception) -> ConfigurationError:
    if isinstance(error, ImportError):
        known = known_implementations.get(scheme, {})
        return ConfigurationError(
            f"{scheme}:// needs a package that is not installed",
            cure=str(known.get("err") or f"install the fsspec driver for {scheme}://"),
        )
    if isinstance(error, ValueError):
        return ConfigurationError(f"{scheme}:// is unknown", cure="write s3://, gs://, az://, https://, or a path")
    return ConfigurationError(
        f"the driver for {scheme}:// does not start: {type(error).__name__}", cure="check its credentials"
    )


def _cannot_read(error: Exception) -> Unreadable:
    if isinstance(error, FileNotFoundError):
        return Unreadable(RefusalCode.VANISHED, "the object is gone")
    if isinstance(error, PermissionError):
        return Unreadable(RefusalCode.PERM, "the store refuses access to it")
    return Unreadable(RefusalCode.IO, f"the store did not return it: {type(error).__name__}")


def _object_info(key: str, info: _Info) -> ObjectInfo:
    fields = {name.lower(): value for name, value in info.items() if value is not None}
    size = int(str(fields.get("size", 0)))
    marks = (f"{name}={fields[name]}" for name in _MARK_FIELDS if name in fields)
    time = next((fields[name] for name in _TIME_FIELDS if name in fields), None)
    return ObjectInfo(key, size, _nanoseconds(time), ":".join([str(size), *marks]))


def _nanoseconds(time: object) -> int:
    if isinstance(time, datetime):
        return int(time.timestamp() * 1e9)
    if isinstance(time, int | float):
        return int(time * 1e9)
    try:
        return int(datetime.fromisoformat(str(time)).timestamp() * 1e9)
    except ValueError:
        return 0

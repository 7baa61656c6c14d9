"""Objects of any store that fsspec has a driver for: gs://, az://, sftp://, and those a user installs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from fsspec.core import url_to_fs
from fsspec.registry import known_implementations

from omni_pipelines.errors import ConfigurationError, SourceMissing
from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.sources.file_reads import refuse_large
from omni_pipelines.sources.names import MAX_DEPTH
from omni_pipelines.sources.objects.client import Stored

if TYPE_CHECKING:
    from omni_pipelines.sources.source import Source

_MOMENTS = ("mtime", "lastmodified", "last_modified", "updated", "modified", "created")
_MARKS = ("etag", "md5hash", "generation", "version", "versionid", "uid", "ino", *_MOMENTS)
"""What drivers call that which changes with an object, in small letters."""


class DriverClient:
    """The objects below one prefix, as a driver of fsspec lists and reads them."""

    def __init__(self, source: Source) -> None:
        """Makes the driver, which takes its credentials from where it always does.

        Raises:
            ConfigurationError: there is no such driver, or it cannot be made.
        """
        self._source = source
        scheme = source.url.partition("://")[0]
        known = known_implementations.get(scheme, {})
        try:
            self._driver, self._root = url_to_fs(source.url, skip_instance_cache=True)
        except ImportError as error:
            raise ConfigurationError(
                f"{scheme}:// needs a package that is not installed",
                cure=str(known.get("err") or f"install the fsspec driver for {scheme}://"),
            ) from error
        except ValueError as error:
            raise ConfigurationError(
                f"nothing here knows {scheme}://", cure="write s3://, gs://, az://, https://, or a path"
            ) from error
        except Exception as error:  # drivers look for credentials when they are made
            raise ConfigurationError(
                f"the driver for {scheme}:// does not start: {type(error).__name__}", cure="check its credentials"
            ) from error
        self._root = self._root.rstrip("/")

    def list(self) -> Iterator[Stored]:
        """Every object below the prefix, folder by folder: the drivers' own walks pass over what they cannot list."""
        pending, entered = [self._root], {self._root}
        while pending:
            folder = pending.pop()
            with self._telling():
                self._driver.invalidate_cache()
                entries = self._driver.ls(folder, detail=True)
            for entry in entries:
                name = str(entry["name"]).rstrip("/")
                if entry["type"] == "file":
                    yield _stored(self._key(name), entry)
                elif name not in entered and self._key(name).count("/") < MAX_DEPTH:
                    entered.add(name)
                    pending.append(name)

    def stat(self, key: str) -> Stored:
        """One object."""
        with self._telling():
            self._driver.invalidate_cache()
            return _stored(key, self._driver.info(self._path(key)))

    def read(self, key: str, limit: int) -> tuple[bytes, str]:
        """One object; looked at before and after."""
        path = self._path(key)
        try:
            before = _stored(key, self._fresh(path))
            refuse_large(before.size, limit)
            with self._driver.open(path, "rb") as file:
                raw = file.read(limit + 1)
            after = _stored(key, self._fresh(path))
        except Unreadable:
            raise
        except FileNotFoundError as error:
            raise Unreadable(RefusalCode.VANISHED, "it is gone") from error
        except PermissionError as error:
            raise Unreadable(RefusalCode.PERM, "the store refuses to give it") from error
        except Exception as error:  # drivers raise what their libraries do
            raise Unreadable(RefusalCode.IO, f"the store did not give it: {type(error).__name__}") from error
        if before.mark != after.mark or len(raw) != after.size:
            raise Unreadable(RefusalCode.CHANGED, "it changed while it was read")
        return raw, after.mark

    def _fresh(self, path: str) -> Mapping[str, Any]:
        self._driver.invalidate_cache()
        info: Mapping[str, Any] = self._driver.info(path)
        return info

    def _path(self, key: str) -> str:
        return f"{self._root}/{key}"

    def _key(self, name: str) -> str:
        """A name below the root; some drivers leave out the slash at the beginning, others do not."""
        return name.lstrip("/").removeprefix(self._root.lstrip("/")).removeprefix("/")

    @contextmanager
    def _telling(self) -> Iterator[None]:
        what = f"source {self._source.name}: {self._source.location}"
        try:
            yield
        except FileNotFoundError as error:
            raise SourceMissing(f"{what} is not there", cure="check the address") from error
        except Exception as error:  # drivers raise what their libraries do
            raise SourceMissing(
                f"{what} cannot be listed: {type(error).__name__}",
                cure="check the credentials of its driver and the network; nothing is deleted",
            ) from error


def _stored(key: str, entry: Mapping[str, Any]) -> Stored:
    told = {name.lower(): value for name, value in entry.items()}
    size = int(told.get("size") or 0)
    marks = (f"{name}={told[name]}" for name in _MARKS if told.get(name) is not None)
    moment = next((told[name] for name in _MOMENTS if told.get(name) is not None), None)
    return Stored(key, size, _nanoseconds(moment), ":".join([str(size), *marks]))


def _nanoseconds(moment: object) -> int:
    if isinstance(moment, datetime):
        return int(moment.timestamp() * 1e9)
    if isinstance(moment, int | float):
        return int(moment * 1e9)
    try:
        return int(datetime.fromisoformat(str(moment)).timestamp() * 1e9)
    except ValueError:
        return 0

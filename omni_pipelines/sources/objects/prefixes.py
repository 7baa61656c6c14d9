"""Objects below a prefix of an object store: S3, and whatever else fsspec has a driver for.

A client lists and reads; what is an object to be read, and what its name may be, is decided here for all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from urllib.parse import urlsplit

from omni_pipelines.errors import ConfigurationError, SourceMissing
from omni_pipelines.sources.file_reads import refuse_empty, refuse_large
from omni_pipelines.sources.names import is_hidden, is_vendored, refuse_name
from omni_pipelines.sources.objects.client import ObjectClient
from omni_pipelines.sources.source import Content, Found, Listing, Read, Source, SourceKind
from omni_pipelines.text.readers.registry import reader_for

MAX_OBJECTS = 1_000_000
"""Of one source: more is a prefix that was named by mistake."""
_PRINTABLE = re.compile(r"[^\x00-\x20\x7f]+")


def is_prefix(location: str) -> bool:
    """Whether a location names a place in an object store."""
    return "://" in location


def objects_at(location: str, name: str) -> Source:
    """The source at `s3://bucket/prefix`. One that ends as a file does is that object, unless a slash follows it.

    Raises:
        ConfigurationError: it is no address of objects, or holds a name or a key.
    """
    address = location.rstrip("/")
    try:
        parts = urlsplit(address)
        secret = "@" in parts.netloc or bool(parts.query)
    except ValueError:
        parts, secret = urlsplit(""), False
    if secret:
        raise ConfigurationError(
            f"an address may hold no user, password or signature: {parts.scheme}://…",
            cure="leave them out, and set them where the store's driver looks for them, as AWS_ACCESS_KEY_ID",
        )
    if not parts.netloc or not _PRINTABLE.fullmatch(address.replace(" ", "")) or "::" in address:
        raise ConfigurationError(f"{location!r} is no address of objects", cure="write it as s3://bucket/prefix")
    above, _, last = address.rpartition("/")
    single = last != parts.netloc and not location.endswith("/") and reader_for(last) is not None
    url, file = (above, last) if single else (address, "")
    return Source(name=name, kind=SourceKind.OBJECTS, url=url, file=file)


def list_objects(source: Source) -> Listing:
    """The objects below the prefix now, sorted by path.

    Raises:
        SourceMissing: they cannot be listed to the end, or are more than a million.
        ConfigurationError: there is no driver for such an address.
    """
    client = _client(source)
    files: dict[str, Found] = {}
    skipped = 0
    for number, stored in enumerate([client.stat(source.file)] if source.file else client.list()):
        if number >= MAX_OBJECTS:
            raise SourceMissing(
                f"source {source.name}: {source.location} holds more than {MAX_OBJECTS:,} objects",
                cure="name a longer prefix",
            )
        if source.file or not _is_passed_over(stored.key, source):
            reader = reader_for(stored.key)
            if reader is None or stored.size == 0:
                skipped += 1
            else:
                files[stored.key] = Found(stored.key, stored.size, stored.mtime_ns, stored.mark, reader)
    return Listing(source, tuple(files[key] for key in sorted(files)), skipped, (), datetime.now(UTC))


@contextmanager
def reading_objects(source: Source) -> Iterator[Read]:
    """Read objects: each request gives one version of one object, and says which."""
    client = _client(source)

    def read(found: Found, limit: int) -> Content:
        refuse_name(found.path, "prefix")
        refuse_large(found.size, limit)
        raw, mark = client.read(found.path, limit)
        refuse_empty(raw)
        return Content(raw, mark)

    yield read


def _is_passed_over(key: str, source: Source) -> bool:
    """As in a folder: nothing hidden, nothing vendored unless patterns choose; and no mark of an empty folder."""
    return not key or key.endswith("/") or is_hidden(key) or (is_vendored(key) and not source.include)


def _client(source: Source) -> ObjectClient:
    if source.url.startswith(("s3://", "s3a://")):
        from omni_pipelines.sources.objects.s3 import S3Client

        return S3Client(source)
    from omni_pipelines.sources.objects.fsspec_driver import DriverClient

    return DriverClient(source)

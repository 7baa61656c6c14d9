"""Objects below a prefix of an object store: S3, and every other store that fsspec has a driver for.

A client lists and reads; this module decides for all of them which objects are read and which names are refused.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from omni_pipelines.errors import ConfigurationError, SourceMissing
from omni_pipelines.sources.model.file_reads import refuse_empty, refuse_large
from omni_pipelines.sources.model.limits import SourceLimits
from omni_pipelines.sources.model.listing import FileContent, Listing, ReadFile, SourceFile
from omni_pipelines.sources.model.names import refuse_name
from omni_pipelines.sources.model.selection import FileSelection
from omni_pipelines.sources.model.source import Source, SourceKind
from omni_pipelines.sources.objects.client import ObjectClient
from omni_pipelines.text.readers.registry import reader_by_name

_PRINTABLE = re.compile(r"[^\x00-\x20\x7f]+")


def object_source(location: str, name: str) -> Source:
    """The source at `s3://bucket/prefix`; a single object if it ends in a file name and not in a slash.

    Raises:
        ConfigurationError: it is not a valid address, or contains a user name or a key.
    """
    address = location.rstrip("/")
    try:
        parts = urlsplit(address)
        has_secret = "@" in parts.netloc or bool(parts.query)
    except ValueError:
        parts, has_secret = urlsplit(""), False
    if has_secret:
        raise ConfigurationError(
            f"an address must not contain a user name, password or signature: {parts.scheme}://…",
            cure="remove it, and give credentials to the driver of the store, such as AWS_ACCESS_KEY_ID",
        )
    if not parts.netloc or not _PRINTABLE.fullmatch(address.replace(" ", "")) or "::" in address:
        raise ConfigurationError(
            f"{location!r} is not an address in an object store", cure="write it as s3://bucket/prefix"
        )
    parent, _, last = address.rpartition("/")
    is_single = last != parts.netloc and not location.endswith("/") and reader_by_name(last) is not None
    url, file = (parent, last) if is_single else (address, "")
    return Source(name=name, kind=SourceKind.OBJECTS, url=url, file=file)


def list_objects(source: Source, limits: SourceLimits) -> Listing:
    """List the objects below a prefix.

    Raises:
        SourceMissing: the listing cannot be completed, or there are more objects than the limit.
        ConfigurationError: there is no driver for such an address.
    """
    client = _client(source, limits)
    selection = FileSelection(source)
    for number, stored in enumerate([client.describe(source.file)] if source.file else client.list()):
        if number >= limits.objects:
            raise SourceMissing(
                f"source {source.name}: {source.location} has more than {limits.objects:,} objects",
                cure="use a longer prefix",
            )
        key = stored.key
        is_folder_marker = not key or key.endswith("/")
        if source.file or not (is_folder_marker or selection.is_ruled_out(key)):
            selection.add(key, stored.size, stored.mtime_ns, stored.version_mark)
    return selection.listing()


@contextmanager
def open_objects(source: Source, limits: SourceLimits) -> Iterator[ReadFile]:
    """Read objects, each in the version that the store gives now."""
    client = _client(source, limits)

    def read(file: SourceFile, limit: int) -> FileContent:
        refuse_name(file.path, "prefix", limits.folder_depth)
        refuse_large(file.size, limit)
        raw, mark = client.read(file.path, limit)
        refuse_empty(raw)
        return FileContent(raw, mark)

    yield read


def _client(source: Source, limits: SourceLimits) -> ObjectClient:
    if source.url.startswith(("s3://", "s3a://")):
        from omni_pipelines.sources.objects.s3 import S3Client

        return S3Client(source)
    from omni_pipelines.sources.objects.fsspec_driver import DriverClient

    return DriverClient(source, limits.folder_depth)

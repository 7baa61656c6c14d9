"""Reads web pages, and tells by their version marks whether they changed.

A version mark is, in this order: the date in the sitemap, once every later change must get another date; the ETag;
the Last-Modified; the hash of the page. A stored mark is sent to the server, which then answers "not modified"
instead of sending the page again.
"""

import email.utils
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

from omni_pipelines.ids import content_hash
from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.sources.model.file_reads import refuse_empty
from omni_pipelines.sources.model.limits import WebLimits
from omni_pipelines.sources.model.listing import FileContent, ReadFile, SourceFile
from omni_pipelines.sources.model.source import Source
from omni_pipelines.sources.web.client import WebResponse, charset, media_type
from omni_pipelines.sources.web.failures import Blocked, TooLarge, Unavailable
from omni_pipelines.sources.web.network import Network
from omni_pipelines.sources.web.site import Site
from omni_pipelines.sources.web.sitemap import nanoseconds
from omni_pipelines.text.readers.formats import READERS, Reader
from omni_pipelines.text.readers.registry import reader_by_name, reader_named

GONE_MARKS = {"status:404", "status:410"}
"""Version marks of pages that are not there."""
NOT_TEXT = ("image/", "audio/", "video/", "font/")
_HTML = reader_named("html")
_BY_MEDIA_TYPE = {reader.media_type: reader for reader in reversed(READERS)} | {
    "application/xhtml+xml": _HTML,
    "text/xml": reader_named("xml"),
    "application/rss+xml": reader_named("xml"),
    "application/atom+xml": reader_named("xml"),
}


@contextmanager
def open_pages(source: Source, limits: WebLimits, network: Network) -> Iterator[ReadFile]:
    """Read pages as they are now."""
    with closing(Site(source, limits, network)) as site:

        def read(file: SourceFile, limit: int) -> FileContent:
            try:
                response = site.get(source.uri(file.path), limit, is_wanted=_is_text)
            except Blocked as error:
                raise Unreadable(RefusalCode.PERM, error.message_with_cure, "blocked") from error
            except TooLarge as error:
                raise Unreadable(RefusalCode.TOO_LARGE, str(error)) from error
            except Unavailable as error:
                raise Unreadable(RefusalCode.IO, str(error)) from error
            return _content(source, file, response)

        yield read


def reader_of_page(address: str) -> Reader:
    """The reader by the name of a page; for most, whose names say nothing, that of HTML."""
    return _reader_by_name(address) or _HTML


def current_mark(site: Site, file: SourceFile) -> str:
    """Ask the server for the version mark of a page. The body is fetched only if its hash is needed.

    Raises:
        Blocked, Unavailable, TooLarge: there is no response.
    """
    kind, _, value = file.version_mark.partition(":")
    condition = {"etag": "If-None-Match", "modified": "If-Modified-Since"}.get(kind)
    headers = {condition: value} if condition else {}
    response = site.get(
        site.source.uri(file.path), site.limits.hashed_page_bytes, headers, is_wanted=_has_no_validator
    )
    if response.status == 304 and condition:
        return file.version_mark
    return _version_mark(response)


def _has_no_validator(headers: Mapping[str, str]) -> bool:
    return not headers.get("etag") and not headers.get("last-modified")


def _is_text(headers: Mapping[str, str]) -> bool:
    return not media_type(headers).startswith(NOT_TEXT)


def _version_mark(response: WebResponse) -> str:
    if response.status != 200:
        return f"status:{response.status}"
    if etag := response.headers.get("etag"):
        return f"etag:{etag}"
    if modified := response.headers.get("last-modified"):
        return f"modified:{modified}"
    return f"hash:{content_hash(response.body)}"


def _content(source: Source, file: SourceFile, response: WebResponse) -> FileContent:
    mark = _version_mark(response)
    if mark in GONE_MARKS:
        raise Unreadable(RefusalCode.GONE, f"the server answers {response.status}", mark)
    if response.status != 200:
        raise Unreadable(RefusalCode.PERM, f"the server answers {response.status}", mark)
    kind = media_type(response.headers)
    if kind.startswith(NOT_TEXT):
        raise Unreadable(RefusalCode.BINARY, f"the server says that it is {kind[:40]}", mark)
    try:
        refuse_empty(response.body)
    except Unreadable as error:
        raise Unreadable(error.code, error.detail, mark) from error
    if file.version_mark.startswith("lastmod:"):
        mark = file.version_mark
    reader = _reader_by_media_type(source.uri(file.path), kind)
    changed = file.mtime_ns or _changed_ns(response)
    return FileContent(response.body, mark, reader, changed, charset(response.headers))


def _reader_by_name(address: str) -> Reader | None:
    return reader_by_name(urlsplit(address).path)


def _reader_by_media_type(address: str, kind: str) -> Reader | None:
    """The reader for the media type of a page. A known file name says more than any type except HTML."""
    reader = _BY_MEDIA_TYPE.get(kind)
    return reader if reader is _HTML or _reader_by_name(address) is None else None


def _changed_ns(response: WebResponse) -> int:
    """When a page changed, if its server says so; else now, when it was first seen."""
    try:
        moment = email.utils.parsedate_to_datetime(response.headers.get("last-modified", ""))
        return nanoseconds(moment) or time.time_ns()
    except (TypeError, ValueError, OverflowError):
        return time.time_ns()

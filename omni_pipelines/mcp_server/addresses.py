"""The addresses of resources: a release, a document of a release, and a range of its bytes.

What an address names never changes, because a release does not; only `omni://release` is another one after each
release.
"""

import re
from typing import NamedTuple
from urllib.parse import quote, unquote

from omni_pipelines.errors import CitationNotFound
from omni_pipelines.knowledge.search.citation_names import readings

NEWEST_RELEASE_URI = "omni://release"
RELEASE_TEMPLATE = "omni://release/{release}"
DOCUMENT_TEMPLATE = "omni://release/{release}/document/{+document}{?bytes}"
_URI = re.compile(
    r"omni://release"
    r"(?:/(?P<release>[1-9][0-9]{0,11})"
    r"(?:/document/(?P<document>[^?#]+)(?:\?bytes=(?P<start>[0-9]{1,15})-(?P<end>[0-9]{1,15}))?)?)?"
)


class ByteRange(NamedTuple):
    """Bytes of a document, as the `start_byte` and `end_byte` of hits count them."""

    start: int
    end: int
    """The byte after the last one."""


class Address(NamedTuple):
    """What a resource is."""

    release: int | None
    """None is the newest."""
    document: str = ""
    """The name of a document, as citations begin with it; "" is the release itself."""
    bytes: ByteRange | None = None
    """None is the whole document."""


def release_uri(release: int) -> str:
    """The address of a release."""
    return f"{NEWEST_RELEASE_URI}/{release}"


def document_uri(release: int, document: str, range_: ByteRange | None = None) -> str:
    """The address of a document, or of a range of its bytes. `document` is its name in citations."""
    query = f"?bytes={range_.start}-{range_.end}" if range_ is not None else ""
    return f"{release_uri(release)}/document/{quote(document, errors='surrogatepass')}{query}"


def quote_uri(release: int, citation: str, range_: ByteRange) -> str:
    """The address of the bytes that a citation names."""
    return document_uri(release, next(readings(citation))[0], range_)


def parse_address(uri: str) -> Address:
    """What an address names.

    Raises:
        CitationNotFound: it is not an address of this server.
    """
    found = _URI.fullmatch(uri)
    if found is None:
        cure = f"use {NEWEST_RELEASE_URI}, {RELEASE_TEMPLATE} or {DOCUMENT_TEMPLATE}"
        raise CitationNotFound(f"{uri[:200]!r} is no resource", cure=cure)
    return Address(
        release=int(found["release"]) if found["release"] else None,
        document=unquote(found["document"] or "", errors="surrogatepass"),
        bytes=ByteRange(int(found["start"]), int(found["end"])) if found["start"] else None,
    )

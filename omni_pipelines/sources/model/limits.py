"""Limits of what is read from sources, so that no source can fill the memory or keep an ingest busy for ever."""

from dataclasses import dataclass, field

from omni_pipelines.sources.model.file_reads import RACY_NS
from omni_pipelines.sources.model.names import MAX_DEPTH
from omni_pipelines.text.readers.archives.entries import ArchiveLimits


@dataclass(frozen=True)
class WebLimits:
    """Limits of one website."""

    pages: int = 50_000
    sitemaps: int = 500
    sitemap_bytes: int = 50 << 20
    """One sitemap, inflated: the limit of the sitemap standard."""
    hashed_page_bytes: int = 64 << 20
    """A page whose hash is its version mark, because the server sends neither ETag nor Last-Modified."""
    robots_bytes: int = 512 << 10
    failures: int = 5
    """Pages in a row without an answer, after which the website counts as down."""
    redirects: int = 5
    attempts: int = 3
    """Requests for one page, if the server cannot answer now."""
    first_wait_seconds: float = 0.5
    """Wait before the second attempt; it doubles with each attempt."""
    max_wait_seconds: float = 30.0
    """Longest Retry-After that is waited for."""
    max_pause_seconds: float = 10.0
    """Longest Crawl-delay of a robots.txt that is followed."""
    connect_seconds: float = 10.0
    """For one connection."""
    answer_seconds: float = 60.0
    """For one answer, from the request to the last byte of the body."""


@dataclass(frozen=True)
class SourceLimits:
    """Limits of all kinds of sources."""

    folder_depth: int = MAX_DEPTH
    """Folders inside one another; what is below is not read."""
    objects: int = 1_000_000
    """Objects below one prefix."""
    racy_ns: int = RACY_NS
    """A file that changed so shortly before it was read gets no version mark: see `file_reads`."""
    archive: ArchiveLimits = field(default_factory=ArchiveLimits)
    web: WebLimits = field(default_factory=WebLimits)


DEFAULT_LIMITS = SourceLimits()

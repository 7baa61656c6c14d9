"""Lists and opens sources of every kind. A new kind is a module beside this one and a case in both functions.

Most homes have folders only: what reads the other kinds is imported when it is needed.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager

from omni_pipelines.sources.local.folder import list_folder, open_folder
from omni_pipelines.sources.model.limits import DEFAULT_LIMITS, SourceLimits
from omni_pipelines.sources.model.listing import Listing, ReadFile
from omni_pipelines.sources.model.source import Source, SourceKind
from omni_pipelines.sources.web.network import SYSTEM_NETWORK, Network


def list_source(
    source: Source,
    known: Mapping[str, str] | None = None,
    limits: SourceLimits = DEFAULT_LIMITS,
    network: Network = SYSTEM_NETWORK,
) -> Listing:
    """List the files of a source that are read, and those that are not, each with the reason.

    Args:
        source: the source.
        known: path to version mark of its stored files; a web server is asked whether they are still valid.
        limits: what may be read at most.
        network: how the web client reaches servers.

    Raises:
        SourceMissing: it cannot be listed completely, which does not prove that its documents are deleted.
    """
    match source.kind:
        case SourceKind.FILES:
            return list_folder(source, limits)
        case SourceKind.GIT:
            from omni_pipelines.sources.local.git import list_revision

            return list_revision(source, limits)
        case SourceKind.ARCHIVE:
            from omni_pipelines.sources.local.archive import list_archive

            return list_archive(source, limits)
        case SourceKind.OBJECTS:
            from omni_pipelines.sources.objects.prefixes import list_objects

            return list_objects(source, limits)
        case SourceKind.WEB:
            from omni_pipelines.sources.web.page_listing import list_pages

            return list_pages(source, known or {}, limits.web, network)


def open_source(
    source: Source, limits: SourceLimits = DEFAULT_LIMITS, network: Network = SYSTEM_NETWORK
) -> AbstractContextManager[ReadFile]:
    """Open a source: the context manager gives the function that reads its files.

    Raises:
        SourceMissing: it cannot be opened; raised on entering.
    """
    match source.kind:
        case SourceKind.FILES:
            return open_folder(source, limits)
        case SourceKind.GIT:
            from omni_pipelines.sources.local.git import open_revision

            return open_revision(source)
        case SourceKind.ARCHIVE:
            from omni_pipelines.sources.local.archive import open_archive_source

            return open_archive_source(source, limits)
        case SourceKind.OBJECTS:
            from omni_pipelines.sources.objects.prefixes import open_objects

            return open_objects(source, limits)
        case SourceKind.WEB:
            from omni_pipelines.sources.web.page_reading import open_pages

            return open_pages(source, limits.web, network)

"""Resources: releases, documents, and ranges of their bytes. They are read by tools, so the gatekeeper sees it."""

from collections.abc import Sequence
from typing import Annotated, NamedTuple

from mcp_types import ListResourcesResult, Resource, ResourceTemplate, TextResourceContents
from pydantic import Field

from omni_pipelines.errors import CitationNotFound, ConfigurationError
from omni_pipelines.home import Home
from omni_pipelines.knowledge.search.citation_names import cited_name
from omni_pipelines.knowledge.search.citations import find_document
from omni_pipelines.knowledge.state.access import Viewer
from omni_pipelines.knowledge.state.releases import list_releases, newest_release
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.knowledge.state.status import status
from omni_pipelines.mcp_server.addresses import (
    DOCUMENT_TEMPLATE,
    NEWEST_RELEASE_URI,
    RELEASE_TEMPLATE,
    Address,
    ByteRange,
    document_uri,
    parse_address,
    release_uri,
)
from omni_pipelines.rows import DocumentRow
from omni_pipelines.text.document_rows import parsed_document
from omni_pipelines.tools.signature import tool

PAGE_SIZE = 100
MAX_CHARACTERS = 1_000_000
"""Of a document that is read whole."""
MAX_COMPLETIONS = 100
"""The most values that the protocol allows in one answer."""
TEMPLATES: Sequence[ResourceTemplate] = (
    ResourceTemplate(
        name="release",
        uri_template=RELEASE_TEMPLATE,
        description="What a release holds.",
        mime_type="application/json",
    ),
    ResourceTemplate(
        name="document",
        uri_template=DOCUMENT_TEMPLATE,
        description="A document as it was indexed in a release; ?bytes=START-END is a range without the byte END.",
    ),
)


class _Cursor(NamedTuple):
    """Where a page of the list begins. The list is that of one release, so that a new one does not shift it."""

    release: int
    start: int

    @classmethod
    def parse(cls, text: str) -> "_Cursor":
        release, _, start = text.partition(":")
        if not (release.isascii() and release.isdecimal() and start.isascii() and start.isdecimal()):
            raise ConfigurationError(f"{text[:80]!r} is no cursor of this server", cure="begin without a cursor")
        return cls(int(release), int(start))


class Resources:
    """The resources of a home, as far as a viewer may see them; without one, all."""

    def __init__(self, home: Home, viewer: Viewer | None = None) -> None:
        self._home, self._viewer = home, viewer

    @tool("knowledge.list_resources", title="List resources", category="knowledge", read_only=True)
    def page(self, cursor: str = "") -> ListResourcesResult:
        """List the kept releases, newest first, then the documents of the newest release.

        Args:
            cursor: Where a page begins; "" is the first page.
        """
        newest = newest_release(self._home)
        if not cursor and newest is None:
            return ListResourcesResult(resources=[])
        at = _Cursor.parse(cursor) if cursor else _Cursor(newest.release if newest is not None else 0, 0)
        snapshot = Snapshot.open(self._home, at.release, self._viewer)
        columns = ("doc_id", "source", "path", "uri", "title", "media_type", "size", "verbatim")
        rows = sorted(snapshot.documents(columns), key=lambda row: (row["source"], row["path"]))
        end = at.start + PAGE_SIZE
        documents = [_document(at.release, row) for row in rows[at.start : end]]
        return ListResourcesResult(
            resources=[*(() if cursor else self._releases()), *documents],
            next_cursor=f"{at.release}:{end}" if end < len(rows) else None,
        )

    @tool("knowledge.read_resource", title="Read a resource", category="knowledge", read_only=True)
    def read(self, uri: Annotated[str, Field(max_length=20_000)]) -> TextResourceContents:
        """Read a release, a document, or a range of its bytes.

        Args:
            uri: Its address.
        """
        address = parse_address(uri)
        if not address.document:
            state = status(self._home, address.release, self._viewer)
            return TextResourceContents(uri=uri, mime_type="application/json", text=state.model_dump_json())
        snapshot = Snapshot.open(self._home, address.release, self._viewer)
        row = snapshot.document(find_document(snapshot, address.document).doc_id)
        assert row is not None, "its name was found in the same release"
        return TextResourceContents(uri=uri, mime_type=_media_type(row), text=_text(row, address))

    @tool("knowledge.complete_address", title="Complete an address", category="knowledge", read_only=True)
    def complete(self, part: str, begun: str = "", release: str = "") -> list[str]:
        """List the values that a part of an address may have.

        Args:
            part: Name of the part in the template: release or document.
            begun: What was typed so far.
            release: Number of the release whose documents are listed; "" means the newest.
        """
        releases = [str(each.release) for each in list_releases(self._home)]
        if part == "release" or not releases:
            return [each for each in releases if part == "release" and each.startswith(begun)]
        if part != "document" or (release and release not in releases):
            return []
        snapshot = Snapshot.open(self._home, int(release or releases[0]), self._viewer)
        rows = snapshot.documents(("source", "path", "uri"))
        names = (cited_name(row["source"], row["path"], row["uri"]) for row in rows)
        wanted = begun.casefold()
        found = (name for name in names if wanted in name.casefold())
        return sorted(found, key=lambda name: (not name.casefold().startswith(wanted), name))

    def _releases(self) -> list[Resource]:
        kept = [
            Resource(uri=release_uri(each.release), name=f"release {each.release}", mime_type="application/json")
            for each in list_releases(self._home)
        ]
        newest = Resource(uri=NEWEST_RELEASE_URI, name="newest release", mime_type="application/json")
        return [newest, *kept]


def _document(release: int, row: DocumentRow) -> Resource:
    name = cited_name(row["source"], row["path"], row["uri"])
    return Resource(
        uri=document_uri(release, name),
        name=name,
        title=row["title"] or None,
        mime_type=_media_type(row),
        size=row["size"],
    )


def _media_type(row: DocumentRow) -> str:
    """That of the file where the text is the file; else plain text, which is what was read from it."""
    return row["media_type"] if row["verbatim"] and row["media_type"] else "text/plain"


def _text(row: DocumentRow, address: Address) -> str:
    if address.bytes is None:
        if len(row["text"]) > MAX_CHARACTERS:
            problem = f"{address.document} has {len(row['text']):,} characters, more than {MAX_CHARACTERS:,}"
            raise CitationNotFound(problem, cure="read a part of it: ?bytes=START-END")
        return row["text"]
    parsed = parsed_document(row)
    return _decoded(parsed.stored_bytes, address.bytes, row["encoding"] if parsed.verbatim else "utf-8")


def _decoded(stored: bytes, range_: ByteRange, encoding: str) -> str:
    if not range_.start <= range_.end <= len(stored):
        raise CitationNotFound(f"there are {len(stored):,} bytes, not {range_.start}-{range_.end}", cure="check it")
    try:
        return stored[range_.start : range_.end].decode(encoding)
    except UnicodeError as error:
        raise CitationNotFound(
            "the range begins or ends inside a character", cure="use the range of a hit"
        ) from error

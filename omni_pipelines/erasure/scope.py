"""Finds the source or document with a name, and all its rows in every version on disk."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pyarrow as pa
import pyarrow.compute as pc

from native.lance_tables import LanceTable
from omni_pipelines.erasure.residue import Wanted
from omni_pipelines.errors import ConfigurationError, NothingNamed
from omni_pipelines.home import Home
from omni_pipelines.ids import document_id
from omni_pipelines.knowledge.search.citation_names import DocumentName, named_documents, path_named
from omni_pipelines.knowledge.state.releases import list_releases
from omni_pipelines.knowledge.state.table_files import require_readable
from omni_pipelines.knowledge.state.unread_files import read_unread
from omni_pipelines.schemas import CHUNKS, DOCUMENTS, QUARANTINE
from omni_pipelines.sources.model.source import Source, SourceKind
from omni_pipelines.sources.registry import load_sources
from omni_pipelines.text.readers.registry import is_archive_list

MIN_LINE = 20
"""Characters of a line that is long enough to distinguish a document from others."""
MAX_CANDIDATES = 500
MAX_LINES = 24
OPENING_WORDS = 6
"""Words at the start of a chunk that previews show."""


@dataclass(frozen=True)
class Scope:
    """What is to be erased."""

    kind: Literal["source", "document"]
    name: str
    """The name of the source, or the URI of the document."""
    documents: tuple[DocumentName, ...]
    wanted: Wanted
    phrases: tuple[str, ...]
    """Paths, ids and first words, as run histories show them."""
    copies: tuple[str, ...]
    """Paths of other documents that contain most of the lines."""


def find_scope(home: Home, target: str) -> Scope:
    """Everything that belongs to a source, by name, or to a document, by citation, path, URI or id.

    What is inside the file of the document belongs to it, and so does the list of names of the archive around it:
    the next ingest writes that list again, without the name.

    Raises:
        NothingNamed: no source or document has this name.
        ConfigurationError: several documents have.
    """
    known = {row.doc_id: row for row in known_documents(home)}
    sources = load_sources(home)
    source = _source(target, sources, {row.source for row in known.values()})
    if source is not None:
        return _scope(home, "source", source, [row for row in known.values() if row.source == source])
    chosen = _documents(target, list(known.values()))
    return _scope(home, "document", chosen[0].uri, chosen, _list_around(home, chosen[0], known.values()))


def _source(target: str, sources: list[Source], stored: set[str]) -> str | None:
    if target in {source.name for source in sources} | stored:
        return target
    place = path_named(target)
    return next(
        (source.name for source in sources if source.location in (str(place), target) and _is_whole(source)), None
    )


def _is_whole(source: Source) -> bool:
    """Whether a path means the source, rather than the single file it consists of."""
    return not source.file or source.kind is not SourceKind.FILES


def _documents(target: str, known: list[DocumentName]) -> list[DocumentName]:
    chosen = named_documents(target, known)
    uris = sorted({row.uri for row in chosen})
    if not uris:
        raise NothingNamed(f"there is no source or document named {target}", cure="list the sources: omni status")
    if len(uris) > 1:
        raise ConfigurationError(
            f"{target} matches {len(uris)} documents: {', '.join(uris[:3])}", cure="name one of them"
        )
    inside = f"{uris[0]}/"  # attachments of a mail, entries of an archive
    return [row for row in known if row.uri == uris[0] or row.uri.startswith(inside)]


def _list_around(home: Home, document: DocumentName, known: Iterable[DocumentName]) -> frozenset[str]:
    """The id of the archive that a document is directly in, whose text is a list of names; empty for others."""
    around = [row for row in known if row.source == document.source and document.path.startswith(f"{row.path}/")]
    nearest = frozenset({max(around, key=lambda row: len(row.path)).doc_id} if around else ())
    rows = _every_row(home, DOCUMENTS.name, ("doc_id", "parser"), nearest)
    return nearest if any(is_archive_list(row["parser"]) for row in rows) else frozenset()


def known_documents(home: Home) -> Iterator[DocumentName]:
    """The documents of every version on disk: an old release may be the only one that still has a document."""
    for release in list_releases(home):
        require_readable(home, release)
    roots = {source.name: source for source in load_sources(home)}
    for definition in (DOCUMENTS, CHUNKS):
        for row in _every_row(home, definition.name, ("doc_id", "source", "path", "uri")):
            yield DocumentName(row["doc_id"], row["source"], row["path"], row["uri"])
    refused = [(row["source"], row["path"]) for row in _every_row(home, QUARANTINE.name, ("source", "path"))]
    unread = [(name, file.path) for name, files in read_unread(home).items() for file in files]
    for name, path in refused + unread:
        source = roots.get(name)
        yield DocumentName(document_id(name, path), name, path, source.uri(path) if source else "")


def _every_row(
    home: Home, name: str, columns: tuple[str, ...], documents: frozenset[str] | None = None
) -> Iterator[dict[str, Any]]:
    """Each distinct row of all versions once; with `documents`, only theirs."""
    table = LanceTable(home.table(name))
    seen: set[tuple[Any, ...]] = set()
    for version in table.versions():
        for batch in table.physical_batches(columns, version):
            for row in _rows_of(batch, documents):
                key = tuple(row.values())
                if key not in seen:
                    seen.add(key)
                    yield row


def _rows_of(batch: pa.RecordBatch, documents: frozenset[str] | None) -> list[dict[str, Any]]:
    if documents is not None:
        batch = batch.filter(pc.is_in(batch.column("doc_id"), pa.array(sorted(documents), pa.string())))
    rows: list[dict[str, Any]] = batch.to_pylist()
    return rows


def _scope(
    home: Home,
    kind: Literal["source", "document"],
    name: str,
    chosen: list[DocumentName],
    lists: frozenset[str] = frozenset(),
) -> Scope:
    """The scope of documents; of `lists`, which name them, only the rows are erased."""
    own = frozenset(row.doc_id for row in chosen)
    keys = own | lists
    columns = ("chunk_id", "doc_id", "text")
    chunks = {row["chunk_id"]: row["text"] for row in _every_row(home, CHUNKS.name, columns, keys)}
    texts = [row["text"] for row in _every_row(home, DOCUMENTS.name, ("doc_id", "text"), own)]
    lines, copies = _distinctive(home, keys, texts)
    openings = (" ".join(text.split()[:OPENING_WORDS]) for text in chunks.values())
    phrases = {
        *(row.path for row in chosen),
        *(str(Path(url2pathname(urlsplit(row.uri).path))) for row in chosen),
        *(opening for opening in openings if len(opening.split()) == OPENING_WORDS),
        *(line[:60] for line in lines),
        *keys,
        *chunks,
    }
    wanted = Wanted(keys, frozenset(chunks), lines)
    return Scope(kind, name, tuple(chosen), wanted, tuple(sorted(phrases)), copies)


def _distinctive(home: Home, keys: frozenset[str], texts: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The longest lines that no other document contains now, and the paths of documents with most of the lines."""
    lines = {line.strip() for text in texts for line in text.splitlines()}
    long = sorted((line for line in lines if len(line) >= MIN_LINE), key=lambda line: (-len(line), line))
    candidates = long[:MAX_CANDIDATES]
    left, copies = set(candidates), []
    table = LanceTable(home.table(DOCUMENTS.name))
    for batch in table.batches(["doc_id", "path", "text"]) if table.exists() else ():
        for row in batch.to_pylist():
            shared = {line for line in candidates if line in row["text"]} if row["doc_id"] not in keys else set()
            left -= shared
            if 2 * len(shared) > len(candidates):
                copies.append(row["path"])
    return tuple(line for line in candidates if line in left)[:MAX_LINES], tuple(sorted(copies))

"""Every row and file of a release, read and compared with its hashes: Lance has none, and a flipped bit is silent."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from native import lance_vectors
from native.durable import sync_file
from native.errors import EngineError
from native.lance_tables import LanceTable, TableVersion, is_in
from omni_pipelines import ids, progress
from omni_pipelines.ingest.built import forget_built
from omni_pipelines.ingest.publish import PINNED
from omni_pipelines.ingest.tables import table
from omni_pipelines.knowledge.releases import read_release, release_numbers
from omni_pipelines.records import Release
from omni_pipelines.schemas import CHUNKS, DOCUMENTS, EMBEDDINGS, Table
from omni_pipelines.settings import Home
from omni_pipelines.text.stored import parsed_document

_BATCH = 1000
_LENGTH_TOLERANCE = 0.01
"""How far the length of a vector may be from 1 in float16."""
_Row = dict[str, Any]


@dataclass(frozen=True)
class Damage:
    """Something that is not what it was when it was written."""

    place: str
    """Table, index or record."""
    key: str
    """Id of the row, or name of the file; "" for all of it."""
    what: str
    document: str = ""
    """Its document, if it is known."""


@dataclass(frozen=True)
class ScrubReport:
    """What reading everything gave."""

    release: int
    rows: int
    files: int
    damage: tuple[Damage, ...]


def scrub(home: Home, release: Release) -> ScrubReport:
    """Read every row and index file of a release, and compare them with what they were."""
    rows = _Rows(home, release)
    damage = [*_records(home), *_sizes(home, release), *rows.check(), *_keyword(home, release)]
    return ScrubReport(release.release, rows.read, len(release.keyword.files), tuple(damage))


def _records(home: Home) -> Iterator[Damage]:
    for number in release_numbers(home):
        if read_release(home, number) is None:
            yield Damage("releases", str(number), "the record does not have its checksum")


def _sizes(home: Home, release: Release) -> Iterator[Damage]:
    for name, pinned in release.tables.items():
        try:
            for file in LanceTable(home.table(name)).broken_files(TableVersion.parse(pinned).version):
                yield Damage(f"table {name}", file, "the file is not as long as it should be")
        except EngineError as error:
            yield Damage(f"table {name}", "", str(error))


def _keyword(home: Home, release: Release) -> Iterator[Damage]:
    folder = home.keyword / release.keyword.generation
    for name, expected in release.keyword.files.items():
        found = _sha256(folder / name)
        if found != expected:
            yield Damage("keyword index", name, "it does not have its checksum" if found else "it is missing")


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


class _Rows:
    """Reads all rows of a release. What cannot be decoded is narrowed down to single rows."""

    def __init__(self, home: Home, release: Release) -> None:
        self._home, self._release = home, release
        self._damage: list[Damage] = []
        self.read = 0

    def check(self) -> list[Damage]:
        """All damaged rows."""
        texts: dict[str, str] = {}
        marks: dict[str, str] = {}
        documents = self._table(DOCUMENTS, _document_fault)
        for row in documents:
            texts[row["doc_id"]] = row["text"]
        for row in self._table(CHUNKS, lambda row: _chunk_fault(row, texts.get(row["doc_id"]))):
            marks[row["chunk_id"]] = row["text_hash"]
        self._vectors(marks)
        return self._damage

    def _table(self, definition: Table, fault: Callable[[_Row], str]) -> Iterator[_Row]:
        """Rows without a fault; the others are noted."""
        for row in self._rows(definition):
            what = fault(row)
            if what:
                key = str(row[definition.key])
                self._damage.append(Damage(f"table {definition.name}", key, what, str(row["doc_id"])))
            else:
                yield row

    def _vectors(self, marks: Mapping[str, str]) -> None:
        seen = set()
        for row in self._rows(EMBEDDINGS):
            seen.add(row["chunk_id"])
            what = _vector_fault(row, marks.get(row["chunk_id"]), self._release.fingerprints["embedder"])
            if what and row["chunk_id"] in marks:  # else its chunk is what is damaged
                self._damage.append(Damage("table embeddings", row["chunk_id"], what))
        known = {each.key for each in self._damage}
        for key in marks.keys() - seen - known:
            self._damage.append(Damage("table embeddings", key, "it is missing"))

    def _rows(self, definition: Table) -> Iterator[_Row]:
        found = LanceTable(self._home.table(definition.name))
        version = TableVersion.parse(self._release.tables[definition.name]).version
        try:
            keys = found.read([definition.key], version=version)[definition.key].to_pylist()
        except (EngineError, OSError, pa.ArrowException) as error:
            self._damage.append(Damage(f"table {definition.name}", "", f"it cannot be read: {error}"))
            return
        for at in range(0, len(keys), _BATCH):
            progress.report(f"reading {definition.name}", at, len(keys), "rows")
            for row in self._some(found, definition, version, keys[at : at + _BATCH]):
                self.read += 1
                yield row
        progress.report(f"reading {definition.name}", len(keys), len(keys), "rows")

    def _some(self, found: LanceTable, definition: Table, version: int, keys: Sequence[str]) -> list[_Row]:
        try:
            rows: list[_Row] = found.read(None, is_in(definition.key, keys), version).to_pylist()
            return rows
        except (EngineError, OSError, ValueError, pa.ArrowException) as error:
            if len(keys) == 1:
                document = (
                    keys[0] if definition is DOCUMENTS else self._document_of(found, definition, version, keys[0])
                )
                self._damage.append(
                    Damage(f"table {definition.name}", keys[0], f"it cannot be read: {error}", document)
                )
                return []
            half = len(keys) // 2
            return [
                *self._some(found, definition, version, keys[:half]),
                *self._some(found, definition, version, keys[half:]),
            ]

    def _document_of(self, found: LanceTable, definition: Table, version: int, key: str) -> str:
        if definition is not CHUNKS:
            return ""
        try:
            rows = found.read(["doc_id"], is_in(definition.key, [key]), version)["doc_id"].to_pylist()
        except (EngineError, OSError, ValueError, pa.ArrowException):
            return ""
        return str(rows[0]) if rows else ""


def _document_fault(row: _Row) -> str:
    """What is wrong with a document's row; "" if nothing is."""
    if row["doc_id"] != ids.document_id(row["source"], row["path"]):
        return "its id is not that of its source and path"
    if row["revision"] != ids.text_hash(row["content_hash"], row["parser"], row["uri"]):
        return "its revision is not that of its content, parser and place"
    try:
        parsed_document(row)
        encoded = row["text"].encode(row["encoding"]) if row["verbatim"] else b""
    except (orjson.JSONDecodeError, LookupError, ValueError, KeyError, TypeError) as error:
        return f"its text or structure cannot be read: {error}"
    if row["verbatim"] and not _is_content(encoded, row):
        return "its text is not the file's"
    return ""


_BOMS = {
    0: (b"",),
    2: (b"\xff\xfe", b"\xfe\xff"),
    3: (b"\xef\xbb\xbf",),
    4: (b"\xff\xfe\0\0", b"\0\0\xfe\xff"),
}


def _is_content(encoded: bytes, row: _Row) -> bool:
    return any(ids.content_hash(mark + encoded) == row["content_hash"] for mark in _BOMS.get(row["bom_bytes"], ()))


def _chunk_fault(row: _Row, text: str | None) -> str:
    """What is wrong with a chunk; `text` is its document's, None where that is damaged or missing itself."""
    if row["text_hash"] != ids.text_hash(row["heading"], row["text"]):
        return "its text is not what was hashed"
    if row["chunk_id"] != ids.chunk_id(row["doc_id"], row["ordinal"], row["text"], row["chunker"]):
        return "its id is not that of its document, number and text"
    if text is None:
        return "its document is damaged or missing"
    if text[row["start_char"] : row["end_char"]] != row["text"]:
        return "its text does not stand at its place in the document"
    return ""


def _vector_fault(row: _Row, text_hash: str | None, model: str) -> str:
    if row["text_hash"] != text_hash:
        return "it is not the vector of its chunk's text"
    if row["model"] != model:
        return f"it was made by {row['model']}"
    length = float(np.linalg.norm(np.asarray(row["vector"], np.float32)))
    return "" if abs(length - 1.0) <= _LENGTH_TOLERANCE else f"its length is {length:.3f}, not 1"


def mark_for_repair(home: Home, report: ScrubReport) -> int:
    """Prepare the next ingest: it reads damaged documents from their files again, cuts and embeds their chunks anew,
    and builds all indexes from the rows. Returns the number of documents. Hold the writer's lock.
    """
    documents = {each.document for each in report.damage if each.document}
    vectors = {each.key for each in report.damage if each.place == "table embeddings" and "/" not in each.key}
    _unread(home, sorted(documents))
    _delete(home, CHUNKS, "doc_id", sorted(documents))
    _delete(home, EMBEDDINGS, "chunk_id", sorted({*vectors, *_damaged_keys(report, CHUNKS)}))
    lance_vectors.drop_if_built(table(home, EMBEDDINGS))
    forget_built(home)
    for definition in PINNED:
        sync_file(home.table(definition.name))
    return len(documents)


def _damaged_keys(report: ScrubReport, definition: Table) -> set[str]:
    return {each.key for each in report.damage if each.place == f"table {definition.name}" and each.document}


def _unread(home: Home, keys: Sequence[str]) -> None:
    """Forget when documents were last read; one whose row cannot be read is deleted, and found as new."""
    documents = table(home, DOCUMENTS)
    for key in keys:
        where = is_in(DOCUMENTS.key, [key])
        try:
            rows = documents.read(None, where).to_pylist()
            unread = [{**row, "stat": ""} for row in rows]
            documents.upsert(DOCUMENTS.key, pa.Table.from_pylist(unread, schema=DOCUMENTS.schema))
        except (OSError, ValueError, pa.ArrowException):
            documents.delete(where)


def _delete(home: Home, definition: Table, key: str, values: Sequence[str]) -> None:
    for at in range(0, len(values), _BATCH):
        table(home, definition).delete(is_in(key, values[at : at + _BATCH]))

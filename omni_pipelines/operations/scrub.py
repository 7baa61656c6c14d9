"""Every row and file of a release, read and compared with its hashes: Lance has none, and a flipped bit is silent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa

from native import lance_files, lance_vectors
from native.errors import EngineError
from native.filters import is_in
from native.lance_tables import LanceTable, TableVersion
from omni_pipelines import ids, progress
from omni_pipelines.home import Home
from omni_pipelines.ids import file_sha256
from omni_pipelines.knowledge.state.releases import read_release, release_numbers
from omni_pipelines.records import Release
from omni_pipelines.rows import ChunkRow, DocumentRow, EmbeddingRow, Row, rows_of
from omni_pipelines.schemas import CHUNKS, DOCUMENTS, EMBEDDINGS, Table
from omni_pipelines.steps.step_records import reset_steps
from omni_pipelines.tables import open_table
from omni_pipelines.text.document_rows import parsed_document

_BATCH = 1000
_BATCH_DOCUMENTS = 200
_UNREADABLE = (EngineError, OSError, ValueError, pa.ArrowException)
_LENGTH_TOLERANCE = 0.01
"""How far the length of a vector may be from 1 in float16."""


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
            for file in lance_files.broken_files(LanceTable(home.table(name)), TableVersion.parse(pinned).version):
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
        return file_sha256(path)
    except OSError:
        return ""


class _Rows:
    """Reads all rows of a release, some documents with their chunks at a time.

    What cannot be decoded is narrowed down to single rows.
    """

    def __init__(self, home: Home, release: Release) -> None:
        self._home, self._release = home, release
        self._damage: list[Damage] = []
        self.read = 0

    def check(self) -> list[Damage]:
        """All damaged rows."""
        documents = [key for key, _ in self._keys(DOCUMENTS, DOCUMENTS.key)]
        chunks: dict[str, list[str]] = {}
        for chunk, document in self._keys(CHUNKS, "doc_id"):
            chunks.setdefault(document, []).append(chunk)
        marks: dict[str, str] = {}
        total = [*documents, *sorted(chunks.keys() - set(documents))]
        for at in range(0, len(total), _BATCH_DOCUMENTS):
            progress.report("reading documents", at, len(total), "documents")
            self._documents(total[at : at + _BATCH_DOCUMENTS], chunks, marks)
        progress.report("reading documents", len(total), len(total), "documents")
        self._vectors(marks)
        return self._damage

    def _keys(self, definition: Table, other: str) -> list[tuple[str, str]]:
        found, version = self._opened(definition)
        try:
            rows = found.read(list(dict.fromkeys((definition.key, other))), version=version)
        except _UNREADABLE as error:
            self._note(definition, "", f"it cannot be read: {error}")
            return []
        return list(zip(rows[definition.key].to_pylist(), rows[other].to_pylist(), strict=True))

    def _documents(self, keys: Sequence[str], chunks: Mapping[str, list[str]], marks: dict[str, str]) -> None:
        texts = {}
        for row in self._some(DOCUMENTS, DocumentRow, keys):
            what = _document_fault(row)
            if what:
                self._note(DOCUMENTS, row["doc_id"], what, row["doc_id"])
            else:
                texts[row["doc_id"]] = row["text"]
        owner = {chunk_id: key for key in keys for chunk_id in chunks.get(key, ())}
        whole: dict[str, list[ChunkRow]] = {key: [] for key in texts}
        for chunk in self._some(CHUNKS, ChunkRow, list(owner), owner):
            what = _chunk_fault(chunk, texts.get(chunk["doc_id"]))
            if what:
                self._note(CHUNKS, chunk["chunk_id"], what, chunk["doc_id"])
            else:
                marks[chunk["chunk_id"]] = chunk["text_hash"]
                whole[chunk["doc_id"]].append(chunk)
        damaged = {each.document for each in self._damage}
        for key, rows in whole.items():
            if key not in damaged and not _is_complete(rows, texts[key]):
                self._note(CHUNKS, "", "a chunk is missing", key)

    def _vectors(self, marks: Mapping[str, str]) -> None:
        keys = [key for key, _ in self._keys(EMBEDDINGS, EMBEDDINGS.key)]
        for at in range(0, len(keys), _BATCH):
            progress.report("reading vectors", at, len(keys), "vectors")
            for row in self._some(EMBEDDINGS, EmbeddingRow, keys[at : at + _BATCH]):
                what = _vector_fault(row, marks.get(row["chunk_id"]), self._release.fingerprints["embedder"])
                if what and row["chunk_id"] in marks:  # else its chunk is what is damaged
                    self._note(EMBEDDINGS, row["chunk_id"], what)
        progress.report("reading vectors", len(keys), len(keys), "vectors")
        for key in sorted(marks.keys() - set(keys)):
            self._note(EMBEDDINGS, key, "it is missing")

    def _some(
        self, definition: Table, kind: type[Row], keys: Sequence[str], owner: Mapping[str, str] | None = None
    ) -> Iterator[Row]:
        """Rows by key. `owner` gives the document of a row that cannot be read; else its key does."""
        found, version = self._opened(definition)
        try:
            rows = rows_of(found.read(None, is_in(definition.key, keys), version), kind) if keys else []
        except _UNREADABLE as error:
            if len(keys) > 1:
                half = len(keys) // 2
                yield from self._some(definition, kind, keys[:half], owner)
                yield from self._some(definition, kind, keys[half:], owner)
                return
            document = "" if definition is EMBEDDINGS else (owner or {}).get(keys[0], keys[0])
            self._note(definition, keys[0], f"it cannot be read: {error}", document)
            return
        self.read += len(rows)
        yield from rows

    def _opened(self, definition: Table) -> tuple[LanceTable, int]:
        version = TableVersion.parse(self._release.tables[definition.name]).version
        return LanceTable(self._home.table(definition.name)), version

    def _note(self, definition: Table, key: str, what: str, document: str = "") -> None:
        self._damage.append(Damage(f"table {definition.name}", key, what, document))


def _is_complete(chunks: Sequence[ChunkRow], text: str) -> bool:
    """Whether the numbers of the chunks have no gap, and the last one reaches the end of the text."""
    numbers = sorted(row["ordinal"] for row in chunks)
    end = max((row["end_char"] for row in chunks), default=0)
    return numbers == list(range(len(numbers))) and end >= len(text.rstrip())


def _document_fault(row: DocumentRow) -> str:
    """What is wrong with a document's row; "" if nothing is."""
    if row["doc_id"] != ids.document_id(row["source"], row["path"]):
        return "its id is not that of its source and path"
    masking = row["masking"] if row["masked"] else ""
    if row["revision"] != ids.revision(row["content_hash"], row["parser"], row["uri"], masking):
        return "its revision is not that of its content, parser and place"
    try:
        stored = ids.content_hash(parsed_document(row).stored_bytes)
    except (orjson.JSONDecodeError, LookupError, ValueError, KeyError, TypeError) as error:
        return f"its text or structure cannot be read: {error}"
    is_file = row["verbatim"] and not row["masked"]
    if stored != row["stored_hash"] or (is_file and stored != row["content_hash"]):
        return "its text is not the file's" if is_file else "its text is not what was stored"
    return ""


def _chunk_fault(row: ChunkRow, text: str | None) -> str:
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


def _vector_fault(row: EmbeddingRow, text_hash: str | None, model: str) -> str:
    if row["text_hash"] != text_hash:
        return "it is not the vector of its chunk's text"
    if row["model"] != model:
        return f"it was made by {row['model']}"
    length = float(np.linalg.norm(np.asarray(row["vector"], np.float32)))
    return "" if abs(length - 1.0) <= _LENGTH_TOLERANCE else f"its length is {length:.3f}, not 1"


def mark_for_repair(home: Home, report: ScrubReport) -> int:
    """Prepare the next ingest to mend what is damaged; the number of documents it will read. Hold the writer's lock.

    It reads damaged documents from their files again, cuts and embeds their chunks anew, and builds all indexes from
    the rows. Until it has published, readers see what they saw.
    """
    spoiled = {each.key for each in report.damage if each.place == f"table {DOCUMENTS.name}" and each.document}
    documents = {each.document for each in report.damage if each.document}
    vectors = {each.key for each in report.damage if each.place == f"table {EMBEDDINGS.name}"}
    _delete(home, DOCUMENTS, "doc_id", sorted(spoiled))  # whatever the row says, even its path, may be wrong
    _unread(home, sorted(documents - spoiled))
    _delete(home, CHUNKS, "doc_id", sorted(documents))
    _delete(home, EMBEDDINGS, "chunk_id", sorted(vectors))
    lance_vectors.drop(open_table(home, EMBEDDINGS))
    reset_steps(home)
    return len(documents)


def _unread(home: Home, keys: Sequence[str]) -> None:
    """Forget when documents were last read."""
    documents = open_table(home, DOCUMENTS)
    for at in range(0, len(keys), _BATCH_DOCUMENTS):
        rows = documents.read(None, is_in(DOCUMENTS.key, keys[at : at + _BATCH_DOCUMENTS])).to_pylist()
        unread = [{**row, "stat": ""} for row in rows]
        documents.upsert(DOCUMENTS.key, pa.Table.from_pylist(unread, schema=DOCUMENTS.schema))


def _delete(home: Home, definition: Table, key: str, values: Sequence[str]) -> None:
    for at in range(0, len(values), _BATCH):
        open_table(home, definition).delete(is_in(key, values[at : at + _BATCH]))

"""Reads every row and file of a release and compares them with their hashes: Lance itself has no checksums.

The checksums of the files cover every stored value. The rows are compared with each other as well: that finds what
was wrong before it was written, and names the row.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa

from native import lance_files, lance_recovery, lance_vectors
from native.errors import EngineError
from native.filters import is_in
from native.lance_tables import LanceTable, TableVersion
from omni_pipelines import ids, progress
from omni_pipelines.batches import batched
from omni_pipelines.home import Home
from omni_pipelines.ids import file_sha256
from omni_pipelines.knowledge.sql import JOURNAL_TABLES
from omni_pipelines.knowledge.state import journal
from omni_pipelines.knowledge.state.recovery_notes import RecoveryNote, write_recovery_note
from omni_pipelines.knowledge.state.releases import read_release, release_numbers
from omni_pipelines.knowledge.state.table_files import damaged_files, damaged_quarantine, unreadable_files
from omni_pipelines.operations.home_documents import damaged_documents
from omni_pipelines.records import Release
from omni_pipelines.rows import ChunkRow, DocumentRow, EmbeddingRow, Row, rows_of
from omni_pipelines.schemas import CHUNKS, DOCUMENTS, EMBEDDINGS, QUARANTINE, TABLES, Table
from omni_pipelines.steps.chunks import repeated_columns
from omni_pipelines.steps.step_records import reset_steps
from omni_pipelines.tables import open_table
from omni_pipelines.text.document_rows import parsed_document

_BATCH_ROWS = 1000
_BATCH_DOCUMENTS = 200
_UNREADABLE = (EngineError, OSError, ValueError, pa.ArrowException)
_LENGTH_TOLERANCE = 0.01
"""How far the length of a vector may be from 1 in float16."""


@dataclass(frozen=True)
class Damage:
    """Something that differs from what was written."""

    place: str
    """Table, index or record."""
    key: str
    """Id of the row, or name of the file; "" for all of it."""
    what: str
    document: str = ""
    """Id of its document, if it is known."""
    rows: tuple[tuple[str, str], ...] = ()
    """Of a damaged file: the id of each row in it, and the id of the document, or "" in embeddings."""

    @property
    def is_beyond_rows(self) -> bool:
        """Whether it is a file of a table that hides which rows it is about."""
        return self.key.startswith("_versions/") or (self.key.startswith(("data/", "_deletions/")) and not self.rows)

    @property
    def affected(self) -> tuple[tuple[str, str], ...]:
        """The id of each row that may be wrong, and of its document."""
        return self.rows or ((self.key, self.document),)


@dataclass(frozen=True)
class ScrubReport:
    """How much was read, and what is damaged."""

    release: int
    rows: int
    files: int
    damage: tuple[Damage, ...]
    unchecked: tuple[str, ...] = ()
    """Tables whose files have no checksums, because an older version made the release; the next release has them."""


def scrub(home: Home, release: Release) -> ScrubReport:
    """Read every row and file of a release, and compare them with their hashes.

    Rows are not read while there is a file at which Lance would end the process, or a damaged manifest: columns may
    have other names.
    """
    rows = _RowCheck(home, release)
    files = list(check_files(home, release) if release.files else _check_sizes(home, release))
    own = [*_check_records(home), *_check_documents(home), *_check_journal(home), *_check_quarantine(home)]
    hides_rows = any(each.key.startswith("_versions/") for each in files)
    wrong = rows.run() if not hides_rows and not any(unreadable_files(home, release.files)) else []
    damage = [*own, *files, *wrong, *_check_keyword_index(home, release)]
    count = len(release.files) + len(release.keyword.files)
    return ScrubReport(
        release.release, rows.count, count, tuple(damage), () if release.files else tuple(release.tables)
    )


def check_files(home: Home, release: Release) -> Iterator[Damage]:
    """Compare every file of the tables with its checksum."""
    unreadable = {table for table, _, _ in unreadable_files(home, release.files)}
    for name, file, what in damaged_files(home, release):
        if name in unreadable:
            yield Damage(f"table {name}", file, f"{what}, and its rows cannot be read")
        else:
            yield _file_damage(home, release, name, file, what)


def _file_damage(home: Home, release: Release, name: str, file: str, what: str) -> Damage:
    table, version = LanceTable(home.table(name)), TableVersion.parse(release.tables[name]).version
    columns = [TABLES[name].key, *([] if name == EMBEDDINGS.name else ["doc_id"])]
    try:
        rows = lance_files.rows_of(table, version, file, list(dict.fromkeys(columns)))
    except _UNREADABLE:
        return Damage(f"table {name}", file, f"{what}, and its rows cannot be read")
    keys = rows[columns[0]].to_pylist()
    documents = [""] * len(keys) if name == EMBEDDINGS.name else rows["doc_id"].to_pylist()
    return Damage(f"table {name}", file, what, rows=tuple(zip(keys, documents, strict=True)))


def _check_records(home: Home) -> Iterator[Damage]:
    for number in release_numbers(home):
        if read_release(home, number) is None:
            yield Damage("releases", str(number), "its record does not match its checksum")


def _check_documents(home: Home) -> Iterator[Damage]:
    for path in damaged_documents(home):
        yield Damage("file", path.relative_to(home.root).as_posix(), "it does not match its checksum")


def _check_quarantine(home: Home) -> Iterator[Damage]:
    for file, what in damaged_quarantine(home):
        yield Damage(f"table {QUARANTINE.name}", file, what)


def _check_journal(home: Home) -> Iterator[Damage]:
    for table in JOURNAL_TABLES:
        for file, number in journal.damaged_lines(home, table):
            yield Damage("journal", f"{file}, line {number}", "it does not match its checksum")


def _check_sizes(home: Home, release: Release) -> Iterator[Damage]:
    for name, head in release.tables.items():
        try:
            for file in lance_files.broken_files(LanceTable(home.table(name)), TableVersion.parse(head).version):
                yield Damage(f"table {name}", file, "the size of the file differs from its manifest")
        except EngineError as error:
            yield Damage(f"table {name}", "", str(error))


def _check_keyword_index(home: Home, release: Release) -> Iterator[Damage]:
    folder = home.keyword / release.keyword.generation
    for name, expected in release.keyword.files.items():
        sha256 = _sha256(folder / name)
        if sha256 != expected:
            yield Damage("keyword index", name, "it does not match its checksum" if sha256 else "it is missing")


def _sha256(path: Path) -> str:
    try:
        return file_sha256(path)
    except OSError:
        return ""


class _RowCheck:
    """Reads all rows of a release, a batch of documents with their chunks at a time.

    A batch that cannot be decoded is split until the damaged rows are known.
    """

    def __init__(self, home: Home, release: Release) -> None:
        self._home, self._release = home, release
        self._damage: list[Damage] = []
        self._sound_chunks: dict[str, tuple[str, int]] = {}
        """Id of each sound chunk to the hash of its text, and a hash of what its embedding repeats of it."""
        self.count = 0

    def run(self) -> list[Damage]:
        """All damaged rows."""
        documents = [document for document, _ in self._keys(DOCUMENTS, DOCUMENTS.key)]
        chunks: dict[str, list[str]] = {}
        for chunk, document in self._keys(CHUNKS, "doc_id"):
            chunks.setdefault(document, []).append(chunk)
        orphaned = sorted(chunks.keys() - set(documents))
        for batch in _reported("documents", [*documents, *orphaned], _BATCH_DOCUMENTS):
            sound = self._check_documents(batch)
            self._check_chunks({chunk: document for document in batch for chunk in chunks.get(document, ())}, sound)
        self._check_vectors([chunk for chunk, _ in self._keys(EMBEDDINGS, EMBEDDINGS.key)])
        return self._damage

    def _check_documents(self, keys: Sequence[str]) -> dict[str, DocumentRow]:
        """The sound documents by id."""
        sound = {}
        for row in self._read(DOCUMENTS, DocumentRow, keys):
            if fault := _document_fault(row):
                self._add(DOCUMENTS, row["doc_id"], fault, row["doc_id"])
            else:
                sound[row["doc_id"]] = row
        return sound

    def _check_chunks(self, of_chunk: Mapping[str, str], documents: Mapping[str, DocumentRow]) -> None:
        """Check chunks, given the document of each and the sound documents."""
        found: dict[str, list[ChunkRow]] = {document: [] for document in documents}
        for row in self._read(CHUNKS, ChunkRow, list(of_chunk), of_chunk):
            document = documents.get(row["doc_id"])
            if fault := _chunk_fault(row, document["text"] if document is not None else None):
                self._add(CHUNKS, row["chunk_id"], fault, row["doc_id"])
            else:
                found[row["doc_id"]].append(row)
        for key, rows in found.items():
            self._check_places(documents[key], rows)
        damaged = {damage.document for damage in self._damage}
        for key, rows in found.items():
            if key not in damaged and not _is_complete(rows, documents[key]["text"]):
                self._add(CHUNKS, "", "a chunk is missing", key)

    def _check_places(self, document: DocumentRow, chunks: Sequence[ChunkRow]) -> None:
        """Check what the chunks of a document repeat of it, and where they are in it."""
        ranges = [(row["start_char"], row["end_char"]) for row in chunks]
        for row, expected in zip(chunks, repeated_columns(document, parsed_document(document), ranges), strict=True):
            own: Mapping[str, object] = row
            wrong = [name for name, value in expected.items() if own[name] != value]
            if wrong:
                self._add(CHUNKS, row["chunk_id"], f"its {wrong[0]} is not that of its document", row["doc_id"])
            else:
                self._sound_chunks[row["chunk_id"]] = row["text_hash"], _repeated(row)

    def _check_vectors(self, keys: Sequence[str]) -> None:
        for batch in _reported("vectors", keys, _BATCH_ROWS):
            for row in self._read(EMBEDDINGS, EmbeddingRow, batch):
                chunk = self._sound_chunks.get(row["chunk_id"])
                if chunk is None:
                    continue  # its chunk is damaged or missing
                if fault := _vector_fault(row, *chunk, self._release.fingerprints["embedder"]):
                    self._add(EMBEDDINGS, row["chunk_id"], fault)
        missing = self._sound_chunks.keys() - set(keys) if not self._release.is_early else set()
        for key in sorted(missing):
            self._add(EMBEDDINGS, key, "it is missing")

    def _keys(self, definition: Table, column: str) -> list[tuple[str, str]]:
        """The key of every row, and another column."""
        table, version = self._table(definition)
        try:
            rows = table.read(list(dict.fromkeys((definition.key, column))), version=version)
        except _UNREADABLE as error:
            self._add(definition, "", f"it cannot be read: {error}")
            return []
        return list(zip(rows[definition.key].to_pylist(), rows[column].to_pylist(), strict=True))

    def _read(
        self, definition: Table, kind: type[Row], keys: Sequence[str], documents: Mapping[str, str] | None = None
    ) -> Iterator[Row]:
        """The rows with these keys. `documents` gives the document of a chunk that cannot be read."""
        table, version = self._table(definition)
        try:
            rows = rows_of(table.read(None, is_in(definition.key, keys), version), kind) if keys else []
        except _UNREADABLE as error:
            if len(keys) > 1:
                for half in batched(keys, (len(keys) + 1) // 2):
                    yield from self._read(definition, kind, half, documents)
                return
            document = "" if definition is EMBEDDINGS else (documents or {}).get(keys[0], keys[0])
            self._add(definition, keys[0], f"it cannot be read: {error}", document)
            return
        self.count += len(rows)
        yield from rows

    def _table(self, definition: Table) -> tuple[LanceTable, int]:
        version = TableVersion.parse(self._release.tables[definition.name]).version
        return LanceTable(self._home.table(definition.name)), version

    def _add(self, definition: Table, key: str, what: str, document: str = "") -> None:
        self._damage.append(Damage(f"table {definition.name}", key, what, document))


def _reported(unit: str, keys: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """Batches of keys, with a progress report before each and at the end."""
    done = 0
    for batch in batched(keys, size):
        progress.report(f"reading {unit}", done, len(keys), unit)
        yield batch
        done += len(batch)
    progress.report(f"reading {unit}", done, len(keys), unit)


def _is_complete(chunks: Sequence[ChunkRow], text: str) -> bool:
    """Whether the ordinals of the chunks have no gap, and the last chunk ends at the end of the text."""
    ordinals = sorted(row["ordinal"] for row in chunks)
    end = max((row["end_char"] for row in chunks), default=0)
    return ordinals == list(range(len(ordinals))) and end >= len(text.rstrip())


def _document_fault(row: DocumentRow) -> str:
    """What is wrong with the row of a document; "" if nothing is."""
    if row["doc_id"] != ids.document_id(row["source"], row["path"]):
        return "its id does not match its source and path"
    masking = row["masking"] if row["masked"] else ""
    if row["revision"] != ids.revision(row["content_hash"], row["parser"], row["uri"], masking):
        return "its revision does not match its content, parser and location"
    try:
        stored = ids.content_hash(parsed_document(row).stored_bytes)
    except (LookupError, ValueError, TypeError) as error:
        return f"its text or structure cannot be read: {error}"
    is_file = row["verbatim"] and not row["masked"]
    if stored != row["stored_hash"] or (is_file and stored != row["content_hash"]):
        return "its text differs from the file" if is_file else "its text differs from what was stored"
    return ""


def _chunk_fault(row: ChunkRow, text: str | None) -> str:
    """What is wrong with a chunk; `text` is that of its document, None if the document is damaged or missing."""
    if row["text_hash"] != ids.text_hash(row["heading"], row["text"]):
        return "its text does not match its hash"
    if row["chunk_id"] != ids.chunk_id(row["doc_id"], row["ordinal"], row["text"], row["chunker"]):
        return "its id does not match its document, ordinal and text"
    if text is None:
        return "its document is damaged or missing"
    if text[row["start_char"] : row["end_char"]] != row["text"]:
        return "its text differs from this part of its document"
    return ""


def _repeated(row: ChunkRow | EmbeddingRow) -> int:
    """A hash of the columns that an embedding repeats of its chunk."""
    return hash((row["source"], row["path"], row["language"], row["kind"], tuple(row["acl"]), row["modified"]))


def _vector_fault(row: EmbeddingRow, text_hash: str, repeated: int, model: str) -> str:
    if row["text_hash"] != text_hash:
        return "it is not the vector of the text of its chunk"
    if _repeated(row) != repeated:
        return "it is found by other filters than its chunk"
    if row["model"] != model:
        return f"it was made by {row['model']}"
    length = float(np.linalg.norm(np.asarray(row["vector"], np.float32)))
    return "" if abs(length - 1.0) <= _LENGTH_TOLERANCE else f"its length is {length:.3f}, not 1"


def mark_for_repair(home: Home, report: ScrubReport) -> int:
    """Let the next ingest repair what is damaged. Returns the number of documents that it will read.

    It reads damaged documents from their files again, cuts and embeds their chunks again, and builds all indexes from
    the rows. Until it publishes, searches see the release that they saw before, unless a whole table is set aside,
    because its manifest is damaged. Hold the writer lock.
    """
    for table in JOURNAL_TABLES:
        journal.drop_damaged(home, table)
    for path in damaged_documents(home):
        os.replace(path, home.quarantine / f"{path.name}.damaged")
    _set_aside(home, report.damage)
    found = [(damage.place, *row) for damage in report.damage for row in damage.affected]
    rows = {key for place, key, document in found if place == f"table {DOCUMENTS.name}" and document}
    documents = {document for _, _, document in found if document}
    vectors = {key for place, key, _ in found if place == f"table {EMBEDDINGS.name}"}
    _delete(home, DOCUMENTS, "doc_id", rows)  # any column of a damaged row may be wrong, even the path
    _clear_version_marks(home, documents - rows)
    _delete(home, CHUNKS, "doc_id", documents)
    _delete(home, EMBEDDINGS, "chunk_id", vectors)
    lance_vectors.drop(open_table(home, EMBEDDINGS))
    reset_steps(home)
    return len(documents)


def _set_aside(home: Home, damage: Iterable[Damage]) -> None:
    """Move tables to quarantine that have a damaged manifest, or a file of which not even the keys can be read.

    Nothing in them can be trusted, or they cannot be read at all. An ingest builds them again. Of the other tables,
    manifests of other versions that cannot be decoded are moved.
    """
    worst = {each.place: f"{each.key}: {each.what}" for each in damage if each.is_beyond_rows}
    for name in TABLES:
        why, table = worst.get(f"table {name}"), LanceTable(home.table(name))
        if not table.path.exists():  # recovery may have moved it already
            continue
        if why:
            moved = lance_recovery.set_aside_after(table, 0, home.quarantine)
        else:
            moved, why = lance_recovery.set_aside_unreadable(table, home.quarantine), "its manifest cannot be decoded"
        if moved:
            after = table.head().version if table.path.exists() else 0
            note = RecoveryNote(table=name, moved=moved, after=after, why=why, at=datetime.now(UTC))
            write_recovery_note(home, note)


def _clear_version_marks(home: Home, keys: Iterable[str]) -> None:
    """Clear the version marks of documents, so that their files count as changed."""
    table = open_table(home, DOCUMENTS)
    for batch in batched(sorted(keys), _BATCH_DOCUMENTS):
        rows = rows_of(table.read(None, is_in(DOCUMENTS.key, batch)), DocumentRow)
        cleared = [{**row, "stat": ""} for row in rows]
        table.upsert(DOCUMENTS.key, pa.Table.from_pylist(cleared, schema=DOCUMENTS.schema))


def _delete(home: Home, definition: Table, column: str, values: Iterable[str]) -> None:
    for batch in batched(sorted(values), _BATCH_ROWS):
        open_table(home, definition).delete(is_in(column, batch))

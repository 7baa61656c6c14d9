"""Reads the files of a plan into document rows and refusals, and commits them in batches."""

import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa

from native.lance_tables import LanceTable
from omni_pipelines import ids, progress
from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.rows import DocumentRow
from omni_pipelines.schemas import DOCUMENTS
from omni_pipelines.sources.model.file_reads import refuse_large, refuse_pointer
from omni_pipelines.sources.model.listing import FileContent, Listing, ReadFile, SourceFile
from omni_pipelines.sources.model.source import Source
from omni_pipelines.steps.document_plan import SourcePlan
from omni_pipelines.steps.parser_process import DocumentParser
from omni_pipelines.steps.quarantine import Refusal, record_refusals
from omni_pipelines.steps.step import BatchSizes, RunContext
from omni_pipelines.text.document_rows import structure_json
from omni_pipelines.text.languages import language_of
from omni_pipelines.text.readers.registry import UNKNOWN, Reader, parser_mark, reader_by_content
from omni_pipelines.text.readers.signatures import unread_format
from omni_pipelines.text.secrets.masking import MaskedDocument, mask_document, masking_of

_SPOKEN = ("prose", "markup")
"""Kinds of documents that are in a natural language."""
CHANGED_ATTEMPTS, CHANGED_PAUSE_SECONDS = 3, 0.05
"""How often a file that changes during the read is read, and the pause in between."""


@dataclass
class ReadOutcome:
    """What reading the files of one plan produced."""

    added: int = 0
    changed: int = 0
    masked: int = 0
    contents: set[str] = field(default_factory=set)
    """Content hashes of the added documents."""
    refused: list[Refusal] = field(default_factory=list)
    partial: set[str] = field(default_factory=set)
    """Paths of the files that were read only in part."""


@dataclass
class _Batch:
    """What was read since the last commit."""

    rows: list[DocumentRow] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    """Files that were not read, or only in part."""
    began: float = field(default_factory=time.monotonic)

    def is_full(self, limits: BatchSizes) -> bool:
        """Whether it is large or old enough to be committed."""
        is_large = len(self.rows) >= limits.files or sum(row["size"] for row in self.rows) >= limits.file_bytes
        return is_large or time.monotonic() - self.began >= limits.seconds


class DocumentWriter:
    """Reads the files of plans and commits what it found in batches. `total` is for progress reports."""

    def __init__(self, run: RunContext, documents: LanceTable, parser: DocumentParser, total: int) -> None:
        self._documents = documents
        self._home, self._settings, self._parser = run.home, run.settings, parser
        self._total, self._done = total, 0
        self._batches, self._session = run.batches, run.session
        self.racy: set[str] = set()
        """Sources with a file that changed while it was read: they are listed again in the next run."""
        self._marks: dict[tuple[str, str], str] = {}
        """Source and path to the version mark of a file that the listing knew only by name."""

    def completed(self, listing: Listing) -> Listing:
        """The listing, with the version marks that only reading revealed."""
        marks = {path: mark for (name, path), mark in self._marks.items() if name == listing.source.name}
        files = (replace(file, version_mark=marks.get(file.path, file.version_mark)) for file in listing.files)
        return replace(listing, files=tuple(files)) if marks else listing

    def write(self, plan: SourcePlan) -> ReadOutcome:
        """Read the files of a plan, and write the rows of those that can be read and of those that cannot."""
        outcome, batch = ReadOutcome(), _Batch()
        if not plan.to_read:
            return outcome
        with self._session.open(plan.listing.source) as read:
            for file in plan.to_read:
                progress.report("reading files", self._done, self._total, "files", file.path)
                self._done += 1
                found = self._read(plan, file, read)
                if isinstance(found, Refusal):
                    batch.refused.append(found)
                    outcome.refused.append(found)
                else:
                    _count(outcome, found, plan.stored.get(file.path))
                    batch.rows.append(found)
                    if found["partial"]:
                        outcome.partial.add(file.path)
                        batch.refused.append(_partial_refusal(file, found))
                if batch.is_full(self._batches):
                    self._commit(plan, batch)
                    batch = _Batch()
        self._commit(plan, batch)
        progress.report("reading files", self._done, self._total, "files")
        return outcome

    def _commit(self, plan: SourcePlan, batch: _Batch) -> None:
        if batch.rows:
            self._documents.upsert(DOCUMENTS.key, pa.Table.from_pylist(batch.rows, schema=DOCUMENTS.schema))
        record_refusals(self._home, plan.listing.source.name, batch.refused)

    def _read(self, plan: SourcePlan, file: SourceFile, read: ReadFile) -> DocumentRow | Refusal:
        """The row of a file, or why it was refused."""
        source = plan.listing.source
        reader, mark = file.reader, ""
        try:
            content = _read_settled(read, file, self._limit(file.reader))
            raw, mark = content.raw, content.version_mark
            refuse_pointer(raw)
            reader = reader_by_content(content.reader or file.reader, raw)
            refuse_large(len(raw), self._limit(reader))  # files of a kind that nobody knows before may be larger
            parsed = self._parser.read(reader, raw, Path(file.path).name, content.charset)
            if not parsed.text.strip():
                raise Unreadable(RefusalCode.NO_TEXT, "no text in it")
        except Unreadable as error:
            if error.code == RefusalCode.CHANGED:
                self.racy.add(source.name)
            if file.reader is UNKNOWN and error.code in (RefusalCode.BINARY, RefusalCode.ENCODING):
                error = Unreadable(RefusalCode.KIND, f"no reader for {unread_format(raw)}")
            return Refusal(self._marked(source, file, mark or error.mark), parser_mark(file.reader, reader), error)
        file = self._marked(source, file, mark)
        if not mark or mark != file.version_mark:
            self.racy.add(source.name)
        if content.mtime_ns is not None:
            file = replace(file, mtime_ns=content.mtime_ns)
        masked = mask_document(parsed, masking_of(self._settings, source.name))
        return document_row(source, file, reader, raw, mark, masked)

    def _marked(self, source: Source, file: SourceFile, mark: str) -> SourceFile:
        """A file with its version mark, if it had none before it was read."""
        if not file.is_provisional or not mark:
            return file
        self._marks[source.name, file.path] = mark
        return replace(file, version_mark=mark)

    def _limit(self, reader: Reader) -> int:
        return self._settings.max_binary_bytes if reader.binary else self._settings.max_file_bytes


def _count(outcome: ReadOutcome, row: DocumentRow, stored: DocumentRow | None) -> None:
    """Count a row as added or changed. A file that was only touched keeps its stored time, and counts as neither."""
    outcome.masked += row["masked"]
    if stored is None:
        outcome.added += 1
        outcome.contents.add(row["content_hash"])
    elif stored["revision"] == row["revision"]:
        row["mtime_ns"] = stored["mtime_ns"]
    else:
        outcome.changed += 1


def _partial_refusal(file: SourceFile, row: DocumentRow) -> Refusal:
    """Why a file was read only in part: a row of quarantine beside its document."""
    read = replace(file, version_mark=row["stat"])
    return Refusal(read, row["parser"], Unreadable(RefusalCode.PARTIAL, row["partial"]))


def _read_settled(read: ReadFile, file: SourceFile, limit: int) -> FileContent:
    """Read a file; again if it changed during the read: most programs finish writing within a moment."""
    for _ in range(CHANGED_ATTEMPTS - 1):
        try:
            return read(file, limit)
        except Unreadable as error:
            if error.code != RefusalCode.CHANGED:
                raise
            time.sleep(CHANGED_PAUSE_SECONDS)
    return read(file, limit)


def document_row(
    source: Source, file: SourceFile, reader: Reader, raw: bytes, stat: str, masked: MaskedDocument
) -> DocumentRow:
    """The row of a document. `reader` read it; the content may have chosen another one than the file's name."""
    content, parsed = ids.content_hash(raw), masked.parsed
    parser = parser_mark(file.reader, reader)
    masking = masked.masking.fingerprint
    return DocumentRow(
        doc_id=ids.document_id(source.name, file.path),
        source=source.name,
        path=file.path,
        uri=source.uri(file.path),
        media_type=reader.media_type,
        kind=reader.kind,
        language=language_of(parsed) if reader.kind in _SPOKEN else reader.language,
        title=parsed.title[:300],
        size=len(raw),
        mtime_ns=file.mtime_ns,
        stat=stat,
        content_hash=content,
        stored_hash=ids.content_hash(parsed.stored_bytes),
        encoding=parsed.decoded.encoding,
        bom_bytes=parsed.decoded.bom_bytes,
        encoding_probability=parsed.decoded.probability,
        verbatim=parsed.verbatim,
        partial=parsed.partial,
        text=parsed.text,
        structure=structure_json(parsed),
        parser=parser,
        masking=masking,
        findings=masked.findings,
        masked=masked.masked,
        revision=ids.revision(content, parser, source.uri(file.path), masking if masked.masked else ""),
        acl=list(source.acl),
    )

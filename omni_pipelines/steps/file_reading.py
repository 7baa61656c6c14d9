"""Reads a file of a source into document rows: one for the file, and one for each file embedded in it.

A file inside a file, such as an attachment of a mail or a member of an archive, has the path `FILE/NAME` and the
version mark of the file around it. The row of the outer file comes last, so that a killed run reads it again.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from omni_pipelines import ids
from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.rows import DocumentRow
from omni_pipelines.settings import Settings
from omni_pipelines.sources.model.file_reads import refuse_empty, refuse_large
from omni_pipelines.sources.model.listing import FileContent, ReadFile, SourceFile
from omni_pipelines.sources.model.names import shown_name
from omni_pipelines.sources.model.source import Source, path_filter
from omni_pipelines.steps.parser_process import DocumentParser
from omni_pipelines.steps.quarantine import Refusal
from omni_pipelines.text.document import EmbeddedFile
from omni_pipelines.text.document_rows import structure_json
from omni_pipelines.text.languages import language_of
from omni_pipelines.text.readers.registry import Reader, parser_mark, reader_by_content, reader_for
from omni_pipelines.text.secrets.masking import MaskedDocument, mask_document, masking_of

_SPOKEN = ("prose", "markup")
"""Kinds of documents that are in a natural language."""
CHANGED_ATTEMPTS, CHANGED_PAUSE_SECONDS = 3, 0.05
"""How often a file that changes during the read is read, and the pause in between."""


@dataclass(frozen=True)
class EmbeddingLimits:
    """How much is read of the files inside one file of a source."""

    depth: int = 4
    """Files inside one another, below the file of the source."""
    files: int = 20_000
    file_bytes: int = 2 << 30
    """All of them together."""


@dataclass(frozen=True)
class ReadDocument:
    """A file, and the row of its document."""

    file: SourceFile
    row: DocumentRow


Found = ReadDocument | Refusal


@dataclass
class _Budget:
    """What may still be read inside one file of a source."""

    files: int
    file_bytes: int

    def allows(self, size: int) -> bool:
        """Take one file of so many bytes, if that is still allowed."""
        self.files, self.file_bytes = self.files - 1, self.file_bytes - size
        return self.files >= 0 and self.file_bytes >= 0


class FileReader:
    """Reads the files of one source."""

    def __init__(
        self,
        source: Source,
        settings: Settings,
        parser: DocumentParser,
        read: ReadFile,
        limits: EmbeddingLimits | None = None,
    ) -> None:
        self._source, self._settings, self._parser, self._read = source, settings, parser, read
        self._limits = limits or EmbeddingLimits()
        self._is_wanted = path_filter(source)
        self.is_racy = False
        """Whether a file changed while it was read: the source is listed again in the next run."""
        self.marks: dict[str, str] = {}
        """Path to the version mark of a file that the listing knew only by name."""

    def read(self, file: SourceFile) -> Iterator[Found]:
        """What is embedded in a file, as far as it can be read, and at last the file itself."""
        mark = ""
        try:
            content = _read_settled(self._read, file, self._limit(file.reader))
            mark = content.version_mark
        except Unreadable as error:
            self.is_racy = self.is_racy or error.code == RefusalCode.CHANGED
            yield Refusal(self._marked(file, error.mark), file.reader.fingerprint, error)
            return
        file = self._marked(file, mark)
        if content.mtime_ns is not None:
            file = replace(file, mtime_ns=content.mtime_ns)
        budget = _Budget(self._limits.files, self._limits.file_bytes)
        for found in self._read_content(file, content, budget, self._limits.depth):
            is_read = found.file is file and isinstance(found, ReadDocument)
            self.is_racy = self.is_racy or (is_read and (not mark or mark != file.version_mark))
            yield found

    def _marked(self, file: SourceFile, mark: str) -> SourceFile:
        """A file with its version mark, if it had none before it was read."""
        if not file.is_provisional or not mark:
            return file
        self.marks[file.path] = mark
        return replace(file, version_mark=mark)

    def _read_content(self, file: SourceFile, content: FileContent, budget: _Budget, depth: int) -> Iterator[Found]:
        """The documents in the bytes of a file; `depth` is how many levels of files inside it are read."""
        reader = file.reader
        try:
            reader = reader_by_content(content.reader or file.reader, content.raw)
            refuse_large(len(content.raw), self._limit(reader))  # files of an unknown kind may be larger before
            parsed = self._parser.read(reader, content.raw, PurePosixPath(file.path).name, content.charset)
            if not parsed.text.strip():
                raise Unreadable(RefusalCode.NO_TEXT, "no text in it")
        except Unreadable as error:
            yield Refusal(file, parser_mark(file.reader, reader), error)
            return
        unread = 0
        for embedded in parsed.embedded:
            inner = self._embedded(file, embedded, content.version_mark)
            if inner is not None and depth and budget.allows(len(embedded.raw)):
                inner_content = FileContent(embedded.raw, content.version_mark, charset=embedded.charset)
                yield from self._read_embedded(inner, inner_content, budget, depth - 1)
            elif inner is not None:
                unread += 1
        if unread and not parsed.partial:
            parsed = replace(
                parsed, partial=f"{unread:,} of the files inside it were not read: {self._reason(depth)}"
            )
        masked = mask_document(replace(parsed, embedded=()), masking_of(self._settings, self._source.name))
        row = document_row(self._source, file, reader, content.raw, content.version_mark, masked)
        yield ReadDocument(file, row)

    def _read_embedded(self, file: SourceFile, content: FileContent, budget: _Budget, depth: int) -> Iterator[Found]:
        try:
            refuse_large(len(content.raw), self._limit(file.reader))
            refuse_empty(content.raw)
        except Unreadable as error:
            yield Refusal(file, file.reader.fingerprint, error)
            return
        yield from self._read_content(file, content, budget, depth)

    def _embedded(self, outer: SourceFile, embedded: EmbeddedFile, mark: str) -> SourceFile | None:
        """A file inside another; None if it is empty, no reader reads it, or the source leaves it out."""
        name = shown_name(embedded.name)
        reader = reader_for(name)
        path = f"{outer.path}/{name}"
        if reader is None or not embedded.raw or not self._is_wanted(path):
            return None
        return SourceFile(path, len(embedded.raw), outer.mtime_ns, mark, reader)

    def _reason(self, depth: int) -> str:
        limits = self._limits
        if not depth:
            return f"they are more than {limits.depth} levels deep"
        return f"more than {limits.files:,} files or {limits.file_bytes >> 20:,} MiB"

    def _limit(self, reader: Reader) -> int:
        return self._settings.max_binary_bytes if reader.binary else self._settings.max_file_bytes


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

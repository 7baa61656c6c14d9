"""Reads a file of a source into document rows: one for the file, and one for each file embedded in it.

A file inside a file, such as an attachment of a mail or a member of an archive, has the path `FILE/NAME` and the
version mark of the file around it. The row of the outer file comes last, so that a killed run reads it again.
"""

from __future__ import annotations

import io
import time
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import IO

from omni_pipelines import ids
from omni_pipelines.refusals import RefusalCode, Unreadable, UnreadFile
from omni_pipelines.rows import DocumentRow
from omni_pipelines.settings import Settings
from omni_pipelines.sources.local.archive import read_entry
from omni_pipelines.sources.model.file_reads import refuse_empty, refuse_large, refuse_pointer, settled_mark
from omni_pipelines.sources.model.limits import DEFAULT_LIMITS, SourceLimits
from omni_pipelines.sources.model.listing import FileContent, ReadFile, SourceFile
from omni_pipelines.sources.model.names import shown_name
from omni_pipelines.sources.model.selection import FileSelection
from omni_pipelines.sources.model.source import Source
from omni_pipelines.steps.document_plan import NOT_UNPACKED
from omni_pipelines.steps.office_conversion import converted
from omni_pipelines.steps.parser_process import DocumentParser
from omni_pipelines.steps.quarantine import Refusal
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.document_rows import structure_json
from omni_pipelines.text.languages import language_of
from omni_pipelines.text.readers.archives.archive import contents, open_archive
from omni_pipelines.text.readers.formats import UNKNOWN, Reader
from omni_pipelines.text.readers.registry import parser_mark, reader_by_content
from omni_pipelines.text.readers.signatures import unread_format
from omni_pipelines.text.secrets.masking import MaskedDocument, mask_document, masking_of
from omni_pipelines.workers import Workers

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
    source: SourceLimits = DEFAULT_LIMITS


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


@dataclass(frozen=True)
class OpenedFile:
    """A file of a source with its bytes, or with the reason why they cannot be read."""

    file: SourceFile
    content: FileContent | Unreadable


class FileReader:
    """Reads the files of one source: their bytes in this process, what is in them on the workers.

    What is in an archive may be more than a worker could send at once, so it is read in this process.
    """

    def __init__(self, read: ReadFile, contents: ContentReader, workers: Workers) -> None:
        self._read, self._contents, self._workers = read, contents, workers
        self.unread: dict[str, UnreadFile] = {}
        """Path to the files inside others that were left out."""
        self.is_racy = False
        """Whether a file changed while it was read: the source is listed again in the next run."""
        self.marks: dict[str, str] = {}
        """Path to the version mark of a file that the listing knew only by name."""

    def read_all(self, files: Sequence[SourceFile]) -> Iterator[tuple[SourceFile, Iterator[Found]]]:
        """Each file with what is embedded in it, as far as it can be read, and at last the file itself.

        Archives come last.
        """
        others = [file for file in files if not file.reader.is_archive]
        for opened, found in self._workers.map(self._contents, map(self._open, others), total=len(others)):
            yield opened.file, self._noted(opened, found)
        for file in files:
            if file.reader.is_archive:
                opened = self._open(file)
                yield opened.file, self._noted(opened, self._contents(opened))

    def _open(self, file: SourceFile) -> OpenedFile:
        try:
            content = _read_settled(self._read, file, self._contents.limit(file.reader))
        except Unreadable as error:
            self.is_racy = self.is_racy or error.code == RefusalCode.CHANGED
            return OpenedFile(self._marked(file, error.mark), error)
        file = self._marked(file, content.version_mark)
        if content.mtime_ns is not None:
            file = file._replace(mtime_ns=content.mtime_ns)
        return OpenedFile(file, content)

    def _noted(self, opened: OpenedFile, found: Iterable[Found | UnreadFile]) -> Iterator[Found]:
        """What was found, without the files that were left out, which are noted."""
        mark = opened.content.version_mark if isinstance(opened.content, FileContent) else ""
        for each in found:
            if isinstance(each, UnreadFile):
                self.unread[each.path] = each
                continue
            is_read = each.file.path == opened.file.path and isinstance(each, ReadDocument)
            self.is_racy = self.is_racy or (is_read and (not mark or mark != opened.file.version_mark))
            yield each

    def _marked(self, file: SourceFile, mark: str) -> SourceFile:
        """A file with its version mark, if it had none before it was read."""
        if not file.is_provisional or not mark:
            return file
        self.marks[file.path] = mark
        return file._replace(version_mark=mark)


class ContentReader:
    """Reads what is in files of one source whose bytes are known."""

    def __init__(
        self, source: Source, settings: Settings, parser: DocumentParser, limits: EmbeddingLimits | None = None
    ) -> None:
        self._source, self._settings, self._parser = source, settings, parser
        self._limits = limits or EmbeddingLimits()
        self._selection = FileSelection(source)

    def __reduce__(self) -> tuple[object, ...]:
        """To another process goes what it was made from."""
        return ContentReader, (self._source, self._settings, self._parser, self._limits)

    def __call__(self, opened: OpenedFile) -> Iterator[Found | UnreadFile]:
        """What is embedded in a file, the file itself, and at last what was left out of the files inside it."""
        file, content = opened.file, opened.content
        if isinstance(content, Unreadable):
            yield Refusal(file, file.reader.fingerprint, content)
            return
        self._selection = FileSelection(self._source)
        budget = _Budget(self._limits.files, self._limits.file_bytes)
        yield from self._read_content(file, content, budget, self._limits.depth)
        yield from self._selection.unread

    def limit(self, reader: Reader) -> int:
        """The maximum size of a file for a reader in bytes."""
        return self._settings.max_binary_bytes if reader.binary else self._settings.max_file_bytes

    def _read_content(self, file: SourceFile, content: FileContent, budget: _Budget, depth: int) -> Iterator[Found]:
        """The documents in the bytes of a file; `depth` is how many levels of files inside it are read."""
        reader = used = file.reader
        try:
            refuse_pointer(content.raw)
            if content.path is None:
                reader = reader_by_content(content.reader or file.reader, content.raw)
                used = reader
                refuse_large(len(content.raw), self.limit(reader))  # an unknown kind may have been allowed more
            if reader.is_archive:
                parsed = yield from self._read_archive(file, content, budget, depth)
            else:
                used, raw = converted(reader, content.raw, file.path)
                parsed = self._parser.read(used, raw, PurePosixPath(file.path).name, content.charset)
            if not parsed.text.strip():
                raise Unreadable(RefusalCode.NO_TEXT, "no text in it")
            parsed = yield from self._read_embedded(file, parsed, content.version_mark, budget, depth)
            hashed = _content_hash(content)
        except Unreadable as error:
            if file.reader is UNKNOWN and error.code in (RefusalCode.BINARY, RefusalCode.ENCODING):
                error = Unreadable(RefusalCode.KIND, f"no reader for {unread_format(content.raw)}")
            yield Refusal(file, parser_mark(file.reader, used), error)
            return
        masked = mask_document(parsed, masking_of(self._settings, self._source.name))
        document = _Document(file, reader, used, content.version_mark, hashed, len(content.raw) or file.size)
        yield ReadDocument(file, document.row(self._source, masked))

    def _read_embedded(
        self, file: SourceFile, parsed: Parsed, mark: str, budget: _Budget, depth: int
    ) -> Generator[Found, None, Parsed]:
        """The documents embedded in another. Returns that other one, without them."""
        unread = 0
        for each in parsed.embedded:
            inner = self._inner_file(file, each.name, len(each.raw), mark, 0)
            if inner is not None and depth and budget.allows(inner.size):
                yield from self._read_inner(inner, FileContent(each.raw, mark, charset=each.charset), budget, depth)
            elif inner is not None:
                unread += 1
        return self._without_unread(replace(parsed, embedded=()), unread, depth)

    def _read_archive(
        self, file: SourceFile, content: FileContent, budget: _Budget, depth: int
    ) -> Generator[Found, None, Parsed]:
        """The documents in an archive. Returns the one that lists its entries.

        Raises:
            Unreadable: the archive cannot be opened, or changed while it was read.
        """
        name, mark = PurePosixPath(file.path).name, content.version_mark
        limits = self._limits.source
        archive_limits = replace(limits.archive, inflated_bytes=self._limits.file_bytes)
        with _opened(content) as stream, open_archive(stream, name, archive_limits) as archive:
            is_forgotten = self._selection.is_forgotten
            parsed = contents(archive, name, lambda entry: not is_forgotten(f"{file.path}/{shown_name(entry)}"))
            if not self._settings.unpack_archives:
                return replace(parsed, partial=NOT_UNPACKED)
            unread = 0
            counts = Counter(entry.name for entry in archive.entries)
            for entry in archive.entries:
                if self._selection.is_ruled_out(shown_name(entry.name), inside=f"{file.path}/"):
                    continue
                inner = self._inner_file(file, entry.name, entry.size, mark, entry.mtime_ns)
                if inner is not None and not (depth and budget.allows(entry.size)):
                    unread += 1
                elif inner is not None:
                    try:
                        raw = read_entry(entry, self.limit(inner.reader), limits, counts[entry.name])
                    except Unreadable as error:
                        yield Refusal(inner, inner.reader.fingerprint, error)
                    else:
                        yield from self._read_inner(inner, FileContent(raw, mark), budget, depth)
        if content.path is not None and mark and settled_mark(content.path, limits.racy_ns) != mark:
            raise Unreadable(RefusalCode.CHANGED, "the file changed while it was read")
        return self._without_unread(parsed, unread, depth)

    def _read_inner(self, file: SourceFile, content: FileContent, budget: _Budget, depth: int) -> Iterator[Found]:
        try:
            refuse_large(file.size, self.limit(file.reader))
            refuse_empty(content.raw)
        except Unreadable as error:
            yield Refusal(file, file.reader.fingerprint, error)
            return
        yield from self._read_content(file, content, budget, depth - 1)

    def _inner_file(self, outer: SourceFile, name: str, size: int, mark: str, mtime_ns: int) -> SourceFile | None:
        """A file inside another; None if it is empty, no reader reads it, or the source leaves it out."""
        shown = shown_name(name)
        path = f"{outer.path}/{shown}"
        reader = self._selection.reader_of(path, size)
        if reader is None:
            return None
        return SourceFile(path, size, mtime_ns or outer.mtime_ns, mark, reader)

    def _without_unread(self, parsed: Parsed, unread: int, depth: int) -> Parsed:
        """A document that says how many of the files inside it were not read."""
        if not unread or parsed.partial:
            return parsed
        limits = self._limits
        beyond = f"more than {limits.files:,} files or {limits.file_bytes >> 20:,} MiB"
        reason = beyond if depth else f"they are more than {limits.depth} levels deep"
        return replace(parsed, partial=f"{unread:,} of the files inside it were not read: {reason}")


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


@contextmanager
def _opened(content: FileContent) -> Iterator[IO[bytes]]:
    try:
        stream: IO[bytes] = io.BytesIO(content.raw) if content.path is None else content.path.open("rb")
    except OSError as error:
        raise Unreadable(RefusalCode.IO, f"{error.strerror}") from error
    with stream:
        yield stream


def _content_hash(content: FileContent) -> str:
    return ids.content_hash(content.raw) if content.path is None else ids.file_content_hash(content.path)


@dataclass(frozen=True)
class _Document:
    """A document that was read. `reader` read it; the content may have chosen another one than the file's name."""

    file: SourceFile
    reader: Reader
    used: Reader
    """The reader of what LibreOffice made of the file, or else the same."""
    stat: str
    content_hash: str
    size: int

    def row(self, source: Source, masked: MaskedDocument) -> DocumentRow:
        """Its row."""
        file, reader, parsed = self.file, self.reader, masked.parsed
        parser = parser_mark(file.reader, self.used, recognized=bool(parsed.confidence_marks))
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
            size=self.size,
            mtime_ns=file.mtime_ns,
            stat=self.stat,
            content_hash=self.content_hash,
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
            revision=ids.revision(self.content_hash, parser, source.uri(file.path), masking if masked.masked else ""),
            acl=list(source.acl),
        )

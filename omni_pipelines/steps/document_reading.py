"""Reads the files of a plan into document rows and refusals, and commits them in batches."""

import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import pyarrow as pa

from native.filters import is_in
from native.lance_tables import LanceTable
from omni_pipelines import ids, progress
from omni_pipelines.batches import batched
from omni_pipelines.knowledge.state.unread_files import ListedFiles
from omni_pipelines.refusals import RefusalCode, Unreadable, UnreadFile
from omni_pipelines.rows import DocumentRow
from omni_pipelines.schemas import DOCUMENTS
from omni_pipelines.sources.model.listing import Listing
from omni_pipelines.sources.model.source import Source
from omni_pipelines.steps.document_plan import SourcePlan
from omni_pipelines.steps.file_reading import ContentReader, FileReader, Found, ReadDocument
from omni_pipelines.steps.parser_process import DocumentParser
from omni_pipelines.steps.quarantine import Refusal, record_refusals
from omni_pipelines.steps.step import BatchSizes, RunContext
from omni_pipelines.steps.step_cost import MEGABYTE, ReadingCost

_DELETED_AT_ONCE = 1000


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
    embedded: set[str] = field(default_factory=set)
    """Paths of the files that were found inside others."""
    unread: tuple[UnreadFile, ...] = ()
    """Files inside others that were left out."""
    gone: set[str] = field(default_factory=set)
    """Stored paths of files that were inside others, and are not any more."""


@dataclass
class _Batch:
    """What was read since the last commit."""

    rows: list[DocumentRow] = field(default_factory=list)
    size: int = 0
    """Bytes of the files, or of their texts in memory where these are more."""
    refused: list[Refusal] = field(default_factory=list)
    """Files that were not read, or only in part."""
    began: float = field(default_factory=time.monotonic)

    def is_full(self, limits: BatchSizes) -> bool:
        """Whether it is large or old enough to be committed."""
        is_large = len(self.rows) >= limits.files or self.size >= limits.file_bytes
        return is_large or time.monotonic() - self.began >= limits.seconds


class DocumentWriter:
    """Reads the files of plans and commits what it found in batches. `total` is for progress reports."""

    def __init__(self, run: RunContext, documents: LanceTable, parser: DocumentParser, total: int) -> None:
        self._documents = documents
        self._home, self._settings, self._parser = run.home, run.settings, parser
        self._total, self._done = total, 0
        self._batches, self._session, self._workers = run.batches, run.session, run.workers
        self.racy: set[str] = set()
        """Sources with a file that changed while it was read: they are listed again in the next run."""
        self.costs: dict[tuple[str, str], ReadingCost] = {}
        """Source and reader to what reading cost."""
        self._marks: dict[str, dict[str, str]] = {}
        """Source to the marks that `FileReader` found."""
        self._unread: dict[str, tuple[UnreadFile, ...]] = {}
        """Source to the files inside others that were left out."""

    def listed_files(self, plans: Iterable[SourcePlan]) -> dict[str, ListedFiles]:
        """Source to its files that are not read, and those that were not read again and may hold such files."""
        found = {}
        for plan in plans:
            name = plan.listing.source.name
            found[name] = ListedFiles((*plan.listing.unread, *self._unread.get(name, ())), plan.keeps)
        return found

    def completed(self, listing: Listing) -> Listing:
        """The listing, with the version marks that only reading revealed."""
        marks = self._marks.get(listing.source.name, {})
        files = (file._replace(version_mark=marks.get(file.path, file.version_mark)) for file in listing.files)
        return replace(listing, files=tuple(files)) if marks else listing

    def write(self, plan: SourcePlan) -> ReadOutcome:
        """Read the files of a plan, and write the rows of those that can be read and of those that cannot."""
        outcome, batch = ReadOutcome(), _Batch()
        source = plan.listing.source
        if not plan.to_read:
            return outcome
        with self._session.open(source) as read:
            reader = FileReader(read, ContentReader(source, self._settings, self._parser), self._workers)
            began = time.monotonic()
            for file, found_in_file in reader.read_all(plan.to_read):
                progress.report("reading files", self._done, self._total, "files", file.path)
                self._done += 1
                found_inside: set[str] = set()
                for found in self._costed(source, found_in_file, began):
                    if found.file.path != file.path:
                        found_inside.add(found.file.path)
                    elif gone := _gone(plan, found, found_inside):
                        # before the row of the file around them: a run that is killed finds them again
                        self._delete(source, gone)
                        outcome.gone.update(gone)
                    self._add(plan, found, outcome, batch)
                    if batch.is_full(self._batches):
                        self._commit(plan, batch)
                        batch = _Batch()
                outcome.embedded.update(found_inside)
                began = time.monotonic()
        self._commit(plan, batch)
        outcome.unread = self._unread[source.name] = tuple(reader.unread[path] for path in sorted(reader.unread))
        self._marks[source.name] = reader.marks
        if reader.is_racy:
            self.racy.add(source.name)
        progress.report("reading files", self._done, self._total, "files")
        return outcome

    def _costed(self, source: Source, found: Iterable[Found], began: float) -> Iterator[Found]:
        """What is found in one file, which was asked for at `began`; what it cost is added to `costs`."""
        reader, seconds, size = "not read", 0.0, 0
        for each in found:
            seconds += time.monotonic() - began
            if isinstance(each, ReadDocument):
                reader, size = each.row["parser"].partition("/")[0], size + each.row["size"]
            yield each
            began = time.monotonic()
        cost = self.costs.setdefault((source.name, reader), ReadingCost(source.name, reader))
        cost.files += 1
        cost.megabytes += size / MEGABYTE
        cost.seconds += seconds

    def _delete(self, source: Source, paths: Iterable[str]) -> None:
        for some in batched(sorted(paths), _DELETED_AT_ONCE):
            self._documents.delete(is_in("doc_id", [ids.document_id(source.name, path) for path in some]))

    def _commit(self, plan: SourcePlan, batch: _Batch) -> None:
        if batch.rows:
            self._documents.upsert(DOCUMENTS.key, pa.Table.from_pylist(batch.rows, schema=DOCUMENTS.schema))
        record_refusals(self._home, plan.listing.source.name, batch.refused)

    def _add(self, plan: SourcePlan, found: Found, outcome: ReadOutcome, batch: _Batch) -> None:
        if isinstance(found, Refusal):
            batch.refused.append(found)
            outcome.refused.append(found)
            return
        _count(outcome, found.row, plan.stored.get(found.file.path))
        batch.rows.append(found.row)
        batch.size += max(found.row["size"], sys.getsizeof(found.row["text"]))
        if found.row["partial"]:
            outcome.partial.add(found.file.path)
            batch.refused.append(_partial_refusal(found))


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


def _partial_refusal(found: ReadDocument) -> Refusal:
    """Why a file was read only in part: a row of quarantine beside its document."""
    file = found.file._replace(version_mark=found.row["stat"])
    return Refusal(file, found.row["parser"], Unreadable(RefusalCode.PARTIAL, found.row["partial"]))


def _gone(plan: SourcePlan, found: Found, found_inside: set[str]) -> set[str]:
    """Stored paths inside a file that are not in it any more; none if it could not be looked at."""
    if isinstance(found, Refusal) and not found.replaces_content:
        return set()
    return set(plan.embedded.get(found.file.path, ())) - found_inside

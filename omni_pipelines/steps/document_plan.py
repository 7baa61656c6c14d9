"""What a run would do to the documents of one source: compares its listing with what is stored, and reads no file."""

from collections.abc import Sequence
from dataclasses import dataclass

from native.filters import equals
from omni_pipelines.errors import DeletionRefused
from omni_pipelines.home import Home
from omni_pipelines.refusals import RefusalCode
from omni_pipelines.rows import DocumentRow, QuarantineRow
from omni_pipelines.schemas import DOCUMENTS, QUARANTINE
from omni_pipelines.settings import Settings
from omni_pipelines.sources.model.listing import Listing, SourceFile
from omni_pipelines.sources.model.source import Source, SourceKind
from omni_pipelines.sources.session import SourceSession
from omni_pipelines.tables import read_rows
from omni_pipelines.text.readers.registry import is_parser_current
from omni_pipelines.text.secrets.masking import is_masking_current, masking_of

_KNOWN = (
    "masking",
    "findings",
    "path",
    "uri",
    "stat",
    "parser",
    "revision",
    "content_hash",
    "acl",
    "mtime_ns",
    "size",
)
GUARDED_DELETIONS = 3
"""Fewer documents may go without a question, unless nothing is left."""


@dataclass(frozen=True)
class SourcePlan:
    """What a run would do to the documents of one source."""

    listing: Listing
    to_read: tuple[SourceFile, ...]
    """Files that are new, changed on disk, or were read by an older reader."""
    stored: dict[str, DocumentRow]
    """Path to the stored document, with the columns that are compared."""
    gone: tuple[str, ...]
    """Paths that are stored, as documents or in quarantine, and are not in the source any more."""
    still_quarantined: tuple[str, ...]
    """Paths in quarantine, without a document, whose files did not change since."""
    still_unknown: tuple[str, ...] = ()
    """Those of them that are of a kind that no reader reads."""
    still_partial: tuple[str, ...] = ()
    """Paths of documents that are a part of their file, and whose files did not change since."""
    retagged: tuple[str, ...] = ()
    """Paths whose documents get other access tags."""

    @property
    def deletes(self) -> tuple[str, ...]:
        """Paths whose documents are to be deleted."""
        return tuple(path for path in self.gone if path in self.stored)

    @property
    def lost(self) -> tuple[str, ...]:
        """The paths to be deleted whose file is not there under another name either."""
        kind = self.listing.source.kind
        if kind is SourceKind.WEB:  # two pages often have the same date
            return self.deletes
        new = {
            _identity(kind, file.size, file.mtime_ns, file.version_mark)
            for file in self.to_read
            if file.path not in self.stored
        }
        rows = ((path, self.stored[path]) for path in self.deletes)
        return tuple(
            path for path, row in rows if _identity(kind, row["size"], row["mtime_ns"], row["stat"]) not in new
        )

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.to_read and not self.gone and not self.retagged


def plan_source(home: Home, settings: Settings, source: Source, session: SourceSession) -> SourcePlan:
    """List a source and compare the listing with what is stored. Reads no file.

    Raises:
        SourceMissing: the source cannot be listed.
    """
    listing = session.list(home, source)
    where = equals("source", source.name)
    stored = {row["path"]: row for row in read_rows(home, DOCUMENTS, DocumentRow, _KNOWN, where)}
    quarantine = read_rows(home, QUARANTINE, QuarantineRow, ["path", "stat", "parser", "code"], where)
    quarantined = {row["path"]: row for row in quarantine}
    masking = masking_of(settings, source.name)
    # A file with a row in both tables lost the deletion of its document in a recovery, and is read again.
    still_quarantined = [
        file.path
        for file in listing.files
        if _is_current(file, quarantined.get(file.path)) and file.path not in stored
    ]
    in_place = {
        path
        for path, row in stored.items()
        if _is_in_place(source, row) and is_masking_current(row["masking"], row["findings"], masking)
    }
    skip = {file.path for file in listing.files if _is_current(file, stored.get(file.path)) and file.path in in_place}
    partial = {path: row for path, row in quarantined.items() if row["code"] == RefusalCode.PARTIAL}
    # `omni quarantine retry` makes the row of a file that was read in part older than the file.
    skip -= {
        file.path for file in listing.files if file.path in partial and not _is_current(file, partial[file.path])
    }
    still_partial = sorted(skip & partial.keys())
    skip.update(still_quarantined)
    listed = {file.path for file in listing.files}
    unsure = tuple(listing.unreadable_paths)
    gone = sorted(
        path for path in stored.keys() | quarantined.keys() if path not in listed and not path.startswith(unsure)
    )
    tags = list(source.acl)
    return SourcePlan(
        listing=listing,
        to_read=tuple(file for file in listing.files if file.path not in skip),
        stored=stored,
        gone=tuple(gone),
        still_quarantined=tuple(still_quarantined),
        still_unknown=tuple(path for path in still_quarantined if quarantined[path]["code"] == RefusalCode.KIND),
        still_partial=tuple(still_partial),
        retagged=tuple(sorted(path for path, row in stored.items() if path not in gone and row["acl"] != tags)),
    )


def _identity(kind: SourceKind, size: int, mtime_ns: int, mark: str) -> object:
    """What a file keeps when it is moved: on disk its size and time, elsewhere the mark of its content."""
    return (size, mtime_ns) if kind is SourceKind.FILES else mark


def _is_current(file: SourceFile, row: DocumentRow | QuarantineRow | None) -> bool:
    return row is not None and row["stat"] == file.version_mark and is_parser_current(row["parser"], file.reader)


def _is_in_place(source: Source, row: DocumentRow) -> bool:
    """Whether the stored URI is still the document's URI: the root of a source can move."""
    return row["uri"] == source.uri(row["path"])


def check_deletions(plans: Sequence[SourcePlan], settings: Settings) -> None:
    """Refuse listings that would delete suspiciously much.

    Raises:
        DeletionRefused: a listing without a file would delete all documents of its source, or one would delete at
            least three documents and the share `delete_guard`.
    """
    problems = [problem for plan in plans if (problem := _suspicion(plan, settings.delete_guard))]
    if problems:
        cure = "check that everything is there that should be; to delete them: --allow-delete"
        raise DeletionRefused("; ".join(problems), cure=cure)


def _suspicion(plan: SourcePlan, share: float) -> str:
    """What is suspicious about the deletions of a plan; "" if nothing."""
    stored, lost = len(plan.stored), len(plan.lost)
    source = plan.listing.source
    if not source.guarded or not lost:
        return ""
    if not plan.listing.files:
        return f"source {source.name}: {source.location} is empty, but {stored} documents of it are stored"
    if lost >= GUARDED_DELETIONS and lost >= share * stored:
        there = f"{lost} of {stored} documents are gone from {source.location}"
        return f"source {source.name}: {there}"
    return ""


def listing_mark(listing: Listing, settings: Settings) -> str:
    """What the documents of a source depend on: its files, and the settings they are read with."""
    return f"{listing.fingerprint} {masking_of(settings, listing.source.name).fingerprint}"

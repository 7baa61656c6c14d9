"""What a run would do to the documents of one source: compares its listing with what is stored, and reads no file."""

from dataclasses import dataclass

from native.filters import equals
from omni_pipelines.errors import DeletionRefused
from omni_pipelines.home import Home
from omni_pipelines.rows import DocumentRow, FileRow
from omni_pipelines.schemas import DOCUMENTS, QUARANTINE
from omni_pipelines.settings import Settings
from omni_pipelines.sources.model.listing import Listing, SourceFile
from omni_pipelines.sources.model.source import Source
from omni_pipelines.sources.session import SourceSession
from omni_pipelines.tables import read_rows
from omni_pipelines.text.readers.registry import is_parser_current
from omni_pipelines.text.secrets.masking import is_masking_current, masking_of

_KNOWN = ("masking", "findings", "path", "uri", "stat", "parser", "revision", "content_hash", "acl", "mtime_ns")
GUARDED_DOCUMENTS = 50
"""A source with fewer documents may lose any share of them without a question."""


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
    """Paths in quarantine whose files did not change since."""
    retagged: tuple[str, ...] = ()
    """Paths whose documents get other access tags."""

    @property
    def deletes(self) -> tuple[str, ...]:
        """Paths whose documents are to be deleted."""
        return tuple(path for path in self.gone if path in self.stored)

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
    quarantine = read_rows(home, QUARANTINE, FileRow, ["path", "stat", "parser"], where)
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
        retagged=tuple(sorted(path for path, row in stored.items() if path not in gone and row["acl"] != tags)),
    )


def _is_current(file: SourceFile, row: DocumentRow | FileRow | None) -> bool:
    return row is not None and row["stat"] == file.version_mark and is_parser_current(row["parser"], file.reader)


def _is_in_place(source: Source, row: DocumentRow) -> bool:
    """Whether the stored URI is still the document's URI: the root of a source can move."""
    return row["uri"] == source.uri(row["path"])


def check_deletions(plan: SourcePlan, settings: Settings) -> None:
    """Refuse a listing that would delete suspiciously much.

    Raises:
        DeletionRefused: it would delete all documents, or more than the guard's share of 50 documents or more.
    """
    stored, deleted = len(plan.stored), len(plan.deletes)
    source = plan.listing.source
    if not source.guarded:
        return
    if stored and deleted == stored and not plan.listing.files:
        raise DeletionRefused(
            f"source {source.name}: {source.location} is empty, but {stored} documents of it are stored",
            cure="check that it is mounted; to delete them: --allow-delete",
        )
    if stored >= GUARDED_DOCUMENTS and deleted > settings.delete_guard * stored:
        raise DeletionRefused(
            f"source {source.name}: {deleted} of {stored} documents are gone from {source.location}, "
            f"more than {settings.delete_guard:.0%}",
            cure="check the folder; to delete them: --allow-delete",
        )


def listing_mark(listing: Listing, settings: Settings) -> str:
    """What the documents of a source depend on: its files, and the settings they are read with."""
    return f"{listing.fingerprint} {masking_of(settings, listing.source.name).fingerprint}"

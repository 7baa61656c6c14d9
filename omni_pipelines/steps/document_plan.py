"""What a run would do to the documents of one source: compares its listing with what is stored, and reads no file."""

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from native import text_recognition
from native.filters import equals
from omni_pipelines.errors import DeletionRefused
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.table_files import read_quarantine
from omni_pipelines.refusals import RECOGNIZABLE, RefusalCode
from omni_pipelines.rows import DocumentRow, QuarantineRow, rows_of
from omni_pipelines.schemas import DOCUMENTS
from omni_pipelines.settings import Settings
from omni_pipelines.sources.model.listing import Listing, SourceFile
from omni_pipelines.sources.model.selection import FileSelection
from omni_pipelines.sources.model.source import SourceKind
from omni_pipelines.steps.office_conversion import can_convert, is_converted_as_possible
from omni_pipelines.tables import read_columns
from omni_pipelines.text.readers.registry import has_recognized, is_archive_list, is_mark_current, is_parser_current
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
    "partial",
)
_READ_BY = ("parser", "masking", "findings", "partial")
"""Columns that say how a file was read."""
NOT_UNPACKED = "the files inside it were not read: the setting unpack_archives is off"
GUARDED_DELETIONS = 3
"""Fewer documents may go without a question, unless nothing is left."""


@dataclass(frozen=True)
class SourcePlan:
    """What a run would do to the documents of one source."""

    listing: Listing
    to_read: tuple[SourceFile, ...]
    """Files that are new, changed on disk, or were read by an older reader."""
    stored: dict[str, DocumentRow]
    """Path to the stored document, with the columns that are compared; those that `unchanged` counts are left out."""
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
    unchanged: int = 0
    """How many documents stay as they are, because nothing about them or their files has changed."""
    embedded: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Path of a listed file to the stored paths of the files inside it."""

    @property
    def deletes(self) -> tuple[str, ...]:
        """Paths whose documents are to be deleted."""
        return tuple(path for path in self.gone if path in self.stored)

    @property
    def kept_embedded(self) -> set[str]:
        """Stored paths of files inside others that are not read again."""
        return {path for outer, inside in self.embedded.items() if self.keeps(outer) for path in inside}

    def keeps(self, path: str) -> bool:
        """Whether the file at a path is listed, and not read again."""
        return path not in self._read and self.listing.has(path)

    @functools.cached_property
    def _read(self) -> frozenset[str]:
        return frozenset(file.path for file in self.to_read)

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
        moved = {path for path, row in rows if _identity(kind, row["size"], row["mtime_ns"], row["stat"]) in new}
        return tuple(path for path in self.deletes if path not in moved and not _outer(path, moved.__contains__))

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.to_read and not self.gone and not self.retagged


class _StoredRows:
    """What is stored of a source, by path: its rows in quarantine, and its documents that may have changed."""

    def __init__(self, home: Home, settings: Settings, listing: Listing) -> None:
        source = listing.source
        where = equals("source", source.name)
        columns = ["path", "stat", "parser", "code", "detail"]
        self.refusals = {row["path"]: row for row in read_quarantine(home, columns, where)}
        self._settings, self._source = settings, source
        self._masking = masking_of(settings, source.name)
        self._is_wanted = FileSelection(source).wants
        self._can_convert = can_convert()
        self._can_recognize = settings.ocr and text_recognition.installed()
        stored = read_columns(home, DOCUMENTS, _KNOWN, where).combine_chunks()
        paths = stored["path"].combine_chunks()
        places = pc.index_in(paths, value_set=pa.array([file.path for file in listing.files], pa.string()))
        unlisted = paths.filter(places.is_null()).to_pylist()
        self.embedded = _embedded(listing, [*unlisted, *self.refusals])
        looked_at = pa.array([*self.refusals, *self.embedded], pa.string())
        is_unchanged = self._is_unchanged(stored, listing, places) & ~np.array(pc.is_in(paths, value_set=looked_at))
        self.unchanged = int(is_unchanged.sum())
        """How many documents reading their files again would give as they are."""
        self.documents = {row["path"]: row for row in rows_of(stored.filter(pa.array(~is_unchanged)), DocumentRow)}
        is_other = np.ones(len(listing.files), bool)
        is_other[np.array(places.filter(pa.array(is_unchanged)))] = False
        self.files = [listing.files[place] for place in np.flatnonzero(is_other)]
        """The listed files except those of the unchanged documents."""
        self.retagged = _tagged_otherwise(stored, list(source.acl))

    def _is_unchanged(self, stored: pa.Table, listing: Listing, places: pa.Int32Array) -> np.ndarray:
        """Whether reading its file again would give a document as it is, for each row (n,).

        Nearly all documents are so in most runs: the columns are compared without an object for each row, and the
        readers and settings once for all rows in which they are the same.
        """
        marks = pa.array([file.version_mark for file in listing.files], pa.string())
        rows = np.flatnonzero(np.array(pc.fill_null(pc.equal(stored["stat"], marks.take(places)), False)))
        if len(rows):
            rows = rows[self._is_in_place(stored.select(["uri", "path"]).take(rows))]
        is_unchanged = np.zeros(len(stored), bool)
        if len(rows):
            files = [listing.files[place] for place in np.array(places.take(pa.array(rows)))]
            is_unchanged[rows] = self._is_read_as_now(stored.select(_READ_BY).take(rows), files)
        return is_unchanged

    def _is_in_place(self, stored: pa.Table) -> np.ndarray:
        """Whether a document has the address that its source gives it now, for each row (n,)."""
        folder = self._source.uri("-").removesuffix("-")
        uris, paths = (stored[name].combine_chunks() for name in ("uri", "path"))
        is_in_place = np.array(pc.equal(uris, pc.binary_join_element_wise(folder, paths, "")))
        for row in np.flatnonzero(~is_in_place):  # of few paths something is quoted
            is_in_place[row] = uris[row].as_py() == self._source.uri(paths[row].as_py())
        return is_in_place

    def _is_read_as_now(self, stored: pa.Table, files: Sequence[SourceFile]) -> np.ndarray:
        """Whether the readers and the settings of now would read the file of each row in the same way (n,)."""
        _, kinds = np.unique([id(file.reader) for file in files], return_inverse=True)
        for column in stored.columns:
            encoded = column.combine_chunks().dictionary_encode()
            _, kinds = np.unique(kinds * len(encoded.dictionary) + np.array(encoded.indices), return_inverse=True)
        _, firsts, kinds = np.unique(kinds, return_index=True, return_inverse=True)
        is_same = [
            is_parser_current(row["parser"], files[first].reader) and self._is_read_as_set(*row.values())
            for first, row in zip(firsts, stored.take(firsts).to_pylist(), strict=True)
        ]
        return np.array(is_same)[kinds]

    @property
    def paths(self) -> set[str]:
        """All paths, except the unchanged ones."""
        return self.documents.keys() | self.refusals.keys()

    def is_kept(self, file: SourceFile, inside: Iterable[str]) -> bool:
        """Whether the documents of a file and of the paths inside it are those that reading it would give."""
        row, refusal = self.documents.get(file.path), self.refusals.get(file.path)
        if row is None or not _is_current(file, row) or not self._is_as_set(row):
            return False
        # `omni quarantine retry` makes the row of a file that was read in part older than the file.
        if refusal is not None and refusal["code"] == RefusalCode.PARTIAL and not _is_current(file, refusal):
            return False
        return all(self._is_kept_inside(file, path) for path in inside)

    def is_refused(self, file: SourceFile) -> bool:
        """Whether a file is in quarantine and did not change since.

        A file with a row in both tables lost the deletion of its document in a recovery, and is read again.
        """
        refusal = self.refusals.get(file.path)
        return _is_current(file, refusal) and file.path not in self.documents and not self._is_readable_now(refusal)

    def is_partial(self, path: str) -> bool:
        """Whether a document is a part of its file."""
        refusal = self.refusals.get(path)
        return path in self.documents and refusal is not None and refusal["code"] == RefusalCode.PARTIAL

    def _is_kept_inside(self, file: SourceFile, path: str) -> bool:
        """Whether a path inside a file was read from the file as it is now, by the readers and settings of now."""
        row, refusal = self.documents.get(path), self.refusals.get(path)
        has_lost_deletion = row is not None and refusal is not None and not self.is_partial(path)
        is_current = all(
            each is None or (each["stat"] == file.version_mark and is_mark_current(each["parser"]))
            for each in (row, refusal)
        )
        is_as_set = row is None or self._is_as_set(row)
        is_done = not has_lost_deletion and not self._is_readable_now(refusal)
        return self._is_wanted(path) and is_current and is_as_set and is_done

    def _is_readable_now(self, refusal: QuarantineRow | None) -> bool:
        """Whether the program that a refused file needs is installed by now, or text recognition."""
        if refusal is None:
            return False
        needs_program = refusal["code"] == RefusalCode.NEEDS_PROGRAM
        return (needs_program and self._can_convert) or self._is_recognizable(refusal["detail"])

    def _is_recognizable(self, reason: str) -> bool:
        """Whether what was not read, for this reason, is read now by text recognition."""
        return self._can_recognize and RECOGNIZABLE in reason

    def _is_as_set(self, row: DocumentRow) -> bool:
        """Whether a document has the place and the content that the source and the settings say."""
        is_in_place = row["uri"] == self._source.uri(row["path"])  # the root of a source can move
        return is_in_place and self._is_read_as_set(row["parser"], row["masking"], row["findings"], row["partial"])

    def _is_read_as_set(self, parser: str, masking: str, findings: str, partial: str) -> bool:
        """Whether a file that has these columns would be read in the same way now."""
        return (
            is_masking_current(masking, findings, self._masking)
            and (not is_archive_list(parser) or (partial == NOT_UNPACKED) != self._settings.unpack_archives)
            and is_converted_as_possible(parser)
            and not self._is_recognizable(partial)
            and (self._settings.ocr or not has_recognized(parser))
        )


def plan_source(home: Home, settings: Settings, listing: Listing) -> SourcePlan:
    """Compare the listing of a source with what is stored. Reads no file."""
    rows = _StoredRows(home, settings, listing)
    embedded = rows.embedded
    files, listed = rows.files, {file.path for file in rows.files}
    kept = {file.path for file in files if rows.is_kept(file, embedded.get(file.path, ()))}
    refused = {file.path for file in files if rows.is_refused(file)}
    current = kept | refused
    kept_inside = {path for outer in kept for path in embedded.get(outer, ())}
    inside = {path for outer, paths in embedded.items() if outer not in refused for path in paths}
    unsure = tuple(listing.unreadable_paths)
    gone = {path for path in rows.paths - listed - inside if not path.startswith(unsure)}
    still_quarantined = tuple(sorted(refused | (kept_inside - rows.documents.keys())))
    return SourcePlan(
        listing=listing,
        to_read=tuple(file for file in files if file.path not in current),
        stored=rows.documents,
        gone=tuple(sorted(gone)),
        still_quarantined=still_quarantined,
        still_unknown=tuple(path for path in still_quarantined if rows.refusals[path]["code"] == RefusalCode.KIND),
        still_partial=tuple(sorted(filter(rows.is_partial, kept | kept_inside))),
        retagged=tuple(sorted(rows.retagged - gone)),
        unchanged=rows.unchanged,
        embedded=embedded,
    )


def _tagged_otherwise(stored: pa.Table, tags: Sequence[str]) -> set[str]:
    """Paths of documents that do not have these access tags."""
    column = stored["acl"].combine_chunks()
    if not tags and not len(column.flatten()):
        return set()
    rows = zip(stored["path"].to_pylist(), column.to_pylist(), strict=True)
    return {path for path, stored_tags in rows if stored_tags != tags}


def _embedded(listing: Listing, paths: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Path of a listed file to those of `paths` that are inside it."""
    found: dict[str, list[str]] = {}
    for path in paths:
        if not listing.has(path) and (outer := _outer(path, listing.has)):
            found.setdefault(outer, []).append(path)
    return {outer: tuple(sorted(inside)) for outer, inside in found.items()}


def _outer(path: str, is_file: Callable[[str], bool]) -> str:
    """Which file a path leads into; "" if none, as for a folder."""
    while "/" in path:
        path = path.rpartition("/")[0]
        if is_file(path):
            return path
    return ""


def _identity(kind: SourceKind, size: int, mtime_ns: int, mark: str) -> object:
    """What a file keeps when it is moved: on disk its size and time, elsewhere the mark of its content."""
    return (size, mtime_ns) if kind is SourceKind.FILES else mark


def _is_current(file: SourceFile, row: DocumentRow | QuarantineRow | None) -> bool:
    return row is not None and row["stat"] == file.version_mark and is_parser_current(row["parser"], file.reader)


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
    stored, lost = plan.unchanged + len(plan.stored), len(plan.lost)
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
    packed = "" if settings.unpack_archives else " packed"
    is_converted = any(file.reader.converts_to for file in listing.files) and can_convert()
    masking = masking_of(settings, listing.source.name).fingerprint
    recognized = " recognized" if settings.ocr and text_recognition.installed() else ""
    return f"{listing.fingerprint} {masking}{packed}{' converted' if is_converted else ''}{recognized}"

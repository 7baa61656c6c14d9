"""Source trees to the documents table: only what changed is read, nothing is deleted without proof."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa

from native.lance_tables import LanceTable, equals, is_in
from omni_pipelines import ids, progress
from omni_pipelines.errors import DeletionRefused, SourceMissing
from omni_pipelines.home import Home
from omni_pipelines.rows import DocumentRow, FileRow
from omni_pipelines.schemas import DOCUMENTS, QUARANTINE
from omni_pipelines.settings import Settings
from omni_pipelines.sources.listing_cache import list_current
from omni_pipelines.sources.registry import (
    current_sources,
    load_sources,
    reading_source,
    reads,
    save_sources,
    undeclared,
)
from omni_pipelines.sources.source import Content, Found, Listing, Read, Source
from omni_pipelines.steps.access_tags import set_tags
from omni_pipelines.steps.parser_process import DocumentParser
from omni_pipelines.steps.quarantine import Refusal, record_refusals
from omni_pipelines.steps.step_records import read_step_record, write_step_record
from omni_pipelines.tables import open_table, read_rows
from omni_pipelines.text.decoding import Unreadable
from omni_pipelines.text.document_rows import structure_json
from omni_pipelines.text.languages import language_of
from omni_pipelines.text.readers.registry import Reader, fingerprint, is_current, parser_mark, reader_by_content
from omni_pipelines.text.secrets.masking import Masked, mask_document, masking_of
from omni_pipelines.text.secrets.masking import is_current as is_masked

BATCH_FILES = 512
BATCH_BYTES = 64 << 20
"""A commit holds at most this much, so that memory stays flat and a kill loses little."""
_KNOWN = ("masking", "findings", "path", "uri", "stat", "parser", "revision", "content_hash", "acl", "mtime_ns")
_SPOKEN = ("prose", "markup")
"""Kinds of documents that are in a language people speak."""
CHANGED_ATTEMPTS, CHANGED_PAUSE = 3, 0.05
"""How often a file is read that changes meanwhile, and the seconds in between."""
GUARD_FROM = 50
"""Documents a source must have before the share of deletions means anything."""


@dataclass(frozen=True)
class DocumentsReport:
    """What one pass did. The first five counts add up to the files listed, plus the deleted."""

    added: int = 0
    changed: int = 0
    deleted: int = 0
    unchanged: int = 0
    quarantined: int = 0
    skipped: int = 0
    masked: int = 0
    """Places with secrets or personal data that were masked in what was read."""
    moved: int = 0
    """Of the added: those with the content of one that is deleted."""
    version: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """The counts, by name."""
        names = ("added", "changed", "deleted", "unchanged", "quarantined", "skipped", "masked", "moved")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class Plan:
    """What a pass over one source would do."""

    listing: Listing
    to_read: tuple[Found, ...]
    """New, changed on disk, or read by an older reader."""
    known: dict[str, DocumentRow]
    """Path to uri, stat, parser, revision, acl and mtime_ns of documents that are stored."""
    gone: tuple[str, ...]
    """Paths that are stored, as documents or in quarantine, and stand in the source no more."""
    held: tuple[str, ...]
    """Paths in quarantine that did not change since."""
    retagged: tuple[str, ...] = ()
    """Paths whose documents get other tags."""

    @property
    def deletes(self) -> tuple[str, ...]:
        """Paths whose documents are to be deleted."""
        return tuple(path for path in self.gone if path in self.known)

    @property
    def empty(self) -> bool:
        """Nothing to do."""
        return not self.to_read and not self.gone and not self.retagged


def plan_source(home: Home, settings: Settings, source: Source) -> Plan:
    """List a source and compare it with what is stored. Reads no file.

    Raises:
        SourceMissing: it cannot be listed.
    """
    listing = list_current(home, source)
    where = equals("source", source.name)
    rows = read_rows(home, DOCUMENTS, DocumentRow, _KNOWN, where)
    known = {row["path"]: row for row in rows}
    masking = masking_of(settings, source.name)
    held = {row["path"]: row for row in read_rows(home, QUARANTINE, FileRow, ["path", "stat", "parser"], where)}
    # with a document still stored, its deletion was lost in a recovery, and the file is looked at again
    still_held = [
        found.path for found in listing.files if _is_current(found, held.get(found.path)) and found.path not in known
    ]
    standing = {path for path, row in known.items() if _stands(source, row) and is_masked(row, masking)}
    skip = {
        found.path for found in listing.files if _is_current(found, known.get(found.path)) and found.path in standing
    }
    skip.update(still_held)
    to_read = [found for found in listing.files if found.path not in skip]
    present = {found.path for found in listing.files}
    unsure = tuple(listing.unlistable)
    gone = sorted(path for path in known.keys() | held.keys() if path not in present and not path.startswith(unsure))
    retagged = sorted(path for path, row in known.items() if path not in gone and row["acl"] != list(source.acl))
    return Plan(listing, tuple(to_read), known, tuple(gone), tuple(still_held), tuple(retagged))


def _is_current(found: Found, row: DocumentRow | FileRow | None) -> bool:
    return row is not None and row["stat"] == found.stat and is_current(row["parser"], found.reader)


def _stands(source: Source, row: DocumentRow) -> bool:
    """Whether the stored place is still the place: the root of a source can move."""
    return row["uri"] == source.uri(row["path"])


def check_deletions(plan: Plan, settings: Settings) -> None:
    """Refuse a listing that would delete suspiciously much.

    Raises:
        DeletionRefused: everything, or more than the guard's share of a source with 50 documents or more.
    """
    stored = len(plan.known)
    gone = len(plan.deletes)
    source = plan.listing.source
    if not source.guarded:
        return
    if stored and gone == stored and not plan.listing.files:
        raise DeletionRefused(
            f"source {source.name}: {source.location} is empty, but {stored} documents of it are stored",
            cure="check that it is mounted; if they shall go: --allow-delete",
        )
    if stored >= GUARD_FROM and gone > settings.delete_guard * stored:
        raise DeletionRefused(
            f"source {source.name}: {gone} of {stored} documents are gone from {source.location}, "
            f"more than {settings.delete_guard:.0%}",
            cure="check the folder; if they shall go: --allow-delete",
        )


def reconcile_documents(
    home: Home, settings: Settings, names: Sequence[str] | None = None, *, allow_delete: bool = False
) -> DocumentsReport:
    """Bring the documents table in line with the sources, or with those in `names`. A redo changes nothing.

    Raises:
        SourceMissing: a source cannot be listed, or nothing at all is registered.
        DeletionRefused: see `check_deletions`.
    """
    registered = current_sources(home, settings)
    if not registered and not home.sources.exists():  # an empty registry says that the last source was removed
        raise SourceMissing("nothing to ingest", cure="name a path: omni ingest PATH")
    _adopt(home, registered)
    is_ours = reads(home)
    chosen = [source for source in registered if is_ours(source) and (not names or source.name in names)]
    plans = [plan_source(home, settings, source) for source in chosen]
    if not allow_delete:
        for plan in plans:
            check_deletions(plan, settings)
    documents = open_table(home, DOCUMENTS)
    lost = tuple(
        f"source {name} is not in omni.toml any more; it is kept until: omni source remove {name}"
        for name in undeclared(home, settings)
    )
    report = DocumentsReport(deleted=_drop_unregistered(home, registered), warnings=lost)
    total = sum(len(plan.to_read) for plan in plans)
    with DocumentParser() as parser:
        reader = _Reader(settings, documents, parser, total)
        for plan in plans:
            report = _merge(report, _apply(home, plan, reader))
    documents.compact()
    _record(home, settings, [reader.as_read(plan.listing) for plan in plans], registered, reader.racy)
    return replace(report, version=str(documents.head()))


def _adopt(home: Home, current: Sequence[Source]) -> None:
    """Register what omni.toml declares: what is registered is not deleted when a line of a file is."""
    registered = {source.name: source for source in load_sources(home)}
    declared = {source.name: source for source in current if source.declared}
    if any(registered.get(name) != source for name, source in declared.items()):
        save_sources(home, list({**registered, **declared}.values()))


def _merge(a: DocumentsReport, b: DocumentsReport) -> DocumentsReport:
    return DocumentsReport(
        added=a.added + b.added,
        changed=a.changed + b.changed,
        deleted=a.deleted + b.deleted,
        unchanged=a.unchanged + b.unchanged,
        quarantined=a.quarantined + b.quarantined,
        skipped=a.skipped + b.skipped,
        masked=a.masked + b.masked,
        moved=a.moved + b.moved,
        warnings=(*a.warnings, *b.warnings),
    )


def _apply(home: Home, plan: Plan, reader: _Reader) -> DocumentsReport:
    outcome = reader.read(plan)
    name = plan.listing.source.name
    replaced = [
        each.found.path for each in outcome.refused if each.found.path in plan.known and each.replaces_content
    ]
    for batch in _batches([*plan.deletes, *replaced], 1000):
        reader.documents.delete(is_in("doc_id", [ids.document_id(name, path) for path in batch]))
    if plan.retagged:
        set_tags(reader.documents, name, plan.listing.source.acl)
    refused = {each.found.path for each in outcome.refused}
    # not only what was read now: a pass that was killed may have stored a document and left its row here
    healed = {found.path for found in plan.listing.files}.difference(refused, plan.held)
    record_refusals(home, name, outcome.refused, {*plan.gone, *healed})
    held = len(plan.held) + len(outcome.refused)
    return DocumentsReport(
        added=outcome.added,
        changed=outcome.changed,
        deleted=len(plan.deletes),
        unchanged=len(plan.listing.files) - outcome.added - outcome.changed - held,
        quarantined=held,
        skipped=plan.listing.skipped,
        masked=outcome.masked,
        moved=len(outcome.contents & {plan.known[path]["content_hash"] for path in plan.deletes}),
        warnings=plan.listing.notes,
    )


def _batches(items: Sequence[str], size: int) -> Iterable[Sequence[str]]:
    return (items[at : at + size] for at in range(0, len(items), size))


def _drop_unregistered(home: Home, registered: Sequence[Source]) -> int:
    """Delete the documents of sources that a person took out of the registry."""
    names = {source.name for source in registered}
    counts = Counter(row["source"] for row in read_rows(home, DOCUMENTS, DocumentRow, ["source"]))
    for definition in (DOCUMENTS, QUARANTINE):
        lost = {row["source"] for row in read_rows(home, definition, FileRow, ["source"])} - names
        if lost:
            open_table(home, definition).delete(is_in("source", sorted(lost)))
    return sum(count for name, count in counts.items() if name not in names)


def listing_mark(listing: Listing, settings: Settings) -> str:
    """What the documents of a source are made from: its files, and the settings they are read with."""
    return f"{listing.fingerprint} {masking_of(settings, listing.source.name).fingerprint}"


def _record(
    home: Home, settings: Settings, listings: Sequence[Listing], registered: Sequence[Source], racy: set[str]
) -> None:
    before = read_step_record(home, "documents")
    same_readers = before is not None and before.fingerprint == fingerprint()
    inputs = dict(before.inputs) if before is not None and same_readers else {}  # else the others are to be read, too
    seen = dict(before.seen) if before is not None else {}
    for listing in listings:
        name = listing.source.name
        inputs[name] = "" if name in racy else listing_mark(listing, settings)
        seen[name] = listing.at
    names = [source.name for source in registered]
    inputs = {name: inputs.get(name, "") for name in names}
    seen = {name: seen[name] for name in names if name in seen}
    write_step_record(home, "documents", str(open_table(home, DOCUMENTS).head()), inputs, fingerprint(), seen)


@dataclass
class _Outcome:
    """What reading the files of one plan gave."""

    added: int = 0
    changed: int = 0
    masked: int = 0
    contents: set[str] = field(default_factory=set)
    """Hashes of what was added."""
    refused: list[Refusal] = field(default_factory=list)


class _Reader:
    """Reads the files of a plan and commits them in batches."""

    def __init__(self, settings: Settings, documents: LanceTable, parser: DocumentParser, total: int) -> None:
        self.documents = documents
        self._settings, self._parser = settings, parser
        self._total, self._done = total, 0
        self.racy: set[str] = set()
        self._marks: dict[tuple[str, str], str] = {}
        """Source and path to the mark of a file that the listing knew only by name."""

    def as_read(self, listing: Listing) -> Listing:
        """A listing with the marks that reading told."""
        marks = {path: mark for (name, path), mark in self._marks.items() if name == listing.source.name}
        files = (replace(found, stat=marks.get(found.path, found.stat)) for found in listing.files)
        return replace(listing, files=tuple(files)) if marks else listing

    def read(self, plan: Plan) -> _Outcome:
        outcome = _Outcome()
        rows: list[dict[str, object]] = []
        size = 0
        if not plan.to_read:
            return outcome
        with reading_source(plan.listing.source) as read:
            for found in plan.to_read:
                progress.report("reading files", self._done, self._total, "files", found.path)
                self._done += 1
                row = self._read_one(plan, found, read, outcome)
                if row is not None:
                    rows.append(row)
                    size += int(str(row["size"]))
                if len(rows) >= BATCH_FILES or size >= BATCH_BYTES:
                    self._commit(rows)
                    rows, size = [], 0
        self._commit(rows)
        progress.report("reading files", self._done, self._total, "files")
        return outcome

    def _commit(self, rows: list[dict[str, object]]) -> None:
        if rows:
            self.documents.upsert(DOCUMENTS.key, pa.Table.from_pylist(rows, schema=DOCUMENTS.schema))

    def _read_one(self, plan: Plan, found: Found, read: Read, outcome: _Outcome) -> dict[str, object] | None:
        source = plan.listing.source
        used, mark = found.reader, ""
        try:
            content = _read_settled(read, found, self._limit(found.reader))
            raw, mark = content.raw, content.mark
            used = reader_by_content(content.reader or found.reader, raw)
            parsed = self._parser.read(used, raw, Path(found.path).name)
            if not parsed.text.strip():
                raise Unreadable("E_NO_TEXT", "no text in it")
        except Unreadable as error:
            found = self._marked(source, found, mark or error.mark)
            outcome.refused.append(Refusal(found, used, error))
            if error.code == "E_CHANGED":
                self.racy.add(source.name)
            return None
        found = self._marked(source, found, mark)
        if not mark or mark != found.stat:
            self.racy.add(source.name)
        if content.mtime_ns is not None:
            found = replace(found, mtime_ns=content.mtime_ns)
        masked = mask_document(parsed, masking_of(self._settings, source.name))
        row = document_row(source, found, used, raw, mark, masked)
        outcome.masked += masked.masked
        known = plan.known.get(found.path)
        if known is None:
            outcome.added += 1
            outcome.contents.add(str(row["content_hash"]))
        if known is not None and known["revision"] == row["revision"]:
            row["mtime_ns"] = known["mtime_ns"]  # only touched: nothing of it changed
        elif known is not None:
            outcome.changed += 1
        return row

    def _marked(self, source: Source, found: Found, mark: str) -> Found:
        """A file with its mark, where it had none before it was read."""
        if not found.is_provisional or not mark:
            return found
        self._marks[source.name, found.path] = mark
        return replace(found, stat=mark)

    def _limit(self, reader: Reader) -> int:
        return self._settings.max_binary_bytes if reader.binary else self._settings.max_file_bytes


def _read_settled(read: Read, found: Found, limit: int) -> Content:
    """Read a file, and once more where it changed during the read: most writers are done in a moment."""
    for _ in range(CHANGED_ATTEMPTS - 1):
        try:
            return read(found, limit)
        except Unreadable as error:
            if error.code != "E_CHANGED":
                raise
            time.sleep(CHANGED_PAUSE)
    return read(found, limit)


def document_row(
    source: Source, found: Found, reader: Reader, raw: bytes, stat: str, masked: Masked
) -> dict[str, object]:
    """The row of a document, read by `reader`, which its content may have chosen against its name."""
    content, parsed = ids.content_hash(raw), masked.parsed
    parser = parser_mark(found.reader, reader)
    masking = masked.masking.fingerprint if masked.masked else ""
    return {
        "doc_id": ids.document_id(source.name, found.path),
        "source": source.name,
        "path": found.path,
        "uri": source.uri(found.path),
        "media_type": reader.media_type,
        "kind": reader.kind,
        "language": language_of(parsed) if reader.kind in _SPOKEN else reader.language,
        "title": parsed.title[:300],
        "size": len(raw),
        "mtime_ns": found.mtime_ns,
        "stat": stat,
        "content_hash": content,
        "stored_hash": ids.content_hash(parsed.stored_bytes),
        "encoding": parsed.decoded.encoding,
        "bom_bytes": parsed.decoded.bom_bytes,
        "verbatim": parsed.verbatim,
        "text": parsed.text,
        "structure": structure_json(parsed),
        "parser": parser,
        **masked.columns,
        "revision": ids.revision(content, parser, source.uri(found.path), masking),
        "acl": list(source.acl),
    }

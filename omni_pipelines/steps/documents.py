"""Sources to the documents table: reads only what changed, and deletes nothing without proof."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime

from native import text_recognition
from native.filters import is_in
from native.lance_tables import LanceTable
from omni_pipelines import ids
from omni_pipelines.batches import batched
from omni_pipelines.errors import SourceMissing
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.table_files import compact
from omni_pipelines.knowledge.state.unread_files import record_unread
from omni_pipelines.records import MissingSource
from omni_pipelines.refusals import RefusalCode
from omni_pipelines.schemas import DOCUMENTS, QUARANTINE
from omni_pipelines.sources.model.listing import Listing
from omni_pipelines.sources.model.source import Source
from omni_pipelines.sources.registry import (
    current_sources,
    load_sources,
    reads,
    save_sources,
    unclaimed_notes,
    undeclared,
)
from omni_pipelines.sources.session import Listings
from omni_pipelines.steps.access_tags import set_tags
from omni_pipelines.steps.document_plan import SourcePlan, check_deletions, listing_mark, plan_source
from omni_pipelines.steps.document_reading import DocumentWriter
from omni_pipelines.steps.parser_process import DocumentParser
from omni_pipelines.steps.quarantine import forget_refusals
from omni_pipelines.steps.step import RunContext
from omni_pipelines.steps.step_cost import ReadingCost
from omni_pipelines.steps.step_records import read_step_record, write_step_record
from omni_pipelines.tables import open_table
from omni_pipelines.text.readers.registry import readers_fingerprint

_DELETED_AT_ONCE = 1000


@dataclass(frozen=True)
class DocumentsReport:
    """What one run did.

    The first five counts add up to the files listed and those inside them, plus the deleted documents.
    """

    added: int = 0
    changed: int = 0
    deleted: int = 0
    unchanged: int = 0
    quarantined: int = 0
    unread: int = 0
    """Files of kinds that no reader reads, and files and folders that were seen and left out."""
    partial: int = 0
    """Documents that hold only a part of their file: the quarantine says what was not read."""
    masked: int = 0
    """Places with secrets or personal data that were masked in what was read."""
    moved: int = 0
    """Added documents whose content is that of a deleted one."""
    rows: int = 0
    """Documents in the table."""
    version: str = ""
    warnings: tuple[str, ...] = ()
    reading: tuple[ReadingCost, ...] = ()
    """What reading cost by source and reader, the dearest first."""

    @property
    def counts(self) -> dict[str, int]:
        """The counts, by name."""
        return {name: getattr(self, name) for name in _COUNTS}

    def __add__(self, other: DocumentsReport) -> DocumentsReport:
        """The counts and warnings of both."""
        sums = {name: getattr(self, name) + getattr(other, name) for name in _COUNTS}
        return DocumentsReport(**sums, warnings=(*self.warnings, *other.warnings))


_NO_COUNTS = {"rows", "version", "warnings", "reading"}
_COUNTS = tuple(field.name for field in fields(DocumentsReport) if field.name not in _NO_COUNTS)


def reconcile_documents(run: RunContext) -> DocumentsReport:
    """Bring the documents table in line with the sources, or with those in `run.sources`. A redo changes nothing.

    A source that cannot be listed keeps its documents, and holds up no other.

    Raises:
        SourceMissing: there is no source, or none was ever read and none can be listed.
        DeletionRefused: see `check_deletions`.
    """
    home, settings = run.home, run.settings
    sources = current_sources(home, settings)
    if not sources and not home.sources.exists():  # an empty registry means that the last source was removed
        raise SourceMissing("there is nothing to ingest", cure="name a path: omni ingest PATH")
    _register_declared(home, sources)
    listings = run.session.list_each(home, _chosen(run, sources))
    missing = _missing(home, listings)
    plans = [plan_source(home, settings, listing) for listing in listings.listed]
    if not run.allow_delete:
        check_deletions(plans, settings)
    documents = open_table(home, DOCUMENTS)
    warnings = tuple(
        f"source {name} is not in omni.toml any more; it is kept until you run: omni source remove {name}"
        for name in undeclared(home, settings)
    )
    warnings += (*(each.warning for each in missing.values()), *unclaimed_notes(home))
    if settings.ocr and not text_recognition.installed():
        cure = f"to read scans and pictures: {text_recognition.INSTALL}"
        warnings = (*warnings, f"ocr is set, but text recognition is not installed; {cure}")
    report = DocumentsReport(deleted=_drop_unregistered(home, sources), warnings=warnings)
    with DocumentParser(recognize=settings.ocr and text_recognition.installed()) as parser:
        total = sum(len(plan.to_read) for plan in plans)
        writer = DocumentWriter(run, documents, parser, total)
        for plan in plans:
            report += _apply(home, plan, writer, documents)
    compact(home, documents)
    record_unread(home, writer.listed_files(plans), {source.name for source in sources})
    _record(run, [writer.completed(plan.listing) for plan in plans], missing, sources, writer.racy)
    dearest = sorted(writer.costs.values(), key=lambda cost: -cost.seconds)
    return replace(report, rows=documents.count(), version=str(documents.head()), reading=tuple(dearest))


def _chosen(run: RunContext, sources: Sequence[Source]) -> list[Source]:
    is_ours = reads(run.home)
    return [source for source in sources if is_ours(source) and (not run.sources or source.name in run.sources)]


def _missing(home: Home, listings: Listings) -> dict[str, MissingSource]:
    """The sources that cannot be listed, and of those that were not asked now, the ones that could not be before.

    Raises:
        SourceMissing: nothing was ever read, and nothing can be read now.
    """
    record = read_step_record(home, "documents")
    if record is None and listings.missing and not listings.listed:
        raise next(iter(listings.missing.values()))
    before = record.missing if record is not None else {}
    asked = {listing.source.name for listing in listings.listed}
    missing = {name: each for name, each in before.items() if name not in asked}
    now = datetime.now(UTC)
    for name, error in listings.missing.items():
        since = before[name].since if name in before else now
        missing[name] = MissingSource(since=since, problem=error.message, cure=error.cure)
    return missing


def _register_declared(home: Home, sources: Sequence[Source]) -> None:
    """Register what omni.toml declares, so that deleting a line there does not delete documents."""
    registered = {source.name: source for source in load_sources(home)}
    declared = {source.name: source for source in sources if source.declared}
    if any(registered.get(name) != source for name, source in declared.items()):
        save_sources(home, list({**registered, **declared}.values()))


def _apply(home: Home, plan: SourcePlan, writer: DocumentWriter, documents: LanceTable) -> DocumentsReport:
    """Read, write and delete what the plan of one source says."""
    outcome = writer.write(plan)
    source = plan.listing.source
    refused = {refusal.file.path for refusal in outcome.refused}
    replaced = [refusal.file.path for refusal in outcome.refused if refusal.replaces_content]
    deleted = [*plan.deletes, *(path for path in replaced if path in plan.stored)]
    for paths in batched(deleted, _DELETED_AT_ONCE):
        documents.delete(is_in("doc_id", [ids.document_id(source.name, path) for path in paths]))
    if plan.retagged:
        set_tags(documents, source.name, source.acl)
    # Not only what was read now: a run that was killed may have stored a document and left its row in quarantine.
    explained = {*refused, *outcome.partial, *plan.still_quarantined, *plan.still_partial}
    inside = {path for path in plan.kept_embedded | outcome.embedded if not plan.listing.has(path)}
    gone_refusals = {*plan.gone, *outcome.gone}

    def is_over(path: str) -> bool:
        is_seen = path in inside or plan.listing.has(path)
        return path in gone_refusals or (is_seen and path not in explained)

    forget_refusals(home, source.name, is_over)
    unknown = len(plan.still_unknown) + sum(each.error.code == RefusalCode.KIND for each in outcome.refused)
    quarantined = len(plan.still_quarantined) + len(outcome.refused) - unknown
    gone = [path for path in (*plan.deletes, *outcome.gone) if path in plan.stored]
    return DocumentsReport(
        added=outcome.added,
        changed=outcome.changed,
        deleted=len(gone),
        unchanged=len(plan.listing.files) + len(inside) - outcome.added - outcome.changed - quarantined - unknown,
        quarantined=quarantined,
        unread=len(plan.listing.unread) + len(outcome.unread) + unknown,
        partial=len(plan.still_partial) + len(outcome.partial),
        masked=outcome.masked,
        moved=len(outcome.contents & {plan.stored[path]["content_hash"] for path in gone}),
        warnings=plan.listing.notes,
    )


def _drop_unregistered(home: Home, sources: Sequence[Source]) -> int:
    """Delete the documents of sources that a person removed from the registry. The number of documents."""
    names = {source.name for source in sources}
    dropped = {table.name: _drop(open_table(home, table), names) for table in (DOCUMENTS, QUARANTINE)}
    return dropped[DOCUMENTS.name]


def _drop(table: LanceTable, names: Collection[str]) -> int:
    """Delete the rows of other sources than these. Their number."""
    counted = table.read(["source"])["source"].value_counts().to_pylist()
    removed = {each["values"]: each["counts"] for each in counted if each["values"] not in names}
    if removed:
        table.delete(is_in("source", sorted(removed)))
    return sum(removed.values())


def _record(
    run: RunContext,
    listings: Sequence[Listing],
    missing: Mapping[str, MissingSource],
    sources: Sequence[Source],
    racy: Collection[str],
) -> None:
    """Record what was read of which source. After a change of readers, the sources not read now count as unread."""
    before = read_step_record(run.home, "documents")
    same_readers = before is not None and before.fingerprint == readers_fingerprint()
    inputs = dict(before.inputs) if before is not None and same_readers else {}
    seen = dict(before.seen) if before is not None else {}
    for listing in listings:
        name = listing.source.name
        inputs[name] = "" if name in racy else listing_mark(listing, run.settings)
        seen[name] = listing.listed_at
    names = [source.name for source in sources]
    inputs = {name: inputs.get(name, "") for name in names}
    seen = {name: seen[name] for name in names if name in seen}
    missing = {name: missing[name] for name in names if name in missing}
    head = str(open_table(run.home, DOCUMENTS).head())
    write_step_record(run.home, "documents", head, inputs, readers_fingerprint(), seen, missing)

"""`omni ingest`."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from omni_pipelines.cli.command import Result, command
from omni_pipelines.cli.confirmation import confirmed
from omni_pipelines.cli.dependencies import AnyHome, HomeSettings
from omni_pipelines.cli.output import narrate
from omni_pipelines.cli.progress_bar import showing_progress
from omni_pipelines.cli.views.ingest import CHANGES, IngestPlan, IngestReport, show_ingest
from omni_pipelines.cli.views.ingest_profile import profile_of, with_rest
from omni_pipelines.error_codes import CoreErrorCode
from omni_pipelines.errors import DeletionRefused, OmniError, SourceMissing, UpstreamMoved
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.files import count_fates
from omni_pipelines.knowledge.state.foreign_languages import foreign_languages, language_hint
from omni_pipelines.knowledge.state.releases import newest_release, require_release
from omni_pipelines.pipeline.staleness import list_sources, record_unchanged, stale_index, stale_ingest
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.settings import Settings
from omni_pipelines.sources.kinds import list_source
from omni_pipelines.sources.model.names import HIDDEN
from omni_pipelines.sources.model.source import Source
from omni_pipelines.sources.registry import current_sources, reads, register, register_paths, unclaimed_notes
from omni_pipelines.sources.session import SourceSession
from omni_pipelines.steps.document_plan import plan_source
from omni_pipelines.steps.step_cost import measured
from omni_pipelines.steps.step_records import read_step_record
from omni_pipelines.steps.step_table import new_run
from omni_pipelines.text.engines import model_fingerprint, vocabulary_file

PathsArgument = Annotated[list[Path] | None, Argument(help="Files and folders. Default: all registered sources.")]
IncludeOption = Annotated[
    list[str] | None, Option(metavar="PATTERN", help="Read only files that match, as in .gitignore. Repeatable.")
]
AllowDeleteOption = Annotated[
    bool, Option("--allow-delete", help="Delete documents even if too many files of a source are gone.")
]


WaitOption = Annotated[
    float | None,
    Option(
        "--wait", min=0, metavar="SECONDS", help="Time to wait for another writer. Default: the setting lock_seconds."
    ),
]


@command(show_ingest, around=showing_progress)
def ingest(
    home: AnyHome,
    settings: HomeSettings,
    paths: PathsArgument = None,
    include: IncludeOption = None,
    dry_run: Annotated[bool, Option("--dry-run", help="Show what would be done, and change nothing.")] = False,
    allow_delete: AllowDeleteOption = False,
    wait: WaitOption = None,
    strict: Annotated[bool, Option("--strict", help="Exit with 1 if any source is missing.")] = False,
    profile: Annotated[
        bool, Option("--profile", help="Show where time and memory went: by step, source and reader.")
    ] = False,
) -> Result[IngestReport | IngestPlan]:
    """Read what changed, index it, and publish a release.

    A source that is missing keeps its documents, and the other sources are read.
    """
    if wait is not None:
        settings = settings.model_copy(update={"lock_seconds": wait})
    if dry_run:
        return Result(_plan(home, settings, paths or [], include or []))
    try:
        report = ingest_sources(home, settings, paths or [], include or [], allow_delete=allow_delete)
    except DeletionRefused as error:
        if not confirmed(f"{error.message}; delete them from the knowledge base?", otherwise=error):
            raise
        report = ingest_sources(home, settings, paths or [], include or [], allow_delete=True)
    if not profile:
        report = report.model_copy(update={"profile": None})
    failed = next(iter(report.missing.values()), None) if strict or paths else None
    if failed is None:
        return Result(report)
    return Result(report, error=OmniError(failed.problem, cure=failed.cure, code=CoreErrorCode.STORAGE_NOT_FOUND))


def ingest_sources(
    home: Home,
    settings: Settings,
    paths: Sequence[Path] = (),
    include: Sequence[str] = (),
    *,
    allow_delete: bool = False,
) -> IngestReport:
    """Register the paths, read what changed in their sources, and publish it; without a path, in all sources.

    Raises:
        SourceMissing: nothing was ever ingested, or a new path holds nothing to read.
    """
    start = time.monotonic()
    if settings.store:
        _take_over_newest(home, settings)
    known = current_sources(home, settings)
    wanted, names = _sources_to_read(home, known, paths, include)
    _refuse_empty([source for source in wanted if source not in known])
    model_fingerprint(settings)  # a missing model is reported before the first file is read
    vocabulary_file(settings)
    if paths:
        with writer_session(home, settings):  # another ingest may register its own sources at the same time
            names = register_paths(home, settings, paths, include)
    session = SourceSession()  # it lists a source only once, for the check and for the run
    with measured() as cost:
        report = _unchanged(home, settings, names, session)
        report = report or _run_refresh_job(home, settings, names, session, allow_delete)
    published = require_release(home, report.release)
    hint = language_hint(published.fingerprints["embedder"], foreign_languages(home, published))
    record = read_step_record(home, "documents")
    missing = {name: each for name, each in record.missing.items() if name in names or not names} if record else {}
    told = [each.warning for each in missing.values()]
    warnings = [*filter(None, [hint]), *told, *(each for each in report.warnings if each not in told)]
    files = count_fates(home, published, names or None)
    seconds = round(time.monotonic() - start, 2)
    found = {"seconds": seconds, "files": files, "missing": missing, "warnings": warnings}
    return report.model_copy(update={**found, "profile": with_rest(report.profile, cost)})


def _take_over_newest(home: Home, settings: Settings) -> None:
    """Bring the home to the newest release of its store: only against that one it shows what has to be done."""
    with writer_session(home, settings, sync=True):
        pass


def _sources_to_read(
    home: Home, known: Sequence[Source], paths: Sequence[Path], include: Sequence[str]
) -> tuple[list[Source], list[str]]:
    """The sources that this home reads once the paths are registered, and the names of those that hold the paths."""
    is_ours = reads(home)
    sources, names = register(known, paths, include, is_ours=is_ours)
    ours = list(filter(is_ours, sources))
    if not ours and not home.sources.exists():  # an empty registry means that the last source was removed
        raise SourceMissing("nothing was ingested yet", cure="name a path: omni ingest PATH")
    return ours, names


def _refuse_empty(new: Sequence[Source]) -> None:
    for source in new:
        listing = list_source(source)
        if not listing.files:  # most likely the wrong path
            left_out = next((file for file in listing.unread if file.kind != HIDDEN), None)
            why = f"; not read, for example: {left_out.path} ({left_out.reason})" if left_out is not None else ""
            raise SourceMissing(
                f"there is nothing to read in {source.location}{why}", cure="name a folder with text or code"
            )


def _plan(home: Home, settings: Settings, paths: Sequence[Path], include: Sequence[str]) -> IngestPlan:
    sources, names = _sources_to_read(home, current_sources(home, settings), paths, include)
    wanted = [source for source in sources if not paths or source.name in names]
    listings, plans = SourceSession().list_each(home, wanted), {}
    for listing in listings.listed:
        plan = plan_source(home, settings, listing)
        plans[listing.source.name] = {"read": [file.path for file in plan.to_read], "delete": list(plan.deletes)}
    return IngestPlan(plans, {name: error.message for name, error in listings.missing.items()})


def _unchanged(home: Home, settings: Settings, names: Sequence[str], session: SourceSession) -> IngestReport | None:
    """The report of a run with nothing to do, or None if there is something: listing alone shows it, quickly."""
    run = replace(new_run(home, settings, sources=tuple(names)), session=session)
    release = newest_release(home)
    if release is None or stale_index(run) is not None:
        return None
    listings = list_sources(run)
    if stale_ingest(run, listings) is not None:
        session.keep(home, listings.listed)
        return None
    quarantined = record_unchanged(home, settings, listings)
    counts = {"unchanged": release.counts["documents"], "quarantined": quarantined}
    return IngestReport(
        release=release.release,
        documents=dict.fromkeys(CHANGES, 0) | counts,
        chunks=release.counts["chunks"],
        run_id=release.run_id,
        warnings=[*(note for listing in listings.listed for note in listing.notes), *unclaimed_notes(home)],
    )


def _run_refresh_job(
    home: Home, settings: Settings, names: Sequence[str], session: SourceSession, allow_delete: bool
) -> IngestReport:
    from omni_pipelines.cli.dagster_jobs import FinishedRun, run_job  # a second that an ingest without changes saves
    from omni_pipelines.pipeline.run import retry_when_overtaken

    config = {"ops": {"documents": {"config": {"sources": names, "allow_delete": allow_delete}}}}

    def run() -> FinishedRun:
        narrate("starting the refresh job")
        finished = run_job(home, "refresh_job", config, session, settings.lock_seconds)
        _require_published(finished.metadata)
        return finished

    finished = retry_when_overtaken(settings, run)
    documents, embeddings = finished.metadata["documents"], finished.metadata["embeddings"]
    published = finished.metadata["release"]  # its counts include what a run that was killed had read
    unchanged = published["documents"] - published["added"] - published["changed"]
    return IngestReport(
        release=published["release"],
        documents={
            **{name: published[name] for name in CHANGES},
            "unchanged": unchanged,
            "quarantined": documents["quarantined"],
        },
        chunks=published["chunks"],
        embedded=embeddings["embedded"],
        reused=embeddings["reused"],
        run_id=finished.run_id,
        masked=published["masked"],
        moved=documents["moved"],
        warnings=documents["warnings"],
        profile=profile_of(finished.metadata),
    )


def _require_published(metadata: Mapping[str, Mapping[str, int]]) -> None:
    """Check that no other command took over a newer release between two steps of the run: its work would be lost.

    Raises:
        UpstreamMoved: one did.
    """
    before, published = metadata["documents"].get("store_release"), metadata["release"]
    if before is not None and published["release"] - published["new"] != before:
        raise UpstreamMoved(
            "a release of another home was taken over in the middle of the run", cure="run it again: omni ingest"
        )

"""Commands that write: ingest, launch, dev."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from omni_pipelines.cli.options import HomeOption, JsonOption
from omni_pipelines.cli.output import narrate, say, say_json

if TYPE_CHECKING:
    from omni_pipelines.cli.runs import Outcome
    from omni_pipelines.home import Home
    from omni_pipelines.settings import Settings
    from omni_pipelines.sources.session import SourceSession
    from omni_pipelines.sources.source import Source
    from omni_pipelines.steps.document_plan import SourcePlan

MAX_WARNINGS = 10
COUNTS = ("added", "changed", "deleted", "unchanged", "quarantined")


def add_to(app: typer.Typer) -> None:
    """Put the commands under `omni`."""
    for command in (ingest, launch, dev):
        app.command()(command)


def ingest(
    paths: Annotated[
        Optional[list[Path]],  # noqa: UP045
        typer.Argument(help="Files and folders; default: everything ingested before.", show_default=False),
    ] = None,
    include: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option("--include", help="Read only files that match this pattern (as in .gitignore). Repeatable."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    allow_delete: Annotated[
        bool, typer.Option("--allow-delete", help="Delete even what the guard protects.")
    ] = False,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Read what changed, index it, and publish a release."""
    from omni_pipelines.cli.progress_bar import ProgressBar
    from omni_pipelines.configuration import find_home, load_settings
    from omni_pipelines.errors import SourceMissing
    from omni_pipelines.progress import reporting_to
    from omni_pipelines.sources.registry import current_sources, reads, register
    from omni_pipelines.sources.session import SourceSession

    began = time.monotonic()
    place = find_home(home)
    settings = load_settings(place)
    if settings.store and not dry_run:
        _catch_up(place, settings)
    known = current_sources(place, settings)
    sources, names = register(known, paths or [], include or [], is_ours=reads(place))
    sources = list(filter(reads(place), sources))
    if not sources and not place.sources.exists():  # an empty registry says that the last source was removed
        raise SourceMissing("nothing was ever ingested here", cure="name a path: omni ingest PATH")
    if dry_run:
        _say_plan(place, settings, [source for source in sources if not paths or source.name in names], json=json)
        return
    _refuse_empty([source for source in sources if source not in known])
    _check_models(settings)
    if paths:
        names = _register(place, settings, paths, include or [])
    session = SourceSession()  # lists a website once, for the check and for the run
    with ProgressBar() as bar, reporting_to(bar):
        report = _nothing_to_do(place, settings, names, session)
        report = report or _refresh(place, settings, names, session, allow_delete=allow_delete)
    report["seconds"] = round(time.monotonic() - began, 2)
    if json:
        say_json(report)
    else:
        _say_report(report)


def _check_models(settings: Settings) -> None:
    """Before the first file is read: a missing model after minutes of work would be cruel."""
    from omni_pipelines.text.engines import model_fingerprint, vocabulary_file

    model_fingerprint(settings)
    vocabulary_file(settings)


def _register(home: Home, settings: Settings, paths: list[Path], include: list[str]) -> list[str]:
    """Add the paths to the registry; the names of the sources that hold them."""
    from omni_pipelines.pipeline.writer_session import writer_session
    from omni_pipelines.sources.registry import register_paths

    with writer_session(home, settings):  # another ingest may add its own at the same time
        return register_paths(home, settings, paths, include)


def _refuse_empty(sources: list[Source]) -> None:
    """A new source without a single file is a wrong path, most likely."""
    from omni_pipelines.errors import SourceMissing
    from omni_pipelines.sources.kinds import list_source

    for source in sources:
        if not list_source(source).files:
            raise SourceMissing(
                f"there is nothing to read in {source.location}", cure="name a folder with text or code"
            )


def _nothing_to_do(home: Home, settings: Settings, names: list[str], session: SourceSession) -> dict[str, Any] | None:
    """The report of a pass that would change nothing: found by listing alone, without Dagster, in half a second."""
    from omni_pipelines.knowledge.state.releases import newest_release
    from omni_pipelines.pipeline.staleness import list_sources, record_unchanged, stale_index, stale_ingest
    from omni_pipelines.steps.step_table import new_run

    run = replace(new_run(home, settings, sources=tuple(names)), session=session)
    release = newest_release(home)
    if release is None or stale_index(run) is not None:
        return None
    listings = list_sources(run)
    if stale_ingest(run, listings) is not None:
        return None
    quarantined, skipped = record_unchanged(home, settings, listings)
    counts = dict.fromkeys(COUNTS, 0)
    counts |= {"unchanged": release.counts["documents"], "quarantined": quarantined, "skipped": skipped}
    warnings = [note for listing in listings for note in listing.notes]
    report = _report(release.release, counts, release.counts["chunks"], 0, 0, release.run_id)
    return report | {"warnings": warnings}


def _catch_up(home: Home, settings: Settings) -> None:
    """Whether there is anything to do shows only against the newest release."""
    from omni_pipelines.pipeline.writer_session import writer_session

    with writer_session(home, settings, sync=True):
        pass


def _refresh(
    home: Home, settings: Settings, names: list[str], session: SourceSession, *, allow_delete: bool
) -> dict[str, Any]:
    from omni_pipelines.cli.runs import run_job
    from omni_pipelines.pipeline.run import retry_when_overtaken

    config = {"ops": {"documents": {"config": {"sources": names, "allow_delete": allow_delete}}}}

    def run() -> Outcome:
        narrate("starting the refresh job")
        outcome = run_job(home, "refresh_job", config, session)
        _require_published(outcome)
        return outcome

    outcome = retry_when_overtaken(settings, run)
    documents, embeddings = outcome.metadata["documents"], outcome.metadata["embeddings"]
    counts = {name: documents[name] for name in (*COUNTS, "skipped")}
    shown = outcome.metadata["release"]
    report = _report(
        shown["release"], counts, shown["chunks"], embeddings["embedded"], embeddings["reused"], outcome.run_id
    )
    return report | {name: documents[name] for name in ("masked", "moved", "warnings")}


def _require_published(outcome: Outcome) -> None:
    """Between two steps of a run, another command may take over a newer release: what the run had built is gone then.

    Raises:
        UpstreamMoved: so it was.
    """
    from omni_pipelines.errors import UpstreamMoved

    began, shown = outcome.metadata["documents"].get("store_release"), outcome.metadata["release"]
    if began is not None and shown["release"] - shown["new"] != began:
        raise UpstreamMoved(
            "a release of another home was taken over in the middle of the run", cure="run it again: omni ingest"
        )


def _report(
    release: int, documents: dict[str, int], chunks: int, embedded: int, reused: int, run_id: str
) -> dict[str, Any]:
    return {
        "release": release,
        "documents": documents,
        "chunks": chunks,
        "embedded": embedded,
        "reused": reused,
        "run_id": run_id,
    }


def _say_report(report: dict[str, Any]) -> None:
    counts = ", ".join(f"{count:,} {name}" for name, count in report["documents"].items() if count)
    say(f"release {report['release']}: {counts or 'no documents'}")
    if report.get("moved"):
        say(f"  {report['moved']:,} of the added only moved: nothing of them is embedded again")
    if report.get("masked"):
        narrate(f"{report['masked']:,} secrets and personal data masked: see omni status, and docs/secrets.md")
    say(f"  {report['chunks']:,} chunks, {report['embedded']:,} embedded, {report['seconds']:.1f} s")
    for warning in report["warnings"][:MAX_WARNINGS]:
        narrate(f"note: {warning}")
    if (more := len(report["warnings"]) - MAX_WARNINGS) > 0:
        narrate(f"note: and {more:,} more like these")


def _say_plan(home: Home, settings: Settings, sources: list[Source], *, json: bool) -> None:
    from omni_pipelines.sources.session import SourceSession
    from omni_pipelines.steps.document_plan import plan_source

    session = SourceSession()
    plans = {source.name: _summary(plan_source(home, settings, source, session)) for source in sources}
    if json:
        say_json({"dry_run": True, "sources": plans})
        return
    for name, plan in plans.items():
        say(f"source {name}: would read {len(plan['read'])} files and delete {len(plan['delete'])} documents")
        for path in plan["read"]:
            say(f"  read    {path}")
        for path in plan["delete"]:
            say(f"  delete  {path}")


def _summary(plan: SourcePlan) -> dict[str, list[str]]:
    return {"read": [found.path for found in plan.to_read], "delete": list(plan.deletes)}


def launch(
    job: Annotated[str, typer.Argument(help="ingest_job, index_job or refresh_job.")],
    queue: Annotated[bool, typer.Option("--queue", help="Hand it to a running `omni dev` instead.")] = False,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Run a job: here and now, or on a running `omni dev`."""
    from omni_pipelines.cli.progress_bar import ProgressBar
    from omni_pipelines.cli.runs import queue_job, run_job
    from omni_pipelines.configuration import find_home
    from omni_pipelines.progress import reporting_to

    place = find_home(home)
    place.check()
    if queue:
        run_id = queue_job(place, job)
    else:
        with ProgressBar() as bar, reporting_to(bar):
            run_id = run_job(place, job).run_id
    if json:
        say_json({"job": job, "run_id": run_id, "state": "queued" if queue else "done"})
    else:
        say(f"{job} {'queued' if queue else 'done'}: run {run_id}")


def dev(
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port on 127.0.0.1.")] = 3000,
    home: HomeOption = None,
) -> None:
    """Serve the web page, and let the sensors keep the knowledge base up to date."""
    from omni_pipelines.cli.dev import serve
    from omni_pipelines.configuration import find_home

    serve(find_home(home), port)

"""Commands that keep a knowledge base sound: scrub, and forget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from omni_pipelines.cli.options import HomeOption, JsonOption
from omni_pipelines.cli.output import narrate, say, say_json

if TYPE_CHECKING:
    from pathlib import Path

    from omni_pipelines.erasure.erase import Traces
    from omni_pipelines.home import Home
    from omni_pipelines.operations.scrub import ScrubReport
    from omni_pipelines.records import Certificate

MAX_LINES = 50
"""Damages that are named one by one; --json names all."""


def add_to(app: typer.Typer) -> None:
    """Put the commands under `omni`."""
    for command in (scrub, forget):
        app.command()(command)


def scrub(
    release: Annotated[int | None, typer.Option("--release", help="A kept release; default: the newest.")] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Let the next ingest mend what is damaged.")] = False,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Read every row and file, and compare them with their hashes; exit code 1 if something is damaged."""
    from omni_pipelines.cli.progress_bar import ProgressBar
    from omni_pipelines.configuration import find_home
    from omni_pipelines.errors import TableBroken
    from omni_pipelines.knowledge.state.releases import require_release
    from omni_pipelines.operations.scrub import scrub as read_all
    from omni_pipelines.progress import reporting_to

    place = find_home(home)
    with ProgressBar() as bar, reporting_to(bar):
        report = read_all(place, require_release(place, release))
    documents = _prepare_repair(place, report) if repair and report.damage else 0
    if json:
        say_json(_scrubbed(report, documents))
    else:
        _say_scrubbed(report)
    if report.damage:
        cure = "mend it: omni ingest" if repair else "prepare to mend it: omni scrub --repair"
        raise TableBroken(f"{len(report.damage):,} damages in release {report.release}", cure=cure)


def _prepare_repair(home: Home, report: ScrubReport) -> int:
    from omni_pipelines.configuration import load_settings
    from omni_pipelines.operations.scrub import mark_for_repair
    from omni_pipelines.pipeline.writer_session import writer_session

    with writer_session(home, load_settings(home)):
        return mark_for_repair(home, report)


def _scrubbed(report: ScrubReport, documents: int) -> dict[str, Any]:
    import dataclasses

    return {**dataclasses.asdict(report), "documents_to_read": documents}


def _say_scrubbed(report: ScrubReport) -> None:
    say(f"release {report.release}: {report.rows:,} rows and {report.files:,} index files read")
    for each in report.damage[:MAX_LINES]:
        say(f"  {each.place} {each.key}: {each.what}")
    if len(report.damage) > MAX_LINES:
        say(f"  and {len(report.damage) - MAX_LINES:,} more")
    if not report.damage:
        say("  nothing is damaged")


def forget(
    target: Annotated[str, typer.Argument(help="Name or folder of a source; path, URI or id of a document.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say where it is, and change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it: what is forgotten cannot be brought back.")] = False,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Remove a source or a document from every table, version, index, release and log, with a certificate."""
    from omni_pipelines.configuration import find_home
    from omni_pipelines.erasure.erase import find_traces
    from omni_pipelines.errors import ConfigurationError
    from omni_pipelines.steps.step_table import new_run

    place = find_home(home)
    place.check()
    if dry_run:
        _say_traces(find_traces(new_run(place), target), json=json)
        return
    if not yes:
        raise ConfigurationError(
            "what is forgotten cannot be brought back, nor can the releases that hold it",
            cure=f'see what it would do: omni forget "{target}" --dry-run; then do it with --yes',
        )
    _forget(place, target, json=json)


def _forget(home: Home, target: str, *, json: bool) -> None:
    from omni_pipelines.cli.progress_bar import ProgressBar
    from omni_pipelines.configuration import load_settings
    from omni_pipelines.erasure.erase import certified, erase
    from omni_pipelines.pipeline.run import retry_when_overtaken
    from omni_pipelines.pipeline.writer_session import writer_session
    from omni_pipelines.progress import reporting_to
    from omni_pipelines.steps.step_table import new_run

    settings = load_settings(home)
    context = new_run(home, settings, run_id="omni forget")

    def run() -> tuple[Certificate, Path]:
        with writer_session(home, settings, sync=True):
            return erase(context, target)

    with ProgressBar() as bar, reporting_to(bar):
        certificate, path = retry_when_overtaken(settings, run)
    document = certified(certificate)
    if json:
        say_json({**document, "file": str(path)})
        return
    say(f"release {certificate.release} is without it")
    if certificate.dropped_releases:
        say(f"  dropped releases: {', '.join(map(str, certificate.dropped_releases))}")
    for each in certificate.places:
        say(f"  {each.place}: {each.before:,} before, {each.after:,} now ({each.how})")
    say(f"  searched {certificate.files_searched:,} files, {certificate.bytes_searched:,} bytes")
    say(f"  certificate {path}, sha256 {document['sha256']}")
    _narrate_limits(path, certificate.copies_left, certificate.not_searched)


def _narrate_limits(path: Path, copies: int, not_searched: list[str]) -> None:
    if copies:
        narrate(f"note: {copies:,} other documents hold most of its lines, and were not touched; see --dry-run")
    narrate("not searched: " + "; ".join(not_searched))
    narrate(f"keep {path.name}: it does not tell what was forgotten, only that it was")


def _say_traces(found: Traces, *, json: bool) -> None:
    scope = found.scope
    places = [{"place": place, "how": how, "found": count} for (place, how), count in found.places.items()]
    if json:
        paths = [row.path for row in scope.documents]
        fields = {"kind": scope.kind, "name": scope.name, "documents": paths, "copies": list(scope.copies)}
        say_json({"dry_run": True, **fields, "places": places, "drops_releases": list(found.releases)})
        return
    say(f"{scope.kind} {scope.name}: {len(scope.documents):,} documents")
    for each in places:
        say(f"  {each['place']}: {each['found']:,} ({each['how']})")
    say(f"  releases that would be dropped: {', '.join(map(str, found.releases)) or 'none'}")
    for path in scope.copies:
        say(f"  {path} holds most of its lines, and would stay")

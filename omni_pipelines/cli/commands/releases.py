"""`omni releases` and `omni changes`."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from omni_pipelines.cli.command import Fields, Rows, command
from omni_pipelines.cli.dependencies import ExistingHome, HomeOption, HomeSettings
from omni_pipelines.cli.output import narrate
from omni_pipelines.cli.release_options import RefreshedHome, ViewerOrOwner
from omni_pipelines.cli.text import line, table
from omni_pipelines.cli.views import releases as views
from omni_pipelines.configuration import find_home
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.knowledge.state.changes import compare_releases
from omni_pipelines.knowledge.state.pins import list_pins
from omni_pipelines.knowledge.state.releases import list_releases, require_release
from omni_pipelines.pipeline.run import retry_when_overtaken
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.publishing.bundle import export_release, import_bundle
from omni_pipelines.publishing.rollback import RollbackReport, roll_back
from omni_pipelines.sharing import pinning

NumberArgument = Annotated[int, Argument(help="The number of a kept release.")]


@command(table("release.release", "release.created_at", "release.counts", "remark"))
def list_(home: RefreshedHome) -> Rows[views.KeptRelease]:
    """List the kept releases, newest first."""
    require_release(home)
    pins = list_pins(home)
    kept = [views.KeptRelease(release, pins.get(release.release)) for release in list_releases(home)]
    return Rows("releases", kept)


@command(views.show_release)
def show(home: RefreshedHome, number: NumberArgument) -> views.KeptRelease:
    """Show what a release consists of."""
    return views.KeptRelease(require_release(home, number), list_pins(home).get(number))


@command(views.show_changes)
def diff(
    home: RefreshedHome,
    before: Annotated[int, Argument(help="The older release.")],
    after: Annotated[int, Argument(help="The newer release.")],
) -> views.ReleaseChanges:
    """List the documents in which two releases differ."""
    return views.ReleaseChanges(compare_releases(home, before, after, diffs=False), names_only=True)


@command(views.show_changes)
def changes(
    viewer: ViewerOrOwner,
    home: RefreshedHome,
    since: Annotated[
        int | None,
        Option(help="The number of a kept release. Default: the one before the newest.", show_default=False),
    ] = None,
    summary: Annotated[bool, Option("--summary", help="Names only, without the texts.")] = False,
) -> views.ReleaseChanges:
    """Show what changed in the documents since a release."""
    if since is None:
        newest, *older = list_releases(home)[:2]
        since = (older[0] if older else newest).release
    compared = compare_releases(home, since, diffs=not summary, viewer=viewer)
    if require_release(home, since).is_early:
        narrate(f"note: release {since} is an early release: it has all documents, but not yet all vectors")
    return views.ReleaseChanges(compared, names_only=summary)


@command(line("release {release} is kept until: omni releases unpin {release}"))
def pin(
    home: ExistingHome,
    settings: HomeSettings,
    number: NumberArgument,
    reason: Annotated[str, Option(help="Why; the list of releases shows it.")] = "",
) -> Fields:
    """Keep a release until it is unpinned."""
    with writer_session(home, settings, sync=True):
        pinning.pin(home, settings, number, reason)
    return {"release": number, "reason": reason}


@command(line("release {release} is kept while it is among the newest {keep_releases}"))
def unpin(home: ExistingHome, settings: HomeSettings, number: NumberArgument) -> Fields:
    """Keep a release only while it is among the newest."""
    with writer_session(home, settings, sync=True):
        pinning.unpin(home, settings, number)
    return {"release": number, "keep_releases": settings.keep_releases}


@command(views.show_rollback)
def rollback(home: ExistingHome, settings: HomeSettings, number: NumberArgument) -> Fields:
    """Publish an older state again, as a new release.

    The sources and the tables do not change.
    """

    def run() -> RollbackReport:
        with writer_session(home, settings, sync=True):
            return roll_back(home, settings, number, "omni releases rollback")

    report = retry_when_overtaken(settings, run)
    return {"release": report.release.release, "shows": number, "before": report.before, "new": report.new}


@command(
    line(
        "release {release} in {file}: {files:file}, {bytes:byte}",
        "next: omni releases import {file} --home DIR",
    )
)
def export(
    home: RefreshedHome,
    number: NumberArgument,
    file: Annotated[Path, Argument(help="The file to write. It must not exist.")],
) -> Fields:
    """Write a release to a file, with a checksum of everything in it."""
    bundle = export_release(home, number, file)
    return {"release": number, "file": file, "bytes": file.stat().st_size, "files": len(bundle.files)}


@command(views.show_import)
def import_(
    file: Annotated[Path, Argument(help="A file that omni releases export wrote.")], home: HomeOption = None
) -> views.ImportedRelease:
    """Make a new home from an exported release.

    Everything in the file is compared with its checksum. --home names the new home, which must be empty.
    """
    if home is None:
        cure = f"name an empty folder: omni releases import {file} --home DIR"
        raise ConfigurationError("the new home has no name", cure=cure)
    release = import_bundle(file, find_home(home))
    return views.ImportedRelease(release.release, find_home(home).root, release.counts)

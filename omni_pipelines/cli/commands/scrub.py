"""`omni scrub`."""

from typing import Annotated

from typer import Option

from omni_pipelines.cli.command import Result, command
from omni_pipelines.cli.dependencies import AnyHome, HomeSettings
from omni_pipelines.cli.progress_bar import showing_progress
from omni_pipelines.cli.release_options import ReleaseOption
from omni_pipelines.cli.views.scrub import ScrubResult, show_scrub
from omni_pipelines.errors import TableBroken
from omni_pipelines.knowledge.state.releases import require_release
from omni_pipelines.operations import scrub
from omni_pipelines.pipeline.writer_session import writer_session


@command(show_scrub, around=showing_progress)
def scrub_release(
    home: AnyHome,
    settings: HomeSettings,
    release: ReleaseOption = None,
    repair: Annotated[bool, Option("--repair", help="Let the next ingest repair what is damaged.")] = False,
) -> Result[ScrubResult]:
    """Compare every row and file with its checksum.

    The exit code is 1 if something is damaged.
    """
    report = scrub.scrub(home, require_release(home, release))
    documents = 0
    if repair and report.damage:
        with writer_session(home, settings, repairs=True):
            documents = scrub.mark_for_repair(home, report)
    result = ScrubResult(report, documents)
    if not report.damage:
        return Result(result)
    cure = "repair it: omni ingest" if repair else "prepare the repair: omni scrub --repair"
    message = f"{len(report.damage):,} damages in release {report.release}"
    return Result(result, error=TableBroken(message, cure=cure))

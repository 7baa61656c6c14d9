"""`omni quarantine`."""

from collections.abc import Sequence
from typing import Annotated

from typer import Argument

from omni_pipelines.amounts import counted
from omni_pipelines.cli.command import Fields, Rows, command
from omni_pipelines.cli.commands.ingest import ingest_sources
from omni_pipelines.cli.dependencies import ExistingHome, HomeSettings
from omni_pipelines.cli.output import narrate
from omni_pipelines.cli.progress_bar import showing_progress
from omni_pipelines.cli.text import table
from omni_pipelines.cli.views.ingest import IngestReport, show_quarantined_files, show_report
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.rows import QuarantineRow
from omni_pipelines.steps.quarantine import quarantined, release_for_retry


@command(table("code", "source", "path", "detail", empty="no file is in quarantine"))
def list_(home: ExistingHome) -> Rows[Fields]:
    """List the files, with the code and the reason of each."""
    return _files(quarantined(home))


@command(show_quarantined_files)
def show(
    home: ExistingHome,
    path: Annotated[str, Argument(help="A path as in omni quarantine list, or the path of a file here.")],
) -> Rows[Fields]:
    """Show everything that is known about a file."""
    return _files(quarantined(home, path))


@command(show_report, around=showing_progress)
def retry(
    home: ExistingHome,
    settings: HomeSettings,
    paths: Annotated[list[str] | None, Argument(help="Paths as in omni quarantine list. Default: all.")] = None,
) -> IngestReport:
    """Read files again, and publish those that can be read now.

    They are read although they did not change.
    """
    with writer_session(home, settings):
        rows = [row for path in paths or [""] for row in quarantined(home, path)]
        release_for_retry(home, rows)
    narrate(f"{counted(len(rows), 'file')} will be read again")
    return ingest_sources(home, settings).model_copy(update={"profile": None})


def _files(rows: Sequence[QuarantineRow]) -> Rows[Fields]:
    names = ("source", "path", "code", "stage", "parser", "detail", "first_seen", "attempts")
    files = [{name: value for name, value in row.items() if name in names} for row in rows]
    return Rows("quarantine", files)

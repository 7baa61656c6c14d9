"""`omni forget`."""

from functools import partial
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from omni_pipelines.cli.command import command
from omni_pipelines.cli.dependencies import ExistingHome, HomeSettings
from omni_pipelines.cli.progress_bar import showing_progress
from omni_pipelines.cli.views.erasure import Erasure, PlannedErasure, show_erasure
from omni_pipelines.configuration import dagster_folder
from omni_pipelines.erasure.certificates import find_certificate
from omni_pipelines.erasure.erase import erase, find_traces
from omni_pipelines.erasure.run_history import Redact, no_other_history
from omni_pipelines.erasure.scope import find_scope
from omni_pipelines.errors import ConfigurationError, NothingNamed
from omni_pipelines.home import Home
from omni_pipelines.pipeline.run import retry_when_overtaken
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.records import Certificate
from omni_pipelines.steps.step_table import new_run


@command(show_erasure, around=showing_progress)
def forget(
    home: ExistingHome,
    settings: HomeSettings,
    target: Annotated[
        str, Argument(help="The name or folder of a source, or a document: SOURCE/PATH, its path, URI or id.")
    ],
    dry_run: Annotated[bool, Option("--dry-run", help="Show what would be erased, and change nothing.")] = False,
    yes: Annotated[bool, Option("--yes", help="Erase it. This cannot be undone.")] = False,
) -> Erasure | PlannedErasure:
    """Erase a source or a document everywhere, with a certificate.

    It is removed from every table, version, index, release and log.
    """
    context = new_run(home, settings, run_id="omni forget")
    outside = _history_outside(home)

    def run() -> tuple[Certificate, Path]:
        with writer_session(home, settings, sync=True):
            return erase(context, target, outside)

    try:
        if not (dry_run or yes):
            find_scope(home, target)
            raise ConfigurationError(
                "an erasure cannot be undone, and deletes every release that holds the document",
                cure=f'see what it would erase: omni forget "{target}" --dry-run; then run it with --yes',
            )
        if dry_run:
            return PlannedErasure(find_traces(context, target, outside))
        return Erasure(*retry_when_overtaken(settings, run))
    except NothingNamed:
        earlier = find_certificate(home, target)
        if earlier is None:
            raise
        return Erasure(*earlier, was_erased_before=True)


def _history_outside(home: Home) -> Redact:
    """What redacts the run history of an instance that is not in the home. Only that one needs Dagster."""
    if dagster_folder(home) == home.dagster:
        return no_other_history
    from resources.instance_redaction import redact_instance

    return partial(redact_instance, home)

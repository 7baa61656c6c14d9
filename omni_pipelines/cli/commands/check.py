"""`omni check`."""

from pathlib import Path
from typing import Annotated

from typer import Option

from omni_pipelines.cli.check_reports import junit, markdown
from omni_pipelines.cli.command import Result, command
from omni_pipelines.cli.dagster_checks import CheckOutcome, make_checks
from omni_pipelines.cli.dependencies import ExistingHome
from omni_pipelines.cli.progress_bar import showing_progress
from omni_pipelines.cli.views.checks import MadeChecks, show_checks
from omni_pipelines.knowledge.state.releases import require_release
from omni_pipelines.knowledge.state.table_files import require_readable_heads

SelectOption = Annotated[
    list[str] | None,
    Option(metavar="PATTERN", help="Only these checks: chunks, chunks.schema or '*.schema'. Repeatable."),
]


@command(show_checks, around=showing_progress)
def check(
    home: ExistingHome,
    select: SelectOption = None,
    junit_file: Annotated[
        Path | None, Option("--junit", metavar="FILE", help="Write the results as JUnit XML to this file.")
    ] = None,
    markdown_file: Annotated[
        Path | None, Option("--markdown", metavar="FILE", help="Write the results as a Markdown table to this file.")
    ] = None,
) -> Result[MadeChecks]:
    """Run every asset check, without building anything.

    The exit code is 1 if a check failed that blocks a release. A warning does not change it.
    """
    require_release(home)
    require_readable_heads(home)
    made = MadeChecks(*make_checks(home, select or []))
    if junit_file is not None:
        junit_file.write_bytes(junit(made.checks))
    if markdown_file is not None:
        markdown_file.write_text(markdown(made.checks), "utf-8")
    return Result(made, exit_code=1 if made.count(CheckOutcome.FAILED) else 0)

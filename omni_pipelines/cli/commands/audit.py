"""`omni audit`."""

from collections import deque
from typing import Annotated

from typer import Option

from omni_pipelines.audit_lines import AuditLine
from omni_pipelines.audit_log import AuditReport
from omni_pipelines.cli.command import Result, Rows, command
from omni_pipelines.cli.dependencies import ExistingHome
from omni_pipelines.cli.output import narrate, say
from omni_pipelines.cli.text import table
from omni_pipelines.permissions.files import permission_files


def _show_report(report: AuditReport) -> None:
    say(f"{report.lines:,} lines: {'changed' if report.problems else 'as they were written'}")
    for problem in report.problems:
        say(f"  {problem}")
    if not report.is_anchored:
        narrate("this user's anchor does not know the log, so an end that was cut off could not be seen")
    if report.began_after:
        narrate(f"an earlier log was moved away; its last line has the hash {report.began_after}")


@command(_show_report)
def verify(home: ExistingHome) -> Result[AuditReport]:
    """Check that the audit log is as it was written: no line changed, moved, added or missing."""
    report = permission_files(home).audit.verify()
    return Result(report, exit_code=1 if report.problems else 0)


@command(table("line", "at", "entry.session", "entry.event", "entry.tool", "answer", "entry.arguments", "entry.rule"))
def show(
    home: ExistingHome,
    session: Annotated[str, Option(metavar="ID", help="Only the lines of this session.")] = "",
    last: Annotated[int, Option(min=1, help="How many lines, the newest.")] = 50,
) -> Rows[AuditLine]:
    """Show what was called, what was decided, and how it ended."""
    lines = permission_files(home).audit.lines()
    return Rows("lines", list(deque((each for each in lines if session in ("", each.entry.session)), last)))

"""What `omni scrub` prints."""

from dataclasses import dataclass

from omni_pipelines.amounts import counted
from omni_pipelines.cli.command import Fields
from omni_pipelines.cli.output import say
from omni_pipelines.operations.scrub import ScrubReport

MAX_DAMAGES = 50
"""Damages that are printed one by one; JSON has all."""


@dataclass(frozen=True)
class ScrubResult:
    """What reading every row and file of a release found."""

    report: ScrubReport
    documents_to_read: int
    """Documents that the next ingest reads again to repair the damage."""

    def as_json(self) -> Fields:
        """The fields of the report, and the number of documents."""
        return {**vars(self.report), "documents_to_read": self.documents_to_read}


def show_scrub(result: ScrubResult) -> None:
    """Print how much was read, and what is damaged."""
    report = result.report
    say(f"release {report.release}: {counted(report.rows, 'row')} and {counted(report.files, 'file')} read")
    for damage in report.damage[:MAX_DAMAGES]:
        say(f"  {damage.place} {damage.key}: {damage.what}")
    if len(report.damage) > MAX_DAMAGES:
        say(f"  and {len(report.damage) - MAX_DAMAGES:,} more")
    if report.unchecked:
        say(f"  no checksums yet: the files of {', '.join(report.unchecked)}; the next release has them: omni ingest")
    if not report.damage:
        say("  nothing is damaged" if not report.unchecked else "  no row shows any damage")

"""What `omni ingest` and `omni quarantine` print."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from omni_pipelines.cli.command import Fields, Rows
from omni_pipelines.cli.output import narrate, say
from omni_pipelines.cli.text import say_fields
from omni_pipelines.records import Record

MAX_WARNINGS = 10


class IngestReport(Record):
    """What an ingest did."""

    release: int
    documents: dict[str, int]
    """added, changed, deleted, unchanged, quarantined and skipped → how many."""
    chunks: int
    embedded: int = 0
    reused: int = 0
    run_id: str
    masked: int = 0
    moved: int = 0
    warnings: Sequence[str] = ()
    seconds: float = 0.0


def show_report(report: IngestReport) -> None:
    """Print the counts of an ingest, and its first warnings."""
    counts = ", ".join(f"{count:,} {name}" for name, count in report.documents.items() if count)
    say(f"release {report.release}: {counts or 'no documents'}")
    if report.moved:
        say(f"  {report.moved:,} of the added files only moved: their text is not embedded again")
    if report.masked:
        narrate(
            f"{report.masked:,} secrets and personal data masked: see omni status and docs/explanation/masking.md"
        )
    say(f"  {report.chunks:,} chunks, {report.embedded:,} embedded, {report.seconds:.1f} s")
    for warning in report.warnings[:MAX_WARNINGS]:
        narrate(f"note: {warning}")
    if (more := len(report.warnings) - MAX_WARNINGS) > 0:
        narrate(f"note: and {more:,} more like these")


@dataclass(frozen=True)
class IngestPlan:
    """What an ingest would do."""

    sources: Mapping[str, Mapping[str, Sequence[str]]]
    """Source → "read" and "delete" → paths."""
    dry_run: bool = True


def show_ingest(result: IngestReport | IngestPlan) -> None:
    """Print the report of an ingest, or the plan of a dry run."""
    if isinstance(result, IngestReport):
        show_report(result)
        return
    for name, paths in result.sources.items():
        say(f"source {name}: would read {len(paths['read']):,} files and delete {len(paths['delete']):,} documents")
        for action in ("read", "delete"):
            for path in paths[action]:
                say(f"  {action:<7} {path}")


def show_quarantined_files(files: Rows[Fields]) -> None:
    """Print every field of each file."""
    for file in files.rows:
        say_fields(file, width=11)
        say()

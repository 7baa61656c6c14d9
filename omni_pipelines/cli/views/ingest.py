"""What `omni ingest` and `omni quarantine` print."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from omni_pipelines.amounts import counted
from omni_pipelines.cli.command import Fields, Rows
from omni_pipelines.cli.output import narrate, say
from omni_pipelines.cli.text import cell, say_fields
from omni_pipelines.cli.views.ingest_profile import IngestProfile, show_profile
from omni_pipelines.records import MissingSource, Record
from omni_pipelines.refusals import Fate

MAX_WARNINGS = 10
MAX_KINDS = 8
CHANGES = ("added", "changed", "deleted")
"""How the documents of a release differ from those of the release before it."""


class IngestReport(Record):
    """What an ingest did."""

    release: int
    documents: dict[str, int]
    """added, changed, deleted and unchanged in the release; quarantined → how many."""
    files: Mapping[str, Mapping[str, int]] = {}
    """What became of the files that were seen → their kind → how many."""
    chunks: int
    embedded: int = 0
    reused: int = 0
    run_id: str
    masked: int = 0
    moved: int = 0
    missing: Mapping[str, MissingSource] = {}
    """The sources that could not be listed, by name; their documents are kept."""
    warnings: Sequence[str] = ()
    seconds: float = 0.0
    profile: IngestProfile | None = None
    """What it cost, with --profile."""


def show_report(report: IngestReport) -> None:
    """Print what an ingest changed, what became of the files, and its first warnings."""
    changes = [f"{report.documents[name]:,} {name}" for name in CHANGES if report.documents[name]]
    say(f"release {report.release}: {', '.join(changes) or 'nothing changed'}")
    if report.moved:
        say(f"  {report.moved:,} of the added files only moved: their text is not embedded again")
    say_files(report.files)
    say(f"  {counted(report.chunks, 'chunk')}, {report.embedded:,} embedded, {report.seconds:.1f} s")
    if report.masked:
        narrate(
            f"{report.masked:,} secrets and personal data masked: see omni status and docs/explanation/masking.md"
        )
    unread = [fate for fate in report.files if fate not in (Fate.READ, Fate.IGNORED)]
    if unread:
        narrate(f"next: omni status --files {unread[0].replace(' ', '-')}")
    for warning in report.warnings[:MAX_WARNINGS]:
        narrate(f"note: {warning}")
    if (more := len(report.warnings) - MAX_WARNINGS) > 0:
        narrate(f"note: and {more:,} more like these")
    if report.profile is not None:
        show_profile(report.profile)


def say_files(files: Mapping[str, Mapping[str, int]]) -> None:
    """Print a line for each fate: the number of its files, and their kinds."""
    numbers = {fate: f"{sum(kinds.values()):,}" for fate, kinds in files.items()}
    width, digits = (max(map(len, names), default=0) for names in (numbers, numbers.values()))
    for fate, kinds in files.items():
        most = list(kinds.items())[:MAX_KINDS]
        parts = [f"{count:,} {cell(kind)}" for kind, count in most] if len(kinds) > 1 else [cell(most[0][0])]
        more = f" and {len(kinds) - MAX_KINDS:,} other kinds" if len(kinds) > MAX_KINDS else ""
        say(f"  {fate:<{width}}  {numbers[fate]:>{digits}}  {', '.join(parts)}{more}")


@dataclass(frozen=True)
class IngestPlan:
    """What an ingest would do."""

    sources: Mapping[str, Mapping[str, Sequence[str]]]
    """Source → "read" and "delete" → paths."""
    missing: Mapping[str, str]
    """Source that cannot be listed → why."""
    dry_run: bool = True


def show_ingest(result: IngestReport | IngestPlan) -> None:
    """Print the report of an ingest, or the plan of a dry run."""
    if isinstance(result, IngestReport):
        show_report(result)
        return
    for name, paths in result.sources.items():
        read, deleted = counted(len(paths["read"]), "file"), counted(len(paths["delete"]), "document")
        say(f"source {name}: would read {read} and delete {deleted}")
        for action in ("read", "delete"):
            for path in paths[action]:
                say(f"  {action:<7} {path}")
    for problem in result.missing.values():
        say(f"{problem}: its documents would be kept")


def show_quarantined_files(files: Rows[Fields]) -> None:
    """Print every field of each file."""
    for file in files.rows:
        say_fields(file, width=11)
        say()

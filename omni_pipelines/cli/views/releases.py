"""What the commands print that show releases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from omni_pipelines.amounts import counted
from omni_pipelines.cli.command import Fields, Rows
from omni_pipelines.cli.json_output import text_only
from omni_pipelines.cli.output import local_time, narrate, say
from omni_pipelines.cli.text import cell, table
from omni_pipelines.knowledge.search.citation_names import cited_name
from omni_pipelines.knowledge.state.changes import Changes
from omni_pipelines.knowledge.state.files import SeenFile
from omni_pipelines.knowledge.state.foreign_languages import language_hint
from omni_pipelines.knowledge.state.scans import recognition_hint
from omni_pipelines.knowledge.state.status import Status
from omni_pipelines.knowledge.state.writer import Writer
from omni_pipelines.operations.alerts import Alert
from omni_pipelines.records import Pin, Release

_SIGNS = {"added": "+", "changed": "~", "removed": "-"}


@dataclass(frozen=True)
class FirstIngest:
    """A home without a release, and the process that is about to make the first one."""

    home: str
    writer: Writer
    release: None = None


@dataclass(frozen=True)
class HomeState:
    """What a home holds, and what is wrong with it as far as `omni dev` has looked."""

    status: Status | FirstIngest
    alerts: Sequence[Alert]

    def as_json(self) -> Fields:
        """The fields of the status, and the alerts that are open."""
        fields = self.status.model_dump(mode="json") if isinstance(self.status, Status) else vars(self.status)
        return {**fields, "alerts": self.alerts}


def show_state(state: HomeState | Rows[SeenFile]) -> None:
    """Print the state of a home, or files and what became of them."""
    if isinstance(state, Rows):
        _show_files(state)
        return
    show_status(state.status)
    for alert in state.alerts:
        say(f"  since {local_time(alert.since)}: {alert.line}")


_show_files = table("fate", "source", "path", "reason", empty="there is no such file")


def show_status(status: Status | FirstIngest) -> None:
    """Print what the release holds, its indexes and sources, what recovery moved aside, and who writes."""
    if isinstance(status, Status):
        _show_release_status(status)
    else:
        say(f"no release yet in {status.home}")
    if status.writer is not None:
        say(f"  writer: {status.writer.description}")


def _show_release_status(status: Status) -> None:
    say(f"release {status.release} of {local_time(status.created_at)} in {status.home}")
    if status.shows != status.release:
        say(f"  rolled back to release {status.shows}; the next source change publishes everything again")
    say(f"  {cell(status.counts)}")
    for name, coverage in status.coverage.items():
        say(f"  {name} index: {coverage.entries:,} of {coverage.of:,} chunks ({coverage.share:.0%})")
    _show_sources(status)
    for name, fingerprint in status.fingerprints.items():
        if name != "readers":  # forty versions, which `omni releases show` names
            say(f"  {name}: {fingerprint}")
    if hint := language_hint(status.fingerprints["embedder"], status.foreign_languages):
        say(f"  {hint}")
    if hint := recognition_hint(status.recognizable):
        say(f"  {hint}")
    for note in status.set_aside:
        moved = f"{len(note.moved)} versions of table {note.table}" if note.after else f"table {note.table}"
        say(f"  moved aside on {local_time(note.at)}: {moved}, to {status.home}/quarantine: {note.why}")


def _show_sources(status: Status) -> None:
    for name, source in status.sources.items():
        masked = f", {source.masked:,} secrets masked" if source.masked else ""
        seen = f"last listed {local_time(source.seen)}"
        say(f"  source {name}: {counted(source.documents, 'document')}{masked}, {seen}, {source.place}")
    if status.oldest_seen is not None and len(status.sources) > 1:
        say(f"  the oldest of these listings: {local_time(status.oldest_seen)}")
    for missing in status.missing.values():
        say(f"  {missing.warning}")


@dataclass(frozen=True)
class KeptRelease:
    """A release and its pin."""

    release: Release
    pin: Pin | None

    def as_json(self) -> Fields:
        """The fields of the release, and its pin."""
        return {**self.release.model_dump(mode="json"), "pin": self.pin}

    @property
    def remark(self) -> str:
        """Whether it is an early release, whether it shows an older state, and whether it is pinned."""
        shown = [f"shows {self.release.rollback.to} again"] if self.release.rollback else []
        shown += (
            [f"early: {self.release.vector_share:.0%} of the chunks have vectors"] if self.release.is_early else []
        )
        pinned = [f"pinned: {self.pin.reason}" if self.pin.reason else "pinned"] if self.pin else []
        return "  ".join(shown + pinned)


def show_release(kept: KeptRelease) -> None:
    """Print the tables, index, sources and fingerprints of a release."""
    release = kept.release
    say(f"release {release.release} of {local_time(release.created_at)}  {kept.remark}".rstrip())
    for name, count in release.counts.items():
        say(f"  table {name}: {counted(count, 'row')}, version {release.tables[name]}")
    say(f"  keyword index {release.keyword.generation}: {counted(release.keyword.entries, 'entry')}")
    for name, source in release.sources.items():
        say(f"  source {name}: {counted(source.documents, 'document')}, {source.place}")
    for name, fingerprint in release.fingerprints.items():
        say(f"  {name}: {fingerprint}")
    say(f"  run {release.run_id}")


@dataclass(frozen=True)
class ReleaseChanges:
    """The documents in which two releases differ."""

    changes: Changes
    names_only: bool = text_only(False)

    def as_json(self) -> Fields:
        """The fields of the changes, and their number by kind."""
        return {**self.changes.model_dump(mode="json"), "summary": self.changes.summary}


def show_changes(result: ReleaseChanges) -> None:
    """Print each document that differs, and how its text differs."""
    changes = result.changes
    if changes.before == changes.after:
        say(f"release {changes.after} is the newest release: no document has changed since")
        return
    differing = ", ".join(f"{count:,} {kind}" for kind, count in changes.summary.items() if count)
    say(f"from release {changes.before} to {changes.after}: {differing or 'no document differs'}")
    for name, (before, after) in changes.fingerprints.items():
        say(f"  {name}: {before} became {after}")
    for change in changes.changes:
        say(f"{_SIGNS[change.kind]} {cited_name(change.source, change.path, '')}")
        if result.names_only:
            continue
        has_file_names = change.diff[:1] and change.diff[0].startswith("---")
        for line in change.diff[2:] if has_file_names else change.diff:
            say(f"    {line}")
        if change.cut:
            say("    …")


def show_rollback(rollback: Fields) -> None:
    """Print what readers see now, and what the next ingest does."""
    if not rollback["new"]:
        say(f"release {rollback['release']} shows that state already; nothing to do")
        return
    say(f"release {rollback['release']}: readers see release {rollback['shows']} again, not {rollback['before']}")
    narrate("next: no file was changed. An ingest that finds no change publishes nothing; the first one that finds a")
    narrate("      change publishes all that the sources hold then, including what was rolled back.")
    narrate(f"      to undo the rollback, run: omni releases rollback {rollback['before']}")


@dataclass(frozen=True)
class ImportedRelease:
    """A release in a new home."""

    release: int
    home: Path
    counts: Mapping[str, int]


def show_import(imported: ImportedRelease) -> None:
    """Print what the new home holds."""
    say(f"release {imported.release} in {imported.home}: {cell(imported.counts)}")
    narrate("note: the sources are registered with their old locations; an ingest stops where one is missing")

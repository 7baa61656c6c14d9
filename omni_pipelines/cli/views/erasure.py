"""What `omni forget` prints."""

from dataclasses import dataclass
from pathlib import Path

from omni_pipelines.amounts import counted
from omni_pipelines.cli.command import Fields
from omni_pipelines.cli.output import local_time, narrate, say
from omni_pipelines.erasure.erase import Traces
from omni_pipelines.records import Certificate, sealed_fields


@dataclass(frozen=True)
class Erasure:
    """A certificate of what was erased, and its file."""

    certificate: Certificate
    file: Path
    was_erased_before: bool = False
    """Whether an earlier call erased it, and this one found nothing to erase."""

    def as_json(self) -> Fields:
        """The sealed certificate, and its file."""
        return {**sealed_fields(self.certificate), "file": self.file, "was_erased_before": self.was_erased_before}


@dataclass(frozen=True)
class PlannedErasure:
    """Where an erasure would remove something."""

    traces: Traces

    def as_json(self) -> Fields:
        """The documents and copies, and what is in each place."""
        scope, places = self.traces.scope, self.traces.places
        return {
            "dry_run": True,
            "kind": scope.kind,
            "name": scope.name,
            "documents": [row.path for row in scope.documents],
            "copies": scope.copies,
            "places": [{"place": place, "how": how, "found": count} for (place, how), count in places.items()],
            "drops_releases": self.traces.releases,
        }


def show_erasure(result: Erasure | PlannedErasure) -> None:
    """Print what was erased, or would be, place by place."""
    if isinstance(result, PlannedErasure):
        _show_traces(result.traces)
    else:
        if result.was_erased_before:
            say(f"it was already erased, at {local_time(result.certificate.at)}; nothing was changed")
        _show_certificate(result.certificate, result.file)


def _show_traces(traces: Traces) -> None:
    say(f"{traces.scope.kind} {traces.scope.name}: {counted(len(traces.scope.documents), 'document')}")
    for (place, how), count in traces.places.items():
        say(f"  {place}: {count:,} ({how})")
    say(f"  releases that would be deleted: {', '.join(map(str, traces.releases)) or 'none'}")
    for path in traces.scope.copies:
        say(f"  {path} holds most of its lines, and would stay")


def _show_certificate(certificate: Certificate, file: Path) -> None:
    say(f"release {certificate.release} is without it")
    if certificate.dropped_releases:
        say(f"  deleted releases: {', '.join(map(str, certificate.dropped_releases))}")
    for place in certificate.places:
        say(f"  {place.place}: {place.before:,} before, {place.after:,} now ({place.how})")
    say(f"  searched {counted(certificate.files_searched, 'file')}, {counted(certificate.bytes_searched, 'byte')}")
    say(f"  certificate {file}, sha256 {sealed_fields(certificate)['sha256']}")
    if copies := certificate.copies_left:
        narrate(f"note: {copies:,} other documents hold most of its lines and were kept; see --dry-run")
    narrate("not searched: " + "; ".join(certificate.not_searched))
    narrate(f"keep {file.name}: it proves the erasure without naming what was erased")

"""What the commands print that check and erase: scrub, forget, golden, gate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from omni_pipelines.cli.command import Fields, Rows
from omni_pipelines.cli.output import local_time, narrate, say
from omni_pipelines.erasure.erase import Traces, certified
from omni_pipelines.knowledge.quality.gate_results import GateResult
from omni_pipelines.knowledge.quality.golden_questions import GoldenLabel
from omni_pipelines.operations.scrub import ScrubReport
from omni_pipelines.publishing.bisection import Bisection
from omni_pipelines.records import Certificate

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
    say(f"release {report.release}: {report.rows:,} rows and {report.files:,} index files read")
    for damage in report.damage[:MAX_DAMAGES]:
        say(f"  {damage.place} {damage.key}: {damage.what}")
    if len(report.damage) > MAX_DAMAGES:
        say(f"  and {len(report.damage) - MAX_DAMAGES:,} more")
    if not report.damage:
        say("  nothing is damaged")


@dataclass(frozen=True)
class Erasure:
    """A certificate of what was erased, and its file."""

    certificate: Certificate
    file: Path

    def as_json(self) -> Fields:
        """The sealed certificate, and its file."""
        return {**certified(self.certificate), "file": self.file}


@dataclass(frozen=True)
class ErasurePlan:
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


def show_erasure(result: Erasure | ErasurePlan) -> None:
    """Print what was erased, or would be, place by place."""
    if isinstance(result, ErasurePlan):
        _show_traces(result.traces)
    else:
        _show_certificate(result.certificate, result.file)


def _show_traces(traces: Traces) -> None:
    say(f"{traces.scope.kind} {traces.scope.name}: {len(traces.scope.documents):,} documents")
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
    say(f"  searched {certificate.files_searched:,} files, {certificate.bytes_searched:,} bytes")
    say(f"  certificate {file}, sha256 {certified(certificate)['sha256']}")
    if copies := certificate.copies_left:
        narrate(f"note: {copies:,} other documents hold most of its lines and were kept; see --dry-run")
    narrate("not searched: " + "; ".join(certificate.not_searched))
    narrate(f"keep {file.name}: it proves the erasure without naming what was erased")


def show_golden_questions(labels: Rows[GoldenLabel]) -> None:
    """Print each question with the words that answer it."""
    if not labels.rows:
        narrate(f"there is no golden question in {labels.fields['golden']}; run: omni golden add QUESTION CITATION")
    question = ""
    for label in labels.rows:
        if label.question != question:
            question = label.question
            say(question)
        say(f"  {label.path}: {_quote(label) or f'bytes {label.start_byte} to {label.end_byte}'}")


@dataclass(frozen=True)
class GoldenCheck:
    """Whether a release has the cited passages of all golden questions."""

    release: int
    labels: int
    missing: list[GoldenLabel]

    def as_json(self) -> Fields:
        """The release, and the number of cited passages; if one is missing, the error is printed instead."""
        return {"release": self.release, "labels": self.labels}


def show_golden_check(check: GoldenCheck) -> None:
    """Print each cited passage that is missing, or that none is."""
    for label in check.missing:
        say(f"{label.path}: {_quote(label)!r} is gone, which answers {label.question!r}")
    if not check.missing:
        say(f"all {check.labels} cited passages are in release {check.release}")


def _quote(label: GoldenLabel) -> str:
    return " ".join(label.quote.split())[:90]


@dataclass(frozen=True)
class GateReport:
    """What the quality gate measured."""

    gate: GateResult

    def as_json(self) -> Fields:
        """Whether the candidate passed, and the fields of the gate."""
        return {"passed": self.gate.passed, **self.gate.model_dump(mode="json")}


def show_gate(result: GateReport) -> None:
    """Print each measurement, and whether it passed."""
    gate = result.gate
    against = f"against release {gate.serving}" if gate.serving else "with no release to compare with"
    verdict = "passed" if gate.passed else "not passed"
    say(f"{verdict}, {local_time(gate.measured_at)}, {against}, run {gate.run_id[:8]}")
    for measure in gate.measures:
        say(f"  {'ok    ' if measure.passed else 'FAILED'}  {measure.measure:<10}  {measure.detail}")


def show_bisection(bisection: Bisection) -> None:
    """Print each document that made questions worse."""
    if not bisection.worse:
        say(f"no golden question is worse than in release {bisection.serving}")
    for culprit in bisection.culprits:
        more = f" and {len(culprit.questions) - 1} more" if len(culprit.questions) > 1 else ""
        say(f"{culprit.change:<8} {culprit.source}/{culprit.path}: worse answers to {culprit.questions[0]!r}{more}")
    for question in bisection.unexplained:
        say(f"no document explains why {question!r} is worse; check what changed in the settings")
    if bisection.worse:
        reason = f"{len(bisection.culprits)} of {bisection.changed} changed documents are the reason"
        narrate(f"{len(bisection.worse)} questions are worse than in release {bisection.serving}; {reason}")

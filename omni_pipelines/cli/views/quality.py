"""What `omni golden` and `omni gate` print."""

from dataclasses import dataclass

from omni_pipelines.cli.command import Fields, Rows
from omni_pipelines.cli.output import local_time, narrate, say
from omni_pipelines.cli.text import cut
from omni_pipelines.knowledge.quality.gate_results import GateResult
from omni_pipelines.knowledge.quality.golden_questions import GoldenLabel
from omni_pipelines.knowledge.search.citation_names import cited_name
from omni_pipelines.publishing.bisection import Bisection

MAX_QUOTE_LENGTH = 90


def show_golden_questions(labels: Rows[GoldenLabel]) -> None:
    """Print each question with the words that answer it."""
    if not labels.rows:
        narrate(f"there is no golden question in {labels.fields['golden']}; run: omni golden add QUESTION CITATION")
    question = ""
    for label in labels.rows:
        if label.question != question:
            question = label.question
            say(question)
        say(f"  {_name(label)}: {_quote(label) or f'bytes {label.start_byte} to {label.end_byte}'}")


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
        say(f"{_name(label)}: {_quote(label)!r} is gone, which answers {label.question!r}")
    if not check.missing:
        say(f"release {check.release} has {check.labels:,} of {check.labels:,} cited passages")


def _name(label: GoldenLabel) -> str:
    return cited_name(label.source, label.path, "") if label.source else label.path


def _quote(label: GoldenLabel) -> str:
    return cut(" ".join(label.quote.split()), MAX_QUOTE_LENGTH)


@dataclass(frozen=True)
class ShownGate:
    """What the quality gate measured."""

    gate: GateResult

    def as_json(self) -> Fields:
        """Whether the candidate passed, and the fields of the gate."""
        return {"passed": self.gate.passed, **self.gate.model_dump(mode="json")}


def show_gate(result: ShownGate) -> None:
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

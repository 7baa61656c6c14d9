"""The quality gate: write, audit, publish. A candidate is measured before a release record makes it visible.

The candidate is the release that would be written now. It is opened as a search would open it, asked the golden
questions, and compared with the serving release, question by question. No search sees the candidate, and if it fails,
the serving release keeps serving.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from omni_pipelines.home import Home
from omni_pipelines.knowledge.quality.gate_results import (
    GateMeasure,
    GateResult,
    candidate_id,
    last_gate,
    record_gate,
)
from omni_pipelines.knowledge.quality.golden_questions import load_golden
from omni_pipelines.knowledge.state.releases import newest_release
from omni_pipelines.publishing.gate_checks import GATE_CHECKS, MEASURES
from omni_pipelines.publishing.publish import candidate_release
from omni_pipelines.records import Release
from omni_pipelines.schemas import CHUNKS, DOCUMENTS, EMBEDDINGS
from omni_pipelines.steps.checks import Verdict, keyword_coverage, no_orphans, vector_coverage
from omni_pipelines.steps.step import RunContext


@dataclass(frozen=True)
class GateStepReport:
    """A gate as the catalog shows it, in the shape of the report of a step."""

    gate: GateResult

    rows: None = None
    """It has no table."""

    @property
    def version(self) -> str:
        """Names the state that was measured."""
        return self.gate.candidate

    @property
    def counts(self) -> dict[str, float]:
        """The value of each measure, by name."""
        return {measure.measure: measure.value for measure in self.gate.measures if measure.value is not None}


def run_gate(run: RunContext) -> GateResult:
    """Measure what would be published now, and write the result to the journal. Hold the writer lock.

    The embedder is loaded only if there is a golden set.

    Raises:
        UpstreamMoved: the steps were not all built from one another.
        ConfigurationError: the golden set cannot be read.
    """
    gate = _measured(run, candidate_release(run), newest_release(run.home))
    record_gate(run.home, gate)
    return gate


def serving_gate(run: RunContext) -> GateResult | None:
    """The last gate. If what it let pass is not what is served now, the serving release is measured instead.

    That is so after an erasure, an import and maintenance. None if there is no release. In the run of the last gate,
    which publishes after it, that gate is returned.

    Raises:
        ConfigurationError: the golden set cannot be read.
    """
    last, serving = last_gate(run.home), newest_release(run.home)
    if serving is None or (last is not None and (not last.passed or last.run_id == run.run_id != "")):
        return last
    if last is not None and last.candidate == candidate_id(run.home, serving):
        return last
    return _measured(run, serving, None)


def _measured(run: RunContext, candidate: Release, serving: Release | None) -> GateResult:
    home, golden = run.home, load_golden(run.home)
    measures = [*_completeness(home)]
    if golden:
        from omni_pipelines.publishing.golden_measures import golden_measures  # loads the search and the answers

        measures += golden_measures(home, run.settings, run.engines.embedder, golden, candidate, serving)
    else:
        measures.append(GateMeasure(measure="golden", passed=True, detail=golden_verdict(home).detail))
    return GateResult(
        gate_id=uuid4().hex,
        measured_at=datetime.now(UTC),
        run_id=run.run_id,
        candidate=candidate_id(home, candidate),
        serving=serving.release if serving is not None else None,
        measures=tuple(measures),
    )


def _completeness(home: Home) -> Iterator[GateMeasure]:
    """Coverage and orphans: every candidate must pass them, with or without a golden set."""
    yield _from_verdicts("coverage", [keyword_coverage(home), vector_coverage(home)])
    orphans = [
        no_orphans(home, CHUNKS, DOCUMENTS, "doc_id", both_ways=True),
        no_orphans(home, EMBEDDINGS, CHUNKS, "chunk_id", both_ways=True),
    ]
    yield _from_verdicts("orphans", orphans)


def _from_verdicts(name: str, verdicts: Sequence[Verdict]) -> GateMeasure:
    detail = "; ".join(each.detail for each in verdicts)
    return GateMeasure(measure=name, passed=all(each.passed for each in verdicts), detail=detail)


def gate_verdicts(gate: GateResult | None) -> Iterator[Verdict]:
    """The measures of a gate, each as a check result. What was not measured passes, and says so."""
    measured = {MEASURES.get(each.measure, each.measure): each for each in gate.measures} if gate is not None else {}
    for name in GATE_CHECKS:
        if gate is None:
            yield Verdict(name, False, "no gate has run yet")
        elif name not in measured:
            yield Verdict(name, True, "not measured, because there is no golden question")
        else:
            measure = measured[name]
            numbers = measure.model_dump(include={"value", "before", "least", "p"}, exclude_none=True)
            yield Verdict(name, measure.passed, measure.detail, numbers)


def golden_verdict(home: Home) -> Verdict:
    """Whether the gate has questions to ask; without any, it says nothing about the quality of the search."""
    count = len(load_golden(home))
    missing = f"there is no golden question in {home.golden}, so none was asked; add one: omni golden add"
    detail = f"{count} questions" if count else missing
    return Verdict("golden_questions", count > 0, detail, {"questions": count}, is_error=False)

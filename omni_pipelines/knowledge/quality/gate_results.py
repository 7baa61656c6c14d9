"""Results of the quality gate: whether a candidate may become a release, and why not."""

from collections.abc import Mapping

from omni_pipelines import ids
from omni_pipelines.errors import GateFailed
from omni_pipelines.home import Home
from omni_pipelines.knowledge.quality.golden_questions import golden_fingerprint
from omni_pipelines.knowledge.state import journal
from omni_pipelines.record_fields import Moment
from omni_pipelines.records import Record, Release
from omni_pipelines.schemas import GATE_RESULTS


class GateMeasure(Record):
    """One measurement of the gate."""

    measure: str
    passed: bool
    value: float | None = None
    before: float | None = None
    """The value of the serving release."""
    least: float | None = None
    """The lowest value that passes."""
    p: float | None = None
    """From a paired test: the probability of a difference this large by chance alone."""
    detail: str


class GateResult(Record):
    """All measurements of one candidate."""

    gate_id: str
    measured_at: Moment
    run_id: str
    candidate: str
    """Identifies the measured state and the golden set; see `candidate_id`."""
    serving: int | None
    """The release that the candidate was compared with."""
    measures: tuple[GateMeasure, ...]

    @property
    def passed(self) -> bool:
        """Whether the candidate may be published."""
        return all(each.passed for each in self.measures)

    @property
    def reason(self) -> str:
        """The details of the measures that failed, or of all measures if none failed."""
        return "; ".join(f"{each.measure}: {each.detail}" for each in self.measures if each.passed == self.passed)


def record_gate(home: Home, gate: GateResult) -> None:
    """Add a gate result to the journal."""
    shared = gate.model_dump(exclude={"measures"})
    rows = [
        {"gate_result_id": ids.text_hash(gate.gate_id, each.measure), **shared, **each.model_dump()}
        for each in gate.measures
    ]
    journal.append(home, GATE_RESULTS, rows)


def last_gate(home: Home, candidate: str | None = None) -> GateResult | None:
    """The newest gate result, or the newest of a candidate; None if there is none."""
    rows: list[Mapping[str, object]] = journal.read(home, GATE_RESULTS).to_pylist()
    matching = [row for row in rows if candidate in (None, row["candidate"])]
    if not matching:
        return None
    newest = [row for row in matching if row["gate_id"] == matching[-1]["gate_id"]]
    shared = {name: value for name, value in newest[0].items() if name in GateResult.model_fields}
    measures = [{name: value for name, value in row.items() if name in GateMeasure.model_fields} for row in newest]
    return GateResult.model_validate({**shared, "measures": measures})


def gate_failed(reason: str) -> GateFailed:
    """The error of a candidate that did not pass the gate."""
    return GateFailed(
        f"the quality gate blocks this release: {reason}",
        cure="see: omni gate show; omni gate bisect names the documents; the serving release stays as it is",
    )


def require_passed(gate: GateResult) -> None:
    """Raise if the gate did not pass.

    Raises:
        GateFailed: with the measures that failed.
    """
    if not gate.passed:
        raise gate_failed(gate.reason)


def require_candidate_passed(home: Home, candidate: Release) -> None:
    """Raise if there is a golden set and this candidate did not pass the gate.

    Raises:
        GateFailed: the candidate failed, or was never measured.
    """
    if not home.golden.exists():
        return
    gate = last_gate(home, candidate_id(home, candidate))
    if gate is None:
        raise GateFailed("the quality gate has not measured this candidate", cure="run: omni ingest")
    require_passed(gate)


def candidate_id(home: Home, release: Release) -> str:
    """Identify what a gate measures: tables, keyword index and golden set, whatever number the release will have."""
    tables = (f"{name}={version}" for name, version in sorted(release.tables.items()))
    return ids.text_hash(*tables, release.keyword.generation, golden_fingerprint(home))

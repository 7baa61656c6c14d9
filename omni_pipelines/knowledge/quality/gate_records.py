"""What gates measured: whether a candidate may become a release, and why not."""

from __future__ import annotations

from typing import Any

from omni_pipelines import ids
from omni_pipelines.errors import GateFailed
from omni_pipelines.home import Home
from omni_pipelines.knowledge.quality.golden import golden_fingerprint
from omni_pipelines.knowledge.state import journal
from omni_pipelines.records import Moment, Record, Release
from omni_pipelines.schemas import GATE_RESULTS

CURE = "see: omni gate show; omni gate bisect names the documents; the serving release stays as it is"


class Measure(Record):
    """One thing that a gate looks at."""

    measure: str
    passed: bool
    value: float | None = None
    before: float | None = None
    """Of the serving release."""
    least: float | None = None
    """The floor."""
    p: float | None = None
    """Of a paired test: how often chance alone gives as large a difference."""
    detail: str


class Gate(Record):
    """One passage through the gate."""

    gate_id: str
    measured_at: Moment
    run_id: str
    candidate: str
    """Names the state that was measured, and the golden set it was measured by."""
    serving: int | None
    """The release it was compared with."""
    measures: tuple[Measure, ...]

    @property
    def passed(self) -> bool:
        """Whether the candidate may be published."""
        return all(each.passed for each in self.measures)

    @property
    def reason(self) -> str:
        """Why not, or what spoke for it."""
        told = [f"{each.measure}: {each.detail}" for each in self.measures if each.passed == self.passed]
        return "; ".join(told)


def record_gate(home: Home, gate: Gate) -> None:
    """Put a gate into the journal."""
    shared = gate.model_dump(exclude={"measures"})
    rows = [
        {"gate_result_id": ids.text_hash(gate.gate_id, each.measure), **shared, **each.model_dump()}
        for each in gate.measures
    ]
    journal.append(home, GATE_RESULTS, rows)


def last_gate(home: Home, candidate: str | None = None) -> Gate | None:
    """The newest gate, or the newest of a candidate; None if there was none."""
    rows = journal.read(home, GATE_RESULTS).to_pylist()
    fitting = [row for row in rows if candidate in (None, row["candidate"])]
    return _gate([row for row in fitting if row["gate_id"] == fitting[-1]["gate_id"]]) if fitting else None


def require_passed(gate: Gate) -> None:
    """Stop where a gate did not let a candidate pass.

    Raises:
        GateFailed: with what was measured.
    """
    if not gate.passed:
        raise GateFailed(f"the gate keeps this from being published: {gate.reason}", cure=CURE)


def require_gate(home: Home, candidate: Release) -> None:
    """Stop where there is a golden set and this very candidate did not pass a gate.

    Raises:
        GateFailed: it failed, or was never measured.
    """
    if not home.golden.exists():
        return
    gate = last_gate(home, candidate_id(home, candidate))
    if gate is None:
        raise GateFailed("what is to be published was not measured by the gate", cure="run: omni ingest")
    require_passed(gate)


def candidate_id(home: Home, release: Release) -> str:
    """Names what a gate judges: tables, keyword index and golden set, whatever number the release will have."""
    tables = (f"{name}={version}" for name, version in sorted(release.tables.items()))
    return ids.text_hash(*tables, release.keyword.generation, golden_fingerprint(home))


def _gate(rows: list[dict[str, Any]]) -> Gate:
    shared = {name: rows[0][name] for name in Gate.model_fields if name != "measures"}
    measures = tuple(Measure(**{name: row[name] for name in Measure.model_fields}) for row in rows)
    return Gate(**shared, measures=measures)

"""The comparison of two commits by ratio."""

from __future__ import annotations

import pytest

from benchmarks.commits import ratios
from benchmarks.peers.run import Run


def runs(*seconds: float) -> list[Run]:
    return [{"work": "ingest", "turn": turn, "cpu": cpu} for turn, cpu in enumerate(seconds)]


def test_ratio_is_that_of_turns_so_a_busy_machine_does_not_matter() -> None:
    assert ratios(runs(1.1, 11, 2.2), runs(1, 10, 2)) == {"ingest": pytest.approx(1.1)}


def test_work_that_fails_is_named() -> None:
    with pytest.raises(SystemExit, match="ingest failed: no model"):
        ratios([{"work": "ingest", "turn": 0, "failed": "no model"}], runs(1))

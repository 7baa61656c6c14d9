"""What `omni check` prints."""

from collections.abc import Sequence
from dataclasses import dataclass

from omni_pipelines.cli.command import Fields
from omni_pipelines.cli.dagster_checks import CheckOutcome, CheckResult
from omni_pipelines.cli.output import narrate
from omni_pipelines.cli.text import say_table

_SIGNS = {CheckOutcome.PASSED: "ok", CheckOutcome.WARNED: "WARN", CheckOutcome.FAILED: "FAILED"}


@dataclass(frozen=True)
class MadeChecks:
    """The results of checks, and the run that made them."""

    run_id: str
    checks: Sequence[CheckResult]

    def count(self, outcome: CheckOutcome) -> int:
        """How many checks ended so."""
        return sum(result.outcome is outcome for result in self.checks)

    def as_json(self) -> Fields:
        """Whether no blocking check failed, the numbers, and the results."""
        counts = {outcome.value: self.count(outcome) for outcome in CheckOutcome}
        return {"ok": not counts["failed"], **counts, "run_id": self.run_id, "checks": self.checks}


def show_checks(made: MadeChecks) -> None:
    """Print a line for each check."""
    rows = [(_SIGNS[each.outcome], each.asset, each.check, each.detail) for each in made.checks]
    say_table(("", "asset", "check", "what was found"), rows)
    counts = ", ".join(f"{made.count(outcome)} {outcome}" for outcome in CheckOutcome if made.count(outcome))
    narrate(f"{counts}; run {made.run_id[:8]}")

"""The asset checks, made without building anything: for `omni check`."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

import dagster as dg

from omni_pipelines.cli.dagster_jobs import QUIET, resources_of, run_here
from omni_pipelines.definitions import defs
from omni_pipelines.errors import ConfigurationError, HomeBusy, nearest
from omni_pipelines.home import Home
from resources.runs import tags_of_this_process

_NUMBER = re.compile(r"^\[\d+\] ")
"""The number of an error before its message."""


class CheckOutcome(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    WARNED = "warned"
    """It failed, and stops nothing."""
    FAILED = "failed"
    """It failed, and no release is published while it does."""


@dataclass(frozen=True)
class CheckResult:
    """The result of a check."""

    asset: str
    check: str
    outcome: CheckOutcome
    detail: str
    numbers: Mapping[str, object]


def make_checks(home: Home, patterns: Sequence[str] = ()) -> tuple[str, list[CheckResult]]:
    """Make the checks that match a pattern, or all, in one run of `quality_job`; its id, and their results.

    Raises:
        ConfigurationError: a pattern matches no check.
        HomeBusy: another process wrote to the home for too long.
    """
    specs = _chosen(patterns)
    job = defs.resolve_job_def("quality_job")
    chosen = job.get_subset(asset_check_selection={spec.key for spec in specs}) if patterns else job
    with run_here(home) as (instance, run_id):
        result = chosen.execute_in_process(
            run_config=QUIET,
            instance=instance,
            run_id=run_id,
            tags=tags_of_this_process(),
            resources=resources_of(home, None, None),
            raise_on_error=False,
        )
    problems = _problems(result)
    made = {each.asset_check_key: each for each in result.get_asset_check_evaluations()}
    return run_id, [_result(spec, made.get(spec.key), problems) for spec in specs]


def _chosen(patterns: Sequence[str]) -> list[dg.AssetCheckSpec]:
    specs = {f"{spec.asset_key.to_user_string()}.{spec.name}": spec for spec in _specs()}
    chosen: dict[str, dg.AssetCheckSpec] = {}
    for pattern in patterns or ["*"]:
        matching = {
            name: spec
            for name, spec in specs.items()
            if fnmatchcase(name, pattern) or name.partition(".")[0] == pattern
        }
        if not matching:
            known = [*specs, *dict.fromkeys(name.partition(".")[0] for name in specs)]
            raise ConfigurationError(f"no check matches {pattern!r}", cure=nearest(pattern, known))
        chosen |= matching
    return [spec for name, spec in specs.items() if name in chosen]


def _specs() -> Iterator[dg.AssetCheckSpec]:
    for checks in defs.asset_checks or []:
        yield from checks.check_specs


def _problems(result: dg.ExecuteInProcessResult) -> str:
    """What prevented checks from being made, as far as anything did.

    Raises:
        HomeBusy: it was another writer.
    """
    messages = []
    for event in result.filter_events(lambda event: event.event_type == dg.DagsterEventType.STEP_FAILURE):
        error = event.step_failure_data.error
        while error is not None and str(error.cls_name).startswith("Dagster"):
            error = error.cause
        if error is None:  # a blocking check failed, which has a result
            continue
        message = " ".join(error.message.partition(": ")[2].split())
        if error.cls_name == HomeBusy.__name__:
            message = _NUMBER.sub("", message).rpartition("; ")[0]
            raise HomeBusy(message, cure="wait until it has finished; see how far it is: omni status")
        messages.append(message)
    return "; ".join(dict.fromkeys(messages))


def _result(spec: dg.AssetCheckSpec, made: dg.AssetCheckEvaluation | None, problems: str) -> CheckResult:
    asset = spec.asset_key.to_user_string()
    if made is None:
        outcome = CheckOutcome.FAILED if spec.blocking else CheckOutcome.WARNED
        return CheckResult(asset, spec.name, outcome, f"could not be made: {problems}", {})
    failed = CheckOutcome.WARNED if made.severity == dg.AssetCheckSeverity.WARN else CheckOutcome.FAILED
    numbers = {name: value.value for name, value in made.metadata.items()}
    return CheckResult(
        asset, spec.name, CheckOutcome.PASSED if made.passed else failed, made.description or "", numbers
    )

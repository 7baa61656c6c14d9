"""What `omni ingest --profile` prints: where time, processor time and memory went, and what would help."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from omni_pipelines.cli.output import say
from omni_pipelines.cli.text import Header, say_table
from omni_pipelines.records import Record
from omni_pipelines.steps.step_cost import StepCost

MAX_READERS = 12
REST = "checks and Dagster"
_COSTS = ("seconds", "cpu_seconds", "peak_megabytes")
_ADVICE = {
    "documents": 'read fewer files (--include, .gitignore), or read on several machines (engine = "ray")',
    "embeddings": 'embed on more processors (workers), or on several machines (engine = "ray")',
}
"""Step to what makes it cheaper."""


class StepProfile(Record):
    """What a step of a run cost; `steps.step_cost` explains the figures."""

    step: str
    seconds: float
    cpu_seconds: float
    peak_megabytes: int


class ReadingProfile(Record):
    """What it cost to read the files of one source with one reader."""

    source: str
    reader: str
    files: int
    megabytes: float
    seconds: float


class IngestProfile(Record):
    """What an ingest cost."""

    steps: Sequence[StepProfile] = ()
    """The steps in their order, and at last what is left of the whole."""
    reading: Sequence[ReadingProfile] = ()
    """The dearest first."""


def profile_of(metadata: Mapping[str, Mapping[str, Any]]) -> IngestProfile:
    """The profile of a run, from the metadata of its assets, in their order."""
    steps = [StepProfile(step=asset, **{name: fields[name] for name in _COSTS}) for asset, fields in metadata.items()]
    return IngestProfile(steps=steps, reading=metadata["documents"]["reading"])


def with_rest(profile: IngestProfile | None, whole: StepCost) -> IngestProfile:
    """The profile, with what the whole run cost beside its steps; without a profile, one without steps."""
    if profile is None:
        return IngestProfile()
    seconds, cpu = (sum(getattr(each, name) for each in profile.steps) for name in ("seconds", "cpu_seconds"))
    rest = StepProfile(
        step=REST,
        seconds=max(whole.seconds - seconds, 0),
        cpu_seconds=max(whole.cpu_seconds - cpu, 0),
        peak_megabytes=whole.peak_megabytes,
    )
    return profile.model_copy(update={"steps": [*profile.steps, rest]})


def show_profile(profile: IngestProfile) -> None:
    """Print a table of the steps, one of the readers, and one line on what would help."""
    if not profile.steps:
        say("no step ran: nothing had changed")
        return
    total = sum(each.cpu_seconds for each in profile.steps)
    say()
    header = ["step", "CPU s", "share", "seconds", "memory so far, MB"]
    say_table(header, _step_rows(profile.steps, total), piped=Header.PLAIN)
    if profile.reading:
        say()
        header = ["source", "reader", "files", "MB", "seconds", "ms a file"]
        say_table(header, _reading_rows(profile.reading[:MAX_READERS]), piped=Header.PLAIN)
    dearest = max(profile.steps, key=lambda each: each.cpu_seconds)
    if advice := _ADVICE.get(dearest.step):
        say()
        share = dearest.cpu_seconds / max(total, 1e-9)
        say(f"{dearest.step} took {share:.0%} of the processor time. To save: {advice}")


def _step_rows(steps: Iterable[StepProfile], total: float) -> list[list[str]]:
    return [
        [
            each.step,
            f"{each.cpu_seconds:.2f}",
            f"{each.cpu_seconds / max(total, 1e-9):.0%}",
            f"{each.seconds:.2f}",
            f"{each.peak_megabytes:,}",
        ]
        for each in steps
    ]


def _reading_rows(reading: Iterable[ReadingProfile]) -> list[list[str]]:
    return [
        [
            each.source,
            each.reader,
            f"{each.files:,}",
            f"{each.megabytes:.1f}",
            f"{each.seconds:.2f}",
            f"{1000 * each.seconds / max(each.files, 1):.1f}",
        ]
        for each in reading
    ]

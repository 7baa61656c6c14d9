"""`omni gate`: what stood between the last candidate and its publication."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from omni_pipelines.cli.options import HomeOption, JsonOption
from omni_pipelines.cli.output import narrate, say, say_json

if TYPE_CHECKING:
    from omni_pipelines.knowledge.quality.gate_results import GateResult
    from omni_pipelines.publishing.bisection import Bisection

app = typer.Typer(help="What is measured before a release is published.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def show(home: HomeOption = None, json: JsonOption = False) -> None:
    """Show what the last gate measured, and whether it let the candidate pass."""
    from omni_pipelines.configuration import find_home
    from omni_pipelines.errors import ConfigurationError
    from omni_pipelines.knowledge.quality.gate_results import last_gate

    place = find_home(home)
    place.check()
    gate = last_gate(place)
    if gate is None:
        raise ConfigurationError("no gate has measured anything yet", cure="run: omni ingest PATH")
    if json:
        say_json({"passed": gate.passed, **gate.model_dump(mode="json")})
    else:
        _say_gate(gate)


def _say_gate(gate: GateResult) -> None:
    against = f"against release {gate.serving}" if gate.serving else "with no release to compare with"
    when = gate.measured_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    say(f"{'passed' if gate.passed else 'not passed'}, {when}, {against}, run {gate.run_id[:8]}")
    for each in gate.measures:
        say(f"  {'ok    ' if each.passed else 'FAILED'}  {each.measure:<10}  {each.detail}")


@app.command()
def bisect(home: HomeOption = None, json: JsonOption = False) -> None:
    """Name the changed documents that made golden questions worse than in the serving release."""
    from dataclasses import asdict

    from omni_pipelines.cli.progress_bar import ProgressBar
    from omni_pipelines.configuration import find_home, load_settings
    from omni_pipelines.progress import reporting_to
    from omni_pipelines.publishing.bisection import bisect_release
    from omni_pipelines.steps.step_table import new_run

    place = find_home(home)
    place.check()
    settings = load_settings(place)
    with ProgressBar() as bar, reporting_to(bar):
        found = bisect_release(new_run(place, settings, run_id="omni gate bisect"))
    if json:
        say_json(asdict(found))
    else:
        _say_bisection(found)


def _say_bisection(found: Bisection) -> None:
    if not found.worse:
        say(f"no golden question is worse than in release {found.serving}")
    for each in found.culprits:
        more = f" and {len(each.questions) - 1} more" if len(each.questions) > 1 else ""
        say(f"{each.change:<8} {each.source}/{each.path}: spoils {each.questions[0]!r}{more}")
    for question in found.unexplained:
        say(f"no document explains why {question!r} is worse: look at the settings")
    if found.worse:
        told = f"{len(found.worse)} questions are worse than in release {found.serving}"
        narrate(f"{told}; {len(found.culprits)} of {found.changed} changed documents are the reason")

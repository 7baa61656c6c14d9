"""A process that carries out a task is killed at any moment; the next one goes on."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from omni_pipelines.agent.session import TaskSession
from omni_pipelines.home import Home
from omni_pipelines.testing.fakes import ScriptedModel
from tests.agent_task import Killed, OpenTools, Task
from tests.cases import IS_LONG, cases
from tests.scripted_tasks import TASKS, Scripted, Workshop, reasoning
from tests.stress.harness.figures import Figures

pytestmark = pytest.mark.timeout(7200 if IS_LONG else 300)
KILLS = cases(1, 40)
LINES = 12 if KILLS > 1 else 4
ROOT = Path(__file__).parents[2]
PROCESS = """
import sys
from pathlib import Path
from omni_pipelines.agent.person import Inquiry
from omni_pipelines.home import Home
from omni_pipelines.testing.fakes import ScriptedModel
from tests.agent_task import OpenTools, Task
from tests.scripted_tasks import CLEAR, GOOD, Workshop, append, done, planned, reasoning, says

folder, lines = Path(sys.argv[1]), int(sys.argv[2])
workshop = Workshop(folder / "files")
calls = [append("a.txt", f"line {number}") for number in range(lines)]
steps = planned(*[("add lines", "files.append")] * (lines // 4))
parts = [calls[start : start + 4] for start in range(0, lines, 4)]
replies = [CLEAR, steps, *(reply for part in parts for reply in (*part, done())), GOOD, says(("added", [1]))]


class Looks:
    def answer(self, inquiry: Inquiry) -> str:
        if inquiry.kind != "uncertain":
            return "y"
        wanted = next(f"line {number}" for number in range(lines) if f'"line {number}"' in inquiry.text)
        return "happened" if wanted in (folder / "files" / "a.txt").read_text().splitlines() else "again"


task = Task(Home(folder / "home"), lambda *_: OpenTools(workshop.catalog), "add lines", limits={"steps": 99})
recorded = sum(1 for _ in task.session.read_lines(task.session.replies_file))
task.make_reasoner = reasoning(ScriptedModel(replies[recorded:]))
print("begun", flush=True)
print(task.run(person=Looks()).outcome, flush=True)
"""


def begun(folder: Path, scripted: Scripted) -> tuple[Task, Workshop]:
    workshop = Workshop(folder / "files")
    workshop.down = scripted.down
    tools, model = OpenTools(workshop.catalog), ScriptedModel(scripted.replies)
    home, limits = Home(folder / "home"), dict(scripted.limits)
    return Task(home, lambda *_: tools, scripted.task, make_reasoner=reasoning(model), limits=limits), workshop


def kill_at_each_event(folder: Path, scripted: Scripted, chance: random.Random) -> int:
    """Kill a task at each of its events, or at a random one in the short form; the number of kills."""
    whole, expected = begun(folder / "whole", scripted)
    result = whole.run(*scripted.answers)
    every = range(2, len(whole.events) + 1)
    events = every if IS_LONG else chance.sample(every, 1)
    for event in events:
        task, workshop = begun(folder / str(event), scripted)
        with pytest.raises(Killed):
            task.run(*scripted.answers, kill_at=event)
        ended = task.run(*task.left_of(scripted.answers))
        assert ended == result.model_copy(update={"session": ended.session}), (scripted.name, event)
        assert task.events == whole.events, (scripted.name, event)
        assert (workshop.effects, workshop.texts) == (expected.effects, expected.texts), (scripted.name, event)
    return len(events)


def test_task_killed_at_each_of_its_events_has_every_side_effect_once(
    tmp_path: Path, seed: int, figures: Figures
) -> None:
    chance = random.Random(seed)
    tasks = list(enumerate(TASKS)) if IS_LONG else chance.sample(list(enumerate(TASKS)), 4)
    kills = sum(kill_at_each_event(tmp_path / str(number), scripted, chance) for number, scripted in tasks)
    figures.add(
        "a task of the agent is killed at each of its events, and goes on",
        "the scripted tasks, each compared with a run that was not killed: result, events, calls and files",
        tasks=len(tasks), kills=kills, side_effects_lost=0, side_effects_made_twice=0, records_that_differ=0,
    )  # fmt: skip


def kill_at_random(folder: Path, chance: random.Random, most: int) -> int:
    """Carry out a task in processes of which the first ones are killed; the number of kills."""
    kills = 0
    while True:
        command = [sys.executable, "-c", PROCESS, str(folder), str(LINES)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "begun\n"
            if kills < most:
                time.sleep(chance.uniform(0.0, 0.5))
                process.send_signal(signal.SIGKILL)
            said = process.stdout.read()
        if said == "done\n":
            return kills
        kills += 1


def test_task_killed_by_the_system_has_every_side_effect_once(tmp_path: Path, seed: int, figures: Figures) -> None:
    chance, tasks, kills = random.Random(seed), 0, 0
    while kills < KILLS:
        folder = tmp_path / str(tasks)
        kills += kill_at_random(folder, chance, KILLS - kills)
        tasks += 1
        lines = (folder / "files" / "a.txt").read_text().splitlines()
        assert lines[1:] == [f"line {number}" for number in range(LINES)]
        [session_folder] = (folder / "home" / "sessions").iterdir()
        session = TaskSession(session_folder)
        assert session.state == "done"
        assert [event.sequence for event in session.events()] == list(range(1, len(session.events()) + 1))
    figures.add(
        "kill -9 of a task of the agent at random moments",
        f"tasks that add {LINES} lines to a file",
        tasks=tasks, kills=kills, lines_lost=0, lines_written_twice=0,
    )  # fmt: skip

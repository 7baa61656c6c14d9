"""A process that carries out a task is killed by the system at any moment; the next one goes on."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from omni_pipelines.agent.session import TaskSession

KILLS = 40 if os.environ.get("OMNI_STRESS") == "long" else 1
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


def test_task_killed_by_the_system_has_every_side_effect_once(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    kills = 0
    while True:
        command = [sys.executable, "-c", PROCESS, str(tmp_path), str(LINES)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "begun\n"
            if kills < KILLS:
                time.sleep(chance.uniform(0.0, 2.5))
                process.send_signal(signal.SIGKILL)
                kills += 1
            said = process.stdout.read()
        if said == "done\n":
            break
    lines = (tmp_path / "files" / "a.txt").read_text().splitlines()
    assert lines[1:] == [f"line {number}" for number in range(LINES)]
    [folder] = (tmp_path / "home" / "sessions").iterdir()
    session = TaskSession(folder)
    assert session.state == "done"
    assert [event.sequence for event in session.events()] == list(range(1, len(session.events()) + 1))

"""What the agent's runtime itself costs, and what its notes keep.

    python -m benchmarks.agent [--home FOLDER]

A task with a scripted model and tools that do nothing is run, so all that is measured is the runtime: the graph, the
checkpoints, the events, the records. CPU is measured, not time, because disks differ. With `--home`, `omni run` is
started cold and measured to its first event. The result is written to docs/benchmarks/agent.md.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from omni_pipelines.agent import task_graph  # noqa: F401  # loaded before anything is measured
from omni_pipelines.agent.task_events import StepEnded
from omni_pipelines.events import EventBus
from omni_pipelines.home import Home
from omni_pipelines.testing.fakes import ScriptedModel
from tests.agent_task import OpenTools, Task
from tests.labelled_sessions import count as count_tokens
from tests.labelled_sessions import labelled_sessions, missing, recorded, taker
from tests.scripted_tasks import CLEAR, GOOD, Workshop, append, done, planned, reasoning, says

RUNS, CALLS = 20, 20
EVENTS = 10_000
STEP_MARK, COLD_MARK, EVENT_MARK = 15.0, 1.5, 5.0
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "agent.md"


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", type=Path)
    home = parser.parse_args().home
    rows = [*measure_steps(), measure_publisher(), *measure_notes(), *([measure_cold_start(home)] if home else [])]
    PAGE.write_text(page(rows), "utf-8")


def measure_steps() -> list[tuple[str, str, str]]:
    """CPU of one step: a decision of the model, a call of a tool, and what is recorded of both."""
    costs, sizes = [], []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as folder:
            task = long_task(Path(folder))
            before = time.process_time()
            assert task.run("y").outcome == "done"
            costs.append((time.process_time() - before) * 1000 / CALLS)
            sizes.append(sum(path.stat().st_size for path in task.session.folder.rglob("*") if path.is_file()))
    median, worst = statistics.median(costs), max(costs)
    return [
        ("CPU of one step, median", f"{median:.1f} ms", f"≤ {STEP_MARK:g} ms"),
        (f"CPU of one step, worst of {RUNS} tasks", f"{worst:.1f} ms", ""),
        (f"size of a session of {CALLS} calls", f"{statistics.median(sizes) / 1024:.0f} KiB", ""),
    ]


def measure_publisher() -> tuple[str, str, str]:
    """CPU of an event that nobody hears, with the making of its payload: the best of several rounds."""
    bus, costs = EventBus("benchmark"), []
    for _ in range(7):
        before = time.process_time()
        for _ in range(EVENTS):
            bus.publish(StepEnded(step="1", status="completed"))
        costs.append((time.process_time() - before) / EVENTS * 1e6)
    return ("CPU of an event that nobody hears", f"{min(costs):.1f} µs", f"≤ {EVENT_MARK:g} µs")


def long_task(folder: Path) -> Task:
    """A task that makes `CALLS` calls."""
    workshop = Workshop(folder / "files")
    calls = [append("a.txt", str(number)) for number in range(CALLS)]
    plan = planned(("add lines", "files.append"), ("add more", "files.append"), ("and more", "files.append"))
    parts = (calls[:7], calls[7:14], calls[14:])
    replies = [CLEAR, plan, *(reply for part in parts for reply in (*part, done())), GOOD, says(("added", [1]))]
    model = ScriptedModel(replies)
    limits = {"steps": CALLS}
    tools = OpenTools(workshop.catalog)
    return Task(Home(folder / "home"), lambda *_: tools, "add lines", make_reasoner=reasoning(model), limits=limits)


def measure_notes() -> list[tuple[str, str, str]]:
    """What notes keep of labelled sessions, and how short they are."""
    sessions = labelled_sessions()
    facts = sum(len(session.facts) for session in sessions)
    kept = facts - sum(len(missing(session)) for session in sessions)
    notes = [taker().distill(session.events).tokens for session in sessions]
    whole = [count_tokens(recorded(session)) for session in sessions]
    return [
        (f"facts of {len(sessions)} labelled sessions that the notes keep", f"{kept} of {facts}", "≥ 90 %"),
        ("tokens of the longest note", str(max(notes)), "≤ 500"),
        ("tokens of the shortest of these sessions", f"{min(whole):,}", "≥ 4,000"),
    ]


def measure_cold_start(home: Path) -> tuple[str, str, str]:
    """CPU of a new process from its start to the first event."""
    command = [sys.executable, "-m", "omni_pipelines.cli.main", "run", "--json", "--home", str(home), "Who is it?"]
    costs = []
    for _ in range(5):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["topic"] == "agent/task/started"
        costs.append(_cpu_seconds(process.pid))
        process.kill()
        process.wait()
        process.stdout.close()
    return ("CPU of `omni run` to its first event, median", f"{statistics.median(costs):.2f} s", f"≤ {COLD_MARK:g} s")


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def page(rows: list[tuple[str, str, str]]) -> str:
    """The page."""
    load = os.getloadavg()[0]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    lines = [
        "# What the agent costs",
        "",
        "What one step of the agent costs, apart from the language model and the tools that it calls.",
        "",
        "<!-- Written by `python -m benchmarks.agent --home FOLDER`; do not edit. -->",
        "",
        f"A scripted model and tools that do next to nothing: {RUNS} tasks with {CALLS} calls each, on",
        f"{os.cpu_count()} cores with Python {sys.version.split()[0]}; the process took {memory} MB of memory.",
        f"The load of the machine was {load:.0f} at the end: other programs ran, so CPU, not time, is measured.",
        "A step is a decision of the model, a call of a tool, the checkpoint and all records.",
        "[The agent](../explanation/agent.md) explains how it works.",
        "",
        "| measure | result | goal |",
        "|---|---|---|",
        *(f"| {name} | {result} | {goal} |" for name, result, goal in rows),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()

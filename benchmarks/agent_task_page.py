"""The page docs/benchmarks/agent_tasks.md, from the results of the tasks."""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence

from benchmarks.agent_task_set import TaskCase, TaskOutcome, TaskScore

EXTRACTIVE = "extractive"
_OUTCOMES = tuple(TaskOutcome)
_HEAD = """\
# Real tasks

How many tasks the agent solves, by language model, corpus and kind of task.

<!-- Written by `python -m benchmarks.agent_tasks page --results FOLDER`; do not edit. -->

The agent got {tasks} tasks in the words of a person, over three corpora: the pages of this project, the documentation
of Python 3.11, and the source of Python's library. It got them as `omni run` gives them. Each task ends in one way:

- **solved**: the report says each thing that the task asks for, and its citations cover at least 80 % of the passage
  that was marked for the task beforehand. A task without an answer in its corpus is solved if the agent gives none.
- **partly**: the report says some of the things that the task asks for.
- **wrong**: the report cites passages that do not answer the task.
- **no answer**: the agent gives no answer although the corpus has one.
- **failed**: any other error.

The tasks and their passages are in `benchmarks/tasks`. They ran on {cores} cores with Python {python}, which other
programs used at the same time. CPU is that of all processes, with opening the knowledge base and loading the model.
[The agent](../explanation/agent.md) explains how it works.
"""
_END = """\
## What it says

- Half of the lost tasks end in **no answer**: the librarian gives none when its evidence is weak. For the same
  reason, it answers hardly any task whose corpus has no answer.
- In most other lost tasks, the agent cites a passage that has the words of the task but not its answer. It does worst
  on code: a default value in a signature, or a constant in another file, shares few words with a question.
- A small model of this machine only words what the librarian found, in at most three sentences for each question.
  It solves no task for which the librarian has no answer, and seldom chooses a better passage. The model of 1.5
  billion parameters cites a wrong passage in more tasks than the smaller one.
- In its first run, the model of 0.5 billion parameters lost four tasks that are solved without it, and won one. It
  copied the placeholder of its form, repeated the question, said one word, or was cut off; and a question for which
  no sentence was left had no answer at all. Now such sentences are left out, and each question without one is quoted.
  The rows above show the same replies, judged after that (`again`), so they are these tasks at their best.
- When it planned for itself, as large models do, it asked the person what the task said already.
- Threads of the model wait for each other. While other programs used the two cores, a request cost 48 s of CPU with
  two threads, and 10 s with one. So one was used here. A reply may take an hour here, so that no task fails because
  the machine is busy.

## What would raise it

- In half of the tasks that are lost, the librarian has no answer: its evidence is too weak. A model that reads well
  (`llm_url`) plans, searches again and judges by itself.
- Most of the others cite a wrong passage: a reranker (`rerank_url`), or a larger embedder (`all-mpnet-base-v2`).

None of these was on this machine.
"""


def page(cases: Sequence[TaskCase], scores: Sequence[TaskScore]) -> str:
    """The page."""
    models = sorted({score.model for score in scores}, key=lambda model: (model != EXTRACTIVE, model))
    whole = [score for score in scores if score.model == EXTRACTIVE]
    parts = [
        _HEAD.format(tasks=len(cases), cores=os.cpu_count(), python=sys.version.split()[0]),
        *_section("By model", "model", _models(scores, models)),
        *_section("The extractive model, by corpus", "corpus", _groups(cases, whole, lambda case: case.corpus)),
        *_section("The extractive model, by kind of task", "kind", _groups(cases, whole, lambda case: case.kind)),
        *_tasks(cases, scores, models),
        "",
        _END.rstrip(),
    ]
    return "\n".join(parts) + "\n"


def _section(title: str, first: str, rows: Iterator[tuple[str, Sequence[TaskScore]]]) -> Iterator[str]:
    yield f"## {title}\n"
    columns = [first, "tasks", *_OUTCOMES, "tokens", "CPU"]
    yield f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|"
    for name, own in rows:
        counts = [sum(score.outcome is outcome for score in own) for outcome in _OUTCOMES]
        tokens = statistics.median(score.tokens for score in own)
        cpu = statistics.median(score.cpu_seconds for score in own)
        share = f"**{counts[0]}** ({counts[0] / len(own):.0%})"
        cells = [name, len(own), share, *counts[1:], f"{tokens:,.0f}", f"{cpu:.1f} s"]
        yield f"| {' | '.join(map(str, cells))} |"
    yield "\nTokens and CPU are those of a task in the median.\n"


def _models(scores: Sequence[TaskScore], models: Sequence[str]) -> Iterator[tuple[str, Sequence[TaskScore]]]:
    """Each model with its tasks; below one that has run only some, the extractive model with the same ones."""
    whole = [score for score in scores if score.model == EXTRACTIVE]
    for model in models:
        own = [score for score in scores if score.model == model]
        yield f"`{model}`", own
        done = {score.id for score in own}
        if len(own) < len(whole):
            yield f"`{EXTRACTIVE}`, the same {len(own)}", [score for score in whole if score.id in done]


def _groups(
    cases: Sequence[TaskCase], scores: Sequence[TaskScore], name: Callable[[TaskCase], str]
) -> Iterator[tuple[str, Sequence[TaskScore]]]:
    group = {case.id: name(case) for case in cases}
    for each in dict.fromkeys(group.values()):
        yield each, [score for score in scores if group[score.id] == each]


def _tasks(cases: Sequence[TaskCase], scores: Sequence[TaskScore], models: Sequence[str]) -> Iterator[str]:
    outcomes = {(score.id, score.model): score.outcome for score in scores}
    yield "## Every task\n"
    yield f"| corpus | task | {' | '.join(models)} |\n|---|---{'|---' * len(models)}|"
    for case in cases:
        cells = [outcomes.get((case.id, model), "") for model in models]
        yield f"| {case.corpus} | {case.task} | {' | '.join(cells)} |"

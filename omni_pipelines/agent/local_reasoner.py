"""Reasons with a small language model of this machine.

Such a model cannot plan, calls tools in circles, and asks the person what the task says already. So a task that asks
for knowledge is planned without it: the librarian is asked each question and searched, and if there is an answer, the
model words it, from a few passages, in a form that it cannot leave. That is one request for each question instead of
five for the task.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from omni_pipelines.agent.extractive import ExtractiveReasoner
from omni_pipelines.agent.model_reasoner import ModelReasoner
from omni_pipelines.agent.reasoner import Judgement, NextCall, StepResult, TaskBrief, TaskReport
from omni_pipelines.agent.report_sources import TaskSource, checked_report, cited_sources
from omni_pipelines.agent.task_questions import work_asked_for
from omni_pipelines.agent.task_state import StepStatus, TaskStep
from omni_pipelines.knowledge.answers.prompts import prompt_of_texts
from omni_pipelines.language_models.claims import Claim, read_claims, schema

MAX_READ = 4
"""Passages that the model reads."""
MAX_READ_LENGTH = 500
"""Characters of each."""
MIN_REPEATED = 0.6
"""Share of the words of a sentence that its sources must have."""
_WORD = re.compile(r"[^\W\d_]{4,}")


class LocalReasoner(ModelReasoner):
    """Asks a small model for the words of a report; for all decisions only if the task asks for work."""

    _librarian = ExtractiveReasoner(searches=True)

    def clarify(self, brief: TaskBrief) -> str | None:
        """Nothing, if the task asks for knowledge."""
        return None if _asks(brief) else super().clarify(brief)

    def plan(self, brief: TaskBrief) -> Sequence[TaskStep]:
        """A step for each question of the task."""
        return self._librarian.plan(brief) if _asks(brief) else super().plan(brief)

    def act(self, brief: TaskBrief, step: TaskStep) -> NextCall | StepResult:
        """Ask the librarian, and search for further passages."""
        return self._librarian.act(brief, step) if _asks(brief) else super().act(brief, step)

    def judge(self, brief: TaskBrief) -> Judgement:
        """Whether the librarian answered each question."""
        return self._librarian.judge(brief) if _asks(brief) else super().judge(brief)

    def report(self, brief: TaskBrief) -> TaskReport:
        """The sentences of the model that the passages support; the words of the sources, if there are none."""
        if not _asks(brief):
            return super().report(brief)
        quoted = self._librarian.report(brief)
        if quoted.answer is None:
            return quoted
        sources = cited_sources(brief)
        worded = checked_report(brief, sources, list(self._worded(brief, sources)))
        return worded if worded.answer is not None else quoted

    def _worded(self, brief: TaskBrief, sources: Sequence[TaskSource]) -> Iterator[tuple[str, Sequence[int]]]:
        """What the model says to each question, each sentence with the numbers of its sources."""
        numbers = {source.name: source.number for source in sources}
        for step in brief.steps:
            own = cited_sources(replace(brief, steps=(step,), past=()))[:MAX_READ]
            if step.status is StepStatus.COMPLETED and own:
                for claim in self._claims(step.description, own):
                    said_in = [own[unit - 1] for unit in claim.unit if 0 < unit <= len(own)]
                    if _repeats(claim.text, said_in):
                        yield claim.text, [numbers[source.name] for source in said_in]

    def _claims(self, question: str, sources: Sequence[TaskSource]) -> Sequence[Claim]:
        messages = prompt_of_texts(question, [source.text[:MAX_READ_LENGTH] for source in sources])
        turn = self._model.say("summarize", messages, schema(len(sources)))
        try:
            return read_claims(turn.text)
        except ValueError:  # it was cut off, or is no JSON: the sources are quoted then
            return []


def _repeats(text: str, sources: Sequence[TaskSource]) -> bool:
    """Whether most of the words of a sentence are in its sources: a small model knows nothing that they lack."""
    words = _WORD.findall(text.lower())
    present = set(_WORD.findall(" ".join(source.text for source in sources).lower()))
    return bool(words) and sum(word in present for word in words) >= MIN_REPEATED * len(words)


def _asks(brief: TaskBrief) -> bool:
    """Whether a task asks for knowledge only."""
    return not work_asked_for(brief.task)

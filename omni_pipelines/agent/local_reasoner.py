"""Reasons with a small language model of this machine.

Such a model cannot plan, calls tools in circles, and asks the person what the task says already. So a task that asks
for knowledge is planned without it: the librarian is asked each question and searched, and if there is an answer, the
model words it, from a few passages, in a form that it cannot leave. That is one request for each question instead of
five for the task.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from omni_pipelines.agent.extractive import ExtractiveReasoner, answers_of, joined, report_of
from omni_pipelines.agent.model_reasoner import ModelReasoner
from omni_pipelines.agent.reasoner import Judgement, NextCall, StepResult, TaskBrief, TaskReport
from omni_pipelines.agent.report_sources import TaskSource, checked_report, cited_sources
from omni_pipelines.agent.task_questions import work_asked_for
from omni_pipelines.agent.task_state import TaskStep
from omni_pipelines.knowledge.answers.cited_answer import Answer
from omni_pipelines.knowledge.answers.prompts import prompt_of_texts
from omni_pipelines.language_models.claims import MAX_CLAIM_LENGTH, Claim, read_claims, schema

MAX_READ = 4
"""Passages that the model reads."""
MAX_READ_LENGTH = 500
"""Characters of each."""
MIN_REPEATED = 0.6
"""Share of the long words of a sentence that its sources must have."""
MIN_WORDS = 3
"""Words of a sentence."""
_WORD = re.compile(r"[^\W_]+")
_LONG_WORD = re.compile(r"[^\W\d_]{4,}")


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
        """To each question what the model says, as far as the passages support it; else the words of the sources."""
        if not _asks(brief):
            return super().report(brief)
        quoted = answers_of(brief)
        if not quoted:
            return self._librarian.report(brief)
        steps = [step for step in brief.steps if step.description in quoted]
        told = {step.description: self._worded(brief, step) or quoted[step.description] for step in steps}
        return report_of(joined(brief.task, told))

    def _worded(self, brief: TaskBrief, step: TaskStep) -> Answer | None:
        """What the model says to the question of a step; None if the passages support none of it."""
        sources = cited_sources(replace(brief, steps=(step,), past=()))[:MAX_READ]
        said = []
        for claim in self._claims(step.description, sources):
            named = [sources[unit - 1] for unit in claim.unit if 0 < unit <= len(sources)]
            if _is_sentence(claim.text, step.description) and _repeats(claim.text, named):
                said.append((claim.text, [source.number for source in named]))
        return checked_report(brief, sources, said).answer

    def _claims(self, question: str, sources: Sequence[TaskSource]) -> Sequence[Claim]:
        messages = prompt_of_texts(question, [source.text[:MAX_READ_LENGTH] for source in sources])
        turn = self._model.say("summarize", messages, schema(len(sources)))
        try:
            return read_claims(turn.text)
        except ValueError:  # it was cut off, or is no JSON: the sources are quoted then
            return []


def _is_sentence(text: str, question: str) -> bool:
    """Whether a text is whole, and says something that the question does not."""
    words = _WORD.findall(text.lower())
    is_whole = MIN_WORDS <= len(words) and len(text) < MAX_CLAIM_LENGTH  # a longer one was cut off
    return is_whole and not set(words) <= set(_WORD.findall(question.lower()))


def _repeats(text: str, sources: Sequence[TaskSource]) -> bool:
    """Whether most of the long words of a sentence are in its sources: a small model knows nothing that they lack."""
    words = _LONG_WORD.findall(text.lower())
    present = set(_LONG_WORD.findall(" ".join(source.text for source in sources).lower()))
    return bool(words) and sum(word in present for word in words) >= MIN_REPEATED * len(words)


def _asks(brief: TaskBrief) -> bool:
    """Whether a task asks for knowledge only."""
    return not work_asked_for(brief.task)

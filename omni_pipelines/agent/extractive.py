"""Reasons without a language model: a task that asks for knowledge becomes questions to the librarian."""

from collections.abc import Mapping, Sequence

from omni_pipelines.agent.reasoner import Judgement, NextCall, StepResult, TaskBrief, TaskReport
from omni_pipelines.agent.task_questions import questions_of, work_asked_for
from omni_pipelines.agent.task_state import StepStatus, TaskStep
from omni_pipelines.error_codes import CoreErrorCode
from omni_pipelines.errors import ConfigurationError, NoAnswer
from omni_pipelines.knowledge.answers.cited_answer import Answer, Citation

ASK, SEARCH = "knowledge.ask", "knowledge.search"
NEAREST = 3
"""Passages that are named where there is no answer."""


class ExtractiveReasoner:
    """Asks the librarian, and quotes what it finds.

    It searches for the nearest passages where there is no answer; with `searches`, also where there is one.
    """

    name = "extractive"
    recalls = False  # notes are entries of the knowledge base, which the librarian reads

    def __init__(self, *, searches: bool = False) -> None:
        self._searches = searches

    def clarify(self, brief: TaskBrief) -> str | None:
        """It never asks."""
        return None

    def plan(self, brief: TaskBrief) -> Sequence[TaskStep]:
        """One step per question.

        Raises:
            ConfigurationError: the task asks for more than knowledge, so it needs a language model.
        """
        if work := work_asked_for(brief.task):
            raise ConfigurationError(
                f'without a language model the agent only finds and quotes; it cannot "{work}"',
                code=CoreErrorCode.DEPENDENCY_MISSING,
                cure="set the address of a model that follows instructions, OMNI_LLM_URL=http://127.0.0.1:8080/v1, "
                "or pull one for this machine: omni model pull qwen2.5-coder-1.5b, and OMNI_LLM=qwen2.5-coder-1.5b",
            )
        return [
            TaskStep(id=str(number), description=question, tool=ASK, arguments={"question": question})
            for number, question in enumerate(questions_of(brief.task), 1)
        ]

    def act(self, brief: TaskBrief, step: TaskStep) -> NextCall | StepResult:
        """Ask, and search."""
        if not step.calls:
            return NextCall(ASK, dict(step.arguments))
        first = brief.responses(step)[0]
        searches = self._searches or first.error_code == CoreErrorCode.AGENT_NO_ANSWER
        if searches and len(step.calls) == 1:
            return NextCall(SEARCH, {"query": step.description, "k": NEAREST})
        return StepResult(is_completed=first.is_success, message=first.error_message or "")

    def judge(self, brief: TaskBrief) -> Judgement:
        """It is fulfilled if every question was answered. Asking again would change nothing."""
        open_steps = [step for step in brief.steps if step.status is not StepStatus.COMPLETED]
        if not open_steps:
            return Judgement(is_fulfilled=True)
        codes = {step.calls[0].code for step in open_steps if step.calls}
        message = "; ".join(f"{step.description}: {step.message}" for step in open_steps)
        if codes <= {CoreErrorCode.AGENT_NO_ANSWER}:
            questions = ", ".join(f'"{step.description}"' for step in open_steps)
            error = NoAnswer(f"the sources do not answer {questions}", cure="rephrase it, or ingest a source for it")
            return Judgement(is_fulfilled=False, message=message, error=error)
        failed = next(step for step in open_steps if step.calls)
        response = brief.responses(failed)[0]
        error = NoAnswer(message, code=response.error_code, cure=str(response.metadata.get("cure", "")))
        return Judgement(is_fulfilled=False, message=message, error=error)

    def reflect(self, brief: TaskBrief, problem: str) -> str:
        """Nothing: it has only one plan."""
        return ""

    def report(self, brief: TaskBrief) -> TaskReport:
        """The sentences of all answers, or the nearest passages."""
        if answers := answers_of(brief):
            return report_of(joined(brief.task, answers))
        found = [response for step in brief.steps for response in brief.responses(step)[1:] if response.is_success]
        return TaskReport(text="", nearest=tuple(_citation(hit) for response in found for hit in response.data))


def answers_of(brief: TaskBrief) -> dict[str, Answer]:
    """Question to answer, for each step in which the librarian answered."""
    return {
        step.description: Answer.model_validate(brief.responses(step)[0].data)
        for step in brief.steps
        if step.status is StepStatus.COMPLETED
    }


def report_of(answer: Answer) -> TaskReport:
    """The report that is an answer."""
    return TaskReport(text=answer.answer, answer=answer)


def joined(task: str, answers: Mapping[str, Answer]) -> Answer:
    """One answer with the sentences of several; each has its question as its label."""
    first = next(iter(answers.values()))
    if len(answers) == 1:
        return first.model_copy(update={"question": task})
    sentences = tuple(
        sentence.model_copy(update={"label": question})
        for question, answer in answers.items()
        for sentence in answer.sentences
    )
    return first.model_copy(
        update={
            "question": task,
            "answer": "\n".join(answer.answer for answer in answers.values()),
            "sentences": sentences,
            "evidence": min(answer.evidence for answer in answers.values()),
            "mode": "generative" if any(each.mode == "generative" for each in answers.values()) else first.mode,
            "subjects": (),
            "conflicts": (),  # they name sentences by number, which are others here
        }
    )


def _citation(hit: dict[str, object]) -> Citation:
    return Citation.model_validate(
        {name: hit.get(name) for name in Citation.model_fields if name in hit} | {"quote": hit["text"]}
    )

"""Reasons without a language model: a task that asks for knowledge becomes questions to the librarian."""

import re
from collections.abc import Sequence

from omni_pipelines.agent.reasoner import Judgement, NextCall, StepResult, TaskBrief, TaskReport
from omni_pipelines.agent.task_state import StepStatus, TaskStep
from omni_pipelines.error_codes import CoreErrorCode
from omni_pipelines.errors import ConfigurationError, NoAnswer
from omni_pipelines.knowledge.answers.cited_answer import Answer, Citation

ASK, SEARCH = "knowledge.ask", "knowledge.search"
NEAREST = 3
"""Passages that are named where there is no answer."""
_POLITE = re.compile(
    r"^(?:please|can you|could you|would you|will you|i want you to|i need you to|you should)\s+", re.I
)
_QUESTION = re.compile(
    r"^(?:what|who|whom|whose|which|where|when|why|how|is|are|was|were|do|does|did|has|have|had|should|may|must)\b",
    re.I,
)
_CLAUSES = re.compile(r"[,;.:!\n]+|\b(?:and|then)\b", re.I)
_WORK = frozenset(
    "add append apply build change clean commit compare compile compose configure convert copy create debug delete "
    "deploy download draft edit email execute fix format generate implement improve insert install launch make merge "
    "migrate modify move optimize optimise organize organise patch post publish push refactor release remove rename "
    "reorganize replace restructure rewrite run save send set setup start stop submit sum summarise summarize test "
    "translate troubleshoot update upgrade upload write".split()
)
"""Verbs at the beginning of a task that searching alone does not carry out."""


class ExtractiveReasoner:
    """Asks the librarian, and quotes what it finds."""

    name = "extractive"
    recalls = False  # notes are entries of the knowledge base, which the librarian reads

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
        """Ask; and if there is no answer, search for the nearest passages."""
        if not step.calls:
            return NextCall(ASK, dict(step.arguments))
        first = brief.responses(step)[0]
        if first.is_success:
            return StepResult(is_completed=True)
        if first.error_code == CoreErrorCode.AGENT_NO_ANSWER and len(step.calls) == 1:
            return NextCall(SEARCH, {"query": step.description, "k": NEAREST})
        return StepResult(is_completed=False, message=first.error_message or "")

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
        answers = [
            Answer.model_validate(brief.responses(step)[0].data)
            for step in brief.steps
            if step.status is StepStatus.COMPLETED
        ]
        if answers:
            answer = joined(brief.task, answers)
            return TaskReport(text=answer.answer, answer=answer)
        found = [response for step in brief.steps for response in brief.responses(step)[1:] if response.is_success]
        return TaskReport(text="", nearest=tuple(_citation(hit) for response in found for hit in response.data))


def work_asked_for(task: str) -> str:
    """The sentence of a task that asks for more than knowledge; "" if none does."""
    for sentence in questions_of(task):
        plain = _POLITE.sub("", sentence.strip())
        if _QUESTION.match(plain):
            continue
        for clause in _CLAUSES.split(plain):
            words = _POLITE.sub("", clause.strip()).split()
            if words and words[0].lower() in _WORK:
                return sentence
    return ""


def questions_of(task: str) -> list[str]:
    """The questions of a task, each of which ends with a question mark, or the whole task."""
    parts = [part.strip() for part in re.split(r"(?<=[?\uff1f])\s+", task) if part.strip()]
    return parts or [task]


def joined(question: str, answers: Sequence[Answer]) -> Answer:
    """One answer with the sentences of several."""
    if len(answers) == 1:
        return answers[0].model_copy(update={"question": question})
    return answers[0].model_copy(
        update={
            "question": question,
            "answer": "\n".join(answer.answer for answer in answers),
            "sentences": tuple(sentence for answer in answers for sentence in answer.sentences),
            "evidence": min(answer.evidence for answer in answers),
            "subjects": (),
            "conflicts": (),  # they name sentences by number, which are others here
        }
    )


def _citation(hit: dict[str, object]) -> Citation:
    return Citation.model_validate(
        {name: hit.get(name) for name in Citation.model_fields if name in hit} | {"quote": hit["text"]}
    )

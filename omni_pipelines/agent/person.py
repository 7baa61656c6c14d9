"""The person for whom a task is carried out: what the agent asks, and who answers."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

from omni_pipelines.error_codes import CoreErrorCode
from omni_pipelines.errors import OmniError

InquiryKind = Literal["clarify", "review", "approve", "uncertain"]
"""The task, the plan, a call, or a call that may have run before a crash."""
YES, NO = ("y", "yes"), ("n", "no")


@dataclass(frozen=True)
class Inquiry:
    """A question to the person."""

    kind: InquiryKind
    """What it is about."""
    text: str


class Person(Protocol):
    """Answers questions."""

    def answer(self, inquiry: Inquiry) -> str | None:
        """The answer; None if nobody answers now, so the task waits."""


class PreparedAnswers:
    """Gives the answers of a list, one per question; nobody answers after the last one."""

    def __init__(self, answers: Iterable[str] = ()) -> None:
        self._answers = iter(answers)

    def answer(self, inquiry: Inquiry) -> str | None:
        """The next answer of the list."""
        return next(self._answers, None)


class TaskWaits(OmniError, code=CoreErrorCode.INVALID_STATE):
    """The task waits for an answer of the person."""

    def __init__(self, inquiry: Inquiry, session: str) -> None:
        cure = f"answer it: omni run --resume {session} --answer TEXT"
        super().__init__(f"session {session} waits for an answer: {inquiry.text.splitlines()[0]}", cure=cure)
        self.inquiry = inquiry

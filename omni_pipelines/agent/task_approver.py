"""Asks the person for the approval of a call, for the gatekeeper."""

import orjson

from omni_pipelines.agent.effects import TaskEffects
from omni_pipelines.agent.person import YES, Inquiry, Person
from omni_pipelines.permissions.approvals import ApprovalAnswer, ApprovalRequest, ApprovalScope
from omni_pipelines.permissions.capabilities import names
from omni_pipelines.permissions.policies import Effect

MAX_SHOWN = 4_000
"""Characters of the arguments that are shown; longer ones have a preview, or are refused."""


class TaskApprover:
    """The approver of one task.

    What `--yes` approved beforehand is approved. But after the task has read text that somebody else wrote, the
    person must see the exact arguments of whatever writes, runs or sends.
    """

    def __init__(self, approvals: tuple[str, ...], person: Person, effects: TaskEffects) -> None:
        self._approvals, self._person, self._effects = approvals, person, effects
        self.waiting: Inquiry | None = None
        """What nobody answered."""

    def covers(self, capability: str) -> bool:
        """Whether `--yes` names a capability."""
        return any(names(pattern, capability) for pattern in self._approvals)

    def ask(self, request: ApprovalRequest) -> ApprovalAnswer | None:
        """What the person says; None if nobody answers, so the task waits."""
        is_free = request.effect is Effect.READ or not request.is_tainted
        if is_free and self.covers(request.capability):
            return ApprovalAnswer(ApprovalScope.ONCE)
        with self._effects.held():  # while the person thinks, nothing runs
            question = _text(request)
            answer = self._effects.ask(self._person, "approve", question)
            if answer is None:
                self.waiting = Inquiry("approve", question)
                return None
        return approval_of(answer)


def approval_of(answer: str) -> ApprovalAnswer:
    """An approval for once, for the session or for the project; anything else is a refusal with its reason."""
    said = answer.strip().lower()
    if said in (*YES, ApprovalScope.ONCE):
        return ApprovalAnswer(ApprovalScope.ONCE)
    if said in (ApprovalScope.SESSION, ApprovalScope.PROJECT):
        return ApprovalAnswer(ApprovalScope(said))
    return ApprovalAnswer(None, "" if said in ("n", "no") else answer.strip())


def _text(request: ApprovalRequest) -> str:
    arguments = orjson.dumps(request.arguments, option=orjson.OPT_INDENT_2).decode()
    shown = arguments if len(arguments) <= MAX_SHOWN else f"{arguments[:MAX_SHOWN]}… ({len(arguments):,} characters)"
    return "\n".join(
        part
        for part in (
            f"may {request.tool} run? {request.reason}",
            shown,
            request.preview,
            "y for once, session, project, n, or why not",
        )
        if part
    )

"""Asks the person for the approval of a call, for the gatekeeper."""

from omni_pipelines.agent.effects import TaskEffects
from omni_pipelines.agent.person import YES, Inquiry, Person
from omni_pipelines.permissions.approval_text import described
from omni_pipelines.permissions.approvals import ApprovalAnswer, ApprovalRequest, ApprovalScope
from omni_pipelines.permissions.approvers import NobodyThere, YesTo

_CHOICES = "y for once, session, project, n, or why not"


class TaskApprover:
    """The approver of one task.

    What `--yes` approved beforehand is approved. But after the task has read text that somebody else wrote, the
    person must see the exact arguments of whatever writes, runs or sends.
    """

    def __init__(self, approvals: tuple[str, ...], person: Person, effects: TaskEffects) -> None:
        self._beforehand, self._person, self._effects = YesTo(approvals, NobodyThere()), person, effects
        self.waiting: Inquiry | None = None
        """What nobody answered."""

    def covers(self, capability: str) -> bool:
        """Whether `--yes` names a capability."""
        return self._beforehand.covers(capability)

    def ask(self, request: ApprovalRequest) -> ApprovalAnswer | None:
        """What the person says; None if nobody answers, so the task waits."""
        if given := self._beforehand.ask(request):
            return given
        question = "\n".join([*described(request), _CHOICES])
        self._effects.hold()
        answer = self._effects.ask(self._person, "approve", question)
        if answer is None:
            self.waiting = Inquiry("approve", question)
            return None
        self._effects.begin()
        return approval_of(answer)


def approval_of(answer: str) -> ApprovalAnswer:
    """An approval for once, for the session or for the project; anything else is a refusal with its reason."""
    said = answer.strip().lower()
    if said in (*YES, ApprovalScope.ONCE):
        return ApprovalAnswer(ApprovalScope.ONCE)
    if said in (ApprovalScope.SESSION, ApprovalScope.PROJECT):
        return ApprovalAnswer(ApprovalScope(said))
    return ApprovalAnswer(None, "" if said in ("n", "no") else answer.strip())

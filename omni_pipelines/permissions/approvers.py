"""Approvers that ask nobody: for programs that nobody watches, and for what a person said before."""

from collections.abc import Iterable

from omni_pipelines.permissions.approvals import ApprovalAnswer, ApprovalRequest, ApprovalScope, Approver
from omni_pipelines.permissions.capabilities import check_pattern, names
from omni_pipelines.permissions.policies import Effect


class NobodyThere:
    """The approver of a program that nobody watches."""

    def ask(self, request: ApprovalRequest) -> ApprovalAnswer | None:
        """No answer."""
        return None


class YesTo:
    """Says yes to capabilities that a person named beforehand, as `--yes files:write` does, and else asks another.

    After the session has read text that somebody else wrote, that counts only for reading: nobody can name beforehand
    the exact arguments that such a text will ask for.

    Raises:
        ConfigurationError: one of the patterns is not valid.
    """

    def __init__(self, patterns: Iterable[str], otherwise: Approver) -> None:
        self._patterns, self._otherwise = tuple(map(check_pattern, patterns)), otherwise

    def covers(self, capability: str) -> bool:
        """Whether one of the patterns names a capability."""
        return any(names(pattern, capability) for pattern in self._patterns)

    def ask(self, request: ApprovalRequest) -> ApprovalAnswer | None:
        """Yes, or what the other approver says."""
        if self.covers(request.capability) and (request.effect is Effect.READ or not request.is_tainted):
            return ApprovalAnswer(ApprovalScope.ONCE)
        return self._otherwise.ask(request)

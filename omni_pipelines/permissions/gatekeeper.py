"""The gatekeeper: the one way by which agents, skills and MCP clients call tools.

A call runs only if nothing denies it, a grant or an approval allows it, and the decision is written to the audit log.
After the session has read text that somebody else wrote, whatever writes, runs or sends needs an approval of exactly
its arguments, because that text may have asked for it.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import orjson

from omni_pipelines.audit_lines import AuditEntry
from omni_pipelines.error_codes import CoreErrorCode
from omni_pipelines.errors import OmniError
from omni_pipelines.json_values import clean
from omni_pipelines.permissions.approvals import (
    Approval,
    ApprovalRequest,
    ApprovalScope,
    Approver,
    canonical,
    digest_of,
)
from omni_pipelines.permissions.approvers import NobodyThere
from omni_pipelines.permissions.capabilities import names
from omni_pipelines.permissions.files import PermissionFiles
from omni_pipelines.permissions.grants import Grant, built_in, deciding
from omni_pipelines.permissions.policies import Action, Effect, ToolPolicy, action_of, policy_of
from omni_pipelines.record_fields import now
from omni_pipelines.responses import ToolResponse
from omni_pipelines.text.secrets.masking import Masking, masked_text
from omni_pipelines.tools.catalog import ToolCatalog, refusal

MAX_AUDITED = 2_000
"""Characters of the arguments that the audit log keeps."""


@dataclass(frozen=True)
class Caller:
    """A skill that calls tools. It may ask for what it declares; what it asks for is then decided as for anybody."""

    skill: str
    permissions: tuple[str, ...]
    """Patterns of capabilities."""

    def may_ask_for(self, capability: str) -> bool:
        """Whether it declares a capability. No skill calls commands of skills."""
        return not capability.startswith("skill:") and any(names(each, capability) for each in self.permissions)


@dataclass(frozen=True)
class CallVerdict:
    """What the rules say about a call, before anybody is asked."""

    tool: str
    action: Action
    digest: str
    arguments: bytes
    """The canonical arguments."""
    is_denied: bool = False
    reason: str = ""
    """The rule that decides, or why an approval is needed."""
    needs_approval: bool = False
    cure: str = "see: omni permissions list"
    """Against a denial."""


class Gatekeeper:
    """Calls the tools of a catalog for one session. Safe to share between threads.

    Args:
        catalog: the tools.
        policies: what the program says about them; a tool without a policy may do anything as far as we know.
        files: rules, approvals and audit log.
        session: the id of the session; approvals for a session count for this id.
        approver: asks the person; without one, what needs an approval is refused and waits for one.
        granted: what the person allowed for this session only, such as by an option of the command.
        is_tainted: whether the session has already read text that somebody else wrote.
    """

    def __init__(
        self,
        catalog: ToolCatalog,
        policies: Mapping[str, ToolPolicy],
        files: PermissionFiles,
        session: str,
        approver: Approver | None = None,
        *,
        granted: Iterable[Grant] = (),
        is_tainted: bool = False,
    ) -> None:
        for name in policies:
            catalog.get_tool_schema(name)  # a policy for a tool that comes later would be a policy for anything
        self.catalog, self.session = catalog, session
        self._policies, self._files = dict(policies), files
        self._approver: Approver = approver or NobodyThere()
        self._granted, self._is_tainted = tuple(granted), is_tainted
        self._asking = threading.Lock()

    @property
    def is_tainted(self) -> bool:
        """Whether the session has read text that somebody else wrote."""
        return self._is_tainted

    def taint(self) -> None:
        """Remember that the session has read text that somebody else wrote. It is never forgotten."""
        self._is_tainted = True

    def call(
        self, tool: str, arguments: Mapping[str, object] | None = None, caller: Caller | None = None
    ) -> ToolResponse:
        """Decide about a call, write the decision down, run the call, and write its outcome down.

        A call that may not run is answered `blocked`: 2006 if a rule or a person denies it, 3004 if it needs an
        approval and nobody is there, 2004 if its arguments lead out of their scope. It is answered by an error if its
        arguments are not valid, or the audit log cannot be written.
        """
        given, call = dict(arguments or {}), uuid.uuid4().hex
        try:
            verdict = self.check(tool, given, caller)
        except OmniError as error:
            entry = AuditEntry(event="decision", session=self.session, call=call, tool=clean(tool)[:200])
            return self._refused(entry, ToolResponse.from_exception(error))
        if problems := self.catalog.validate_tool_args(tool, orjson.loads(verdict.arguments)):
            return self._refused(self._entry(call, verdict), refusal(tool, problems))
        try:
            rule = self._settle(verdict)
        except (OmniError, OSError) as error:
            return self._refused(self._entry(call, verdict), ToolResponse.from_exception(error))
        return self._run(verdict, self._entry(call, verdict, rule))

    def check(self, tool: str, arguments: Mapping[str, object], caller: Caller | None = None) -> CallVerdict:
        """What the rules say about a call. Nothing is asked, run or written down.

        Raises:
            ToolNotFoundError: there is no such tool.
            SecurityError: an argument leads out of its scope.
            ConfigurationError: the arguments are no JSON, or the file of the grants cannot be used.
        """
        definition = self.catalog.get_tool_schema(tool)
        raw = canonical(arguments)
        policy = policy_of(tool, self._policies)
        action = action_of(policy, arguments)
        rules = (*self._files.grants.read(), *self._granted, *built_in(action))
        rule = deciding(rules, action, self._files.project)
        verdict = CallVerdict(tool, action, digest_of(definition, raw), raw)
        if caller is not None and not caller.may_ask_for(action.capability):
            reason = f"the skill {caller.skill} does not declare {action.capability}"
            cure = "if it needs that, its author adds it to metadata.permissions of its SKILL.md"
            return replace(verdict, reason=reason, is_denied=True, cure=cure)
        if rule is not None and rule.decision == "deny":
            return replace(verdict, reason=f"a rule denies it: {rule}", is_denied=True)
        if rule is None:
            return replace(verdict, reason=f"no grant allows {action.capability}", needs_approval=True)
        if action.effect is not Effect.READ and self._is_tainted:
            reason = "the session has read text that somebody else wrote, which may have asked for this call"
            return replace(verdict, reason=reason, needs_approval=True)
        return replace(verdict, reason=f"a rule allows it: {rule}")

    def approve(self, tool: str, arguments: Mapping[str, object], scope: ApprovalScope) -> None:
        """Write down that the person approved a call, as in the review of a plan.

        Raises:
            OmniError: as for `check`.
        """
        self._files.approvals.add(self._approval(self.check(tool, arguments), scope))

    def _settle(self, verdict: CallVerdict) -> str:
        """What allows a call; asks the person if nothing else does.

        Raises:
            OmniError: it is denied, refused, or nobody is there to approve it.
        """
        if verdict.is_denied:
            message = f"{verdict.tool}: {verdict.reason}"
            raise OmniError(message, code=CoreErrorCode.PERMISSION_DENIED, cure=verdict.cure)
        if not verdict.needs_approval:
            return verdict.reason
        with self._asking:
            taken = self._files.approvals.take(verdict.digest, self.session, self._files.project)
            return f"approved ({taken.scope}): {taken.id}" if taken else self._ask(verdict)

    def _ask(self, verdict: CallVerdict) -> str:
        arguments = orjson.loads(verdict.arguments)
        preview = self._policy(verdict).preview
        request = ApprovalRequest(
            verdict.tool,
            arguments,
            verdict.action.capability,
            verdict.action.effect,
            verdict.digest,
            verdict.reason,
            preview(arguments),
            self._is_tainted,
        )
        answer = self._approver.ask(request)
        if answer is None:
            waiting = self._approval(verdict, ApprovalScope.ONCE, request.preview)
            self._files.approvals.wait(waiting)
            raise OmniError(
                f"{verdict.tool} needs an approval: {verdict.reason}",
                code=CoreErrorCode.COMMAND_BLOCKED,
                cure=f"read it and approve it: omni permissions approve {waiting.id}",
            )
        if answer.scope is None:
            reason = f": {answer.reason}" if answer.reason else ""
            message = f"the person refused {verdict.tool}{reason}"
            raise OmniError(message, code=CoreErrorCode.PERMISSION_DENIED, cure="do something else")
        if preview(arguments) != request.preview:
            message = f"what {verdict.tool} would change is not what was shown any more"
            raise OmniError(message, code=CoreErrorCode.SECURITY_CHECK_FAILED, cure="call it again")
        if answer.scope is not ApprovalScope.ONCE:
            self._files.approvals.add(self._approval(verdict, answer.scope))
        return f"approved ({answer.scope}): {verdict.digest[:12]}"

    def _run(self, verdict: CallVerdict, entry: AuditEntry) -> ToolResponse:
        try:
            self._files.audit.append(entry)
        except OmniError as error:
            return ToolResponse.from_exception(error)
        if self._policy(verdict).is_untrusted:
            self.taint()  # before the call: an error can quote a document as well
        response = self.catalog.call(verdict.tool, orjson.loads(verdict.arguments))
        outcome = {"event": "outcome", "status": response.status.value, "error_code": response.error_code or ""}
        try:
            self._files.audit.append(entry.model_copy(update=outcome))
        except OmniError as error:
            return ToolResponse.error(
                f"{verdict.tool} ran ({response.status}), but its outcome is not in the audit log: {error.message}",
                error.code,
                metadata={"cure": error.cure},
                retryable=False,
            )
        return response

    def _refused(self, entry: AuditEntry, response: ToolResponse) -> ToolResponse:
        reason = (response.error_message or "")[:500]
        refused = {"is_allowed": False, "rule": reason, "error_code": response.error_code or ""}
        try:
            self._files.audit.append(entry.model_copy(update=refused))
        except OmniError as failure:  # it is refused in any case
            return response.model_copy(update={"metadata": {**response.metadata, "audit": failure.message}})
        return response

    def _policy(self, verdict: CallVerdict) -> ToolPolicy:
        return policy_of(verdict.tool, self._policies)

    def _entry(self, call: str, verdict: CallVerdict, rule: str = "") -> AuditEntry:
        shown = verdict.arguments[: 4 * MAX_AUDITED].decode("utf-8", "replace")[:MAX_AUDITED]
        return AuditEntry(
            event="decision",
            session=self.session,
            call=call,
            tool=verdict.tool,
            capability=verdict.action.capability,
            effect=verdict.action.effect.value,
            arguments=masked_text(shown, Masking()),
            digest=verdict.digest,
            rule=rule,
            is_tainted=self._is_tainted,
        )

    def _approval(self, verdict: CallVerdict, scope: ApprovalScope, preview: str = "") -> Approval:
        return Approval(
            digest=verdict.digest,
            tool=verdict.tool,
            arguments=verdict.arguments.decode(),
            scope=scope,
            session=self.session,
            project=str(self._files.project),
            preview=preview,
            at=now(),
        )

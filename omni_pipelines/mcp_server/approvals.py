"""Approvals by the person at the client: a call that needs one asks them, and shows exactly its arguments.

A client of the protocol of 2026 gets the question as the answer of its call, and calls again with what the person
said. An older one is asked while its call runs. A client that cannot ask gets the refusal that says how to approve.
"""

import asyncio
import concurrent.futures
import contextvars
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError, NoBackChannelError
from mcp_types import CallToolRequestParams, ElicitRequest, ElicitRequestFormParams, ElicitResult, InputRequiredResult
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from omni_pipelines.error_codes import CoreErrorCode
from omni_pipelines.errors import OmniError
from omni_pipelines.permissions.approval_text import described
from omni_pipelines.permissions.approvals import ApprovalAnswer, ApprovalRequest, ApprovalScope

ANSWER_SECONDS = 300.0
MAX_SHOWN = 10_000
"""Characters of a question. A call that needs more waits for `omni permissions approve`: nothing is cut off."""
_KEY = "approval"
_SCOPES = (ApprovalScope.ONCE, ApprovalScope.SESSION)
_FORM: dict[str, Any] = {
    "type": "object",
    "properties": {
        "allow": {
            "type": "string",
            "title": "Allow exactly this call",
            "enum": ["no", *(scope.value for scope in _SCOPES)],
            "default": "no",
        }
    },
    "required": ["allow"],
}


class _Asked(OmniError, code=CoreErrorCode.COMMAND_BLOCKED):
    """The person at the client is asked; the client calls again."""


class ClientQuestion:
    """The questions of one call to the person at its client."""

    def __init__(self, context: ServerRequestContext[Any, Any], params: CallToolRequestParams) -> None:
        self._context, self._params, self._loop = context, params, asyncio.get_running_loop()
        self.asked: InputRequiredResult | None = None
        """The question, if the client has to call again with its answer."""

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Ask this client for the approvals of what is called in the block."""
        token = _question.set(self)
        try:
            yield
        finally:
            _question.reset(token)

    def ask(self, request: ApprovalRequest) -> ApprovalAnswer | None:
        """The answer of the person; None if the client cannot ask, or could not show all of it.

        Raises:
            OmniError: the client has to call again with the answer.
        """
        capabilities = self._context.session.client_capabilities
        message = "\n".join(described(request))
        if capabilities is None or capabilities.elicitation is None or len(message) > MAX_SHOWN:
            return None
        if self._context.protocol_version not in MODERN_PROTOCOL_VERSIONS:
            return self._ask_now(message)
        given = (self._params.input_responses or {}).get(_KEY)
        if isinstance(given, ElicitResult) and self._params.request_state == request.digest:
            return _answer(given)
        form = ElicitRequestFormParams(message=message, requested_schema=_FORM)
        question = {_KEY: ElicitRequest(params=form)}
        self.asked = InputRequiredResult(input_requests=question, request_state=request.digest)
        raise _Asked(f"{request.tool}: the person at the client is asked")

    def _ask_now(self, message: str) -> ApprovalAnswer | None:
        asking = self._context.session.elicit_form(message, _FORM, self._context.request_id)
        future = asyncio.run_coroutine_threadsafe(asking, self._loop)
        try:
            return _answer(future.result(ANSWER_SECONDS))
        except concurrent.futures.TimeoutError:
            future.cancel()
            return ApprovalAnswer(reason="no answer in time")
        except (NoBackChannelError, MCPError):
            return None


_question: contextvars.ContextVar[ClientQuestion | None] = contextvars.ContextVar("client_question", default=None)


class ClientApprover:
    """Asks the client of the call that runs in the present thread."""

    def ask(self, request: ApprovalRequest) -> ApprovalAnswer | None:
        """The answer of the person; None if there is no client that could ask."""
        question = _question.get()
        return question.ask(request) if question is not None else None


def _answer(result: ElicitResult) -> ApprovalAnswer:
    allowed = (result.content or {}).get("allow") if result.action == "accept" else None
    scope = next((scope for scope in _SCOPES if scope.value == allowed), None)
    return ApprovalAnswer(scope)

"""The tools of a task: all that ship, and the commands of trusted skills; each call through the gatekeeper."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from omni_pipelines.agent.session import TaskSession
from omni_pipelines.agent_tools.shipped import ShippedTools, shipped_tools
from omni_pipelines.agent_tools.skill_commands import SkillCommands
from omni_pipelines.configuration import load_settings
from omni_pipelines.home import Home
from omni_pipelines.permissions.approvals import Approver
from omni_pipelines.permissions.files import permission_files
from omni_pipelines.permissions.gatekeeper import Gatekeeper
from omni_pipelines.permissions.policies import Effect, ToolPolicy, policy_of
from omni_pipelines.responses import ToolResponse
from omni_pipelines.skills.library import SkillLibrary
from omni_pipelines.tools.definition import ToolAnnotations, ToolDefinition
from omni_pipelines.tools.signature import tool


@dataclass(frozen=True)
class GatedTools:
    """Tools behind a gatekeeper."""

    shipped: ShippedTools
    gatekeeper: Gatekeeper

    @property
    def tools(self) -> Sequence[ToolDefinition]:
        """All tools. What one says about its own harm is replaced by what its policy says."""
        return [self._known(each) for each in self.shipped.catalog.tools]

    def call(self, name: str, arguments: Mapping[str, object]) -> ToolResponse:
        """Let the gatekeeper decide about a call, and make it."""
        return self.gatekeeper.call(name, arguments)

    def capability(self, name: str) -> str:
        """The capability that a tool needs."""
        return policy_of(name, self.shipped.policies).capability

    def _known(self, definition: ToolDefinition) -> ToolDefinition:
        policy = policy_of(definition.name, self.shipped.policies)
        if policy.is_known:
            reads = policy.effect is Effect.READ
            hints = definition.annotations.model_copy(update={"read_only_hint": reads})
        else:
            hints = ToolAnnotations()
        return definition.model_copy(update={"annotations": hints})


class SessionTexts:
    """The texts that a session keeps."""

    def __init__(self, session: TaskSession) -> None:
        self._session = session

    @tool("task.output", title="Read a text that was cut", category="task", read_only=True)
    def output(
        self,
        name: str,
        start: Annotated[int, Field(ge=0)] = 0,
        length: Annotated[int, Field(ge=1, le=20_000)] = 4_000,
    ) -> str:
        """Read part of a long result that was cut in the conversation.

        Args:
            name: The name that stands where it was cut.
            start: The first character.
            length: Number of characters.
        """
        return self._session.text(name)[start : start + length]


def gated_tools(home: Home, session: TaskSession, approver: Approver | None = None) -> GatedTools:
    """The tools of a session. One that has called a tool before may have read what somebody else wrote."""
    shipped = shipped_tools(home, session.record.release)
    shipped.catalog.add(SessionTexts(session).output)
    shipped.policies["task.output"] = ToolPolicy("task:output", Effect.READ)
    skills = SkillCommands(SkillLibrary(home), load_settings(home).cache)
    gatekeeper = skills.gatekeeper(
        shipped, permission_files(home), session.id, approver, is_tainted=session.effects_file.exists()
    )
    return GatedTools(shipped, gatekeeper)
